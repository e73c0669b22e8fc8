//! Gates of the user: expressions over everything a report holds. `docs/gates.md` is the manual.

mod command;
mod error;
mod evaluate;
mod expression;
pub(crate) mod facts;
mod file;
mod fresh;
pub(crate) mod measure;
pub(crate) mod metric;
mod nearest;
mod pairs;
mod parse;
pub(crate) mod range;
mod stored;

pub use command::GateArgs;
pub(crate) use command::run_gate;
#[cfg(test)]
pub(crate) use evaluate::apply;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use expression::Expression;
#[cfg(test)]
pub(crate) use file::GatesFileError;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use file::parse_any as parse_file;
