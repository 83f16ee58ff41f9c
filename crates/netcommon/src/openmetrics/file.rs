//! A file that is replaced as a whole: a reader sees the old text or the new one, and never a part.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;

use crate::error::{Error, ErrorKind};

/// A path, and that of the file beside it which takes its place.
pub(super) struct WholeFile {
    path: PathBuf,
    temporary: PathBuf,
}

impl WholeFile {
    /// Makes sure that a file can be made beside `path`, where it will be renamed. A symbolic link is
    /// followed, and stays.
    pub(super) fn prepare(path: &Path) -> Result<Self, Error> {
        let cannot_write = |error: io::Error| {
            let kind = match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ErrorKind::Usage,
                _ => ErrorKind::LocalLimit,
            };
            let operation = format!("cannot write metrics to '{}'", path.display());
            Error::io(operation, error).with_kind(kind)
        };
        let file = Self::at(path).map_err(cannot_write)?;
        if fs::metadata(&file.path).is_ok_and(|there| !there.is_file()) {
            // To rename a file there would be the end of /dev/null.
            let message = format!(
                "metrics go to a regular file, and '{}' is none",
                path.display()
            );
            return Err(Error::usage(message));
        }
        file.create()
            .and_then(|_| fs::remove_file(&file.temporary))
            .map_err(cannot_write)?;
        Ok(file)
    }

    fn at(path: &Path) -> io::Result<Self> {
        let path = match fs::canonicalize(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => in_real_folder(path)?,
            path => path?,
        };
        // Hidden, and without the end that node_exporter looks for.
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}", process::id()));
        Ok(Self {
            temporary: path.with_file_name(name),
            path,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts `content` in the place of what was there.
    pub(super) fn replace(&self, content: &[u8]) -> io::Result<()> {
        let written = self.create()?.write_all(content);
        let replaced = written.and_then(|()| fs::rename(&self.temporary, &self.path));
        replaced.inspect_err(|_| drop(fs::remove_file(&self.temporary)))
    }

    /// A new file, never one that a link in a folder for all leads to. What a process of the same
    /// number left when it was killed, as process 1 of a container may, goes.
    fn create(&self) -> io::Result<File> {
        match File::create_new(&self.temporary) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(&self.temporary)?;
                File::create_new(&self.temporary)
            }
            created => created,
        }
    }
}

fn in_real_folder(path: &Path) -> io::Result<PathBuf> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")))?;
    Ok(folder.join(path.file_name().unwrap_or_default()))
}
