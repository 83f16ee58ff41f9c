//! A worker with clients that would wait for their turns hands one off to a worker that sleeps.

use std::collections::HashMap;
use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, ThreadId};
use std::time::Instant;

use netcommon::address::Endpoint;
use tcp_server::inspect::Chunk;

use crate::running::{DEADLINE, Running, connect, exchange, read_back};

/// The worker that served each client last.
type Workers = Arc<Mutex<HashMap<Endpoint, ThreadId>>>;

#[test]
fn a_worker_that_sleeps_is_given_one_of_two_clients_and_keeps_it() {
    let workers = Workers::default();
    let gate = Arc::new(Mutex::new(()));
    let (at_gate, arrivals) = mpsc::channel();
    let server = Running::start(2, {
        let (workers, gate) = (Arc::clone(&workers), Arc::clone(&gate));
        Arc::new(move |chunk: Chunk<'_>| {
            let worker = thread::current().id();
            workers.lock().unwrap().insert(chunk.peer, worker);
            if chunk.bytes == b"wait" {
                at_gate.send(()).unwrap();
                drop(gate.lock().unwrap());
            }
        })
    });
    let worker = |client: &TcpStream| workers.lock().unwrap()[&client.local_addr().unwrap().into()];
    let mut clients: Vec<_> = (0..4).map(|_| connect(server.address)).collect();
    for client in &mut clients {
        exchange(client, b"hola");
    }
    let [mut first, second, mut third, fourth] = <[_; 4]>::try_from(clients).unwrap();
    assert_eq!(worker(&first), worker(&third));
    assert_eq!(worker(&second), worker(&fourth));
    assert_ne!(worker(&first), worker(&second));
    drop((second, fourth));

    let start = Instant::now();
    while worker(&first) == worker(&third) {
        assert!(start.elapsed() < DEADLINE, "no client is handed off");
        // While its worker is held up, both clients become ready.
        let held_up = gate.lock().unwrap();
        first.write_all(b"wait").unwrap();
        arrivals.recv_timeout(DEADLINE).unwrap();
        first.write_all(b"and this").unwrap();
        third.write_all(b"this, too").unwrap();
        drop(held_up);
        read_back(&mut first, b"waitand this");
        read_back(&mut third, b"this, too");
    }
    let moved = [worker(&first), worker(&third)];
    for _ in 0..20 {
        exchange(&mut first, b"one");
        exchange(&mut third, b"after the other");
        assert_eq!([worker(&first), worker(&third)], moved);
    }
    drop((first, third));
    server.finish();
}
