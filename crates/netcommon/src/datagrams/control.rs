//! The ancillary data of datagrams on Linux (cmsg(3), ip(7), ipv6(7), socket(7)).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::time::{Duration, SystemTime};

use nix::cmsg_space;
use nix::libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo, timespec};
use nix::sys::socket::sockopt::{
    IpRecvTos, Ipv4PacketInfo, Ipv4RecvTtl, Ipv6RecvHopLimit, Ipv6RecvPacketInfo, Ipv6RecvTClass,
    ReceiveTimestampns, RxqOvfl, UdpGroSegment,
};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, RecvMsg, SetSockOpt, SockaddrStorage, setsockopt,
};

use super::{Details, RecvMeta, Transmit};
use crate::error::Error;

/// Turns on what is always needed, and what `details` asks for.
pub(super) fn enable(socket: &UdpSocket, details: Details) -> Result<(), Error> {
    let v6 = socket.local_addr().is_ok_and(|address| address.is_ipv6());
    set(socket, "SO_RXQ_OVFL", RxqOvfl, &1)?;
    if let Err(error) = setsockopt(socket, UdpGroSegment, &true) {
        log::debug!("no UDP_GRO on this kernel: {error}");
    }
    if details.timestamps {
        set(socket, "SO_TIMESTAMPNS", ReceiveTimestampns, &true)?;
    }
    if details.destination && v6 {
        set(socket, "IPV6_RECVPKTINFO", Ipv6RecvPacketInfo, &true)?;
    } else if details.destination {
        set(socket, "IP_PKTINFO", Ipv4PacketInfo, &true)?;
    }
    // A socket of IPv6 may receive IPv4 as well, with the header fields of IPv4.
    if details.header && v6 {
        set(socket, "IPV6_RECVHOPLIMIT", Ipv6RecvHopLimit, &true)?;
        set(socket, "IPV6_RECVTCLASS", Ipv6RecvTClass, &true)?;
    }
    if details.header {
        set(socket, "IP_RECVTTL", Ipv4RecvTtl, &true)?;
        set(socket, "IP_RECVTOS", IpRecvTos, &true)?;
    }
    Ok(())
}

fn set<O: SetSockOpt>(
    socket: &UdpSocket,
    name: &str,
    option: O,
    value: &O::Val,
) -> Result<(), Error> {
    setsockopt(socket, option, value)
        .map_err(|error| Error::io(format!("cannot set {name}"), error.into()))
}

/// Room for everything that one message can bring: destination, time, segment size, drop counter,
/// time to live and type of service.
pub(super) fn space() -> Vec<u8> {
    cmsg_space!(in6_pktinfo, timespec, i32, u32, i32, i32)
}

/// Takes over what the kernel said about a message; returns the socket's drop counter if it is there.
pub(super) fn decode(
    message: &RecvMsg<'_, '_, SockaddrStorage>,
    meta: &mut RecvMeta,
) -> Option<u32> {
    let mut dropped = None;
    for control in message.cmsgs().into_iter().flatten() {
        match control {
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                let (destination, local) = (v4(info.ipi_addr), v4(info.ipi_spec_dst));
                meta.destination = Some(destination.into());
                meta.interface = u32::try_from(info.ipi_ifindex).ok();
                // The two differ where the first is no address of this machine; the second is not
                // told for what came before the option was set.
                let foreign = !local.is_unspecified() && local != destination;
                meta.to_group = foreign || is_group(destination);
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                let destination = Ipv6Addr::from(info.ipi6_addr.s6_addr);
                meta.destination = Some(destination.into());
                meta.interface = Some(info.ipi6_ifindex);
                meta.to_group = destination.is_multicast()
                    || destination.to_ipv4_mapped().is_some_and(is_group);
            }
            ControlMessageOwned::Ipv4Ttl(ttl) | ControlMessageOwned::Ipv6HopLimit(ttl) => {
                meta.ttl = u8::try_from(ttl).ok();
            }
            ControlMessageOwned::Ipv4Tos(tos) => meta.tos = Some(tos),
            ControlMessageOwned::Ipv6TClass(class) => meta.tos = u8::try_from(class).ok(),
            ControlMessageOwned::UdpGroSegments(size) => meta.stride = usize::try_from(size).ok(),
            ControlMessageOwned::ScmTimestampns(time) => {
                meta.time = SystemTime::UNIX_EPOCH.checked_add(Duration::from(time));
            }
            ControlMessageOwned::RxqOvfl(count) => dropped = Some(count),
            _ => {}
        }
    }
    dropped
}

fn v4(address: in_addr) -> Ipv4Addr {
    Ipv4Addr::from(address.s_addr.to_ne_bytes())
}

/// A directed broadcast looks like a host's address.
fn is_group(destination: Ipv4Addr) -> bool {
    destination.is_multicast() || destination.is_broadcast()
}

/// The values of a datagram's control data on its way out.
pub(super) struct Outgoing {
    source: Option<Source>,
    ttl: Option<i32>,
    tos: Option<u8>,
    class: Option<i32>,
    is_v4: bool,
}

enum Source {
    V4(in_pktinfo),
    V6(in6_pktinfo),
}

impl Outgoing {
    /// The address to leave from and the header fields that `transmit` asks for. A peer over IPv4 on an
    /// IPv6 socket has the fields of IPv4.
    pub(super) fn of(transmit: &Transmit<'_>) -> Self {
        let (is_v4, source, ttl, tos) = transmit.header();
        Self {
            source: source.map(Source::of),
            ttl: ttl.map(Into::into),
            tos: tos.filter(|_| is_v4),
            class: tos.filter(|_| !is_v4).map(Into::into),
            is_v4,
        }
    }

    /// The control messages, which point to the values.
    pub(super) fn messages(&self) -> Vec<ControlMessage<'_>> {
        let ttl = self.ttl.as_ref().map(|ttl| {
            if self.is_v4 {
                ControlMessage::Ipv4Ttl(ttl)
            } else {
                ControlMessage::Ipv6HopLimit(ttl)
            }
        });
        let source = self.source.as_ref().map(Source::message);
        let tos = self.tos.as_ref().map(ControlMessage::Ipv4Tos);
        let class = self.class.as_ref().map(ControlMessage::Ipv6TClass);
        [source, ttl, tos, class].into_iter().flatten().collect()
    }

    /// Room for these, and not a byte more, which the kernel would take for a further message.
    pub(super) fn space(&self) -> Option<Vec<u8>> {
        let source = match self.source {
            Some(Source::V4(_)) => cmsg_space!(in_pktinfo).len(),
            Some(Source::V6(_)) => cmsg_space!(in6_pktinfo).len(),
            None => 0,
        };
        // The one byte of IP_TOS takes as much, as messages are aligned (cmsg(3)).
        let field = cmsg_space!(i32).len();
        let fields = [self.ttl, self.tos.map(Into::into), self.class];
        let size = source + field * fields.iter().flatten().count();
        (size > 0).then(|| vec![0; size])
    }
}

impl Source {
    fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: in_addr {
                    s_addr: u32::from_ne_bytes(address.octets()),
                },
                ipi_addr: in_addr { s_addr: 0 },
            }),
            IpAddr::V6(address) => Self::V6(in6_pktinfo {
                ipi6_addr: in6_addr {
                    s6_addr: address.octets(),
                },
                ipi6_ifindex: 0,
            }),
        }
    }

    fn message(&self) -> ControlMessage<'_> {
        match self {
            Self::V4(info) => ControlMessage::Ipv4PacketInfo(info),
            Self::V6(info) => ControlMessage::Ipv6PacketInfo(info),
        }
    }
}
