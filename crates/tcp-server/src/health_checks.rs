//! Connections that bring no byte, as health checks make them: the first few of a host are told, the
//! others summed up.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use netcommon::address::Endpoint;

/// Connections without a byte from one host, within [`PERIOD`], of which each is told.
const TOLD: u64 = 3;

/// From one sum to the next. A host without such connections for as long is forgotten.
const PERIOD: Duration = Duration::from_secs(60);

/// Longer than a health check keeps its connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// Hosts that are remembered; all connections of further ones are told.
const MAX_HOSTS: usize = 1024;

/// The hosts that connected, and connections that are not told yet.
#[derive(Default)]
pub(crate) struct HealthChecks {
    hosts: HashMap<Endpoint, Host>,
    /// Connections that may be health checks, and since when they stand.
    held: HashMap<Endpoint, Instant>,
    /// When [`review`](Self::review) is due; whenever something is known, it is.
    review: Option<Instant>,
}

struct Host {
    since: Instant,
    /// Connections without a byte that were told.
    told: u64,
    /// Those that were not.
    untold: u64,
}

/// Lines due after a review.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Review {
    /// Clients that are no health checks: they stay.
    pub(crate) clients: Vec<Endpoint>,
    /// Hosts, and their connections without a byte that were not told.
    pub(crate) sums: Vec<(Endpoint, u64)>,
}

impl HealthChecks {
    /// Takes note of a new client. Whether it is to be told now; else it is held back.
    pub(crate) fn connect(&mut self, peer: Endpoint, now: Instant) -> bool {
        let host = self.hosts.get(&peer.without_port());
        let is_held = host.is_some_and(|host| host.told >= TOLD && !host.is_forgotten(now));
        let due = now + if is_held { PATIENCE } else { PERIOD };
        self.review = self
            .review
            .map_or(Some(due), |review| Some(review.min(due)));
        if is_held {
            self.held.insert(peer, now);
        }
        !is_held
    }

    /// Takes note of a client's first byte. Whether it was held back, and is to be told now.
    pub(crate) fn hear(&mut self, peer: Endpoint) -> bool {
        self.held.remove(&peer).is_some()
    }

    /// Takes note of a client that has left without a byte.
    pub(crate) fn close(&mut self, peer: Endpoint, now: Instant) {
        let was_held = self.held.remove(&peer).is_some();
        let key = peer.without_port();
        if self.hosts.len() >= MAX_HOSTS && !self.hosts.contains_key(&key) {
            return;
        }
        let host = self.hosts.entry(key).or_insert_with(|| Host::new(now));
        if host.is_forgotten(now) {
            *host = Host::new(now);
        }
        if was_held {
            host.untold += 1;
        } else {
            host.told += 1;
        }
    }

    /// How long until the next review.
    pub(crate) fn time_left(&self, now: Instant) -> Option<Duration> {
        self.review
            .map(|review| review.saturating_duration_since(now))
    }

    /// Lines due by now.
    pub(crate) fn review(&mut self, now: Instant) -> Review {
        if self.review.is_none_or(|review| now < review) {
            return Review::default();
        }
        let is_due = |_: &Endpoint, since: &mut Instant| *since + PATIENCE <= now;
        let clients = self.held.extract_if(is_due).map(|(peer, _)| peer).collect();
        self.hosts.retain(|_, host| !host.is_forgotten(now));
        let hosts = self.hosts.iter_mut();
        let ended = hosts.filter(|(_, host)| host.since + PERIOD <= now);
        let sums = ended.map(|(peer, host)| (*peer, host.begin_period(now)));
        let sums = sums.collect();
        let held = self.held.values().map(|since| *since + PATIENCE);
        let periods = self.hosts.values().map(|host| host.since + PERIOD);
        self.review = held.chain(periods).min();
        Review { clients, sums }
    }

    /// The connections without a byte that are not told yet, at the end of the server.
    pub(crate) fn rest(&mut self) -> Vec<(Endpoint, u64)> {
        let hosts = self.hosts.drain();
        let sums = hosts.map(|(peer, host)| (peer, host.untold));
        sums.filter(|(_, untold)| *untold > 0).collect()
    }
}

impl Host {
    fn new(since: Instant) -> Self {
        Self {
            since,
            told: 0,
            untold: 0,
        }
    }

    /// Whether a period is over in which nothing was held back.
    fn is_forgotten(&self, now: Instant) -> bool {
        self.untold == 0 && self.since + PERIOD <= now
    }

    /// Begins the next period, and returns the sum of the last one.
    fn begin_period(&mut self, now: Instant) -> u64 {
        self.since = now;
        std::mem::take(&mut self.untold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn peer(host: u8, port: u16) -> Endpoint {
        SocketAddr::from(([10, 0, 0, host], port)).into()
    }

    /// A connection without a byte; whether it was told.
    fn check(checks: &mut HealthChecks, peer: Endpoint, now: Instant) -> bool {
        let is_told = checks.connect(peer, now);
        checks.close(peer, now);
        is_told
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_host_that_checks_every_ten_seconds_has_a_line_a_minute() {
        let (mut checks, start) = (HealthChecks::default(), Instant::now());
        let (mut told, mut sums) = (Vec::new(), Vec::new());
        for second in 0..=180 {
            let now = start + SECOND * second;
            let review = checks.review(now);
            assert_eq!(review.clients, []);
            sums.extend(review.sums.into_iter().map(|sum| (second, sum)));
            if second % 10 == 0 && check(&mut checks, peer(1, 1000 + second as u16), now) {
                told.push(second);
            }
        }
        assert_eq!(told, [0, 10, 20]);
        let host = peer(1, 0);
        assert_eq!(sums, [(60, (host, 3)), (120, (host, 6)), (180, (host, 6))]);
        assert_eq!(checks.rest(), [(host, 1)]);
    }

    #[test]
    fn a_host_that_checks_twice_a_minute_is_told_each_time() {
        let (mut checks, start) = (HealthChecks::default(), Instant::now());
        for half_minute in 0..20 {
            let now = start + 30 * SECOND * half_minute;
            assert_eq!(checks.review(now), Review::default());
            assert!(check(&mut checks, peer(1, 1000), now));
        }
    }

    #[test]
    fn clients_among_health_checks_are_told_once_they_send_or_stay() {
        let (mut checks, now) = (HealthChecks::default(), Instant::now());
        for port in 1..=3 {
            assert!(check(&mut checks, peer(1, port), now));
        }
        assert!(checks.connect(peer(2, 4), now), "another host");
        for port in 4..=6 {
            assert!(!checks.connect(peer(1, port), now));
        }
        assert!(checks.hear(peer(1, 4)));
        assert!(!checks.hear(peer(1, 4)), "it is told once");
        checks.close(peer(1, 5), now);
        assert_eq!(checks.time_left(now), Some(PATIENCE));
        let stays = Review {
            clients: vec![peer(1, 6)],
            sums: Vec::new(),
        };
        assert_eq!(checks.review(now + SECOND), Review::default());
        assert_eq!(checks.review(now + 2 * SECOND), stays);
        assert_eq!(checks.time_left(now + 2 * SECOND), Some(58 * SECOND));
        let sums = checks.review(now + 60 * SECOND).sums;
        assert_eq!(sums, [(peer(1, 0), 1)]);
    }

    #[test]
    fn a_host_is_forgotten_after_a_minute_without_a_health_check() {
        let (mut checks, now) = (HealthChecks::default(), Instant::now());
        let told = |checks: &mut HealthChecks, now| {
            let checks = (0..5).filter(|port| check(checks, peer(1, *port), now));
            checks.count()
        };
        assert_eq!(told(&mut checks, now), 3);
        assert_eq!(checks.review(now + 60 * SECOND).sums, [(peer(1, 0), 2)]);
        assert_eq!(checks.review(now + 120 * SECOND), Review::default());
        assert_eq!(checks.time_left(now + 120 * SECOND), None);
        assert_eq!(told(&mut checks, now + 120 * SECOND), 3);
    }

    #[test]
    fn no_number_of_hosts_takes_memory_without_a_bound() {
        let (mut checks, now) = (HealthChecks::default(), Instant::now());
        for host in 0..10_000_u32 {
            let peer = SocketAddr::from((std::net::Ipv4Addr::from_bits(host), 1));
            let told = (0..5).filter(|_| check(&mut checks, peer.into(), now));
            assert_eq!(told.count(), if host < MAX_HOSTS as u32 { 3 } else { 5 });
        }
        assert_eq!(checks.hosts.len(), MAX_HOSTS);
        assert!(checks.held.is_empty());
    }
}
