//! JSON events: one line each, without an unsafe character, that reads as what was written.

#![no_main]

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};

use base64::prelude::{BASE64_STANDARD, Engine};
use libfuzzer_sys::fuzz_target;
use netcommon::language::Language;
use netcommon::output::{self, Output, Style};
use netcommon::payload::{is_unsafe, text_or_base64};
use serde::Serialize;
use serde_json::Value;

#[derive(Serialize)]
#[serde(tag = "event", rename = "message")]
struct Event<'a> {
    #[serde(flatten, serialize_with = "text_or_base64")]
    payload: &'a [u8],
    names: BTreeMap<&'a str, &'a str>,
}

impl output::Event for Event<'_> {
    fn human(&self, _: Language, _: &mut String) {}
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fuzz_target!(|input: (bool, &[u8])| {
    let (timestamps, bytes) = input;
    let text = String::from_utf8_lossy(bytes);
    for payload in [bytes, text.as_bytes()] {
        let names = BTreeMap::from([(&*text, &*text)]);
        let line = line(&Event { payload, names }, timestamps);
        assert!(!line.contains(is_unsafe));
        let event: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(event["event"], "message");
        assert_eq!(event["names"][&*text], *text);
        assert_eq!(event["time_s"].is_number(), timestamps);
        match std::str::from_utf8(payload) {
            Ok(text) => assert_eq!(event["text"], text),
            Err(_) => {
                let encoded = event["base64"].as_str().expect("a string");
                assert_eq!(BASE64_STANDARD.decode(encoded).expect("base64"), payload);
            }
        }
    }
});

static SINK: LazyLock<Sink> = LazyLock::new(Sink::default);

/// Without and with the time.
static OUTPUTS: LazyLock<[Output; 2]> = LazyLock::new(|| {
    [false, true].map(|timestamps| {
        let sink = Box::new(SINK.clone());
        Output::to(Style::Json, Language::English, timestamps, sink)
    })
});

/// The one line, without its line feed.
fn line(event: &Event<'_>, timestamps: bool) -> String {
    let said = OUTPUTS[usize::from(timestamps)].say(event);
    said.expect("a buffer takes everything");
    let bytes = std::mem::take(&mut *SINK.0.lock().expect("no panic"));
    let mut line = String::from_utf8(bytes).expect("UTF-8");
    assert_eq!(line.pop(), Some('\n'));
    line
}
