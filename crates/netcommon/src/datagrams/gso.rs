//! Trains: datagrams of one size that go to one peer, one right behind the other.

use std::io;
use std::net::UdpSocket;

/// Sends trains over a connected socket. On Linux the kernel cuts a whole train into datagrams
/// (`UDP_SEGMENT`, udp(7)), which takes a tenth of the time of as many calls; where it does not, they
/// are sent one by one.
#[derive(Debug)]
pub struct GsoSender {
    is_cut_by_kernel: bool,
}

impl Default for GsoSender {
    fn default() -> Self {
        Self {
            is_cut_by_kernel: cfg!(target_os = "linux"),
        }
    }
}

impl GsoSender {
    /// How many datagrams of `size` bytes a train may have: 64 (`UDP_MAX_SEGMENTS`), within the
    /// largest datagram that IP carries.
    pub fn max_segments(size: usize) -> usize {
        (65_507 / size.max(1)).clamp(1, 64)
    }

    /// Sends the datagrams of `size` bytes that lie one behind the other in `train`, and returns how
    /// many were sent.
    ///
    /// # Errors
    ///
    /// The reason why not even the first was sent; perhaps an ICMP error that an earlier datagram met
    /// with (udp(7)).
    pub fn send(&mut self, socket: &UdpSocket, train: &[u8], size: usize) -> io::Result<usize> {
        if train.len() > size && self.is_cut_by_kernel {
            match send_whole(socket, train, size) {
                Err(error) if is_about_cutting(&error) => {
                    log::debug!("datagrams are sent one by one: {error}");
                    self.is_cut_by_kernel = false;
                }
                sent => return sent.map(|bytes| bytes / size),
            }
        }
        send_singly(socket, train, size)
    }
}

fn send_singly(socket: &UdpSocket, train: &[u8], size: usize) -> io::Result<usize> {
    let mut sent = 0;
    for datagram in train.chunks(size.max(1)) {
        match socket.send(datagram) {
            Ok(_) => sent += 1,
            Err(error) if sent == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(sent)
}

#[cfg(target_os = "linux")]
fn send_whole(socket: &UdpSocket, train: &[u8], size: usize) -> io::Result<usize> {
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

    let size = u16::try_from(size).map_err(io::Error::other)?;
    let control = [ControlMessage::UdpGsoSegments(&size)];
    let pieces = [io::IoSlice::new(train)];
    let flags = MsgFlags::empty();
    let sent = sendmsg::<()>(socket.as_raw_fd(), &pieces, &control, flags, None)?;
    Ok(sent)
}

#[cfg(not(target_os = "linux"))]
fn send_whole(_: &UdpSocket, _: &[u8], _: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Datagrams that do not fit the path's packets are not cut (`EINVAL`), nor are any where the
/// interface cannot compute checksums (`EIO`) or the kernel is old.
fn is_about_cutting(error: &io::Error) -> bool {
    use io::ErrorKind as Io;
    let is_refused = matches!(error.kind(), Io::InvalidInput | Io::Unsupported);
    // EIO and EMSGSIZE have no kind of their own; 5 and 90 are their numbers on Linux (errno(3)).
    is_refused || matches!(error.raw_os_error(), Some(5 | 90 | 95))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn pair() -> (UdpSocket, UdpSocket) {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        server
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.connect(server.local_addr().unwrap()).unwrap();
        (server, client)
    }

    #[test]
    fn a_train_arrives_as_its_datagrams_whoever_cuts_it() {
        let train: Vec<u8> = (0..64_u8).flat_map(|number| [number; 100]).collect();
        for is_cut_by_kernel in [true, false] {
            let (server, client) = pair();
            let mut sender = GsoSender { is_cut_by_kernel };
            assert_eq!(sender.send(&client, &train, 100).unwrap(), 64);
            for expected in train.chunks(100) {
                let mut received = [0; 200];
                let length = server.recv(&mut received).unwrap();
                assert_eq!(&received[..length], expected);
            }
        }
    }

    #[test]
    fn a_single_datagram_is_a_train_too() {
        let (server, client) = pair();
        let sent = GsoSender::default().send(&client, &[7; 65_507], 65_507);
        assert_eq!(sent.unwrap(), 1);
        assert_eq!(server.recv(&mut vec![0; 65_536]).unwrap(), 65_507);
    }

    #[test]
    fn trains_are_as_long_as_one_call_takes() {
        assert_eq!(GsoSender::max_segments(32), 64);
        assert_eq!(GsoSender::max_segments(1_400), 46);
        assert_eq!(GsoSender::max_segments(65_507), 1);
    }
}
