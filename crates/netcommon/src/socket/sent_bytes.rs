//! Bytes that a connection sent, and sent again.

use std::ops::{AddAssign, Sub};

use serde::Serialize;

use crate::language::Language;
use crate::units::show_share;

/// Payload bytes of TCP segments that left. As JSON:
/// `{"retransmitted_bytes":1448,"retransmitted_percent":0.02}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(into = "Retransmissions")]
pub struct SentBytes {
    /// All of them, those that were sent again included.
    pub sent: u64,
    /// Those that were sent again.
    pub again: u64,
}

impl SentBytes {
    fn percent(self) -> f64 {
        100.0 * self.again as f64 / self.sent.max(1) as f64
    }

    /// `retransmitted 0.02%`.
    pub fn human(self, language: Language) -> String {
        let name = language.choose("retransmitido", "retransmitted");
        format!("{name} {}", show_share(self.percent()))
    }
}

impl AddAssign for SentBytes {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.again += other.again;
    }
}

impl Sub for SentBytes {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            sent: self.sent - other.sent,
            again: self.again - other.again,
        }
    }
}

/// The keys of the JSON.
#[derive(Serialize)]
struct Retransmissions {
    retransmitted_bytes: u64,
    retransmitted_percent: f64,
}

impl From<SentBytes> for Retransmissions {
    fn from(bytes: SentBytes) -> Self {
        Self {
            retransmitted_bytes: bytes.again,
            retransmitted_percent: bytes.percent(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_no_bytes_none_were_sent_again() {
        let (none, some) = (
            SentBytes::default(),
            SentBytes {
                sent: 800,
                again: 2,
            },
        );
        assert_eq!(none.human(Language::English), "retransmitted 0%");
        assert_eq!(some.human(Language::Spanish), "retransmitido 0.25%");
        let json = serde_json::to_value(some - none).unwrap();
        assert_eq!(json["retransmitted_bytes"], 2);
        assert_eq!(json["retransmitted_percent"], 0.25);
    }
}
