//! Two runs side by side, and whether the change exceeds the noise. `docs/gates.md` explains the tests.

mod command;
mod compare;
mod fisher;
mod model;
mod quantile;
mod render;
mod rows;
mod side;
mod values;

/// Most messages or deliveries of a side that are tested: ten times what one run has brought so far. Work and memory of the
/// tests grow with the square root, and a report on disk may claim any number.
const MAX_TESTED: u64 = 1 << 30;

pub use command::DiffArgs;
pub(crate) use command::run_diff;
#[cfg(feature = "fuzzing")]
pub(crate) use command::show;
pub use model::{Change, Comparison, DIFF_VERSION, Row, SIGNIFICANCE, SideSummary, Test};
pub use side::SideError;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use side::of_json;
#[cfg(test)]
pub(crate) use {
    command::judge,
    compare::{compare, compare_archives},
    render::text as render_text,
};
