//! The addresses of a name, started one after the other, and the first to connect (RFC 8305).

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::cannot_connect;
use super::connecting::{ConnectOptions, Connecting, begin, outcome};
use crate::address::{Endpoint, Target};
use crate::deadline::Deadline;
use crate::error::{Error, reason};

/// Between the start of one address and the next (RFC 8305, section 5, "Connection Attempt Delay").
const STAGGER: Duration = Duration::from_millis(250);

/// The lesson tries one address after the other, and each as long as it takes.
pub(super) fn in_turn(
    target: &Target,
    addresses: &[SocketAddr],
    options: &ConnectOptions,
) -> Result<TcpStream, Error> {
    let mut failures = Vec::new();
    for &address in addresses {
        let connected = begin(address, options)?;
        match connected.and_then(|stream| outcome(stream, address)) {
            Ok(stream) => return Ok(stream),
            Err(error) => failures.push((address, error)),
        }
    }
    Err(cannot_connect(target, failures))
}

/// Connections to the addresses of one name.
pub(super) struct Race<'a> {
    target: &'a Target,
    addresses: &'a [SocketAddr],
    options: &'a ConnectOptions,
    connecting: Connecting,
    /// How many of the addresses have been started.
    started: usize,
    /// When the next one is to start.
    next: Deadline,
    /// By their place in the list of addresses.
    failures: BTreeMap<usize, io::Error>,
}

impl<'a> Race<'a> {
    /// None is started yet.
    pub(super) fn new(
        target: &'a Target,
        addresses: &'a [SocketAddr],
        options: &'a ConnectOptions,
    ) -> Result<Self, Error> {
        Ok(Self {
            target,
            addresses,
            options,
            connecting: Connecting::new()?,
            started: 0,
            next: Deadline::after(Some(Duration::ZERO)),
            failures: BTreeMap::new(),
        })
    }

    /// The first connection that stands; the others are closed. It does not block.
    pub(super) fn run(mut self) -> Result<TcpStream, Error> {
        while self.failures.len() < self.addresses.len() {
            self.start_next()?;
            if self.connecting.under_way().len() == 0 {
                continue;
            }
            let until = self.options.deadline.sooner(self.next_start());
            for (number, result) in self.connecting.wait(until.left())? {
                match result {
                    Ok(stream) => return Ok(self.won_by(number, stream)),
                    Err(error) => self.fail(number, error),
                }
            }
            if self.options.deadline.is_over() {
                self.time_out();
                break;
            }
        }
        let failures = self.failures.into_iter();
        let failures = failures.map(|(number, error)| (self.addresses[number], error));
        Err(cannot_connect(self.target, failures.collect()))
    }

    fn start_next(&mut self) -> Result<(), Error> {
        let Some(&address) = self.addresses.get(self.started) else {
            return Ok(());
        };
        if !self.next.is_over() {
            return Ok(());
        }
        let number = self.started;
        self.started += 1;
        match self.connecting.start(number, address, self.options)? {
            Ok(()) => self.next = Deadline::after(Some(STAGGER)),
            Err(error) => self.fail(number, error),
        }
        Ok(())
    }

    fn next_start(&self) -> Deadline {
        if self.started < self.addresses.len() {
            self.next
        } else {
            Deadline::default()
        }
    }

    /// The next address need not wait any longer.
    fn fail(&mut self, number: usize, error: io::Error) {
        let (target, host) = (self.target, self.host(number));
        log::info!("cannot connect to {target} ({host}): {}", reason(&error));
        self.failures.insert(number, error);
        self.next = Deadline::after(Some(Duration::ZERO));
    }

    fn time_out(&mut self) {
        let under_way: Vec<usize> = self.connecting.under_way().collect();
        for number in under_way {
            self.fail(number, io::ErrorKind::TimedOut.into());
        }
    }

    fn won_by(&self, number: usize, stream: TcpStream) -> TcpStream {
        log::info!("connected to {} ({})", self.target, self.host(number));
        stream
    }

    fn host(&self, number: usize) -> impl fmt::Display + use<> {
        Endpoint::from(self.addresses[number]).host()
    }
}
