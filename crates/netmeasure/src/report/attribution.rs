//! Where messages were lost: in a socket, elsewhere on this machine, or before it.

use std::fmt::{self, Write};

use netcommon::host::HostCount;
use netcommon::language::Language;
use serde::Serialize;

/// The kernel's drops for the sockets of a run, for want of room in their receive buffers above all
/// (`SO_MEMINFO`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketDrops {
    /// Messages; `None` where the kernel tells nothing.
    pub count: Option<u64>,
    /// They may be more: the kernel counts one for several that it joined (`UDP_GRO`).
    pub may_be_more: bool,
    /// Some may have been others than those that are missed, which have come as well.
    pub may_be_others: bool,
}

/// The side that misses messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A client misses replies: the way there and the server may have lost them, too.
    Client,
    /// A server misses probes.
    Server,
}

/// Where the lost ones of a run were lost, as far as the kernel's counters show it. Its JSON:
/// `"lost_here":{"socket":650,"host_at_most":12},"lost_before":138`.
///
/// An unknown figure is `null`. The figures that are known never exceed what was lost, and are it
/// together where all are known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attribution {
    /// On this machine.
    pub lost_here: LostHere,
    /// The rest. As `host_at_most` is an upper bound, it is a lower one.
    pub lost_before: Option<u64>,
    #[serde(skip)]
    side: Side,
    #[serde(skip)]
    lost: u64,
    #[serde(skip)]
    of: u64,
    /// Files that could not be read.
    #[serde(skip)]
    unread: Vec<&'static str>,
}

/// Messages lost on this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LostHere {
    /// In the socket, whose receive buffer was full.
    pub socket: Option<u64>,
    /// The same where some were joined with others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket_at_least: Option<u64>,
    /// The same where others came as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket_at_most: Option<u64>,
    /// Elsewhere on this machine.
    pub host_at_most: Option<u64>,
}

impl Attribution {
    /// Of `of` messages, `lost` were lost.
    pub fn new(side: Side, lost: u64, of: u64, socket: SocketDrops, host: &HostCount) -> Self {
        let mut lost_here = LostHere::in_socket(socket, lost);
        let (least, most) = lost_here.bounds();
        let left = lost - most.or(least).unwrap_or_default();
        lost_here.host_at_most = match host {
            Ok(count) => Some(left.min(*count)),
            Err(_) => (left == 0).then_some(0),
        };
        let elsewhere = most.and(lost_here.host_at_most);
        Self {
            lost_here,
            lost_before: elsewhere.map(|elsewhere| left - elsewhere),
            side,
            lost,
            of,
            unread: host.as_ref().err().cloned().unwrap_or_default(),
        }
    }

    /// `lost 800 of 10000: 650 in this socket (buffer full: --rcvbuf), at most 12 elsewhere on this
    /// machine, 138 before it`; nothing where nothing was lost.
    ///
    /// # Errors
    ///
    /// Those of `lines`.
    pub fn human(&self, language: Language, lines: &mut String) -> fmt::Result {
        if self.lost == 0 {
            return Ok(());
        }
        let (name, of) = match self.side {
            Side::Client => language.choose(("perdidos", "de"), ("lost", "of")),
            Side::Server => language.choose(("perdidas", "de"), ("lost", "of")),
        };
        let here = &self.lost_here;
        let socket = here.in_words(language);
        write!(lines, "{name} {} {of} {}: {socket}, ", self.lost, self.of)?;
        match (here.host_at_most, self.lost_before) {
            (Some(host), Some(before)) => {
                let (host, before) = (elsewhere(host, language), self.before(before, language));
                writeln!(lines, "{host}, {before}")
            }
            (Some(host), None) => {
                let rest = language.choose("el resto, no se sabe", "the rest is not known");
                writeln!(lines, "{}; {rest}", elsewhere(host, language))
            }
            (None, _) => self.write_unread(language, lines),
        }
    }

    fn before(&self, count: u64, language: Language) -> String {
        let place = match self.side {
            Side::Client => language.choose(
                "en el camino o en el servidor",
                "on the path or at the server",
            ),
            Side::Server => language.choose("antes de llegar a ella", "before it"),
        };
        format!("{count} {place}")
    }

    fn write_unread(&self, language: Language, lines: &mut String) -> fmt::Result {
        let files = self.unread.join(", ");
        let (elsewhere, cannot) = language.choose(
            (
                "en otra parte de esta máquina no se sabe",
                "no se puede leer",
            ),
            ("elsewhere on this machine is not known", "cannot read"),
        );
        writeln!(lines, "{elsewhere} ({cannot} {files})")
    }
}

impl LostHere {
    fn in_socket(drops: SocketDrops, lost: u64) -> Self {
        let none = Self::default();
        let Some(count) = drops.count.map(|count| count.min(lost)) else {
            return none;
        };
        let is_least = drops.may_be_more && count < lost;
        let is_most = drops.may_be_others && count > 0;
        match (is_least, is_most) {
            (false, false) => Self {
                socket: Some(count),
                ..none
            },
            (true, false) => Self {
                socket_at_least: Some(count),
                ..none
            },
            (false, true) => Self {
                socket_at_most: Some(count),
                ..none
            },
            (true, true) => none,
        }
    }

    /// Messages lost in the socket, at least and at most.
    fn bounds(&self) -> (Option<u64>, Option<u64>) {
        (
            self.socket.or(self.socket_at_least),
            self.socket.or(self.socket_at_most),
        )
    }

    /// `at most 650 in this socket (buffer full: --rcvbuf)`.
    fn in_words(&self, language: Language) -> String {
        let place = language.choose("en este socket", "in this socket");
        let (least, most) = language.choose(("al menos", "como mucho"), ("at least", "at most"));
        let count = match (self.socket, self.socket_at_least, self.socket_at_most) {
            (Some(count), _, _) => count.to_string(),
            (_, Some(count), _) => format!("{least} {count}"),
            (_, _, Some(count)) => format!("{most} {count}"),
            _ => {
                return language
                    .choose(
                        "una cantidad desconocida en este socket",
                        "an unknown number in this socket",
                    )
                    .to_owned();
            }
        };
        let reason = language.choose(" (búfer lleno: --rcvbuf)", " (buffer full: --rcvbuf)");
        let reason = if self.socket == Some(0) { "" } else { reason };
        format!("{count} {place}{reason}")
    }
}

fn elsewhere(count: u64, language: Language) -> String {
    let most = language.choose("como mucho ", "at most ");
    let most = if count == 0 { "" } else { most };
    let place = language.choose("en otra parte de esta máquina", "elsewhere on this machine");
    format!("{most}{count} {place}")
}

#[cfg(test)]
mod tests;
