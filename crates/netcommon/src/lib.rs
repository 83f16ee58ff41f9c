//! Sockets configured through [`socket2`], and what the four programs share.
//!
//! The programs depend on this crate, never on each other. It knows how a socket is opened and set
//! up, how bytes from the network are shown to people, and how a program speaks and ends; what is
//! done with a socket is each program's own business.
//!
//! A message to an echo server on this machine, and back:
//!
//! ```
//! use std::io::{Read, Write, copy};
//! use std::net::Shutdown;
//! use std::thread;
//!
//! use netcommon::address::Target;
//! use netcommon::options::TcpOptions;
//! use netcommon::resolve::Family;
//! use netcommon::tcp::{self, ConnectOptions, DEFAULT_BACKLOG};
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
//! - [`address`]: `HOST:PORT` as people type it
//! - [`local_end`]: where a client's socket is bound
//! - [`resolve`]: the addresses behind a name
//! - [`options`]: socket options, applied in one place and read back
//! - [`dscp`]: differentiated services code points by name or number
//! - `endpoint`: what binding and connecting have in common
//! - [`tcp`]: listen and connect
//! - [`udp`]: bind and connect
//! - [`multicast`]: groups to join
//! - [`datagrams`]: datagrams received and sent in batches, with what the kernel knows about each
//! - [`service`]: what a service manager hands over, and wants to hear
//! - [`shutdown`]: Ctrl-C and SIGTERM, once to ask and twice to insist
//! - [`input`]: files to send, or standard input
//! - [`payload`]: bytes from the network, made safe to show
//! - [`units`]: durations and sizes, typed and read by people
//! - [`language`]: Spanish or English for the human lines
//! - [`output`]: standard output as text, JSON lines or raw bytes
//! - [`error`]: what went wrong, to whom and why, with its exit code
//! - [`cli`]: argument groups, logging and exit codes of every program

pub mod address;
pub mod cli;
pub mod datagrams;
pub mod dscp;
mod endpoint;
pub mod error;
pub mod input;
pub mod language;
pub mod local_end;
pub mod multicast;
pub mod options;
pub mod output;
pub mod payload;
pub mod resolve;
pub mod service;
pub mod shutdown;
pub mod tcp;
pub mod udp;
pub mod units;

pub use error::{Error, ErrorKind};
