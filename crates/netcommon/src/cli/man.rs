//! A program's manual page, in roff (man(7), man-pages(7)).

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, line_break, roman};

use super::reference::{ENVIRONMENT, ERROR_EVENT, EVENTS_INTRODUCTION, EXIT_CODES, Entry, UNITS};
use super::{Program, command};

const PROGRAMS: [&str; 4] = ["tcp-client", "tcp-server", "udp-client", "udp-server"];

/// The page, complete.
pub(super) fn page<P: Program>() -> Vec<u8> {
    let mut page = head(&mut command::<P>()).render().into_bytes();
    // A vector takes everything.
    let _ = Man::new(command::<P>()).render_options_section(&mut page);
    page.extend(usage::<P>().render().into_bytes());
    page.extend(events::<P>().into_bytes());
    page.extend(surroundings::<P>().render().into_bytes());
    page
}

fn head(command: &mut Command) -> Roff {
    let name = command.get_name().to_owned();
    let version = format!("{name} {}", command.get_version().unwrap_or_default());
    let about = command.get_about().map(ToString::to_string);
    let about = about.unwrap_or_default().replace('\n', " ");
    // One line without a full stop is what whatis(1) shows.
    let sentence = about.split(". ").next().unwrap_or_default();
    let usage = command.render_usage().to_string();
    let mut roff = Roff::new();
    roff.control("TH", [&name, "1", r#""""#, &version, "User Commands"]);
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{name} - {sentence}"))]);
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([roman(usage.trim_start_matches("Usage: "))]);
    roff.control("SH", ["DESCRIPTION"]);
    roff.text([roman(format!("{about}."))]);
    roff
}

fn usage<P: Program>() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["UNITS"]);
    let [durations, sizes] = UNITS;
    roff.text([roman(durations), line_break(), roman(sizes)]);
    roff.control("SH", ["EXAMPLES"]);
    list(&mut roff, P::MANUAL.examples);
    roff.control("SH", ["EXIT STATUS"]);
    list(&mut roff, &EXIT_CODES);
    roff
}

/// A line may be broken between the keys of a sample, and nowhere else.
fn events<P: Program>() -> String {
    let mut roff = Roff::new();
    roff.control("SH", ["JSON EVENTS"]);
    roff.text([roman(EVENTS_INTRODUCTION)]);
    roff.control("nh", []).control("ad", ["l"]);
    list(&mut roff, P::MANUAL.events);
    list(&mut roff, &[ERROR_EVENT]);
    roff.control("hy", []).control("ad", ["b"]);
    roff.render().replace(r#",""#, r#",\:""#)
}

fn surroundings<P: Program>() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["ENVIRONMENT"]);
    list(&mut roff, &ENVIRONMENT);
    list(&mut roff, P::MANUAL.environment);
    roff.control("SH", ["SEE ALSO"]);
    roff.text([roman(see_also(P::NAME))]);
    roff
}

fn list(roff: &mut Roff, entries: &[Entry]) {
    for (term, text) in entries {
        roff.control("TP", []);
        roff.text([bold(*term)]).text([roman(*text)]);
    }
}

fn see_also(name: &str) -> String {
    let others = PROGRAMS.into_iter().filter(|&other| other != name);
    let others: Vec<String> = others.map(|other| format!("{other}(1)")).collect();
    let protocol = if name.starts_with("tcp") {
        "tcp"
    } else {
        "udp"
    };
    format!("{}, {protocol}(7), socket(7)", others.join(", "))
}
