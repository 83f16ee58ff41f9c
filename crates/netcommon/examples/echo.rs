//! A TCP echo server for one client after the other, in as few lines as it takes:
//! `cargo run -p netcommon --example echo -- localhost:1234`.
//!
//! What it lacks is what `tcp-server` is about: a second client waits until the first has left, one
//! that is silent keeps all others out, and Ctrl-C cuts off whoever is there.

use std::io::copy;

use netcommon::address::Target;
use netcommon::language::Language;
use netcommon::options::TcpOptions;
use netcommon::output::{Output, Style};
use netcommon::resolve::Family;
use netcommon::tcp::{DEFAULT_BACKLOG, listen};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = std::env::args().nth(1);
    let target = Target::from_arguments(place.as_deref(), None)?;
    let output = Output::new(Style::Text, Language::from_environment(), false);
    let listener = listen(
        &target,
        Family::Any,
        &TcpOptions::default(),
        DEFAULT_BACKLOG,
    )?;
    loop {
        let (client, peer) = listener.accept()?;
        let ended = copy(&mut &client, &mut &client);
        output.write_text(&format!("{peer}: {ended:?}\n"))?;
        output.flush()?;
    }
}
