//! People at a terminal: typing to a server, and watching a file go.

use std::net::SocketAddr;
use std::process::Stdio;

use crate::harness::compat::{tcp_client, tcp_server, wait_until};
use crate::harness::data::noise;
use crate::harness::peers::serve_one;
use crate::harness::process::Running;
use crate::harness::terminal::Terminal;

fn start_server() -> (Running, SocketAddr) {
    let mut command = tcp_server();
    command.args(["-p", "0"]);
    let server = Running::start(command);
    let address = server.listening();
    (server, address)
}

#[test]
fn what_is_typed_is_sent_at_once_and_the_reply_is_shown() {
    let (_server, address) = start_server();
    let mut terminal = Terminal::open();
    let mut command = tcp_client();
    command.args(["-f", "-", &address.to_string()]);
    command
        .stdin(terminal.stdio())
        .stdout(terminal.stdio())
        .stderr(terminal.stdio());
    let mut client = command.spawn().unwrap();
    drop(command);
    terminal.read_until("Ctrl-D ends");
    terminal.type_keys("hola\n");
    // Once from the terminal's own echo, once from the server.
    let screen = terminal.read_until("hola\r\nhola\r\n");
    assert!(!screen.contains('\u{1b}'), "{screen:?}");
    terminal.type_keys("adios\n");
    terminal.read_until("adios\r\nadios\r\n");
    terminal.type_keys("\x04");
    assert_eq!(wait_until(&mut client).unwrap().code(), Some(0));
}

#[test]
fn a_server_that_says_goodbye_ends_an_interactive_client() {
    let server =
        serve_one(|mut stream| std::io::Write::write_all(&mut stream, b"adios\n").unwrap());
    let mut terminal = Terminal::open();
    let mut command = tcp_client();
    command.args(["-f", "-", &server.to_string()]);
    command
        .stdin(terminal.stdio())
        .stdout(terminal.stdio())
        .stderr(Stdio::null());
    let mut client = command.spawn().unwrap();
    drop(command);
    terminal.read_until("adios");
    assert_eq!(wait_until(&mut client).unwrap().code(), Some(0));
}

#[test]
fn a_file_s_reply_reaches_a_terminal_escaped_line_by_line() {
    let server = serve_one(|mut stream| {
        let _ = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
        std::io::Write::write_all(&mut stream, b"uno\n\x1b[2Jdos\xff\n").unwrap();
    });
    let terminal = Terminal::open();
    let mut command = tcp_client();
    command.args(["-f", "/dev/null", &server.to_string()]);
    command
        .stdin(Stdio::null())
        .stdout(terminal.stdio())
        .stderr(Stdio::null());
    let mut client = command.spawn().unwrap();
    drop(command);
    assert_eq!(terminal.read_to_end(), "uno\r\n\\u{1b}[2Jdos\\xff\r\n");
    assert_eq!(wait_until(&mut client).unwrap().code(), Some(0));
}

/// Standard error of a client that sends a file of 32 MiB, on a terminal, with standard output in a file.
fn errors_while_sending(arguments: &[&str]) -> String {
    let (_server, address) = start_server();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("noise");
    std::fs::write(&path, noise(1, 32 << 20)).unwrap();
    let terminal = Terminal::open();
    let mut command = tcp_client();
    command
        .args(["-e", "-f"])
        .arg(&path)
        .arg(address.to_string())
        .args(arguments);
    command
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(directory.path().join("echo")).unwrap());
    command.stderr(terminal.stdio());
    let mut client = command.spawn().unwrap();
    drop(command);
    let screen = terminal.read_to_end();
    assert_eq!(wait_until(&mut client).unwrap().code(), Some(0));
    assert!(std::fs::read(directory.path().join("echo")).unwrap() == noise(1, 32 << 20));
    screen
}

#[test]
fn a_progress_bar_shows_bytes_rate_and_time_left_on_a_terminal() {
    let screen = errors_while_sending(&[]);
    for part in ["/32.00 MiB", "/s", "left"] {
        assert!(screen.contains(part), "no '{part}' in {screen:?}");
    }
}

#[test]
fn quiet_draws_no_progress_bar() {
    assert_eq!(errors_while_sending(&["-q"]), "");
}
