//! A comparison, as data. `docs/diff.schema.json` is generated from here.

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::Verdict;

/// Version of the structure: changes when a field changes its meaning or goes.
pub const DIFF_VERSION: u32 = 2;

/// Probability of calling noise a change, over all tests of one comparison together.
pub const SIGNIFICANCE: f64 = 0.01;

/// What a change means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Better, beyond the noise.
    Better,
    /// Worse, beyond the noise.
    Worse,
    /// Not beyond the noise.
    Noise,
    /// Nothing was tested.
    NotTested,
}

/// The test behind a row.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Test {
    /// `fisher_exact`, or `order_statistics` (of percentiles).
    pub name: &'static str,
    /// Two-sided, of this test alone.
    pub p_value: f64,
    /// The same, corrected by Holm's method for the number of tests.
    pub adjusted_p_value: f64,
    /// 99 % interval of the measured change; of percentiles alone.
    pub interval: Option<[f64; 2]>,
}

/// One quantity on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Row {
    /// The quantity, as in an expression.
    pub quantity: String,
    /// `run`, or the receiver or publisher.
    pub scope: String,
    /// `%`, `ms` or `count`.
    pub unit: &'static str,
    /// Value before; absent where there is none.
    pub before: Option<f64>,
    /// Value after; absent where there is none.
    pub after: Option<f64>,
    /// After less before.
    pub difference: Option<f64>,
    /// The test, where there is one.
    pub test: Option<Test>,
    /// Why there is no test.
    pub not_tested: Option<&'static str>,
    /// What it means.
    pub change: Change,
}

/// One side, in words.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SideSummary {
    /// Path as given.
    pub path: String,
    /// Run id.
    pub run: Option<String>,
    /// Verdict of its report.
    pub verdict: Verdict,
    /// `logs` or `report`.
    pub source: &'static str,
}

/// A comparison of two runs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// [`DIFF_VERSION`].
    pub diff_version: u32,
    /// The first side.
    pub before: SideSummary,
    /// The second side.
    pub after: SideSummary,
    /// `worse` if any row is, else `better` if any row is, else `noise`; `not_tested` if no row was tested.
    pub change: Change,
    /// Why it cannot be said that nothing is worse: what was not tested, what the logs do not tell. Empty when it can be
    /// said, as far as `change` does.
    pub open: Vec<String>,
    /// [`SIGNIFICANCE`].
    pub significance: f64,
    /// The quantities: of the run first, then loss by receiver, then the publishers.
    pub rows: Vec<Row>,
    /// What to know about it.
    pub notes: Vec<String>,
}
