//! Bytes that are given in hexadecimal digits.

use crate::harness::{Server, TcpClient, TcpServer, UdpClient, receive, run, socket_on};

#[test]
fn bytes_given_in_hexadecimal_are_sent_as_they_are() {
    let server = Server::start(TcpServer, "");
    let receiver = socket_on("127.0.0.1");
    let peer = receiver.local_addr().unwrap();
    for written in ["deadbeef00", "DE:AD:BE:EF:00", "de ad be ef 00"] {
        let arguments = ["--data-hex", written];
        let end = run(TcpClient.to(server.address, ["--raw", "-e", "--data-hex", written]));
        assert_eq!(end.assert_clean().stdout, b"\xde\xad\xbe\xef\x00");
        run(UdpClient.to(peer, arguments)).assert_clean();
        assert_eq!(receive(&receiver), b"\xde\xad\xbe\xef\x00");
    }
}

#[test]
fn digits_that_are_no_bytes_are_exit_2_and_named() {
    for program in [TcpClient, UdpClient] {
        for (digits, named) in [
            ("00 0g", "'g' at place 5"),
            ("00:0", "'0' has an odd number of hexadecimal digits (1)"),
            ("abc", "'abc' has an odd number"),
        ] {
            let refused = run(program.command(["--data-hex", digits]));
            refused.assert_error(2, &["usage", "--data-hex", named]);
        }
        for others in ["-m a", "-f a", "-c 1"] {
            let refused = run(program.command(&format!("--data-hex 00 {others}")));
            refused.assert_error(2, &["usage", "--data-hex", "cannot be used with"]);
        }
    }
}
