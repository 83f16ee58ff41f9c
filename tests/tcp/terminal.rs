//! People at a terminal: typing to a server, and watching a file go.

use std::fs::{self, File};
use std::io::Write;
use std::process::Stdio;

use crate::harness::{
    Running, Server, TcpClient, TcpServer, Terminal, noise, reply_with, serve_one,
};

#[test]
fn what_is_typed_is_sent_at_once_and_the_reply_is_shown() {
    let server = Server::start(TcpServer, "");
    let mut terminal = Terminal::open();
    let client = terminal.start(TcpClient.to(server.address, "-f -"));
    terminal.read_until("Ctrl-D ends");
    terminal.type_keys("hola\n");
    // Once from the terminal's own echo, once from the server.
    let screen = terminal.read_until("hola\r\nhola\r\n");
    assert!(!screen.contains('\u{1b}'), "{screen:?}");
    terminal.type_keys("adios\n");
    terminal.read_until("adios\r\nadios\r\n");
    terminal.type_keys("\x04");
    client.wait().assert_code(0);
}

#[test]
fn a_server_that_says_goodbye_ends_an_interactive_client() {
    let server = serve_one(|mut stream| stream.write_all(b"adios\n").unwrap());
    let mut terminal = Terminal::open();
    let client = terminal.start(TcpClient.to(server, "-f -"));
    terminal.read_until("has closed the connection");
    client.wait().assert_code(0);
}

#[test]
fn a_file_s_reply_reaches_a_terminal_escaped_line_by_line() {
    let server = reply_with(b"uno\n\x1b[2Jdos\xff\n");
    let terminal = Terminal::open();
    let mut command = TcpClient.to(server, "-f /dev/null");
    command.stdin(Stdio::null()).stdout(terminal.stdio());
    command.stderr(Stdio::piped());
    let client = Running::spawn(command);
    assert_eq!(terminal.read_to_end(), "uno\r\n\\u{1b}[2Jdos\\xff\r\n");
    client.wait().assert_clean();
}

/// Standard error, a terminal, of a client that sends a file of 32 MiB with standard output in a file.
fn errors_while_sending(arguments: &str) -> String {
    let server = Server::start(TcpServer, "");
    let directory = tempfile::tempdir().unwrap();
    let (input, output) = (directory.path().join("in"), directory.path().join("out"));
    fs::write(&input, noise(1, 32 << 20)).unwrap();
    let terminal = Terminal::open();
    let mut command = TcpClient.to(server.address, arguments);
    command.args(["-e", "-f"]).arg(&input).stdin(Stdio::null());
    command.stdout(File::create(&output).unwrap());
    command.stderr(terminal.stdio());
    let client = Running::spawn(command);
    let screen = terminal.read_to_end();
    client.wait().assert_code(0);
    assert!(fs::read(output).unwrap() == noise(1, 32 << 20));
    screen
}

#[test]
fn a_progress_bar_shows_bytes_rate_and_time_left_unless_quiet() {
    let screen = errors_while_sending("");
    for part in ["/32.00 MiB", "/s", "left"] {
        assert!(screen.contains(part), "no '{part}' in {screen:?}");
    }
    assert_eq!(errors_while_sending("-q"), "");
}
