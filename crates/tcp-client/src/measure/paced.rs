//! The sending thread, by the clock or as fast as the path takes it.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use netmeasure::{Handover, Pacer, SendEnd};

use super::connection::{Connection, write_while};
use super::message::{stamp, unnumbered};

/// Messages that are due together are sent together, up to so many bytes.
const BATCH: usize = 64 << 10;

/// The sending half of a connection.
pub(super) struct Sender {
    pacer: Pacer,
    stream: TcpStream,
    length: usize,
    batch: Vec<u8>,
}

impl Sender {
    pub(super) fn new(connection: &Connection, handover: Arc<Handover>) -> io::Result<Self> {
        let flow = &connection.flow;
        let length = flow.run.plan.length;
        let room = (BATCH / length).max(1);
        Ok(Self {
            pacer: Pacer::new(Arc::clone(&flow.run), flow.index, handover, room),
            stream: connection.stream.try_clone()?,
            length,
            batch: unnumbered(flow.index, length, room),
        })
    }

    /// Sends what the plan asks for, until it is done, the user has enough, or the connection breaks.
    pub(super) fn run(mut self) -> SendEnd {
        let (stream, length) = (&self.stream, self.length);
        self.pacer.send_all(|pacer, number, count| {
            let batch = &mut self.batch[..count * length];
            for (slot, number) in batch.chunks_mut(length).zip(number..) {
                stamp(slot, number);
            }
            let written = write_while(stream, batch, || pacer.goes_on())?;
            let sent = written / length;
            pacer.live().count_sent(sent as u64, written as u64);
            Ok(sent)
        })
    }
}
