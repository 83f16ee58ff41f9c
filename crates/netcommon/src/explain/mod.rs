//! The lesson: each socket call that is made, with its real arguments and result, and one reason.
//!
//! A call is told where it is made, by [`call`]; until [`start`] nothing is told, and nothing costs.
//! Lines go to standard error, so that standard output stays what it is.
//!
//! ```
//! use std::net::TcpListener;
//! use std::os::fd::AsFd;
//!
//! use netcommon::explain::{Call, call};
//!
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let _client = std::net::TcpStream::connect(listener.local_addr()?)?;
//! let (_stream, peer) = call(Call::Accept(listener.as_fd()), || listener.accept())?;
//! assert!(peer.ip().is_loopback());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Layout
//!
//! - `calls`: the calls as C programmers write them, and the reason that fits their results
//! - `texts`: the reasons, in Spanish and English
//! - `narrator`: the lines

mod calls;
mod narrator;
mod texts;

use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::MsgFlags;
use socket2::SockRef;

use crate::address::Endpoint;
use crate::error::Error;
use crate::language::Language;

pub use calls::{Call, LESSON_BUFFER, Outcome};

use narrator::{Narrator, Returned};

const DONT_WAIT: i32 = MsgFlags::MSG_DONTWAIT.bits();
const NO_SIGNAL: i32 = MsgFlags::MSG_NOSIGNAL.bits();

static NARRATOR: OnceLock<Narrator> = OnceLock::new();

/// The pace of the lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Pace {
    /// Without a pause.
    Run,
    /// Each call waits for Enter.
    Step,
}

/// How calls are told.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// With or without pauses.
    pub pace: Pace,
    /// The language of the reasons.
    pub language: Language,
    /// As JSON lines.
    pub json: bool,
}

/// Tells every call from now on.
///
/// # Errors
///
/// Steps without a terminal to press Enter on are a usage error.
pub fn start(settings: Settings) -> Result<(), Error> {
    if settings.pace == Pace::Step && !io::stdin().is_terminal() {
        return Err(Error::usage(
            "--explain=step waits for Enter, and standard input is not a terminal",
        ));
    }
    NARRATOR.get_or_init(|| Narrator::new(settings));
    Ok(())
}

/// Whether calls are told.
pub fn is_on() -> bool {
    NARRATOR.get().is_some()
}

/// Whether a receiving call would wait, which is told; false where nothing is told. It spares a socket
/// that does not block a call that only says so.
pub fn would_wait(call: &Call<'_>) -> bool {
    let Some(narrator) = NARRATOR.get() else {
        return false;
    };
    let waits = call.waits_for().is_some_and(|fd| !is_readable(fd));
    if waits {
        narrator.tell_wait(call);
    }
    waits
}

/// Whether a receiving call on the socket would return at once (poll(2)).
pub fn is_readable(socket: BorrowedFd<'_>) -> bool {
    let mut wanted = [PollFd::new(socket, PollFlags::POLLIN)];
    poll(&mut wanted, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

/// Makes a call, and tells it. A call that never waits is told before any other thread tells its effect.
///
/// # Errors
///
/// Those of the call.
pub fn call<T: Outcome>(call: Call<'_>, make: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let Some(narrator) = NARRATOR.get() else {
        return make();
    };
    narrator.pause_before(&call);
    let waits = would_wait(&call);
    let memory = (!call.may_wait()).then(|| narrator.memory());
    let start = Instant::now();
    let result = make();
    let waited = (waits || call.connects().is_some()).then(|| start.elapsed());
    let memory = memory.unwrap_or_else(|| narrator.memory());
    narrator.tell_return(memory, &call, &returned(&call, &result, waited));
    result
}

/// Sends on a stream. When it is told, it takes what the kernel takes at once (`MSG_DONTWAIT`): a
/// blocking send(2) waits until it has taken everything, and a partial one is never seen. Where the
/// kernel takes nothing, it waits for room.
///
/// # Errors
///
/// Those of send(2).
pub fn send(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    if !is_on() {
        return stream.write(bytes);
    }
    let socket = SockRef::from(stream);
    let sending = Call::Send(stream.as_raw_fd(), bytes.len());
    loop {
        let sent = call(sending, || {
            socket.send_with_flags(bytes, DONT_WAIT | NO_SIGNAL)
        });
        match sent {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait_for_room(stream)?,
            sent => return sent,
        }
    }
}

fn wait_for_room(stream: &TcpStream) -> io::Result<()> {
    let mut room = [PollFd::new(stream.as_fd(), PollFlags::POLLOUT)];
    poll(&mut room, PollTimeout::NONE)?;
    Ok(())
}

/// Looks a name up, and tells its addresses. An address in digits is no question to anybody.
///
/// # Errors
///
/// Those of `look_up`, which the program tells itself.
pub fn resolve<E>(
    host: &str,
    look_up: impl FnOnce() -> Result<Vec<SocketAddr>, E>,
) -> Result<Vec<SocketAddr>, E> {
    let narrator = NARRATOR.get();
    let is_address = || host.contains('%') || host.parse::<IpAddr>().is_ok();
    let Some(narrator) = narrator.filter(|_| !is_address()) else {
        return look_up();
    };
    let call = Call::Resolve(host);
    narrator.pause_before(&call);
    let addresses = look_up()?;
    let result = Ok((addresses.number(), addresses.detail()));
    let returned = Returned {
        result,
        waited: None,
        local: String::new(),
    };
    narrator.tell_return(narrator.memory(), &call, &returned);
    Ok(addresses)
}

/// Closes a socket by [`call`]; `how` is one of the three closes.
pub fn close<S: AsRawFd>(socket: S, how: fn(RawFd) -> Call<'static>) {
    let descriptor = socket.as_raw_fd();
    // close(2) of a socket has no error that anybody could act on.
    let _ = call(how(descriptor), || {
        drop(socket);
        Ok(())
    });
}

fn returned<T: Outcome>(
    call: &Call<'_>,
    result: &io::Result<T>,
    waited: Option<Duration>,
) -> Returned {
    let local = call.connects().and_then(|fd| {
        let address = SockRef::from(&fd).local_addr().ok()?.as_socket()?;
        Some(Endpoint::from(address).to_string())
    });
    Returned {
        result: match result {
            Ok(outcome) => Ok((outcome.number(), outcome.detail())),
            Err(error) => Err(calls::errno(error)),
        },
        waited,
        local: local.unwrap_or_default(),
    }
}
