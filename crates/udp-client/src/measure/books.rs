//! What the replies of a flow come to.

use std::time::Duration;

use netcommon::Error;
use netmeasure::statistics::Jitter;
use netmeasure::{Flow, Plan, Verdict};

use super::ledger::{Finding, Ledger};

/// Keeps the ledger of a flow, and its jitter.
pub(super) struct Books {
    pub(super) ledger: Ledger,
    pub(super) jitter: Jitter,
}

impl Books {
    pub(super) fn new(plan: &Plan, run: u32, flow: u16) -> Self {
        Self {
            ledger: Ledger::new(plan, run, flow),
            jitter: Jitter::default(),
        }
    }

    /// Counts a datagram that came `now`, since the start, when the probes up to `handed` were sent.
    /// Returns the number of the probe that it answers, or 0.
    pub(super) fn take(
        &mut self,
        flow: &mut Flow,
        datagram: &[u8],
        now: Duration,
        handed: u64,
    ) -> Result<u64, Error> {
        let finding = self.ledger.judge(datagram, now, handed);
        if finding != Finding::Foreign {
            flow.live().count_bytes_received(datagram.len() as u64);
        }
        let (number, latency, verdict) = match finding {
            Finding::Foreign => return Ok(0),
            Finding::Unreadable => (0, None, Verdict::Corrupted),
            Finding::Reply {
                number,
                latency,
                verdict,
                is_reordered,
            } => {
                flow.tally.counts.reordered += u64::from(is_reordered);
                (number, Some(latency), verdict)
            }
        };
        match (verdict, latency) {
            (Verdict::Received, Some(latency)) => self.jitter.note(latency.as_nanos() as i128),
            (Verdict::Corrupted, _) => note_corruption(flow, number),
            _ => {}
        }
        flow.count_reply(number, datagram.len(), latency, verdict)?;
        Ok(number)
    }
}

/// Keeps the first.
fn note_corruption(flow: &mut Flow, number: u64) {
    flow.corruption.get_or_insert_with(|| match number {
        0 => "a reply cannot be read as a probe".to_owned(),
        _ => format!("the reply to message {number} differs"),
    });
}
