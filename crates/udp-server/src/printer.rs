//! Datagrams on standard output.

use netcommon::Error;
use netcommon::datagrams::Datagram;
use netcommon::output::{Output, Style};

use crate::events::{Received, View};

/// Writes datagrams in the style of the output.
pub(crate) struct Printer {
    pub(crate) output: Output,
    pub(crate) view: View,
    /// The port of the server.
    pub(crate) port: u16,
}

impl Printer {
    /// A probe is counted; its bytes are noise, and shown only to who asks for more than usual.
    pub(crate) fn show_probe(&self, datagram: Datagram<'_>) -> Result<(), Error> {
        let is_wanted = self.view.hex || self.view.details || self.output.style == Style::Raw;
        match is_wanted {
            true => self.show(datagram),
            false => Ok(()),
        }
    }

    pub(crate) fn show(&self, datagram: Datagram<'_>) -> Result<(), Error> {
        match self.output.style {
            Style::Raw => self.output.write_bytes(datagram.payload),
            Style::Quiet => Ok(()),
            Style::Text | Style::Json => {
                let event = Received::new(datagram, self.port, self.view);
                self.output.write_at(&event, datagram.meta.time)
            }
        }
    }
}
