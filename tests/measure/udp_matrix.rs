//! Hundreds of paths by lot: every count of client and server is the path's own.
//!
//! A combination is a seed, fates to draw from, a number of flows, a way to send, a form of output,
//! and perhaps an interrupt.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use crate::harness::alone;
use crate::harness::fate::{Fate, Lots, Truth};
use crate::harness::measured::{assert_adds_up, count, summary};
use crate::harness::process::{Finished, Running, run};
use crate::harness::program::{UdpClient, UdpServer};
use crate::harness::relay::Relay;
use crate::harness::server::Server;

/// Runs at the same time: they mostly wait.
const AT_ONCE: usize = 16;

/// Longer than a busy machine holds a reply up, and shorter than the relay keeps a late one.
const WAIT: &str = "-w 2s";

#[derive(Clone, Debug)]
struct Combination {
    seed: u64,
    fates: Vec<Fate>,
    flows: u16,
    way: Way,
    is_json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Paced,
    ClosedLoop,
    /// By the clock, with an outage in the middle.
    Outage,
}

impl Combination {
    fn lots(&self) -> Lots {
        let (count, one_in, outage) = match self.way {
            Way::Paced => (240, 4, 0..0),
            // Each message that is lost or late takes two seconds.
            Way::ClosedLoop => (30, 15, 0..0),
            Way::Outage => (240, 8, 100..180),
        };
        Lots {
            seed: self.seed,
            fates: self.fates.clone(),
            one_in,
            count,
            outage,
        }
    }

    fn arguments(&self) -> String {
        let (count, flows) = (self.lots().count, self.flows);
        let rate = u64::from(flows) * 200;
        let schedule = match self.way {
            Way::Paced | Way::Outage => format!("--rate {rate}"),
            Way::ClosedLoop => "-i 0".to_owned(),
        };
        let form = if self.is_json { "--json" } else { "--lang en" };
        format!("-c {count} -P {flows} {schedule} {WAIT} {form}")
    }
}

/// What a path may do: nothing, one kind of thing, everything.
fn menus() -> Vec<Vec<Fate>> {
    use Fate::*;
    let kinds: [&[Fate]; 6] = [
        &[],
        &[Lost],
        &[Copied, CopiedLate, CopiedDamaged],
        &[BodyDamaged, HeaderDamaged, FollowedByNoise],
        &[CutShort, CutToPieces, Padded],
        &[Swapped, Late],
    ];
    let mut menus: Vec<Vec<Fate>> = kinds.iter().map(|kind| kind.to_vec()).collect();
    menus.push(kinds.concat());
    menus
}

fn combinations() -> Vec<Combination> {
    let mut all = Vec::new();
    for (seed, fates) in (1..=6).flat_map(|seed| menus().into_iter().map(move |menu| (seed, menu)))
    {
        for way in [Way::Paced, Way::ClosedLoop, Way::Outage] {
            let mut fates = fates.clone();
            // The next probe of a closed loop would wait for the one that waits for it, and the loop is
            // over before a late copy comes.
            if way == Way::ClosedLoop {
                fates.retain(|fate| !matches!(fate, Fate::Swapped | Fate::CopiedLate));
            }
            let number = all.len() as u64;
            all.push(Combination {
                seed: seed * 1000 + number,
                fates,
                flows: 1 + (number % 5) as u16,
                way,
                is_json: !number.is_multiple_of(3),
            });
        }
    }
    all
}

/// The counts of a summary, for people or as JSON.
fn told(end: &Finished, is_json: bool) -> Truth {
    let counts: BTreeMap<String, u64> = if is_json {
        let summary = summary(end);
        assert_adds_up(&summary);
        let object = summary.as_object().expect("an object").iter();
        object
            .filter_map(|(key, value)| Some((key.clone(), value.as_u64()?)))
            .collect()
    } else {
        let line = end.text().lines().find(|line| line.starts_with("sent "));
        let named = line.expect("a line of counts").split(", ").map(|part| {
            let mut words = part.split(' ');
            let is_name = |word: &&str| word.parse::<u64>().is_err();
            let name: Vec<&str> = words.by_ref().take_while(is_name).collect();
            let count = part.split(' ').find_map(|word| word.parse().ok());
            (name.join("_"), count.expect("a count"))
        });
        named.collect()
    };
    truth_of(|key| counts.get(key).copied().unwrap_or(0))
}

fn truth_of(count: impl Fn(&str) -> u64) -> Truth {
    Truth {
        sent: count("sent"),
        received: count("received"),
        late: count("late"),
        lost: count("lost"),
        corrupted: count("corrupted"),
        duplicate: count("duplicate"),
        reordered: count("reordered"),
        unmatched: count("unmatched"),
    }
}

/// What the server reports on each address; it does not know how many were sent.
fn reported(events: &[Value]) -> BTreeMap<String, Truth> {
    let reports = events
        .iter()
        .filter(|event| event["peer"].is_string() && event["run"].is_string());
    let mut last = BTreeMap::new();
    for report in reports {
        let mut truth = truth_of(|key| report[key].as_u64().unwrap_or(0));
        truth.sent = 0;
        last.insert(
            report["peer"].as_str().expect("an address").to_owned(),
            truth,
        );
    }
    last
}

/// Every difference between what was told and what was true.
fn differences(combination: &Combination, server: SocketAddr) -> (Relay, Vec<String>) {
    let relay = Relay::to(server, combination.lots());
    let end = run(UdpClient.to(relay.entrance, &combination.arguments()));
    let (told, truth) = (told(&end, combination.is_json), relay.truth());
    let mut wrong = Vec::new();
    if told != truth {
        wrong.push(format!(
            "{combination:?}: told {told:?}, true {truth:?}, {}",
            end.stderr
        ));
    }
    let planned = u64::from(combination.flows) * combination.lots().count;
    if truth.sent != planned {
        wrong.push(format!(
            "{combination:?}: {} of {planned} were sent",
            truth.sent
        ));
    }
    let is_wrong = truth.corrupted > 0;
    if end.code != Some(is_wrong.into()) {
        wrong.push(format!(
            "{combination:?}: exit code {:?}, {}",
            end.code, end.stderr
        ));
    }
    (relay, wrong)
}

#[test]
fn every_count_of_client_and_server_is_the_path_s() {
    let _machine = alone();
    let server = Server::start(UdpServer, "--echo --json");
    let (address, combinations) = (server.address, combinations());
    let next = AtomicUsize::new(0);
    let results = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| {
                    let mut results = Vec::new();
                    while let Some(combination) =
                        combinations.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        results.push(differences(combination, address));
                    }
                    results
                })
            })
            .collect();
        let results = workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("no panic"));
        results.collect::<Vec<_>>()
    });
    assert!(results.len() >= 100, "{} combinations", results.len());
    let reported = reported(&server.finish());
    let mut wrong: Vec<String> = results
        .iter()
        .flat_map(|(_, wrong)| wrong.clone())
        .collect();
    for (address, mut truth) in results.iter().flat_map(|(relay, _)| relay.server_truths()) {
        truth.sent = 0;
        let told = reported.get(&address.to_string());
        if told != Some(&truth) {
            wrong.push(format!(
                "{address}: the server told {told:?}, true {truth:?}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// An interrupt leaves young messages in flight, and no others.
#[test]
fn interrupted_runs_tell_the_truth_about_everything_that_had_its_time() {
    let server = Server::start(UdpServer, "--echo --json");
    thread::scope(|scope| {
        for (seed, is_json) in (1..=8).zip([true, false].into_iter().cycle()) {
            let address = server.address;
            scope.spawn(move || {
                let lots = Lots {
                    seed,
                    fates: vec![Fate::Lost, Fate::Copied, Fate::Late, Fate::Swapped],
                    one_in: 3,
                    count: u64::MAX,
                    outage: 0..0,
                };
                interrupt(&Relay::to(address, lots), seed as u16 % 5 + 1, is_json);
            });
        }
    });
}

fn interrupt(relay: &Relay, flows: u16, is_json: bool) {
    let form = if is_json { "--json" } else { "--lang en" };
    let arguments =
        format!("-t 1h -P {flows} --rate 200 {WAIT} --report 500ms --max-loss 1 {form}");
    let client = Running::start(UdpClient.to(relay.entrance, &arguments));
    (0..7).for_each(|_| drop(client.line()));
    let end = client.interrupt();
    // A third is not answered in time.
    end.assert_code(1);
    assert!(end.stderr.contains("--max-loss"), "{}", end.stderr);
    let (told, truth) = (told(&end, is_json), relay.truth());
    assert_eq!(told.sent, truth.sent, "sent");
    assert!(
        told.received <= truth.received && told.late <= truth.late,
        "{told:?} {truth:?}"
    );
    let in_flight = told.sent - told.received - told.late - told.lost - told.corrupted;
    // 3.5 s have passed, and messages of the last two alone may be in flight: at most 400.
    assert!(told.lost > 0 && in_flight > 0, "{told:?}");
    assert!(in_flight <= 400, "{in_flight} in flight, {told:?}");
}

#[test]
fn intervals_are_sums_over_what_was_decided_and_add_up_to_the_summary() {
    let server = Server::start(UdpServer, "--echo --json");
    let lots = Lots {
        seed: 7,
        fates: menus().pop().expect("everything"),
        one_in: 3,
        count: 600,
        outage: 100..200,
    };
    let relay = Relay::to(server.address, lots);
    let arguments = "-c 600 --rate 200 -w 1s --report 250ms --json";
    let end = run(UdpClient.to(relay.entrance, arguments));
    let (intervals, summary) = (end.events_of("interval"), summary(&end));
    assert!(intervals.len() >= 12, "{}", intervals.len());
    for interval in &intervals {
        assert_adds_up(interval);
    }
    for key in [
        "sent",
        "received",
        "late",
        "lost",
        "corrupted",
        "duplicate",
        "reordered",
        "unmatched",
        "bytes_sent",
        "bytes_received",
    ] {
        let sum: u64 = intervals.iter().map(|interval| count(interval, key)).sum();
        assert_eq!(sum, count(&summary, key), "{key}");
    }
    let lost_before_the_end: u64 = intervals[..intervals.len() - 1]
        .iter()
        .map(|interval| count(interval, "lost"))
        .sum();
    assert!(
        lost_before_the_end > 0,
        "lost is told while the run goes on"
    );
}
