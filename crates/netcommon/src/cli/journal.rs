//! The journal of systemd behind standard error, which takes the priority of a line in front of it.

use std::env;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;

use log::Level;

/// Whether standard error leads to the journal: `JOURNAL_STREAM` has its device and inode
/// (systemd.exec(5)). Programs whose standard error leads elsewhere inherit the variable, too.
pub(super) fn is_on() -> bool {
    static IS_ON: OnceLock<bool> = OnceLock::new();
    *IS_ON.get_or_init(|| {
        let journal = env::var("JOURNAL_STREAM").ok();
        journal.is_some() && journal == identity(&io::stderr())
    })
}

fn identity(stream: &impl AsFd) -> Option<String> {
    let file = File::from(stream.as_fd().try_clone_to_owned().ok()?);
    let metadata = file.metadata().ok()?;
    Some(format!("{}:{}", metadata.dev(), metadata.ino()))
}

/// Prefix of a line (sd-daemon(3)); nothing where the journal does not read it.
pub(super) fn priority(level: Level) -> &'static str {
    if !is_on() {
        return "";
    }
    match level {
        Level::Error => "<3>",
        Level::Warn => "<4>",
        Level::Info => "<6>",
        Level::Debug | Level::Trace => "<7>",
    }
}
