//! UDP round trips: one client sends a datagram, waits for its echo, sends the next.

use std::io::{Error, ErrorKind, Result};
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::experiment::{Contender, Experiment, Figure, Gap, Trial};
use crate::plan::{Plan, Window};
use crate::programs::{Programs, command};
use crate::sockets::{Listening, Protocol};
use crate::statistics::RoundTrips;
use crate::tcp::{FIGURES, MESSAGE};
use crate::udp::sockperf;

pub(crate) fn experiment(programs: &Programs, plan: &Plan) -> Experiment {
    let plan = *plan;
    let ours = programs.clone();
    let mut peers = Vec::new();
    if programs.has("sockperf") {
        peers.push(sockperf::pair(plan));
    }
    if programs.has("socat") {
        peers.push(contender("socat", plan, socat));
    }
    if programs.has("python3") {
        peers.push(contender("Python", plan, python));
    }
    Experiment {
        name: "udp-echo".to_owned(),
        title: "UDP echo, 1 client".to_owned(),
        method: "Datagrams of 64 bytes; the next one is sent when the echo is there. sockperf is measured with its own \
            client (ping-pong), which counts half round trips: they are doubled here."
            .to_owned(),
        figures: <[Figure]>::to_vec(&FIGURES),
        ours: contender("udp-server --echo", plan, move |port| {
            let mut command = ours.built("udp-server");
            command.args(["-q", "--echo", "127.0.0.1", &port.to_string()]);
            command
        }),
        peers,
    }
}

fn contender(name: &str, plan: Plan, command: impl Fn(u16) -> Command + 'static) -> Contender {
    Contender::new(name, move || measure(&command, &plan))
}

fn measure(command: impl Fn(u16) -> Command, plan: &Plan) -> Trial {
    let listening = Listening::start(Protocol::Udp, command)?;
    let window = plan.window();
    let trips = talk(listening.address, &window, plan.patience)?;
    trips.figures(window.seconds()).ok_or(Gap::Stalled)
}

fn talk(server: SocketAddr, window: &Window, patience: Duration) -> Result<RoundTrips> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(patience))?;
    let mut trips = RoundTrips::default();
    let mut reply = [0; MESSAGE.len() + 1];
    let mut begun = Instant::now();
    while begun < window.end {
        socket.send(&MESSAGE)?;
        let count = socket.recv(&mut reply)?;
        if reply[..count] != MESSAGE {
            return Err(Error::new(ErrorKind::InvalidData, "the echo differs"));
        }
        let ended = Instant::now();
        trips.add(begun, ended, window);
        begun = ended;
    }
    Ok(trips)
}

fn socat(port: u16) -> Command {
    let mut command = command(Path::new("socat"));
    command.args([&format!("UDP-RECVFROM:{port},bind=127.0.0.1,fork"), "PIPE"]);
    command
}

fn python(port: u16) -> Command {
    let mut command = command(Path::new("python3"));
    let script = include_str!("../../peers/datagram_echo.py");
    command.args(["-c", script, &port.to_string()]);
    command
}
