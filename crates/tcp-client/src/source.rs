//! Where the bytes to send come from: a message, a file, or standard input.

use std::io::{self, Cursor, IsTerminal, Read};
use std::path::Path;

use netcommon::{Error, input};

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
    /// The bytes of a text.
    pub fn message(text: &str) -> Self {
        let bytes = text.as_bytes().to_vec();
        Self {
            length: Some(bytes.len() as u64),
            reader: Box::new(Cursor::new(bytes)),
            is_interactive: false,
        }
    }

    /// The content of a file; `-` is standard input.
    ///
    /// # Errors
    ///
    /// A path that names nothing readable, as a usage error or a local limit.
    pub fn file(path: &Path) -> Result<Self, Error> {
        let file = input::open(path)?;
        let metadata = file
            .metadata()
            .map_err(|error| input::failed(path, error))?;
        let length = metadata.is_file().then_some(metadata.len());
        Ok(Self {
            length,
            is_interactive: input::is_stdin(path) && io::stdin().is_terminal(),
            reader: Box::new(file),
        })
    }
}
