//! Which sequence numbers came, and how.

/// How a numbered message arrived, beside those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Above all before it.
    InOrder,
    /// The first of its number, but one above it came before (RFC 4737, "Type-P-Reordered").
    Reordered,
    /// Its number has come before.
    Duplicate,
    /// Too far below the highest to remember whether it had come: it was counted as missing.
    Forgotten,
}

/// Sequence numbers from 1 on, remembered one bit each for the last ones before the highest.
/// A sender that jumps about at will makes it forget, never grow.
#[derive(Clone, Debug)]
pub struct Sequence {
    came: Box<[u64]>,
    highest: u64,
    unique: u64,
    reordered: u64,
    duplicates: u64,
    forgotten: u64,
}

impl Sequence {
    /// Remembers at least the last `numbers`, one bit each.
    pub fn remembering(numbers: usize) -> Self {
        let words = numbers.div_ceil(64).max(1);
        Self {
            came: vec![0; words].into(),
            highest: 0,
            unique: 0,
            reordered: 0,
            duplicates: 0,
            forgotten: 0,
        }
    }

    /// Notes that `number` came.
    pub fn note(&mut self, number: u64) -> Order {
        let order = self.order(number);
        match order {
            Order::InOrder => self.advance(number),
            Order::Reordered => self.reordered += 1,
            Order::Duplicate => self.duplicates += 1,
            Order::Forgotten => self.forgotten += 1,
        }
        if matches!(order, Order::InOrder | Order::Reordered) {
            let (word, bit) = self.place(number);
            self.came[word] |= bit;
            self.unique += 1;
        }
        order
    }

    fn order(&self, number: u64) -> Order {
        if number > self.highest {
            Order::InOrder
        } else if number == 0 || self.highest - number >= self.remembered() {
            Order::Forgotten
        } else if self.has_come(number) {
            Order::Duplicate
        } else {
            Order::Reordered
        }
    }

    /// Makes room for the numbers up to `number`: none of them has come yet.
    fn advance(&mut self, number: u64) {
        if number - self.highest >= self.remembered() {
            self.came.fill(0);
        } else {
            self.clear(self.highest + 1, number);
        }
        self.highest = number;
    }

    /// Forgets the numbers from `first` to `last`, fewer than are remembered: a word at a time.
    fn clear(&mut self, first: u64, last: u64) {
        let (mut word, _) = self.place(first);
        for number in first / 64..=last / 64 {
            let below = if number == first / 64 { first % 64 } else { 0 };
            let above = if number == last / 64 {
                63 - last % 64
            } else {
                0
            };
            let forgotten = u64::MAX << below & u64::MAX >> above;
            self.came[word] &= !forgotten;
            word = (word + 1) % self.came.len();
        }
    }

    fn remembered(&self) -> u64 {
        self.came.len() as u64 * 64
    }

    fn place(&self, number: u64) -> (usize, u64) {
        let bit = number % self.remembered();
        ((bit / 64) as usize, 1 << (bit % 64))
    }

    fn has_come(&self, number: u64) -> bool {
        let (word, bit) = self.place(number);
        self.came[word] & bit != 0
    }

    /// The highest number; 0 before the first.
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// How many different numbers came. Those forgotten are not among them.
    pub fn unique(&self) -> u64 {
        self.unique
    }

    /// How many of those came behind a higher one.
    pub fn reordered(&self) -> u64 {
        self.reordered
    }

    /// How many messages repeated a number.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// How many were too old to tell.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn after(numbers: &[u64]) -> Sequence {
        let mut sequence = Sequence::remembering(128);
        for &number in numbers {
            sequence.note(number);
        }
        sequence
    }

    #[test]
    fn numbers_are_told_apart() {
        let mut sequence = Sequence::remembering(64);
        let orders = [1, 2, 5, 3, 3, 5, 4, 6].map(|number| sequence.note(number));
        use Order::{Duplicate, InOrder, Reordered};
        assert_eq!(
            orders,
            [
                InOrder, InOrder, InOrder, Reordered, Duplicate, Duplicate, Reordered, InOrder
            ]
        );
    }

    #[test]
    fn a_jump_forgets_what_lies_far_behind() {
        let mut sequence = after(&[1, 2, 1_000_000_000_000]);
        assert_eq!(sequence.note(3), Order::Forgotten);
        assert_eq!(sequence.note(0), Order::Forgotten);
        assert_eq!(sequence.note(1_000_000_000_000 - 127), Order::Reordered);
        assert_eq!(sequence.note(u64::MAX), Order::InOrder);
        assert_eq!(sequence.note(u64::MAX), Order::Duplicate);
        assert_eq!(sequence.unique(), 5);
    }

    proptest! {
        /// Leaps of any length, within what is remembered and beyond it.
        #[test]
        fn after_a_leap_what_is_remembered_is_right(leaps in prop::collection::vec(1_u64..150, 1..50)) {
            let (mut sequence, mut came) = (Sequence::remembering(128), HashSet::new());
            for leap in leaps {
                let number = sequence.highest() + leap;
                sequence.note(number);
                came.insert(number);
            }
            let highest = sequence.highest();
            for number in highest.saturating_sub(127).max(1)..=highest {
                let expected = if came.contains(&number) { Order::Duplicate } else { Order::Reordered };
                prop_assert_eq!(sequence.clone().note(number), expected, "{}", number);
            }
        }

        #[test]
        fn counts_are_those_of_an_endless_memory(numbers in prop::collection::vec(1_u64..120, 0..300)) {
            let sequence = after(&numbers);
            let (mut seen, mut highest, mut reordered) = (HashSet::new(), 0, 0);
            for &number in &numbers {
                if seen.insert(number) && number < highest {
                    reordered += 1;
                }
                highest = highest.max(number);
            }
            prop_assert_eq!(sequence.highest(), highest);
            prop_assert_eq!(sequence.unique(), seen.len() as u64);
            prop_assert_eq!(sequence.reordered(), reordered);
            prop_assert_eq!(sequence.duplicates(), (numbers.len() - seen.len()) as u64);
            prop_assert_eq!(sequence.forgotten(), 0);
        }

        #[test]
        fn hostile_numbers_never_panic(numbers: Vec<u64>) {
            let sequence = after(&numbers);
            let noted = sequence.unique() + sequence.duplicates() + sequence.forgotten();
            prop_assert_eq!(noted, numbers.len() as u64);
        }
    }
}
