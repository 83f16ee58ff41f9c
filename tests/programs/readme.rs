//! Every command of README, run as it stands there, in a network of its own where port 1234 is free.
//!
//! A `console` block is a terminal: commands behind `$ `, and what they print. A block marked
//! `console server` runs in the background while the other blocks of its section run, and is
//! interrupted after them. Numbers may differ, and a line `...` stands for any lines.

use std::path::Path;
use std::process::Command;

use crate::harness::compat::{is_there, run, tcp_client, tcp_server, udp_client, udp_server};

/// A block of one section.
struct Block {
    is_server: bool,
    /// Each command with what it prints.
    steps: Vec<(String, Vec<String>)>,
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The sections that have console blocks, by heading.
fn sections() -> Vec<(String, Vec<Block>)> {
    let text = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut sections = vec![(String::new(), Vec::new())];
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix('#') {
            sections.push((heading.trim_matches(['#', ' ']).to_owned(), Vec::new()));
        } else if let Some(mark) = line.strip_prefix("```") {
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if let Some(kind) = mark.strip_prefix("console") {
                let block = Block {
                    is_server: kind == " server",
                    steps: steps(&body),
                };
                sections.last_mut().unwrap().1.push(block);
            }
        }
    }
    sections.retain(|(_, blocks)| !blocks.is_empty());
    sections
}

fn steps(body: &[&str]) -> Vec<(String, Vec<String>)> {
    let mut steps: Vec<(String, Vec<String>)> = Vec::new();
    for line in body {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push((command.to_owned(), Vec::new())),
            (None, Some((_, output))) => output.push(line.trim_end().to_owned()),
            (None, None) => panic!("'{line}' stands before the first command of its block"),
        }
    }
    steps
}

/// A shell script that runs one section: servers first, each once it says that it listens, then the
/// other blocks. What each step prints, both streams, goes into a file of its own.
fn script(blocks: &[Block]) -> String {
    let mut script = "ip link set lo up || exit 77\n".to_owned();
    let mut servers = 0;
    for (block, number) in blocks.iter().zip(0..).filter(|(block, _)| block.is_server) {
        let command = &block.steps[0].0;
        script += &format!("exec {command} > {number}.0 2>&1 &\nservers=\"$servers $!\"\n");
        script += &format!("until grep -q 1234 {number}.0; do kill -0 $! || exit 1; done\n");
        servers += 1;
    }
    for (block, number) in blocks.iter().zip(0..).filter(|(block, _)| !block.is_server) {
        for (step, (command, _)) in block.steps.iter().enumerate() {
            script += &format!("{{ {command}\n}} > {number}.{step} 2>&1\n");
        }
    }
    if servers > 0 {
        script += "kill -INT $servers; wait $servers\n";
    }
    script + "exit 0\n"
}

/// Numbers, with their units and exponents, become `0`; padding becomes one space.
fn normalised(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line.trim_end();
    while let Some(at) = rest.find(|letter: char| letter.is_ascii_digit()) {
        text += &rest[..at];
        text += "0";
        rest =
            rest[at..].trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
        rest = without_unit(rest);
    }
    text += rest;
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A unit of time or a decimal prefix is part of the number before it.
fn without_unit(rest: &str) -> &str {
    let units = ["ns", "us", "ms", "s", "k", "M", "G"];
    let ends = |rest: &&str| !rest.starts_with(|next: char| next.is_ascii_lowercase());
    let mut stripped = units.iter().filter_map(|unit| rest.strip_prefix(unit));
    stripped.find(ends).unwrap_or(rest)
}

#[track_caller]
fn assert_prints(command: &str, expected: &[String], printed: &str) {
    let printed: Vec<String> = printed.trim_end().lines().map(normalised).collect();
    let expected: Vec<String> = expected.iter().map(|line| normalised(line)).collect();
    assert!(
        matches(&expected, &printed),
        "$ {command}\nREADME says:\n{}\n\nit prints:\n{}\n",
        expected.join("\n"),
        printed.join("\n")
    );
}

fn matches(expected: &[String], printed: &[String]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((line, rest)) if line == "..." => {
            (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]))
        }
        Some((line, rest)) => printed.first() == Some(line) && matches(rest, &printed[1..]),
    }
}

#[test]
fn every_transcript_of_readme_is_what_the_programs_print() {
    if !is_there("unshare") || !is_there("ip") {
        return;
    }
    let sections = sections();
    assert!(!sections.is_empty());
    for (heading, blocks) in &sections {
        println!("README: {heading}");
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("unshare");
        command.args([
            "--user",
            "--map-root-user",
            "--net",
            "bash",
            "-c",
            &script(blocks),
        ]);
        command
            .current_dir(directory.path())
            .env("PATH", path())
            .env("LANG", "C");
        command
            .env_remove("LC_ALL")
            .env_remove("LC_MESSAGES")
            .env_remove("RUST_LOG");
        let end = run(command, "");
        if end.code == Some(77) || end.stderr.contains("unshare") {
            return println!("skipped: no network namespace here: {}", end.stderr);
        }
        end.assert_code(0);
        for (block, number) in blocks.iter().zip(0..) {
            for (step, (command, expected)) in block.steps.iter().enumerate() {
                let printed =
                    std::fs::read(directory.path().join(format!("{number}.{step}"))).unwrap();
                assert_prints(command, expected, &String::from_utf8(printed).unwrap());
            }
        }
    }
}

/// The search path with the four programs in front.
fn path() -> String {
    let programs = [tcp_server(), tcp_client(), udp_server(), udp_client()];
    let directories = programs.iter().map(|program| {
        let directory = Path::new(program.get_program()).parent().unwrap();
        directory.to_str().unwrap().to_owned()
    });
    directories
        .chain(std::env::var("PATH"))
        .collect::<Vec<_>>()
        .join(":")
}

#[test]
fn every_link_of_readme_leads_somewhere() {
    let text = std::fs::read_to_string(root().join("README.md")).unwrap();
    let links: Vec<&str> = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .collect();
    assert!(links.len() > 5);
    for link in links.iter().filter(|link| !link.contains("://")) {
        assert!(root().join(link).exists(), "{link}");
    }
}

#[test]
fn the_demo_at_the_top_of_readme_ends_well() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let first_block: String = readme.split("```").nth(1).unwrap().to_owned();
    assert!(
        first_block.contains("./scripts/demo.sh")
            && first_block.contains("cargo test --workspace --locked")
    );
    let mut demo = Command::new("./scripts/demo.sh");
    // Asking for the path builds the programs first: the deadline is not for the compiler.
    demo.current_dir(root()).env("PATH", path());
    let end = run(demo, "");
    end.assert_code(0);
    for line in [
        "Hola, servidor!",
        "Hola se está tensando muchísimo",
        "every reply was right",
    ] {
        assert!(end.text().contains(line), "no '{line}' in {}", end.text());
    }
}
