//! Round trips of a few clients: a thread each, that blocks.

use std::io::Result;
use std::net::TcpStream;
use std::time::Instant;

use crate::plan::Window;
use crate::statistics::RoundTrips;
use crate::tcp::clients;
use crate::workers;

pub(crate) fn round_trips(streams: Vec<TcpStream>, window: &Window) -> Result<RoundTrips> {
    workers::share(streams, |stream| talk(stream, window))
}

fn talk(mut stream: TcpStream, window: &Window) -> Result<RoundTrips> {
    let mut trips = RoundTrips::default();
    let mut begun = Instant::now();
    while begun < window.end {
        clients::echo(&mut stream)?;
        let ended = Instant::now();
        trips.add(begun, ended, window);
        begun = ended;
    }
    Ok(trips)
}
