//! Tests over the real binaries, in the release profile that is shipped.

mod harness;
