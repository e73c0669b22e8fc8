//! How far the clocks of several hosts agree, from the messages themselves: an effect never comes before its cause.
//!
//! `docs/measuring.md` explains the method to users.

mod bounds;
mod constraints;
mod measure;
mod moments;
mod native;
#[cfg(test)]
mod native_tests;
mod observe;
mod offset;
#[cfg(test)]
mod tests;

pub use bounds::{ClockBounds, MAX_CLOCKS};
pub(crate) use measure::measure;
#[cfg(feature = "fuzzing")]
pub(crate) use measure::measure_bytes;
pub(crate) use native::NativeMoment;
pub use observe::MAX_SAMPLED_HASHES;
pub(crate) use observe::{Author, Observer, clock_key};
pub use offset::Clocks;
