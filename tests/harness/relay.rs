//! A UDP path made in the test, which decides by lot what becomes of each probe, and knows the truth
//! about it.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use super::echoes::hold_up;
use super::fate::{COPY_DELAY, DELAY, Fate, Lots, Truth};
use super::probes::{HEADER, Header};
use super::udp::connected_to;

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
