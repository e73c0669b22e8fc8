//! What people type, and what it means.

use std::time::Duration;

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
