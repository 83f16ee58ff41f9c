//! The lines of the lesson, taken apart.

use serde_json::Value;

use crate::harness::{Finished, parse_event};

/// The narrated calls of a program that told them as JSON on standard error.
pub(crate) fn steps(end: &Finished) -> Vec<Value> {
    let objects = end.stderr.lines().filter(|line| line.starts_with('{'));
    objects
        .map(parse_event)
        .filter(|event| event["event"] == "step")
        .collect()
}

/// The names of the calls that returned, in order.
pub(crate) fn names(steps: &[Value]) -> Vec<&str> {
    let returned = steps.iter().filter(|step| !step["result"].is_null());
    returned.map(|step| word(step, "call")).collect()
}

/// The reasons that were given, by key.
pub(crate) fn keys(steps: &[Value]) -> Vec<&str> {
    steps.iter().map(|step| word(step, "key")).collect()
}

#[track_caller]
pub(crate) fn word<'a>(step: &'a Value, key: &str) -> &'a str {
    let word = step[key].as_str();
    word.unwrap_or_else(|| panic!("no {key} in {step}"))
}
