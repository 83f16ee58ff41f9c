//! Connections that are known to be served.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What every client sends.
pub(crate) const MESSAGE: [u8; 64] =
    *b"sixty-four bytes, as many as ping sends; and they come back: yes";

/// Connects one client after the other; each has had an echo before the next one comes, so that no
/// backlog is ever too short.
pub(crate) fn open(server: SocketAddr, count: usize, patience: Duration) -> Result<Vec<TcpStream>> {
    (0..count).map(|_| open_one(server, patience)).collect()
}

fn open_one(server: SocketAddr, patience: Duration) -> Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&server, patience)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    echo(&mut stream)?;
    Ok(stream)
}

/// One round trip.
pub(crate) fn echo(stream: &mut TcpStream) -> Result<()> {
    let mut reply = [0; MESSAGE.len()];
    stream.write_all(&MESSAGE)?;
    stream.read_exact(&mut reply)?;
    check(&reply)
}

pub(crate) fn check(reply: &[u8]) -> Result<()> {
    if reply == MESSAGE {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidData, "the echo differs"))
}
