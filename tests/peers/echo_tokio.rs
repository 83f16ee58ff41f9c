//! `echo-tokio PORT [BUFFER]`: the echo server that tokio's own examples show, as a peer for the benchmark.

use std::env;
use std::io::{Error, Result};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Large, for throughput. Pages of it that no message reaches are never touched, so they cost nothing.
const BUFFER: usize = 64 << 10;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1).map(|argument| argument.parse());
    let port: usize = arguments
        .next()
        .transpose()
        .map_err(Error::other)?
        .unwrap_or(0);
    let buffer = arguments.next().transpose().map_err(Error::other)?;
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    loop {
        let (client, _) = listener.accept().await?;
        client.set_nodelay(true)?;
        tokio::spawn(echo(client, buffer.unwrap_or(BUFFER)));
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
