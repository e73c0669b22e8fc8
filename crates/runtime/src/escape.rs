//! Makes text from peers and logs safe for a terminal.
//!
//! A service node chooses its agent string and its status texts. Printed raw, escape sequences in them could move the
//! cursor, rewrite earlier lines or set the window title, and bidirectional controls could make a line read backwards.

use std::fmt::{self, Write};

/// Longest piece of foreign text shown in one place, characters. A status text may be as long as the frame cap; a line
/// on a terminal may not.
pub const MAX_SHOWN_CHARS: usize = 256;

/// Displays foreign text with control and invisible formatting characters written as `\u{..}`, cut after
/// [`MAX_SHOWN_CHARS`] characters.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(pub &'a str);

/// [`Escaped`] as a `String`.
#[must_use]
pub fn escape(text: &str) -> String {
    Escaped(text).to_string()
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chars = self.0.chars();
        for c in chars.by_ref().take(MAX_SHOWN_CHARS) {
            match c {
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if is_unsafe(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        match chars.count() {
            0 => Ok(()),
            more_chars => write!(f, "… ({more_chars} more)"),
        }
    }
}

/// C0, DEL, C1, bidirectional controls, and characters that show nothing (zero width, byte order mark, tags).
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_sequences_lose_their_power() {
        assert_eq!(escape("\u{1b}]0;title\u{7}ok\n"), "\\u{1b}]0;title\\u{7}ok\\n");
        assert_eq!(escape("a\u{202e}b\u{9b}2J"), "a\\u{202e}b\\u{9b}2J");
    }

    #[test]
    fn ordinary_text_stays() {
        assert_eq!(escape("nwaku-v0.38 Grüße 你好"), "nwaku-v0.38 Grüße 你好");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(
            escape(&"x".repeat(MAX_SHOWN_CHARS + 7)),
            format!("{}… (7 more)", "x".repeat(MAX_SHOWN_CHARS))
        );
    }

    proptest! {
        #[test]
        fn nothing_unsafe_comes_out(text in any::<String>()) {
            prop_assert!(!escape(&text).chars().any(is_unsafe));
        }
    }
}
