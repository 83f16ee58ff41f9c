//! What the kernel dropped for a socket, for want of room in its receive buffer above all.

use std::fs;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

/// The kernel's counter of a socket. It has 32 bits, and is read with a datagram (`SO_RXQ_OVFL`, as
/// of its arrival) and from `/proc` (as of now).
#[derive(Default)]
pub(super) struct DropCounter {
    total: u64,
}

impl DropCounter {
    /// Takes a reading in; one that is older than what is known already changes nothing.
    pub(super) fn observe(&mut self, reading: u32) {
        let ahead = reading.wrapping_sub(self.total as u32);
        if ahead <= u32::MAX / 2 {
            self.total += u64::from(ahead);
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }
}

/// The counter as of now, from the kernel's table of UDP sockets (proc_pid_net(5)).
pub(super) fn read_counter(socket: &UdpSocket) -> Option<u32> {
    let link = format!("/proc/self/fd/{}", socket.as_raw_fd());
    let inode = fs::metadata(link).ok()?.ino();
    let table = if socket.local_addr().ok()?.is_ipv6() {
        "/proc/self/net/udp6"
    } else {
        "/proc/self/net/udp"
    };
    drops_of(inode, &fs::read_to_string(table).ok()?)
}

/// A line ends with: inode, references, pointer, drops.
fn drops_of(inode: u64, table: &str) -> Option<u32> {
    let inode = inode.to_string();
    table.lines().find_map(|line| {
        let mut fields = line.split_whitespace();
        if fields.nth(9)? != inode {
            return None;
        }
        fields.nth(2)?.parse::<i64>().ok().map(|drops| drops as u32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_counts_once_and_an_older_one_never_and_32_bits_may_wrap() {
        let table = [
            ([0, 3, 10, 4, 10], 10),
            ([1 << 30, 1 << 31, 3 << 30, u32::MAX, 5], (1 << 32) + 5),
        ];
        for (readings, total) in table {
            let mut counter = DropCounter::default();
            for reading in readings {
                counter.observe(reading);
            }
            assert_eq!(counter.total(), total);
        }
    }

    #[test]
    fn the_line_of_a_socket_is_found_by_its_inode() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            \x20 353: 0100007F:04D2 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 17465 2 0000000000000000 42\n\
            \x20 354: 0100007F:04D3 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 42 2 0000000000000000 7\n";
        assert_eq!(drops_of(17_465, table), Some(42));
        assert_eq!(drops_of(42, table), Some(7));
        assert_eq!(drops_of(1, table), None);
    }

    #[test]
    fn an_open_socket_is_in_the_table() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let socket = UdpSocket::bind(address).unwrap();
            assert_eq!(read_counter(&socket), Some(0));
        }
    }
}
