//! Servers that may open few files.

use crate::harness::surroundings::with_open_files;
use crate::harness::{
    Server, TcpServer, UdpServer, With, assert_echoes, connect, connected_to, receive, run,
};

#[test]
fn a_server_that_could_serve_nobody_refuses_to_start() {
    for program in [TcpServer, UdpServer] {
        for limit in ["-n 5", "-n 8", "-n 12", "-n 15"] {
            let end = run(with_open_files(limit, program).with("-p 0"));
            end.assert_error(8, &["local limit", "open files", "ulimit -n"]);
            assert_eq!(end.text(), "");
        }
    }
}

#[test]
fn a_server_that_starts_with_few_descriptors_serves() {
    for limit in ["-n 19", "-n 20", "-n 24"] {
        let server = Server::start_command(with_open_files(limit, TcpServer).with("-p 0"));
        assert_echoes(&mut connect(server.address), b"served");
        server.interrupt().assert_code(0);
    }
    let server = Server::start_command(with_open_files("-n 16", UdpServer).with("-e -p 0"));
    let client = connected_to(server.address);
    client.send(b"served").unwrap();
    assert_eq!(receive(&client), b"served");
    server.interrupt().assert_clean();
}
