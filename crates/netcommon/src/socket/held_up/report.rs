//! The causes as people and programs read them.

use std::time::Duration;

use serde::Serialize;

use super::HeldUp;
use crate::language::Language;
use crate::socket::sent_bytes::SentBytes;
use crate::units::show_duration;

impl HeldUp {
    /// `held up by: the receiver's window 82%, …, this program 3%; retransmitted 0.02%, …`, where
    /// `program` names the time without anything to send.
    pub fn human(&self, language: Language, program: &str) -> String {
        let shares = self.shares();
        let named = [
            (
                language.choose("la ventana del receptor", "the receiver's window"),
                shares.receiver,
            ),
            (language.choose("la red", "the network"), shares.network),
            (
                language.choose("nuestro búfer de envío", "our send buffer"),
                shares.sndbuf,
            ),
            (program, shares.program),
        ];
        let named = named.map(|(name, share)| format!("{name} {}", show_part(share)));
        let title = language.choose("frenado por", "held up by");
        let path = self.path(language);
        let separator = if path.is_empty() { "" } else { "; " };
        format!("{title}: {}{separator}{path}", named.join(", "))
    }

    fn path(&self, language: Language) -> String {
        let bytes = self.bytes.map(|bytes| bytes.human(language));
        let rtt = self.rtt().map(|rtt| {
            let name = language.choose("ida y vuelta suavizada", "smoothed round trip");
            let min = language.choose("mín", "min");
            let least = self.min_rtt.map(show_duration);
            let least = least.map_or(String::new(), |least| format!(" ({min} {least})"));
            format!("{name} {}{least}", show_duration(rtt))
        });
        let parts: Vec<_> = [bytes, rtt].into_iter().flatten().collect();
        parts.join(", ")
    }

    fn shares(&self) -> Shares {
        let times = [self.receiver, self.network, self.sndbuf, self.program];
        let all: Duration = times.iter().sum();
        let all = all.max(Duration::from_nanos(1)).as_secs_f64();
        let [receiver, network, sndbuf, program] = times.map(|time| time.as_secs_f64() / all);
        Shares {
            receiver,
            network,
            sndbuf,
            program,
        }
    }
}

/// A share of the time in percent. The kernel's clock does not bear more digits; something does not
/// read as nothing.
fn show_part(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.5 {
        return "<1%".to_owned();
    }
    if (99.5..100.0).contains(&percent) {
        return ">99%".to_owned();
    }
    format!("{percent:.0}%")
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Shares {
    receiver: f64,
    network: f64,
    sndbuf: f64,
    program: f64,
}

/// The keys of the JSON.
#[derive(Serialize)]
pub(super) struct Figures {
    held_up: Shares,
    #[serde(flatten)]
    bytes: Option<SentBytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp_rtt_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp_min_rtt_s: Option<f64>,
}

impl From<HeldUp> for Figures {
    fn from(held_up: HeldUp) -> Self {
        Self {
            held_up: held_up.shares(),
            bytes: held_up.bytes,
            tcp_rtt_s: held_up.rtt().map(|rtt| rtt.as_secs_f64()),
            tcp_min_rtt_s: held_up.min_rtt.map(|rtt| rtt.as_secs_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::held_up::tests::info;

    #[test]
    fn people_read_a_line_in_either_language() {
        let held_up = HeldUp::of(&info(), Duration::from_secs(1));
        assert_eq!(
            held_up.human(Language::English, "this program"),
            "held up by: the receiver's window 50%, the network 30%, our send buffer 10%, this \
             program 10%; retransmitted 0.02%, smoothed round trip 2ms (min 400us)"
        );
        assert_eq!(
            held_up.human(Language::Spanish, "este programa"),
            "frenado por: la ventana del receptor 50%, la red 30%, nuestro búfer de envío 10%, este \
             programa 10%; retransmitido 0.02%, ida y vuelta suavizada 2ms (mín 400us)"
        );
    }

    #[test]
    fn a_part_does_not_read_as_nothing() {
        let shown = [0.0, 0.001, 0.826, 0.999, 1.0].map(show_part);
        assert_eq!(shown, ["0%", "<1%", "83%", ">99%", "100%"]);
    }
}
