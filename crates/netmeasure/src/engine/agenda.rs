//! Whose turn it is: flows with something to do at once, and flows whose time comes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::mem;
use std::time::Duration;

/// The turns of the flows of a thread, which are known by their place in it.
pub(super) struct Agenda {
    /// The soonest first; one that is not its flow's `armed` any more is void.
    later: BinaryHeap<Reverse<(Duration, usize)>>,
    armed: Vec<Option<Duration>>,
    now: Vec<usize>,
    is_now: Vec<bool>,
}

impl Agenda {
    /// Every flow has a turn at once.
    pub(super) fn new(flows: usize) -> Self {
        Self {
            later: BinaryHeap::new(),
            armed: vec![None; flows],
            now: (0..flows).collect(),
            is_now: vec![true; flows],
        }
    }

    /// Gives a flow a turn at once.
    pub(super) fn add(&mut self, flow: usize) {
        if !mem::replace(&mut self.is_now[flow], true) {
            self.now.push(flow);
        }
    }

    /// Gives a flow a turn at `due`, if none comes before.
    pub(super) fn add_at(&mut self, flow: usize, due: Duration) {
        if self.armed[flow].is_none_or(|armed| due < armed) {
            self.armed[flow] = Some(due);
            self.later.push(Reverse((due, flow)));
        }
    }

    /// Takes the turns that have come at `now`; `turns` gets them, and is emptied before.
    pub(super) fn take(&mut self, now: Duration, turns: &mut Vec<usize>) {
        while let Some(&Reverse((due, flow))) = self.later.peek()
            && due <= now
        {
            self.later.pop();
            if self.armed[flow] == Some(due) {
                self.armed[flow] = None;
                self.add(flow);
            }
        }
        turns.clear();
        mem::swap(turns, &mut self.now);
        turns.iter().for_each(|&flow| self.is_now[flow] = false);
    }

    /// Whether a flow has something to do at once.
    pub(super) fn is_busy(&self) -> bool {
        !self.now.is_empty()
    }

    /// When the next turn comes.
    pub(super) fn next(&self) -> Option<Duration> {
        self.later.peek().map(|turn| turn.0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(agenda: &mut Agenda, millis: u64) -> Vec<usize> {
        let mut turns = Vec::new();
        agenda.take(Duration::from_millis(millis), &mut turns);
        turns
    }

    #[test]
    fn each_flow_has_one_turn_at_a_time() {
        let mut agenda = Agenda::new(3);
        assert_eq!(taken(&mut agenda, 0), [0, 1, 2]);
        agenda.add(1);
        agenda.add(1);
        assert_eq!(taken(&mut agenda, 0), [1]);
        assert!(!agenda.is_busy());
    }

    #[test]
    fn the_soonest_time_holds() {
        let mut agenda = Agenda::new(2);
        taken(&mut agenda, 0);
        for due in [30, 10, 20] {
            agenda.add_at(0, Duration::from_millis(due));
        }
        agenda.add_at(1, Duration::from_millis(15));
        assert_eq!(agenda.next(), Some(Duration::from_millis(10)));
        assert_eq!(taken(&mut agenda, 12), [0]);
        assert_eq!(taken(&mut agenda, 40), [1]);
        assert!(taken(&mut agenda, 99).is_empty());
    }
}
