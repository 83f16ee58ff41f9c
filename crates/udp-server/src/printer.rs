//! Datagrams on standard output.

use netcommon::Error;
use netcommon::datagrams::Datagram;
use netcommon::output::{Output, Style};

use crate::events::{Event, FlowSummary, Received, View};

/// Shows datagrams in the form that the user asked for.
pub(crate) struct Printer<'a> {
    pub(crate) output: &'a Output,
    pub(crate) view: View,
    /// The port of the server.
    pub(crate) port: u16,
}

impl Printer<'_> {
    pub(crate) fn show(&self, datagram: Datagram<'_>) -> Result<(), Error> {
        if self.output.style == Style::Raw {
            return self.output.write_bytes(datagram.payload);
        }
        let received = Received::new(datagram, self.port, self.view);
        let time = datagram.meta.time;
        self.output.write_at(&Event::Datagram(received), time)
    }

    /// A probe's bytes are noise, and shown only where more than usual is asked for.
    pub(crate) fn show_probe(&self, datagram: Datagram<'_>) -> Result<(), Error> {
        if self.view.hex || self.view.details || self.output.style == Style::Raw {
            self.show(datagram)?;
        }
        Ok(())
    }

    pub(crate) fn say_flows(&self, flows: Vec<FlowSummary>) -> Result<(), Error> {
        let mut flows = flows.into_iter();
        flows.try_for_each(|flow| self.output.say(&Event::Flow(flow)))
    }
}
