//! Sizes, durations and rates as people type them.

use std::{fmt, time::Duration};

/// Most fractional digits of a number; nanoseconds need nine.
const MAX_FRACTION_DIGITS: usize = 9;

/// Most digits before the point. Keeps `number × unit` inside `u128` with room to spare.
const MAX_WHOLE_DIGITS: usize = 20;

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

const RATE_PERIODS_NS: &[(&str, u64)] = &[
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

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

/// A pace: `count` events in each `period_ns`. Kept as a fraction, so that the thousandth due time is as exact as the
/// first; `count` 0 means unpaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Events per period; 0 = as fast as possible.
    pub count: u64,
    /// The period, nanoseconds; never 0.
    pub period_ns: u64,
}

impl Rate {
    /// As fast as possible.
    pub const UNPACED: Self = Self { count: 0, period_ns: 1 };

    /// One event per `interval`; unpaced when it is zero.
    #[must_use]
    pub fn from_interval(interval: Duration) -> Self {
        match u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX) {
            0 => Self::UNPACED,
            period_ns => Self { count: 1, period_ns },
        }
    }

    /// Whether events are due as fast as possible.
    #[must_use]
    pub const fn is_unpaced(self) -> bool {
        self.count == 0
    }

    /// Time between two events, nanoseconds, rounded down; 0 when unpaced.
    #[must_use]
    pub const fn interval_ns(self) -> u64 {
        match self.period_ns.checked_div(self.count) {
            Some(ns) => ns,
            None => 0,
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_unpaced() {
            return f.write_str("as fast as possible");
        }
        write!(f, "one per {:?}", Duration::from_nanos(self.interval_ns()))
    }
}

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

/// A rate from `20/s`, `600/m`, `0.5/s`; a bare number is per second, `0` is as fast as possible.
///
/// # Errors
/// [`UnitError`] with an example.
pub fn parse_rate(text: &str) -> Result<Rate, UnitError> {
    const WHAT: &str = "rate";
    const EXAMPLE: &str = "20/s";
    let (number, rest) = split_number(text, WHAT, EXAMPLE)?;
    let period_ns = match rest.strip_prefix('/') {
        Some(unit) => find_unit(RATE_PERIODS_NS, unit.trim(), text, WHAT, EXAMPLE)?,
        None if rest.is_empty() => 1_000_000_000,
        None => find_unit(RATE_PERIODS_NS, rest, text, WHAT, EXAMPLE)?,
    };
    if number.mantissa == 0 {
        return Ok(Rate::UNPACED);
    }
    let limit = "it must be at most a billion per second and at least one a day";
    let out_of_range = || UnitError::OutOfRange {
        text: text.to_owned(),
        what: WHAT,
        limit,
    };
    // 0.5/s is 5 in 10 s: the fraction moves into the period.
    let period_ns = 10_u64
        .pow(number.scale)
        .checked_mul(period_ns)
        .ok_or_else(out_of_range)?;
    let count = u64::try_from(number.mantissa).map_err(|_| out_of_range())?;
    let day_ns = 86_400_000_000_000_u64;
    Some(Rate { count, period_ns })
        .filter(|rate| rate.count <= rate.period_ns && rate.interval_ns() <= day_ns)
        .ok_or_else(out_of_range)
}

/// `mantissa / 10^scale`.
#[derive(Debug, Clone, Copy)]
struct Decimal {
    mantissa: u128,
    scale: u32,
}

impl Decimal {
    /// `self × factor`, when that is a whole number.
    fn times(self, factor: u128) -> Option<u128> {
        let product = self.mantissa.checked_mul(factor)?;
        let divisor = 10_u128.pow(self.scale);
        (product % divisor == 0).then_some(product / divisor)
    }
}

/// Splits `1.5 KiB` into the number and the unit.
fn split_number<'a>(text: &'a str, what: &'static str, example: &'static str) -> Result<(Decimal, &'a str), UnitError> {
    let trimmed = text.trim();
    let end = trimmed
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(trimmed.len());
    let (digits, unit) = trimmed.split_at(end);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let no_number = || UnitError::NoNumber {
        text: text.to_owned(),
        what,
        example,
    };
    if whole.is_empty() || digits.ends_with('.') || fraction.contains('.') {
        return Err(no_number());
    }
    if whole.len() > MAX_WHOLE_DIGITS || fraction.len() > MAX_FRACTION_DIGITS {
        let limit = "it must have at most 20 digits before the point and 9 behind";
        return Err(UnitError::OutOfRange {
            text: text.to_owned(),
            what,
            limit,
        });
    }
    let fraction = fraction.trim_end_matches('0');
    let mantissa = format!("{whole}{fraction}").parse().map_err(|_| no_number())?;
    let scale = u32::try_from(fraction.len()).map_err(|_| no_number())?;
    Ok((Decimal { mantissa, scale }, unit.trim()))
}

fn find_unit<T: Copy>(
    units: &[(&str, T)],
    unit: &str,
    text: &str,
    what: &'static str,
    example: &'static str,
) -> Result<T, UnitError> {
    let known = || units.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    units
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))
        .map(|(_, value)| *value)
        .ok_or_else(|| UnitError::UnknownUnit {
            unit: unit.to_owned(),
            text: text.to_owned(),
            what,
            known: known(),
            example,
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("512", 512),
            ("10B", 10),
            ("2KB", 2_000),
            ("2KiB", 2_048),
            ("2 kib", 2_048),
            ("1.5MiB", 1_572_864),
            ("150KiB", 153_600),
            ("1MB", 1_000_000),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for bad in [
            "",
            "KiB",
            "1..5KB",
            "1.",
            ".5KB",
            "-1",
            "1.0001KB",
            "1 parsec",
            "99999999999GiB",
            "1e3",
        ] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations() {
        for (text, ms) in [
            ("250ms", 250),
            ("5s", 5_000),
            ("1.5s", 1_500),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("0", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for bad in ["", "s", "1.5ns", "1w", "11000d", "-5s", "5 5s"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bare_number_is_no_duration_and_the_error_says_what_to_write() {
        let error = parse_duration("500").expect_err("must be refused").to_string();
        assert_eq!(error, "\"500\" has no unit: say 500ms or 500s (only 0 needs none)");
    }

    #[test]
    fn unknown_unit_lists_the_known_ones() {
        let error = parse_duration("5 sec").expect_err("must be refused").to_string();
        assert_eq!(
            error,
            "\"sec\" in \"5 sec\" is not a unit of a duration: use ns, us, ms, s, m, h, d, as in 500ms or 2m"
        );
    }

    #[test]
    fn rates() {
        let second_ns = 1_000_000_000;
        for (text, count, period_ns) in [
            ("20/s", 20, second_ns),
            ("20", 20, second_ns),
            ("600/m", 600, 60 * second_ns),
            ("0.5/s", 5, 10 * second_ns),
            ("2.50/s", 25, 10 * second_ns),
        ] {
            assert_eq!(parse_rate(text), Ok(Rate { count, period_ns }), "{text}");
        }
        assert_eq!(parse_rate("0"), Ok(Rate::UNPACED));
        assert_eq!(parse_rate("0/s"), Ok(Rate::UNPACED));
        for bad in ["", "/s", "20/", "20/week", "2000000000/s", "0.000001/h", "20//s"] {
            assert!(parse_rate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn interval_of_a_rate() {
        assert_eq!(
            Rate {
                count: 3,
                period_ns: 1_000_000_000
            }
            .interval_ns(),
            333_333_333
        );
        assert_eq!(
            Rate::from_interval(Duration::from_millis(5)),
            Rate {
                count: 1,
                period_ns: 5_000_000
            }
        );
        assert_eq!(Rate::from_interval(Duration::ZERO).interval_ns(), 0);
    }

    proptest! {
        #[test]
        fn parsers_never_panic(text in any::<String>()) {
            let _ = (parse_size(&text), parse_duration(&text), parse_rate(&text));
        }

        #[test]
        fn number_like_text_never_panics(text in "[0-9]{0,25}\\.?[0-9]{0,12} ?/?[a-zA-Z]{0,3}") {
            let _ = (parse_size(&text), parse_duration(&text), parse_rate(&text));
        }

        #[test]
        fn whole_bytes_round_trip(bytes in any::<u64>()) {
            prop_assert_eq!(parse_size(&bytes.to_string()), Ok(bytes));
            prop_assert_eq!(parse_size(&format!("{bytes}B")), Ok(bytes));
        }
    }
}
