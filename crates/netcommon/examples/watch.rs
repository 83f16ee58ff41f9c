//! Shows datagrams, whatever bytes they carry:
//! `cargo run -p netcommon --example watch -- localhost:1234`.
//!
//! `udp-server` adds batches, echo, multicast, and what the kernel dropped.

use netcommon::address::Target;
use netcommon::language::Language;
use netcommon::options::SocketOptions;
use netcommon::output::{Output, Style};
use netcommon::payload::Escaped;
use netcommon::resolve::Family;
use netcommon::udp;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = std::env::args().nth(1);
    let target = Target::from_arguments(place.as_deref(), None)?;
    let output = Output::new(Style::Text, Language::from_environment(), false);
    let socket = udp::bind(&target, Family::Any, &SocketOptions::default())?;
    let mut buffer = vec![0; 65_535];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        let payload = Escaped(&buffer[..length]);
        output.write_text(&format!("{peer}: {payload}\n"))?;
        output.flush()?;
    }
}
