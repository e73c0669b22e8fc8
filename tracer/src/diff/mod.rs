//! Two runs side by side, and whether the change exceeds the noise. `docs/gates.md` explains the tests.

mod bootstrap;
mod command;
mod compare;
mod fisher;
mod render;
mod side;

pub use command::DiffArgs;
pub(crate) use command::run_diff;
pub use compare::{Change, Comparison, Row, SIGNIFICANCE, SideSummary, Test};
pub use side::SideError;
#[cfg(test)]
pub(crate) use {compare::compare_archives, render::text as render_text};
