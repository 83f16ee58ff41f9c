//! Probes: a datagram that is read as a probe is, byte for byte, what a client sends; one that is
//! altered in any way is not.

#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use netmeasure::probe::{HEADER, Kind, LONGEST, Probe, Reading, prepare};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    is_closing: bool,
    run: u32,
    flow: u16,
    sequence: u64,
    due_ns: u64,
    sent_ns: u64,
    length: u16,
    /// Where the datagram is altered, and how.
    at: u16,
    flip: u8,
    /// What the network makes up.
    hostile: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    read(input.hostile);
    // The same behind the beginning of a probe, where it is taken further apart.
    read(&[b"PRBE\x02", input.hostile].concat());

    let (probe, mut datagram) = sent(&input);
    assert_eq!(Probe::decode(&datagram), Reading::Probe(probe));
    let length = datagram.len();
    read(&datagram[..usize::from(input.at) % length]);
    let padded = [&datagram[..], b"."].concat();
    assert_eq!(Probe::decode(&padded), Reading::Damaged(probe));

    let at = usize::from(input.at) % length;
    datagram[at] ^= input.flip.max(1);
    let reading = read(&datagram);
    if at >= HEADER {
        assert_eq!(reading, Reading::Damaged(probe));
    } else {
        assert!(
            matches!(reading, Reading::Foreign | Reading::Unreadable),
            "{reading:?}"
        );
    }
});

fn sent(input: &Input<'_>) -> (Probe, Vec<u8>) {
    let probe = Probe {
        kind: if input.is_closing {
            Kind::Closing
        } else {
            Kind::Message
        },
        run: input.run,
        flow: input.flow,
        sequence: input.sequence,
        due_ns: input.due_ns,
        sent_ns: input.sent_ns,
    };
    let mut datagram = prepare(usize::from(input.length).clamp(HEADER, LONGEST));
    probe.encode(&mut datagram);
    (probe, datagram)
}

/// What is believed is what would have been sent.
fn read(datagram: &[u8]) -> Reading {
    let reading = Probe::decode(datagram);
    match reading {
        Reading::Probe(probe) => {
            let mut sent = prepare(datagram.len());
            probe.encode(&mut sent);
            assert_eq!(sent, datagram);
        }
        Reading::Damaged(_) => assert!(datagram.len() >= HEADER),
        Reading::Unreadable => assert!(datagram.starts_with(b"PRBE")),
        Reading::Foreign => assert!(!datagram.starts_with(b"PRBE\x02")),
    }
    reading
}
