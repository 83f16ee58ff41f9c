//! What a measuring `udp-client` believes: nothing but its own memory of what it sent.

use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::harness::measured::{assert_adds_up, count, measure, summary};
use crate::harness::probes::{HEADER, Probe};
use crate::harness::process::run;
use crate::harness::program::{UdpClient, With, in_own_network, installed};

const LENGTH: usize = 64;

/// Answers each probe with what `forge` makes of it; probes are numbered from 0 here.
fn answer_with(forge: impl Fn(usize, &[u8]) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        for number in 0.. {
            let Ok((length, client)) = server.recv_from(&mut buffer) else {
                return;
            };
            let forged = forge(number, &buffer[..length]);
            drop(server.send_to(&forged, client));
        }
    });
    address
}

#[test]
fn a_reply_with_any_byte_altered_or_of_another_length_is_never_received() {
    const FLIPS: [u8; 3] = [0x01, 0x80, 0xff];
    let altered = LENGTH * FLIPS.len();
    let server = answer_with(move |number, probe| {
        let mut reply = probe.to_vec();
        if number < altered {
            reply[number / FLIPS.len()] ^= FLIPS[number % FLIPS.len()];
        } else {
            // Every shorter length, and three longer ones.
            let length = number - altered;
            reply.resize(if length < LENGTH { length } else { length + 1 }, 0);
        }
        reply
    });
    let sent = altered + LENGTH + 3;
    let arguments = format!("-c {sent} --rate 1000 -l {LENGTH} -w 5s");
    let end = measure(UdpClient, server, &arguments);
    end.assert_code(1);
    let summary = summary(&end);
    assert_adds_up(&summary);
    let behind_header = (LENGTH - HEADER) * FLIPS.len() + (LENGTH - HEADER) + 3;
    let counts = ["sent", "received", "late", "corrupted", "lost", "unmatched"];
    assert_eq!(
        counts.map(|name| count(&summary, name) as usize),
        [
            sent,
            0,
            0,
            behind_header,
            sent - behind_header,
            sent - behind_header
        ],
        "{summary}"
    );
    assert!(summary["rtt_max_s"].is_null(), "{summary}");
}

/// A probe as it came, to be made anew: sound in itself.
fn read(probe: &[u8]) -> Probe {
    let number = |from: usize, bytes: usize| {
        let bytes = probe[from..from + bytes].iter();
        bytes.fold(0_u64, |number, &byte| number << 8 | u64::from(byte))
    };
    Probe {
        is_closing: probe[5] == 1,
        flow: number(6, 2) as u16,
        run: number(8, 4) as u32,
        number: number(16, 8),
        due_ns: number(24, 8),
        sent_ns: number(32, 8),
    }
}

/// What is made of a sound probe.
type Forge = fn(&mut Probe);

/// Replies that are sound in themselves, with a right check, but are not what was sent; and the word
/// that tells each.
const FORGERIES: [(&str, Forge); 12] = [
    ("unmatched", |probe| probe.is_closing = true),
    ("unmatched", |probe| probe.flow ^= 1),
    ("unmatched", |probe| probe.run ^= 1 << 31),
    ("unmatched", |probe| probe.number = 0),
    ("unmatched", |probe| probe.number += 1_000),
    ("unmatched", |probe| probe.number = u64::MAX),
    // Of a message that has its state.
    ("duplicate", |probe| probe.number = 1),
    ("corrupted", |probe| probe.sent_ns += 1),
    ("corrupted", |probe| probe.sent_ns = 0),
    ("corrupted", |probe| probe.sent_ns = u64::MAX),
    ("corrupted", |probe| probe.due_ns -= 1),
    ("corrupted", |probe| probe.due_ns = u64::MAX),
];

#[test]
fn a_sound_reply_with_another_number_or_time_is_never_received_and_its_times_are_not_used() {
    // The first is answered rightly.
    let server = answer_with(|number, probe| {
        let mut reply = read(probe);
        if let Some((_, forge)) = number.checked_sub(1).and_then(|at| FORGERIES.get(at)) {
            forge(&mut reply);
        }
        reply.datagram(probe.len())
    });
    let sent = FORGERIES.len() + 1;
    let start = Instant::now();
    let end = measure(UdpClient, server, &format!("-c {sent} -i 5ms -w 5s"));
    let lasted = start.elapsed().as_secs_f64();
    end.assert_code(1);
    let summary = summary(&end);
    assert_adds_up(&summary);
    let told = |word| FORGERIES.iter().filter(|(told, _)| *told == word).count() as u64;
    for (name, expected) in [
        ("received", 1),
        ("corrupted", told("corrupted")),
        ("lost", told("unmatched") + told("duplicate")),
        ("unmatched", told("unmatched")),
        ("duplicate", told("duplicate")),
        ("late", 0),
    ] {
        assert_eq!(count(&summary, name), expected, "{name} of {summary}");
    }
    let replies = end.events_of("reply");
    let words: Vec<&str> = replies
        .iter()
        .map(|reply| reply["verdict"].as_str().unwrap())
        .collect();
    let expected: Vec<&str> = FORGERIES.iter().map(|(word, _)| *word).collect();
    assert_eq!(words, [&["received"], &expected[..]].concat());
    let is_own = |reply: &Value| {
        reply["rtt_s"]
            .as_f64()
            .is_none_or(|rtt| rtt > 0.0 && rtt < lasted)
    };
    assert!(replies.iter().all(is_own), "{replies:?}");
}

/// Before it answers, a server sends a forged ICMP error for each probe (RFC 792: destination
/// unreachable, code in the first argument), as anyone on the way can.
const FORGED_ICMP: &str = r#"
import socket, struct, subprocess, sys, threading, time
code, count, client = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
local = socket.inet_aton("127.0.0.1")

def checked(packet):
    words = sum(struct.unpack("!%dH" % (len(packet) // 2), packet))
    while words >> 16:
        words = (words & 0xffff) + (words >> 16)
    return packet[:2] + struct.pack("!H", ~words & 0xffff) + packet[4:]

def forge(peer):
    udp = struct.pack("!HHHH", peer[1], server.getsockname()[1], 72, 0)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 92, 1, 0, 64, 17, 0, local, local)
    raw.sendto(checked(struct.pack("!BBHI", 3, code, 0, 0) + ip + udp), peer)

def serve():
    probes = []
    while len(probes) < count:
        probes.append(server.recvfrom(2048))
        forge(probes[-1][1])
    time.sleep(0.3)
    for probe, peer in probes:
        server.sendto(probe, peer)

threading.Thread(target=serve, daemon=True).start()
sys.exit(subprocess.call(client + ["-p", str(server.getsockname()[1])]))
"#;

#[test]
fn forged_icmp_errors_before_the_first_answer_do_not_end_a_run() {
    if installed("python3", "").is_none() {
        return;
    }
    // Port unreachable, host unreachable, administratively prohibited.
    for code in ["3", "1", "13"] {
        for count in ["1", "5"] {
            let Some(python) = in_own_network("python3") else {
                return;
            };
            let client = ["127.0.0.1", "--json", "-i", "5ms", "-w", "30s", "-c", count];
            let end = run(python
                .with(["-c", FORGED_ICMP, code, count])
                .with([UdpClient.path()])
                .with(client));
            end.assert_error(0, &["the run goes on"]);
            let summary = summary(&end);
            assert_adds_up(&summary);
            assert_eq!(summary["received"].to_string(), count, "{summary}");
        }
    }
}
