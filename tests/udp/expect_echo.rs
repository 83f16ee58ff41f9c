//! `udp-client --expect-echo`: replies that are the echo, late, wrong, or do not come.

use std::net::{SocketAddr, UdpSocket};
use std::thread;

use crate::harness::{Server, UdpClient, UdpServer, run, run_with, socket_on};

/// A server of the test's own that treats its datagrams as `behave` says.
fn serve(behave: impl FnOnce(&UdpSocket) + Send + 'static) -> SocketAddr {
    let server = socket_on("127.0.0.1");
    let address = server.local_addr().unwrap();
    thread::spawn(move || behave(&server));
    address
}

/// Receives a datagram, sends `replies` in its place, and returns its sender.
fn answer(server: &UdpSocket, replies: &[&[u8]]) {
    let (_, client) = server.recv_from(&mut [0; 64]).unwrap();
    for reply in replies {
        server.send_to(reply, client).unwrap();
    }
}

#[test]
fn an_echo_is_success_without_a_time_to_wait() {
    let server = Server::start(UdpServer, "--echo");
    let end = run_with(
        UdpClient.to(server.address, "-e --lines --raw"),
        "uno\n\ndos\n",
    );
    assert_eq!(end.assert_clean().text(), "unodos");
}

#[test]
fn a_wrong_reply_is_exit_1_with_the_first_difference_and_both_sides() {
    for (reply, difference) in [
        (b"hole".as_slice(), "offset 3: sent 61, received 65"),
        (b"hol", "offset 3: sent 61, received nothing more"),
        (b"hola!", "offset 4: nothing more was sent, received 21"),
        (b"", "offset 0: sent 68 6f 6c 61, received nothing more"),
    ] {
        let server = serve(move |server| answer(server, &[reply]));
        let end = run(UdpClient.to(server, "-q -e -m hola -w 30s"));
        let parts = ["check failed", &server.to_string(), difference];
        end.assert_error(1, &parts);
    }
}

#[test]
fn a_demanded_echo_that_does_not_come_is_exit_5() {
    let silent = socket_on("127.0.0.1");
    let end = run(UdpClient.to(silent.local_addr().unwrap(), "-e -m hola"));
    end.assert_error(5, &["no reply", "timed out after 2s"]);
}

#[test]
fn a_late_echo_of_an_earlier_line_is_not_the_answer_to_this_one() {
    let server = serve(|server| {
        answer(server, &[]);
        answer(server, &[b"uno", b"dos", b"dos"]);
        answer(server, &[b"tres"]);
    });
    let client = UdpClient.to(server, "-e --lines -w 3s --lang en");
    let end = run_with(client, "uno\ndos\ntres\n");
    end.assert_error(5, &["no reply", "to 1 of 3 datagrams"]);
    let label = "\n[+] Message received from the server: ";
    assert_eq!(end.text(), format!("{label}dos\n{label}tres\n"));
}
