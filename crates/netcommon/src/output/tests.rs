//! What each style carries, and what a failing standard output comes to.

use super::*;
use std::sync::Arc;

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Greeting {
    Message { text: &'static str },
}

impl Event for Greeting {
    fn human(&self, language: Language, lines: &mut String) {
        let Self::Message { text } = self;
        lines.push_str(language.choose("\n[+] Hola: ", "\n[+] Hello: "));
        lines.push_str(text);
        lines.push('\n');
    }
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn said(style: Style, timestamps: bool) -> String {
    let sink = Shared::default();
    let output = Output::to(style, Language::Spanish, timestamps, Box::new(sink.clone()));
    output.say(&Greeting::Message { text: "ñ" }).unwrap();
    String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn each_style_carries_its_own_and_nothing_else() {
    assert_eq!(said(Style::Text, false), "\n[+] Hola: ñ\n");
    let json = "{\"event\":\"message\",\"text\":\"ñ\"}\n";
    assert_eq!(said(Style::Json, false), json);
    assert_eq!(said(Style::Quiet, true), "");
    assert_eq!(said(Style::Raw, true), "");
}

#[test]
fn timestamps_follow_the_empty_line() {
    let text = said(Style::Text, true);
    let (time, rest) = text.strip_prefix('\n').unwrap().split_once(' ').unwrap();
    assert!(humantime::parse_rfc3339(time).is_ok(), "{time}");
    assert_eq!(rest, "[+] Hola: ñ\n");
    let json: serde_json::Value = serde_json::from_str(&said(Style::Json, true)).unwrap();
    assert!(json["time_s"].as_f64().unwrap() > 1e9);
}

#[test]
fn a_closed_reader_is_told_from_a_full_disk() {
    struct Failing(io::ErrorKind);
    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for (cause, kind) in [
        (io::ErrorKind::BrokenPipe, ErrorKind::OutputClosed),
        (io::ErrorKind::StorageFull, ErrorKind::LocalLimit),
    ] {
        let sink = Box::new(Failing(cause));
        let output = Output::to(Style::Text, Language::Spanish, false, sink);
        let error = output.say(&Greeting::Message { text: "" }).unwrap_err();
        assert_eq!(error.kind(), kind);
    }
}
