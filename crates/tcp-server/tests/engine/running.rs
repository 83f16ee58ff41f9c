//! A server in a thread of the test.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use netcommon::Error;
use netcommon::language::Language;
use netcommon::output::{Output, Style};
use netcommon::shutdown::Shutdown;
use socket2::{Domain, Socket, Type};
use tcp_server::Server;
use tcp_server::Settings;
use tcp_server::inspect::Inspector;
use tcp_server::limits::Limits;

/// How long anything may take before a test gives up on it. Nothing is measured against it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

const RECEIVE_BUFFER: usize = 8192;

#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) thread: JoinHandle<Result<(), Error>>,
    lines: Lines,
    stop: Box<dyn Fn()>,
}

impl Running {
    pub(crate) fn start(threads: usize, inspector: Inspector) -> Self {
        let lines = Lines::default();
        Self::start_with(threads, inspector, lines.clone(), lines)
    }

    /// With a standard output in front of `lines`.
    pub(crate) fn start_with(
        threads: usize,
        inspector: Inspector,
        stdout: impl Write + Send + 'static,
        lines: Lines,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let clients = 1000;
        let settings = Settings {
            limits: Limits { clients, threads },
            once: false,
            idle_timeout: None,
            drain_timeout: DEADLINE,
            is_handed_over: false,
            inspector: Some(inspector),
            metrics: None,
        };
        let output = Output::to(Style::Json, Language::Spanish, false, Box::new(stdout));
        let shutdown = Shutdown::new();
        let server = Server::new(listener, settings, Arc::new(output), shutdown.clone()).unwrap();
        let wake = server.waker();
        Self {
            address,
            thread: thread::spawn(move || server.run()),
            lines,
            stop: Box::new(move || {
                shutdown.request();
                wake();
            }),
        }
    }

    /// Ends the server in order. Returns the lines that it said.
    pub(crate) fn finish(self) -> Vec<String> {
        (self.stop)();
        self.thread.join().unwrap().unwrap();
        let lines = self.lines.0.lock().unwrap();
        let text = String::from_utf8(lines.clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

/// A client whose reads and writes fail, instead of hanging, past the deadline. Its kernel keeps few
/// bytes for it, so that echo which it does not read waits at the server.
pub(crate) fn connect(server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(RECEIVE_BUFFER).unwrap();
    socket.connect(&server.into()).unwrap();
    let client = TcpStream::from(socket);
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client.set_write_timeout(Some(DEADLINE)).unwrap();
    client
}

/// Sends a message and reads it back.
pub(crate) fn exchange(client: &mut TcpStream, message: &[u8]) {
    client.write_all(message).unwrap();
    read_back(client, message);
}

pub(crate) fn read_back(client: &mut TcpStream, message: &[u8]) {
    let mut echo = vec![0; message.len()];
    client.read_exact(&mut echo).unwrap();
    assert!(echo == message);
}
