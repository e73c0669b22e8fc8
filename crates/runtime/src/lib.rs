//! What every role of the tester shares besides the network and the event log: exit codes, configuration, units,
//! signals, the health and metrics endpoint, progress, logging, readiness, and escaping for the terminal.

pub mod config;
pub mod escape;
pub mod exit_code;
pub mod http;
#[cfg(feature = "light-client")]
pub mod light;
pub mod logging;
pub mod progress;
pub mod ready;
pub mod signals;
pub mod terminal;
pub mod threads;
pub mod units;
pub mod version;

pub use exit_code::ExitCode;
pub use signals::Shutdown;
