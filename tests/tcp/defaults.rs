//! The two TCP programs without options, and the lines of the originals.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::harness::surroundings::address_of;
use crate::harness::{
    Server, TcpClient, TcpServer, With, assert_echoes, assert_has, connect, in_own_network, run,
};

fn client(port: u16) -> Command {
    TcpClient.command(&format!("-p {port}"))
}

#[test]
fn both_say_the_lines_of_the_originals_in_spanish_and_in_english() {
    let spanish = [
        "Servidor en escucha en: localhost:",
        "[+] Se ha conectado un nuevo cliente: 127.0.0.1:",
        "\n[+] Mensaje recibido del servidor: Hola, servidor!\n",
    ];
    let english = [
        "Server listening on: localhost:",
        "[+] A new client has connected: 127.0.0.1:",
        "\n[+] Message received from the server: Hola, servidor!\n",
    ];
    for (locale, arguments, [listening, connected, reply]) in [
        ("C", "", spanish),
        ("en_US.UTF-8", "", english),
        ("es_ES.UTF-8", "--lang en", english),
    ] {
        let command = TcpServer.command(arguments).with("-p 0");
        let server = Server::start_command(command.with_env("LANG", locale));
        let port = server.address.port();
        assert_eq!(server.greeting, format!("{listening}{port}"));
        let end = run(client(port).with(arguments).with_env("LANG", locale));
        assert_eq!(end.assert_clean().text(), reply);
        assert_eq!(server.line(), "");
        let peer = server.line();
        let port = peer.strip_prefix(connected).expect(&peer);
        assert!(port.parse::<u16>().is_ok(), "{peer}");
        assert_eq!(server.interrupt().assert_clean().text(), "");
    }
}

#[test]
fn without_any_argument_both_meet_on_port_1234() {
    let script = r#"
        "$0" > "$2/said" & server=$!
        until grep -qs 1234 "$2/said"; do :; done
        "$1"; client=$?
        kill $server; wait $server && cat "$2/said" && exit $client"#;
    let directory = tempfile::tempdir().unwrap();
    let Some(shell) = in_own_network("sh") else {
        return;
    };
    let places = [TcpServer.path(), TcpClient.path(), directory.path()];
    let both = run(shell.with(["-c", script]).with(places));
    let expected = "\n[+] Mensaje recibido del servidor: Hola, servidor!\n\
                    Servidor en escucha en: localhost:1234\n\
                    \n[+] Se ha conectado un nuevo cliente: 127.0.0.1:";
    let text = both.assert_clean().text();
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn once_serves_one_client_and_refuses_the_others() {
    let server = Server::start(TcpServer, "--once");
    let mut first = connect(server.address);
    assert_echoes(&mut first, b"uno");
    run(client(server.address.port())).assert_code(4);
    assert_echoes(&mut first, b"dos");
    drop(first);
    server.wait().assert_code(0);
}

#[test]
fn the_server_starts_again_while_old_connections_linger() {
    let first = Server::start(TcpServer, "");
    let address = first.address;
    let mut peer = connect(address);
    assert_echoes(&mut peer, b"hola");
    // The server closes first, so its end of the connection goes into TIME-WAIT.
    first.interrupt().assert_code(0);
    drop(peer);
    let second = Server::start_at(address, TcpServer, "");
    assert_eq!(second.address, address);
}

#[test]
fn a_refusal_names_target_address_and_reason() {
    // Its port is taken, and refuses as long as it does not listen.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any_port.into()).unwrap();
    let port = address_of(&socket).port();
    let message = format!(
        "tcp-client: cannot connect to localhost:{port} (127.0.0.1): connection refused; \
         is a server listening there?\n"
    );
    let refused = run(client(port).with("--json"));
    refused.assert_code(4);
    assert_eq!(refused.stderr, message);
    assert_has(
        &refused.events()[0],
        json!({ "event": "error", "kind": "refused" }),
    );
}
