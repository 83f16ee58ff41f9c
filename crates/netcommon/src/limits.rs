//! Limits of this process.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::error::{Error, ErrorKind, OPEN_FILES_HINT};

/// Descriptors beside the sockets that a program is there for: the standard three, pollers, wakers,
/// the pipe of the signal handler, and files read in passing.
pub const RESERVED_DESCRIPTORS: u64 = 16;

/// Raises the soft limit of open files to the hard one, and returns what then holds (getrlimit(2),
/// `RLIMIT_NOFILE`).
pub fn raise_open_files() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return 256;
    };
    if soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() {
        return hard;
    }
    soft
}

/// The same for a program that would serve nobody with less than `needed`.
///
/// # Errors
///
/// A limit below that, as a local limit.
pub fn require_open_files(needed: u64) -> Result<u64, Error> {
    let limit = raise_open_files();
    if limit >= needed {
        return Ok(limit);
    }
    let message = format!("local limit: {limit} open files, and {needed} are needed");
    Err(Error::new(ErrorKind::LocalLimit, message).with_hint(OPEN_FILES_HINT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_and_named_where_it_is_too_low() {
        let limit = raise_open_files();
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (limit, limit));
        assert_eq!(require_open_files(limit).unwrap(), limit);
        if let Some(needed) = limit.checked_add(1) {
            let error = require_open_files(needed).unwrap_err().to_string();
            assert!(error.contains("ulimit -n"), "{error}");
        }
    }
}
