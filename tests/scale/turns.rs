//! Fair turns: who talks without pause does not keep others from being served.

use std::time::Instant;

use crate::harness::compat::{serve, tcp_server};
use crate::harness::crowd::crowd;
use crate::harness::one_at_a_time;
use crate::harness::peers::{assert_echoes, connect};

#[test]
fn clients_that_stream_share_the_workers_with_each_other_and_with_a_ninth() {
    let _machine = one_at_a_time();
    let (server, address) = serve(tcp_server(), &["--max-threads", "2"]);
    // Said when each has so many bytes back, so one that is passed over ends the test.
    let role = ["stream", "--clients", "8", "--warm-up", "20000000"];
    let crowd = crowd(address, role);
    assert_eq!(crowd.event()["event"], "streaming");
    let mut ninth = connect(address);
    let start = Instant::now();
    for _ in 0..20 {
        assert_echoes(&mut ninth, b"a word");
    }
    println!(
        "beside 8 streams on 2 threads a word takes {:?}",
        start.elapsed() / 20
    );
    drop(crowd);
    server.interrupt().assert_code(0);
}
