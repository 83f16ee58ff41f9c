//! Shows what clients send, where `--hex` or `--raw` asks for it.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use netcommon::Error;
use netcommon::error::ErrorKind;
use netcommon::output::{Output, Style};
use netcommon::payload::HexDump;

/// Bytes as a worker read them, before they are echoed.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// The client.
    pub peer: SocketAddr,
    /// The offset of the first byte in what the client sends.
    pub offset: u64,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// Sees every piece; it runs in the worker, so a slow one slows that client. A panic in it ends that client alone.
pub type Tap = Arc<dyn Fn(Piece<'_>) + Send + Sync>;

/// The tap that the user asked for, if any.
pub(crate) fn tap(output: &Arc<Output>, hex: bool) -> Option<Tap> {
    let show: fn(&Output, Piece<'_>) -> Result<(), Error> = match output.style {
        Style::Raw => |output, piece| {
            output
                .write_bytes(piece.bytes)
                .and_then(|()| output.flush())
        },
        Style::Text if hex => dump,
        _ => return None,
    };
    let output = Arc::clone(output);
    Some(Arc::new(move |piece| {
        // The main thread hears of a closed standard output by itself, and then ends the server.
        if let Err(error) = show(&output, piece)
            && error.kind() != ErrorKind::OutputClosed
        {
            log::error!("{error}");
        }
    }))
}

fn dump(output: &Output, piece: Piece<'_>) -> Result<(), Error> {
    let Piece {
        peer,
        offset,
        bytes,
    } = piece;
    let intro = output
        .language
        .choose("Mensaje del cliente", "Message from client");
    let mut text = format!("\n[+] {intro} {peer} ({} bytes):\n", bytes.len());
    let written = write!(text, "{}", HexDump { bytes, offset });
    debug_assert!(written.is_ok(), "a string takes any text");
    output.write_text(&text)?;
    output.flush()
}
