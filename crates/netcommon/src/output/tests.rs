//! What each style carries, and what a failing standard output comes to.

use super::*;

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

fn say(style: Style, timestamps: bool, sink: impl Write + Send + 'static) -> Result<(), Error> {
    let output = Output::to(style, Language::Spanish, timestamps, Box::new(sink));
    output.say(&Greeting::Message { text: "ñ" })
}

fn written(style: Style, timestamps: bool) -> String {
    let (reader, writer) = io::pipe().unwrap();
    say(style, timestamps, writer).unwrap();
    io::read_to_string(reader).unwrap()
}

#[test]
fn each_style_carries_its_own_and_nothing_else() {
    assert_eq!(written(Style::Text, false), "\n[+] Hola: ñ\n");
    let json = "{\"event\":\"message\",\"text\":\"ñ\"}\n";
    assert_eq!(written(Style::Json, false), json);
    assert_eq!(written(Style::Quiet, true), "");
    assert_eq!(written(Style::Raw, true), "");
}

#[test]
fn timestamps_follow_the_empty_line() {
    let text = written(Style::Text, true);
    let (time, rest) = text.strip_prefix('\n').unwrap().split_once(' ').unwrap();
    assert!(humantime::parse_rfc3339(time).is_ok(), "{time}");
    assert_eq!(rest, "[+] Hola: ñ\n");
    let json: serde_json::Value = serde_json::from_str(&written(Style::Json, true)).unwrap();
    assert!(json["time_s"].as_f64().unwrap() > 1e9);
}

#[test]
fn a_closed_reader_is_told_from_a_full_disk() {
    let (_, closed) = io::pipe().unwrap();
    let error = say(Style::Text, false, closed).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutputClosed);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let error = say(Style::Text, false, full).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LocalLimit);
}
