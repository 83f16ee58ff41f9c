//! A program's manual page, in roff (man(7), man-pages(7)).

use std::io;
use std::time::{Duration, UNIX_EPOCH};

use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, line_break, roman};

use humantime::format_rfc3339_seconds;

use super::reference::{
    BUGS, ENVIRONMENT, ERROR_EVENT, EVENTS_INTRODUCTION, EXIT_CODES, EXPERIMENTS, Entry, FILES,
    LESSON, UNITS,
};
use super::{Program, command};

/// The time of the commit, in seconds since 1970, where the build is reproducible
/// (reproducible-builds.org/specs/source-date-epoch).
const SOURCE_DATE: Option<&str> = option_env!("SOURCE_DATE_EPOCH");

const PROGRAMS: [&str; 4] = ["tcp-client", "tcp-server", "udp-client", "udp-server"];

/// Writes the page: first what clap knows, then what it does not.
pub(super) fn write_page<P: Program>(page: &mut Vec<u8>) -> io::Result<()> {
    let mut command = command::<P>();
    let about = command.get_about().map(ToString::to_string);
    let about = about.unwrap_or_default();
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    // One line without a full stop is what whatis(1) shows.
    let sentence = about.split(". ").next().unwrap_or_default().to_owned();
    let head = Man::new(command.clone().about(sentence))
        .date(day(SOURCE_DATE))
        .manual("User Commands");
    head.render_title(page)?;
    head.render_name_section(page)?;
    let body = Man::new(command.about(format!("{about}.")).override_usage(usage));
    body.render_synopsis_section(page)?;
    body.render_description_section(page)?;
    body.render_options_section(page)?;
    page.extend(reference::<P>().into_bytes());
    Ok(())
}

/// `2026-01-31`; without a date an empty argument, which has to be quoted (man(7)).
fn day(source_date: Option<&str>) -> String {
    let Some(seconds) = source_date.and_then(|seconds| seconds.parse::<u32>().ok()) else {
        return r#""""#.to_owned();
    };
    let time = UNIX_EPOCH + Duration::from_secs(seconds.into());
    format_rfc3339_seconds(time).to_string()[..10].to_owned()
}

fn reference<P: Program>() -> String {
    let mut roff = Roff::new();
    roff.control("SH", ["UNITS"]);
    let [durations, sizes] = UNITS;
    roff.text([roman(durations), line_break(), roman(sizes)]);
    roff.control("SH", ["EXAMPLES"]);
    list(&mut roff, P::MANUAL.examples);
    roff.control("SH", ["LESSON"]);
    roff.text([roman(LESSON)]);
    list(&mut roff, &EXPERIMENTS);
    roff.control("SH", ["EXIT STATUS"]);
    list(&mut roff, &EXIT_CODES);
    roff.control("SH", ["JSON EVENTS"]);
    roff.text([roman(EVENTS_INTRODUCTION)]);
    roff.control("nh", []).control("ad", ["l"]);
    for events in P::MANUAL.events {
        list(&mut roff, events);
    }
    list(&mut roff, &[ERROR_EVENT]);
    roff.control("hy", []).control("ad", ["b"]);
    roff.control("SH", ["ENVIRONMENT"]);
    list(&mut roff, &ENVIRONMENT);
    list(&mut roff, P::MANUAL.environment);
    roff.control("SH", ["FILES"]);
    list(&mut roff, &FILES);
    list(&mut roff, P::MANUAL.files);
    roff.control("SH", ["BUGS"]);
    roff.text([roman(BUGS)]);
    roff.control("PP", []);
    roff.text([roman(P::MANUAL.bugs)]);
    roff.control("SH", ["SEE ALSO"]);
    roff.text([roman(see_also(P::NAME))]);
    // A line may be broken between the keys of a sample, and nowhere else.
    roff.render().replace(r#",""#, r#",\:""#)
}

fn list(roff: &mut Roff, entries: &[Entry]) {
    for (term, text) in entries {
        roff.control("TP", []);
        roff.text([bold(*term)]).text([roman(*text)]);
    }
}

fn see_also(name: &str) -> String {
    let others = PROGRAMS.into_iter().filter(|&other| other != name);
    let others: String = others.map(|other| format!("{other}(1), ")).collect();
    let protocol = name.split('-').next().unwrap_or_default();
    format!("{others}{protocol}(7), socket(7)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_the_day_of_the_commit() {
        assert_eq!(day(Some("1769903999")), "2026-01-31");
        for none in [None, Some(""), Some("-1"), Some("99999999999"), Some("now")] {
            assert_eq!(day(none), r#""""#);
        }
    }
}
