//! Fair turns: clients that stream without pause do not keep others from being served.

use std::time::Instant;

use crate::harness::{Server, TcpServer, alone, assert_echoes, connect, crowd};

#[test]
fn clients_that_stream_share_the_workers_with_each_other_and_with_a_ninth() {
    let _machine = alone();
    let server = Server::start(TcpServer, "--json --max-threads 2");
    // Said when each client has so many bytes back: one that is passed over fails the test.
    let role = "stream --clients 8 --warm-up 20000000";
    let crowd = crowd(server.address, role);
    assert_eq!(crowd.event()["event"], "streaming");
    let mut ninth = connect(server.address);
    let start = Instant::now();
    for _ in 0..20 {
        assert_echoes(&mut ninth, b"a word");
    }
    let each = start.elapsed() / 20;
    println!("beside 8 streams on 2 threads a word takes {each:?}");
    drop(crowd);
    server.interrupt().assert_code(0);
}
