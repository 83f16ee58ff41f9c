//! The parts are what was lost, and what is not known is said.

use super::*;
use proptest::prelude::*;

fn exactly(count: u64) -> SocketDrops {
    SocketDrops {
        count: Some(count),
        ..SocketDrops::default()
    }
}

fn line(attribution: &Attribution, language: Language) -> String {
    let mut lines = String::new();
    attribution.human(language, &mut lines).unwrap();
    lines
}

#[test]
fn every_loss_has_a_place_in_both_languages() {
    let server = Attribution::new(Side::Server, 800, 10_000, exactly(650), &Ok(12));
    assert_eq!(
        line(&server, Language::English),
        "lost 800 of 10000: 650 in this socket (buffer full: --rcvbuf), at most 12 elsewhere on this machine, 138 before it\n"
    );
    assert_eq!(
        line(&server, Language::Spanish),
        "perdidas 800 de 10000: 650 en este socket (búfer lleno: --rcvbuf), como mucho 12 en otra parte de esta máquina, 138 antes de llegar a ella\n"
    );
    let client = Attribution::new(Side::Client, 5, 10, exactly(0), &Ok(0));
    assert_eq!(
        line(&client, Language::English),
        "lost 5 of 10: 0 in this socket, 0 elsewhere on this machine, 5 on the path or at the server\n"
    );
    assert_eq!(
        line(&client, Language::Spanish),
        "perdidos 5 de 10: 0 en este socket, 0 en otra parte de esta máquina, 5 en el camino o en el servidor\n"
    );
}

#[test]
fn what_is_not_known_is_said() {
    let unread = Err(vec!["/proc/net/dev"]);
    let joined = SocketDrops {
        may_be_more: true,
        ..exactly(13)
    };
    let shared = SocketDrops {
        may_be_others: true,
        ..exactly(13)
    };
    let both = SocketDrops {
        may_be_others: true,
        ..joined
    };
    let full = "in this socket (buffer full: --rcvbuf)";
    let table = [
        (
            exactly(13),
            &unread,
            format!("13 {full}, elsewhere on this machine is not known (cannot read /proc/net/dev)"),
        ),
        (
            joined,
            &Ok(12),
            format!("at least 13 {full}, at most 12 elsewhere on this machine; the rest is not known"),
        ),
        (
            shared,
            &Ok(0),
            format!("at most 13 {full}, 0 elsewhere on this machine, 87 before it"),
        ),
        (
            both,
            &Ok(1),
            "an unknown number in this socket, at most 1 elsewhere on this machine; the rest is not known".to_owned(),
        ),
    ];
    for (socket, host, expected) in table {
        let attribution = Attribution::new(Side::Server, 100, 200, socket, host);
        assert_eq!(
            line(&attribution, Language::English),
            format!("lost 100 of 200: {expected}\n")
        );
    }
}

#[test]
fn nothing_is_said_of_no_loss() {
    let none = Attribution::new(Side::Client, 0, 10, exactly(7), &Err(vec!["?"]));
    assert_eq!(line(&none, Language::English), "");
    assert_eq!(
        serde_json::to_string(&none).unwrap(),
        r#"{"lost_here":{"socket":0,"host_at_most":0},"lost_before":0}"#
    );
}

#[test]
fn an_inexact_figure_has_another_key() {
    let json = |may_be_more, may_be_others| {
        let socket = SocketDrops {
            may_be_more,
            may_be_others,
            ..exactly(13)
        };
        let attribution = Attribution::new(Side::Server, 100, 200, socket, &Ok(12));
        serde_json::to_string(&attribution).unwrap()
    };
    assert_eq!(
        json(true, false),
        r#"{"lost_here":{"socket":null,"socket_at_least":13,"host_at_most":12},"lost_before":null}"#
    );
    assert_eq!(
        json(false, true),
        r#"{"lost_here":{"socket":null,"socket_at_most":13,"host_at_most":12},"lost_before":75}"#
    );
    assert_eq!(
        json(true, true),
        r#"{"lost_here":{"socket":null,"host_at_most":12},"lost_before":null}"#
    );
}

proptest! {
    #[test]
    fn the_parts_are_what_was_lost(
        lost: u64, count: Option<u64>, may_be_more: bool, may_be_others: bool, host: Option<u64>,
    ) {
        let socket = SocketDrops { count, may_be_more, may_be_others };
        let host = host.ok_or_else(Vec::new);
        let found = Attribution::new(Side::Server, lost, lost, socket, &host);
        let here = found.lost_here;
        let (least, most) = here.bounds();
        let parts = [least.max(most), here.host_at_most, found.lost_before];
        let sum = parts.iter().flatten().try_fold(0_u64, |sum, part| sum.checked_add(*part));
        if most.is_some() && here.host_at_most.is_some() {
            prop_assert_eq!(sum, Some(lost));
        } else {
            prop_assert!(sum.is_some_and(|sum| sum <= lost));
            prop_assert_eq!(found.lost_before, None);
        }
    }
}
