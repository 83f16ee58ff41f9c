//! The command line of `udp-server`.

use std::time::Duration;

use clap::Parser;
use netcommon::Error;
use netcommon::address::{DEFAULT_HOST, Family, Group, Target, parse_group};
use netcommon::cli::{Manual, OutputArgs, Program, ServerSocketArgs, TargetArgs, parse_wait};
use netcommon::explain;
use netcommon::options::SocketOptions;

use crate::echo::ReplyHeader;
use crate::events::View;
use crate::manual;
use crate::openmetrics::ServerMetrics;
use crate::server::Settings;

/// The receive buffer unless asked otherwise: room for what a fast sender sends while this program
/// is not on a processor.
const RCVBUF: usize = 4 << 20;

/// Print every UDP datagram and its sender, and say what was lost. Without arguments it listens on
/// localhost:1234. Probes of clients that measure are counted and reported instead (-v prints them too).
#[derive(Parser, Debug)]
#[command(name = Self::NAME, version)]
pub struct Args {
    /// Answer each datagram with the same bytes, from the address that was asked, with its DSCP (unless
    /// --dscp is given) and its hop limit less one, so that two such servers do not answer each other
    /// for ever
    #[arg(short, long)]
    pub echo: bool,
    /// End after N datagrams
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// End after DUR
    #[arg(short, long, value_name = "DUR", value_parser = parse_wait)]
    pub time: Option<Duration>,
    /// Join a multicast group, perhaps on one interface, and listen on every address instead of localhost; may be repeated
    #[arg(long, value_name = "GROUP[@IF]", value_parser = parse_group)]
    pub join: Vec<Group>,
    /// Where to listen.
    #[command(flatten)]
    pub target: TargetArgs,
    /// How to speak.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Options of its socket.
    #[command(flatten)]
    pub socket: ServerSocketArgs,
}

impl Program for Args {
    const NAME: &'static str = "udp-server";
    const MANUAL: Manual = manual::MANUAL;

    fn output(&self) -> &OutputArgs {
        &self.output
    }
}

impl Args {
    /// Where to listen. No datagram for a group reaches a socket that is bound to localhost.
    ///
    /// # Errors
    ///
    /// A malformed address, two ports that differ, or a group of the other family.
    pub fn target(&self) -> Result<Target, Error> {
        let mut target = self.target.target()?;
        self.check_groups()?;
        if !self.join.is_empty() && target.host == DEFAULT_HOST {
            let all_v4 = self.join.iter().all(|group| group.address.is_ipv4());
            target.host = if all_v4 { "0.0.0.0" } else { "::" }.to_owned();
        }
        Ok(target)
    }

    fn check_groups(&self) -> Result<(), Error> {
        let is_refused = |group: &&Group| match self.target.family() {
            Family::Any => false,
            Family::V4 => group.address.is_ipv6(),
            Family::V6 => group.address.is_ipv4(),
        };
        match self.join.iter().find(is_refused) {
            Some(group) => Err(Error::usage(format!(
                "{group} is not a group of the family of -4 or -6"
            ))),
            None => Ok(()),
        }
    }

    /// How the server serves.
    pub fn settings(&self) -> Settings {
        let SocketOptions { dscp, ttl, .. } = self.socket.options();
        Settings {
            echo: self.echo.then_some(ReplyHeader { dscp, ttl }),
            count: self.count,
            time: self.time,
            view: View {
                hex: self.output.hex,
                details: self.output.is_verbose(),
            },
            metrics: ServerMetrics::default(),
        }
    }

    /// Options of the socket.
    pub fn socket_options(&self) -> SocketOptions {
        let asked = self.socket.options();
        SocketOptions {
            // The lesson shows no option that nobody asked for.
            rcvbuf: asked.rcvbuf.or((!explain::is_on()).then_some(RCVBUF)),
            ..asked
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn joining_a_group_listens_everywhere_unless_an_address_is_given() {
        let table = [
            ("udp-server", "localhost:1234"),
            ("udp-server --join 239.1.2.3@lo 5000", "0.0.0.0:5000"),
            ("udp-server --join ff02::1234", "[::]:1234"),
            ("udp-server --join 239.1.2.3 --join ff02::1234", "[::]:1234"),
            (
                "udp-server --join 239.1.2.3 239.1.2.3:5000",
                "239.1.2.3:5000",
            ),
        ];
        for (line, target) in table {
            let args = parse(line).unwrap();
            assert_eq!(args.target().unwrap().to_string(), target);
        }
    }

    #[test]
    fn a_group_of_the_other_family_is_refused_by_its_name() {
        for (line, group) in [
            ("udp-server -6 --join 239.1.2.3", "239.1.2.3"),
            ("udp-server -4 --join ff02::1234", "ff02::1234"),
        ] {
            let error = parse(line).unwrap().target().unwrap_err().to_string();
            assert!(error.contains(group), "{error}");
        }
    }
}
