//! The eight experiments of the lesson, at a terminal.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};

use socket2::{Domain, Socket, Type};

use crate::harness::{
    Program, Running, Server, TcpClient, TcpServer, Terminal, UdpClient, UdpServer, With,
    closed_port, connect, eventually, run,
};

/// A program at a terminal that waits for Enter before each call.
struct Learner {
    terminal: Terminal,
    _program: Running,
    address: SocketAddr,
}

impl Learner {
    /// A server in steps, on a port that was free.
    fn serve(program: Program, arguments: &str) -> Self {
        let (terminal, address) = (Terminal::open(), closed_port());
        let command = program.to(address, "--explain=step").with(arguments);
        Self {
            _program: terminal.start(command),
            terminal,
            address,
        }
    }

    /// Presses Enter until the program asks for it before `call`; returns the screen.
    fn press_until(&mut self, call: &str) -> String {
        let mut screen = self.terminal.read_until("] ");
        while !screen.contains(&format!("para {call}(")) {
            self.terminal.type_keys("\n");
            screen = self.terminal.read_until("] ");
        }
        screen
    }

    /// Presses Enter once, and reads until `text` is on the screen.
    fn press_and_read(&mut self, text: &str) -> String {
        self.terminal.type_keys("\n");
        self.terminal.read_until(text)
    }

    /// Presses Enter more often than there are calls to come.
    fn press_on(&mut self) {
        self.terminal.type_keys(&"\n".repeat(20));
    }
}

/// A program at a terminal without steps, to its end.
fn at_terminal(command: std::process::Command) -> (Option<i32>, String) {
    let terminal = Terminal::open();
    let program = terminal.start(command);
    let screen = terminal.read_to_end();
    (program.wait().code, screen)
}

#[test]
fn one_between_bind_and_listen_a_client_is_refused() {
    let mut server = Learner::serve(TcpServer, "");
    server.press_until("listen");
    let (code, screen) = at_terminal(TcpClient.to(server.address, "--explain"));
    assert_eq!(code, Some(4));
    assert!(screen.contains("= -1 ECONNREFUSED"), "{screen}");
    server.press_and_read("[Intro para accept(");
    connect(server.address);
}

#[test]
fn two_before_accept_a_client_is_connected_and_has_sent() {
    let mut server = Learner::serve(TcpServer, "");
    server.press_until("accept");
    let mut client = Terminal::open();
    let running = client.start(TcpClient.to(server.address, "--explain"));
    let screen = client.read_until("… recv(");
    assert!(
        screen.contains("connect(") && screen.contains("= 15"),
        "{screen}"
    );
    server.press_on();
    assert!(client.read_to_end().contains("Hola, servidor!"));
    running.wait().assert_code(0);
}

#[test]
fn three_two_sends_are_one_recv() {
    let mut server = Learner::serve(TcpServer, "");
    server.press_until("accept");
    let mut client = Terminal::open();
    let running = client.start(TcpClient.to(server.address, "--explain -f -"));
    client.read_until("Ctrl-D ends");
    for line in ["hola\n", "otra vez\n"] {
        client.type_keys(line);
        client.read_until("→ send(");
    }
    server.terminal.type_keys("\n");
    server.press_until("recv");
    server.press_and_read("= 14");
    server.press_on();
    client.type_keys("\x04");
    running.wait().assert_code(0);
}

/// The state of the connection from `local` to `remote` in the kernel's table, in hexadecimal
/// (proc_pid_net(5)): 01 established, 02 SYN sent, 06 TIME-WAIT.
fn state(local: u16, remote: u16) -> Option<String> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    table.lines().find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (from, to) = (fields.next()?, fields.next()?);
        let found =
            from.ends_with(&format!(":{local:04X}")) && to.ends_with(&format!(":{remote:04X}"));
        found.then(|| fields.next().unwrap_or_default().to_owned())
    })
}

/// The port after `Soy 127.0.0.1:` on a screen.
fn own_port(screen: &str) -> u16 {
    let (_, rest) = screen
        .split_once("Soy 127.0.0.1:")
        .expect("its own address");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a port")
}

#[test]
fn four_the_side_that_closes_first_stays_in_time_wait() {
    let server = Server::start(TcpServer, "");
    let (code, screen) = at_terminal(TcpClient.to(server.address, "--explain"));
    assert_eq!(code, Some(0), "{screen}");
    let (half_close, end) = (screen.find("shutdown("), screen.find("= 0 "));
    assert!(half_close < screen.rfind("← recv("), "{screen}");
    assert!(
        end.is_some() && screen.contains("TIME_WAIT queda en mi lado"),
        "{screen}"
    );
    let remote = server.address.port();
    eventually("TIME-WAIT on the client's side", || {
        state(own_port(&screen), remote).as_deref() == Some("06")
    });
    assert_eq!(state(remote, own_port(&screen)), None);
}

#[test]
fn five_a_silent_client_holds_up_nobody() {
    let mut terminal = Terminal::open();
    let address = closed_port();
    let _server = terminal.start(TcpServer.to(address, "--explain"));
    terminal.read_until("… accept(");
    let mut silent = connect(address);
    terminal.read_until("hilo 1");
    let (code, _) = at_terminal(TcpClient.to(address, "--explain"));
    assert_eq!(code, Some(0));
    terminal.read_until("hilo 2");
    silent.write_all(b"por fin").unwrap();
    let mut reply = [0; 7];
    silent.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"por fin");
}

#[test]
fn six_an_address_is_in_use_by_a_server_or_by_what_it_left() {
    let server = Server::start(TcpServer, "--explain");
    let address = server.address;
    let (code, screen) = at_terminal(TcpServer.to(address, "--explain"));
    assert_eq!(code, Some(8));
    assert!(screen.contains("= -1 EADDRINUSE"), "{screen}");
    // The server ends first: what it leaves is on its side.
    let client = connect(address);
    server.text_line();
    server.interrupt().assert_code(0);
    drop(client);
    let port = address.port();
    let plain = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    eventually("TIME-WAIT on the server's side", || {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let left = format!(":{port:04X} ");
        table
            .lines()
            .any(|line| line.contains(&left) && line.contains(" 06 "))
    });
    assert!(plain.bind(&address.into()).is_err(), "without SO_REUSEADDR");
    let again = Server::start_at(address, TcpServer, "--explain");
    again.interrupt().assert_code(0);
}

#[test]
fn seven_a_datagram_is_cut_for_good_by_a_small_buffer() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let long = "x".repeat(2000);
    let (code, screen) =
        at_terminal(UdpClient.to(socket.local_addr().unwrap(), ["--explain", "-m", &long]));
    assert_eq!(code, Some(0));
    assert!(screen.contains("2000 bytes"), "{screen}");
    let mut small = [0; 1024];
    assert_eq!(socket.recv(&mut small).unwrap(), 1024);
    socket.set_nonblocking(true).unwrap();
    assert!(socket.recv(&mut small).is_err(), "the rest is lost");

    let mut terminal = Terminal::open();
    let address = closed_port();
    let _server = terminal.start(UdpServer.to(address, "--explain"));
    terminal.read_until("… recvfrom(");
    run(UdpClient.to(address, ["-m", &long])).assert_clean();
    terminal.read_until("recvfrom(1024)");
}

#[test]
fn eight_nobody_listens() {
    let (code, screen) = at_terminal(UdpClient.to(closed_port(), "--explain -w 5s"));
    assert_eq!(code, Some(4));
    assert!(
        screen.contains("send(") && screen.contains("33 bytes para 31 letras"),
        "{screen}"
    );
    assert!(screen.contains("= -1 ECONNREFUSED"), "{screen}");
}

#[test]
fn as_many_clients_connect_before_accept_as_the_lesson_says() {
    let mut server = Learner::serve(TcpServer, "--backlog 1");
    server.press_until("listen");
    let screen = server.press_and_read("[Intro para accept(");
    assert!(screen.contains("en la cola caben 2"), "{screen}");
    let state_of = |client: &TcpStream| {
        let local = client.local_addr().unwrap().port();
        state(local, server.address.port()).unwrap()
    };
    let connected = [(); 2].map(|()| {
        let client = begin_to_connect(server.address);
        eventually("there is room for it", || state_of(&client) == "01");
        client
    });
    let one_too_many = begin_to_connect(server.address);
    assert_eq!(state_of(&one_too_many), "02");
    assert!(connected.iter().all(|client| state_of(client) == "01"));
}

fn begin_to_connect(server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_nonblocking(true).unwrap();
    let begun = socket.connect(&server.into());
    let in_progress = nix::errno::Errno::EINPROGRESS as i32;
    assert_eq!(begun.unwrap_err().raw_os_error(), Some(in_progress));
    socket.into()
}
