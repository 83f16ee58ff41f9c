//! Where the bytes to send come from: a message, a file, or standard input.

use std::fs::File;
use std::io::{self, Cursor, IsTerminal, Read};
use std::os::fd::AsFd;
use std::path::Path;

use netcommon::{Error, ErrorKind};

/// Bytes to send.
pub struct Source {
    /// The bytes.
    pub reader: Box<dyn Read + Send>,
    /// How many, where that is known beforehand.
    pub length: Option<u64>,
    /// Whether a person types them.
    pub is_typed: bool,
}

impl Source {
    /// The bytes of a text.
    pub fn message(text: &str) -> Self {
        let bytes = text.as_bytes().to_vec();
        Self {
            length: Some(bytes.len() as u64),
            reader: Box::new(Cursor::new(bytes)),
            is_typed: false,
        }
    }

    /// The content of a file; `-` is standard input.
    ///
    /// # Errors
    ///
    /// A path that names nothing readable, as a usage error or a local limit.
    pub fn file(path: &Path) -> Result<Self, Error> {
        let is_stdin = path == Path::new("-");
        let opened = if is_stdin { stdin() } else { File::open(path) };
        let failed = |error: io::Error| {
            let missing = matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::IsADirectory
            );
            let error = Error::io(format!("cannot read '{}'", path.display()), error);
            if missing {
                error.with_kind(ErrorKind::Usage)
            } else {
                error
            }
        };
        let file = opened.map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        let length = metadata.is_file().then_some(metadata.len());
        Ok(Self {
            length,
            is_typed: is_stdin && io::stdin().is_terminal(),
            reader: Box::new(file),
        })
    }
}

/// A descriptor of its own: the standard library's buffer in front of it would copy every byte once more.
fn stdin() -> io::Result<File> {
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_its_utf8_bytes() {
        let mut source = Source::message("muchísimo");
        let mut bytes = Vec::new();
        source.reader.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, "muchísimo".as_bytes());
        assert_eq!(source.length, Some(10));
    }

    #[test]
    fn a_path_that_names_no_file_is_a_usage_error() {
        for path in ["/nowhere/at/all", "/"] {
            let error = Source::file(Path::new(path)).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(error.to_string().contains(&format!("'{path}'")), "{error}");
        }
    }
}
