//! Completions in the shells that are there, as a user sees them who presses Tab.

use std::fs;
use std::io::Write;

use tempfile::TempDir;

use super::generated::generated;
use crate::harness::{ALL, Running, TcpClient, Terminal, With, installed, run};

/// What is typed behind the name of the program, and the arguments that it then gets. In the directory
/// is one file, `only-file`.
const TYPED: [(&str, &str); 13] = [
    ("--dscp E\t", "<--dscp><EF>"),
    ("--dscp=V\t", "<--dscp=VA>"),
    ("--dscp 46\t", "<--dscp><46>"),
    ("--dscp onl\t", "<--dscp><onl>"),
    ("-I onl\t", "<-I><onl>"),
    ("-m onl\t", "<-m><onl>"),
    ("--count onl\t", "<--count><onl>"),
    ("-w onl\t", "<-w><onl>"),
    ("-f onl\t", "<-f><only-file>"),
    ("a-ho\t", "<a-host-of-the-test>"),
    (
        "-q --dscp=EF -c 5 a-ho\t",
        "<-q><--dscp=EF><-c><5><a-host-of-the-test>",
    ),
    ("onl\t", "<onl>"),
    ("a-host onl\t", "<a-host><onl>"),
];

/// Stands for the program, and shows its arguments.
const SHOW: &str = "tcp-client() { printf '<%s>' \"$@\"; printf ' ran\\n'; }\n";

/// A shell at a terminal, with the completions of `tcp-client`.
struct Shell {
    terminal: Terminal,
    _directory: TempDir,
    _shell: Running,
}

impl Shell {
    /// Without any settings but those of `set_up`, which finds the completions in `$1`.
    fn start(name: &str, options: &str, set_up: &str) -> Option<Self> {
        let mut shell = installed(name, options)?;
        let directory = tempfile::tempdir().unwrap();
        let files = directory.path().join("files");
        fs::create_dir(&files).unwrap();
        fs::write(files.join("only-file"), "").unwrap();
        fs::write(
            directory.path().join("hosts"),
            "127.0.0.1 a-host-of-the-test\n",
        )
        .unwrap();
        let script = directory.path().join("_tcp-client");
        fs::write(script, generated(TcpClient, name)).unwrap();
        shell.current_dir(files);
        let mut terminal = Terminal::open();
        let running = terminal.start(shell.with_env("TERM", "dumb"));
        let lines = format!("set -- {}; {set_up}", directory.path().display());
        fs::write(directory.path().join("set-up"), lines + "\n" + SHOW).unwrap();
        let place = directory.path().join("set-up");
        terminal.type_keys(&format!(". {}; tcp-client\n", place.display()));
        terminal.read_until(" ran");
        Some(Self {
            terminal,
            _directory: directory,
            _shell: running,
        })
    }

    /// The arguments that the program gets once `keys` are typed behind its name.
    fn arguments(&mut self, keys: &str) -> String {
        self.terminal.type_keys(&format!("tcp-client {keys}\n"));
        let screen = self.terminal.read_until(" ran");
        let (shown, _) = screen.split_once(" ran").unwrap();
        shown[shown.find('<').unwrap()..].to_owned()
    }
}

/// The network interface `lo`, if the shell can tell it from others by its first letter.
fn lo() -> Option<(&'static str, &'static str)> {
    let interfaces = fs::read_dir("/sys/class/net").ok()?.flatten();
    let names = interfaces.map(|interface| interface.file_name().into_string().unwrap());
    let names: Vec<String> = names.filter(|name| name.starts_with('l')).collect();
    (names == ["lo"]).then_some(("-I l\t", "<-I><lo>"))
}

/// `tabs` complete the one option that can be meant.
fn assert_completes(shell: Option<Shell>, tabs: &str) {
    let Some(mut shell) = shell else {
        return;
    };
    let option = format!("--expect{tabs} -q");
    let option = [(option.as_str(), "<--expect-echo><-q>")];
    for (keys, arguments) in option.into_iter().chain(TYPED).chain(lo()) {
        assert_eq!(shell.arguments(keys), arguments, "{keys}");
    }
}

#[test]
fn bash_offers_what_an_option_takes_and_hosts() {
    let set_up = "HOSTFILE=$1/hosts; . $1/_tcp-client";
    assert_completes(Shell::start("bash", "--norc --noprofile -i", set_up), "\t");
}

#[test]
fn zsh_offers_what_an_option_takes_and_hosts() {
    let set_up = "fpath=($1 $fpath); autoload -U compinit; compinit -u -D; \
                  zstyle ':completion:*:hosts' hosts a-host-of-the-test";
    // The first Tab tells what the option is for.
    assert_completes(Shell::start("zsh", "-f -i", set_up), "\t\t");
}

/// Offers of fish at the end of a line.
fn offers_of_fish(line: &str) -> Option<Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("only-file"), "").unwrap();
    let known_hosts = directory.path().join(".ssh/known_hosts");
    fs::create_dir(directory.path().join(".ssh")).unwrap();
    fs::write(known_hosts, "a-host-of-the-test ssh-ed25519 AAAA\n").unwrap();
    let script = format!("{}\ncomplete -C '{line}'", generated(TcpClient, "fish"));
    let mut fish = installed("fish", ["--no-config", "-c", &script])?;
    fish.current_dir(&directory).env("HOME", directory.path());
    let end = run(fish);
    let words = end
        .text()
        .lines()
        .map(|line| line.split('\t').next().unwrap().to_owned());
    Some(words.collect())
}

#[test]
fn fish_offers_what_an_option_takes_and_hosts() {
    for (line, offers) in [
        ("--max-p", &["--max-p99"][..]),
        ("--dscp E", &["EF"]),
        ("--dscp=V", &["--dscp=VA"]),
        ("-m onl", &[]),
        ("-c onl", &[]),
        ("-f onl", &["only-file"]),
        ("onl", &[]),
    ] {
        let Some(offered) = offers_of_fish(&format!("tcp-client {line}")) else {
            return;
        };
        assert_eq!(offered, offers, "{line}");
    }
    for (line, offer) in [("-I ", "lo"), ("a-ho", "a-host-of-the-test")] {
        let offered = offers_of_fish(&format!("tcp-client {line}")).unwrap();
        assert!(
            offered.iter().any(|word| word == offer),
            "{line}: {offered:?}"
        );
    }
}

#[test]
fn shells_accept_their_completions() {
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        for program in ALL {
            let Some(shell_command) = installed(shell, check) else {
                break;
            };
            let mut script = tempfile::NamedTempFile::new().unwrap();
            let text = generated(program, shell);
            script.write_all(text.as_bytes()).unwrap();
            run(shell_command.with([script.path()])).assert_clean();
        }
    }
}
