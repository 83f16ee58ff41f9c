//! A connected socket's datagrams, for a program that measures: when the kernel took each in, and the
//! ICMP error that came instead.
//!
//! # Layout
//!
//! - `linux`: all of it
//! - `portable`: datagrams alone
//! - `icmp`: the meaning of an ICMP error

mod icmp;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod portable;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;

use std::time::Duration;

pub use icmp::IcmpError;
#[cfg(target_os = "linux")]
pub use linux::{dropped, icmp_error, prepare, receive};
#[cfg(not(target_os = "linux"))]
pub use portable::{dropped, icmp_error, prepare, receive};

/// Bytes of the largest message: datagrams that the kernel joined are no longer together.
pub const MAX_MESSAGE: usize = 65_535;

/// One datagram, or several of one size that the kernel joined (`UDP_GRO`, udp(7)).
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    segment: Option<usize>,
    /// How long it has waited in this machine, as far as the kernel tells.
    pub waited: Option<Duration>,
}

impl<'a> Message<'a> {
    /// Its datagrams, apart again.
    pub fn datagrams(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        super::segments(self.bytes, self.segment)
    }

    /// Whether it holds several: then a message that the kernel drops may have, too.
    pub fn is_coalesced(&self) -> bool {
        self.segment.is_some_and(|size| size < self.bytes.len())
    }
}
