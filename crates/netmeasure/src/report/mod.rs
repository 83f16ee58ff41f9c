//! The reports of measuring, for people and as JSON.
//!
//! # Layout
//!
//! - [`Event`]: everything that is said on standard output
//! - [`ReplyLine`]: a reply
//! - [`Interval`]: what was decided in an interval; [`Watch`] says when
//! - [`Summary`] and [`StreamSummary`]: the end; [`RoundTrips`] and `histogram` are parts of it
//! - [`manual`]: the same events, for the man pages
//! - [`Attribution`]: where messages were lost; [`Waiting`]: how long replies waited in this machine
//! - `figures`: numbers as people read them
//! - `status`: the line on a terminal

mod attribution;
mod figures;
mod histogram;
mod interval;
pub mod manual;
mod reply;
mod round_trips;
mod status;
mod stream;
mod summary;
mod waiting;
mod watch;

use netcommon::language::Language;
use netcommon::output;
use serde::Serialize;

pub use attribution::{Attribution, LostHere, Side, SocketDrops};
pub use interval::Interval;
pub use reply::ReplyLine;
pub use round_trips::RoundTrips;
pub use stream::StreamSummary;
pub use summary::Summary;
pub use waiting::Waiting;
pub use watch::Watch;

/// A report of measuring, the same for TCP and UDP.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// A reply, as [`ReplyLine`] lists it.
    Reply(ReplyLine),
    /// The messages decided since the last interval, as [`Interval`] lists it.
    Interval(Interval),
    /// The end, as [`Summary`] lists it.
    Summary(Box<Summary>),
    /// The end of a stream, as [`StreamSummary`] lists it.
    #[serde(rename = "summary")]
    StreamSummary(Box<StreamSummary>),
}

impl output::Event for Event {
    fn human(&self, language: Language, lines: &mut String) {
        let written = match self {
            Self::Reply(reply) => reply.human(language, lines),
            Self::Interval(interval) => interval.human(language, lines),
            Self::Summary(summary) => summary.human(language, lines),
            Self::StreamSummary(summary) => summary.human(language, lines),
        };
        debug_assert!(written.is_ok(), "a string takes any text");
    }
}
