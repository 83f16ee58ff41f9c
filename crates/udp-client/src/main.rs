//! The program `udp-client`; everything it does is in the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    netcommon::cli::main(udp_client::run)
}
