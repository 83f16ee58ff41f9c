//! Connections: connect, one echo, close, again and again.

use std::io::Result;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Socket, Type};

use crate::experiment::{Better, Experiment, Figure, Gap, Trial, Unit};
use crate::plan::{Plan, Window};
use crate::programs::Programs;
use crate::statistics::RoundTrips;
use crate::tcp::servers::{self, Server};
use crate::tcp::{clients, contender, contenders};
use crate::workers;

const CLIENTS: u8 = 16;

const FIGURES: [Figure; 3] = [
    Figure {
        key: "per_s",
        label: "connections/s",
        unit: Unit::PerSecond,
        better: Better::More,
    },
    Figure {
        key: "visit_p50_s",
        label: "p50",
        unit: Unit::Seconds,
        better: Better::Less,
    },
    Figure {
        key: "visit_p99_s",
        label: "p99",
        unit: Unit::Seconds,
        better: Better::Less,
    },
];

pub(crate) fn experiment(programs: &Programs, peers: &[Server], plan: &Plan) -> Experiment {
    let plan = *plan;
    let measure = move |server: &Server| measure(server, &plan);
    Experiment {
        name: "tcp-connections".to_owned(),
        title: "TCP connections".to_owned(),
        method: format!(
            "{CLIENTS} clients, each again and again: connect, one echo of 64 bytes, close."
        ),
        figures: FIGURES.to_vec(),
        ours: contender(&servers::ours(programs), measure),
        peers: contenders(peers, usize::from(CLIENTS), measure),
    }
}

fn measure(server: &Server, plan: &Plan) -> Trial {
    let listening = server.start()?;
    let window = plan.window();
    let visit_often = |client| come_and_go(client, listening.address, &window, plan.patience);
    let visits = workers::share(0..CLIENTS, visit_often)?;
    visits.figures(window.seconds()).ok_or(Gap::Stalled)
}

fn come_and_go(
    client: u8,
    server: SocketAddr,
    window: &Window,
    patience: Duration,
) -> Result<RoundTrips> {
    let mut visits = RoundTrips::default();
    let mut begun = Instant::now();
    while begun < window.end {
        let mut stream = connect(client, server, patience)?;
        clients::echo(&mut stream)?;
        stream.shutdown(Shutdown::Write)?;
        drop(stream);
        let ended = Instant::now();
        visits.add(begun, ended, window);
        begun = ended;
    }
    Ok(visits)
}

/// Closed connections keep their port for a while (TIME-WAIT), so each client has an address, and
/// thereby ports, of its own.
fn connect(client: u8, server: SocketAddr, patience: Duration) -> Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)?;
    let address = SocketAddr::from((Ipv4Addr::new(127, 0, 1, client + 1), 0));
    socket.bind(&address.into())?;
    socket.set_read_timeout(Some(patience))?;
    // It also bounds connect (socket(7)).
    socket.set_write_timeout(Some(patience))?;
    socket.connect(&server.into())?;
    Ok(socket.into())
}
