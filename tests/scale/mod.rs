//! `tcp-server` under many clients, and at the limits of its machine.
//!
//! - `crowd`: as many clients as a process may have descriptors for
//! - `hostile`: honest clients beside thousands that never read, drip, reset and leave
//! - `turns`: clients that stream leave room for others
//! - `churn`: thousands of visits leave nothing behind
//! - `drain`: SIGTERM in the middle of a thousand transfers
//! - `starts`: many starts and stops
//! - `memory`: clients that do not read, where memory is short
//! - `places`, `descriptors`, `threads`: more clients than there are of these

mod churn;
mod crowd;
mod descriptors;
mod drain;
mod hostile;
mod memory;
mod places;
mod starts;
mod threads;
mod turns;
