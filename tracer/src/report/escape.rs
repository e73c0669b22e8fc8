//! Makes strings of peers and logs harmless for a terminal.

use std::borrow::Cow;

/// Replaces what a terminal would obey or hide (control characters, bidirectional controls, invisible characters) by
/// `\u{…}`.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) {
            safe.extend(c.escape_unicode())
        } else {
            safe.push(c)
        }
    }
    Cow::Owned(safe)
}

/// The escaped text in at most `max_chars` characters; the middle goes, because names differ at their ends. A name may be
/// a megabyte and stand in thousands of cells: only its ends are looked at.
pub(super) fn short(text: &str, max_chars: usize) -> String {
    let mut head: Vec<char> = text.chars().flat_map(shown).take(max_chars + 1).collect();
    if head.len() <= max_chars {
        return head.into_iter().collect();
    }
    let tail_chars = max_chars / 2;
    head.truncate(max_chars - tail_chars - 1);
    let backwards = text
        .chars()
        .rev()
        .flat_map(|c| shown(c).collect::<Vec<_>>().into_iter().rev());
    let tail: Vec<char> = backwards.take(tail_chars).collect();
    head.into_iter().chain(['…']).chain(tail.into_iter().rev()).collect()
}

/// A character as it is shown.
fn shown(c: char) -> impl Iterator<Item = char> {
    let unsafe_c = is_unsafe(c).then(|| c.escape_unicode());
    let safe_c = unsafe_c.is_none().then_some(c);
    unsafe_c.into_iter().flatten().chain(safe_c)
}

/// Whether a terminal would obey the character, or hide it.
pub(super) fn is_unsafe(c: char) -> bool {
    // C0, DEL and C1 are `is_control`; the rest changes direction, breaks lines or cannot be seen.
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn controls_become_visible() {
        assert_eq!(
            escape("a\u{1b}[31mred\u{7f}\u{9b}2J"),
            "a\\u{1b}[31mred\\u{7f}\\u{9b}2J"
        );
        assert_eq!(escape("user\u{202e}txt.exe"), "user\\u{202e}txt.exe");
        assert_eq!(escape("two\nlines\r\n"), "two\\u{a}lines\\u{d}\\u{a}");
        assert!(matches!(escape("größe 東京"), Cow::Borrowed(_)));
    }

    #[test]
    fn long_names_lose_their_middle() {
        assert_eq!(short("publisher-1/0", 20), "publisher-1/0");
        assert_eq!(short("a-very-long-name/17", 11), "a-ver…me/17");
        assert_eq!(short("a-very-long-name/17", 11).chars().count(), 11);
        assert_eq!(short("ab\u{202e}cdefgh\u{1b}", 12), "ab\\u{…\\u{1b}");
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left(text in ".{0,80}", max_chars in 4_usize..40) {
            prop_assert!(!escape(&text).chars().any(is_unsafe));
            let shortened = short(&text, max_chars);
            prop_assert!(shortened.chars().count() <= max_chars);
            let safe = escape(&text);
            match shortened.split_once('…').filter(|_| !text.contains('…')) {
                Some((head, tail)) => prop_assert!(safe.starts_with(head) && safe.ends_with(tail)),
                None => prop_assert!(text.contains('…') || safe == shortened),
            }
        }
    }
}
