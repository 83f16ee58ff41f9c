//! The argument groups that the programs share, in one wording and one order.
//!
//! A program puts its own fields first and these groups after them: the heading of a flattened
//! group would otherwise reach into the fields behind it.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, ArgAction, Args, Command, ValueHint};

use crate::address::{BindAddress, Endpoint, Family, Target, parse_bind_address};
use crate::error::Error;
use crate::explain::{self, Pace};
use crate::language::Language;
use crate::options::{DSCP_NAMES, SocketOptions, TcpOptions, parse_dscp};
use crate::output::{Output, Style};
use crate::retry::Retry;
use crate::units::{parse_duration, parse_size};

/// The address to listen on or to send to.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Address")]
pub struct TargetArgs {
    /// Name or address: HOST, HOST:PORT, [IPV6]:PORT, :PORT, or a lone PORT [default: localhost]
    #[arg(value_name = "HOST", display_order = 0, value_hint = ValueHint::Hostname)]
    host: Option<String>,
    /// Port [default: 1234]
    #[arg(value_name = "PORT", display_order = 1, value_parser = parse_port)]
    second: Option<u16>,
    /// Port, as an option
    #[arg(short, long, value_name = "PORT", conflicts_with = "second", value_parser = parse_port)]
    port: Option<u16>,
    /// Use IPv4 alone (a name that has both uses IPv4 first)
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    ipv4: bool,
    /// Use IPv6 alone
    #[arg(short = '6', long)]
    ipv6: bool,
}

fn parse_port(input: &str) -> Result<u16, String> {
    let port = input.parse();
    port.map_err(|_| format!("'{input}' is not a port; a port is 0 to 65535"))
}

impl TargetArgs {
    /// The host and the port.
    ///
    /// # Errors
    ///
    /// A malformed address, or two ports that differ, is a usage error.
    pub fn target(&self) -> Result<Target, Error> {
        Target::from_arguments(self.host.as_deref(), self.second.or(self.port))
    }

    /// The same for a program that sends: it needs a real port.
    ///
    /// # Errors
    ///
    /// As [`target`](Self::target), and port 0.
    pub fn remote_target(&self) -> Result<Target, Error> {
        let target = self.target()?;
        if target.port == 0 {
            let host = target.host;
            return Err(Error::usage(format!(
                "nothing can be sent to port 0 of '{host}'"
            )));
        }
        Ok(target)
    }

    /// Warns that an address of the command line is not used, if there is one: the service manager
    /// handed over a socket on `address`.
    pub fn warn_of_no_use(&self, address: SocketAddr) {
        let is_given = self.host.is_some() || self.second.or(self.port).is_some();
        if is_given || self.ipv4 || self.ipv6 {
            let address = Endpoint::from(address);
            log::warn!(
                "the address of the command line is not used: the service manager handed over a socket on {address}"
            );
        }
    }

    /// The family that `-4` or `-6` asks for.
    pub fn family(&self) -> Family {
        if self.ipv4 {
            Family::V4
        } else if self.ipv6 {
            Family::V6
        } else {
            Family::Any
        }
    }
}

/// What a program writes to standard output, and logs.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// No human lines on standard output
    #[arg(short, long)]
    quiet: bool,
    /// Log more to standard error (-v info, -vv debug; RUST_LOG wins)
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,
    /// One JSON object a line on standard output
    #[arg(short = 'J', long, conflicts_with_all = ["quiet", "raw", "hex"])]
    pub(super) json: bool,
    /// Language of the human lines [default: from LC_ALL, LC_MESSAGES, LANG]
    #[arg(long, value_name = "es|en", value_enum, hide_possible_values = true)]
    lang: Option<Language>,
    /// Tell each socket call and one reason, on standard error; =step waits for Enter before each
    #[arg(
        long,
        value_name = "step",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "run",
        hide_possible_values = true
    )]
    explain: Option<Pace>,
    /// Write metrics to this file: Prometheus's text format where its name ends in .prom, as
    /// node_exporter wants it, else OpenMetrics; every 15s (measuring: every --report) and at the end
    #[arg(long, value_name = "PATH", conflicts_with = "explain")]
    pub(super) openmetrics: Option<PathBuf>,
    /// Begin each line with the time (UTC, RFC 3339)
    #[arg(short = 'D', long)]
    pub(super) timestamps: bool,
    /// Add a hex dump of each payload
    #[arg(short = 'x', long, conflicts_with_all = ["quiet", "raw"])]
    pub hex: bool,
    /// Payload bytes unchanged on standard output, and nothing else
    #[arg(long, conflicts_with = "quiet")]
    raw: bool,
}

impl OutputArgs {
    /// Standard output in the style that was asked for.
    pub fn open(&self) -> Output {
        Output::new(self.style(), self.language(), self.timestamps)
    }

    /// Begins the lesson, if it was asked for.
    ///
    /// # Errors
    ///
    /// Those of [`explain::start`].
    pub(super) fn start_explaining(&self) -> Result<(), Error> {
        let Some(pace) = self.explain else {
            return Ok(());
        };
        explain::start(explain::Settings {
            pace,
            language: self.language(),
            json: self.json,
        })
    }

    fn language(&self) -> Language {
        self.lang.unwrap_or_else(Language::from_environment)
    }

    /// Whether `--quiet` was given.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether `--verbose` was given.
    pub fn is_verbose(&self) -> bool {
        self.verbose > 0
    }

    fn style(&self) -> Style {
        if self.json {
            Style::Json
        } else if self.raw {
            Style::Raw
        } else if self.quiet {
            Style::Quiet
        } else {
            Style::Text
        }
    }

    pub(super) fn log_level(&self) -> log::LevelFilter {
        match self.verbose {
            0 => log::LevelFilter::Warn,
            1 => log::LevelFilter::Info,
            _ => log::LevelFilter::Debug,
        }
    }
}

/// Options of any socket.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Sockets")]
struct SocketArgs {
    /// Receive buffer (SO_RCVBUF) [default: the kernel's; udp-server asks for 4Mi]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    rcvbuf: Option<usize>,
    /// Send buffer (SO_SNDBUF) [default: the kernel's]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    sndbuf: Option<usize>,
    /// Differentiated services code point: 0 to 63, CS0 to CS7, AF11 to AF43, EF, VA, LE
    #[arg(long, value_name = "NAME|N", value_parser = DscpParser, hide_possible_values = true)]
    dscp: Option<u8>,
    /// Time to live, or hop limit (1 to 255)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    ttl: Option<u8>,
    /// Use this network interface alone (SO_BINDTODEVICE)
    #[arg(short = 'I', long, value_name = "NAME")]
    interface: Option<String>,
}

/// Takes numbers, too, which completions do not list.
#[derive(Clone)]
struct DscpParser;

impl TypedValueParser for DscpParser {
    type Value = u8;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<u8, clap::Error> {
        parse_dscp.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(
            DSCP_NAMES
                .map(|(name, _)| PossibleValue::new(name))
                .into_iter(),
        ))
    }
}

impl SocketArgs {
    fn options(&self) -> SocketOptions {
        SocketOptions {
            rcvbuf: self.rcvbuf,
            sndbuf: self.sndbuf,
            dscp: self.dscp,
            ttl: self.ttl,
            interface: self.interface.clone(),
            reuse_port: false,
        }
    }
}

/// Options of sockets that wait for peers.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Sockets")]
pub struct ServerSocketArgs {
    #[command(flatten)]
    socket: SocketArgs,
    /// Share the port with other servers (SO_REUSEPORT)
    #[arg(long)]
    reuse_port: bool,
}

impl ServerSocketArgs {
    /// The options of the socket.
    pub fn options(&self) -> SocketOptions {
        SocketOptions {
            reuse_port: self.reuse_port,
            ..self.socket.options()
        }
    }
}

/// Options of sockets that go to a peer.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Sockets")]
pub struct ClientSocketArgs {
    #[command(flatten)]
    socket: SocketArgs,
    /// Send from this local address, or from this local port; further flows take the ports behind it
    #[arg(short = 'B', long, value_name = "ADDR[:PORT]|:PORT", value_parser = parse_bind_address)]
    pub bind: Option<BindAddress>,
}

impl ClientSocketArgs {
    /// The options of the socket.
    pub fn options(&self) -> SocketOptions {
        self.socket.options()
    }

    /// The local address of a flow (from 0): each has a port of its own.
    ///
    /// # Errors
    ///
    /// A port past 65535 is a usage error.
    pub fn bind_of_flow(&self, flow: u16) -> Result<Option<BindAddress>, Error> {
        let Some(bind) = self.bind else {
            return Ok(None);
        };
        let message = format!("--bind leaves no local port up to 65535 for flow {flow} of -P");
        let of_flow = bind.advanced(flow).map(Some);
        of_flow.ok_or_else(|| Error::usage(message))
    }
}

/// Options of TCP sockets.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Sockets")]
pub struct TcpArgs {
    /// Probe a silent peer after DUR (1s to 9h), and take it for gone after twice that; 0 is off
    #[arg(
        long,
        value_name = "DUR",
        value_parser = parse_keepalive,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "60s"
    )]
    keepalive: Option<Duration>,
    /// Let the kernel gather small writes (Nagle's algorithm)
    #[arg(long)]
    no_nodelay: bool,
}

impl TcpArgs {
    /// The options of the socket; `keepalive` is the default of the program. The lesson shows the
    /// calls of its scripts, without options that nobody asked for.
    pub fn options(&self, socket: SocketOptions, keepalive: Option<Duration>) -> TcpOptions {
        let keepalive = keepalive.filter(|_| !explain::is_on());
        TcpOptions {
            socket,
            nodelay: !self.no_nodelay && !explain::is_on(),
            keepalive: self.keepalive.or(keepalive).filter(|idle| !idle.is_zero()),
        }
    }
}

/// The kernel counts whole seconds in 15 bits (tcp(7), `TCP_KEEPIDLE`).
fn parse_keepalive(input: &str) -> Result<Duration, String> {
    let duration = parse_duration(input)?;
    let range = Duration::from_secs(1)..=Duration::from_secs(9 * 60 * 60);
    if duration.is_zero() || range.contains(&duration) {
        Ok(duration)
    } else {
        Err(format!(
            "'{input}' is out of range; write 1s to 9h, or 0 for none"
        ))
    }
}

/// Another try for a client that comes too early.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Waiting")]
pub struct RetryArgs {
    /// Where nothing answers yet (refused, unreachable, not resolved, timed out), try again, with
    /// pauses that grow to 1s, until it works or DUR is over [default: a single try]
    #[arg(long, value_name = "DUR", value_parser = parse_wait)]
    retry: Option<Duration>,
}

impl RetryArgs {
    /// The tries, whose time begins now.
    pub fn start(&self) -> Retry {
        Retry::new(self.retry)
    }
}

/// A time to wait: a duration that is not zero.
///
/// # Errors
///
/// The errors of [`parse_duration`], and zero, which the kernel would take for "for ever" (socket(7)).
pub fn parse_wait(input: &str) -> Result<Duration, String> {
    let duration = parse_duration(input)?;
    if duration.is_zero() {
        return Err(format!(
            "'{input}' is no time to wait; it must be more than 0"
        ));
    }
    Ok(duration)
}
