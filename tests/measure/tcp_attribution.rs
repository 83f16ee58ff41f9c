//! Attribution: peers, paths and programs that are known to be slow are told as the cause.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tempfile::NamedTempFile;

use crate::harness::echoes::hold_up;
use crate::harness::measured::{count, figure, measure, summary};
use crate::harness::surroundings::address_of;
use crate::harness::{
    Finished, Running, Server, TcpClient, TcpServer, With, in_own_machine, installed, parse_event,
    run,
};

/// A share of the time, from 0 to 1.
#[track_caller]
fn share(event: &Value, name: &str) -> f64 {
    figure(&event["held_up"], name)
}

/// All of the time is somebody's.
#[track_caller]
fn assert_whole(event: &Value) {
    let names = ["receiver", "network", "sndbuf", "program"];
    let sum: f64 = names.iter().map(|name| share(event, name)).sum();
    assert!((sum - 1.0).abs() < 1e-6, "{event}");
    assert!(figure(event, "tcp_min_rtt_s") > 0.0, "{event}");
}

fn closed(end: &Finished) -> Value {
    end.assert_code(0);
    end.events_of("closed").remove(0)
}

fn file_of(bytes: u64) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    file.as_file().set_len(bytes).unwrap();
    file
}

fn client_of(server: impl ToString, arguments: &str, file: &NamedTempFile) -> Command {
    let command = TcpClient.command(arguments).with(["-f"]);
    command.with([file.path()]).with([server.to_string()])
}

/// A socket with the segments of an Ethernet: those of loopback are larger than what a slow reader
/// makes room for at once, and are lost.
fn narrow_socket() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_tcp_mss(1460).unwrap();
    socket
}

/// A server that treats its one client as `behave` says.
fn serve_narrowly(behave: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = narrow_socket();
    listener
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    listener.listen(1).unwrap();
    let address = address_of(&listener);
    thread::spawn(move || behave(listener.accept().unwrap().0.into()));
    address
}

/// Reads to the end, `length` bytes at a time and no more than once in 20 ms. Whatever is there would
/// be less and less where a window opens in small steps.
fn read_slowly(mut source: impl Read, length: u64) -> Vec<u8> {
    let mut all = Vec::new();
    while source.by_ref().take(length).read_to_end(&mut all).unwrap() > 0 {
        hold_up(Duration::from_millis(20));
    }
    all
}

#[test]
fn a_server_that_reads_slowly_is_the_receiver() {
    let server = serve_narrowly(|stream| drop(read_slowly(stream, 16 << 10)));
    let file = file_of(3_000_000);
    let closed = closed(&run(client_of(server, "--json", &file)));
    assert_whole(&closed);
    assert!(share(&closed, "receiver") > 0.7, "{closed}");
}

#[test]
fn a_client_that_reads_slowly_is_the_receiver_of_its_echo() {
    let server = Server::start(TcpServer, "--json");
    let client = narrow_socket();
    client.connect(&server.address.into()).unwrap();
    let client = TcpStream::from(client);
    let mut writer = client.try_clone().unwrap();
    let sending = thread::spawn(move || {
        writer.write_all(&vec![7; 3_000_000]).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    read_slowly(&client, 16 << 10);
    sending.join().unwrap();
    drop(client);
    let closed = server.finish().pop().unwrap();
    assert_whole(&closed);
    assert!(share(&closed, "receiver") > 0.7, "{closed}");
}

/// A message is acknowledged within 40 ms at the latest (a delayed acknowledgement), however busy the
/// machine is, and the next is due 200 ms after it.
#[test]
fn a_rate_far_below_what_the_path_carries_is_this_program_s() {
    let server = Server::start(TcpServer, "");
    let end = measure(TcpClient, server.address, "-c 10 --rate 5");
    end.assert_code(0);
    let summary = summary(&end);
    assert_whole(&summary);
    assert!(share(&summary, "program") > 0.7, "{summary}");
    assert!(figure(&summary, "retransmitted_percent") < 100.0);
}

/// Runs a client of an echo server, and takes its output slower than the path brings it.
fn with_slow_output(mut client: Command) -> String {
    let mut child = client.stdout(Stdio::piped()).spawn().unwrap();
    let output = read_slowly(child.stdout.take().unwrap(), 128 << 10);
    assert!(child.wait().unwrap().success());
    String::from_utf8(output).unwrap()
}

#[test]
fn a_receiver_that_waits_for_our_own_reading_is_this_program() {
    let server = serve_narrowly(|stream| {
        io::copy(&mut &stream, &mut &stream).unwrap();
    });
    let file = file_of(12_000_000);
    let output = with_slow_output(client_of(server, "--json --rcvbuf 1M", &file));
    let closed = parse_event(output.lines().last().unwrap());
    assert_whole(&closed);
    assert!(share(&closed, "program") > 0.7, "{closed}");
    assert!(share(&closed, "receiver") < 0.3, "{closed}");
}

#[test]
fn a_program_that_was_stopped_blames_nobody_else() {
    let server = Server::start(TcpServer, "");
    let command = TcpClient.to(server.address, "--stream -t 1 --report 100ms --json");
    let client = Running::start(command);
    assert_eq!(client.event()["event"], "interval");
    client.pause();
    hold_up(Duration::from_secs(4));
    client.resume();
    let end = client.wait();
    end.assert_code(0);
    let summary = summary(&end);
    assert_whole(&summary);
    assert!(share(&summary, "program") > 0.6, "{summary}");
}

/// In a machine of its own whose loopback carries 10 Mbit/s, with the segments of an Ethernet.
fn behind_a_bucket(limit: &str, script: &str) -> Option<Finished> {
    installed("tc", "")?;
    installed("python3", "")?;
    let script = format!(
        "ip link set lo mtu 1500\n\
         tc qdisc add dev lo root tbf rate 10mbit burst 32k limit {limit}\n{script}"
    );
    Some(run(in_own_machine(&script)?.with_env("discard", DISCARD)))
}

/// A server that takes everything, and sends nothing.
const DISCARD: &str = "
import socket
listener = socket.create_server(('', 1234))
while True:
    client = listener.accept()[0]
    while client.recv(65536):
        pass
    client.close()
";

#[test]
fn a_narrow_path_is_the_network() {
    let script = r#"python3 -c "$discard" &
        head -c 3M /dev/zero > $d/file
        $tcp_client --retry 30s --json -f $d/file localhost 1234"#;
    for (limit, loses) in [("1m", false), ("30k", true)] {
        let Some(end) = behind_a_bucket(limit, script) else {
            return;
        };
        let closed = closed(&end);
        assert_whole(&closed);
        assert!(share(&closed, "network") > 0.7, "{limit}: {closed}");
        let again = count(&closed, "retransmitted_bytes");
        assert!(again > 0 || !loses, "{closed}");
    }
}

#[test]
fn intervals_tell_what_was_sent_again_in_each() {
    let script = "$tcp_server -q & \
                  $tcp_client --retry 30s --stream -t 3 --report 500ms --json localhost 1234";
    let Some(end) = behind_a_bucket("30k", script) else {
        return;
    };
    end.assert_code(0);
    let intervals = end.events_of("interval");
    let again = |event: &Value| count(event, "retransmitted_bytes");
    let sum: u64 = intervals.iter().map(again).sum();
    assert!(sum > 0, "{intervals:?}");
    assert_eq!(sum, again(&summary(&end)), "{intervals:?}");
}

/// Loopback through a path of 25 ms each way, on which nothing queues: what is sent to 192.0.2.2 comes
/// from there, later. To exchange the two addresses changes no checksum.
const LONG_PATH: &str = "
import collections, fcntl, os, select, struct, time
tun = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack('16sH22x', b'far', 0x1001))
os.system('ip addr add 192.0.2.1/24 dev far && ip link set far up')
print('there', flush=True)
path = collections.deque()
while True:
    wait = max(path[0][0] - time.monotonic(), 0) if path else None
    if select.select([tun], [], [], wait)[0]:
        packet = os.read(tun, 65536)
        turned = packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
        path.append((time.monotonic() + 0.025, turned))
    while path and path[0][0] <= time.monotonic():
        packet = path.popleft()[1]
        if packet[0] >> 4 == 4:
            os.write(tun, packet)
";

/// Congestion control may not pace, and has room for what the send buffer holds.
#[test]
fn a_send_buffer_that_is_smaller_than_the_path_is_told_as_that() {
    if let Err(error) = fs::File::options().write(true).open("/dev/net/tun") {
        eprintln!("skipped: no tunnels here: {error}");
        return;
    }
    let script = r#"mkfifo $d/path
        python3 -c "$long_path" > $d/path &
        read line < $d/path
        ip route replace 192.0.2.0/24 dev far congctl reno initcwnd 50
        python3 -c "$discard" &
        head -c 8M /dev/zero > $d/file
        $tcp_client --retry 30s --json --sndbuf 16384 -f $d/file 192.0.2.2:1234"#;
    let needed = ["python3", "mkfifo"];
    if needed
        .iter()
        .any(|program| installed(program, "").is_none())
    {
        return;
    }
    let Some(machine) = in_own_machine(script) else {
        return;
    };
    let machine = machine.with_env("discard", DISCARD);
    let closed = closed(&run(machine.with_env("long_path", LONG_PATH)));
    assert_whole(&closed);
    assert!(share(&closed, "sndbuf") > 0.5, "{closed}");
}

#[test]
fn people_read_what_held_it_up_in_both_languages() {
    let server = Server::start(TcpServer, "-v");
    let table = [
        ("-c 2 -i 10ms --lang en", "this program "),
        ("-c 2 -i 10ms --lang es", "este programa "),
        ("-t 100ms --lang en", "the wait for replies "),
        ("-t 100ms --stream --lang es", "este programa "),
    ];
    for (arguments, program) in table {
        let end = run(TcpClient.to(server.address, arguments));
        end.assert_code(0);
        let starts = [
            "held up by: the receiver's window ",
            "frenado por: la ventana del receptor ",
        ];
        let is_told = |line: &&str| starts.iter().any(|start| line.starts_with(start));
        let lines: Vec<_> = end.text().lines().filter(is_told).collect();
        let [line] = lines[..] else {
            panic!("{}", end.text());
        };
        assert!(line.contains(program), "{line}");
        assert!(
            line.contains("%; retransmi") && line.contains(" (m"),
            "{line}"
        );
    }
    // A transfer says it in the log.
    let file = NamedTempFile::new().unwrap();
    fs::write(&file, "hola").unwrap();
    let told = |end: &Finished| end.stderr.contains("held up by: the receiver's window ");
    assert!(!told(&run(client_of(server.address, "", &file))));
    assert!(told(&run(client_of(server.address, "-v", &file))));
    let end = server.interrupt();
    end.assert_code(0);
    let lines = end
        .stderr
        .lines()
        .filter(|line| line.contains(" bytes echoed in "));
    let told =
        lines.filter(|line| line.contains("; held up by: ") && line.contains("nothing to echo "));
    assert_eq!(told.count(), 6, "{}", end.stderr);
}
