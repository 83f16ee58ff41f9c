//! Sockets configured through [`socket2`], and what the four programs share.
//!
//! The programs depend on this crate, never on each other. It opens and sets up sockets, shows bytes
//! from the network to people, and starts and ends a program; what is done with a socket is each
//! program's own business.
//!
//! A message to an echo server on this machine, and back:
//!
//! ```
//! use std::io::{Read, Write, copy};
//! use std::net::Shutdown;
//! use std::thread;
//!
//! use netcommon::address::{Family, Target};
//! use netcommon::options::TcpOptions;
//! use netcommon::socket::tcp::{self, ConnectOptions, DEFAULT_BACKLOG};
//!
//! let any_port = Target::from_arguments(Some("localhost:0"), None)?;
//! let listener = tcp::listen(&any_port, Family::Any, &TcpOptions::default(), DEFAULT_BACKLOG)?;
//! let server = any_port.with_port(listener.local_addr()?.port());
//! let echo = thread::spawn(move || {
//!     let (client, _) = listener.accept()?;
//!     copy(&mut &client, &mut &client)
//! });
//!
//! let mut client = tcp::connect(&server, Family::Any, &ConnectOptions::default())?;
//! client.write_all("¡Hola!".as_bytes())?;
//! client.shutdown(Shutdown::Write)?;
//! let mut reply = String::new();
//! client.read_to_string(&mut reply)?;
//! assert_eq!(reply, "¡Hola!");
//! assert_eq!(echo.join().expect("the server does not panic")?, 7);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layout
//!
//! - [`error`]: a failure as one line and an exit code
//! - [`deadline`]: when a wait is given up
//! - [`retry`]: trying again until it works
//! - [`limits`]: how many files a process may open
//! - [`buffer`]: large buffers that bytes are received into
//! - [`units`]: durations and sizes, typed and read by people
//! - [`payload`]: bytes from the network, made safe to show
//! - [`hex`]: bytes as pairs of hexadecimal digits
//! - [`difference`]: the first place where a reply is not the echo
//! - [`language`]: Spanish or English for the human lines
//! - [`warning`]: warnings with a limited rate
//! - `signals`: SIGINT, SIGTERM and SIGHUP, from the start of every program
//! - [`shutdown`]: the request to finish, which the first signal makes; the second ends the program
//! - [`interface`]: network interfaces of this machine
//! - [`address`]: names, addresses and groups, parsed, resolved and shown
//! - [`explain`]: the lesson, each socket call with its result and one reason
//! - [`options`]: socket options, applied in one place and read back
//! - [`socket`]: TCP and UDP sockets that listen or connect
//! - [`host`]: packets that this machine dropped outside sockets
//! - [`datagrams`]: datagrams received and sent in batches, with what the kernel knows about each
//! - [`input`]: files to send, or standard input
//! - [`output`]: standard output as text, JSON lines or raw bytes
//! - [`openmetrics`]: metrics in a text file, for Prometheus
//! - [`cli`]: argument groups, logging and exit codes of every program
//! - [`service`]: sockets handed over by a service manager, and its notifications

pub mod address;
pub mod buffer;
pub mod cli;
pub mod datagrams;
pub mod deadline;
pub mod difference;
pub mod error;
pub mod explain;
pub mod hex;
pub mod host;
pub mod input;
pub mod interface;
pub mod language;
pub mod limits;
pub mod openmetrics;
pub mod options;
pub mod output;
pub mod payload;
pub mod retry;
pub mod service;
pub mod shutdown;
mod signals;
pub mod socket;
pub mod units;
pub mod warning;

pub use error::{Error, ErrorKind};
