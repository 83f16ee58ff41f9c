//! The loop that receives, answers, shows and ends.

use std::io;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use netcommon::address::Target;
use netcommon::datagrams::{Details, Receiver};
use netcommon::options::granted_rcvbuf;
use netcommon::output::{Output, Style};
use netcommon::shutdown::Shutdown;
use netcommon::{Error, service};

use crate::Args;
use crate::bounds::{Bounds, Tally};
use crate::drops::DropReport;
use crate::echo::Echo;
use crate::events::{Listening, Summary, View};
use crate::poller::Poller;
use crate::printer::Printer;
use crate::probes::{Probes, Taken};
use crate::report::Report;

/// The kernel charges a message with more than this, whatever its size (`sk_buff`), so that a receive
/// buffer cannot hold more messages than one for each of these bytes.
const LEAST_CHARGE: usize = 256;

/// An error that comes so often with no datagram between is the socket's own.
const LASTING: u32 = 1_000;

/// A bound socket and what is done with it.
pub struct Server {
    socket: UdpSocket,
    receiver: Receiver,
    echo: Option<Echo>,
    printer: Printer,
    probes: Probes,
    drops: DropReport,
    target: Target,
    bounds: Bounds,
    tally: Tally,
    failures: u32,
}

impl Server {
    /// Prepares a bound socket, which people know as `target`.
    ///
    /// # Errors
    ///
    /// An option that the kernel refuses.
    pub fn new(
        socket: UdpSocket,
        target: Target,
        output: Output,
        args: &Args,
    ) -> Result<Self, Error> {
        let port = socket.local_addr().map_err(failed)?.port();
        let view = View {
            hex: args.output.hex,
            details: args.output.is_verbose(),
        };
        let curious = args.echo || view.details || output.style == Style::Json;
        let details = Details {
            destination: curious,
            header: curious,
            // Jitter is told from them, and who measures does not say so beforehand.
            timestamps: true,
        };
        Ok(Self {
            receiver: Receiver::new(&socket, details)?,
            echo: args.echo.then(|| Echo::new(port)),
            drops: DropReport::new(granted_rcvbuf(&socket)),
            printer: Printer { output, view, port },
            probes: Probes::default(),
            target: target.with_port(port),
            bounds: Bounds::new(args.count, args.time),
            tally: Tally::default(),
            failures: 0,
            socket,
        })
    }

    /// Shows what comes, until it was asked to end; then what the socket still holds, and the summary.
    ///
    /// # Errors
    ///
    /// An output that cannot be written, or is closed.
    pub fn serve(mut self, poller: &mut Poller, shutdown: &Shutdown) -> Result<(), Error> {
        let start = Instant::now();
        self.announce()?;
        let mut unsettled = false;
        while !shutdown.is_requested() && !self.bounds.are_reached(&self.tally) {
            if self.receive()?.is_some() {
                unsettled = true;
                self.drops.report(self.receiver.dropped_so_far());
            } else {
                self.printer.output.flush()?;
                let news = poller.wait(self.bounds.patience(unsettled))?;
                if !news {
                    self.drops.report(self.receiver.dropped(&self.socket));
                    unsettled = self.probes.are_unreported();
                }
            }
            let silent = self.probes.silent();
            self.say_all(&silent)?;
        }
        self.receive_rest()?;
        self.sum_up(start.elapsed())
    }

    fn announce(&self) -> Result<(), Error> {
        let address = self.socket.local_addr().map_err(failed)?;
        let target = self.target.clone();
        self.printer.output.say(&Listening { address, target })?;
        service::report_ready();
        Ok(())
    }

    /// Takes one batch, and returns how many messages that were; `None` when the socket is dry.
    fn receive(&mut self) -> Result<Option<usize>, Error> {
        let batch = match self.receiver.receive(&self.socket) {
            Ok(batch) => batch,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return self.pass_over(error),
        };
        self.failures = 0;
        let wanted = self.bounds.left(&self.tally);
        if let Some(echo) = &mut self.echo {
            echo.answer(&self.socket, batch.datagrams().take(wanted));
        }
        self.tally.coalesced |= batch.is_coalesced();
        for datagram in batch.datagrams().take(wanted) {
            self.tally.datagrams += 1;
            self.tally.bytes += datagram.payload.len() as u64;
            match self.probes.take(datagram) {
                Taken::Not => self.printer.show(datagram)?,
                Taken::Counted => self.printer.show_probe(datagram)?,
                Taken::Ended(report) => {
                    self.printer.output.write(&*report)?;
                    self.printer.show_probe(datagram)?;
                }
            }
        }
        Ok(Some(batch.messages()))
    }

    /// An error that a peer or its network caused is told once, and the socket is as it was (udp(7)).
    fn pass_over(&mut self, error: io::Error) -> Result<Option<usize>, Error> {
        self.failures += 1;
        if self.failures >= LASTING {
            return Err(failed(error));
        }
        log::debug!("passed over: {error}");
        Ok(Some(1))
    }

    /// Whatever was in the socket when the end came is among the first messages that are read now;
    /// a sender that goes on does not keep the program.
    fn receive_rest(&mut self) -> Result<(), Error> {
        let mut most = 2 * granted_rcvbuf(&self.socket) / LEAST_CHARGE;
        while most > 0 && self.bounds.left(&self.tally) > 0 {
            match self.receive()? {
                Some(messages) => most = most.saturating_sub(messages),
                None => break,
            }
        }
        Ok(())
    }

    fn say_all(&self, reports: &[Report]) -> Result<(), Error> {
        let mut reports = reports.iter();
        reports.try_for_each(|report| self.printer.output.say(report))
    }

    fn sum_up(&mut self, duration: Duration) -> Result<(), Error> {
        let rest = self.probes.rest();
        self.say_all(&rest)?;
        if let untracked @ 1.. = self.probes.untracked() {
            log::warn!("{untracked} probes came from more senders than are kept apart");
        }
        let dropped = self.receiver.dropped(&self.socket);
        self.drops.report(dropped);
        self.printer.output.say(&Summary {
            datagrams: self.tally.datagrams,
            bytes: self.tally.bytes,
            dropped,
            dropped_at_least: self.tally.coalesced && dropped > Some(0),
            answered: self.echo.as_ref().map(Echo::answered),
            duration_s: duration.as_secs_f64(),
        })
    }
}

fn failed(error: io::Error) -> Error {
    Error::io("cannot receive", error)
}
