//! Shows what clients send, where `--hex` or `--raw` asks for it.

use std::fmt::Write;
use std::sync::Arc;

use netcommon::Error;
use netcommon::address::Endpoint;
use netcommon::error::ErrorKind;
use netcommon::output::{Output, Style};
use netcommon::payload::HexDump;

/// Bytes as a worker read them, before they are echoed.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// The client.
    pub peer: Endpoint,
    /// The offset of the first byte in what the client sends.
    pub offset: u64,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// Sees every chunk. It runs in the worker, so a slow one slows that worker's clients; a panic in it
/// ends that client alone.
pub type Inspector = Arc<dyn Fn(Chunk<'_>) + Send + Sync>;

/// The inspector that the command line asks for, if any.
pub(crate) fn inspector(output: &Arc<Output>, hex: bool) -> Option<Inspector> {
    let show: fn(&Output, Chunk<'_>) -> Result<(), Error> = match output.style {
        Style::Raw => |output, chunk| {
            output
                .write_bytes(chunk.bytes)
                .and_then(|()| output.flush())
        },
        Style::Text if hex => dump,
        _ => return None,
    };
    let output = Arc::clone(output);
    Some(Arc::new(move |chunk| {
        // The main thread watches standard output, and ends the server when it is closed.
        if let Err(error) = show(&output, chunk)
            && error.kind() != ErrorKind::OutputClosed
        {
            log::error!("{error}");
        }
    }))
}

fn dump(output: &Output, chunk: Chunk<'_>) -> Result<(), Error> {
    let Chunk {
        peer,
        offset,
        bytes,
    } = chunk;
    let intro = output
        .language
        .choose("Mensaje del cliente", "Message from client");
    let mut text = format!("\n[+] {intro} {peer} ({} bytes):\n", bytes.len());
    let written = write!(text, "{}", HexDump { bytes, offset });
    debug_assert!(written.is_ok(), "a string takes any text");
    output.write_text(&text)?;
    output.flush()
}
