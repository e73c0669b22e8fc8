//! Recognises the lines that a log is full of by an earlier one.
//!
//! One statement of a node writes lines that are alike up to the digits of the message hash: message, topics, thread,
//! file and own peer id stay the same. Fields are read from left to right, so a line with the same beginning says the
//! same about another message, unless a field behind the hash decides otherwise. Those lines, and all others, are parsed.

use super::fields::{HASH_DIGITS, decides, ends_deciding_key};

/// Beginnings kept. A node has a few statements about messages on the hot path; what does not fit costs a parse.
const MAX_SHAPES: usize = 8;

/// Longest beginning kept: message, topics, file, own peer id and pubsub topic take 100 to 300 bytes.
const MAX_BEGINNING_BYTES: usize = 1024;

/// What lines of one beginning say.
#[derive(Debug)]
struct Shape {
    beginning: Vec<u8>,
    says: Says,
}

/// The position of the event's kind, and the bits of what happened to the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Says {
    pub(super) kind: usize,
    pub(super) bits: u8,
}

/// The shapes of one log.
#[derive(Debug, Default)]
pub(super) struct Shapes(Vec<Shape>);

impl Shapes {
    /// What a line says, and the digits of the hash; `None` where it has to be parsed. The digits may be none.
    #[inline]
    pub(super) fn recall<'a>(&mut self, line: &'a [u8]) -> Option<(Says, &'a [u8; HASH_DIGITS])> {
        let at = self.0.iter().position(|shape| line.starts_with(&shape.beginning))?;
        let Shape { beginning, says } = &self.0[at];
        let (says, (digits, end)) = (*says, line[beginning.len()..].split_first_chunk()?);
        // The frequent ones move to the front, and stay there when rare ones come and go.
        if at > 0 {
            self.0.swap(at - 1, at);
        }
        is_open(end).then_some((says, digits))
    }

    /// Keeps the beginning of a line that was parsed, its hash from `hash_text`.
    pub(super) fn learn(&mut self, line: &[u8], hash_text: &[u8], says: Says) {
        // Where that text stands earlier, too, the key of the hash stands behind it, and that one decides.
        let Some(at) = memchr::memmem::find(line, hash_text) else {
            return;
        };
        let hash_end = at + hash_text.len();
        let Some(beginning) = line[..hash_end].len().checked_sub(HASH_DIGITS).map(|end| &line[..end]) else {
            return;
        };
        if beginning.len() > MAX_BEGINNING_BYTES || !is_open(&line[hash_end..]) {
            return;
        }
        self.0.truncate(MAX_SHAPES - 1);
        let beginning = beginning.to_vec();
        self.0.push(Shape { beginning, says });
    }
}

/// Whether a line that goes on so behind the digits of the hash says what its beginning says: the hash ends there, and
/// no other field decides.
fn is_open(end: &[u8]) -> bool {
    let ends = end.first().is_none_or(|byte| *byte == b' ');
    // Few keys end like one that decides; only those are looked at as a whole.
    let may_decide = |equals: &usize| equals.checked_sub(1).is_some_and(|last| ends_deciding_key(end[last]));
    let mut keys = memchr::memchr_iter(b'=', end).filter(may_decide);
    ends && !keys.any(|equals| decides(key_before(&end[..equals])))
}

/// The key `text` ends with. It may be part of a quoted text: that costs a parse at most.
fn key_before(text: &[u8]) -> &[u8] {
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let length = text.iter().rev().take_while(|byte| is_key(byte)).count();
    &text[text.len() - length..]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAYS: Says = Says { kind: 3, bits: 1 };

    fn line(head: &str, digit: char, tail: &str) -> (String, String) {
        let digits = digit.to_string().repeat(HASH_DIGITS);
        (format!("{head}0x{digits}{tail}"), format!("0x{digits}"))
    }

    fn learned(head: &str, tail: &str) -> Shapes {
        let mut shapes = Shapes::default();
        let (text, hash_text) = line(head, '1', tail);
        shapes.learn(text.as_bytes(), hash_text.as_bytes(), SAYS);
        shapes
    }

    #[test]
    fn another_hash_behind_the_same_beginning_is_recalled() {
        let mut shapes = learned(" sent relay message a=1 msg_hash=", " msg_id=x to_peer_id=y");
        for tail in ["", " to_peer_id=z", " a=\"b=c\""] {
            let (text, _) = line(" sent relay message a=1 msg_hash=", 'a', tail);
            assert_eq!(
                shapes.recall(text.as_bytes()),
                Some((SAYS, &[b'a'; HASH_DIGITS])),
                "{tail}"
            );
        }
    }

    #[test]
    fn what_may_say_something_else_is_parsed() {
        let head = " sent relay message a=1 msg_hash=";
        let mut shapes = learned(head, "");
        for (head, tail) in [
            (" sent relay message a=2 msg_hash=", ""),
            (head, "0"),
            (head, "\r"),
            (head, "\""),
            (head, " hash=0x"),
            (head, " x=\"y\"my_peer_id=z"),
            (head, " numPeers=0"),
        ] {
            let (text, _) = line(head, 'a', tail);
            assert_eq!(shapes.recall(text.as_bytes()), None, "{text}");
            assert!(shapes.recall(&text.as_bytes()[..head.len() + 20]).is_none());
        }
    }

    #[test]
    fn what_may_say_something_else_is_not_learned() {
        for (head, tail) in [(" m msg_hash=", " hash=0x"), (" m msg_hash=\"", "\"")] {
            assert!(learned(head, tail).0.is_empty(), "{head} {tail}");
        }
        let twice = format!(" m copy=0x{} msg_hash=", "1".repeat(HASH_DIGITS));
        assert!(learned(&twice, "").0.is_empty());
        assert!(learned(&"x".repeat(MAX_BEGINNING_BYTES), "").0.is_empty());
    }

    #[test]
    fn rare_beginnings_do_not_push_out_frequent_ones() {
        let mut shapes = learned("frequent=", "");
        let (frequent, _) = line("frequent=", '2', "");
        for number in 0..100 {
            let (text, hash_text) = line(&format!("rare{number}="), '1', "");
            shapes.learn(text.as_bytes(), hash_text.as_bytes(), SAYS);
            assert!(shapes.recall(frequent.as_bytes()).is_some());
        }
        assert_eq!(shapes.0.len(), MAX_SHAPES);
    }
}
