//! Sending datagrams, and waiting for the replies.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use netcommon::address::Endpoint;
use netcommon::deadline::Deadline;
use netcommon::difference::Difference;
use netcommon::openmetrics::Traffic;
use netcommon::output::{Output, Style};
use netcommon::retry::Retry;
use netcommon::socket::udp::Peer;
use netcommon::units::show_duration;
use netcommon::{Error, ErrorKind};

use crate::events::Event;
use crate::expectation::{Expectation, Verdict};
use crate::source::Source;

/// Bytes of buffer for a reply: more than any datagram has.
const BUFFER: usize = 1 << 16;

/// Limit of the time-out: no clock counts on for ever.
const MAX_TIMEOUT: Duration = Duration::from_secs(1 << 30);

/// A peer, or a group, and how to wait for its replies.
pub struct Client<'a> {
    peer: Peer,
    server: String,
    options: ReplyOptions,
    expectation: Option<Expectation>,
    output: &'a Output,
    traffic: Traffic,
    buffer: Vec<u8>,
}

/// The treatment of replies.
#[derive(Clone, Copy, Debug)]
pub struct ReplyOptions {
    /// Time to wait for the reply to each datagram; `None` is not to wait.
    pub timeout: Option<Duration>,
    /// Demand the same bytes back.
    pub expect_echo: bool,
    /// Show a hex dump, too.
    pub hex: bool,
}

impl<'a> Client<'a> {
    /// Messages call the peer `server`; bytes are counted in `traffic`.
    pub fn new(
        peer: Peer,
        server: String,
        options: ReplyOptions,
        output: &'a Output,
        traffic: Traffic,
    ) -> Self {
        Self {
            peer,
            server,
            options,
            expectation: options.expect_echo.then(Expectation::default),
            output,
            traffic,
            buffer: vec![0; BUFFER],
        }
    }

    /// Sends every datagram of the source, the first one again and again while its `tries` last.
    ///
    /// # Errors
    ///
    /// An input that cannot be read or sent, a peer that refuses it, a reply that is not the echo
    /// which is demanded, or a time-out if any datagram remained without a reply.
    pub fn run(mut self, mut source: Source, mut tries: Retry) -> Result<(), Error> {
        let (mut sent, mut unanswered) = (0_u64, 0_u64);
        while let Some(payload) = source.next_payload()? {
            if let Some(expectation) = &mut self.expectation {
                expectation.expect(payload);
            }
            if sent == 0 && tries.is_repeated() {
                tries.run(|end| self.demand_reply(payload, end))?;
            } else {
                unanswered += u64::from(!self.ask(payload, self.options.timeout)?);
            }
            sent += 1;
        }
        log::info!("sent {sent} datagrams to {}", self.server);
        self.check_pending_error()?;
        if unanswered > 0 {
            return Err(self.no_reply(unanswered, sent, self.options.timeout));
        }
        self.peer.close();
        Ok(())
    }

    /// Sends a datagram and, with a time-out, waits for its replies; false if there is none.
    fn ask(&mut self, payload: &[u8], timeout: Option<Duration>) -> Result<bool, Error> {
        let sent = self.peer.send(payload);
        sent.map_err(|error| self.cannot_send(error))?;
        self.traffic.sent.inc_by(payload.len() as u64);
        timeout.map_or(Ok(true), |timeout| self.receive_replies(timeout))
    }

    fn demand_reply(&mut self, payload: &[u8], end: Deadline) -> Result<(), Error> {
        let left = end.left().unwrap_or(Duration::MAX);
        let timeout = self.options.timeout.map(|timeout| timeout.min(left));
        if self.ask(payload, timeout)? {
            return Ok(());
        }
        Err(self.no_reply(1, 1, timeout))
    }

    /// An ICMP error that has arrived by now; a later one is not waited for.
    fn check_pending_error(&self) -> Result<(), Error> {
        match self.peer.socket().take_error() {
            Ok(None) => Ok(()),
            Ok(Some(error)) | Err(error) => Err(self.cannot_send(error)),
        }
    }

    /// Shows the next reply, or from a group all that come in time; false if there is none.
    fn receive_replies(&mut self, timeout: Duration) -> Result<bool, Error> {
        let deadline = Instant::now() + timeout.min(MAX_TIMEOUT);
        let mut is_answered = false;
        while !is_answered || self.peer.is_group() {
            let Some((length, peer)) = self.receive(deadline)? else {
                break;
            };
            is_answered |= self.take_reply(&self.buffer[..length], peer)?;
        }
        Ok(is_answered)
    }

    /// Shows a reply, and whether it is the one that is waited for. The late echo of an earlier
    /// datagram, which has had its time, is not.
    fn take_reply(&self, reply: &[u8], peer: SocketAddr) -> Result<bool, Error> {
        let verdict = self
            .expectation
            .as_ref()
            .map(|expectation| expectation.judge(reply));
        if verdict == Some(Verdict::Earlier) {
            log::info!(
                "a late echo of an earlier datagram came from {}",
                Endpoint::from(peer)
            );
            return Ok(false);
        }
        self.show(reply, peer)?;
        match verdict {
            Some(Verdict::Wrong(difference)) => Err(self.wrong_reply(&difference, peer)),
            _ => Ok(true),
        }
    }

    fn receive(&mut self, deadline: Instant) -> Result<Option<(usize, SocketAddr)>, Error> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            match self.peer.receive(&mut self.buffer, left) {
                Ok((length, peer)) => {
                    self.traffic.received.inc_by(length as u64);
                    return Ok(Some((length, peer)));
                }
                Err(error) if is_transient(&error) => {}
                Err(error) => return Err(self.cannot_send(error)),
            }
        }
    }

    fn show(&self, payload: &[u8], peer: SocketAddr) -> Result<(), Error> {
        if self.output.style == Style::Raw {
            self.output.write_bytes(payload)?;
            return self.output.flush();
        }
        self.output.say(&Event::Reply {
            peer: peer.into(),
            bytes: payload.len(),
            payload,
            show_peer: self.peer.is_group(),
            hex: self.options.hex,
        })
    }

    fn wrong_reply(&self, difference: &Difference, peer: SocketAddr) -> Error {
        let server = if self.peer.is_group() {
            Endpoint::from(peer).to_string()
        } else {
            self.server.clone()
        };
        let message = format!("check failed: {server}: {difference}");
        Error::new(ErrorKind::CheckFailed, message)
    }

    fn no_reply(&self, unanswered: u64, sent: u64, timeout: Option<Duration>) -> Error {
        let which = if sent > 1 {
            format!(" to {unanswered} of {sent} datagrams")
        } else {
            String::new()
        };
        let waited = show_duration(timeout.unwrap_or_default());
        let message = format!(
            "no reply from {}{which}: timed out after {waited}",
            self.server
        );
        Error::new(ErrorKind::TimedOut, message)
            .with_hint("perhaps nothing there answers, or a firewall drops packets")
    }

    fn cannot_send(&self, error: io::Error) -> Error {
        let error = Error::io(format!("cannot send to {}", self.server), error);
        let is_refused = error.kind() == ErrorKind::Refused;
        error.with_hint(is_refused.then_some("is a server listening there?"))
    }
}

/// The time-out of the socket, or a signal: the deadline decides.
fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind as Io;
    matches!(
        error.kind(),
        Io::WouldBlock | Io::TimedOut | Io::Interrupted
    )
}
