//! Fate of a client's bytes when its connection ends.

use netcommon::socket::info::{TcpInfo, tcp_info};

use crate::client::{Client, CloseReason};

/// Bytes of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Echo that the client has, as its kernel acknowledged.
    pub(crate) delivered: u64,
    /// Bytes that came from the client and did not get back to it.
    pub(crate) undelivered: u64,
    /// Those of them that were never served: they lay unread in the kernel, or were discarded.
    pub(crate) unread: u64,
}

impl Tally {
    /// Of a connection that is about to be closed. What a client threw away itself was not the
    /// server's to deliver, and all that is read of one that has finished gets back to it.
    pub(crate) fn of(client: &Client, reason: CloseReason) -> Self {
        if matches!(reason, CloseReason::Finished | CloseReason::Reset) {
            return Self {
                delivered: client.echoed,
                undelivered: 0,
                unread: 0,
            };
        }
        let info = tcp_info(&client.stream).unwrap_or(TcpInfo {
            bytes_acknowledged: client.echoed,
            bytes_received: client.received + client.discarded,
            ..TcpInfo::default()
        });
        Self::from_figures(client.received, client.echoed, client.discarded, info)
    }

    fn from_figures(received: u64, echoed: u64, discarded: u64, info: TcpInfo) -> Self {
        let unread = info.bytes_received.saturating_sub(received);
        // The kernel goes on delivering behind an orderly close. Where bytes lie unread or still
        // come, it sends RST instead, and throws away what is not acknowledged (RFC 2525, 2.17).
        let delivered = if info.peer_has_closed && unread == discarded {
            echoed
        } else {
            info.bytes_acknowledged.min(echoed)
        };
        Self {
            delivered,
            undelivered: received - delivered + unread,
            unread,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernels_hold_is_not_delivered() {
        let info = |bytes_acknowledged, bytes_received, peer_has_closed| TcpInfo {
            bytes_acknowledged,
            bytes_received,
            peer_has_closed,
            ..TcpInfo::default()
        };
        // Received 100 bytes, echoed 80; our FIN may be acknowledged as one byte more.
        let table = [
            (info(80, 100, false), 0, (80, 20, 0)),
            (info(81, 100, false), 0, (80, 20, 0)),
            (info(50, 100, false), 0, (50, 50, 0)),
            (info(50, 130, false), 0, (50, 80, 30)),
            (info(50, 130, false), 30, (50, 80, 30)),
            // An orderly end: the kernel delivers the rest.
            (info(50, 130, true), 30, (80, 50, 30)),
            (info(50, 130, true), 20, (50, 80, 30)),
        ];
        for (info, discarded, (delivered, undelivered, unread)) in table {
            let expected = Tally {
                delivered,
                undelivered,
                unread,
            };
            assert_eq!(Tally::from_figures(100, 80, discarded, info), expected);
        }
    }
}
