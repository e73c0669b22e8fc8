//! Why a text is no expression, with the word that was probably meant.

use thiserror::Error;

use super::{nearest::nearest, parse::MAX_EXPRESSION_BYTES};

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExpressionError {
    /// Not of the form at all.
    #[error(
        "write metric[.aggregate] op value[unit] [per entity], such as 'loss > 0.1%' or 'latency.p99 > 500ms per receiver'"
    )]
    Form,
    /// Longer than any sensible expression.
    #[error("{bytes} bytes long, at most {MAX_EXPRESSION_BYTES} are allowed")]
    TooLong {
        /// Its length, bytes.
        bytes: usize,
    },
    /// A metric, aggregate or entity that does not exist.
    #[error("unknown {what} {word:?}{}{}", did_you_mean(.meant), one_of(.known))]
    Unknown {
        /// What the word stands for.
        what: &'static str,
        /// The word.
        word: String,
        /// The nearest valid word.
        meant: Option<String>,
        /// All valid words.
        known: Vec<String>,
    },
    /// A percentile that cannot be, or that reports do not hold.
    #[error("{0}")]
    Percentile(String),
    /// A series without aggregate.
    #[error("{metric} is a series of durations: say which of them, such as {metric}.p99 or {metric}.max")]
    NoAggregate {
        /// The metric.
        metric: &'static str,
    },
    /// An aggregate of a single number.
    #[error("{metric} is one number and has no .{aggregate}: write {metric}")]
    NoSeries {
        /// The metric.
        metric: &'static str,
        /// The aggregate asked for.
        aggregate: String,
    },
    /// A number that does not fit the metric.
    #[error("{value:?} is no value of {quantity}: {hint}")]
    Value {
        /// The value as written.
        value: String,
        /// The quantity.
        quantity: String,
        /// What to write.
        hint: String,
    },
    /// A metric that is not known of that entity.
    #[error("{metric} is not known per {scope}, only {}", .known.join(", "))]
    Scope {
        /// The metric.
        metric: &'static str,
        /// The entity asked for.
        scope: &'static str,
        /// Of what it is known.
        known: Vec<String>,
    },
}

fn did_you_mean(meant: &Option<String>) -> String {
    meant
        .as_ref()
        .map_or(String::new(), |meant| format!(": did you mean {meant}?"))
}

pub(super) fn one_of(known: &[String]) -> String {
    format!(" (there are {})", known.join(", "))
}

/// A word that is none of `known`.
pub(super) fn unknown(what: &'static str, word: &str, known: Vec<String>) -> ExpressionError {
    ExpressionError::Unknown {
        what,
        word: word.to_owned(),
        meant: nearest(word, known.iter().map(String::as_str)).map(str::to_owned),
        known,
    }
}
