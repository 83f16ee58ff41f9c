//! What a measurement of TCP says, in both languages, as JSON, on a terminal, and on Ctrl-C.

use std::io;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::harness::echoes::echo_messages;
use crate::harness::measured::{assert_adds_up, count, figure, measure, summary};
use crate::harness::process::{Running, run};
use crate::harness::program::{TcpClient, TcpServer};
use crate::harness::server::Server;
use crate::harness::terminal::Terminal;

#[test]
fn replies_and_summary_read_like_ping_s_in_both_languages() {
    let server = Server::start(TcpServer, "");
    for (language, reply, title, counts) in [
        (
            "es",
            "bytes de",
            "Resumen de",
            [
                "respondidos a tiempo 100% (3 de 3)",
                "enviados 3, recibidos 3, tardíos 0, perdidos 0 (0%)",
            ],
        ),
        (
            "en",
            "bytes from",
            "Summary of",
            [
                "answered in time 100% (3 of 3)",
                "sent 3, received 3, late 0, lost 0 (0%)",
            ],
        ),
    ] {
        let arguments = format!("-c 3 -i 10ms -w 1m --lang {language}");
        let end = run(TcpClient.to(server.address, &arguments));
        end.assert_code(0);
        let lines: Vec<&str> = end.text().lines().collect();
        for line in &lines[..3] {
            assert!(
                line.starts_with(&format!("64 {reply} {}: ", server.address)),
                "{line}"
            );
        }
        assert!(lines[4].contains(title), "{}", lines[4]);
        assert_eq!(lines[5..7], counts);
        assert!(lines.iter().any(|line| line.contains("|####")), "{lines:?}");
    }
}

#[test]
fn quiet_says_nothing_and_still_judges() {
    let server = Server::start(TcpServer, "");
    let end = run(TcpClient.to(server.address, "-c 3 -i 0 -q --max-p99 0"));
    end.assert_error(1, &["--max-p99"]);
    assert_eq!(end.text(), "");
}

#[test]
fn intervals_follow_each_other_and_add_up_to_the_summary() {
    let server = Server::start(TcpServer, "");
    let end = measure(TcpClient, server.address, "-t 1 -P 3 --report 200ms");
    end.assert_code(0);
    let intervals = end.events_of("interval");
    assert!(intervals.len() >= 5, "{intervals:?}");
    for pair in intervals.windows(2) {
        assert_eq!(pair[0]["to_s"], pair[1]["from_s"]);
    }
    let summary = summary(&end);
    for key in ["sent", "received", "bytes_sent", "bytes_received"] {
        let sum: u64 = intervals.iter().map(|interval| count(interval, key)).sum();
        assert_eq!(sum, count(&summary, key), "{key}");
    }
}

#[test]
fn an_interval_line_is_for_people_too() {
    let server = Server::start(TcpServer, "");
    let client =
        Running::start(TcpClient.to(server.address, "--rate 100 --report 200ms --lang en"));
    let first = client.line();
    assert!(first.trim_start().starts_with("0.0-0.2s sent "), "{first}");
    // An interval without a reply has none.
    while !client.line().contains("round trip: mean ") {}
    client.interrupt().assert_code(0);
}

#[test]
fn every_key_of_the_events_is_there_and_rates_fit_the_counts() {
    let server = Server::start(TcpServer, "");
    let end = measure(TcpClient, server.address, "-c 1000 -i 0 -l 100 -P 2");
    let summary = summary(&end);
    assert_eq!(
        (&summary["flows"], &summary["length"]),
        (&2.into(), &100.into())
    );
    assert_eq!(summary["peer"], server.address.to_string().as_str());
    let duration = figure(&summary, "duration_s");
    for (rate, whole) in [
        ("messages_per_s", "received"),
        ("bytes_per_s", "bytes_received"),
    ] {
        let expected = figure(&summary, whole) / duration;
        assert!(
            (figure(&summary, rate) - expected).abs() < 1.0,
            "{rate} in {summary}"
        );
    }
    let percentiles = [
        "rtt_min_s",
        "rtt_p50_s",
        "rtt_p90_s",
        "rtt_p99_s",
        "rtt_p99_9_s",
        "rtt_max_s",
    ];
    let figures = percentiles.map(|key| figure(&summary, key));
    assert!(figures.is_sorted(), "{summary}");
    assert_eq!(histogram_sum(&summary), 2000);
}

fn histogram_sum(summary: &Value) -> u64 {
    let rows = summary["histogram"].as_array().expect("a histogram").iter();
    rows.map(|row| count(row, "count")).sum()
}

#[test]
fn a_percentile_that_the_sample_cannot_support_is_not_given() {
    let server = Server::start(TcpServer, "");
    let end = measure(TcpClient, server.address, "-c 99 -i 0");
    let summary = summary(&end);
    assert!(summary["rtt_p90_s"].is_number());
    assert_eq!(
        (&summary["rtt_p99_s"], &summary["rtt_p99_9_s"]),
        (&Value::Null, &Value::Null)
    );
}

/// Starts a measurement that would last for an hour and interrupts it after a line of output.
fn interrupted(command: Command) -> (Vec<Value>, Value) {
    let running = Running::start(command);
    let mut events = vec![running.event(), running.event()];
    running.signal(Signal::SIGINT);
    let end = running.wait();
    end.assert_code(0);
    events.extend(end.events());
    let summary = events.pop().unwrap();
    assert_eq!(summary["event"], "summary");
    (events, summary)
}

#[test]
fn ctrl_c_gives_the_whole_summary_of_pings() {
    let server = Server::start(TcpServer, "");
    let command = TcpClient.to(server.address, "-c 100000 -i 20ms -w 1m -J");
    let (events, summary) = interrupted(command);
    assert_adds_up(&summary);
    assert_eq!(count(&summary, "received"), events.len() as u64);
    assert_eq!(count(&summary, "lost"), 0);
}

#[test]
fn ctrl_c_gives_the_whole_summary_of_every_way_to_measure() {
    let server = Server::start(TcpServer, "");
    for arguments in ["-t 3600 -P 2", "-t 3600 --rate 500 -P 2", "-i 0 -l 50K"] {
        let arguments = format!("{arguments} --report 50ms -w 1m -J");
        let (events, summary) = interrupted(TcpClient.to(server.address, &arguments));
        assert_adds_up(&summary);
        let received: u64 = events
            .iter()
            .map(|interval| count(interval, "received"))
            .sum();
        assert_eq!(count(&summary, "received"), received, "{arguments}");
        assert_eq!(count(&summary, "lost"), 0, "{arguments}");
    }
}

#[test]
fn ctrl_c_gives_the_whole_summary_of_a_stream() {
    let server = Server::start(TcpServer, "");
    let (events, summary) = interrupted(TcpClient.to(server.address, "--stream --report 50ms -J"));
    let came: u64 = events
        .iter()
        .map(|interval| count(interval, "bytes_received"))
        .sum();
    assert_eq!(count(&summary, "bytes_received"), came);
    assert_eq!(
        count(&summary, "bytes_sent"),
        came + count(&summary, "bytes_under_way")
    );
}

#[test]
fn what_is_in_flight_at_ctrl_c_is_not_lost() {
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let server = echo_messages(64, move |number, _| number <= 2 || held.recv().is_ok());
    let command = TcpClient.to(server, "-i 20ms -w 1m -J");
    let (_, summary) = interrupted(command);
    drop(hold);
    assert_adds_up(&summary);
    assert_eq!(
        (count(&summary, "received"), count(&summary, "lost")),
        (2, 0)
    );
}

#[test]
fn a_long_run_has_a_status_line_on_a_terminal() {
    let server = Server::start(TcpServer, "");
    let mut terminal = Terminal::open();
    let mut command = TcpClient.to(server.address, "-t 3600 --lang en");
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(terminal.stdio());
    let client = Running::spawn(command);
    terminal.read_until(" messages/s, ");
    client.interrupt().assert_code(0);
}

#[test]
fn a_measurement_that_nobody_reads_ends_quietly() {
    let server = Server::start(TcpServer, "");
    let mut command = TcpClient.to(server.address, "-i 10ms");
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    command.stdout(io::pipe().unwrap().1);
    Running::spawn(command).wait().assert_clean();
}
