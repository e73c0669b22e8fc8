//! Sizes, durations and rates as people type them.

mod error;
mod number;
mod quantity;
mod rate;
#[cfg(test)]
mod tests;

pub use error::UnitError;
pub use quantity::{parse_duration, parse_size};
pub use rate::{Rate, parse_rate};
