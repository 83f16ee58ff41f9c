//! The command line of `tcp-server`.

use std::time::Duration;

use clap::Parser;
use netcommon::Error;
use netcommon::cli::{
    Manual, OutputArgs, Program, ServerSocketArgs, TargetArgs, TcpArgs, parse_wait,
};
use netcommon::options::TcpOptions;
use netcommon::socket::tcp::DEFAULT_BACKLOG;
use netcommon::units::parse_duration;

use crate::inspect::Inspector;
use crate::limits::Limits;
use crate::manual;
use crate::settings::Settings;

/// A silent peer is probed after this time, and freed after twice that, unless asked otherwise.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Echo every byte that TCP clients send. Without arguments it listens on localhost:1234 and says
/// who connects. Ctrl-C lets clients that are talking finish, a second Ctrl-C ends at once.
#[derive(Parser, Debug)]
#[command(name = Self::NAME, version)]
pub struct Args {
    /// Serve one client and exit
    #[arg(short = '1', long)]
    pub once: bool,
    /// Clients at once; more wait in the backlog [default: what the open-files limit bears]
    #[arg(long, value_name = "N", value_parser = parse_count, conflicts_with = "explain")]
    pub max_clients: Option<usize>,
    /// Threads that serve the clients, at most 1024 [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = parse_count, conflicts_with = "explain")]
    pub max_threads: Option<usize>,
    /// Close a client that has sent nothing and taken nothing of its echo for DUR [default: never]
    #[arg(long, value_name = "DUR", value_parser = parse_wait, conflicts_with = "explain")]
    pub idle_timeout: Option<Duration>,
    /// How long Ctrl-C waits for clients that are still talking
    #[arg(long, value_name = "DUR", value_parser = parse_duration, default_value = "5s", conflicts_with = "explain")]
    pub drain_timeout: Duration,
    /// Where to listen.
    #[command(flatten)]
    pub target: TargetArgs,
    /// How to speak.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Options of its socket.
    #[command(flatten)]
    pub socket: ServerSocketArgs,
    /// Options of TCP.
    #[command(flatten)]
    pub tcp: TcpArgs,
    /// Connections that may wait to be accepted (the kernel caps it at net.core.somaxconn)
    #[arg(long, value_name = "N", default_value_t = DEFAULT_BACKLOG, help_heading = "Sockets",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub backlog: u32,
}

impl Program for Args {
    const NAME: &'static str = "tcp-server";
    const MANUAL: Manual = manual::MANUAL;

    fn output(&self) -> &OutputArgs {
        &self.output
    }
}

impl Args {
    /// How to serve; the machine decides where the user left it open.
    ///
    /// # Errors
    ///
    /// A machine that bears no client.
    pub fn settings(&self, inspector: Option<Inspector>) -> Result<Settings, Error> {
        let bearable = Limits::of_this_machine(self.max_threads)?;
        Ok(Settings {
            limits: Limits {
                clients: self.max_clients.unwrap_or(bearable.clients),
                ..bearable
            },
            once: self.once,
            idle_timeout: self.idle_timeout,
            drain_timeout: self.drain_timeout,
            is_handed_over: false,
            inspector,
            metrics: None,
        })
    }

    /// Options of the listener, which its connections inherit.
    pub fn tcp_options(&self) -> TcpOptions {
        self.tcp.options(self.socket.options(), Some(KEEPALIVE))
    }
}

fn parse_count(input: &str) -> Result<usize, String> {
    match input.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(format!("'{input}' is not a number of 1 or more")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn keep_alive_is_on_unless_zero() {
        let keepalive = |arguments: &[&str]| {
            let arguments = std::iter::once(&Args::NAME).chain(arguments);
            Args::parse_from(arguments).tcp_options().keepalive
        };
        assert_eq!(keepalive(&[]), Some(KEEPALIVE));
        assert_eq!(keepalive(&["--keepalive=5s"]), Some(Duration::from_secs(5)));
        assert_eq!(keepalive(&["--keepalive=0"]), None);
    }
}
