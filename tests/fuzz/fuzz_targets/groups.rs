//! Multicast groups of `--join`: what is shown is read as the same, and what is refused is named.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netcommon::address::parse_group;

fuzz_target!(|input: &str| {
    match parse_group(input) {
        Ok(group) => {
            assert!(group.address.is_multicast());
            assert_ne!(group.interface.as_deref(), Some(""));
            assert_eq!(parse_group(&group.to_string()).as_ref(), Ok(&group));
        }
        Err(error) => assert!(error.contains(&format!("'{input}'"))),
    }
});
