//! Addresses as people type them, what they stand for, and how they are shown.
//!
//! # Layout
//!
//! - [`Target`]: `HOST:PORT`, before the name is looked up
//! - [`resolve()`]: the addresses behind a name, of a [`Family`]
//! - [`BindAddress`]: the local address of a client's socket
//! - [`Group`]: a multicast group, and the interface to join it on
//! - [`Endpoint`]: an address and a port, shown
//! - `name`: names that a resolver is not asked as they are
//! - `zone`: the interface behind `fe80::1%eth0`

mod bind;
mod endpoint;
mod group;
mod name;
mod resolve;
mod target;
mod zone;

pub use bind::{BindAddress, parse_bind_address};
pub use endpoint::Endpoint;
pub use group::{Group, parse_group};
pub use resolve::{Family, resolve, resolve_first};
pub use target::{DEFAULT_HOST, DEFAULT_PORT, Target};

pub(crate) use zone::explain_missing_zone;
