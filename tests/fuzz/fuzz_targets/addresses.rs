//! Targets and local addresses: what is shown is read as the same, and what is refused is named.

#![no_main]

use std::net::SocketAddr;

use libfuzzer_sys::fuzz_target;
use netcommon::ErrorKind;
use netcommon::address::{Target, parse_bind_address};

fuzz_target!(|input: (Option<u16>, &str)| {
    let (port, address) = input;
    match Target::from_arguments(Some(address), port) {
        Ok(target) => {
            assert!(!target.host.is_empty());
            let shown = target.to_string();
            let read = Target::from_arguments(Some(&shown), None);
            assert_eq!(read.expect("a target that was shown"), target, "{shown}");
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Usage);
            let error = error.to_string();
            assert!(
                error.contains(&format!("'{address}'")) || error.contains("two different ports")
            );
        }
    }
    match parse_bind_address(address) {
        Ok(bind) => {
            for peer in ["192.0.2.1:9", "[2001:db8::1]:9"].map(|peer| peer.parse::<SocketAddr>()) {
                let peer = peer.expect("an address");
                let bound = bind.for_peer(&peer);
                let read = parse_bind_address(&bound.to_string()).expect("an address to bind");
                assert_eq!(read.for_peer(&peer), bound);
                assert_eq!(bind.fits(&peer), bound.is_ipv4() == peer.is_ipv4());
            }
        }
        Err(error) => assert!(error.contains(&format!("'{address}'"))),
    }
});
