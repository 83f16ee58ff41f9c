//! Verdicts, counts and what is forgotten.

use super::*;
use crate::args::measured_plan;
use proptest::prelude::*;
use std::collections::HashMap;

const WAIT: Duration = Duration::from_millis(100);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn recorder(schedule: &[&str], loses: bool) -> Recorder {
    let mut plan = measured_plan(schedule);
    plan.wait = WAIT;
    Recorder::new(&plan, 0, loses)
}

/// A message a millisecond, all sent when they were due.
fn sent(count: u64, loses: bool) -> Recorder {
    let mut recorder = recorder(&["--rate", "1000"], loses);
    (1..=count).for_each(|place| recorder.sent(place, 1, millis(place - 1)));
    recorder
}

fn verdict(recorder: &mut Recorder, number: u64, arrived: Duration, is_right: bool) -> Verdict {
    recorder.reply(number, arrived, 64, is_right).verdict
}

#[test]
fn the_first_reply_decides_and_further_ones_are_duplicates() {
    let mut recorder = sent(4, true);
    assert_eq!(
        verdict(&mut recorder, 1, millis(100), true),
        Verdict::Received
    );
    assert_eq!(
        verdict(&mut recorder, 1, millis(100), false),
        Verdict::Duplicate
    );
    assert_eq!(verdict(&mut recorder, 2, millis(102), true), Verdict::Late);
    assert_eq!(
        verdict(&mut recorder, 3, millis(102), false),
        Verdict::Corrupted
    );
    assert_eq!(
        verdict(&mut recorder, 3, millis(102), true),
        Verdict::Duplicate
    );
    assert_eq!(
        verdict(&mut recorder, 5, millis(102), true),
        Verdict::Unmatched
    );
    let counts = recorder.finish(None);
    assert_eq!((counts.received, counts.late, counts.corrupted), (1, 1, 1));
    assert_eq!((counts.lost, counts.duplicate, counts.unmatched), (1, 2, 1));
}

#[test]
fn a_round_trip_counts_from_when_a_message_was_due() {
    let mut recorder = recorder(&["--rate", "1000"], true);
    recorder.sent(1, 3, millis(50));
    let reply = recorder.reply(3, millis(60), 64, true);
    assert_eq!(reply.round_trip, Some(millis(58)));
    let times = recorder.times(2).unwrap();
    assert_eq!((times.due, times.sent), (millis(1), millis(50)));
}

#[test]
fn places_that_were_not_sent_leave_no_gap_in_the_numbers() {
    let mut recorder = recorder(&["--rate", "1000"], true);
    recorder.sent(1, 1, Duration::ZERO);
    recorder.unsent(8);
    recorder.sent(10, 1, millis(9));
    assert_eq!(recorder.times(2).unwrap().due, millis(9));
    assert_eq!(recorder.next_number(), 3);
    assert_eq!(recorder.counts().unsent, 8);
}

#[test]
fn an_interrupt_leaves_the_young_in_flight_and_gives_up_the_old() {
    let counts = sent(200, true).finish(Some(millis(200)));
    // Message n was due at n - 1 ms: those due at 101 ms and after are younger than 100 ms.
    assert_eq!((counts.lost, counts.in_flight), (101, 99));
    assert_eq!(counts.sent, counts.decided() + counts.in_flight);
    assert_eq!(counts.loss_percent(), 100.0);
}

#[test]
fn messages_are_given_up_while_the_run_goes_on_and_then_forgotten() {
    let mut recorder = sent(10, true);
    recorder.expire(WAIT + LATENESS + millis(4));
    assert_eq!(recorder.snapshot().lost, 4);
    assert_eq!(recorder.snapshot().sent, 4);
    let late = WAIT + LATENESS + millis(4);
    assert_eq!(verdict(&mut recorder, 4, late, true), Verdict::Unmatched);
    assert_eq!(verdict(&mut recorder, 5, late, true), Verdict::Late);
    assert_eq!(recorder.finish(None).lost, 9);
}

#[test]
fn over_tcp_a_reply_is_late_and_never_too_late() {
    let mut recorder = sent(2, false);
    recorder.expire(Duration::from_secs(3600));
    let hour = Duration::from_secs(3600);
    assert_eq!(verdict(&mut recorder, 1, hour, true), Verdict::Late);
    assert_eq!(recorder.undecided(), 1);
}

#[test]
fn a_closed_loop_waits_for_the_last_message_alone() {
    let mut recorder = recorder(&["-i", "0"], true);
    assert_eq!(recorder.waits_until(), None);
    recorder.sent(1, 1, millis(5));
    assert_eq!(recorder.waits_until(), Some(millis(105)));
    recorder.sent(2, 1, millis(105));
    recorder.reply(2, millis(106), 64, true);
    assert_eq!(recorder.waits_until(), None);
    assert_eq!(recorder.undecided(), 1);
}

/// An action of a path, or of its user, on a flow.
#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    Skip(u64),
    Reply { back: u64, is_right: bool },
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..=MAX_BATCH).prop_map(Step::Send),
        (1_u64..5).prop_map(Step::Skip),
        (0_u64..300, any::<bool>()).prop_map(|(back, is_right)| Step::Reply { back, is_right }),
        (0_u64..40).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn every_message_ends_in_one_state_whatever_comes(
        steps in prop::collection::vec(step(), 0..200), interrupted: bool, loses: bool,
    ) {
        let mut recorder = recorder(&["--rate", "1000"], loses);
        let (mut now, mut place, mut seen) = (Duration::ZERO, 1, HashMap::new());
        let mut before = Counts::default();
        for step in steps {
            match step {
                Step::Send(count) => {
                    recorder.sent(place, count, now);
                    place += count as u64;
                }
                Step::Skip(count) => {
                    recorder.unsent(count);
                    place += count;
                }
                Step::Reply { back, is_right } => {
                    let number = recorder.next_number().saturating_sub(back);
                    let known = recorder.times(number).is_some();
                    let verdict = recorder.reply(number, now, 1, is_right).verdict;
                    if known {
                        let first = seen.insert(number, ()).is_none();
                        prop_assert_eq!(first, verdict != Verdict::Duplicate);
                    } else {
                        prop_assert_eq!(verdict, Verdict::Unmatched);
                    }
                }
                Step::Wait(time) => now += millis(time),
            }
            recorder.expire(now);
            let snapshot = recorder.snapshot();
            prop_assert_eq!(snapshot.sent, snapshot.decided());
            prop_assert!(snapshot.lost >= before.lost && snapshot.sent >= before.sent);
            before = snapshot;
        }
        let counts = recorder.finish(interrupted.then_some(now));
        prop_assert_eq!(counts.sent, recorder.next_number() - 1);
        prop_assert_eq!(counts.sent, counts.decided() + counts.in_flight);
        prop_assert_eq!(counts.sent + counts.unsent, place - 1);
    }
}
