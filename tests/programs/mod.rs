//! All four programs, and the documents that show them.
//!
//! - `arguments`: bad arguments and help
//! - `completions`: what shells offer at Tab
//! - `data_hex`: bytes in hexadecimal digits
//! - `descriptors`: servers that may open few files
//! - `full_disk`: clients that cannot write
//! - `generated`: man pages and completions as texts
//! - `injection`: hostile text in arguments and from peers
//! - `manual`: examples and events that help and man pages show
//! - `names`: names, zones and addresses
//! - `package`: what packaging refuses
//! - `readme`: every command of README and docs
//! - `services`: servers under a service manager
//! - `sockets`: socket options as a peer or a second server sees them
//! - `standard_input`: of any kind, in any mode, and not asked for
//! - `standard_output`: a full disk, a reader that has left
//! - `standard_streams`: streams that do not block, that nobody reads, that may not grow
//! - `signals`: signals in every mode, ignored ones, and process 1
//! - `units`: the units of the servers under a real systemd
//! - `minimum_rust`: the Rust version that the workspace promises

mod arguments;
mod completions;
mod data_hex;
mod descriptors;
mod full_disk;
mod generated;
mod injection;
mod manual;
mod minimum_rust;
mod names;
mod package;
mod readme;
mod services;
mod signals;
mod sockets;
mod standard_input;
mod standard_output;
mod standard_streams;
mod units;
