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
    open_readable(path).map_err(|error| failed(path, error))
}

fn open_readable(path: &Path) -> io::Result<File> {
    let file = if is_stdin(path) {
        io::stdin().as_fd().try_clone_to_owned()?.into()
    } else {
        File::open(path)?
    };
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(file)
}

/// Why a file cannot be read; one that is not there is a usage error.
pub fn failed(path: &Path, error: io::Error) -> Error {
    use io::ErrorKind as Io;
    let kind = match error.kind() {
        Io::NotFound | Io::IsADirectory => ErrorKind::Usage,
        _ => ErrorKind::of(&error),
    };
    Error::io(format!("cannot read '{}'", path.display()), error).with_kind(kind)
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
