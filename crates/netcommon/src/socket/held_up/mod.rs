//! Causes that held the sending of TCP connections up: the receiver, the network, the send buffer, or
//! the program itself.
//!
//! The kernel tells how long a connection had something to send or unacknowledged, and how much of
//! that time the receiver's window or the send buffer was what it waited for (`TCP_INFO`, Linux
//! 4.10, in steps of 1 to 10 ms). The rest of it is the network's: its rate, its delay, its loss, and
//! the queue in front of it. The time that is left the program had nothing to send.
//!
//! Two causes the kernel does not count, and a [`Sampler`] looks for them now and then. An echo server
//! stops reading when its echo is not read: a receiver's window that is closed while our own receive
//! buffer is more than half full is the program's doing. And the kernel notices a wait for the send
//! buffer only where it sends while the program waits already: nearly always with pacing (BBR), hardly
//! ever without. A wait for room while all is sent is such a wait, unless it queues on the path (a round
//! trip of more than twice the shortest): that is the network's.

mod report;
mod sampler;

use std::ops::AddAssign;
use std::time::Duration;

use serde::Serialize;

use super::info::TcpInfo;
use super::sent_bytes::SentBytes;
use report::Figures;

pub use sampler::Sampler;

/// Time of connections by what held their sending up, with what was sent again and the round trips
/// that TCP measured. Of several connections the times and bytes are sums, so that each weighs as
/// much as it lasted; the smoothed round trip is their mean, the shortest the shortest of all.
///
/// As JSON:
/// `{"held_up":{"receiver":0.82,"network":0.15,"sndbuf":0.0,"program":0.03},"retransmitted_bytes":1448,"retransmitted_percent":0.02,"tcp_rtt_s":0.0021,"tcp_min_rtt_s":0.0004}`,
/// shares of the time from 0 to 1. What the kernel does not tell is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(into = "Figures")]
pub struct HeldUp {
    receiver: Duration,
    network: Duration,
    sndbuf: Duration,
    program: Duration,
    segments_again: u64,
    bytes: Option<SentBytes>,
    rtt_sum: Duration,
    rtt_count: u32,
    min_rtt: Option<Duration>,
}

impl HeldUp {
    /// Of one connection that has lasted for `elapsed`.
    pub fn of(info: &TcpInfo, elapsed: Duration) -> Self {
        Self::sampled(info, elapsed, Duration::ZERO, Duration::ZERO)
    }

    /// The same where the program left replies `unread` for so long, and so long all was sent and the
    /// send buffer `full`.
    fn sampled(info: &TcpInfo, elapsed: Duration, unread: Duration, full: Duration) -> Self {
        let times = info.times;
        let unread = unread.min(times.rwnd_limited);
        let rest = times.busy.saturating_sub(times.rwnd_limited);
        let sndbuf = times.sndbuf_limited.max(full).min(rest);
        Self {
            receiver: times.rwnd_limited - unread,
            network: rest - sndbuf,
            sndbuf,
            program: elapsed.saturating_sub(times.busy) + unread,
            segments_again: info.retransmitted.into(),
            bytes: info.bytes,
            rtt_sum: info.rtt.unwrap_or_default(),
            rtt_count: info.rtt.is_some().into(),
            min_rtt: info.min_rtt,
        }
    }

    /// Bytes that were sent, first and again; since Linux 4.19.
    pub fn bytes(&self) -> Option<SentBytes> {
        self.bytes
    }

    /// Segments that were sent again.
    pub fn segments_again(&self) -> u64 {
        self.segments_again
    }

    /// The mean of the smoothed round trips.
    fn rtt(&self) -> Option<Duration> {
        (self.rtt_count > 0).then(|| self.rtt_sum / self.rtt_count)
    }
}

impl AddAssign for HeldUp {
    fn add_assign(&mut self, other: Self) {
        self.receiver += other.receiver;
        self.network += other.network;
        self.sndbuf += other.sndbuf;
        self.program += other.program;
        self.segments_again += other.segments_again;
        self.bytes = sum(self.bytes, other.bytes);
        self.rtt_sum += other.rtt_sum;
        self.rtt_count += other.rtt_count;
        self.min_rtt = [self.min_rtt, other.min_rtt].into_iter().flatten().min();
    }
}

/// The sum of figures that some connections may lack.
pub fn sum<T: AddAssign>(one: Option<T>, two: Option<T>) -> Option<T> {
    match (one, two) {
        (Some(mut one), Some(two)) => {
            one += two;
            Some(one)
        }
        (one, two) => one.or(two),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;
    use crate::socket::info::SendTimes;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// A second, of which 900 ms were busy, 500 of them with a closed window.
    pub(super) fn info() -> TcpInfo {
        TcpInfo {
            retransmitted: 1,
            rtt: Some(millis(2)),
            min_rtt: Some(Duration::from_micros(400)),
            times: SendTimes {
                busy: millis(900),
                rwnd_limited: millis(500),
                sndbuf_limited: millis(100),
            },
            bytes: Some(SentBytes {
                sent: 10_000,
                again: 2,
            }),
            ..TcpInfo::default()
        }
    }

    fn times(held_up: HeldUp) -> [u64; 4] {
        let times = [
            held_up.receiver,
            held_up.network,
            held_up.sndbuf,
            held_up.program,
        ];
        times.map(|time| time.as_millis() as u64)
    }

    #[test]
    fn each_part_of_the_time_is_somebody_s() {
        let second = millis(1000);
        let held_up = HeldUp::of(&info(), second);
        assert_eq!(times(held_up), [500, 300, 100, 100]);
        // Replies that lay unread closed the window, but no longer than it was closed.
        let table = [
            ((200, 0), [300, 300, 100, 300]),
            ((800, 0), [0, 300, 100, 600]),
            ((0, 50), [500, 300, 100, 100]),
            ((0, 250), [500, 150, 250, 100]),
            ((0, 800), [500, 0, 400, 100]),
        ];
        for ((unread, full), expected) in table {
            let held_up = HeldUp::sampled(&info(), second, millis(unread), millis(full));
            assert_eq!(times(held_up), expected);
        }
        // The kernel's steps may add up to more than the time.
        let held_up = HeldUp::of(&info(), millis(899));
        assert_eq!(times(held_up), [500, 300, 100, 0]);
    }

    #[test]
    fn an_older_kernel_tells_less() {
        let some = TcpInfo {
            bytes: None,
            rtt: None,
            ..info()
        };
        let held_up = HeldUp::of(&some, millis(1000));
        let line = held_up.human(Language::English, "this program");
        assert!(line.ends_with("this program 10%"), "{line}");
        let json = serde_json::to_value(held_up).unwrap();
        assert_eq!(json["held_up"]["receiver"], 0.5);
        assert!(json["retransmitted_bytes"].is_null() && json["tcp_rtt_s"].is_null());
    }

    #[test]
    fn connections_weigh_as_much_as_they_lasted() {
        let mut all = HeldUp::of(&info(), millis(1000));
        all += HeldUp::of(
            &TcpInfo {
                rtt: Some(millis(4)),
                times: SendTimes::default(),
                ..info()
            },
            millis(9000),
        );
        let json = serde_json::to_value(all).unwrap();
        assert_eq!(times(all), [500, 300, 100, 9100]);
        assert_eq!(json["retransmitted_bytes"], 4);
        assert_eq!(json["retransmitted_percent"], 0.02);
        assert_eq!((all.rtt(), all.segments_again()), (Some(millis(3)), 2));
    }
}
