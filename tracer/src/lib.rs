//! Reads the event logs of a run, joins what was published with what was received, and judges it.
//!
//! `docs/measuring.md` defines every word of the report. The way of the data, one module a step: [`input`] finds the
//! files, `load` and `collect` turn lines into records (`model`), `select` chooses the run, `inspect` its logs, `join`
//! makes the book of what was published, `receivers`, `arrivals` and `judge` build the sets of each receiver, `place` says
//! where a message was lost, [`latency`] takes percentiles (`tally` and `narrowing` those of the whole run, whose
//! values are never kept), `verdict` compares with the limits, and [`mod@report`] holds and shows the result.
//! Receivers are judged at the same time (`parallel`) and put together in their order.

mod arrivals;
pub mod cli;
pub mod clock;
mod collect;
mod deliveries;
pub mod diff;
pub mod exit_code;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod gate;
mod hashes;
mod help;
pub mod input;
mod inspect;
mod join;
mod judge;
pub mod latency;
mod load;
pub mod logs;
mod model;
mod narrowing;
pub mod node_log;
pub mod options;
mod parallel;
pub mod place;
mod progress;
mod publish;
pub mod ranges;
mod receivers;
mod renumbering;
pub mod report;
mod run;
pub mod schema;
mod select;
pub mod series;
mod sieve;
mod symbols;
mod tally;
#[cfg(test)]
mod tests;
pub mod trace;
mod units;
mod verdict;
mod ways;

pub use exit_code::ExitCode;
pub use input::InputError as Error;
pub use options::Options;
pub use report::{Report, TextStyle, Verdict, render_json, render_text};
pub use run::{report, run, run_cli};
