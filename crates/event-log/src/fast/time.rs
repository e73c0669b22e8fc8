//! `2026-03-01T12:00:03.051042000Z` as it is written: fixed width, nine fractional digits, UTC.

use chrono::NaiveDate;

use super::cursor::Cursor;
use crate::timestamp::Timestamp;

const NS_PER_SECOND: i64 = 1_000_000_000;

/// Years that surely fit into a [`Timestamp`]; the strict reader takes care of the edges.
const YEARS: std::ops::RangeInclusive<u32> = 1678..=2261;

/// The minute read last: nearly every time of a log lies in the minute of the one before.
#[derive(Debug, Clone, Default)]
pub(super) struct LastMinute {
    text: [u8; 16],
    unix_ns: i64,
}

impl LastMinute {
    /// Reads a time and the quote after it.
    #[inline(always)]
    pub(super) fn read(&mut self, cursor: &mut Cursor<'_>) -> Option<Timestamp> {
        let text = cursor.bytes::<16>()?;
        if *text != self.text {
            self.unix_ns = minute_ns(text)?;
            self.text = *text;
        }
        let [b':', s1, s0, b'.', n8, n7, n6, n5, n4, n3, n2, n1, n0, b'Z', b'"'] = cursor.bytes::<15>()? else {
            return None;
        };
        let second = number(&[*s1, *s0])?;
        if second > 59 {
            return None;
        }
        let high = eight_digits(u64::from_le_bytes([*n8, *n7, *n6, *n5, *n4, *n3, *n2, *n1]))?;
        let fraction_ns = high * 10 + number(&[*n0])?;
        let unix_ns = self.unix_ns + i64::from(second) * NS_PER_SECOND + i64::from(fraction_ns);
        Some(Timestamp::from_unix_ns(unix_ns))
    }
}

/// Unix time of `YYYY-MM-DDTHH:MM`.
#[cold]
fn minute_ns(text: &[u8; 16]) -> Option<i64> {
    let [y3, y2, y1, y0, b'-', m1, m0, b'-', d1, d0, b'T', h1, h0, b':', i1, i0] = text else {
        return None;
    };
    let year = number(&[*y3, *y2, *y1, *y0]).filter(|year| YEARS.contains(year))?;
    let (month, day) = (number(&[*m1, *m0])?, number(&[*d1, *d0])?);
    let (hour, minute) = (number(&[*h1, *h0])?, number(&[*i1, *i0])?);
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    Some(date.and_hms_opt(hour, minute, 0)?.and_utc().timestamp() * NS_PER_SECOND)
}

#[inline(always)]
fn number(digits: &[u8]) -> Option<u32> {
    let mut value = 0;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u32::from(digit);
    }
    Some(value)
}

/// Eight digits, the first in the lowest byte.
#[inline(always)]
fn eight_digits(text: u64) -> Option<u32> {
    let digits = text ^ 0x3030_3030_3030_3030;
    // A digit is below ten: adding six leaves its high nibble empty. Nothing carries: 0x7f + 6 stays in its byte.
    if (digits & 0x8080_8080_8080_8080) | ((digits + 0x0606_0606_0606_0606) & 0xf0f0_f0f0_f0f0_f0f0) != 0 {
        return None;
    }
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let quads = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    u32::try_from((quads * 10_000 + (quads >> 32)) & 0xffff_ffff).ok()
}
