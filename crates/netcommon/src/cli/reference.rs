//! The end of every `--help`, and what man pages say besides the options.

/// A term and what it means.
pub(super) type Entry = (&'static str, &'static str);

/// A list of terms, each with what it means.
pub type Entries = &'static [Entry];

/// Sections of the help and the man page of one program beside its options.
#[derive(Clone, Copy, Debug)]
pub struct Manual {
    /// Command lines, and what each is for.
    pub examples: Entries,
    /// Samples of its JSON events, in groups, and what each tells.
    pub events: &'static [Entries],
    /// Environment variables beside those that every program reads.
    pub environment: Entries,
    /// Files beside those that every program reads.
    pub files: Entries,
    /// Its known faults.
    pub bugs: &'static str,
}

/// Exit codes and their meanings.
pub(super) const EXIT_CODES: [Entry; 10] = [
    ("0", "ok (a server's Ctrl-C too)"),
    (
        "1",
        "check failed: it ran, but no or a wrong reply came, or a bound was broken",
    ),
    (
        "2",
        "usage: an argument is malformed or contradicts another",
    ),
    ("3", "not resolved: the name has no address"),
    ("4", "refused: nothing listens there"),
    ("5", "timed out"),
    ("6", "unreachable: no route"),
    ("7", "reset or closed early by the peer"),
    (
        "8",
        "local limit: address in use, permission, descriptors, threads, disk space",
    ),
    (
        "129, 130, 143",
        "SIGHUP, Ctrl-C or SIGTERM ended a client that had nothing to sum up",
    ),
];

/// How durations and sizes are written.
pub(super) const UNITS: [&str; 2] = [
    "Durations: 500ms, 2s, 1m; a bare number is seconds.",
    "Sizes: K M G are powers of 1000, Ki Mi Gi of 1024; a bare number is bytes.",
];

/// The form of the lesson, `--explain`.
pub(super) const LESSON: &str = "\
With --explain, each socket call that is made is told on standard error, as C programmers write it, with \
its real arguments and result, and one reason; with --json as objects with the event step. The mark in \
front says whether something travelled: · nothing left this machine, → something was sent, ← something \
came, … the call waits. With --explain=step, each call waits for Enter, so that the other side can be \
tried in between. Half an hour with two terminals:";

/// The experiments of the lesson, each with the question to answer first.
pub(super) const EXPERIMENTS: [Entry; 8] = [
    (
        "Between bind and listen",
        "tcp-server --explain=step, Enter until it asks for listen; then tcp-client. Can it connect?",
    ),
    (
        "Before accept",
        "The same, Enter until it asks for accept; then tcp-client --explain. Has it connected, and sent?",
    ),
    (
        "Two sends",
        "The same; then tcp-client --explain -f -, two lines typed. How often does recv return?",
    ),
    (
        "Half a connection",
        "tcp-server and tcp-client, both with --explain. What does recv return after shutdown, and on \
         which side does TIME_WAIT stay?",
    ),
    (
        "A silent client",
        "tcp-server --explain; tcp-client -f -, nothing typed; then tcp-client. Does it have to wait?",
    ),
    (
        "Address in use",
        "tcp-server --explain, twice; then once more after Ctrl-C. Which of them can bind?",
    ),
    (
        "A long datagram",
        "udp-server --explain; then udp-client -m with 2000 letters. What would recvfrom(1024) have left?",
    ),
    (
        "Nobody listens",
        "udp-client --explain -w 1s, and no server. How can it know?",
    ),
];

/// The environment variables that every program reads.
pub(super) const ENVIRONMENT: [Entry; 2] = [
    (
        "LC_ALL, LC_MESSAGES, LANG",
        "The language of the human lines, unless --lang is given: the first of them that is set and \
         not empty decides. A locale that begins with en gives English, any other Spanish.",
    ),
    (
        "RUST_LOG",
        "What is logged to standard error: error, warn, info, debug, trace or off. It wins over -v.",
    ),
];

/// The files that every program reads.
pub(super) const FILES: [Entry; 2] = [
    (
        "/etc/nsswitch.conf, /etc/hosts, /etc/resolv.conf",
        "How names are looked up (nsswitch.conf(5)); localhost needs none of them.",
    ),
    (
        "/proc/sys/net/core/rmem_max, /proc/sys/net/core/wmem_max",
        "The largest buffers that --rcvbuf and --sndbuf get (socket(7)).",
    ),
];

/// Known faults of all programs.
pub(super) const BUGS: &str = "\
Linux alone is tested. Joined emoji show their parts, because characters that are drawn as nothing are \
escaped.";

/// Properties of all JSON events.
pub(super) const EVENTS_INTRODUCTION: &str = "\
With --json, standard output carries one object a line, each with the key event. Addresses are \
ip:port, sizes bytes, times seconds. A payload is text where it is UTF-8, else base64 (RFC 4648) in \
the key base64. Characters that could steer a terminal are escaped, as JSON allows for any. With \
--timestamps every object ends with time_s, seconds since 1970.";

/// The event that every program may end with.
pub(super) const ERROR_EVENT: Entry = (
    r#"{"event":"error","kind":"refused","message":"cannot connect to localhost:1234 (127.0.0.1): connection refused"}"#,
    "The failure that ended the program; kind is the word of the exit code: check failed, usage, \
     not resolved, refused, timed out, unreachable, reset, closed early or local limit.",
);

/// The end of `--help`.
pub(super) fn after_help(examples: Entries) -> String {
    let examples = examples
        .iter()
        .map(|(line, purpose)| format!("  {line}\n      {purpose}\n"));
    let codes = EXIT_CODES.map(|(code, meaning)| format!("  {code}  {meaning}\n"));
    format!(
        "Examples:\n{}\nExit codes:\n{}\n{}",
        examples.collect::<String>(),
        codes.concat(),
        UNITS.join("\n")
    )
}
