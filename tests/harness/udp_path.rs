//! A UDP path made in the test: it loses, doubles, swaps, damages and delays as the test says.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use super::data::noise;
use super::echoes::hold_up;
use super::udp::connected_to;

/// How long a datagram of the fate [`Fate::Late`] is kept.
pub(crate) const LATE: Duration = Duration::from_secs(3);

/// What happens to a datagram on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Passed,
    Lost,
    /// Delivered twice, one right behind the other.
    Doubled,
    /// Delivered behind the next that is passed or doubled.
    Swapped,
    /// Delivered with another byte at this offset.
    Damaged(usize),
    /// Delivered after [`LATE`].
    Late,
}

/// Fates for `count` datagrams of `length` bytes, drawn by lot from `seed`. The first is passed, so
/// that the receiver knows its sender, and so is the last, behind which nothing is on its way.
pub(crate) fn drawn(seed: u64, count: usize, length: usize) -> Vec<Fate> {
    let lots = noise(seed, count * 2);
    let mut fates: Vec<Fate> = lots
        .chunks(2)
        .map(|lot| match lot[0] % 16 {
            0 | 1 => Fate::Lost,
            2 => Fate::Doubled,
            3 => Fate::Swapped,
            // Without its magic and version, a probe would be just any datagram.
            4 => Fate::Damaged(5 + usize::from(lot[1]) % (length - 5)),
            _ => Fate::Passed,
        })
        .collect();
    fates[0] = Fate::Passed;
    fates[count - 1] = Fate::Passed;
    fates
}

/// How many of `fates` are like one of `wanted`.
pub(crate) fn tally(fates: &[Fate], wanted: impl Fn(&Fate) -> bool) -> u64 {
    fates.iter().filter(|fate| wanted(fate)).count() as u64
}

/// A path between one client and a server.
pub(crate) struct Path {
    /// Where the client sends to.
    pub(crate) entrance: SocketAddr,
    /// Whom the server hears.
    pub(crate) exit: SocketAddr,
}

/// Makes a path to `server`. The nth datagram each way has the nth of its fates; what comes behind
/// them is passed.
pub(crate) fn path_to(server: SocketAddr, there: Vec<Fate>, back: Vec<Fate>) -> Path {
    let near = Arc::new(UdpSocket::bind("127.0.0.1:0").expect("a port is free"));
    let far = Arc::new(connected_to(server));
    let path = Path {
        entrance: near.local_addr().expect("an address"),
        exit: far.local_addr().expect("an address"),
    };
    let client = Arc::new(OnceLock::new());
    let (from, to, known) = (Arc::clone(&near), Arc::clone(&far), Arc::clone(&client));
    thread::spawn(move || {
        let send = move |datagram: &[u8]| drop(to.send(datagram));
        carry(there, send, |buffer| {
            let (length, peer) = from.recv_from(buffer).ok()?;
            known.get_or_init(|| peer);
            Some(length)
        });
    });
    thread::spawn(move || {
        let send = move |datagram: &[u8]| {
            let client = client.get().expect("a client that was answered");
            drop(near.send_to(datagram, client));
        };
        carry(back, send, |buffer| far.recv(buffer).ok());
    });
    path
}

fn carry(
    fates: Vec<Fate>,
    send: impl Fn(&[u8]) + Clone + Send + 'static,
    receive: impl Fn(&mut [u8]) -> Option<usize>,
) {
    let mut fates = fates.into_iter();
    let mut swapped: Vec<Vec<u8>> = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    while let Some(length) = receive(&mut buffer) {
        let datagram = &mut buffer[..length];
        let fate = fates.next().unwrap_or(Fate::Passed);
        match fate {
            Fate::Lost => {}
            Fate::Swapped => swapped.push(datagram.to_vec()),
            Fate::Damaged(offset) => {
                datagram[offset] ^= 0x5a;
                send(datagram);
            }
            Fate::Late => send_late(datagram.to_vec(), send.clone()),
            Fate::Passed => send(datagram),
            Fate::Doubled => [&datagram, &datagram].iter().for_each(|copy| send(copy)),
        }
        if matches!(fate, Fate::Passed | Fate::Doubled) {
            swapped.drain(..).for_each(|held| send(&held));
        }
    }
}

fn send_late(datagram: Vec<u8>, send: impl Fn(&[u8]) + Send + 'static) {
    thread::spawn(move || {
        hold_up(LATE);
        send(&datagram);
    });
}

/// An echo server of the test's own that `treat`s each datagram, numbered from 1, before it answers.
pub(crate) fn echo_datagrams(treat: impl Fn(u64) + Send + 'static) -> SocketAddr {
    let server = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let address = server.local_addr().expect("an address");
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        for number in 1.. {
            let Ok((length, client)) = server.recv_from(&mut buffer) else {
                return;
            };
            treat(number);
            drop(server.send_to(&buffer[..length], client));
        }
    });
    address
}
