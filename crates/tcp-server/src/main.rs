//! `tcp-server`: the echo server. See the library for how it works.

use std::process::ExitCode;

fn main() -> ExitCode {
    netcommon::cli::main(tcp_server::run)
}
