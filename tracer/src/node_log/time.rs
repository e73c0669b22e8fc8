//! Times in the forms of nwaku and go-waku, to nanoseconds since the Unix epoch.

const NS_PER_SECOND: i64 = 1_000_000_000;

/// A date and a time of day with a zone: `2025-11-20 13:06:16.015+00:00`, `2023-05-03T10:22:01.526-0400`,
/// `…T10:22:01Z`, with any number of fractional digits. Returns the time and the bytes it takes.
pub(super) fn parse_local(text: &[u8]) -> Option<(i64, usize)> {
    let fixed = text.get(..19)?;
    if fixed[4] != b'-' || fixed[7] != b'-' || fixed[13] != b':' || fixed[16] != b':' {
        return None;
    }
    if fixed[10] != b' ' && fixed[10] != b'T' {
        return None;
    }
    let (year, month, day) = (digits(&fixed[..4])?, digits(&fixed[5..7])?, digits(&fixed[8..10])?);
    let (hour, minute, second) = (
        digits(&fixed[11..13])?,
        digits(&fixed[14..16])?,
        digits(&fixed[17..19])?,
    );
    // 1678 and 2262 are the ends of 64-bit nanoseconds.
    if !(1700..2262).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction_ns, mut end) = fraction(text, 19);
    let offset_s = zone(text.get(end..)?, &mut end)?;
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset_s;
    Some((seconds * NS_PER_SECOND + fraction_ns, end))
}

/// Remembers the minute and the zone of a time: the next line mostly has the same.
#[derive(Debug, Default)]
pub(super) struct RecentMinute(Option<Minute>);

#[derive(Debug)]
struct Minute {
    /// `YYYY-MM-DD hh:mm:`
    text: [u8; MINUTE_BYTES],
    /// The zone as it stands behind the milliseconds.
    zone: Vec<u8>,
    /// When the minute began.
    from_ns: i64,
}

/// Bytes of `YYYY-MM-DD hh:mm:`.
const MINUTE_BYTES: usize = 17;

/// Bytes of `YYYY-MM-DD hh:mm:ss.mmm`.
const MILLIS_BYTES: usize = 23;

impl RecentMinute {
    /// What [`parse_local`] gives.
    #[inline]
    pub(super) fn parse(&mut self, text: &[u8]) -> Option<(i64, usize)> {
        self.recall(text).or_else(|| {
            let (at_ns, end) = parse_local(text)?;
            self.0 = Minute::new(text, at_ns, end);
            Some((at_ns, end))
        })
    }

    #[inline]
    fn recall(&self, text: &[u8]) -> Option<(i64, usize)> {
        let minute = self.0.as_ref()?;
        let known = text.starts_with(&minute.text) && text.get(MILLIS_BYTES..)?.starts_with(&minute.zone);
        let within_ns = known.then(|| within_minute(text))??;
        Some((minute.from_ns + within_ns, MILLIS_BYTES + minute.zone.len()))
    }
}

impl Minute {
    /// The minute of a time of `end` bytes; `None` when it has no milliseconds in three digits.
    fn new(text: &[u8], at_ns: i64, end: usize) -> Option<Self> {
        let within_ns = within_minute(text)?;
        let zone = text.get(MILLIS_BYTES..end)?;
        // A fourth digit belongs to the fraction.
        let is_zone = zone.first().is_some_and(|byte| !byte.is_ascii_digit());
        is_zone.then_some(Self {
            text: *text.first_chunk()?,
            zone: zone.to_vec(),
            from_ns: at_ns - within_ns,
        })
    }
}

/// Nanoseconds since the minute of `YYYY-MM-DD hh:mm:ss.mmm`.
#[inline]
fn within_minute(text: &[u8]) -> Option<i64> {
    let [tens, ones, b'.', millis @ ..] = text.get(MINUTE_BYTES..MILLIS_BYTES)? else {
        return None;
    };
    let (seconds, millis) = (digits(&[*tens, *ones])?, digits(millis)?);
    (seconds <= 60).then_some(seconds * NS_PER_SECOND + millis * 1_000_000)
}

fn fraction(text: &[u8], from: usize) -> (i64, usize) {
    if text.get(from) != Some(&b'.') {
        return (0, from);
    }
    let (mut ns, mut scale, mut end) = (0, NS_PER_SECOND / 10, from + 1);
    while let Some(digit) = text.get(end).filter(|byte| byte.is_ascii_digit()) {
        ns += i64::from(digit - b'0') * scale;
        scale /= 10;
        end += 1;
    }
    (ns, end)
}

/// Seconds east of Greenwich: `Z`, `+05:30`, `-0400`.
fn zone(text: &[u8], end: &mut usize) -> Option<i64> {
    let sign = match text.first()? {
        b'Z' => {
            *end += 1;
            return Some(0);
        }
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = digits(text.get(1..3)?)?;
    let colon = usize::from(text.get(3) == Some(&b':'));
    let minutes = digits(text.get(3 + colon..5 + colon)?)?;
    *end += 5 + colon;
    (hours <= 14 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

/// An explicit field of nanoseconds since the epoch. Thousands separators (`1,702,038,935,066,015,430`) and a fraction
/// of zeros are accepted; values before 2001 or too large are not times.
pub(super) fn parse_unix_ns(text: &[u8]) -> Option<i64> {
    let mut ns: i64 = 0;
    let whole = text.split(|byte| *byte == b'.').next()?;
    for byte in whole {
        match byte {
            b'0'..=b'9' => ns = ns.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?,
            b',' => {}
            _ => return None,
        }
    }
    (ns >= NS_PER_SECOND * 1_000_000_000).then_some(ns)
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'))
    })
}

/// Days since 1970-01-01 of the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date
/// algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use event_log::Timestamp;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zones_of_both_forms_are_taken_off() {
        let expected: Timestamp = "2025-11-20T13:06:16.015Z".parse().unwrap();
        for text in [
            "2025-11-20 13:06:16.015+00:00",
            "2025-11-20 15:06:16.015+02:00",
            "2025-11-20 18:36:16.015+05:30",
            "2025-11-20T09:06:16.015-0400",
            "2025-11-20T13:06:16.015Z",
        ] {
            let (ns, bytes) = parse_local(format!("{text} rest").as_bytes()).unwrap();
            assert_eq!((ns, bytes), (expected.unix_ns(), text.len()), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2025-11-20",
            "2025-13-20 13:06:16+00:00",
            "2025-11-20 13:06:16",
            "9999-11-20 13:06:16Z",
        ] {
            assert_eq!(parse_local(text.as_bytes()), None, "{text}");
        }
        for text in ["", "12", "1e18", "99999999999999999999", "-1680792206217812224"] {
            assert_eq!(parse_unix_ns(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn thousands_separators_are_passed_over() {
        assert_eq!(
            parse_unix_ns(b"1,702,038,935,066,015,430"),
            Some(1_702_038_935_066_015_430)
        );
    }

    /// A time of one of two minutes, in some form, at times with a byte changed.
    fn time_like() -> impl Strategy<Value = Vec<u8>> {
        let minute = prop_oneof![Just("2025-11-20 13:06:"), Just("2025-11-20T23:59:")];
        let fraction = prop_oneof![4 => "\\.[0-9]{3}", 1 => "(\\.[0-9]{0,9})?"];
        let zone = prop_oneof![Just("+00:00"), Just("-0400"), Just("Z"), Just("+05:30"), Just("")];
        let change = prop_oneof![3 => Just(None), 1 => (0..30_usize, any::<u8>()).prop_map(Some)];
        (minute, 0..62_u8, fraction, zone, "[ 0-9a]{0,2}", change).prop_map(
            |(minute, second, fraction, zone, rest, change)| {
                let mut time = format!("{minute}{second:02}{fraction}{zone}{rest}").into_bytes();
                if let Some((at, byte)) = change
                    && at < time.len()
                {
                    time[at] = byte;
                }
                time
            },
        )
    }

    proptest! {
        #[test]
        fn every_instant_is_read_as_it_was_written(seconds in 0_i64..9_000_000_000) {
            let text = Timestamp::from_unix_ns(seconds * NS_PER_SECOND).to_string();
            let read = parse_local(text.as_bytes()).unwrap();
            prop_assert_eq!(read, (seconds * NS_PER_SECOND, text.len()));
        }

        #[test]
        fn a_minute_remembered_changes_nothing(times in proptest::collection::vec(time_like(), 1..8)) {
            let mut recent = RecentMinute::default();
            for time in times {
                prop_assert_eq!(recent.parse(&time), parse_local(&time), "{}", String::from_utf8_lossy(&time));
            }
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = (parse_local(&bytes), parse_unix_ns(&bytes), RecentMinute::default().parse(&bytes));
        }
    }
}
