//! Durations as users write and read them.

/// Reads `250ms`, `5s`, `2m`, `1h`, `0`; also `us` and `ns`. The result is in nanoseconds.
///
/// # Errors
/// What is wrong with the text, with an example.
pub(crate) fn parse_duration_ns(text: &str) -> Result<i64, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_ns: u64 = match unit {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "" if number == "0" => 1,
        "" => return Err("a duration needs a unit, such as 250ms, 5s or 2m".to_owned()),
        other => {
            return Err(format!(
                "unknown unit {other:?}: use ns, us, ms, s, m or h, such as 250ms"
            ));
        }
    };
    let number: f64 = number
        .parse()
        .map_err(|_| format!("{number:?} is no number: write for example 250ms"))?;
    let ns = number * unit_ns as f64;
    // Beyond this a nanosecond count no longer fits; it is 292 years.
    if ns >= i64::MAX as f64 {
        return Err("longer than 292 years".to_owned());
    }
    Ok(ns.round() as i64)
}

/// A duration with three significant digits and the unit that suits it.
pub(crate) fn show_ns(ns: i64) -> String {
    let magnitude = ns.unsigned_abs() as f64;
    let sign = if ns < 0 { "-" } else { "" };
    let (value, unit) = match ns.unsigned_abs() {
        0 => return "0".to_owned(),
        1..1_000 => return format!("{ns} ns"),
        1_000..999_500 => (magnitude / 1e3, "µs"),
        999_500..999_500_000 => (magnitude / 1e6, "ms"),
        999_500_000..600_000_000_000 => (magnitude / 1e9, "s"),
        600_000_000_000..36_000_000_000_000 => (magnitude / 60e9, "min"),
        _ => (magnitude / 3600e9, "h"),
    };
    let digits = match value {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{sign}{value:.digits$} {unit}")
}

/// The same with its sign, `+1.00 ms`.
pub(crate) fn show_signed_ns(ns: i64) -> String {
    format!("{}{}", if ns > 0 { "+" } else { "" }, show_ns(ns))
}

/// A number of things: `1 line`, `2 lines`.
pub(crate) fn show_count(count: u64, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

/// A number with at most three decimals and no idle zeros.
pub(crate) fn show_number(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, ns) in [
            ("0", 0),
            ("7ns", 7),
            ("2us", 2_000),
            ("250ms", 250_000_000),
            ("1.5s", 1_500_000_000),
            ("2m", 120_000_000_000),
            ("1h", 3_600_000_000_000),
        ] {
            assert_eq!(parse_duration_ns(text), Ok(ns), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_an_example() {
        for text in [
            "",
            "5",
            "5 s",
            "-5s",
            "5x",
            "s",
            "1.2.3s",
            "99999999999999h",
            "nan",
            "1e9s",
        ] {
            assert!(parse_duration_ns(text).is_err(), "{text}");
        }
        assert!(parse_duration_ns("5").unwrap_err().contains("250ms"));
    }

    #[test]
    fn one_thing_is_no_plural() {
        let shown = [0, 1, 2].map(|count| show_count(count, "line"));
        assert_eq!(shown, ["0 lines", "1 line", "2 lines"]);
    }

    #[test]
    fn numbers_are_shown_without_idle_zeros() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0001, "0"),
            (50.0, "50"),
            (0.125, "0.125"),
            (-1.5, "-1.5"),
            (100.0, "100"),
        ] {
            assert_eq!(show_number(value), text);
        }
    }

    #[test]
    fn durations_are_shown_with_three_digits() {
        for (ns, text) in [
            (0, "0"),
            (999, "999 ns"),
            (-5, "-5 ns"),
            (1_000, "1.00 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (12_345_678, "12.3 ms"),
            (-1_500_000_000, "-1.50 s"),
            (599_000_000_000, "599 s"),
            (3_600_000_000_000, "60.0 min"),
            (i64::MIN, "-2562048 h"),
        ] {
            assert_eq!(show_ns(ns), text);
        }
    }
}
