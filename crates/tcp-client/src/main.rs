//! `tcp-client`: the client. See the library for how it works.

use std::process::ExitCode;

fn main() -> ExitCode {
    netcommon::cli::main(tcp_client::run)
}
