//! Every command of README and docs, run as it stands there, in a network where port 1234 is free.
//!
//! A `console` block is a terminal: commands behind `$ `, and what they print. A block marked
//! `console server` runs in the background while the other blocks of its section run, and is
//! interrupted after them. Numbers may differ, and a line `...` stands for any lines.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::program::{search_path, with_cargo};
use crate::harness::{With, alone, in_own_network, run};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Path and text of README and of each page in docs.
fn documents() -> Vec<(PathBuf, String)> {
    let docs = ["docs", "docs/deploy"].map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let pages = docs.into_iter().flatten().map(|page| page.unwrap().path());
    pages
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .chain([root().join("README.md")])
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect()
}

/// A terminal: each command with what it prints.
struct Block<'a> {
    is_server: bool,
    steps: Vec<(&'a str, Vec<&'a str>)>,
}

/// The console blocks of each section.
fn sections(text: &str) -> Vec<Vec<Block<'_>>> {
    let mut sections = vec![Vec::new()];
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.starts_with('#') {
            sections.push(Vec::new());
        } else if let Some(info) = line.strip_prefix("```") {
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if let Some(kind) = info.strip_prefix("console") {
                let block = Block {
                    is_server: kind == " server",
                    steps: steps(&body),
                };
                sections.last_mut().unwrap().push(block);
            }
        }
    }
    sections.retain(|blocks| !blocks.is_empty());
    sections
}

fn steps<'a>(body: &[&'a str]) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut steps: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in body {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push((command, Vec::new())),
            (None, Some((_, output))) => output.push(line),
            (None, None) => panic!("'{line}' stands before the first command of its block"),
        }
    }
    steps
}

/// A shell script that runs one section: servers first, each until it listens, then the other blocks.
/// Both output streams of each step go into a file of its own.
fn script(blocks: &[Block<'_>]) -> String {
    let mut script = String::new();
    let numbered = || blocks.iter().enumerate();
    for (number, block) in numbered().filter(|(_, block)| block.is_server) {
        let command = block.steps[0].0;
        script += &format!("exec {command} > {number}.0 2>&1 &\nservers=\"$servers $!\"\n");
        script += &format!(
            "until grep -qE 'escucha|listening' {number}.0; do kill -0 $! || exit 1; done\n"
        );
    }
    for (number, block) in numbered().filter(|(_, block)| !block.is_server) {
        for (step, (command, _)) in block.steps.iter().enumerate() {
            script += &format!("{{ {command}\n}} > {number}.{step} 2>&1\n");
        }
    }
    script + "[ -z \"$servers\" ] || kill $servers\nwait $servers\nexit 0\n"
}

/// Numbers, with their units, and the ids of runs become `0`; padding and a time that a call of the
/// lesson has waited become nothing.
fn normalised(line: &str) -> String {
    let is_separator = |letter: char| !letter.is_alphanumeric() && letter != '.';
    let parts = line.trim_end().split_inclusive(is_separator);
    let without_numbers = parts.map(|part| {
        let word = part.trim_end_matches(is_separator);
        let number = if is_number(word) { "0" } else { word };
        number.to_owned() + &part[word.len()..]
    });
    let line: String = without_numbers.filter(|part| part != " ").collect();
    line.replace("(0)", "")
}

fn is_number(word: &str) -> bool {
    let is_id = word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id || word.starts_with(|letter: char| letter.is_ascii_digit())
}

fn matches(expected: &[&str], printed: &[&str]) -> bool {
    match (expected, printed) {
        ([], _) => printed.is_empty(),
        (["...", rest @ ..], _) => {
            (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]))
        }
        ([line, rest @ ..], [first, others @ ..]) => {
            normalised(line) == normalised(first) && matches(rest, others)
        }
        (_, []) => false,
    }
}

#[test]
fn every_transcript_of_the_documents_is_what_the_programs_print() {
    // Among the figures are those of a path that loses nothing.
    let _machine = alone();
    let mut commands = 0;
    for (path, text) in documents() {
        for blocks in sections(&text) {
            let Some(bash) = in_own_network("bash") else {
                return;
            };
            let directory = tempfile::tempdir().unwrap();
            let mut bash = bash.with(["-c", &script(&blocks)]);
            bash.current_dir(&directory).env("PATH", search_path());
            run(bash).assert_code(0);
            for (number, block) in blocks.iter().enumerate() {
                for (step, (command, expected)) in block.steps.iter().enumerate() {
                    let output = directory.path().join(format!("{number}.{step}"));
                    let printed = fs::read_to_string(output).unwrap();
                    let lines: Vec<&str> = printed.trim_end().lines().collect();
                    assert!(
                        matches(expected, &lines),
                        "{}: $ {command}\nit prints:\n{printed}",
                        path.display()
                    );
                    commands += 1;
                }
            }
        }
    }
    assert!(commands > 10, "only {commands} commands");
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    let mut links = 0;
    for (path, text) in documents() {
        let targets = text.split("](").skip(1).map(|rest| rest.split(')').next());
        for target in targets.flatten().filter(|target| !target.contains("://")) {
            let (file, _) = target.split_once('#').unwrap_or((target, ""));
            let file = path.parent().unwrap().join(file);
            assert!(file.exists(), "{}: {target}", path.display());
            links += 1;
        }
    }
    assert!(links > 5, "only {links} links");
}

#[test]
fn the_demo_at_the_top_of_readme_ends_well() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let top = readme.split("```").nth(1).unwrap();
    assert!(top.contains("./scripts/demo.sh") && top.contains("cargo test --workspace --locked"));
    let mut demo = with_cargo("./scripts/demo.sh", "");
    // Asking for the path builds the programs first: the deadline is not for the compiler.
    demo.current_dir(root()).env("PATH", search_path());
    let end = run(demo);
    end.assert_code(0);
    for line in [
        "Hola, servidor!",
        "Hola se está tensando muchísimo",
        "every reply was right",
    ] {
        assert!(end.text().contains(line), "no '{line}' in {}", end.text());
    }
}
