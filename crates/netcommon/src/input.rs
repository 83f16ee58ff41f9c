//! Files to send, where `-` is standard input.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use crate::error::{Error, ErrorKind};

/// Whether a path stands for standard input.
pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Opens a file for reading. Standard input gets a descriptor of its own: the buffer that the
/// standard library has in front of it would copy every byte once more.
///
/// # Errors
///
/// A path that names nothing readable, as a usage error or a local limit.
pub fn open(path: &Path) -> Result<File, Error> {
    let opened = match is_stdin(path) {
        true => io::stdin().as_fd().try_clone_to_owned().map(File::from),
        false => File::open(path),
    };
    let file = opened.map_err(|error| failed(path, error))?;
    let metadata = file.metadata().map_err(|error| failed(path, error))?;
    match metadata.is_dir() {
        true => Err(failed(path, io::ErrorKind::IsADirectory.into())),
        false => Ok(file),
    }
}

/// Why a file cannot be read: whoever named one that is not there used the program wrongly.
pub fn failed(path: &Path, error: io::Error) -> Error {
    use io::ErrorKind as Io;
    let is_missing = matches!(error.kind(), Io::NotFound | Io::IsADirectory);
    let error = Error::io(format!("cannot read '{}'", path.display()), error);
    match is_missing {
        true => error.with_kind(ErrorKind::Usage),
        false => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_names_no_file_is_a_usage_error() {
        for path in ["/nowhere/at/all", "/"] {
            let error = open(Path::new(path)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(error.to_string().contains(&format!("'{path}'")), "{error}");
        }
    }
}
