//! UDP: datagrams printed and lost, round trips, and sending.
//!
//! # Layout
//!
//! - `burst`: what receivers make of one burst; `receivers` says who they are
//! - `echo`: round trips; `sockperf` with its own pair of programs
//! - `sending`: datagrams sent a second

mod burst;
mod echo;
mod receivers;
mod sending;
mod sockperf;

use crate::experiment::Experiment;
use crate::plan::Plan;
use crate::programs::Programs;

pub(crate) fn experiments(programs: &Programs, plan: &Plan) -> Vec<Experiment> {
    vec![
        burst::experiment(programs, plan),
        echo::experiment(programs, plan),
        sending::experiment(programs, plan),
    ]
}
