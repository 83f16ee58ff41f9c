//! Packets that this machine dropped outside the receive buffers of sockets.

#[cfg(target_os = "linux")]
mod qdiscs;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const SNMP: &str = "/proc/net/snmp";
const SNMP6: &str = "/proc/net/snmp6";
const BACKLOGS: &str = "/proc/net/softnet_stat";
const INTERFACES: &str = "/proc/net/dev";
/// The source of the drops of queueing disciplines, as people look it up.
const QDISCS: &str = "rtnetlink(7)";
/// A file for each bond, whose counters repeat those of its members.
const BONDS: &str = "/proc/net/bonding";

/// Drops that concern a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Those of IPv6, too: its socket is of that family.
    pub is_v6: bool,
    /// Those of sending, too.
    pub sends: bool,
}

/// A count, or the sources that it needs and that could not be read.
pub type HostCount = Result<u64, Vec<&'static str>>;

/// Counters of this machine at the start of a run. What they grow by was dropped since; others'
/// traffic counts, too.
///
/// - `ReasmFails` (`/proc/net/snmp`, and `snmp6` for IPv6): datagrams whose fragments were never put
///   together.
/// - The second column of `/proc/net/softnet_stat`: packets that found a processor's backlog full, in
///   all network namespaces.
/// - `drop` and `fifo` of the interfaces (`rx_dropped`, `rx_missed_errors` and `rx_fifo_errors`), and
///   with [`Scope::sends`] the `drop` of sending. They are read from `/proc/net/dev`, which has the
///   interfaces of this process's network namespace; `/sys/class/net` has those of the namespace in
///   which it was mounted. Bonds are left out.
/// - With [`Scope::sends`], `SndbufErrors` of UDP, datagrams that found no room in the send buffer or in
///   a queueing discipline, and the drops of the queueing disciplines by rtnetlink(7): of a message in
///   many segments (`UDP_SEGMENT`) they drop some without a word.
///
/// A packet that finds a backlog full counts at its interface again (`enqueue_to_backlog` in
/// net/core/dev.c), and a datagram that finds no room in a queueing discipline counts in both places:
/// of these two and those two, the larger is taken. `RcvbufErrors`, `InErrors`, `MemErrors` and
/// `InCsumErrors` are not read: they repeat the drops of sockets.
#[derive(Debug)]
pub struct HostDrops {
    scope: Scope,
    base: BTreeMap<&'static str, Figures>,
}

/// Figures of a source, each with the interface that it belongs to, if to any.
type Figures = BTreeMap<(Kind, String), u64>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Reassembly,
    Sending,
    Qdisc,
    Backlog,
    Interface,
}

impl HostDrops {
    /// Counts from now on.
    pub fn since_now(scope: Scope) -> Self {
        let base = read_all(scope).filter_map(|(source, figures)| Some((source, figures?)));
        Self {
            base: base.collect(),
            scope,
        }
    }

    /// Packets that were dropped since then, at most. Sends of the caller that failed for want of room
    /// are among the `SndbufErrors`, though nothing was lost: `refused` of them are taken off.
    ///
    /// # Errors
    ///
    /// Sources that cannot be read, or have another form.
    pub fn count(&self, refused: u64) -> HostCount {
        let (mut dropped, mut unread) = (BTreeMap::new(), Vec::new());
        for (source, figures) in read_all(self.scope) {
            let Some((base, now)) = self.base.get(source).zip(figures) else {
                unread.push(source);
                continue;
            };
            for (key, figure) in now {
                let before = base.get(&key).copied().unwrap_or_default();
                *dropped.entry(key.0).or_insert(0) += figure.saturating_sub(before);
            }
        }
        let of = |kind| dropped.get(&kind).copied().unwrap_or(0_u64);
        let sending = of(Kind::Sending)
            .saturating_sub(refused)
            .max(of(Kind::Qdisc));
        let queued = of(Kind::Backlog).max(of(Kind::Interface));
        if unread.is_empty() {
            Ok(of(Kind::Reassembly) + sending + queued)
        } else {
            Err(unread)
        }
    }
}

/// Sources, and their figures where they can be read.
fn read_all(scope: Scope) -> impl Iterator<Item = (&'static str, Option<Figures>)> {
    type Parse = fn(&str, Scope) -> Option<Figures>;
    let always: [(_, Parse); 3] = [(SNMP, snmp), (BACKLOGS, backlogs), (INTERFACES, interfaces)];
    let v6: Option<(_, Parse)> = scope.is_v6.then_some((SNMP6, snmp6));
    let files = always.into_iter().chain(v6).map(move |(file, parse)| {
        let text = fs::read_to_string(file).ok();
        (file, text.and_then(|text| parse(&text, scope)))
    });
    files.chain(scope.sends.then(|| (QDISCS, qdiscs())))
}

#[cfg(target_os = "linux")]
fn qdiscs() -> Option<Figures> {
    let qdiscs = qdiscs::read().inspect_err(|error| log::debug!("{QDISCS}: {error}"));
    let figures = qdiscs.ok()?.into_iter().map(|qdisc| {
        let place = format!("{} {:x}", qdisc.interface, qdisc.handle);
        ((Kind::Qdisc, place), u64::from(qdisc.dropped))
    });
    Some(figures.collect())
}

#[cfg(not(target_os = "linux"))]
fn qdiscs() -> Option<Figures> {
    None
}

/// The figures of both families, as far as they are in the scope.
fn protocols(scope: Scope, reassembly: Option<u64>, sending: Option<u64>) -> Option<Figures> {
    let mut figures = Figures::from([((Kind::Reassembly, String::new()), reassembly?)]);
    if scope.sends {
        figures.insert((Kind::Sending, String::new()), sending?);
    }
    Some(figures)
}

/// Two lines for each protocol: names, and values (proc_pid_net(5)).
fn snmp(table: &str, scope: Scope) -> Option<Figures> {
    let value = |protocol, name| {
        let rest = |line: &'_ str| line.strip_prefix(protocol).map(str::to_owned);
        let mut lines = table.lines().filter_map(rest);
        let (names, values) = (lines.next()?, lines.next()?);
        let at = names.split_whitespace().position(|other| other == name)?;
        values.split_whitespace().nth(at)?.parse().ok()
    };
    let (reassembly, sending) = (value("Ip:", "ReasmFails"), value("Udp:", "SndbufErrors"));
    protocols(scope, reassembly, sending)
}

/// A line for each figure: name, and value.
fn snmp6(table: &str, scope: Scope) -> Option<Figures> {
    let value = |name| {
        let mut lines = table.lines().map(str::split_whitespace);
        let mut line = lines.find(|line| line.clone().next() == Some(name))?;
        line.nth(1)?.parse().ok()
    };
    let (reassembly, sending) = (value("Ip6ReasmFails"), value("Udp6SndbufErrors"));
    protocols(scope, reassembly, sending)
}

/// A line for each processor, in hexadecimal.
fn backlogs(table: &str, _: Scope) -> Option<Figures> {
    let dropped = |line: &str| u64::from_str_radix(line.split_whitespace().nth(1)?, 16).ok();
    let all: Option<Vec<u64>> = table.lines().map(dropped).collect();
    let all = all.filter(|all| !all.is_empty())?;
    Some([((Kind::Backlog, String::new()), all.iter().sum())].into())
}

/// Two lines of titles, then one for each interface: eight figures of receiving (bytes, packets, errs,
/// drop, fifo, …), eight of sending.
fn interfaces(table: &str, scope: Scope) -> Option<Figures> {
    let columns = if scope.sends {
        &[3, 4, 11][..]
    } else {
        &[3, 4]
    };
    let lines = table.lines().skip(2);
    let figures = lines.map(|line| {
        let (name, figures) = line.trim_start().split_once(':')?;
        let figures: Vec<u64> = figures
            .split_whitespace()
            .map_while(|figure| figure.parse().ok())
            .collect();
        let dropped = columns.iter().map(|&at| figures.get(at));
        Some((
            (Kind::Interface, name.to_owned()),
            dropped.sum::<Option<u64>>()?,
        ))
    });
    let figures: Figures = figures.collect::<Option<_>>()?;
    let is_bond = |name: &str| Path::new(BONDS).join(name).exists();
    Some(
        figures
            .into_iter()
            .filter(|((_, name), _)| !is_bond(name))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Scope = Scope {
        is_v6: true,
        sends: true,
    };

    fn values(figures: Option<Figures>) -> Vec<u64> {
        figures.expect("figures").into_values().collect()
    }

    #[test]
    fn figures_are_found_by_their_names() {
        let table = "Ip: Forwarding ReasmOKs ReasmFails FragOKs\nIp: 2 5 7 9\n\
                     Udp: InDatagrams RcvbufErrors SndbufErrors\nUdp: 10 11 12\n\
                     UdpLite: InDatagrams RcvbufErrors SndbufErrors\nUdpLite: 0 0 0\n";
        assert_eq!(values(snmp(table, BOTH)), [7, 12]);
        assert_eq!(values(snmp(table, Scope::default())), [7]);
        let table = "Ip6ReasmOKs                     \t251\nIp6ReasmFails                   \t3\n\
                     Udp6SndbufErrors                \t4\n";
        assert_eq!(values(snmp6(table, BOTH)), [3, 4]);
    }

    #[test]
    fn backlogs_of_all_processors_are_one_figure() {
        let table = "1f2a0998 000025b8 000000e1 00000000\n1f116809 00000ce9 000000e4 00000000\n";
        assert_eq!(values(backlogs(table, BOTH)), [0x25b8 + 0xce9]);
    }

    #[test]
    fn drops_of_interfaces_are_received_and_where_that_matters_sent() {
        let table = "Inter-|   Receive       |  Transmit\n face |bytes    packets errs\n\
            \x20   lo: 1 2 3 40 500 6 7 8 9 10 11 6000 13 14 15 16\n\
            \x20 eth0:9 9 9 1 0 9 9 9 9 9 9 0 9 9 9 9\n";
        assert_eq!(values(interfaces(table, Scope::default())), [1, 540]);
        assert_eq!(values(interfaces(table, BOTH)), [1, 6540]);
    }

    #[test]
    fn a_file_of_another_form_is_unknown() {
        for parse in [snmp, snmp6, backlogs] {
            assert_eq!(parse("", BOTH), None);
            assert_eq!(parse("Ip: ReasmFails\n", BOTH), None);
        }
        assert_eq!(interfaces("\n\neth0: 1 2\n", BOTH), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn every_file_of_this_machine_can_be_read() {
        let scope = Scope {
            is_v6: Path::new(SNMP6).exists(),
            sends: true,
        };
        assert!(HostDrops::since_now(scope).count(0).is_ok());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_without_a_base_is_told() {
        let mut drops = HostDrops::since_now(Scope::default());
        drops.base.remove(BACKLOGS);
        assert_eq!(drops.count(0), Err(vec![BACKLOGS]));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_interface_that_is_new_counts_from_nought() {
        let mut drops = HostDrops::since_now(Scope::default());
        let interfaces = drops.base.get_mut(INTERFACES).expect("interfaces");
        let lo = (Kind::Interface, "lo".to_owned());
        let before = interfaces.remove(&lo).expect("loopback");
        assert!(drops.count(0).expect("a count") >= before);
    }
}
