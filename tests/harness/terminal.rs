//! A terminal for programs that look for one.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::Stdio;

use nix::pty::openpty;

/// A pseudo-terminal: the program has one end, the test the other.
pub(crate) struct Terminal {
    master: File,
    slave: OwnedFd,
}

impl Terminal {
    pub(crate) fn open() -> Self {
        let pair = openpty(None, None).expect("a pseudo-terminal");
        Self {
            master: pair.master.into(),
            slave: pair.slave,
        }
    }

    /// The program's end, for one of its streams.
    pub(crate) fn stdio(&self) -> Stdio {
        self.slave.try_clone().expect("a descriptor").into()
    }

    /// Types `keys`; `\x04` is Ctrl-D.
    pub(crate) fn type_keys(&mut self, keys: &str) {
        self.master
            .write_all(keys.as_bytes())
            .expect("the terminal takes keys");
    }

    /// Reads the screen until `text` has appeared, and returns all that was read.
    pub(crate) fn read_until(&mut self, text: &str) -> String {
        let mut screen = Vec::new();
        let mut piece = [0; 4096];
        while !String::from_utf8_lossy(&screen).contains(text) {
            let count = self.master.read(&mut piece).expect("the program writes on");
            screen.extend_from_slice(&piece[..count]);
        }
        String::from_utf8_lossy(&screen).into_owned()
    }

    /// What the program writes until it has closed the terminal.
    pub(crate) fn read_to_end(self) -> String {
        let Self { mut master, slave } = self;
        drop(slave);
        let mut screen = Vec::new();
        // The end of a pseudo-terminal is the error EIO (pty(7)).
        let _ = master.read_to_end(&mut screen);
        String::from_utf8_lossy(&screen).into_owned()
    }
}
