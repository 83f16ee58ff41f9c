//! One measured connection: how it is read and written, and how it can end.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use netcommon::{Error, ErrorKind};
use netmeasure::{Flow, Run, TICK, Verdict};

use crate::expectation::Difference;

/// One measured connection.
pub(super) struct Connection {
    pub(super) flow: Flow,
    pub(super) stream: TcpStream,
}

impl Connection {
    /// Waits on it end several times within the user's patience.
    pub(super) fn new(
        run: Arc<Run>,
        index: u16,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> io::Result<Self> {
        let tick = (run.plan.patience() / 8).clamp(Duration::from_millis(1), TICK);
        stream.set_read_timeout(Some(tick))?;
        stream.set_write_timeout(Some(tick))?;
        let flow = Flow::new(run, index, peer);
        Ok(Self { flow, stream })
    }

    /// Counts the reply to message `number`. Only a time that the user has set can be exceeded: TCP
    /// delivers late, but it delivers.
    pub(super) fn count_reply(
        &mut self,
        number: u64,
        latency: Option<Duration>,
        is_intact: bool,
    ) -> Result<(), Error> {
        let plan = &self.flow.run.plan;
        let in_time = |latency| plan.wait.is_none_or(|wait| latency <= wait);
        let verdict = match is_intact {
            false => Verdict::Corrupted,
            true if latency.is_none_or(in_time) => Verdict::Received,
            true => Verdict::Late,
        };
        let bytes = plan.length;
        self.flow.count_reply(number, bytes, latency, verdict)
    }

    /// Keeps the first difference between a message and its reply; both begin at `offset` in it.
    pub(super) fn note_difference(&mut self, number: u64, offset: usize, sent: &[u8], came: &[u8]) {
        if self.flow.corruption.is_none() {
            let difference = Difference::between(offset as u64, sent, came);
            self.flow.corruption =
                difference.map(|difference| format!("message {number}: {difference}"));
        }
    }

    /// It ended before every reply was there.
    pub(super) fn closed_early(&self) -> Error {
        let (server, sent) = (&self.flow.run.server, self.flow.live().sent());
        let came = self.flow.tally.counts.received;
        let message = format!("{server} closed early: {came} of {sent} replies came back");
        Error::new(ErrorKind::ClosedEarly, message)
    }

    pub(super) fn broken(&self, error: io::Error) -> Error {
        let (server, came) = (&self.flow.run.server, self.flow.tally.counts.received);
        Error::io(format!("lost {server} after {came} replies"), error)
    }
}

/// Writes `bytes` until they are written or nobody wants to go on; returns how many were.
pub(super) fn write_while(
    mut stream: &TcpStream,
    bytes: &[u8],
    go_on: impl Fn() -> bool,
) -> io::Result<usize> {
    let mut written = 0;
    while written < bytes.len() {
        match stream.write(&bytes[written..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => written += count,
            Err(error) if is_passing(&error) => {
                if !go_on() {
                    break;
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

/// Whether a read or write only has to be tried again: a tick is over, or a signal came.
pub(super) fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
