//! The Rust version that the workspace promises, against what its dependencies ask for.
//!
//! One toolchain cannot tell whether an older one accepts this code. What it can tell is here, and in
//! clippy's `incompatible_msrv`, which knows since when the standard library has what the code uses.

use serde_json::Value;

use crate::harness::program::with_cargo;
use crate::harness::{With, run};

/// Every package of the lock file, for all platforms and with what the tests need.
fn packages() -> Vec<Value> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let cargo = with_cargo(env!("CARGO"), "metadata --format-version 1 --locked");
    let end = run(cargo.with(["--manifest-path", manifest]));
    end.assert_code(0);
    let metadata: Value = serde_json::from_str(end.text()).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Versions compare as numbers: 1.9 is older than 1.88. A package that promises none is not judged.
fn minimum(package: &Value) -> Option<Vec<u32>> {
    let version = package["rust_version"].as_str()?;
    let numbers = version.split('.').map(|part| part.parse().unwrap());
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.resize(3, 0);
    Some(numbers)
}

#[test]
fn no_dependency_needs_a_newer_rust_than_the_workspace_promises() {
    let packages = packages();
    let (ours, others): (Vec<_>, Vec<_>) = packages
        .iter()
        .partition(|package| package["source"].is_null());
    let promised = minimum(ours[0]).expect("the workspace promises a version");
    for package in ours {
        assert_eq!(minimum(package).as_ref(), Some(&promised));
    }
    assert!(others.len() > 50, "{} dependencies", others.len());
    for package in others {
        let needed = minimum(package).unwrap_or_default();
        assert!(needed <= promised, "{}", package["id"]);
    }
}
