//! The receiver: subscribes by filter at service nodes and logs every arrival and every gap in its own presence.
//!
//! [`main_with`] is the whole program; `main.rs` and `lpt receiver` both call it.

pub mod args;
mod client;
#[cfg(test)]
mod client_tests;
mod deliveries;
#[cfg(test)]
mod delivery_tests;
pub mod ending;
pub mod engine;
pub mod link;
mod mailbox;
pub mod metrics;
mod presence;
mod program;
#[cfg(test)]
mod rest_tests;
mod seen;
pub mod settings;
mod slot;
mod statistics;
#[cfg(test)]
mod test_bench;
mod upkeep;

pub use args::{Args, command};
pub use program::{main_with, run};
pub use settings::{Settings, UsageError};
