//! A UDP path made in the test, which decides by lot what becomes of each probe, and knows the truth
//! about it.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::ops::AddAssign;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use super::echoes::hold_up;
use super::probes::{HEADER, Header};
use super::udp::connected_to;

/// What happens to a probe on its way, there or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Passed,
    Lost,
    /// Followed by a copy.
    Copied,
    /// Followed by a copy after [`COPY_DELAY`].
    CopiedLate,
    /// Followed by a copy with another byte.
    CopiedDamaged,
    /// Followed by bytes that are no probe.
    FollowedByNoise,
    /// With another byte behind the header.
    BodyDamaged,
    /// With another byte in the header.
    HeaderDamaged,
    /// Cut behind the header.
    CutShort,
    /// Cut within the header.
    CutToPieces,
    /// With bytes added at the end.
    Padded,
    /// Behind the next one that is answered.
    Swapped,
    /// After [`DELAY`].
    Late,
}

/// How long a late probe is kept: longer than the clients of the tests wait (2 s), and not so long
/// that they have given it up (4 s).
pub(crate) const DELAY: Duration = Duration::from_millis(2_500);

/// How long a late copy is kept: shorter than what is left of the run.
const COPY_DELAY: Duration = Duration::from_millis(100);

/// What became of the probes, as client or server have to tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) late: u64,
    pub(crate) lost: u64,
    pub(crate) corrupted: u64,
    pub(crate) duplicate: u64,
    pub(crate) reordered: u64,
    pub(crate) unmatched: u64,
}

impl AddAssign for Truth {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.late += other.late;
        self.lost += other.lost;
        self.corrupted += other.corrupted;
        self.duplicate += other.duplicate;
        self.reordered += other.reordered;
        self.unmatched += other.unmatched;
    }
}

impl Fate {
    /// What a client has to tell of a probe with this fate.
    pub(crate) fn truth(self) -> Truth {
        let received = Truth {
            sent: 1,
            received: 1,
            ..Truth::default()
        };
        let none = Truth {
            sent: 1,
            ..Truth::default()
        };
        match self {
            Self::Passed => received,
            Self::Lost => Truth { lost: 1, ..none },
            Self::Copied | Self::CopiedLate | Self::CopiedDamaged => Truth {
                duplicate: 1,
                ..received
            },
            Self::FollowedByNoise => Truth {
                unmatched: 1,
                ..received
            },
            Self::BodyDamaged | Self::CutShort | Self::Padded => Truth {
                corrupted: 1,
                ..none
            },
            Self::HeaderDamaged | Self::CutToPieces => Truth {
                lost: 1,
                unmatched: 1,
                ..none
            },
            Self::Swapped => Truth {
                reordered: 1,
                ..received
            },
            Self::Late => Truth {
                late: 1,
                reordered: 1,
                ..none
            },
        }
    }

    /// What a server has to tell of a probe that meets with this fate on its way there: it knows no
    /// time to be late after, and takes noise for a message.
    fn server_truth(self) -> Truth {
        let truth = self.truth();
        Truth {
            received: truth.received + truth.late,
            late: 0,
            unmatched: if self == Self::FollowedByNoise {
                0
            } else {
                truth.unmatched
            },
            ..truth
        }
    }

    /// Whether the first reply is right and in time, and nothing holds it up.
    fn is_prompt(self) -> bool {
        self.truth().received == 1 && self != Self::Swapped
    }
}

/// What a path does to whom.
#[derive(Clone, Debug)]
pub(crate) struct Lots {
    pub(crate) seed: u64,
    /// Fates to draw from, beside [`Fate::Passed`].
    pub(crate) fates: Vec<Fate>,
    /// Of so many probes one is not just passed.
    pub(crate) one_in: u64,
    /// Probes of each flow; the first is passed, so that the server knows the flow, and so is the last,
    /// behind which nothing is on its way.
    pub(crate) count: u64,
    /// Numbers that are lost without exception.
    pub(crate) outage: std::ops::Range<u64>,
}

impl Lots {
    /// The fate of a probe, and whether it meets with it on its way back.
    pub(crate) fn draw(&self, flow: u16, number: u64) -> (Fate, bool) {
        let (fate, is_back) = self.raw(flow, number);
        // A late reply is out of order where the next one was right, and it is late where the run
        // still goes on.
        let is_late = || number <= self.count / 4 && self.raw(flow, number + 1).0.is_prompt();
        match fate {
            Fate::Late if !is_late() => (Fate::Passed, is_back),
            Fate::CopiedLate if number > self.count / 4 => (Fate::Copied, is_back),
            fate => (fate, is_back),
        }
    }

    fn raw(&self, flow: u16, number: u64) -> (Fate, bool) {
        let lot = mixed(self.seed ^ (u64::from(flow) << 48) ^ number);
        if self.outage.contains(&number) {
            return (Fate::Lost, false);
        }
        let is_at_an_end = number == 1 || number >= self.count;
        if is_at_an_end || self.fates.is_empty() || !lot.is_multiple_of(self.one_in) {
            return (Fate::Passed, false);
        }
        let fate = self.fates[(lot >> 8) as usize % self.fates.len()];
        (fate, (lot >> 32) & 1 == 1)
    }
}

/// SplitMix64.
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A path between a client with any number of flows and a server.
pub(crate) struct Relay {
    /// Where the client sends to.
    pub(crate) entrance: SocketAddr,
    truths: Arc<Mutex<Truths>>,
}

#[derive(Default)]
struct Truths {
    client: Truth,
    /// By the address that the server sees.
    servers: HashMap<SocketAddr, Truth>,
}

impl Relay {
    /// Makes a path to `server`.
    pub(crate) fn to(server: SocketAddr, lots: Lots) -> Self {
        let near = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
        hold_all(&near);
        let relay = Self {
            entrance: near.local_addr().expect("an address"),
            truths: Arc::default(),
        };
        let truths = Arc::clone(&relay.truths);
        thread::spawn(move || carry_there(&near, server, &lots, &truths));
        relay
    }

    /// What the client has to tell.
    pub(crate) fn truth(&self) -> Truth {
        self.truths.lock().expect("no panic").client
    }

    /// What the server has to tell of each address, which is what happened on the way there.
    pub(crate) fn server_truths(&self) -> HashMap<SocketAddr, Truth> {
        self.truths.lock().expect("no panic").servers.clone()
    }
}

/// A path that is not on a processor for a while loses nothing by that.
fn hold_all(socket: &UdpSocket) {
    let granted = SockRef::from(socket).set_recv_buffer_size(4 << 20);
    granted.expect("the kernel grants what it may");
}

fn carry_there(near: &UdpSocket, server: SocketAddr, lots: &Lots, truths: &Arc<Mutex<Truths>>) {
    let mut flows: HashMap<SocketAddr, (UdpSocket, Way)> = HashMap::new();
    let mut buffer = vec![0; 1 << 16];
    while let Ok((length, client)) = near.recv_from(&mut buffer) {
        let datagram = &buffer[..length];
        let (far, way) = flows
            .entry(client)
            .or_insert_with(|| open_flow(near, client, server, lots));
        if let Some(header) = Header::of_message(datagram) {
            let (fate, is_back) = lots.draw(header.flow, header.number);
            let there = if is_back { Fate::Passed } else { fate };
            let mut truths = truths.lock().expect("no panic");
            truths.client += fate.truth();
            let exit = far.local_addr().expect("an address");
            *truths.servers.entry(exit).or_default() += there.server_truth();
        }
        way.carry(datagram, lots, false);
    }
}

/// The way there, and a thread for the way back.
fn open_flow(
    near: &UdpSocket,
    client: SocketAddr,
    server: SocketAddr,
    lots: &Lots,
) -> (UdpSocket, Way) {
    let far = connected_to(server);
    hold_all(&far);
    let there = far.try_clone().expect("a descriptor");
    let back = far.try_clone().expect("a descriptor");
    let (near, lots) = (near.try_clone().expect("a descriptor"), lots.clone());
    thread::spawn(move || {
        let mut way = Way::new(move |datagram| drop(near.send_to(datagram, client)));
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length) = back.recv(&mut buffer) {
            way.carry(&buffer[..length], &lots, true);
        }
    });
    (far, Way::new(move |datagram| drop(there.send(datagram))))
}

type Sender = dyn Fn(&[u8]) + Send + Sync;

/// One direction of one flow.
struct Way {
    send: Arc<Sender>,
    swapped: Vec<Vec<u8>>,
}

impl Way {
    fn new(send: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        Self {
            send: Arc::new(send),
            swapped: Vec::new(),
        }
    }

    /// Lets a datagram meet with its fate, if that waits on this way.
    fn carry(&mut self, datagram: &[u8], lots: &Lots, is_back: bool) {
        let Some(header) = Header::of_message(datagram) else {
            return (self.send)(datagram);
        };
        let (fate, is_met_back) = lots.draw(header.flow, header.number);
        if is_met_back == is_back {
            self.meet(datagram, fate, header.number);
        } else {
            (self.send)(datagram);
        }
        if fate.is_prompt() {
            self.swapped.drain(..).for_each(|held| (self.send)(&held));
        }
    }

    fn meet(&mut self, datagram: &[u8], fate: Fate, number: u64) {
        let at = |from: usize, to: usize| from + number as usize % (to - from);
        let behind_header = at(HEADER, datagram.len());
        match fate {
            Fate::Passed => (self.send)(datagram),
            Fate::Lost => {}
            Fate::Copied => [datagram; 2].iter().for_each(|copy| (self.send)(copy)),
            Fate::CopiedLate => {
                (self.send)(datagram);
                self.send_after(COPY_DELAY, datagram);
            }
            Fate::CopiedDamaged => {
                (self.send)(datagram);
                (self.send)(&damaged(datagram, behind_header));
            }
            Fate::FollowedByNoise => {
                (self.send)(datagram);
                (self.send)(b"noise");
            }
            Fate::BodyDamaged => (self.send)(&damaged(datagram, behind_header)),
            Fate::HeaderDamaged => (self.send)(&damaged(datagram, at(6, HEADER))),
            Fate::CutShort => (self.send)(&datagram[..behind_header]),
            Fate::CutToPieces => (self.send)(&datagram[..at(6, HEADER)]),
            Fate::Padded => (self.send)(&[datagram, b"padding"].concat()),
            Fate::Swapped => self.swapped.push(datagram.to_vec()),
            Fate::Late => self.send_after(DELAY, datagram),
        }
    }

    fn send_after(&self, time: Duration, datagram: &[u8]) {
        let (send, datagram) = (Arc::clone(&self.send), datagram.to_vec());
        thread::spawn(move || {
            hold_up(time);
            send(&datagram);
        });
    }
}

fn damaged(datagram: &[u8], at: usize) -> Vec<u8> {
    let mut damaged = datagram.to_vec();
    damaged[at] ^= 0x5a;
    damaged
}
