//! The four binaries, built once by the first test that needs them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

macro_rules! binary {
    ($function:ident, $package:literal) => {
        #[doc = concat!("A command that runs `", $package, "`.")]
        pub(crate) fn $function() -> Command {
            static PATH: OnceLock<PathBuf> = OnceLock::new();
            command(PATH.get_or_init(|| build($package)))
        }
    };
}

binary!(tcp_server, "tcp-server");
binary!(tcp_client, "tcp-client");
binary!(udp_server, "udp-server");
binary!(udp_client, "udp-client");

fn build(package: &str) -> PathBuf {
    escargot::CargoBuild::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .package(package)
        .bin(package)
        .release()
        .run()
        .unwrap_or_else(|error| panic!("cannot build {package}: {error}"))
        .path()
        .to_owned()
}

/// Locale and log settings of whoever runs the tests must not change what the programs say.
fn command(path: &Path) -> Command {
    let mut command = Command::new(path);
    for variable in ["LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE", "RUST_LOG"] {
        command.env_remove(variable);
    }
    command
}
