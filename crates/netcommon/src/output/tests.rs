//! The content of each style, and the result of a failing standard output.

use super::*;
use std::fs::File;
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

/// A disk with room for so many bytes more.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<(usize, Vec<u8>)>>);

impl Disk {
    fn add_room(&self, bytes: usize) {
        self.0.lock().unwrap().0 += bytes;
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().1.clone()).unwrap()
    }
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (room, written) = &mut *self.0.lock().unwrap();
        let count = bytes.len().min(*room);
        if count == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        *room -= count;
        written.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_log_on_a_full_disk_goes_on_and_cuts_no_line_in_two() {
    let disk = Disk::default();
    let sink = Box::new(disk.clone());
    let log = Output::to(Style::Json, Language::Spanish, false, sink).into_log();
    let line = "{\"event\":\"message\",\"text\":\"ñ\"}\n";
    disk.add_room(line.len() + 5);
    for _ in 0..10 {
        log.say(&Greeting::Message { text: "ñ" }).unwrap();
    }
    assert_eq!(disk.text(), format!("{line}{}", &line[..5]));
    // Once there is room again, everything that the buffer holds is written.
    disk.add_room(1 << 20);
    log.finish().unwrap();
    assert_eq!(disk.text(), line.repeat(10));
}

#[test]
fn a_log_tells_at_its_end_how_much_it_has_lost() {
    let disk = Disk::default();
    let sink = Box::new(disk.clone());
    let log = Output::to(Style::Json, Language::Spanish, false, sink).into_log();
    let line = "{\"event\":\"message\",\"text\":\"ñ\"}\n".len();
    for _ in 0..10_000 {
        log.say(&Greeting::Message { text: "ñ" }).unwrap();
    }
    let error = log.finish().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LocalLimit);
    let lost = format!("; {} bytes are lost", 10_000 * line);
    assert!(error.to_string().ends_with(&lost), "{error}");
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
