//! A panic in the service of one client ends that client alone.

use std::io::{Read, Write};
use std::sync::Arc;

use tcp_server::tap::Piece;

use crate::running::{Running, connect};

fn panic_on_marker(piece: Piece<'_>) {
    assert!(!piece.bytes.ends_with(b"panic"), "as the test wants it");
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
                neighbour.write_all(&[round]).unwrap();
                let mut echo = [u8::MAX];
                neighbour.read_exact(&mut echo).unwrap();
                assert_eq!(echo, [round]);
            }
        }
        drop(neighbours);
        let lines = server.finish();
        let failed = lines.iter().filter(|line| line.contains("\"failed\""));
        assert_eq!(failed.count(), 5);
        let finished = lines.iter().filter(|line| line.contains("\"finished\""));
        assert_eq!(finished.count(), 10);
    }
}
