//! The yardstick for `tcp-client -P N -t S -l L`: round trips a second of the barest blocking loop,
//! without clock, comparison or histogram. `bare_loop ADDRESS CONNECTIONS SECONDS LENGTH`

use std::env;
use std::io::{Read, Write, stdout};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, connections, seconds, length] = arguments.as_slice() else {
        anyhow::bail!("bare_loop ADDRESS CONNECTIONS SECONDS LENGTH");
    };
    let (time, length) = (Duration::from_secs(seconds.parse()?), length.parse()?);
    let stop = Arc::new(AtomicBool::new(false));
    let streams = (0..connections.parse()?).map(|_| TcpStream::connect(address));
    let streams = streams.collect::<Result<Vec<_>, _>>()?;
    let start = Instant::now();
    let threads: Vec<_> = streams
        .into_iter()
        .map(|stream| {
            let stop = Arc::clone(&stop);
            thread::spawn(move || round_trips(stream, length, &stop))
        })
        .collect();
    thread::park_timeout(time);
    stop.store(true, Ordering::Relaxed);
    let counts = threads.into_iter().filter_map(|thread| thread.join().ok());
    let total = counts.sum::<std::io::Result<u64>>()?;
    let rate = total as f64 / start.elapsed().as_secs_f64();
    writeln!(stdout(), "{rate:.0} round trips/s")?;
    Ok(())
}

fn round_trips(mut stream: TcpStream, length: usize, stop: &AtomicBool) -> std::io::Result<u64> {
    stream.set_nodelay(true)?;
    let mut message = vec![7; length];
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(&message)?;
        stream.read_exact(&mut message)?;
        count += 1;
    }
    Ok(count)
}
