//! What the two TCP programs say and do without being asked for anything else.

use std::process::Command;

use crate::harness::compat::{is_there, run, tcp_client, tcp_server};
use crate::harness::peers::{assert_echoes, closed_port, connect};
use crate::harness::process::Running;

fn server(arguments: &[&str]) -> Command {
    let mut command = tcp_server();
    command.args(["-p", "0"]).args(arguments);
    command
}

fn client(port: u16, arguments: &[&str]) -> Command {
    let mut command = tcp_client();
    command.args(["-p", &port.to_string()]).args(arguments);
    command
}

/// The port behind the listening line, and the rest of the line.
fn listening(server: &Running) -> (String, u16) {
    let line = server.line();
    let (text, port) = line.rsplit_once(':').expect("a port");
    (text.to_owned(), port.parse().expect("a number"))
}

#[test]
fn the_server_says_the_lines_of_the_original() {
    let server = Running::start(server(&[]));
    let (text, port) = listening(&server);
    assert_eq!(text, "Servidor en escucha en: localhost");
    let mut peer = connect(([127, 0, 0, 1], port).into());
    assert_echoes(&mut peer, b"Hola, servidor!");
    assert_eq!(server.line(), "");
    let expected = format!(
        "[+] Se ha conectado un nuevo cliente: {}",
        peer.local_addr().unwrap()
    );
    assert_eq!(server.line(), expected);
    let end = server.interrupt();
    end.assert_code(0);
    assert_eq!((end.text(), end.stderr.as_str()), ("", ""));
}

#[test]
fn the_client_says_the_line_of_the_original() {
    let server = Running::start(server(&[]));
    let reply = run(client(listening(&server).1, &[]), "");
    reply.assert_code(0);
    assert_eq!(
        reply.text(),
        "\n[+] Mensaje recibido del servidor: Hola, servidor!\n"
    );
    assert_eq!(reply.stderr, "");
}

#[test]
fn both_speak_english_under_the_option_and_under_an_english_locale() {
    for (arguments, locale) in [(&["--lang", "en"][..], "es_ES.UTF-8"), (&[], "en_US.UTF-8")] {
        let mut command = server(arguments);
        let server = Running::start({
            command.env("LANG", locale);
            command
        });
        let (text, port) = listening(&server);
        assert_eq!(text, "Server listening on: localhost");
        let mut command = client(port, arguments);
        command.env("LANG", locale);
        let reply = run(command, "");
        assert_eq!(
            reply.text(),
            "\n[+] Message received from the server: Hola, servidor!\n"
        );
        assert_eq!(server.line(), "");
        assert!(
            server
                .line()
                .starts_with("[+] A new client has connected: 127.0.0.1:")
        );
    }
}

#[test]
fn without_any_argument_both_meet_on_port_1234() {
    if !is_there("unshare") || !is_there("ip") {
        return;
    }
    // A network of its own, where port 1234 is free whatever else runs here.
    let script = r#"
        ip link set lo up || exit 77
        "$0" > "$2/said" & server=$!
        until grep -q 1234 "$2/said"; do :; done
        "$1"; client=$?
        kill -INT $server; wait $server && cat "$2/said" && exit $client"#;
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "sh", "-c", script]);
    command
        .arg(tcp_server().get_program())
        .arg(tcp_client().get_program())
        .arg(directory.path());
    command
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES")
        .env_remove("LANG");
    let both = run(command, "");
    if both.code == Some(77) || both.stderr.contains("unshare") {
        return eprintln!("skipped: no network namespace here: {}", both.stderr);
    }
    both.assert_code(0);
    let expected = "\n[+] Mensaje recibido del servidor: Hola, servidor!\n\
                    Servidor en escucha en: localhost:1234\n\
                    \n[+] Se ha conectado un nuevo cliente: 127.0.0.1:";
    assert!(both.text().starts_with(expected), "{}", both.text());
}

#[test]
fn once_ends_after_one_client() {
    let server = Running::start(server(&["--once"]));
    let (_, port) = listening(&server);
    run(client(port, &[]), "").assert_code(0);
    let end = server.wait();
    end.assert_code(0);
    run(client(port, &[]), "").assert_code(4);
}

#[test]
fn once_serves_one_client_and_refuses_the_others() {
    let server = Running::start(server(&["-1"]));
    let address = ([127, 0, 0, 1], listening(&server).1).into();
    let mut first = connect(address);
    assert_echoes(&mut first, b"uno");
    run(client(address.port(), &[]), "").assert_code(4);
    assert_echoes(&mut first, b"dos");
    drop(first);
    server.wait().assert_code(0);
}

#[test]
fn a_port_in_use_is_exit_8_and_names_the_address() {
    let first = Running::start(server(&[]));
    let (_, port) = listening(&first);
    let mut command = tcp_server();
    command.arg(port.to_string());
    let second = run(command, "");
    second.assert_code(8).assert_one_line_error(&[
        &format!("localhost:{port} (127.0.0.1)"),
        "address already in use",
    ]);
    assert_eq!(second.text(), "");
}

#[test]
fn the_server_starts_again_while_old_connections_linger() {
    let first = Running::start(server(&[]));
    let (_, port) = listening(&first);
    let mut peer = connect(([127, 0, 0, 1], port).into());
    assert_echoes(&mut peer, b"hola");
    // The server closes first, so its end of the connection goes into TIME-WAIT.
    first.interrupt().assert_code(0);
    drop(peer);
    let mut command = tcp_server();
    command.arg(port.to_string());
    let second = Running::start(command);
    assert_eq!(listening(&second).1, port);
}

#[test]
fn refused_names_target_address_and_reason() {
    let port = closed_port().port();
    let refused = run(client(port, &[]), "");
    refused.assert_code(4);
    assert_eq!(
        refused.stderr,
        format!(
            "tcp-client: cannot connect to localhost:{port} (127.0.0.1): connection refused; \
             is a server listening there?\n"
        )
    );
}
