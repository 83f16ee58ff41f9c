//! The units of the servers under a real systemd.

use std::fs;

use serde_json::Value;

use crate::harness::{alone, on_machine_with_systemd, unit_file};

/// Lines of the servers in the journal, each behind its priority.
const JOURNAL: &str = "journalctl --sync; journalctl -q -o json -t tcp-server -t udp-server";

/// A shell function that changes the service of a server, as `systemctl edit` does.
const EDIT: &str = r#"
edit() {
    mkdir -p "/run/systemd/system/$1.service.d"
    printf '[Service]\n%s\n' "$2" > "/run/systemd/system/$1.service.d/override.conf"
    systemctl daemon-reload
}
"#;

fn on_machine(script: &str) -> Option<String> {
    let _machine = alone();
    on_machine_with_systemd(&format!("{EDIT}\n{script}"))
}

/// `<6>tcp-server: info: …` for each line of a journal in JSON.
fn journal(lines: &str) -> Vec<String> {
    let shown = lines.lines().map(|line| {
        let entry: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| entry[key].as_str().unwrap().to_owned();
        format!("<{}>{}", text("PRIORITY"), text("MESSAGE"))
    });
    shown.collect()
}

#[test]
fn status_and_journal_tell_where_a_service_listens_and_how_it_ended() {
    let script = format!(
        "systemctl start tcp-server udp-server
         systemctl show -P StatusText tcp-server udp-server
         tcp-client -q -e
         udp-client -q -e -w 30s
         systemctl stop tcp-server udp-server
         systemctl show -P StatusText tcp-server
         {JOURNAL}"
    );
    let Some(output) = on_machine(&script) else {
        return;
    };
    let (status, entries) = output.split_at(output.find('{').unwrap());
    let listening = "listening on 127.0.0.1:1234";
    let status: Vec<&str> = status.lines().filter(|line| !line.is_empty()).collect();
    let ended = "ended; clients that were cut: 0";
    assert_eq!(status, [listening, listening, ended]);
    let journal = journal(entries);
    let of = |server: &str| {
        let prefix = format!("<6>{server}: info: ");
        let lines = journal
            .iter()
            .filter_map(move |line| line.strip_prefix(&prefix));
        lines.collect::<Vec<_>>()
    };
    let finishing = "finishing: 0 clients are left";
    assert_eq!(
        of("tcp-server"),
        [listening, finishing, ended],
        "{journal:?}"
    );
    let [first, _, last] = of("udp-server")[..] else {
        panic!("{journal:?}")
    };
    assert_eq!(first, listening);
    assert!(last.starts_with("ended; datagrams received 1, "), "{last}");
    assert_eq!(journal.len(), 6, "{journal:?}");
}

#[test]
fn a_service_that_was_killed_is_started_again_but_not_one_with_a_wrong_argument() {
    let script = "edit tcp-server 'Environment=ARGS=--bogus'
         systemctl start tcp-server || echo failed
         systemctl start udp-server
         systemctl kill --signal=KILL udp-server
         until [ $(systemctl show -P NRestarts udp-server) = 1 ]; do :; done
         systemctl show -p ActiveState -p ExecMainStatus -p NRestarts tcp-server | sort
         journalctl --sync; journalctl -q -o json -t tcp-server";
    let Some(output) = on_machine(script) else {
        return;
    };
    let (state, entries) = output.split_at(output.find('{').unwrap());
    assert_eq!(
        state,
        "failed\nActiveState=failed\nExecMainStatus=2\nNRestarts=0\n"
    );
    let journal = journal(entries);
    assert!(
        journal[0].starts_with("<3>tcp-server: usage: "),
        "{journal:?}"
    );
    assert_eq!(journal.len(), 1, "{journal:?}");
}

/// The settings that the comment of a unit gives for a port below 1024.
fn settings_for_a_low_port(server: &str) -> String {
    let unit = fs::read_to_string(unit_file(server, "service")).unwrap();
    let (_, comment) = unit.split_once("# A port below 1024").unwrap();
    let lines = comment
        .lines()
        .skip(1)
        .map_while(|line| line.strip_prefix("#     "));
    let settings: Vec<&str> = lines.collect();
    assert_eq!(settings[0], "[Service]");
    settings[1..].join("\n")
}

#[test]
fn a_service_takes_a_low_port_with_the_settings_of_its_comment() {
    let [tcp, udp] = ["tcp-server", "udp-server"].map(settings_for_a_low_port);
    let script = format!(
        "edit tcp-server 'Environment=\"ARGS=127.0.0.1 7 -q\"'
         sysctl -q net.ipv4.ip_unprivileged_port_start=1024
         systemctl start tcp-server || echo refused
         edit tcp-server 'Environment=\"ARGS=127.0.0.1 7 -q\"\n{tcp}'
         edit udp-server 'Environment=\"ARGS=127.0.0.1 7 -q -e\"\n{udp}'
         systemctl reset-failed
         systemctl restart tcp-server udp-server
         tcp-client -q -e :7
         udp-client -q -e -w 30s :7"
    );
    let Some(output) = on_machine(&script) else {
        return;
    };
    assert_eq!(output, "refused\n");
}

#[test]
fn a_restart_behind_a_socket_unit_refuses_nobody() {
    let script = format!(
        "edit tcp-server 'Environment=\"ARGS=127.0.0.1 4321 -q\"'
         systemctl start tcp-server.socket udp-server.socket
         tcp-client -q -e
         for restart in 1 2 3; do
             systemctl restart tcp-server udp-server & restarting=$!
             for client in 1 2 3 4 5; do
                 tcp-client -q -f /dev/null || echo \"tcp-client: $?\"
                 udp-client -q -e -w 30s || echo \"udp-client: $?\"
             done
             wait $restarting
         done
         systemctl stop tcp-server
         tcp-client -q -e || echo \"after a stop: $?\"
         {JOURNAL}"
    );
    let Some(output) = on_machine(&script) else {
        return;
    };
    assert!(output.starts_with('{'), "{output}");
    let warning = "<4>tcp-server: warning: the address of the command line is not used: the service \
                   manager handed over a socket on 127.0.0.1:1234";
    let journal = journal(&output);
    let starts = journal.iter().filter(|line| *line == warning).count();
    assert_eq!(starts, 5, "{journal:?}");
}
