//! Two runs side by side, and whether the change exceeds the noise. `docs/gates.md` explains the tests.

mod bootstrap;
mod command;
mod compare;
mod fisher;
mod model;
mod render;
mod rows;
mod side;

pub use command::DiffArgs;
pub(crate) use command::run_diff;
pub use model::{Change, Comparison, DIFF_VERSION, Row, SIGNIFICANCE, SideSummary, Test};
pub use side::SideError;
#[cfg(feature = "fuzzing")]
pub(crate) use {command::show, side::of_json};
#[cfg(test)]
pub(crate) use {compare::compare_archives, render::text as render_text};
