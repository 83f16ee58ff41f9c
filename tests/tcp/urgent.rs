//! Urgent data is echoed in its place, at once.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;

use nix::sys::socket::{MsgFlags, send};

use crate::harness::{Server, TcpServer, connect};

#[test]
fn urgent_bytes_come_back_between_the_others() {
    let server = Server::start(TcpServer, "");
    let mut client = connect(server.address);
    client.set_nodelay(true).unwrap();
    for round in 0..50 {
        client.write_all(b"before").unwrap();
        let sent = send(client.as_raw_fd(), b"!", MsgFlags::MSG_OOB);
        assert_eq!(sent, Ok(1));
        // The server gets no further event: it has to read across the mark by itself.
        if round % 2 == 0 {
            client.write_all(b"behind").unwrap();
        }
        let expected: &[u8] = [b"before!".as_slice(), b"before!behind"][(round + 1) % 2];
        let mut echo = vec![0; expected.len()];
        client.read_exact(&mut echo).unwrap();
        assert_eq!(echo, expected);
    }
    server.interrupt();
}
