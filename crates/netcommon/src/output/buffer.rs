//! Bytes for standard output, on their way to the system.

use std::io::{self, BufWriter, Write};
use std::mem;

use super::failed;
use crate::error::{Error, ErrorKind};

/// Bytes kept back until they are flushed.
const CAPACITY: usize = 1 << 16;

/// A buffer in front of a sink. Where a full disk takes only a part, the rest stays in the buffer, and
/// what there is no room for then is lost as a whole: no line is cut in two.
pub(super) struct Buffer {
    sink: BufWriter<Box<dyn Write + Send>>,
    losses: Losses,
}

/// Treatment of bytes that cannot be written.
enum Losses {
    /// The program fails.
    Fatal,
    /// They are counted.
    Kept { bytes: u64, first: Option<Error> },
}

impl Buffer {
    pub(super) fn new(sink: Box<dyn Write + Send>) -> Self {
        Self {
            sink: BufWriter::with_capacity(CAPACITY, sink),
            losses: Losses::Fatal,
        }
    }

    /// From now on, bytes that cannot be written are counted instead of being an error.
    pub(super) fn keep_losses(&mut self) {
        self.losses = Losses::Kept {
            bytes: 0,
            first: None,
        };
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.sink.write_all(bytes);
        self.settle(written, bytes.len())
    }

    pub(super) fn flush(&mut self) -> Result<(), Error> {
        let flushed = self.sink.flush();
        self.settle(flushed, 0)
    }

    /// Flushes, and tells what was lost.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        self.flush()?;
        let rest = self.sink.buffer().len() as u64;
        match mem::replace(&mut self.losses, Losses::Fatal) {
            Losses::Kept {
                bytes,
                first: Some(first),
            } if bytes + rest > 0 => {
                let message = format!("{first}; {} bytes are lost", bytes + rest);
                Err(Error::new(ErrorKind::LocalLimit, message))
            }
            _ => Ok(()),
        }
    }

    fn settle(&mut self, written: io::Result<()>, length: usize) -> Result<(), Error> {
        let Err(error) = written.map_err(failed) else {
            return Ok(());
        };
        let Losses::Kept { bytes, first } = &mut self.losses else {
            return Err(error);
        };
        if error.kind() == ErrorKind::OutputClosed {
            return Err(error);
        }
        *bytes += length as u64;
        first.get_or_insert_with(|| {
            log::warn!("{error}; the program goes on, and what does not fit is lost");
            error
        });
        Ok(())
    }
}
