//! Refusals of `scripts/package.sh` before it builds anything.

use std::path::Path;

use crate::harness::{With, installed, run};

#[test]
fn a_release_has_a_maintainer_and_an_address() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/package.sh");
    let script = script.to_str().unwrap();
    let manifest = include_str!("../../Cargo.toml");
    let placeholder = "has a placeholder for the project's homepage";
    for (name, address, refusal) in [
        (
            "",
            "",
            "DEBFULLNAME and DEBEMAIL have to name the maintainer",
        ),
        (
            "A. Person",
            "",
            "DEBFULLNAME and DEBEMAIL have to name the maintainer",
        ),
        ("A. Person", "person@localhost.localdomain", placeholder),
    ] {
        if refusal == placeholder && !manifest.contains("https://example.org") {
            // The project has an address by now, and this would be a release.
            return;
        }
        let Some(bash) = installed("bash", [script, "--release"]) else {
            return;
        };
        let named = bash
            .with_env("DEBFULLNAME", name)
            .with_env("DEBEMAIL", address);
        run(named).assert_error(1, &["package: --release: ", refusal]);
    }
}
