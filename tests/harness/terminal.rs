//! A terminal for programs that look for one.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};

use super::DEADLINE;
use super::process::Running;

/// A pseudo-terminal: the program has one end, the test the other (pty(7)).
pub(crate) struct Terminal {
    master: File,
    slave: Option<OwnedFd>,
}

impl Terminal {
    pub(crate) fn open() -> Self {
        // openpty(3) would give descriptors that every program started meanwhile inherits.
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let master = posix_openpt(flags).expect("a pseudo-terminal");
        grantpt(&master)
            .and(unlockpt(&master))
            .expect("its other end");
        let path = ptsname_r(&master).expect("the path of its other end");
        let mut slave = File::options();
        slave.read(true).write(true).custom_flags(flags.bits());
        Self {
            master: OwnedFd::from(master).into(),
            slave: Some(slave.open(path).expect("its other end").into()),
        }
    }

    /// Starts a program with all its streams on the terminal.
    pub(crate) fn start(&self, mut command: Command) -> Running {
        command.stdin(self.stdio()).stdout(self.stdio());
        command.stderr(self.stdio());
        Running::spawn(command)
    }

    /// The program's end, for one of its streams.
    pub(crate) fn stdio(&self) -> Stdio {
        let slave = self.slave.as_ref().expect("it is still open");
        slave.try_clone().expect("a descriptor").into()
    }

    /// Types `keys`; `\x04` is Ctrl-D.
    pub(crate) fn type_keys(&mut self, keys: &str) {
        let typed = self.master.write_all(keys.as_bytes());
        typed.expect("the terminal takes keys");
    }

    /// Reads the screen until `text` has appeared, and returns all that was read.
    pub(crate) fn read_until(&mut self, text: &str) -> String {
        let mut screen = Vec::new();
        while !String::from_utf8_lossy(&screen).contains(text) {
            screen.extend(self.read().expect("the program writes on"));
        }
        String::from_utf8_lossy(&screen).into_owned()
    }

    /// The rest of the output, until the program has closed the terminal.
    pub(crate) fn read_to_end(mut self) -> String {
        // From here on only the program has its end open.
        self.slave = None;
        let mut screen = Vec::new();
        // The end of a pseudo-terminal is the error EIO.
        while let Ok(written) = self.read() {
            screen.extend(written);
        }
        String::from_utf8_lossy(&screen).into_owned()
    }

    /// Output since the last read. A program that stays silent past the deadline fails the test.
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let timeout = PollTimeout::try_from(DEADLINE).expect("a time that poll can wait");
        let mut ready = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        assert_ne!(poll(&mut ready, timeout)?, 0, "nothing on the terminal");
        let mut written = vec![0; 4096];
        let count = self.master.read(&mut written)?;
        written.truncate(count);
        Ok(written)
    }
}
