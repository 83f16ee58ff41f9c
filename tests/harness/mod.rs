//! What the tests share: the binaries, running programs, peers that misbehave, and data.

#![allow(dead_code, reason = "each test module uses its own part")]

pub(crate) mod binaries;
pub(crate) mod crowd;
pub(crate) mod data;
pub(crate) mod echoes;
pub(crate) mod figures;
pub(crate) mod measured;
pub(crate) mod peers;
pub(crate) mod probes;
pub(crate) mod process;
pub(crate) mod python;
pub(crate) mod terminal;
pub(crate) mod udp;
pub(crate) mod udp_path;

use std::time::Duration;

/// How long anything may take before a test gives up on it. Nothing is measured against it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
