//! One burst of datagrams: how many are printed, how fast, and how many are lost.

use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::experiment::{Better, Contender, Experiment, Figure, Trial, Unit};
use crate::plan::Plan;
use crate::programs::Programs;
use crate::sockets::{Listening, Protocol, receive_queue};
use crate::udp::receivers::{self, Receiver};

const SIZE: usize = 64;

/// What each payload begins with, and no receiver prints by itself.
const MARK: &[u8] = b"Datagram ";

/// Nobody prints anything more after so long a silence with nothing left to read.
const SILENCE: Duration = Duration::from_millis(300);

/// How often the output is looked at.
const TICK: Duration = Duration::from_millis(2);

const FIGURES: [Figure; 2] = [
    Figure {
        key: "printed_per_s",
        label: "printed/s",
        unit: Unit::PerSecond,
        better: Better::More,
    },
    Figure {
        key: "lost_percent",
        label: "lost",
        unit: Unit::Percent,
        better: Better::Less,
    },
];

pub(crate) fn experiment(programs: &Programs, plan: &Plan) -> Experiment {
    let scratch = programs.scratch();
    let contender = |receiver: Receiver| {
        let (plan, output) = (*plan, scratch.join("datagrams"));
        Contender::new(receiver.name, move || measure(&receiver, &output, &plan))
    };
    Experiment {
        name: "udp-burst".to_owned(),
        title: format!("UDP, a burst of {} datagrams", plan.burst),
        method: format!(
            "{SIZE} bytes each, one send after the other as fast as one thread can; every receiver prints into a file."
        ),
        figures: FIGURES.to_vec(),
        ours: contender(receivers::ours(programs)),
        peers: receivers::peers(programs)
            .into_iter()
            .map(contender)
            .collect(),
    }
}

fn measure(receiver: &Receiver, output: &Path, plan: &Plan) -> Trial {
    if let Some(directory) = output.parent() {
        fs::create_dir_all(directory)?;
    }
    let file = File::create(output)?;
    let listening = Listening::start(Protocol::Udp, |port| {
        let mut command = (receiver.command)(port);
        command.stdout(file);
        command
    })?;
    let begun = Instant::now();
    send(listening.address, plan.burst)?;
    let last = last_print(output, listening.address.port())?;
    // Some print the rest only when they end.
    listening.running.interrupt(plan.patience)?;
    let printed = count(&fs::read(output)?) as f64;
    fs::remove_file(output)?;
    let lost = 100.0 * (1.0 - printed / plan.burst as f64);
    Ok(vec![
        printed / last.duration_since(begun).as_secs_f64(),
        lost,
    ])
}

fn send(receiver: SocketAddr, count: usize) -> io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(receiver)?;
    for number in 0..count {
        socket.send(&payload(number))?;
    }
    Ok(())
}

fn payload(number: usize) -> [u8; SIZE] {
    let mut bytes = [b'.'; SIZE];
    let text = format!("Datagram {number:08} ");
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    bytes
}

/// When the output grew for the last time; it has to have been silent, with nothing left to read.
fn last_print(output: &Path, port: u16) -> io::Result<Instant> {
    let (mut length, mut last) = (0, Instant::now());
    while last.elapsed() < SILENCE {
        thread::park_timeout(TICK);
        let grown = fs::metadata(output)?.len();
        if grown > length || receive_queue(Protocol::Udp, port).is_some_and(|waiting| waiting > 0) {
            (length, last) = (grown, Instant::now());
        }
    }
    Ok(last)
}

fn count(output: &[u8]) -> usize {
    output
        .windows(MARK.len())
        .filter(|bytes| *bytes == MARK)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_are_counted_glued_or_framed() {
        let glued = [payload(1), payload(99_999_999)].concat();
        assert_eq!(count(&glued), 2);
        assert_eq!(count(b"\n[+] Mensaje: Datagram 00000001 ...\n"), 1);
        assert_eq!(count(b""), 0);
    }
}
