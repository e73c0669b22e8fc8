//! A place in a line, moved on by what is found there.

/// High bit of each of eight bytes.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
/// Low bit of each of eight bytes.
const LOW_BITS: u64 = 0x0101_0101_0101_0101;

/// Reads a line from the left. Every method is `None` (or `false`) when something else stands there.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self { line, at: 0 }
    }

    #[inline(always)]
    fn rest(&self) -> &'a [u8] {
        &self.line.as_bytes()[self.at..]
    }

    /// Steps over `text` if it stands here.
    #[inline(always)]
    pub(super) fn take(&mut self, text: &str) -> bool {
        let there = self.rest().starts_with(text.as_bytes());
        if there {
            self.at += text.len();
        }
        there
    }

    #[inline(always)]
    pub(super) fn expect(&mut self, text: &str) -> Option<()> {
        self.take(text).then_some(())
    }

    /// The next `N` bytes.
    #[inline(always)]
    pub(super) fn bytes<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let bytes = self.rest().first_chunk::<N>()?;
        self.at += N;
        Some(bytes)
    }

    /// What stands up to the next quote, which is stepped over. No escapes, no control characters.
    #[inline(always)]
    pub(super) fn until_quote(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let mut length_bytes = 0;
        while let Some(eight) = rest.get(length_bytes..).and_then(|rest| rest.first_chunk::<8>()) {
            let found = special(u64::from_le_bytes(*eight));
            if found != 0 {
                length_bytes += (found.trailing_zeros() / 8) as usize;
                return self.end_string(length_bytes);
            }
            length_bytes += 8;
        }
        length_bytes += rest[length_bytes..]
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
        self.end_string(length_bytes)
    }

    #[inline(always)]
    fn end_string(&mut self, length_bytes: usize) -> Option<&'a str> {
        let end = self.at + length_bytes;
        if self.line.as_bytes()[end] != b'"' {
            return None;
        }
        let text = self.line.get(self.at..end)?;
        self.at = end + 1;
        Some(text)
    }

    /// A number without sign, fraction, exponent or leading zeros, at most nineteen digits.
    #[inline(always)]
    pub(super) fn integer(&mut self) -> Option<u64> {
        const MAX_DIGITS: usize = 19;
        let rest = self.rest();
        let mut value = 0_u64;
        let mut digits = 0;
        while let Some(digit) = rest
            .get(digits)
            .map(|byte| byte.wrapping_sub(b'0'))
            .filter(|digit| *digit < 10)
        {
            if digits == MAX_DIGITS {
                return None;
            }
            value = value * 10 + u64::from(digit);
            digits += 1;
        }
        if digits == 0 || (digits > 1 && rest[0] == b'0') {
            return None;
        }
        self.at += digits;
        Some(value)
    }

    #[inline(always)]
    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.line.len()
    }
}

/// Marks the high bit of bytes that are a quote, a backslash or a control character. Bits above the lowest mark may be
/// wrong.
#[inline(always)]
fn special(eight: u64) -> u64 {
    let zero_bytes = |x: u64| x.wrapping_sub(LOW_BITS) & !x & HIGH_BITS;
    let quotes = zero_bytes(eight ^ (LOW_BITS * u64::from(b'"')));
    let backslashes = zero_bytes(eight ^ (LOW_BITS * u64::from(b'\\')));
    let controls = eight.wrapping_sub(LOW_BITS * 0x20) & !eight & HIGH_BITS;
    quotes | backslashes | controls
}

impl<'a> Cursor<'a> {
    /// The text from here to `end_bytes` before where `other`, further on in the same line, stands.
    pub(super) fn text_to(&self, other: &Self, end_bytes: usize) -> &'a str {
        self.line.get(self.at..other.at - end_bytes).unwrap_or_default()
    }
}
