//! The command line of `udp-server`.

use std::net::UdpSocket;
use std::time::Duration;

use clap::Parser;
use netcommon::address::{DEFAULT_HOST, Target};
use netcommon::cli::{
    EXIT_CODES, OutputArgs, Program, ServerSocketArgs, SocketArgs, TargetArgs, parse_wait,
};
use netcommon::multicast::{Group, join, parse_group};
use netcommon::options::SocketOptions;
use netcommon::{Error, udp};

use crate::echo;

/// Asked for unless the user says otherwise: what a fast sender sends while this program is not on a processor.
const RCVBUF: usize = 4 << 20;

/// Print every UDP datagram and its sender, and say what was lost. Without arguments it listens on
/// localhost:1234. Probes of clients that measure are counted and reported instead (-v prints them too).
#[derive(Clone, Debug, Parser)]
#[command(name = Self::NAME, version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Args {
    /// Answer each datagram with the same bytes, from the address that was asked; replies carry
    /// DSCP 3 unless --dscp is given, and what carries it is not answered, so that two such servers
    /// do not answer each other
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
    join: Vec<Group>,
    #[command(flatten)]
    address: TargetArgs,
    /// How the program speaks.
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    socket: SocketArgs,
    #[command(flatten)]
    server: ServerSocketArgs,
}

impl Program for Args {
    const NAME: &'static str = "udp-server";

    fn output(&self) -> &OutputArgs {
        &self.output
    }
}

impl Args {
    /// Where to listen. No datagram for a group reaches a socket that is bound to localhost.
    ///
    /// # Errors
    ///
    /// A malformed address, or two ports that differ.
    pub fn target(&self) -> Result<Target, Error> {
        let mut target = self.address.target()?;
        match self.join.first() {
            Some(group) if target.host == DEFAULT_HOST => {
                let everywhere = if group.address.is_ipv4() {
                    "0.0.0.0"
                } else {
                    "::"
                };
                target.host = everywhere.to_owned();
            }
            _ => {}
        }
        Ok(target)
    }

    /// Opens the socket and joins the groups.
    ///
    /// # Errors
    ///
    /// An unknown name, a port that cannot be bound, a group that cannot be joined.
    pub fn bind(&self) -> Result<UdpSocket, Error> {
        let socket = udp::bind(&self.target()?, self.address.family(), &self.options())?;
        for group in &self.join {
            join(&socket, group)?;
        }
        Ok(socket)
    }

    /// The DSCP that marks replies, unless the user wants another in them.
    pub fn mark(&self) -> Option<u8> {
        (self.echo && self.socket.dscp.is_none()).then_some(echo::MARK)
    }

    fn options(&self) -> SocketOptions {
        let asked = self.socket.options();
        SocketOptions {
            rcvbuf: asked.rcvbuf.or(Some(RCVBUF)),
            dscp: asked.dscp.or(self.mark()),
            reuse_port: self.server.reuse_port,
            ..asked
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Args {
        Args::try_parse_from(line.split_whitespace()).unwrap()
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn joining_a_group_listens_everywhere_unless_an_address_is_given() {
        let table = [
            ("udp-server", "localhost:1234"),
            ("udp-server --join 239.1.2.3@lo 5000", "0.0.0.0:5000"),
            ("udp-server --join ff02::1234", "[::]:1234"),
            (
                "udp-server --join 239.1.2.3 239.1.2.3:5000",
                "239.1.2.3:5000",
            ),
        ];
        for (line, target) in table {
            assert_eq!(parse(line).target().unwrap().to_string(), target);
        }
    }

    #[test]
    fn replies_are_marked_unless_the_user_wants_another_dscp() {
        assert_eq!(parse("udp-server").options().dscp, None);
        assert_eq!(parse("udp-server -e").options().dscp, Some(echo::MARK));
        assert_eq!(parse("udp-server -e --dscp EF").options().dscp, Some(46));
        assert_eq!(parse("udp-server -e --dscp EF").mark(), None);
    }
}
