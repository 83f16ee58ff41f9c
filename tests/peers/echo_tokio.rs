//! `echo-tokio PORT KIBIBYTES`: the echo server of tokio's own examples, as a peer for the benchmark.

use std::env;
use std::io::{Error, Result};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = env::args().skip(1).map(|argument| argument.parse());
    let arguments: Vec<u16> = arguments
        .collect::<std::result::Result<_, _>>()
        .map_err(Error::other)?;
    let [port, kibibytes] = arguments[..] else {
        return Err(Error::other("usage: echo-tokio PORT KIBIBYTES"));
    };
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
    let listener = socket.listen(1024)?;
    loop {
        let (client, _) = listener.accept().await?;
        client.set_nodelay(true)?;
        tokio::spawn(echo(client, usize::from(kibibytes) << 10));
    }
}

/// Ends with the client, whatever the reason.
async fn echo(mut client: TcpStream, size: usize) -> Result<()> {
    let mut buffer = vec![0; size];
    loop {
        let count = client.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        client.write_all(&buffer[..count]).await?;
    }
}
