//! Man pages and completions that the programs generate for packages.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::process::{Command, Stdio};

use crate::harness::compat::{is_there, run, tcp_client, tcp_server, udp_client, udp_server};

pub(crate) type Program = fn() -> Command;
pub(crate) const PROGRAMS: [(&str, Program); 4] = [
    ("tcp-server", tcp_server),
    ("tcp-client", tcp_client),
    ("udp-server", udp_server),
    ("udp-client", udp_client),
];
const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

pub(crate) fn output_of(program: Program, arguments: &[&str]) -> String {
    let mut command = program();
    command.args(arguments);
    let end = run(command, "");
    end.assert_code(0);
    assert_eq!(end.stderr, "");
    end.text().to_owned()
}

fn generated(program: Program, kind: &str) -> String {
    output_of(program, &["--generate", kind])
}

/// The man page as a reader sees it, less fonts and places where a line may be broken.
pub(crate) fn man_page(program: Program) -> String {
    let page = generated(program, "man").replace(r"\:", "");
    let page = page.replace(r"\fB", "").replace(r"\fI", "");
    page.replace(r"\fR", "")
        .replace(r"\-", "-")
        .replace(r"\*(Aq", "'")
}

/// What `--help` lists at the beginning of its lines: `--json` of `  -J, --json   …`.
fn long_options(program: Program) -> BTreeSet<String> {
    let help = output_of(program, &["--help"]);
    let options = help.lines().filter_map(|line| {
        let line = line.trim_start();
        let option = line.split("--").nth(1)?;
        let name = option.split([' ', '.', '[']).next()?;
        line.starts_with('-').then(|| format!("--{name}"))
    });
    options.collect()
}

#[test]
fn every_long_option_of_the_help_is_in_the_man_page_and_the_completions() {
    for (name, program) in PROGRAMS {
        let options = long_options(program);
        assert!(
            options.len() > 15 && options.contains("--json"),
            "{options:?}"
        );
        let page = man_page(program);
        let texts = SHELLS.map(|shell| generated(program, shell));
        for option in &options {
            assert!(page.contains(option.as_str()), "{name}.1: {option}");
            for (shell, text) in SHELLS.iter().zip(&texts) {
                let spelled = match *shell {
                    "fish" => format!(" -l {} ", &option[2..]),
                    _ => option.clone(),
                };
                assert!(text.contains(&spelled), "{name}, {shell}: {option}");
            }
        }
    }
}

#[test]
fn what_is_generated_does_not_mention_the_hidden_option() {
    for (name, program) in PROGRAMS {
        assert!(
            !output_of(program, &["--help"]).contains("--generate"),
            "{name}"
        );
        for kind in ["man"].iter().chain(&SHELLS) {
            let text = generated(program, kind);
            assert!(text.contains(name), "{name}, {kind}");
            assert!(!text.contains("generate"), "{name}, {kind}");
        }
    }
}

#[test]
fn a_man_page_has_every_section() {
    let sections = [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "ADDRESS",
        "OUTPUT",
        "SOCKETS",
        "UNITS",
        "EXAMPLES",
        "EXIT STATUS",
        "JSON EVENTS",
        "ENVIRONMENT",
        "SEE ALSO",
    ];
    for (name, program) in PROGRAMS {
        let page = man_page(program).replace('"', "");
        let found: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix(".SH "))
            .collect();
        let wanted = |section: &&str| sections.contains(section);
        let in_order: Vec<&str> = found.into_iter().filter(wanted).collect();
        assert_eq!(in_order, sections, "{name}");
        for variable in ["LC_ALL", "LC_MESSAGES", "LANG", "RUST_LOG"] {
            assert!(page.contains(variable), "{name}: {variable}");
        }
    }
}

#[test]
fn man_pages_are_rendered_without_a_warning() {
    if !is_there("man") {
        return;
    }
    for (name, program) in PROGRAMS {
        let mut man = Command::new("man");
        man.args(["--warnings", "-l", "-"])
            .env("MANROFFOPT", "-ww")
            .env("LC_ALL", "C.UTF-8");
        let end = run(man, generated(program, "man"));
        end.assert_code(0);
        assert_eq!(end.stderr, "", "{name}");
        assert!(end.text().contains("EXIT STATUS"), "{}", end.text());
    }
}

#[test]
fn shells_accept_their_completions() {
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        if !is_there(shell) {
            continue;
        }
        for (name, program) in PROGRAMS {
            let mut script = tempfile::NamedTempFile::new().unwrap();
            script
                .write_all(generated(program, shell).as_bytes())
                .unwrap();
            let mut command = Command::new(shell);
            command.arg(check).arg(script.path());
            let end = run(command, "");
            assert_eq!(
                (end.code, end.stderr.as_str()),
                (Some(0), ""),
                "{name}, {shell}"
            );
        }
    }
}

#[test]
fn bash_completes_an_option_and_its_value() {
    if !is_there("bash") {
        return;
    }
    let script = "eval \"$1\"; COMP_WORDS=(tcp-server $2); COMP_CWORD=$3; \
                  _tcp__server tcp-server ${COMP_WORDS[$3]} ${COMP_WORDS[$3-1]}; echo ${COMPREPLY[@]}";
    for (words, index, offered) in [
        ("--max-", "1", "--max-clients --max-threads"),
        ("--lang e", "2", "es en"),
    ] {
        let mut bash = Command::new("bash");
        bash.args([
            "-c",
            script,
            "bash",
            &generated(tcp_server, "bash"),
            words,
            index,
        ]);
        let end = run(bash, "");
        assert_eq!(end.text().trim(), offered, "{}", end.stderr);
    }
}

#[test]
fn a_kind_that_does_not_exist_is_a_usage_error() {
    for (_, program) in PROGRAMS {
        let mut command = program();
        command.args(["--generate", "powershell"]);
        run(command, "")
            .assert_code(2)
            .assert_one_line_error(&["powershell", "man, bash, zsh, fish"]);
    }
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    for (_, program) in PROGRAMS {
        for kind in ["man"].iter().chain(&SHELLS) {
            let mut command = program();
            command.args(["--generate", kind]).stdin(Stdio::null());
            command.stdout(io::pipe().unwrap().1).stderr(Stdio::piped());
            let end = command.spawn().unwrap().wait_with_output().unwrap();
            assert_eq!((end.status.code(), end.stderr), (Some(0), Vec::new()));
        }
    }
}
