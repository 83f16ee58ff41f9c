//! The same tests over both implementations.

use super::*;

macro_rules! both_keep_the_contract {
    ($($implementation:ident),*) => {$(mod $implementation {
        use super::*;
        use crate::datagrams::$implementation::{Receiver, send};

        fn server(address: &str) -> (UdpSocket, Receiver) {
            let server = socket(address);
            let receiver = Receiver::new(&server, Details::default()).unwrap();
            (server, receiver)
        }

        #[test]
        fn every_boundary_and_every_sender_is_kept() {
            for address in LOOPBACKS {
                let (server, mut receiver) = server(address);
                let clients = [client_of(&server), client_of(&server)];
                let sent: Vec<Vec<u8>> = (0..3 * BATCH).map(|size| vec![b'x'; size]).collect();
                for (at, payload) in sent.iter().enumerate() {
                    clients[at % 2].send(payload).unwrap();
                }
                let received = receive!(receiver, &server, sent.len());
                assert_eq!(payloads(&received), sent);
                for (at, (meta, _)) in received.iter().enumerate() {
                    assert_eq!(meta.peer, clients[at % 2].local_addr().unwrap());
                }
            }
        }

        #[test]
        fn the_largest_datagram_comes_whole() {
            for (address, size) in LOOPBACKS.into_iter().zip([65_507, 65_527]) {
                let (server, mut receiver) = server(address);
                let payload: Vec<u8> = (0..size).map(|at| at as u8).collect();
                client_of(&server).send(&payload).unwrap();
                assert_eq!(payloads(&receive!(receiver, &server, 1)), [payload]);
            }
        }

        #[test]
        fn datagrams_that_were_joined_come_apart() {
            for address in LOOPBACKS {
                let (server, mut receiver) = server(address);
                let client = client_of(&server);
                let bytes: Vec<u8> = (0..10_050_u32).map(|at| at as u8).collect();
                GsoSender::default().send(&client, &bytes, 1_000).unwrap();
                client.send(b"alone").unwrap();

                let mut expected: Vec<&[u8]> = bytes.chunks(1_000).collect();
                expected.push(b"alone");
                let received = receive!(receiver, &server, expected.len());
                assert_eq!(payloads(&received), expected);
            }
        }

        #[test]
        fn an_empty_socket_would_block() {
            let (server, mut receiver) = server(LOOPBACKS[0]);
            assert_eq!(receiver.receive(&server).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        }

        #[test]
        fn replies_reach_their_peers_past_one_that_cannot_be_sent() {
            let (server, _) = server(LOOPBACKS[0]);
            let clients = [client_of(&server), client_of(&server)];
            let peers = clients.each_ref().map(|client| client.local_addr().unwrap());
            let to = |peer, payload| Transmit { payload, peer, source: None, ttl: None, tos: None };
            let nowhere = (Ipv4Addr::LOCALHOST, 0).into();
            let replies = [to(peers[0], b"1".as_slice()), to(nowhere, b"?"), to(peers[1], b""), to(peers[0], b"2")];
            let report = send(&server, &replies);
            assert_eq!((report.sent, report.refused.is_some()), (3, true));
            for (client, expected) in [(0, "1"), (1, ""), (0, "2")] {
                let mut received = [0; 8];
                let length = clients[client].recv(&mut received).unwrap();
                assert_eq!(&received[..length], expected.as_bytes());
            }
        }
    })*};
}

both_keep_the_contract!(batched, portable);
