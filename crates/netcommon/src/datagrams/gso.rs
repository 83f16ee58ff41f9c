//! Datagrams of one size to one peer, cut by the kernel (generic segmentation offload, `UDP_SEGMENT`).

use std::io;
use std::net::UdpSocket;

use nix::errno::Errno;

/// Sends datagrams of one size over a connected socket. Linux takes many in one call
/// (`UDP_SEGMENT`, udp(7)), in a tenth of the time of as many calls; where it does not, they are sent
/// one by one.
#[derive(Clone, Debug)]
pub struct GsoSender {
    is_supported: bool,
}

impl Default for GsoSender {
    fn default() -> Self {
        Self {
            is_supported: cfg!(target_os = "linux"),
        }
    }
}

impl GsoSender {
    /// Datagrams of `size` bytes that one call takes: 64 (`UDP_MAX_SEGMENTS`), within the largest
    /// datagram that IP carries.
    pub fn max_segments(size: usize) -> usize {
        (65_507 / size.max(1)).clamp(1, 64)
    }

    /// Sends `segments`, datagrams of `size` bytes one behind the other, and returns how many were sent.
    ///
    /// # Errors
    ///
    /// The reason why not even the first was sent; perhaps an ICMP error that an earlier datagram met
    /// with (udp(7)).
    pub fn send(&mut self, socket: &UdpSocket, segments: &[u8], size: usize) -> io::Result<usize> {
        let size = size.max(1);
        if segments.len() > size && self.is_supported {
            match send_segments(socket, segments, size) {
                Err(error) if is_refused(error) => {
                    log::debug!("datagrams are sent one by one: {error}");
                    self.is_supported = false;
                }
                sent => return Ok(sent?.div_ceil(size)),
            }
        }
        send_singly(socket, segments, size)
    }
}

fn send_singly(socket: &UdpSocket, segments: &[u8], size: usize) -> io::Result<usize> {
    let mut sent = 0;
    for datagram in segments.chunks(size) {
        match socket.send(datagram) {
            Ok(_) => sent += 1,
            Err(error) if sent == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(sent)
}

#[cfg(target_os = "linux")]
fn send_segments(socket: &UdpSocket, segments: &[u8], size: usize) -> Result<usize, Errno> {
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

    let size = u16::try_from(size).map_err(|_| Errno::EINVAL)?;
    let control = [ControlMessage::UdpGsoSegments(&size)];
    let slices = [io::IoSlice::new(segments)];
    sendmsg::<()>(
        socket.as_raw_fd(),
        &slices,
        &control,
        MsgFlags::empty(),
        None,
    )
}

#[cfg(not(target_os = "linux"))]
fn send_segments(_: &UdpSocket, _: &[u8], _: usize) -> Result<usize, Errno> {
    Err(Errno::EOPNOTSUPP)
}

/// Datagrams that do not fit the path's packets are not cut (`EINVAL`, `EMSGSIZE`), nor are any where
/// the interface cannot compute checksums (`EIO`) or the kernel is old.
pub(super) fn is_refused(error: Errno) -> bool {
    use Errno::{EINVAL, EIO, EMSGSIZE, ENOSYS, EOPNOTSUPP};
    matches!(error, EINVAL | EIO | EMSGSIZE | ENOSYS | EOPNOTSUPP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn segments_arrive_as_datagrams_whether_or_not_the_kernel_cuts_them() {
        let many: Vec<u8> = (0..64_u8).flat_map(|number| [number; 100]).collect();
        for (segments, size) in [(many, 100), (vec![7; 65_507], 65_507)] {
            for is_supported in [true, false] {
                let server = UdpSocket::bind("127.0.0.1:0").unwrap();
                let timeout = Some(Duration::from_secs(60));
                server.set_read_timeout(timeout).unwrap();
                let client = UdpSocket::bind("127.0.0.1:0").unwrap();
                client.connect(server.local_addr().unwrap()).unwrap();

                let mut sender = GsoSender { is_supported };
                let sent = sender.send(&client, &segments, size).unwrap();
                assert_eq!(sent, segments.len() / size);
                let mut received = vec![0; 65_536];
                for expected in segments.chunks(size) {
                    let length = server.recv(&mut received).unwrap();
                    assert_eq!(&received[..length], expected);
                }
            }
        }
    }

    #[test]
    fn one_call_takes_64_datagrams_or_the_bytes_of_the_largest() {
        let most = [32, 1_400, 65_507].map(GsoSender::max_segments);
        assert_eq!(most, [64, 46, 1]);
    }
}
