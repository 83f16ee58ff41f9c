//! What `udp-server` says: the original lines, in two languages, and every other style.

use crate::harness::compat::{UdpServer, client_of, run, server_command, wait_until};
use crate::harness::process::{Running, eventually};
use crate::harness::udp::{connected_to, receive};

const MESSAGE: &str = "Hola se está tensando muchísimo";

#[test]
fn a_default_run_of_both_prints_the_original_lines() {
    let server = Running::start(server_command("0", &[]));
    assert_eq!(server.line(), "");
    let line = server.line();
    let port = line
        .strip_prefix("[+] Servidor UDP en escucha en: localhost:")
        .unwrap_or_else(|| panic!("{line}"));
    let client = run(
        client_of(format!("127.0.0.1:{port}").parse().unwrap(), &[]),
        "",
    );
    client.assert_code(0);
    assert_eq!((client.text(), client.stderr.as_str()), ("", ""));
    assert_eq!(server.line(), "");
    assert_eq!(
        server.line(),
        format!("[+] Mensaje enviado por el cliente: {MESSAGE}")
    );
    let sender = server.line();
    let peer = sender
        .strip_prefix("[+] Informacion del cliente que nos ha enviado el mensaje: 127.0.0.1:")
        .unwrap_or_else(|| panic!("{sender}"));
    assert!(peer.parse::<u16>().is_ok_and(|port| port > 0), "{sender}");
    let end = server.interrupt();
    end.assert_code(0);
    let (summary, duration) = end.text().rsplit_once(' ').unwrap();
    assert_eq!(
        summary,
        "\n[+] Resumen: datagramas recibidos 1, bytes 33, descartados por el kernel 0, duración"
    );
    assert!(duration.ends_with("s\n"), "{duration}");
}

#[test]
fn every_line_has_an_english_translation() {
    for (variable, arguments) in [("en_US.UTF-8", [].as_slice()), ("es_ES", &["--lang", "en"])] {
        let mut command = server_command("0", arguments);
        command.env("LANG", variable).arg("-e");
        let server = Running::start(command);
        let line = server.text_line();
        assert!(
            line.starts_with("[+] UDP server listening on: localhost:"),
            "{line}"
        );
        let port = line.rsplit(':').next().unwrap();
        let client = connected_to(format!("127.0.0.1:{port}").parse().unwrap());
        client.send(b"hello").unwrap();
        assert_eq!(server.text_line(), "[+] Message sent by the client: hello");
        assert_eq!(
            server.line(),
            format!(
                "[+] Information about the client that sent us the message: {}",
                client.local_addr().unwrap()
            )
        );
        let end = server.interrupt();
        assert!(
            end.text().starts_with("\n[+] Summary: datagrams received 1, bytes 5, dropped by the kernel 0, answered 1, duration "),
            "{}",
            end.text()
        );
    }
}

#[test]
fn hostile_bytes_are_shown_safely_and_do_not_end_the_server() {
    let server = UdpServer::start(&[]);
    let client = connected_to(server.address);
    let table: [(&[u8], &str); 4] = [
        (b"caf\xe9", r"caf\xe9"),
        (b"\x1b]0;title\x07", r"\u{1b}]0;title\u{7}"),
        (b"a\n[+] Mensaje", r"a\n[+] Mensaje"),
        ("después".as_bytes(), "después"),
    ];
    for (payload, shown) in table {
        client.send(payload).unwrap();
        let line = server.running.text_line();
        assert_eq!(line, format!("[+] Mensaje enviado por el cliente: {shown}"));
        server.running.line();
    }
}

#[test]
fn json_carries_every_event_and_nothing_else() {
    let server = UdpServer::start_json("127.0.0.1:0", &[]);
    let client = connected_to(server.address);
    socket2::SockRef::from(&client)
        .set_tos_v4(46 << 2 | 1)
        .unwrap();
    client.set_ttl(9).unwrap();
    client.send("ñ".as_bytes()).unwrap();
    client.send(b"\xff").unwrap();
    let datagram = server.event();
    let expected = serde_json::json!({
        "event": "datagram", "peer": client.local_addr().unwrap().to_string(), "bytes": 2, "text": "ñ",
        "ttl": 9, "dscp": 46, "ecn": 1, "destination": server.address.to_string(),
    });
    assert_eq!(datagram, expected);
    assert_eq!(server.event()["base64"], "/w==");
    let events = server.finish();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["datagrams"], &events[0]["bytes"]),
        (&2.into(), &3.into())
    );
    assert_eq!(events[0]["dropped"], 0);
    assert!(events[0]["duration_s"].as_f64().is_some());
    assert!(events[0].get("answered").is_none());
}

#[test]
fn details_and_a_hex_dump_follow_the_lines_of_a_datagram() {
    let server = UdpServer::start(&["-v", "-x"]);
    let client = connected_to(server.address);
    client.set_ttl(33).unwrap();
    client.send(b"hola").unwrap();
    server.running.text_line();
    server.running.line();
    let details = format!(
        "[+] Detalles: TTL 33, DSCP 0, ECN 0, destino {}",
        server.address
    );
    assert_eq!(server.running.line(), details);
    let dump = server.running.line();
    assert!(dump.starts_with("00000000  68 6f 6c 61 "), "{dump}");
    assert!(dump.ends_with("|hola|"), "{dump}");
}

#[test]
fn the_details_of_an_ipv4_peer_on_an_ipv6_socket_are_those_of_ipv4() {
    let server = UdpServer::start_json("[::]:0", &[]);
    let client = connected_to(server.at("127.0.0.1"));
    client.set_ttl(7).unwrap();
    client.send(b"hola").unwrap();
    let datagram = server.event();
    assert_eq!(datagram["peer"], client.local_addr().unwrap().to_string());
    assert_eq!(datagram["destination"], server.at("127.0.0.1").to_string());
    assert_eq!(
        (&datagram["ttl"], &datagram["dscp"]),
        (&7.into(), &0.into())
    );
}

#[test]
fn timestamps_are_the_kernel_s() {
    let now = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.expect("a time after 1970").as_secs_f64()
    };
    let server = UdpServer::start_json("127.0.0.1:0", &["-D"]);
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
    let mut command = server_command("127.0.0.1:0", &["--raw", "-v", "--count", "2"]);
    command
        .stdout(std::fs::File::create(&path).unwrap())
        .stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let address = crate::harness::compat::address_of_child(&child);
    let client = connected_to(address);
    client.send(b"\x1b\xff\0\n").unwrap();
    client.send(b"end").unwrap();
    assert!(wait_until(&mut child).unwrap().success());
    assert_eq!(std::fs::read(path).unwrap(), b"\x1b\xff\0\nend");
}

#[test]
fn a_quiet_server_still_answers() {
    let mut command = server_command("127.0.0.1:0", &["-q", "-e", "--count", "1"]);
    command.stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let client = connected_to(crate::harness::compat::address_of_child(&child));
    client.send(b"hola").unwrap();
    assert_eq!(receive(&client), b"hola");
    assert!(wait_until(&mut child).unwrap().success());
    let output = std::io::read_to_string(child.stdout.take().unwrap()).unwrap();
    assert_eq!(output, "");
}
