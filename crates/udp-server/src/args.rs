//! The command line of `udp-server`.

use std::net::UdpSocket;
use std::time::Duration;

use clap::Parser;
use netcommon::address::{DEFAULT_HOST, Family, Group, Target, parse_group};
use netcommon::cli::{Manual, OutputArgs, Program, ServerSocketArgs, TargetArgs, parse_wait};
use netcommon::options::SocketOptions;
use netcommon::socket::udp;
use netcommon::{Error, service};

use crate::{echo, manual};

/// Asked for unless the user says otherwise: what a fast sender sends while this program is not on a processor.
const RCVBUF: usize = 4 << 20;

/// Print every UDP datagram and its sender, and say what was lost. Without arguments it listens on
/// localhost:1234. Probes of clients that measure are counted and reported instead (-v prints them too).
#[derive(Clone, Debug, Parser)]
#[command(name = Self::NAME, version)]
pub struct Args {
    /// Answer each datagram with the same bytes, from the address that was asked; replies carry
    /// DSCP 3, and what carries it is not answered, so that two such servers do not answer each other
    #[arg(short, long, conflicts_with = "dscp")]
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
    socket: ServerSocketArgs,
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
        let mut target = self.address.target()?;
        self.check_groups()?;
        if !self.join.is_empty() && target.host == DEFAULT_HOST {
            let everywhere = if self.join.iter().all(is_v4) {
                "0.0.0.0"
            } else {
                "::"
            };
            target.host = everywhere.to_owned();
        }
        Ok(target)
    }

    fn check_groups(&self) -> Result<(), Error> {
        let wanted = |group: &&Group| match self.address.family() {
            Family::Any => true,
            Family::V4 => is_v4(group),
            Family::V6 => !is_v4(group),
        };
        match self.join.iter().find(|group| !wanted(group)) {
            Some(group) => Err(Error::usage(format!(
                "{group} is not a group of the family of -4 or -6"
            ))),
            None => Ok(()),
        }
    }

    /// Opens the socket and joins the groups; returns it with its name for people. A socket that a
    /// service manager hands over takes the place of our own.
    ///
    /// # Errors
    ///
    /// An unknown name, a port that cannot be bound, a group that cannot be joined.
    pub fn bind(&self) -> Result<(UdpSocket, Target), Error> {
        let options = self.options();
        let (socket, target) = match service::udp_socket(&options)? {
            Some((socket, address)) => (socket, address.into()),
            None => {
                let target = self.target()?;
                let socket = udp::bind(&target, self.address.family(), &options)?;
                (socket, target)
            }
        };
        for group in &self.join {
            udp::join(&socket, group)?;
        }
        Ok((socket, target))
    }

    fn options(&self) -> SocketOptions {
        let asked = self.socket.options();
        SocketOptions {
            rcvbuf: asked.rcvbuf.or(Some(RCVBUF)),
            dscp: if self.echo {
                Some(echo::MARK)
            } else {
                asked.dscp
            },
            ..asked
        }
    }
}

fn is_v4(group: &Group) -> bool {
    group.address.is_ipv4()
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
            ("udp-server --join 239.1.2.3 --join ff02::1234", "[::]:1234"),
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
    fn a_group_of_the_other_family_is_refused_by_its_name() {
        for (line, group) in [
            ("udp-server -6 --join 239.1.2.3", "239.1.2.3"),
            ("udp-server -4 --join ff02::1234", "ff02::1234"),
        ] {
            let error = parse(line).target().unwrap_err().to_string();
            assert!(error.contains(group), "{error}");
        }
    }

    #[test]
    fn replies_are_always_marked() {
        assert_eq!(parse("udp-server").options().dscp, None);
        assert_eq!(parse("udp-server --dscp EF").options().dscp, Some(46));
        assert_eq!(parse("udp-server -e").options().dscp, Some(echo::MARK));
        let both = Args::try_parse_from(["udp-server", "-e", "--dscp", "EF"]);
        assert!(both.unwrap_err().to_string().contains("--dscp"));
    }
}
