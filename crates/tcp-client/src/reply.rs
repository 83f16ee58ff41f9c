//! How the received bytes are shown: as a line, as lines on a terminal, as they are, or as events.

use netcommon::Error;
use netcommon::explain;
use netcommon::output::Output;
use netcommon::payload::{Escaped, EscapedLines, HexDump, Utf8Pieces};

use crate::events::Event;

/// The form of a reply on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyForm {
    /// `[+] Mensaje recibido del servidor: …`, escaped, and a hex dump where `hex` asks for it.
    Line {
        /// Add the hex dump.
        hex: bool,
    },
    /// Escaped, but with its own line ends: a file's reply on a terminal.
    Lines,
    /// As it came: a file's reply elsewhere, or `--raw`.
    Bytes,
    /// A hex dump alone.
    Dump,
    /// One event for each chunk.
    Events,
    /// Not at all.
    Hidden,
}

/// A reply under way. Chunks are shown as they come, so its length is not bounded by memory.
pub struct Reply<'a> {
    output: &'a Output,
    form: ReplyForm,
    pieces: Utf8Pieces,
    shown: u64,
}

impl<'a> Reply<'a> {
    /// Nothing is written before the first chunk.
    pub fn new(output: &'a Output, form: ReplyForm) -> Self {
        Self {
            output,
            form,
            pieces: Utf8Pieces::default(),
            shown: 0,
        }
    }

    /// Shows a chunk at once; a character that it cuts in two waits for the next one.
    ///
    /// # Errors
    ///
    /// When standard output is closed or full.
    pub fn show(&mut self, chunk: &[u8]) -> Result<(), Error> {
        match self.form {
            ReplyForm::Hidden => return Ok(()),
            ReplyForm::Bytes => self.output.write_bytes(chunk)?,
            _ => {
                let whole = self.pieces.push(chunk);
                self.show_whole(&whole)?;
            }
        }
        // The lesson would go on in the middle of a line that has not ended.
        if explain::is_on() && matches!(self.form, ReplyForm::Line { .. }) {
            return Ok(());
        }
        self.output.flush()
    }

    /// Ends the reply.
    ///
    /// # Errors
    ///
    /// As [`show`](Self::show).
    pub fn finish(&mut self) -> Result<(), Error> {
        let rest = self.pieces.finish();
        self.show_whole(&rest)?;
        if self.form == (ReplyForm::Line { hex: false }) && self.shown > 0 {
            self.output.write_bytes(b"\n")?;
        }
        self.output.flush()
    }

    fn show_whole(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        let offset = self.shown;
        self.shown += bytes.len() as u64;
        match self.form {
            ReplyForm::Line { hex } => self.show_line(bytes, offset, hex),
            ReplyForm::Lines => self.write(EscapedLines(bytes)),
            ReplyForm::Dump => self.write(HexDump { bytes, offset }),
            ReplyForm::Events => self.output.write(&Event::Message {
                bytes: bytes.len(),
                payload: bytes,
            }),
            ReplyForm::Bytes | ReplyForm::Hidden => Ok(()),
        }
    }

    fn show_line(&self, bytes: &[u8], offset: u64, hex: bool) -> Result<(), Error> {
        // A dump between two chunks ends the line: the next chunk needs a label of its own.
        if offset == 0 || hex {
            let language = self.output.language;
            let text = language.choose(
                "Mensaje recibido del servidor",
                "Message received from the server",
            );
            self.output.write_text(&format!("\n[+] {text}: "))?;
        }
        self.write(Escaped(bytes))?;
        if hex {
            self.output.write_bytes(b"\n")?;
            self.write(HexDump { bytes, offset })?;
        }
        Ok(())
    }

    fn write(&self, text: impl ToString) -> Result<(), Error> {
        self.output.write_bytes(text.to_string().as_bytes())
    }
}
