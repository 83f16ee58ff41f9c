//! The fates that a UDP path made in a test deals out, and the counts that follow from each.

use std::ops::{AddAssign, Range};
use std::time::Duration;

/// Treatment of a probe on its way, there or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Passed,
    Lost,
    /// Followed by a copy.
    Copied,
    /// Followed by a copy after [`COPY_DELAY`].
    CopiedLate,
    /// Followed by a copy with another byte.
    CopiedDamaged,
    /// Followed by bytes that are no probe.
    FollowedByNoise,
    /// With another byte behind the header.
    BodyDamaged,
    /// With another byte in the header.
    HeaderDamaged,
    /// Cut behind the header.
    CutShort,
    /// Cut within the header.
    CutToPieces,
    /// With bytes added at the end.
    Padded,
    /// Behind the next one that is answered.
    Swapped,
    /// After [`DELAY`].
    Late,
}

/// How long a late probe is kept: longer than the clients of the tests wait (2 s), and not so long
/// that they have given it up (4 s).
pub(crate) const DELAY: Duration = Duration::from_millis(2_500);

/// How long a late copy is kept: shorter than what is left of the run.
pub(super) const COPY_DELAY: Duration = Duration::from_millis(100);

/// Counts of probes by state, as client or server have to tell them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) late: u64,
    pub(crate) lost: u64,
    pub(crate) corrupted: u64,
    pub(crate) duplicate: u64,
    pub(crate) reordered: u64,
    pub(crate) unmatched: u64,
}

impl AddAssign for Truth {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.late += other.late;
        self.lost += other.lost;
        self.corrupted += other.corrupted;
        self.duplicate += other.duplicate;
        self.reordered += other.reordered;
        self.unmatched += other.unmatched;
    }
}

impl Fate {
    /// The counts that a client has to tell of a probe with this fate.
    pub(crate) fn truth(self) -> Truth {
        let received = Truth {
            sent: 1,
            received: 1,
            ..Truth::default()
        };
        let none = Truth {
            sent: 1,
            ..Truth::default()
        };
        match self {
            Self::Passed => received,
            Self::Lost => Truth { lost: 1, ..none },
            Self::Copied | Self::CopiedLate | Self::CopiedDamaged => Truth {
                duplicate: 1,
                ..received
            },
            Self::FollowedByNoise => Truth {
                unmatched: 1,
                ..received
            },
            Self::BodyDamaged | Self::CutShort | Self::Padded => Truth {
                corrupted: 1,
                ..none
            },
            Self::HeaderDamaged | Self::CutToPieces => Truth {
                lost: 1,
                unmatched: 1,
                ..none
            },
            Self::Swapped => Truth {
                reordered: 1,
                ..received
            },
            Self::Late => Truth {
                late: 1,
                reordered: 1,
                ..none
            },
        }
    }

    /// The counts that a server has to tell of a probe that meets with this fate on its way there:
    /// it knows no time to be late after, and takes noise for a message.
    pub(super) fn server_truth(self) -> Truth {
        let truth = self.truth();
        Truth {
            received: truth.received + truth.late,
            late: 0,
            unmatched: if self == Self::FollowedByNoise {
                0
            } else {
                truth.unmatched
            },
            ..truth
        }
    }

    /// Whether the first reply is right and in time, and nothing holds it up.
    pub(super) fn is_prompt(self) -> bool {
        self.truth().received == 1 && self != Self::Swapped
    }
}

/// A path's treatment of each probe.
#[derive(Clone, Debug)]
pub(crate) struct Lots {
    pub(crate) seed: u64,
    /// Fates to draw from, beside [`Fate::Passed`].
    pub(crate) fates: Vec<Fate>,
    /// Of so many probes one is not just passed.
    pub(crate) one_in: u64,
    /// Probes of each flow; the first is passed, so that the server knows the flow, and so is the last,
    /// behind which nothing is on its way.
    pub(crate) count: u64,
    /// Numbers that are lost without exception.
    pub(crate) outage: Range<u64>,
}

impl Lots {
    /// The fate of a probe, and whether it meets with it on its way back.
    pub(crate) fn draw(&self, flow: u16, number: u64) -> (Fate, bool) {
        let (fate, is_back) = self.raw(flow, number);
        // A late reply is out of order where the next one was right, and it is late where the run
        // still goes on.
        let is_late = || number <= self.count / 4 && self.raw(flow, number + 1).0.is_prompt();
        match fate {
            Fate::Late if !is_late() => (Fate::Passed, is_back),
            Fate::CopiedLate if number > self.count / 4 => (Fate::Copied, is_back),
            fate => (fate, is_back),
        }
    }

    fn raw(&self, flow: u16, number: u64) -> (Fate, bool) {
        let lot = mixed(self.seed ^ (u64::from(flow) << 48) ^ number);
        if self.outage.contains(&number) {
            return (Fate::Lost, false);
        }
        let is_at_an_end = number == 1 || number >= self.count;
        if is_at_an_end || self.fates.is_empty() || !lot.is_multiple_of(self.one_in) {
            return (Fate::Passed, false);
        }
        let fate = self.fates[(lot >> 8) as usize % self.fates.len()];
        (fate, (lot >> 32) & 1 == 1)
    }
}

/// SplitMix64.
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
