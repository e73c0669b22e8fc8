//! The publisher: pushes numbered test messages by lightpush on an open-loop schedule and logs every attempt.
//!
//! [`main_with`] is the whole program; `main.rs` and `lpt publisher` both call it.

pub mod args;
mod attempt;
mod client;
#[cfg(test)]
mod client_tests;
pub mod engine;
pub mod link;
pub mod message;
pub mod metrics;
pub mod nodes;
mod program;
pub mod retry;
pub mod schedule;
mod sending;
pub mod settings;
#[cfg(test)]
mod test_bench;
mod turning;

pub use args::{Args, command};
pub use program::{main_with, run};
pub use settings::{Settings, UsageError};
