//! The source of the bytes to send: an argument, a file, or standard input.

use std::io::{self, Cursor, IsTerminal, Read};
use std::path::Path;

use netcommon::Error;
use netcommon::input::{self, Input};

/// Bytes to send.
pub struct Source {
    /// The bytes.
    pub reader: Box<dyn Read + Send>,
    /// How many, where that is known beforehand.
    pub length: Option<u64>,
    /// Whether a person types them.
    pub is_interactive: bool,
}

impl Source {
    /// The bytes of an argument.
    pub fn message(bytes: &[u8]) -> Self {
        Self {
            length: Some(bytes.len() as u64),
            reader: Box::new(Cursor::new(bytes.to_vec())),
            is_interactive: false,
        }
    }

    /// The content of a file; `-` is standard input.
    ///
    /// # Errors
    ///
    /// A path that names nothing readable, as a usage error or a local limit.
    pub fn file(path: &Path) -> Result<Self, Error> {
        let input = Input::open(path)?;
        Ok(Self {
            length: input.length(),
            is_interactive: input::is_stdin(path) && io::stdin().is_terminal(),
            reader: Box::new(input),
        })
    }
}
