//! The kernel's drops for a socket, for want of room in its receive buffer above all.

use std::os::fd::AsFd;

use crate::socket::memory_info::MemoryInfo;

/// The kernel's counter of a socket since it was opened, as of now.
pub(super) fn read_counter(socket: &impl AsFd) -> Option<u32> {
    MemoryInfo::of(socket).map(|memory| memory.drops)
}

/// Drops since a base was taken. The kernel's counter has 32 bits, and is read with a datagram
/// (`SO_RXQ_OVFL`, as of its arrival) and by itself (`SO_MEMINFO`, as of now).
pub(super) struct DropCounter {
    base: u32,
    total: u64,
}

impl DropCounter {
    /// Counts from a first reading.
    pub(super) fn since(base: u32) -> Self {
        Self { base, total: 0 }
    }

    /// Takes a reading in; one that is older than what is known already changes nothing.
    pub(super) fn observe(&mut self, reading: u32) {
        let ahead = reading
            .wrapping_sub(self.base)
            .wrapping_sub(self.total as u32);
        if ahead <= u32::MAX / 2 {
            self.total += u64::from(ahead);
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn base(&self) -> u32 {
        self.base
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    #[test]
    fn a_reading_counts_once_and_an_older_one_never_and_32_bits_may_wrap() {
        let table = [
            (0, [0, 3, 10, 4, 10], 10),
            (3, [0, 3, 10, 4, 10], 7),
            (0, [1 << 30, 1 << 31, 3 << 30, u32::MAX, 5], (1 << 32) + 5),
            (u32::MAX, [u32::MAX, 0, 1, 2, 1], 3),
        ];
        for (base, readings, total) in table {
            let mut counter = DropCounter::since(base);
            for reading in readings {
                counter.observe(reading);
            }
            assert_eq!(counter.total(), total);
        }
    }

    #[test]
    fn an_open_socket_has_a_counter() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let socket = UdpSocket::bind(address).unwrap();
            assert_eq!(read_counter(&socket), Some(0));
        }
    }
}
