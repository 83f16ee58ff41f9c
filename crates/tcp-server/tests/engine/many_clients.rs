//! Many clients of few workers: none is lost, none is served by two workers at once, none is forgotten.
//!
//! Seeded clients fall silent, leave their echo unread, stream, half-close, vanish and reset.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, TryLockError};
use std::thread;
use std::time::Duration;

use netcommon::address::Endpoint;
use tcp_server::inspect::Chunk;

use crate::running::{Running, connect, exchange, read_back};

const CLIENTS_AT_ONCE: u64 = 12;
const CLIENTS_EACH: u64 = 4;
const STEPS: usize = 12;

/// A small generator (xorshift64*): the same seed, the same client.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % bound
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        let (first, count) = (self.below(256) as u8, 1 + self.below(most));
        (0..count)
            .map(|n| first.wrapping_add((n % 251) as u8))
            .collect()
    }
}

/// What the workers do, as the inspector sees it.
#[derive(Default)]
struct Inspection {
    /// How far the bytes of each client have been served.
    served: Mutex<HashMap<Endpoint, Arc<Mutex<u64>>>>,
    violations: Mutex<Vec<String>>,
}

impl Inspection {
    /// Runs in the worker, which holds the client's entry for as long as it looks at the bytes.
    fn inspect(&self, chunk: Chunk<'_>) {
        let entry = Arc::clone(self.served.lock().unwrap().entry(chunk.peer).or_default());
        let violation = match entry.try_lock() {
            Ok(mut served) => {
                // An address comes back with another client, which begins anew.
                let in_order = chunk.offset == 0 || chunk.offset == *served;
                thread::yield_now();
                *served = chunk.offset + chunk.bytes.len() as u64;
                (!in_order).then_some("bytes out of order")
            }
            Err(TryLockError::WouldBlock) => Some("two workers at once"),
            Err(TryLockError::Poisoned(_)) => None,
        };
        let Chunk { peer, offset, .. } = chunk;
        let line = violation.map(|what| format!("{what}: {peer} at {offset}"));
        self.violations.lock().unwrap().extend(line);
    }
}

/// Sends far more than the buffers on the way hold, and begins to read after a while.
fn stall(client: &mut TcpStream, message: &[u8], pause: Duration) {
    let mut writer = client.try_clone().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || writer.write_all(message).unwrap());
        thread::park_timeout(pause);
        read_back(client, message);
    });
}

/// Falls silent, and hears nothing either: no byte comes twice.
fn rest(client: &mut TcpStream, pause: Duration) {
    let before = client.read_timeout().unwrap();
    client.set_read_timeout(Some(pause)).unwrap();
    let error = client.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    client.set_read_timeout(before).unwrap();
}

fn leave(mut client: TcpStream, dice: &mut Dice) {
    let last = dice.bytes(3000);
    match dice.below(4) {
        0 => {
            client.write_all(&last).unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            let mut echo = Vec::new();
            client.read_to_end(&mut echo).unwrap();
            assert!(echo == last);
        }
        // Closing with echo unread is a reset.
        1 => client.write_all(&last).unwrap(),
        2 => socket2::SockRef::from(&client)
            .set_linger(Some(Duration::ZERO))
            .unwrap(),
        _ => {}
    }
}

/// One client from its first word to its end.
fn visit(mut client: TcpStream, dice: &mut Dice) {
    for _ in 0..STEPS {
        let pause = Duration::from_millis(1 + dice.below(50));
        match dice.below(10) {
            0 => stall(&mut client, &dice.bytes(1 << 20), 2 * pause),
            1..4 => rest(&mut client, pause),
            _ => exchange(&mut client, &dice.bytes(5000)),
        }
    }
    leave(client, dice);
}

fn serve_all(threads: usize) {
    let inspection = Arc::new(Inspection::default());
    let inspector = Arc::clone(&inspection);
    let server = Running::start(threads, Arc::new(move |chunk| inspector.inspect(chunk)));
    thread::scope(|scope| {
        for seed in 1..=CLIENTS_AT_ONCE {
            let address = server.address;
            scope.spawn(move || {
                let mut dice = Dice(seed * 7919 + threads as u64);
                (0..CLIENTS_EACH).for_each(|_| visit(connect(address), &mut dice));
            });
        }
    });
    let lines = server.finish();
    assert_eq!(*inspection.violations.lock().unwrap(), Vec::<String>::new());
    let count = |event: &str| lines.iter().filter(|line| line.contains(event)).count() as u64;
    assert_eq!(count("\"connected\""), CLIENTS_AT_ONCE * CLIENTS_EACH);
    assert_eq!(count("\"closed\""), CLIENTS_AT_ONCE * CLIENTS_EACH);
    assert_eq!(count("\"failed\""), 0);
}

#[test]
fn one_worker_serves_all_by_turns() {
    serve_all(1);
}

#[test]
fn few_workers_share_many_clients() {
    serve_all(3);
}

#[test]
fn each_client_may_have_a_worker() {
    serve_all(64);
}
