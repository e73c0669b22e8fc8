//! Why a text is no size, duration or rate.

/// Why a text is not the quantity it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// No number in front.
    #[error("{text:?} is not a {what}: it must begin with a number, as in {example}")]
    NoNumber {
        /// What was given.
        text: String,
        /// What it should be.
        what: &'static str,
        /// A good value.
        example: &'static str,
    },
    /// A number without a unit where none can be assumed.
    #[error("{text:?} has no unit: say {text}ms or {text}s (only 0 needs none)")]
    MissingUnit {
        /// What was given.
        text: String,
    },
    /// A unit that is not known.
    #[error("{unit:?} in {text:?} is not a unit of a {what}: use {known}, as in {example}")]
    UnknownUnit {
        /// The unit given.
        unit: String,
        /// The whole text.
        text: String,
        /// What it should be.
        what: &'static str,
        /// The units there are.
        known: String,
        /// A good value.
        example: &'static str,
    },
    /// Too large, or not a whole number of the smallest unit.
    #[error("{text:?} is out of range for a {what}: {limit}")]
    OutOfRange {
        /// What was given.
        text: String,
        /// What it should be.
        what: &'static str,
        /// The limit broken.
        limit: &'static str,
    },
}
