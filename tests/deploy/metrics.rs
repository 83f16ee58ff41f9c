//! The file of `--openmetrics`, and its times.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::harness::fate::{Fate, Lots};
use crate::harness::measured::{figure, summary};
use crate::harness::relay::Relay;
use crate::harness::{
    Program, Running, Server, TcpClient, TcpServer, UdpClient, UdpServer, With, assert_echoes,
    closed_port, connect, connected_to, count, eventually, installed, receive, run, run_with,
};

/// A directory with a file of metrics, or the place for one.
pub(super) struct Place {
    pub(super) directory: tempfile::TempDir,
    pub(super) path: PathBuf,
}

impl Place {
    pub(super) fn new(name: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        Self { directory, path }
    }

    pub(super) fn add_to(&self, command: Command) -> Command {
        command.with("--openmetrics").with([&self.path])
    }

    /// A client of `server` that writes there.
    fn client(&self, program: Program, server: SocketAddr, arguments: &str) -> Command {
        self.add_to(program.to(server, arguments))
    }

    pub(super) fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap_or_default()
    }

    /// The one value with this name, and with these labels among others; `None` without it.
    pub(super) fn find(&self, name: &str, labels: &str) -> Option<f64> {
        let text = self.text();
        let begin = format!("{name}{{");
        let mut lines = text
            .lines()
            .filter(|line| line.starts_with(&begin) && line.contains(labels));
        let (_, value) = lines.next()?.rsplit_once(' ')?;
        assert_eq!(lines.next(), None, "{name}{{{labels}}} in {text}");
        Some(value.parse().unwrap())
    }

    #[track_caller]
    pub(super) fn value(&self, name: &str, labels: &str) -> f64 {
        let value = self.find(name, labels);
        value.unwrap_or_else(|| panic!("no {name}{{{labels}}} in {}", self.text()))
    }

    /// The kind of the end is this one and no other.
    #[track_caller]
    fn assert_exit(&self, program: Program, kind: &str) {
        let name = format!("{}_exit", prefix(program));
        assert_eq!(self.value(&name, &format!("kind=\"{kind}\"")), 1.0);
        let text = self.text();
        let kinds = text.lines().filter(|line| line.starts_with(&name));
        let ends: Vec<&str> = kinds.map(|line| line.rsplit_once(' ').unwrap().1).collect();
        assert_eq!(ends.len(), 10, "{text}");
        assert_eq!(ends.iter().filter(|end| **end == "1").count(), 1, "{text}");
    }
}

fn prefix(program: Program) -> String {
    program.name().replace('-', "_")
}

/// Every count of the summary is in the file, and the histogram has as many round trips.
#[track_caller]
fn assert_is_summary(place: &Place, program: Program, summary: &Value) {
    let value =
        |name: &str, labels: &str| place.value(&format!("{}_{name}", prefix(program)), labels);
    for state in ["received", "late", "lost", "corrupted", "in_flight"] {
        let label = format!("state=\"{state}\"");
        assert_eq!(
            value("messages_total", &label),
            count(summary, state) as f64
        );
    }
    for (name, key) in [
        ("unsent_messages_total", "unsent"),
        ("duplicate_replies_total", "duplicate"),
        ("reordered_replies_total", "reordered"),
        ("unmatched_replies_total", "unmatched"),
        ("sent_bytes_total", "bytes_sent"),
        ("received_bytes_total", "bytes_received"),
    ] {
        assert_eq!(value(name, ""), count(summary, key) as f64, "{name}");
    }
    let trips = (count(summary, "received") + count(summary, "late")) as f64;
    assert_eq!(value("round_trip_seconds_count", ""), trips);
    assert_eq!(value("round_trip_seconds_bucket", "le=\"+Inf\""), trips);
    let sum = value("round_trip_seconds_sum", "");
    let mean = figure(summary, "rtt_mean_s");
    assert!((sum / trips - mean).abs() <= 1e-8, "{sum} and {summary}");
    assert_buckets(place, program, summary);
}

/// No bucket below the shortest round trip has one, and none from the longest on lacks one.
fn assert_buckets(place: &Place, program: Program, summary: &Value) {
    let text = place.text();
    let begin = format!("{}_round_trip_seconds_bucket", prefix(program));
    let buckets = text.lines().filter(|line| line.starts_with(&begin));
    let buckets = buckets.map(|line| {
        let (bound, value) = line
            .split_once("le=\"")
            .unwrap()
            .1
            .split_once("\"} ")
            .unwrap();
        (bound.parse::<f64>().unwrap(), value.parse::<u64>().unwrap())
    });
    let buckets: Vec<_> = buckets.collect();
    assert_eq!(buckets.len(), 20, "{text}");
    assert_eq!((buckets[0].0, buckets[18].0), (1e-5, 10.0));
    assert!(buckets.is_sorted(), "{buckets:?}");
    let all = buckets[19].1;
    // The histogram tells values apart to a thousandth.
    for &(bound, trips) in &buckets {
        let (min, max) = (figure(summary, "rtt_min_s"), figure(summary, "rtt_max_s"));
        assert!(bound >= min * 0.999 || trips == 0, "{bound} of {summary}");
        assert!(bound <= max * 1.001 || trips == all, "{bound} of {summary}");
    }
}

#[test]
fn a_measurement_writes_what_its_summary_says() {
    let place = Place::new("tcp.prom");
    let server = Server::start(TcpServer, "");
    let end = run(place.client(TcpClient, server.address, "-c 300 -i 0 -P 3 --json"));
    end.assert_clean();
    assert_is_summary(&place, TcpClient, &summary(&end));
    place.assert_exit(TcpClient, "ok");
    let target = format!("target=\"{}\",state=\"received\"", server.address);
    assert_eq!(place.value("tcp_client_messages_total", &target), 900.0);
}

#[test]
fn what_a_path_does_is_counted_in_the_file() {
    let fates = [
        Fate::Lost,
        Fate::Copied,
        Fate::Swapped,
        Fate::BodyDamaged,
        Fate::HeaderDamaged,
    ];
    for name in ["udp.prom", "udp.txt"] {
        let server = Server::start(UdpServer, "--echo");
        let lots = Lots {
            seed: 7,
            fates: fates.to_vec(),
            one_in: 3,
            count: 300,
            outage: 0..0,
        };
        let relay = Relay::to(server.address, lots);
        let place = Place::new(name);
        let end = run(place.client(UdpClient, relay.entrance, "-c 300 --rate 600 --json"));
        let summary = summary(&end);
        assert_is_summary(&place, UdpClient, &summary);
        let truth = relay.truth();
        assert!(
            truth.lost > 0 && truth.duplicate > 0 && truth.reordered > 0,
            "{truth:?}"
        );
        assert_eq!(count(&summary, "lost"), truth.lost);
        // The damaged replies are what fails it.
        place.assert_exit(UdpClient, "check failed");
    }
}

#[test]
fn a_stream_writes_bytes_and_no_messages() {
    let place = Place::new("stream.prom");
    let server = Server::start(TcpServer, "");
    let end = run(place.client(TcpClient, server.address, "--stream -c 9 --json"));
    let summary = summary(end.assert_clean());
    let sent = place.value("tcp_client_sent_bytes_total", "");
    assert_eq!(sent, count(&summary, "bytes_sent") as f64);
    assert!(
        sent > 0.0 && !place.text().contains("messages"),
        "{}",
        place.text()
    );
}

#[test]
fn each_interval_replaces_the_file_as_a_whole() {
    let place = Place::new("running.txt");
    let server = Server::start(TcpServer, "");
    let endless = place.client(TcpClient, server.address, "-i 1ms --report 20ms --json");
    let client = Running::start(endless);
    let received = || {
        place
            .find("tcp_client_messages_total", "state=\"received\"")
            .unwrap_or(0.0)
    };
    eventually("some messages are told", || received() > 0.0);
    let first = received();
    eventually("more messages are told", || {
        let text = place.text();
        assert!(text.ends_with("# EOF\n"), "{text}");
        // How it ends is not known.
        assert!(!text.contains("tcp_client_exit"), "{text}");
        received() > first
    });
    let end = client.interrupt();
    end.assert_code(0);
    assert_is_summary(&place, TcpClient, &summary(&end));
    place.assert_exit(TcpClient, "ok");
    let files = fs::read_dir(place.directory.path()).unwrap();
    assert_eq!(files.count(), 1, "a temporary file is left");
}

#[test]
fn without_report_the_file_is_replaced_every_fifteen_seconds() {
    let (of_server, of_client) = (Place::new("server.prom"), Place::new("client.prom"));
    let server = Server::start_command(of_server.add_to(TcpServer.command("-p 0")));
    assert_eq!(
        of_server.value("tcp_server_accepted_clients_total", ""),
        0.0
    );
    let client = of_client.client(TcpClient, server.address, "-i 50ms -q");
    let client = Running::start(client);
    eventually("both files tell of the client", || {
        of_server.find("tcp_server_connected_clients", "") == Some(1.0)
            && of_client
                .find("tcp_client_messages_total", "received")
                .is_some_and(|sent| sent > 9.0)
    });
    client.interrupt().assert_code(0);
    server.interrupt().assert_code(0);
    assert_eq!(of_server.value("tcp_server_connected_clients", ""), 0.0);
}

#[test]
fn a_failure_is_in_the_file_whatever_it_is() {
    let refused = closed_port();
    let place = Place::new("failure.prom");
    for program in [TcpClient, UdpClient] {
        let measuring = "-c 1 -w 1s";
        for arguments in ["-e -w 1s", measuring] {
            run(place.client(program, refused, arguments)).assert_code(4);
            place.assert_exit(program, "refused");
            let sent = format!("{}_sent_bytes_total", prefix(program));
            let label = format!("target=\"{refused}\"");
            assert!(place.find(&sent, &label).is_some(), "{}", place.text());
            let nowhere = program.command(arguments).with("name.invalid");
            run(place.add_to(nowhere)).assert_code(3);
            place.assert_exit(program, "not resolved");
        }
        run(place.add_to(program.command("localhost:0"))).assert_code(2);
        place.assert_exit(program, "usage");
    }
    for program in [TcpServer, UdpServer] {
        let first = Server::start(program, "");
        run(place.add_to(program.to(first.address, ""))).assert_code(8);
        place.assert_exit(program, "local limit");
        let label = format!("target=\"{}\",kind=\"ok\"", first.address);
        assert_eq!(
            place.value(&format!("{}_exit", prefix(program)), &label),
            0.0
        );
    }
}

#[test]
fn metrics_alone_do_not_make_a_client_measure() {
    let place = Place::new("plain.prom");
    let server = Server::start(TcpServer, "");
    let end = run(place.client(TcpClient, server.address, "-m hola"));
    assert!(
        end.assert_clean().text().ends_with("servidor: hola\n"),
        "{}",
        end.text()
    );
    for direction in ["sent", "received"] {
        let name = format!("tcp_client_{direction}_bytes_total");
        assert_eq!(place.value(&name, ""), 4.0);
    }
    let server = Server::start(UdpServer, "-e");
    run(place.client(UdpClient, server.address, "-m hola -e")).assert_code(0);
    assert_eq!(place.value("udp_client_received_bytes_total", ""), 4.0);
}

#[test]
fn servers_write_what_they_served() {
    let place = Place::new("tcp.prom");
    let server = Server::start_command(place.add_to(TcpServer.command("-p 0")));
    let target = format!("target=\"localhost:{}\"", server.address.port());
    for _ in 0..3 {
        assert_echoes(&mut connect(server.address), b"hola");
    }
    server.interrupt().assert_code(0);
    place.assert_exit(TcpServer, "ok");
    for (name, expected) in [
        ("accepted_clients_total", 3.0),
        ("connected_clients", 0.0),
        ("received_bytes_total", 12.0),
        ("sent_bytes_total", 12.0),
    ] {
        assert_eq!(
            place.value(&format!("tcp_server_{name}"), &target),
            expected
        );
    }
    let place = Place::new("udp.prom");
    let server = Server::start_command(place.add_to(UdpServer.command("-p 0 --echo")));
    let peer = connected_to(server.address);
    peer.send(b"hola").unwrap();
    assert_eq!(receive(&peer), b"hola");
    run(UdpClient.to(server.address, "-c 5 -i 0 -q")).assert_code(0);
    server.interrupt().assert_code(0);
    place.assert_exit(UdpServer, "ok");
    // Two more say that these were all.
    for (name, expected) in [
        ("received_datagrams_total", 8.0),
        ("received_probes_total", 7.0),
        ("answered_datagrams_total", 8.0),
        ("dropped_datagrams_total", 0.0),
    ] {
        assert_eq!(
            place.value(&format!("udp_server_{name}"), ""),
            expected,
            "{name}"
        );
    }
}

#[test]
fn promtool_finds_no_fault_in_any_file() {
    let place = Place::new("all.prom");
    let check = |program: Program| {
        let Some(promtool) = installed("promtool", "check metrics") else {
            return;
        };
        let text = place.text();
        assert!(
            text.contains(&format!("{}_exit", prefix(program))),
            "{text}"
        );
        run_with(promtool, text).assert_clean();
    };
    for (server, client, echo) in [(TcpServer, TcpClient, ""), (UdpServer, UdpClient, "-e")] {
        let of_server = Server::start(server, echo);
        for arguments in ["-c 3 -i 0 -q", "-m hola -q"] {
            run(place.client(client, of_server.address, arguments)).assert_code(0);
            check(client);
        }
        let of_server = Server::start_command(place.add_to(server.command("-p 0")));
        of_server.interrupt().assert_code(0);
        check(server);
    }
}

#[test]
fn a_hostile_target_stays_in_its_label() {
    let place = Place::new("hostile.prom");
    let hostile = "a\"} 1\ntcp_client_exit{kind=\"ok\"} 1\n\u{1b}[2J\\";
    let end = run(place.add_to(TcpClient.command([hostile])));
    assert_eq!(end.code, Some(3), "{end:?}");
    place.assert_exit(TcpClient, "not resolved");
    assert!(!place.text().contains('\u{1b}'), "{}", place.text());
}
