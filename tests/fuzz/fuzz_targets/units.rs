//! Sizes, durations and rates: what is read is within its bounds, and is shown so that it reads as
//! (nearly) the same; what is refused is named.

#![no_main]

use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use clap::{Command, CommandFactory, FromArgMatches, Parser};
use libfuzzer_sys::fuzz_target;
use netcommon::units::{parse_duration, parse_size, show_duration, show_percent, show_quantity};
use netmeasure::MeasureArgs;

const CENTURY: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    measure: MeasureArgs,
}

fuzz_target!(|input: &str| {
    size(input);
    duration(input);
    rate(input);
});

fn size(input: &str) {
    match parse_size(input) {
        Ok(bytes) => {
            assert_eq!(parse_size(&bytes.to_string()), Ok(bytes));
            assert!(!show_quantity(bytes as f64).is_empty());
        }
        Err(error) => assert!(error.contains(&format!("'{input}'"))),
    }
}

fn duration(input: &str) {
    match parse_duration(input) {
        Ok(duration) => {
            assert!(duration <= CENTURY);
            assert_eq!(
                parse_duration(&format!("{}ns", duration.as_nanos())),
                Ok(duration)
            );
            let shown = show_duration(duration);
            let read = parse_duration(&shown).expect("a duration that was shown");
            let tolerance = duration / 200 + Duration::from_nanos(1);
            assert!(
                read.abs_diff(duration) <= tolerance,
                "{duration:?} as {shown}"
            );
        }
        Err(error) => assert!(error.contains(&format!("'{input}'"))),
    }
}

/// Made once: that takes longer than a thousand parses.
static COMMAND: LazyLock<Mutex<Command>> = LazyLock::new(|| Mutex::new(Args::command()));

/// The schedule of an accepted rate is never behind itself, and ends with the time.
fn rate(input: &str) {
    let arguments = ["fuzz", "-t", "1h", &format!("--rate={input}")];
    let mut command = COMMAND.lock().expect("no panic");
    let Ok(matches) = command.try_get_matches_from_mut(arguments) else {
        return;
    };
    let args = Args::from_arg_matches(&matches).expect("every option is known");
    let plan = args
        .measure
        .plan(None, 1..=1000)
        .expect("a plan")
        .expect("a measurement");
    let schedule = plan.schedule(0).expect("a clock");
    let messages = plan.messages(0).expect("a number");
    let due = [1, 2, messages, messages + 1].map(|place| schedule.due(place));
    assert!(due.is_sorted() || messages < 2, "{due:?}");
    assert_eq!(due[0], Duration::ZERO);
    assert!(
        due[2] < Duration::from_secs(3600) && due[3] >= Duration::from_secs(3600),
        "{due:?}"
    );
    let percent = messages as f64 * 100.0 / 3.6e12;
    assert!(show_percent(percent).parse::<f64>().is_ok());
}
