//! The loop that receives, answers, shows and ends.

use std::io;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use netcommon::datagrams::{Details, Receiver};
use netcommon::explain::{self, Call};
use netcommon::host::{HostDrops, Scope};
use netcommon::language::Language;
use netcommon::openmetrics;
use netcommon::options::granted_rcvbuf;
use netcommon::output::{Output, Style};
use netcommon::shutdown::Shutdown;
use netcommon::{Error, service};
use netmeasure::report::{Attribution, Side, SocketDrops};

use crate::drop_warning::DropWarning;
use crate::echo::{Echo, ReplyHeader};
use crate::events::{Event, ProbeLosses, Summary, View};
use crate::openmetrics::ServerMetrics;
use crate::poller::Poller;
use crate::printer::Printer;
use crate::probes::{MAX_FLOWS, Probes};
use crate::stop_after::StopAfter;

/// The least that the kernel charges a message, in bytes of the receive buffer (the "truesize" of
/// its `sk_buff`). It bounds the messages that a buffer can hold.
const MIN_TRUESIZE: usize = 256;

/// Failures without a datagram between them after which the socket itself is taken for broken.
const MAX_FAILURES: u32 = 1_000;

/// Silence after which drops and idle flows are checked: no further datagram may tell of them.
const CHECK_AFTER: Duration = Duration::from_secs(1);

/// How a server serves.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Answer datagrams, and with which header.
    pub echo: Option<ReplyHeader>,
    /// End after so many datagrams.
    pub count: Option<u64>,
    /// End after so long.
    pub time: Option<Duration>,
    /// Parts of a datagram that people see.
    pub view: View,
    /// Counters for Prometheus.
    pub metrics: ServerMetrics,
}

/// A bound socket and what is done with it.
pub struct Server<'a> {
    socket: UdpSocket,
    receiver: Receiver,
    poller: Poller,
    printer: Printer<'a>,
    echo: Option<Echo>,
    probes: Probes,
    drops: DropWarning,
    host: HostDrops,
    stop_after: StopAfter,
    counts: Counts,
    metrics: ServerMetrics,
    failures: u32,
}

/// Totals of the datagrams received so far.
#[derive(Default)]
struct Counts {
    datagrams: u64,
    bytes: u64,
    probes: u64,
    /// Whether the kernel joined datagrams.
    is_coalesced: bool,
}

impl<'a> Server<'a> {
    /// Prepares a bound socket.
    ///
    /// # Errors
    ///
    /// An option that the kernel refuses, or no descriptor left to wait with.
    pub fn new(socket: UdpSocket, settings: Settings, output: &'a Output) -> Result<Self, Error> {
        let address = socket.local_addr().map_err(cannot_receive)?;
        let port = address.port();
        let view = settings.view;
        let needs_header = settings.echo.is_some() || view.details || output.style == Style::Json;
        let details = Details {
            destination: needs_header,
            header: needs_header,
            // For the jitter of probes, which may come at any time.
            timestamps: true,
        };
        Ok(Self {
            receiver: Receiver::new(&socket, details)?,
            poller: Poller::new(&socket, output)?,
            printer: Printer { output, view, port },
            echo: settings.echo.map(|header| Echo::new(port, header)),
            probes: Probes::default(),
            drops: DropWarning::new(granted_rcvbuf(&socket)),
            host: HostDrops::since_now(Scope {
                is_v6: address.is_ipv6(),
                sends: false,
            }),
            stop_after: StopAfter::new(settings.count, settings.time),
            counts: Counts::default(),
            metrics: settings.metrics,
            failures: 0,
            socket,
        })
    }

    /// A function that ends the server's wait, for another thread.
    ///
    /// # Errors
    ///
    /// No descriptor left for it.
    pub fn waker(&self) -> Result<impl Fn() + Send + Sync + 'static, Error> {
        self.poller.waker()
    }

    /// Shows every datagram until a signal or a bound ends the run; then the datagrams that the
    /// socket still holds, and the summary.
    ///
    /// # Errors
    ///
    /// An output that cannot be written, or is closed.
    pub fn run(mut self, shutdown: &Shutdown) -> Result<(), Error> {
        let start = Instant::now();
        // Whether datagrams came since the last check in silence.
        let mut needs_check = false;
        while !shutdown.is_requested() && !self.stop_after.is_reached(self.counts.datagrams) {
            if self.receive()?.is_some() {
                needs_check = true;
                self.tell(self.receiver.dropped_so_far());
            } else if !self.wait(needs_check)? {
                let dropped = self.receiver.dropped(&self.socket);
                self.tell(dropped);
                needs_check = self.probes.are_unreported();
            }
            let reports = self.probes.take_reports();
            self.printer.say_flows(reports)?;
        }
        service::report_stopping("finishing: what the socket holds is received");
        self.receive_queued()?;
        self.summarize(start.elapsed())?;
        explain::close(self.socket, Call::CloseDatagrams);
        Ok(())
    }

    /// Waits for the next datagram; false if a time-out ended the wait.
    fn wait(&mut self, needs_check: bool) -> Result<bool, Error> {
        self.printer.output.flush()?;
        let check_after = needs_check.then_some(CHECK_AFTER);
        let timeouts = self.stop_after.time_left().into_iter().chain(check_after);
        self.poller.wait(timeouts.min())
    }

    /// Handles one batch, and returns how many messages that were; `None` when the socket is empty.
    fn receive(&mut self) -> Result<Option<usize>, Error> {
        let batch = match self.receiver.receive(&self.socket) {
            Ok(batch) => batch,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return self.tolerate(error).map(Some),
        };
        self.failures = 0;
        let limit = self.stop_after.datagrams_left(self.counts.datagrams);
        if let Some(echo) = &mut self.echo {
            echo.answer(&self.socket, batch.datagrams().take(limit));
        }
        self.counts.is_coalesced |= batch.is_coalesced();
        for datagram in batch.datagrams().take(limit) {
            self.counts.datagrams += 1;
            self.counts.bytes += datagram.payload.len() as u64;
            if self.probes.record(datagram) {
                self.counts.probes += 1;
                self.printer.show_probe(datagram)?;
            } else {
                self.printer.show(datagram)?;
            }
        }
        // The lesson and what it is about are read side by side.
        if explain::is_on() {
            self.printer.output.flush()?;
        }
        Ok(Some(batch.messages()))
    }

    /// Tells what has come by now to those who read metrics, and of drops to all.
    fn tell(&mut self, dropped: Option<u64>) {
        self.drops.warn(dropped);
        let (metrics, counts) = (&self.metrics, &self.counts);
        openmetrics::set(&metrics.datagrams, counts.datagrams);
        openmetrics::set(&metrics.bytes, counts.bytes);
        openmetrics::set(&metrics.probes, counts.probes);
        openmetrics::set(&metrics.dropped, dropped.unwrap_or(0));
        let answered = self.echo.as_ref().map_or(0, Echo::answered);
        openmetrics::set(&metrics.answered, answered);
    }

    /// An error that a peer or its network caused is reported once, and leaves the socket as it was
    /// (udp(7)).
    fn tolerate(&mut self, error: io::Error) -> Result<usize, Error> {
        self.failures += 1;
        if self.failures >= MAX_FAILURES {
            return Err(cannot_receive(error));
        }
        log::debug!("receiving goes on after: {error}");
        Ok(1)
    }

    /// Receives the messages that are queued by now, or as many newer ones: a sender that goes on
    /// does not keep the server.
    fn receive_queued(&mut self) -> Result<(), Error> {
        let mut most = 2 * granted_rcvbuf(&self.socket) / MIN_TRUESIZE;
        while most > 0 && self.stop_after.datagrams_left(self.counts.datagrams) > 0 {
            match self.receive()? {
                Some(messages) => most = most.saturating_sub(messages),
                None => break,
            }
        }
        Ok(())
    }

    fn summarize(&mut self, duration: Duration) -> Result<(), Error> {
        let flows = self.probes.take_rest();
        self.printer.say_flows(flows)?;
        if let forgotten @ 1.. = self.probes.forgotten() {
            log::warn!(
                "{forgotten} flows of probes made room for others: no more than {MAX_FLOWS} are kept"
            );
        }
        let dropped = self.receiver.dropped(&self.socket);
        self.tell(dropped);
        let summary = Summary {
            datagrams: self.counts.datagrams,
            bytes: self.counts.bytes,
            dropped,
            dropped_at_least: self.is_more(dropped),
            answered: self.echo.as_ref().map(Echo::answered),
            duration_s: duration.as_secs_f64(),
            losses: self.losses(dropped),
        };
        service::report_end(&format!("ended; {}", summary.figures(Language::English)));
        self.printer.output.say(&Event::Summary(summary))
    }

    /// Whether the kernel dropped more datagrams than it says: it counts one for many that it joined.
    fn is_more(&self, dropped: Option<u64>) -> bool {
        self.counts.is_coalesced && dropped > Some(0)
    }

    /// Where the probes of all flows were lost: they share the socket.
    fn losses(&self, dropped: Option<u64>) -> Option<ProbeLosses> {
        let totals = self.probes.totals()?;
        let drops = SocketDrops {
            count: dropped,
            // Probes that are missed may be among what was dropped before the server had the socket.
            may_be_more: self.is_more(dropped) || self.receiver.dropped_before() > 0,
            may_be_others: self.counts.datagrams > totals.came + totals.closing,
        };
        let host = self.host.count(0);
        let (lost, expected) = (totals.lost, totals.expected());
        Some(ProbeLosses {
            expected,
            lost,
            attribution: Attribution::new(Side::Server, lost, expected, drops, &host),
        })
    }
}

fn cannot_receive(error: io::Error) -> Error {
    Error::io("cannot receive", error)
}
