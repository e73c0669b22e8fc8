//! Sizes and durations.

use std::time::Duration;

use super::{
    UnitError,
    number::{find_unit, split_number},
};

/// Longest duration taken. Far beyond any run, and far inside what timers can hold.
const MAX_DURATION: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

const SIZE_UNITS: &[(&str, u128)] = &[
    ("b", 1),
    ("kb", 1_000),
    ("kib", 1 << 10),
    ("mb", 1_000_000),
    ("mib", 1 << 20),
    ("gb", 1_000_000_000),
    ("gib", 1 << 30),
];

const DURATION_UNITS_NS: &[(&str, u128)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Bytes from `512`, `10B`, `2KB` (1000), `2KiB` (1024), `1.5MiB`. Case does not matter.
///
/// # Errors
/// [`UnitError`] with an example.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    const WHAT: &str = "size";
    const EXAMPLE: &str = "10KiB";
    let (number, unit) = split_number(text, WHAT, EXAMPLE)?;
    let scale = if unit.is_empty() {
        1
    } else {
        find_unit(SIZE_UNITS, unit, text, WHAT, EXAMPLE)?
    };
    let limit = "it must be a whole number of bytes below 16 EiB";
    let out_of_range = || UnitError::OutOfRange {
        text: text.to_owned(),
        what: WHAT,
        limit,
    };
    number
        .times(scale)
        .and_then(|bytes| u64::try_from(bytes).ok())
        .ok_or_else(out_of_range)
}

/// A duration from `250ms`, `5s`, `1.5s`, `2m`, `1h`; `0` alone needs no unit.
///
/// # Errors
/// [`UnitError`] with an example.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    const WHAT: &str = "duration";
    const EXAMPLE: &str = "500ms or 2m";
    let (number, unit) = split_number(text, WHAT, EXAMPLE)?;
    if unit.is_empty() {
        return if number.mantissa == 0 {
            Ok(Duration::ZERO)
        } else {
            Err(UnitError::MissingUnit {
                text: text.trim().to_owned(),
            })
        };
    }
    let scale_ns = find_unit(DURATION_UNITS_NS, unit, text, WHAT, EXAMPLE)?;
    let limit = "it must be a whole number of nanoseconds and at most 10 years";
    let out_of_range = || UnitError::OutOfRange {
        text: text.to_owned(),
        what: WHAT,
        limit,
    };
    let ns = number
        .times(scale_ns)
        .and_then(|ns| u64::try_from(ns).ok())
        .ok_or_else(out_of_range)?;
    Some(Duration::from_nanos(ns))
        .filter(|duration| *duration <= MAX_DURATION)
        .ok_or_else(out_of_range)
}
