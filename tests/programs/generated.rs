//! Man pages and completions, as texts, that the programs generate for packages.

use std::collections::BTreeSet;

use crate::harness::{ALL, Program, TcpServer, UdpServer, With, installed, run, run_with};

const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

pub(super) fn output_of(program: Program, arguments: &str) -> String {
    let end = run(program.command(arguments));
    end.assert_clean().text().to_owned()
}

pub(super) fn generated(program: Program, kind: &str) -> String {
    output_of(program, &format!("--generate {kind}"))
}

/// The man page as a reader sees it, less fonts and places where a line may be broken.
pub(super) fn man_page(program: Program) -> String {
    let mut page = generated(program, "man");
    for markup in [r"\:", r"\fB", r"\fI", r"\fR"] {
        page = page.replace(markup, "");
    }
    page.replace(r"\-", "-").replace(r"\*(Aq", "'")
}

/// Options at the beginning of a line of `--help`: `--json` of `  -J, --json   …`.
fn long_options(program: Program) -> BTreeSet<String> {
    let help = output_of(program, "--help");
    let options = help.lines().filter_map(|line| {
        let line = line.trim_start();
        let option = line.split("--").nth(1)?;
        let name = option.split([' ', '.', '[']).next()?;
        line.starts_with('-').then(|| format!("--{name}"))
    });
    options.collect()
}

#[test]
fn man_page_and_completions_have_every_option_of_the_help_but_not_the_hidden_one() {
    for program in ALL {
        let name = program.name();
        let options = long_options(program);
        assert!(
            options.len() > 15 && options.contains("--json"),
            "{options:?}"
        );
        assert!(!options.contains("--generate"));
        let mut texts = SHELLS
            .map(|shell| (shell, generated(program, shell)))
            .to_vec();
        texts.push(("man", man_page(program)));
        for (kind, text) in texts {
            assert!(text.contains(name), "{name}, {kind}");
            assert!(!text.contains("generate"), "{name}, {kind}");
            for option in &options {
                let spelled = match kind {
                    "fish" => format!(" -l {} ", &option[2..]),
                    _ => option.clone(),
                };
                assert!(text.contains(&spelled), "{name}, {kind}: {option}");
            }
        }
    }
}

#[test]
fn a_man_page_has_every_section() {
    const SECTIONS: &str = "NAME, SYNOPSIS, DESCRIPTION, OPTIONS, ADDRESS, OUTPUT, SOCKETS, UNITS, \
                            EXAMPLES, EXIT STATUS, JSON EVENTS, ENVIRONMENT, FILES, BUGS, SEE ALSO";
    let sections: Vec<&str> = SECTIONS.split(", ").collect();
    for program in ALL {
        let page = man_page(program).replace('"', "");
        let headings = page.lines().filter_map(|line| line.strip_prefix(".SH "));
        let in_order: Vec<&str> = headings.filter(|name| sections.contains(name)).collect();
        assert_eq!(in_order, sections, "{}", program.name());
        for variable in ["LC_ALL", "LC_MESSAGES", "LANG", "RUST_LOG"] {
            assert!(page.contains(variable), "{}: {variable}", program.name());
        }
    }
}

#[test]
fn man_pages_are_rendered_without_a_warning() {
    for program in ALL {
        let Some(man) = installed("man", "--warnings -l -") else {
            return;
        };
        let man = man.with_env("MANROFFOPT", "-ww");
        let end = run_with(man, generated(program, "man"));
        let text = end.assert_clean().text();
        assert!(text.contains("EXIT STATUS"), "{text}");
    }
}

#[test]
fn man_pages_pass_mandoc_s_check() {
    for program in ALL {
        let Some(mandoc) = installed("mandoc", "-T lint -W warning") else {
            return;
        };
        let end = run_with(mandoc, generated(program, "man"));
        // Cargo alone knows no date; scripts/package.sh takes that of the commit.
        let mut complaints = end
            .text()
            .lines()
            .filter(|line| !line.contains("missing date"));
        assert_eq!(complaints.next(), None, "{}", program.name());
    }
}

#[test]
fn man_pages_of_servers_name_their_units_and_how_sizes_and_durations_are_written() {
    for program in [TcpServer, UdpServer] {
        let page = man_page(program);
        for text in ["Durations: 500ms", "Sizes: K M G", ".service", ".socket"] {
            assert!(page.contains(text), "{}: {text}", program.name());
        }
    }
}
