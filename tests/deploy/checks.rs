//! The checks of docs/deploy: the timer's, the cron line's, and the Nagios plugin.

use std::env;
use std::net::SocketAddr;
use std::process::Command;
use std::thread;

use crate::harness::fate::Lots;
use crate::harness::relay::Relay;
use crate::harness::{
    Finished, Server, TcpClient, TcpServer, UdpClient, UdpServer, With, closed_port, command,
    installed, run,
};

use super::metrics::Place;
use super::{deployed, text_of};

const TEXTFILES: &str = "/var/lib/prometheus/node-exporter";

/// Runs a command of a file as it stands there, with our program, another target and another
/// directory.
fn run_check(line: &str, place: &Place, target: &str) -> Finished {
    let directory = place.directory.path().to_str().unwrap();
    let line = line
        .replace("/usr/bin/tcp-client", TcpClient.path().to_str().unwrap())
        .replace(TEXTFILES, directory);
    run(command("sh", ["-c", &line]).with_env("TARGET", target))
}

fn assert_checks(line: &str, target: &str, set: impl Fn(&str) -> String) {
    let place = Place::new("tcp-client.prom");
    let exit = |kind: &str| place.value("tcp_client_exit", &format!("kind=\"{kind}\""));
    let server = Server::start(TcpServer, "");
    let address = server.address.to_string();
    run_check(&set(line).replace(target, &address), &place, &address).assert_clean();
    assert_eq!(exit("ok"), 1.0);
    assert_eq!(place.value("tcp_client_messages_total", "received"), 10.0);
    let dead = closed_port().to_string();
    let end = run_check(&set(line).replace(target, &dead), &place, &dead);
    end.assert_error(4, &["refused"]);
    assert_eq!(exit("refused"), 1.0);
}

/// The value of a key of a unit.
fn of_unit<'a>(unit: &'a str, key: &str) -> &'a str {
    let mut lines = unit.lines().filter_map(|line| line.strip_prefix(key));
    let value = lines.next().and_then(|rest| rest.strip_prefix('='));
    value.unwrap_or_else(|| panic!("no {key} in {unit}"))
}

#[test]
fn the_command_of_the_service_checks_and_writes_metrics() {
    let service = text_of("tcp-client.service");
    assert_eq!(of_unit(&service, "ReadWritePaths"), TEXTFILES);
    assert_eq!(of_unit(&service, "Environment"), "TARGET=localhost:1234");
    assert_checks(of_unit(&service, "ExecStart"), "$TARGET", str::to_owned);
}

#[test]
fn systemd_accepts_the_service_and_the_timer() {
    let place = Place::new("tcp-client.service");
    let program = TcpClient.path().to_str().unwrap();
    let service = text_of("tcp-client.service").replace("/usr/bin/tcp-client", program);
    std::fs::write(&place.path, service).unwrap();
    let timer = place.directory.path().join("tcp-client.timer");
    std::fs::copy(deployed("tcp-client.timer"), &timer).unwrap();
    let arguments = "verify --man=no --recursive-errors=no";
    let Some(verify) = installed("systemd-analyze", arguments) else {
        return;
    };
    run(verify.with([&place.path, &timer])).assert_clean();
}

#[test]
fn the_cron_line_is_one_and_its_command_checks() {
    let file = text_of("tcp-client.cron");
    assert!(
        file.ends_with('\n'),
        "cron ignores a last line without an end"
    );
    let mut lines = file.lines().filter(|line| !line.starts_with('#'));
    let line = lines.next().unwrap();
    assert_eq!(lines.next(), None);
    // crontab(5): a percent sign ends the command.
    assert!(!line.contains('%'), "{line}");
    let mut fields = line.splitn(7, ' ');
    assert!((0..5).all(|_| fields.next() == Some("*")), "{line}");
    assert_eq!(fields.next(), Some("prometheus"));
    assert_checks(fields.next().unwrap(), "localhost:1234", str::to_owned);
}

/// The plugin, with the programs in its search path.
fn plugin(server: SocketAddr, arguments: &str) -> Command {
    let programs = [TcpClient, UdpClient].map(|client| client.path().parent().unwrap().to_owned());
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(programs.into_iter().chain(env::split_paths(&path))).unwrap();
    let check = command(deployed("check_echo"), arguments).with_env("PATH", path);
    let (host, port) = (server.ip().to_string(), server.port().to_string());
    check.with(["-H", &host, "-p", &port])
}

/// One line with its state, whose performance data is what plugins may print.
#[track_caller]
fn assert_state(end: &Finished, code: i32, state: &str, has_figures: bool) {
    end.assert_code(code);
    assert_eq!(end.stderr, "");
    let text = end.text().strip_suffix('\n').unwrap();
    assert!(text.starts_with(&format!("ECHO {state} - ")), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    let (_, figures) = text.split_once(" | ").unwrap_or((text, ""));
    assert_eq!(!figures.is_empty(), has_figures, "{text}");
    for figure in figures.split_whitespace() {
        let (label, values) = figure.split_once('=').unwrap();
        assert!(["rtt", "loss"].contains(&label), "{text}");
        let mut values = values
            .split(';')
            .map(|value| value.trim_end_matches(['s', '%']));
        assert!(values.all(|value| value.parse::<f64>().is_ok()), "{text}");
    }
}

#[test]
fn the_plugin_tells_a_server_that_answers_from_one_that_does_not() {
    // A machine under load is no reason to warn.
    let patient = "-t 30 -w 29,50% -c 30,60%";
    let server = Server::start(TcpServer, "");
    assert_state(&run(plugin(server.address, patient)), 0, "OK", true);
    let echo = Server::start(UdpServer, "--echo");
    let end = run(plugin(echo.address, &format!("-u {patient}")));
    assert_state(&end, 0, "OK", true);
    assert!(end.text().contains("loss=0%;50;60;0;100"), "{}", end.text());
    for option in ["", "-u -n 2"] {
        let end = run(plugin(closed_port(), option));
        assert_state(&end, 2, "CRITICAL", true);
        assert!(end.text().contains("refused"), "{}", end.text());
    }
    let silent = Server::start(UdpServer, "");
    assert_state(&run(plugin(silent.address, "-u -n 2")), 2, "CRITICAL", true);
}

#[test]
fn the_plugin_tells_how_bad_a_path_is() {
    let server = Server::start(UdpServer, "--echo");
    let assert_judged = |(bounds, code, state): (&str, i32, &str)| {
        let lots = Lots {
            seed: 0,
            fates: vec![],
            one_in: 1,
            count: 10,
            outage: 4..8,
        };
        let relay = Relay::to(server.address, lots);
        let end = run(plugin(relay.entrance, &format!("-u -t 30 {bounds}")));
        assert_state(&end, code, state, true);
        assert!(end.text().contains(" loss=40%;"), "{}", end.text());
    };
    // Each waits ten seconds for what is lost.
    thread::scope(|scope| {
        for case in [
            ("-w 9,50 -c 10,60%", 0, "OK"),
            ("-w 9,20% -c 10,60%", 1, "WARNING"),
            ("-w 9,20% -c 10,35%", 2, "CRITICAL"),
            ("-w 0,50% -c 10,60%", 1, "WARNING"),
        ] {
            let judge = &assert_judged;
            scope.spawn(move || judge(case));
        }
    });
}

#[test]
fn the_plugin_says_that_it_does_not_know() {
    let server = closed_port();
    for arguments in ["-n x", "-w 5", "-w 1,2%x", "-c 1;2", "-Z", "-t 0"] {
        assert_state(&run(plugin(server, arguments)), 3, "UNKNOWN", false);
    }
    let nowhere = plugin(server, "").with_env("PATH", "/usr/bin:/bin");
    assert_state(&run(nowhere), 3, "UNKNOWN", false);
}
