//! Gates of the user: expressions over everything a report holds. `docs/gates.md` is the manual.

mod command;
mod evaluate;
mod expression;
pub(crate) mod facts;
mod file;
pub(crate) mod measure;
pub(crate) mod metric;
mod nearest;

pub use command::GateArgs;
pub(crate) use command::run_gate;
#[cfg(test)]
pub(crate) use {evaluate::apply, expression::Expression};
