//! The contract that both implementations keep, and what only the kernel of Linux can tell.

mod contract;
mod kernel;

use super::*;

/// How long a test waits for what must come.
const DEADLINE: Duration = Duration::from_secs(60);

const LOOPBACKS: [&str; 2] = ["127.0.0.1:0", "[::1]:0"];

fn socket(address: &str) -> UdpSocket {
    UdpSocket::bind(address).unwrap()
}

fn client_of(server: &UdpSocket) -> UdpSocket {
    let address = server.local_addr().unwrap();
    let client = socket(&SocketAddr::new(address.ip(), 0).to_string());
    client.connect(address).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client
}

/// Receives `count` datagrams, or fails when they do not come.
macro_rules! receive {
    ($receiver:expr, $socket:expr, $count:expr) => {{
        let start = std::time::Instant::now();
        let mut all: Vec<(RecvMeta, Vec<u8>)> = Vec::new();
        while all.len() < $count {
            assert!(start.elapsed() < DEADLINE, "only {} came", all.len());
            if let Ok(batch) = $receiver.receive($socket) {
                let owned = |datagram: Datagram<'_>| (*datagram.meta, datagram.payload.to_vec());
                all.extend(batch.datagrams().map(owned));
            }
        }
        assert_eq!(all.len(), $count);
        all
    }};
}

fn payloads(received: &[(RecvMeta, Vec<u8>)]) -> Vec<&[u8]> {
    received
        .iter()
        .map(|(_, payload)| payload.as_slice())
        .collect()
}

use receive;
