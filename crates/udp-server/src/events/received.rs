//! A datagram, with what the kernel knows about it.

use std::fmt::{self, Write};
use std::net::SocketAddr;

use netcommon::address::Endpoint;
use netcommon::datagrams::{Datagram, RecvMeta};
use netcommon::language::Language;
use netcommon::payload::{Escaped, HexDump, text_or_base64};
use serde::Serialize;

/// A datagram:
/// `{"event":"datagram","peer":"127.0.0.1:40404","bytes":4,"text":"hola","ttl":64,"dscp":0,"ecn":0,"destination":"127.0.0.1:1234"}`.
///
/// Where the payload is not UTF-8, `base64` takes the place of `text`.
#[derive(Serialize)]
pub struct Received<'a> {
    peer: Endpoint,
    bytes: usize,
    #[serde(flatten, serialize_with = "text_or_base64")]
    payload: &'a [u8],
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dscp: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ecn: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<Endpoint>,
    #[serde(skip)]
    view: View,
}

/// The front of multicast addresses of one link (RFC 4291, section 2.7).
const LINK_LOCAL_GROUP: u16 = 0xff02;

/// Parts of a datagram that people see besides its text and its sender.
#[derive(Clone, Copy, Debug, Default)]
pub struct View {
    /// A hex dump of the payload.
    pub hex: bool,
    /// Header fields and destination.
    pub details: bool,
}

impl<'a> Received<'a> {
    /// For a datagram that was sent to `port`.
    pub fn new(datagram: Datagram<'a>, port: u16, view: View) -> Self {
        let meta = datagram.meta;
        Self {
            peer: meta.peer.into(),
            bytes: datagram.payload.len(),
            payload: datagram.payload,
            ttl: meta.ttl,
            dscp: meta.tos.map(|tos| tos >> 2),
            ecn: meta.tos.map(|tos| tos & 0b11),
            destination: destination(meta, port),
            view,
        }
    }

    pub(super) fn human(&self, language: Language, lines: &mut String) -> fmt::Result {
        let (payload, peer) = (Escaped(self.payload), self.peer);
        match language {
            Language::Spanish => write!(
                lines,
                "\n[+] Mensaje enviado por el cliente: {payload}\n\
                 [+] Informacion del cliente que nos ha enviado el mensaje: {peer}\n"
            ),
            Language::English => write!(
                lines,
                "\n[+] Message sent by the client: {payload}\n\
                 [+] Information about the client that sent us the message: {peer}\n"
            ),
        }?;
        if self.view.details {
            self.write_details(language, lines)?;
        }
        if self.view.hex {
            let bytes = self.payload;
            write!(lines, "{}", HexDump { bytes, offset: 0 })?;
        }
        Ok(())
    }

    fn write_details(&self, language: Language, lines: &mut String) -> fmt::Result {
        let title = language.choose("Detalles", "Details");
        let destination = language.choose("destino", "destination");
        let mut details = Vec::new();
        details.extend(self.ttl.map(|ttl| format!("TTL {ttl}")));
        details.extend(self.dscp.map(|dscp| format!("DSCP {dscp}")));
        details.extend(self.ecn.map(|ecn| format!("ECN {ecn}")));
        let address = self.destination;
        details.extend(address.map(|address| format!("{destination} {address}")));
        writeln!(lines, "[+] {title}: {}", details.join(", "))
    }
}

/// A link-local address has the zone that the datagram came in by.
fn destination(meta: &RecvMeta, port: u16) -> Option<Endpoint> {
    let mut address = SocketAddr::new(meta.destination?, port);
    if let SocketAddr::V6(v6) = &mut address
        && (v6.ip().is_unicast_link_local() || v6.ip().segments()[0] == LINK_LOCAL_GROUP)
    {
        v6.set_scope_id(meta.interface.unwrap_or_default());
    }
    Some(address.into())
}
