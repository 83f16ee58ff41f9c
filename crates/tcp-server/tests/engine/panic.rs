//! A panic in the service of one client ends that client alone; one elsewhere ends no server silently.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::thread;

use netcommon::ErrorKind;
use tcp_server::inspect::Chunk;

use crate::running::{Lines, Running, connect, exchange};

fn panic_on_marker(chunk: Chunk<'_>) {
    assert!(!chunk.bytes.ends_with(b"panic"), "as the test wants it");
}

#[test]
fn a_panic_in_the_service_of_one_client_ends_that_client_alone() {
    // With one thread the others are served by the very worker in which it happened.
    for threads in [1, 4] {
        let server = Running::start(threads, Arc::new(panic_on_marker));
        let mut neighbours: Vec<_> = (0..10).map(|_| connect(server.address)).collect();
        for round in 0..5_u8 {
            let mut victim = connect(server.address);
            victim.write_all(b"panic").unwrap();
            assert_eq!(victim.read(&mut [0]).unwrap(), 0);
            for neighbour in &mut neighbours {
                exchange(neighbour, &[round]);
            }
        }
        drop(neighbours);
        let lines = server.finish();
        let count = |event: &str| lines.iter().filter(|line| line.contains(event)).count();
        assert_eq!(count("\"failed\""), 5);
        assert_eq!(count("\"finished\""), 10);
    }
}

/// A standard output that makes workers panic, which write when a client has left.
struct Trap;

impl Write for Trap {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        assert_ne!(
            thread::current().name(),
            Some("worker"),
            "as the test wants it"
        );
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_server_ends_with_an_error_when_a_worker_has_failed() {
    let server = Running::start_with(2, Arc::new(|_| {}), Trap, Lines::default());
    drop(connect(server.address));
    let error = server.thread.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LocalLimit);
    assert!(error.to_string().contains("a worker has failed"), "{error}");
}
