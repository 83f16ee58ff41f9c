//! `bare-loop round-trips|stream ADDRESS SECONDS`: the barest blocking load of an echo server, as
//! a peer for the benchmark: no clock, no comparison, no histogram. Prints round trips or echoed bytes a second.

use std::env;
use std::io::{Error, Read, Result, Write, stdout};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, OnceLock};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

const USAGE: &str = "bare-loop round-trips|stream ADDRESS SECONDS";

/// Connections that make round trips, and the bytes of their messages.
const CONNECTIONS: usize = 64;
const MESSAGE: usize = 64;

/// Bytes of a stream's writes and reads; those of `tcp-client --stream`.
const WRITE: usize = 128 << 10;
const READ: usize = 256 << 10;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [load, address, seconds] = arguments.as_slice() else {
        return Err(Error::other(USAGE));
    };
    let seconds: f64 = seconds.parse().map_err(Error::other)?;
    let time = Duration::try_from_secs_f64(seconds).map_err(Error::other)?;
    let rate = match load.as_str() {
        "round-trips" => round_trips(address, time)?,
        "stream" => stream(address, time)?,
        _ => return Err(Error::other(USAGE)),
    };
    writeln!(stdout(), "{rate}")
}

fn connect(address: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// All connections begin together, when the last thread is there. The first that goes on takes the
/// time: this one may be the last to get a processor, when much is done already.
fn round_trips(address: &str, time: Duration) -> Result<f64> {
    let (stop, start) = (AtomicBool::new(false), OnceLock::new());
    let ready = Barrier::new(CONNECTIONS + 1);
    let begin = || {
        ready.wait();
        *start.get_or_init(Instant::now)
    };
    let streams = (0..CONNECTIONS).map(|_| connect(address));
    let streams = streams.collect::<Result<Vec<_>>>()?;
    thread::scope(|scope| {
        let talk = |stream| scope.spawn(|| talk(stream, begin, &stop));
        let threads: Vec<_> = streams.into_iter().map(talk).collect();
        let start = begin();
        wait_until(start + time);
        stop.store(true, Ordering::Relaxed);
        let counts = threads.into_iter().map(join);
        let total = counts.sum::<Result<u64>>()?;
        Ok(total as f64 / start.elapsed().as_secs_f64())
    })
}

fn talk(mut stream: TcpStream, begin: impl Fn() -> Instant, stop: &AtomicBool) -> Result<u64> {
    let mut message = [b'.'; MESSAGE];
    let mut count = 0;
    begin();
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(&message)?;
        stream.read_exact(&mut message)?;
        count += 1;
    }
    Ok(count)
}

/// What is under way when the time is over counts, and so does its time.
fn stream(address: &str, time: Duration) -> Result<f64> {
    let (stream, stop) = (connect(address)?, AtomicBool::new(false));
    let start = Instant::now();
    thread::scope(|scope| {
        let writer = scope.spawn(|| write(&stream, &stop));
        let reader = scope.spawn(|| read(&stream));
        wait_until(start + time);
        stop.store(true, Ordering::Relaxed);
        join(writer)?;
        let bytes = join(reader)?;
        Ok(bytes as f64 / start.elapsed().as_secs_f64())
    })
}

fn write(mut stream: &TcpStream, stop: &AtomicBool) -> Result<()> {
    let block = vec![b'.'; WRITE];
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(&block)?;
    }
    stream.shutdown(Shutdown::Write)
}

fn read(mut stream: &TcpStream) -> Result<u64> {
    let mut block = vec![0; READ];
    let mut bytes = 0;
    loop {
        match stream.read(&mut block)? {
            0 => return Ok(bytes),
            count => bytes += count as u64,
        }
    }
}

fn join<T>(thread: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    let ended = thread.join();
    ended.map_err(|_| Error::other("a thread of load panicked"))?
}

/// The load runs on threads of its own meanwhile.
fn wait_until(end: Instant) {
    while let Some(rest) = end.checked_duration_since(Instant::now()) {
        thread::park_timeout(rest);
    }
}
