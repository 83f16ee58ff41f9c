//! Every lost datagram and every wait has a place: this socket, this machine, or what lies before it.

use std::net::UdpSocket;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::harness::alone;
use crate::harness::measured::{assert_adds_up, count, figure, summary};
use crate::harness::probes::Probe;
use crate::harness::process::{Running, eventually, parse_event, run};
use crate::harness::program::{UdpClient, UdpServer, command, in_own_machine, installed};
use crate::harness::server::Server;
use crate::harness::udp::{
    connected_to, dropped_before_sockets, figures_of, receive, send_segmented, socket_on,
};

fn probe(number: u64) -> Vec<u8> {
    let probe = Probe {
        run: 1,
        number,
        ..Probe::default()
    };
    probe.datagram(64)
}

fn closing(number: u64) -> Vec<u8> {
    let probe = Probe {
        is_closing: true,
        run: 1,
        number,
        ..Probe::default()
    };
    probe.datagram(44)
}

/// Lost in the socket, elsewhere on the machine at most, and before it: together what was lost.
#[track_caller]
fn parts(summary: &Value) -> [u64; 3] {
    let here = &summary["lost_here"];
    let parts = [
        count(here, "socket"),
        count(here, "host_at_most"),
        count(summary, "lost_before"),
    ];
    let sum: u64 = parts.iter().sum();
    assert_eq!(sum, count(summary, "lost"), "{summary}");
    parts
}

/// The server's own summary, behind those of flows.
#[track_caller]
fn own(events: &[Value]) -> &Value {
    let last = events.last().expect("a summary");
    assert!(last["peer"].is_null(), "{last}");
    last
}

/// Sends `sent` probes to a server that is stopped, then one more and the closing probe to the same
/// server awake; returns what the kernel says it dropped for the socket.
fn overflow(server: &Server, sent: u64) -> u64 {
    let client = connected_to(server.address);
    server.pause();
    for number in 1..=sent {
        client.send(&probe(number)).expect("loopback takes it");
    }
    server.resume();
    eventually("the server has read everything", || {
        figures_of(server.address).queued == 0
    });
    client.send(&probe(sent + 1)).expect("loopback takes it");
    client.send(&closing(sent + 1)).expect("loopback takes it");
    figures_of(server.address).dropped
}

#[test]
fn what_a_full_buffer_drops_is_lost_in_this_socket_to_the_datagram() {
    for host in ["127.0.0.1", "::1"] {
        let server = Server::start(UdpServer, ["--json", "--rcvbuf", "4Ki", host]);
        let before = dropped_before_sockets();
        let dropped = overflow(&server, 1_000);
        let events = server.finish();
        let excuse = dropped_before_sockets() - before;

        let summary = own(&events);
        let [socket, host, _] = parts(summary);
        assert_eq!(socket, dropped, "{summary}");
        assert!(host <= excuse, "{host} of {excuse} in {summary}");
        assert_eq!(count(summary, "expected"), 1_001);
        let received = count(&events[0], "received");
        assert_eq!(received + count(summary, "lost"), 1_001, "{summary}");
        assert!(1_001 <= received + dropped + excuse, "{summary}");
        assert!((1..1_001).contains(&dropped));
    }
}

#[test]
fn people_read_where_probes_were_lost() {
    let table = [
        ("en", "of 501: ", "in this socket (buffer full: --rcvbuf), "),
        ("es", "de 501: ", "en este socket (búfer lleno: --rcvbuf), "),
    ];
    for (language, of, place) in table {
        let server = Server::start(UdpServer, ["--rcvbuf", "4Ki", "--lang", language]);
        let dropped = overflow(&server, 500);
        let end = server.interrupt();
        let line = end.text().lines().last().expect("a last line");
        assert!(line.contains(&format!("{of}{dropped} {place}")), "{line}");
    }
}

#[test]
fn other_datagrams_in_the_socket_make_its_share_an_upper_bound() {
    let server = Server::start(UdpServer, "--json --rcvbuf 4Ki");
    connected_to(server.address).send(b"hola").unwrap();
    let dropped = overflow(&server, 500);
    let events = server.finish();
    let here = &own(&events)["lost_here"];
    assert!(here["socket"].is_null(), "{here}");
    assert_eq!(count(here, "socket_at_most"), dropped);
}

#[test]
fn joined_datagrams_make_the_share_of_the_socket_a_lower_bound_and_the_rest_unknown() {
    let server = Server::start(UdpServer, "--json --rcvbuf 100K");
    let client = connected_to(server.address);
    server.pause();
    for train in 0..100 {
        let probes: Vec<u8> = (1..=64).flat_map(|at| probe(64 * train + at)).collect();
        send_segmented(&client, &probes, 64);
    }
    server.resume();
    eventually("the server has read everything", || {
        figures_of(server.address).queued == 0
    });
    client.send(&closing(6_400)).unwrap();
    let events = server.finish();
    let summary = own(&events);
    let (here, dropped) = (&summary["lost_here"], count(summary, "dropped"));
    assert!(here["socket"].is_null() && summary["lost_before"].is_null());
    assert_eq!(count(here, "socket_at_least"), dropped);
    assert!((1..count(summary, "lost")).contains(&dropped), "{summary}");
}

#[test]
fn a_run_without_probes_says_nothing_of_their_losses() {
    let server = Server::start(UdpServer, "--json");
    connected_to(server.address).send(b"hola").unwrap();
    let events = server.finish();
    for key in ["expected", "lost", "lost_here", "lost_before"] {
        assert!(own(&events)[key].is_null(), "{key}");
    }
}

/// A client that has sent `count` messages to a socket of the test, and is stopped.
fn stopped_client(count: usize, arguments: &str) -> (Running, UdpSocket, Vec<Vec<u8>>) {
    let peer = socket_on("127.0.0.1");
    let mut command = UdpClient.to(peer.local_addr().unwrap(), arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let client = Running::spawn(command);
    let mut messages = vec![receive_from(&peer)];
    messages.extend((1..count).map(|_| receive(&peer)));
    client.pause();
    (client, peer, messages)
}

/// The next datagram; the socket answers its sender from then on.
fn receive_from(peer: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 1 << 16];
    let (length, sender) = peer.recv_from(&mut buffer).expect("a datagram comes");
    peer.connect(sender).expect("loopback is reachable");
    buffer.truncate(length);
    buffer
}

#[test]
fn replies_that_a_full_buffer_drops_are_lost_in_the_client_s_socket() {
    let arguments = "-c 200 --rate 100k -w 5s --rcvbuf 4Ki --json";
    let (client, peer, messages) = stopped_client(200, arguments);
    let before = dropped_before_sockets();
    for message in &messages {
        peer.send(message).unwrap();
    }
    let dropped = figures_of(peer.peer_addr().unwrap()).dropped;
    client.resume();
    let end = client.wait();
    let excuse = dropped_before_sockets() - before;

    let summary = summary(&end);
    assert_adds_up(&summary);
    let [socket, host, _] = parts(&summary);
    assert_eq!(socket, dropped, "{summary}");
    assert!(host <= excuse, "{host} of {excuse} in {summary}");
    assert!((1..200).contains(&dropped));
}

/// Two machines and a router between them, which has room for 3 kB of what goes to the server and
/// sends it on at 1 Mbit/s; a client that measures from one to the other.
const TOKEN_BUCKET: &str = r#"
mount -t tmpfs none /run
ip netns add here
ip netns add there
ip link add c0 netns here type veth peer name r0
ip link add s0 netns there type veth peer name r1
ip link set r0 up
ip link set r1 up
ip addr add 10.1.0.1/24 dev r0
ip addr add 10.2.0.1/24 dev r1
ip -n here addr add 10.1.0.2/24 dev c0
ip -n here link set c0 up
ip -n here route add default via 10.1.0.1
ip -n there addr add 10.2.0.2/24 dev s0
ip -n there link set s0 up
ip -n there route add default via 10.2.0.1
echo 1 > /proc/sys/net/ipv4/ip_forward
tc qdisc add dev r1 root tbf rate 1mbit burst 2k limit 3k 2> $d/err || { echo no token bucket; exit; }
nsenter --net=/run/netns/there $udp_server --json --echo 10.2.0.2:1234 > $d/server &
server=$!
until grep -q listening $d/server; do :; done
nsenter --net=/run/netns/here $udp_client -c 500 --rate 5000 -w 2s --json 10.2.0.2:1234
kill -TERM $server
wait $server
cat $d/server
"#;

#[test]
fn what_a_token_bucket_drops_is_lost_before_the_machine_of_either_side() {
    let tools = ["tc", "ip", "nsenter"].map(|tool| installed(tool, ""));
    let Some(command) = in_own_machine(TOKEN_BUCKET).filter(|_| tools.iter().all(Option::is_some))
    else {
        return;
    };
    let before = dropped_before_sockets();
    let end = run(command);
    let excuse = dropped_before_sockets() - before;
    if end.text() == "no token bucket\n" {
        return eprintln!("skipped: no token bucket here: {}", end.stderr);
    }
    end.assert_code(0);
    let events = end.events_of("summary");
    let [client, flow, server] = &events[..] else {
        panic!("three summaries in {events:?}");
    };
    assert_eq!(count(client, "sent"), 500);
    assert_eq!(count(flow, "received") + count(flow, "lost"), 500, "{flow}");
    assert!(count(flow, "lost") > 100, "{flow}");
    assert_eq!(count(server, "lost"), count(flow, "lost"));
    for summary in [client, server] {
        let [socket, host, _] = parts(summary);
        assert_eq!(socket, 0, "{summary}");
        assert!(host <= excuse, "{host} of {excuse} in {summary}");
    }
}

/// A queueing discipline on loopback that has no room for most of what a client and its server send.
const FULL_QDISC: &str = r#"
tc qdisc add dev lo root tbf rate 2mbit burst 2k limit 3k 2> $d/err || { echo no token bucket; exit; }
$udp_server --json --echo 127.0.0.1:1234 > $d/server &
until grep -q listening $d/server; do :; done
$udp_client -c 2000 --rate 4000 -w 2s --json 127.0.0.1:1234
kill $!
"#;

#[test]
fn what_a_queueing_discipline_of_this_machine_drops_is_lost_on_it() {
    let tool = installed("tc", "");
    let Some(command) = in_own_machine(FULL_QDISC).filter(|_| tool.is_some()) else {
        return;
    };
    let end = run(command);
    if end.text() == "no token bucket\n" {
        return eprintln!("skipped: no token bucket here: {}", end.stderr);
    }
    end.assert_code(0);
    let summary = summary(&end);
    let lost = count(&summary, "lost");
    assert_eq!(parts(&summary), [0, lost, 0], "{summary}");
    assert!(lost > 100, "{summary}");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let script = "mount -t tmpfs none /proc
        $udp_server -q 127.0.0.1:1234 > $d/server &
        $udp_client -c 3 -i 1ms -w 500ms --lang en 127.0.0.1:1234 || echo code $?
        $udp_client -c 3 -i 1ms -w 500ms --json 127.0.0.1:1234 || echo '{\"event\":\"code\"}'
        kill $!";
    let Some(command) = in_own_machine(script) else {
        return;
    };
    let end = run(command);
    let line = "lost 3 of 3: 0 in this socket, elsewhere on this machine is not known (cannot read \
                /proc/net/snmp, /proc/net/softnet_stat, /proc/net/dev)\n";
    assert!(end.text().contains(line), "{end:?}");
    let summary = end.text().lines().find(|line| line.contains("summary"));
    let summary = parse_event(summary.expect("a summary"));
    assert_eq!(count(&summary["lost_here"], "socket"), 0);
    assert!(summary["lost_here"]["host_at_most"].is_null());
    assert!(summary["lost_before"].is_null());
}

/// The time for which replies lie in the socket of a client that is stopped.
const WAIT: Duration = Duration::from_secs(1);

/// Answers each message; returns an upper bound of its round trip, by the time that it was sent.
fn answer(peer: &UdpSocket, message: &[u8]) -> Duration {
    peer.send(message).expect("loopback takes it");
    let sent_ns = u64::from_be_bytes(message[32..40].try_into().expect("8 bytes"));
    let sent = SystemTime::UNIX_EPOCH + Duration::from_nanos(sent_ns);
    sent.elapsed().expect("one clock for both")
}

#[test]
fn a_wait_in_this_machine_is_told_apart_from_the_round_trip() {
    for arguments in [
        "-c 100 --rate 10k -w 30s --json",
        "-c 100 --rate 10k -w 30s --lang en",
    ] {
        let (client, peer, messages) = stopped_client(100, arguments);
        let bounds = messages.iter().map(|message| answer(&peer, message));
        let longest = bounds.max().expect("messages");
        thread::sleep(WAIT);
        client.resume();
        let end = client.wait();
        end.assert_code(0);
        if arguments.ends_with("en") {
            let is_told = longest < 8 * WAIT;
            let line = "of which 1";
            assert_eq!(
                end.text().contains(line),
                is_told,
                "{longest:?}: {}",
                end.text()
            );
            continue;
        }
        let summary = summary(&end);
        let wait = WAIT.as_secs_f64();
        // When a message was due counts, by less than the lag of its sender.
        let late = figure(&summary, "lag_max_s");
        assert!(
            figure(&summary, "rtt_max_s") <= longest.as_secs_f64() + late,
            "{summary}"
        );
        assert!(figure(&summary, "waiting_p99_s") >= wait, "{summary}");
        for name in ["p99", "max"] {
            let [to_kernel, to_program] =
                ["rtt", "rtt_with_waiting"].map(|key| figure(&summary, &format!("{key}_{name}_s")));
            assert!(to_program >= to_kernel + 0.99 * wait, "{name} in {summary}");
        }
    }
}

/// Answers until a closing probe comes; returns an upper bound of the longest round trip.
fn answer_all(peer: &UdpSocket) -> Duration {
    let mut message = receive_from(peer);
    let mut longest = Duration::ZERO;
    while message[5] == 0 {
        longest = longest.max(answer(peer, &message));
        message = receive(peer);
    }
    longest
}

#[test]
fn busy_processors_make_replies_wait_here_and_not_on_the_path() {
    let _alone = alone();
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let busy = || Running::start(command("sh", ["-c", "while :; do :; done"]));
    let loops: Vec<Running> = (0..2 * processors).map(|_| busy()).collect();
    let peer = socket_on("127.0.0.1");
    let command = UdpClient.to(peer.local_addr().unwrap(), "-t 2s -w 30s --json");
    let (longest, end) = thread::scope(|scope| {
        let answering = scope.spawn(|| answer_all(&peer));
        let end = run(command);
        (answering.join().expect("a closing probe"), end)
    });
    drop(loops);
    end.assert_code(0);
    let summary = summary(&end);
    assert!(
        figure(&summary, "rtt_max_s") <= longest.as_secs_f64(),
        "{summary}"
    );
    assert!(figure(&summary, "waiting_max_s") > 0.001, "{summary}");
    let to_program = figure(&summary, "rtt_with_waiting_max_s");
    assert!(to_program >= figure(&summary, "waiting_max_s"), "{summary}");
}
