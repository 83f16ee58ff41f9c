//! Multicast groups: joining them, and the interfaces that the kernel chooses.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{IpAddr, UdpSocket};

use nix::errno::Errno;
use socket2::{InterfaceIndexOrAddress, SockRef};

use crate::address::Group;
use crate::error::{Error, ErrorKind};
use crate::interface;

/// Joins a group: its datagrams reach the socket, if it is bound to the group or to the wildcard.
///
/// Without an interface of its own, the group is joined on the one that the socket is bound to
/// (`SO_BINDTODEVICE`), else on the one that the kernel's routes choose. That one is told, and it is a
/// warning where others would do as well: the group may be heard on one of those alone.
///
/// # Errors
///
/// An unknown interface, or one that cannot do multicast, with the group in the message; no route to
/// the group is [`ErrorKind::Unreachable`].
pub fn join(socket: &UdpSocket, group: &Group) -> Result<(), Error> {
    let socket = SockRef::from(socket);
    let named = group.interface.clone().or_else(|| bound_interface(&socket));
    let before = members(group.address);
    join_on(&socket, group.address, named.as_deref())
        .map_err(|error| cannot_join(group, named.is_some(), error))?;
    match (named, grown(&before, &members(group.address))) {
        (Some(interface), _) => log::info!("joined {} on {interface}", group.address),
        (None, Some(interface)) => tell_choice(group.address, &interface),
        (None, None) => log::info!("joined {group} on an interface of the kernel's choice"),
    }
    Ok(())
}

fn join_on(socket: &SockRef<'_>, group: IpAddr, interface: Option<&str>) -> io::Result<()> {
    let unknown = || io::Error::from(Errno::ENODEV);
    let index = interface.map(|name| interface::index_of(name).ok_or_else(unknown));
    let index = index.transpose()?.unwrap_or(0);
    receive_own_groups_only(socket, group)?;
    match group {
        IpAddr::V4(group) => {
            socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(index))
        }
        IpAddr::V6(group) => socket.join_multicast_v6(&group, index),
    }
}

/// A socket on the wildcard would receive every group that any socket of this machine has joined
/// (`IP_MULTICAST_ALL`, ip(7)).
#[cfg(target_os = "linux")]
fn receive_own_groups_only(socket: &SockRef<'_>, group: IpAddr) -> io::Result<()> {
    match group {
        IpAddr::V4(_) => socket.set_multicast_all_v4(false),
        IpAddr::V6(_) => socket.set_multicast_all_v6(false),
    }
}

#[cfg(not(target_os = "linux"))]
fn receive_own_groups_only(_: &SockRef<'_>, _: IpAddr) -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn bound_interface(socket: &SockRef<'_>) -> Option<String> {
    String::from_utf8(socket.device().ok()??).ok()
}

#[cfg(not(target_os = "linux"))]
fn bound_interface(_: &SockRef<'_>) -> Option<String> {
    None
}

/// Without an interface, `ENODEV` is a group that no route leads to (ip(7)).
fn cannot_join(group: &Group, is_named: bool, error: io::Error) -> Error {
    if is_named || error.raw_os_error() != Some(Errno::ENODEV as i32) {
        return Error::io(format!("cannot join {group}"), error);
    }
    let capable = interface::multicast_capable(group.address).into_iter();
    let example = capable.chain(["lo".to_owned()]).next().unwrap_or_default();
    let message = format!(
        "cannot join {group}: unreachable, as no route leads there; \
         name the interface, like {group}@{example}"
    );
    Error::new(ErrorKind::Unreachable, message)
}

fn tell_choice(group: IpAddr, interface: &str) {
    let mut others = interface::multicast_capable(group);
    others.retain(|other| other != interface);
    if let Some(example) = others.first() {
        let others = others.join(", ");
        log::warn!(
            "joined {group} on {interface} alone, and not on {others}; \
             name the interface, like {group}@{example}"
        );
    } else {
        log::info!("joined {group} on {interface}");
    }
}

/// Members of a group by interface.
type Members = BTreeMap<String, u32>;

/// The interface on which a group has won members.
fn grown(before: &Members, after: &Members) -> Option<String> {
    let has_grown = |(name, members): &(&String, &u32)| before.get(*name).unwrap_or(&0) < *members;
    after.iter().find(has_grown).map(|(name, _)| name.clone())
}

/// Members of a group as the kernel's tables tell (proc_pid_net(5)); none where there are no tables.
fn members(group: IpAddr) -> Members {
    let table = match group {
        IpAddr::V4(_) => "/proc/self/net/igmp",
        IpAddr::V6(_) => "/proc/self/net/igmp6",
    };
    let table = fs::read_to_string(table).unwrap_or_default();
    match group {
        IpAddr::V4(group) => members_v4(&table, u32::from_ne_bytes(group.octets())),
        IpAddr::V6(group) => members_v6(&table, &format!("{:032x}", group.to_bits())),
    }
}

/// Behind the line of an interface (`4 eth0 : 1 V3`) come those of its groups, which begin with
/// tabulators (`010000E0 1 0:00000000 0`).
fn members_v4(table: &str, group: u32) -> Members {
    let mut interface = "";
    let mut found = Members::new();
    for line in table.lines().skip(1) {
        let mut words = line.split_whitespace();
        let (first, second) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        if !line.starts_with('\t') {
            interface = second.trim_end_matches(':');
        } else if u32::from_str_radix(first, 16) == Ok(group) {
            found.insert(interface.to_owned(), second.parse().unwrap_or_default());
        }
    }
    found
}

/// A line: `4    eth0            ff020000000000000000000000000001     1 0000000C 0`.
fn members_v6(table: &str, group: &str) -> Members {
    let member = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let interface = words.next()?.to_owned();
        (words.next()? == group).then_some(())?;
        Some((interface, words.next()?.parse().ok()?))
    };
    table.lines().filter_map(member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::parse_group;

    fn counts(members: &Members) -> Vec<(&str, u32)> {
        let counts = members.iter();
        counts
            .map(|(name, &count)| (name.as_str(), count))
            .collect()
    }

    #[test]
    fn members_are_read_from_the_kernel_s_tables() {
        let v4 = "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n\
            1\tlo        :     1      V3\n\
            \t\t\t\t010000E0     1 0:00000000\t\t0\n\
            4\tlong-name-0123:     2      V3\n\
            \t\t\t\t030201EF     2 0:00000000\t\t0\n\
            \t\t\t\t010000E0     1 0:00000000\t\t0\n";
        assert_eq!(
            counts(&members_v4(v4, 0x0302_01ef)),
            [("long-name-0123", 2)]
        );
        let both = [("lo", 1), ("long-name-0123", 1)];
        assert_eq!(counts(&members_v4(v4, 0x0100_00e0)), both);
        let v6 = "1    lo              ff020000000000000000000000000001     1 0000000C 0\n\
            4    eth0            ff020000000000000000000000001234     3 00000004 0\n";
        let found = members_v6(v6, "ff020000000000000000000000001234");
        assert_eq!(counts(&found), [("eth0", 3)]);
    }

    #[test]
    fn the_interface_that_was_chosen_has_a_member_more() {
        let members = |counts: [u32; 2]| {
            Members::from(
                ["a", "b"]
                    .map(str::to_owned)
                    .iter()
                    .cloned()
                    .zip(counts)
                    .collect::<Members>(),
            )
        };
        assert_eq!(
            grown(&members([1, 1]), &members([1, 2])).as_deref(),
            Some("b")
        );
        assert_eq!(
            grown(&Members::new(), &members([1, 0])).as_deref(),
            Some("a")
        );
        assert_eq!(grown(&members([1, 1]), &members([1, 1])), None);
    }

    #[test]
    fn a_join_is_in_the_kernel_s_table() {
        for (bound, group) in [
            ("0.0.0.0:0", "239.255.77.3@lo"),
            ("[::]:0", "ff02::4d03@lo"),
        ] {
            let socket = UdpSocket::bind(bound).unwrap();
            let group = parse_group(group).unwrap();
            let before = members(group.address);
            join(&socket, &group).unwrap();
            let chosen = grown(&before, &members(group.address));
            assert_eq!(chosen.as_deref(), Some("lo"), "{group}");
        }
    }

    #[test]
    fn an_unknown_interface_cannot_be_joined_on() {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        let group = parse_group("239.1.2.3@nowhere0").unwrap();
        let error = join(&socket, &group).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LocalLimit);
        assert!(error.to_string().contains("239.1.2.3@nowhere0"), "{error}");
    }
}
