//! Who prints datagrams: ours, and what people use.

use std::path::Path;
use std::process::Command;
use std::rc::Rc;

use crate::programs::{Programs, command};

/// A program that prints what comes on a port.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) name: &'static str,
    pub(crate) command: Rc<dyn Fn(u16) -> Command>,
}

impl Receiver {
    fn new(name: &'static str, command: impl Fn(u16) -> Command + 'static) -> Self {
        let command = Rc::new(command);
        Self { name, command }
    }
}

pub(crate) fn ours(programs: &Programs) -> Receiver {
    ours_with("udp-server", programs, &[])
}

pub(crate) fn peers(programs: &Programs) -> Vec<Receiver> {
    let tools = [
        ("socat", socat("socat", "")),
        ("socat", socat("socat, 4 MiB buffer", ",rcvbuf=4194304")),
        ("nc", nc()),
        ("python3", python()),
    ];
    let installed = tools.into_iter().filter(|(tool, _)| programs.has(tool));
    let mut all = vec![ours_with("udp-server --raw", programs, &["--raw"])];
    all.extend(installed.map(|(_, receiver)| receiver));
    all
}

fn ours_with(
    name: &'static str,
    programs: &Programs,
    options: &'static [&'static str],
) -> Receiver {
    let programs = programs.clone();
    Receiver::new(name, move |port| {
        let mut command = programs.built("udp-server");
        command.args(["127.0.0.1", &port.to_string()]).args(options);
        command
    })
}

fn socat(name: &'static str, options: &'static str) -> Receiver {
    Receiver::new(name, move |port| {
        let mut command = command(Path::new("socat"));
        command.args([
            "-u",
            &format!("UDP-RECV:{port},bind=127.0.0.1{options}"),
            "-",
        ]);
        command
    })
}

fn nc() -> Receiver {
    Receiver::new("nc -luk", |port| {
        let mut command = command(Path::new("nc"));
        command.args(["-luk", "127.0.0.1", &port.to_string()]);
        command
    })
}

fn python() -> Receiver {
    Receiver::new("Python", |port| {
        let mut command = command(Path::new("python3"));
        let script = include_str!("../../peers/datagrams.py");
        command.args(["-c", script, &port.to_string()]);
        command
    })
}
