//! Health checks: connections without a byte, of which people see the first few and then a sum.

use std::net::{IpAddr, SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use crate::harness::{
    DEADLINE, Running, Server, TcpServer, assert_echoes, closed_port, connect, eventually,
};

/// A client with this local address.
fn connect_from(address: IpAddr, server: &Server) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(address, 0).into()).unwrap();
    socket.connect(&server.address.into()).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket.into()
}

/// Connects and leaves, waits until the server, which runs with `-v`, has told that, and returns the
/// address of the client.
fn check_from(address: &str, server: &Server) -> SocketAddr {
    let client = connect_from(address.parse().unwrap(), server);
    let peer = client.local_addr().unwrap();
    drop(client);
    let told = format!("{peer}: 0 bytes echoed in ");
    while !server.error_line().contains(&told) {}
    peer
}

fn check(server: &Server) -> SocketAddr {
    check_from("127.0.0.1", server)
}

#[track_caller]
fn assert_told(server: &Server, client: SocketAddr) {
    let line = format!("[+] Se ha conectado un nuevo cliente: {client}");
    assert_eq!(server.text_line(), line);
}

#[test]
fn health_checks_are_summed_up_and_clients_among_them_are_told() {
    let server = Server::start(TcpServer, "-v");
    for _ in 0..3 {
        assert_told(&server, check(&server));
    }
    for _ in 0..4 {
        check(&server);
    }
    // The next line is about a client that speaks.
    let mut client = connect(server.address);
    assert_echoes(&mut client, b"hola");
    assert_told(&server, client.local_addr().unwrap());
    let silent = connect(server.address);
    assert_told(&server, silent.local_addr().unwrap());
    assert_told(&server, check_from("127.0.0.2", &server));
    let end = server.interrupt();
    let sum = "\n[+] Otras conexiones sin datos de 127.0.0.1 en el último minuto: 4\n";
    assert_eq!(end.assert_code(0).text(), sum);
}

#[test]
fn a_client_among_health_checks_is_told_before_its_bytes_are_shown() {
    let server = Server::start(TcpServer, "-v -x --lang en");
    for _ in 0..3 {
        check(&server);
        server.text_line();
    }
    let mut client = connect(server.address);
    assert_echoes(&mut client, b"hola");
    let peer = client.local_addr().unwrap();
    let lines = [server.text_line(), server.text_line()];
    let expected = [
        format!("[+] A new client has connected: {peer}"),
        format!("[+] Message from client {peer} (4 bytes):"),
    ];
    assert_eq!(lines, expected);
    check(&server);
    let end = server.interrupt();
    let sum = "\n[+] Further connections without data from 127.0.0.1 in the last minute: 1\n";
    assert!(end.text().ends_with(sum), "{end:?}");
}

#[test]
fn programs_are_told_of_every_health_check() {
    let server = Server::start(TcpServer, "-v --json");
    let peers = [(); 6].map(|()| check(&server).to_string());
    let events = server.finish();
    for kind in ["connected", "closed"] {
        let told = events.iter().filter(|event| event["event"] == kind);
        let mut told: Vec<_> = told.map(|event| event["peer"].clone()).collect();
        // Two workers tell the ends.
        told.sort_by_key(|peer| peers.iter().position(|other| peer == other));
        assert_eq!(told, peers);
    }
    assert_eq!(events.len(), 12);
}

#[test]
fn a_quiet_server_sums_nothing_up() {
    let address = closed_port();
    let server = Running::start(TcpServer.to(address, "-q"));
    let mut served = 0;
    eventually("it has served five clients", || {
        // The first may come too early.
        served += usize::from(TcpStream::connect(address).is_ok());
        served == 5
    });
    let mut last = connect(address);
    assert_echoes(&mut last, b"hola");
    drop(last);
    assert_eq!(server.interrupt().assert_clean().text(), "");
}
