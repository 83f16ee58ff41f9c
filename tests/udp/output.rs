//! Standard output of `udp-server`: the original lines, in two languages, and every other style.

use std::fs::{self, File};
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use socket2::SockRef;

use crate::harness::{
    Running, Server, UdpClient, UdpServer, With, address_of, assert_has, connected_to, eventually,
    receive, run,
};

#[test]
fn a_default_run_of_both_prints_the_original_lines() {
    let server = Server::start(UdpServer, "");
    let port = server.address.port();
    let greeting = format!("\n[+] Servidor UDP en escucha en: localhost:{port}");
    assert_eq!(server.greeting, greeting);
    let client = run(UdpClient.command(&format!("-p {port}")));
    assert_eq!(client.assert_clean().text(), "");
    let lines = [server.line(), server.line()];
    let message = "[+] Mensaje enviado por el cliente: Hola se está tensando muchísimo";
    assert_eq!(lines, ["", message]);
    let sender = server.line();
    let peer = "[+] Informacion del cliente que nos ha enviado el mensaje: 127.0.0.1:";
    let port = sender.strip_prefix(peer).expect(&sender);
    assert!(port.parse::<u16>().is_ok_and(|port| port > 0), "{sender}");
    let end = server.interrupt();
    let (summary, duration) = end.assert_clean().text().rsplit_once(' ').unwrap();
    let expected =
        "\n[+] Resumen: datagramas recibidos 1, bytes 33, descartados por el kernel 0, duración";
    assert_eq!(summary, expected);
    assert!(duration.ends_with("s\n"), "{duration}");
}

#[test]
fn every_line_has_an_english_translation() {
    for (locale, arguments) in [("en_US.UTF-8", "-e"), ("es_ES", "-e --lang en")] {
        let command = UdpServer.command(arguments).with("-p 0");
        let server = Server::start_command(command.with_env("LANG", locale));
        let greeting = "\n[+] UDP server listening on: localhost:";
        assert!(server.greeting.starts_with(greeting), "{}", server.greeting);
        let client = connected_to(server.address);
        client.send(b"hello").unwrap();
        assert_eq!(server.text_line(), "[+] Message sent by the client: hello");
        let sender = "[+] Information about the client that sent us the message: ";
        let sender = format!("{sender}{}", client.local_addr().unwrap());
        assert_eq!(server.line(), sender);
        let end = server.interrupt();
        let summary = "\n[+] Summary: datagrams received 1, bytes 5, dropped by the kernel 0, answered 1, duration ";
        assert!(end.text().starts_with(summary), "{}", end.text());
    }
}

#[test]
fn hostile_bytes_are_shown_safely_and_do_not_end_the_server() {
    let server = Server::start(UdpServer, "");
    let client = connected_to(server.address);
    let table: [(&[u8], &str); 4] = [
        (b"caf\xe9", r"caf\xe9"),
        (b"\x1b]0;title\x07", r"\u{1b}]0;title\u{7}"),
        (b"a\n[+] Mensaje", r"a\n[+] Mensaje"),
        ("después".as_bytes(), "después"),
    ];
    for (payload, shown) in table {
        client.send(payload).unwrap();
        let line = format!("[+] Mensaje enviado por el cliente: {shown}");
        assert_eq!(server.text_line(), line);
        server.line();
    }
}

#[test]
fn json_carries_every_event_and_nothing_else() {
    let server = Server::start(UdpServer, "--json");
    let client = connected_to(server.address);
    SockRef::from(&client).set_tos_v4(46 << 2 | 1).unwrap();
    client.set_ttl(9).unwrap();
    client.send("ñ".as_bytes()).unwrap();
    client.send(b"\xff").unwrap();
    let expected = json!({
        "event": "datagram", "peer": client.local_addr().unwrap().to_string(), "bytes": 2, "text": "ñ",
        "ttl": 9, "dscp": 46, "ecn": 1, "destination": server.address.to_string(),
    });
    assert_eq!(server.event(), expected);
    assert_eq!(server.event()["base64"], "/w==");
    let events = server.finish();
    assert_eq!(events.len(), 1, "{events:?}");
    let summary =
        json!({ "event": "summary", "datagrams": 2, "bytes": 3, "dropped": 0, "answered": null });
    assert_has(&events[0], summary);
    assert!(events[0]["duration_s"].is_f64());
}

#[test]
fn details_and_a_hex_dump_follow_the_lines_of_a_datagram() {
    let server = Server::start(UdpServer, "-v -x");
    let client = connected_to(server.address);
    client.set_ttl(33).unwrap();
    client.send(b"hola").unwrap();
    server.text_line();
    server.line();
    let details = "[+] Detalles: TTL 33, DSCP 0, ECN 0, destino ";
    assert_eq!(server.line(), format!("{details}{}", server.address));
    let dump = server.line();
    assert!(dump.starts_with("00000000  68 6f 6c 61 "), "{dump}");
    assert!(dump.ends_with("|hola|"), "{dump}");
}

#[test]
fn the_details_of_an_ipv4_peer_on_an_ipv6_socket_are_those_of_ipv4() {
    let server = Server::start(UdpServer, "--json ::");
    let client = connected_to(server.at("127.0.0.1"));
    client.set_ttl(7).unwrap();
    client.send(b"hola").unwrap();
    let peer = client.local_addr().unwrap().to_string();
    let destination = server.at("127.0.0.1").to_string();
    let expected = json!({ "peer": peer, "destination": destination, "ttl": 7, "dscp": 0 });
    assert_has(&server.event(), expected);
}

#[test]
fn timestamps_are_the_kernel_s() {
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs_f64()
    };
    let server = Server::start(UdpServer, "--json -D");
    let client = connected_to(server.address);
    // A number of this size has a quarter of a microsecond's precision.
    let slack = 1e-6;
    // The first sockets that want timestamps get them a little late: the kernel turns them on in the background.
    eventually("the time told is that of arrival, not of reading", || {
        server.pause();
        let before = now();
        client.send(b"early").unwrap();
        let after = now();
        server.resume();
        let time = server.event()["time_s"].as_f64().expect("a time");
        before - slack <= time && time <= after + slack
    });
}

#[test]
fn raw_output_is_the_payload_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("output");
    let mut command = UdpServer.command("-p 0 --raw -v --count 2");
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command.stdout(File::create(&path).unwrap());
    let server = Running::spawn(command);
    let client = connected_to(address_of(&server));
    client.send(b"\x1b\xff\0\n").unwrap();
    client.send(b"end").unwrap();
    server.wait().assert_code(0);
    assert_eq!(fs::read(path).unwrap(), b"\x1b\xff\0\nend");
}

#[test]
fn a_quiet_server_still_answers() {
    let server = Running::start(UdpServer.command("-p 0 -q -e --count 1"));
    let client = connected_to(address_of(&server));
    client.send(b"hola").unwrap();
    assert_eq!(receive(&client), b"hola");
    assert_eq!(server.wait().assert_clean().text(), "");
}
