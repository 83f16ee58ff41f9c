//! The lesson that `--explain` tells: true to the calls, in both languages, step by step.

mod calls;
mod experiments;
mod narration;
mod transcript;
