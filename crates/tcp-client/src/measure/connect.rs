//! Many connections to one server, made at the same time.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use netcommon::Error;
use netcommon::address::Target;
use netcommon::deadline::Deadline;
use netcommon::socket::connecting::Connecting;
use netcommon::socket::tcp::{self, ConnectOptions};

use crate::args::Args;

/// Connections under way at once: more than a usual backlog would be dropped, and tried again a
/// second later.
const AT_ONCE: usize = 128;

/// Connects so many times, by `end` at the latest. The first connection finds the address of the name
/// that works; the others go there. A read that blocks ends after `tick`.
///
/// # Errors
///
/// The first connection that fails.
pub(super) fn connect_all(
    args: &Args,
    target: &Target,
    flows: u16,
    end: Deadline,
    tick: Duration,
) -> Result<Vec<TcpStream>, Error> {
    let mut tries = args.retry.start().ending_by(end);
    let streams = tries.run(|end| {
        let first = tcp::connect(target, args.target.family(), &args.connect_options(end))?;
        let mut group = Group::new(args, target, first, end)?;
        group.connect_rest(flows)?;
        Ok(group.streams)
    })?;
    for stream in streams.values() {
        let prepared = stream.set_nonblocking(false);
        let prepared = prepared.and_then(|()| stream.set_read_timeout(Some(tick)));
        prepared.map_err(|error| Error::io("cannot set a time-out", error))?;
    }
    Ok(streams.into_values().collect())
}

/// Connections to one address.
struct Group<'a> {
    args: &'a Args,
    target: &'a Target,
    address: SocketAddr,
    end: Deadline,
    options: ConnectOptions,
    connecting: Connecting,
    /// Those that stand, by flow.
    streams: BTreeMap<usize, TcpStream>,
}

impl<'a> Group<'a> {
    fn new(
        args: &'a Args,
        target: &'a Target,
        first: TcpStream,
        end: Deadline,
    ) -> Result<Self, Error> {
        Ok(Self {
            args,
            target,
            address: tcp::peer(&first, target)?,
            end,
            options: args.connect_options(end),
            connecting: Connecting::new()?,
            streams: BTreeMap::from([(0, first)]),
        })
    }

    fn connect_rest(&mut self, flows: u16) -> Result<(), Error> {
        let mut rest = 1..flows;
        while self.streams.len() < usize::from(flows) {
            while self.connecting.under_way().len() < AT_ONCE
                && let Some(flow) = rest.next()
            {
                self.start(flow)?;
            }
            self.wait()?;
        }
        Ok(())
    }

    fn start(&mut self, flow: u16) -> Result<(), Error> {
        self.options.bind = self.args.socket.bind_of_flow(flow)?;
        let started = self
            .connecting
            .start(flow.into(), self.address, &self.options)?;
        started.map_err(|error| self.failed(error))
    }

    /// Each connection that stands gives the others their time anew.
    fn wait(&mut self) -> Result<(), Error> {
        let deadline = self.options.deadline;
        let ended = self.connecting.wait(deadline.left())?;
        if ended.is_empty() && deadline.is_over() {
            return Err(self.failed(io::ErrorKind::TimedOut.into()));
        }
        if !ended.is_empty() {
            self.options.deadline = self.args.connect_deadline().sooner(self.end);
        }
        for (flow, result) in ended {
            let stream = result.map_err(|error| self.failed(error))?;
            self.streams.insert(flow, stream);
        }
        Ok(())
    }

    fn failed(&self, error: io::Error) -> Error {
        tcp::cannot_connect(self.target, self.address, error)
    }
}
