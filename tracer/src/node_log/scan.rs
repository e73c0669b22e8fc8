//! Walks over the fields of a line without building anything: `key=value …` of chronicles, and flat JSON objects.

/// Calls `take` with key and raw value (quotes off, escapes left) for each `key=value` of `text`.
pub(super) fn text_fields<'a>(mut text: &'a [u8], mut take: impl FnMut(&'a [u8], &'a [u8])) {
    while let Some(equals) = memchr::memchr(b'=', text) {
        let key_start = memchr::memrchr(b' ', &text[..equals]).map_or(0, |space| space + 1);
        let key = &text[key_start..equals];
        let rest = &text[equals + 1..];
        let (value, after) = match rest.first() {
            Some(b'"') => {
                let end = string_end(&rest[1..]).unwrap_or(rest.len() - 1);
                (&rest[1..=end], rest.get(end + 2..).unwrap_or_default())
            }
            _ => {
                let end = memchr::memchr(b' ', rest).unwrap_or(rest.len());
                (&rest[..end], &rest[end..])
            }
        };
        take(key, value);
        text = after;
    }
}

/// Where the fields of a chronicles line begin: the first ` key=`.
pub(super) fn fields_start(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'=', text).find_map(|equals| {
        let word = text[..equals]
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
            .count();
        let start = equals - word;
        (word > 0 && start > 0 && text[start - 1] == b' ').then_some(start)
    })
}

/// Length of a string whose opening quote is passed, up to its closing quote.
fn string_end(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', &text[from..])?;
        if text[at] == b'"' {
            return Some(at);
        }
        from = at + 2;
        if from > text.len() {
            return None;
        }
    }
}

/// Kind of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Json {
    /// A string, quotes off, escapes left.
    String,
    /// A number, `true`, `false`, `null`.
    Plain,
    /// An object or array, whole.
    Nested,
}

/// Calls `take` for each member of the outer object of `text`. `None` when it is not one whole object.
pub(super) fn json_fields<'a>(text: &'a [u8], mut take: impl FnMut(&'a [u8], Json, &'a [u8])) -> Option<()> {
    let mut rest = trim(text).strip_prefix(b"{")?.trim_ascii_start();
    if rest.first() == Some(&b'}') {
        return Some(());
    }
    loop {
        let key_text = rest.strip_prefix(b"\"")?;
        let key_end = string_end(key_text)?;
        let value = key_text[key_end + 1..]
            .trim_ascii_start()
            .strip_prefix(b":")?
            .trim_ascii_start();
        let (kind, raw, after) = json_value(value)?;
        take(&key_text[..key_end], kind, raw);
        let after = after.trim_ascii_start();
        match after.first()? {
            b',' => rest = after[1..].trim_ascii_start(),
            b'}' => return after[1..].trim_ascii().is_empty().then_some(()),
            _ => return None,
        }
    }
}

fn json_value(text: &[u8]) -> Option<(Json, &[u8], &[u8])> {
    match text.first()? {
        b'"' => {
            let end = string_end(&text[1..])?;
            Some((Json::String, &text[1..=end], &text[end + 2..]))
        }
        b'{' | b'[' => {
            let end = nested_end(text)?;
            Some((Json::Nested, &text[..end], &text[end..]))
        }
        _ => {
            let end = text.iter().position(|byte| matches!(byte, b',' | b'}' | b']'))?;
            Some((Json::Plain, text[..end].trim_ascii(), &text[end..]))
        }
    }
}

/// Bytes of the object or array `text` begins with; a counter instead of recursion, so no depth is too deep.
fn nested_end(text: &[u8]) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        match text[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b'"' => at += 1 + string_end(&text[at + 1..])?,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// Takes the escapes out of a raw JSON string, onto the end of `into`. A bad escape stays as it is.
pub(super) fn unescape(raw: &[u8], into: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        into.extend_from_slice(&rest[..at]);
        let Some(escape) = rest.get(at + 1) else {
            rest = &rest[at..];
            break;
        };
        let mut taken = at + 2;
        match escape {
            b'n' => into.push(b'\n'),
            b't' => into.push(b'\t'),
            b'r' => into.push(b'\r'),
            b'b' => into.push(8),
            b'f' => into.push(12),
            b'u' => match rest.get(at + 2..at + 6).and_then(code_unit) {
                Some(unit) => {
                    // Halves of surrogate pairs stand in no field that is looked at.
                    let character = char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER);
                    into.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    taken = at + 6;
                }
                None => into.extend_from_slice(b"\\u"),
            },
            other => into.push(*other),
        }
        rest = &rest[taken..];
    }
    into.extend_from_slice(rest);
}

fn code_unit(digits: &[u8]) -> Option<u16> {
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of_text(text: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let owned = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        text_fields(text.as_bytes(), |key, value| found.push((owned(key), owned(value))));
        found
    }

    #[test]
    fn quoted_values_keep_their_spaces_and_escapes() {
        let found = of_text(r#"topics="waku relay" tid=7 topic="some(\"/waku/2/rs/2/0\")" a= end=x"#);
        let expected = [
            ("topics", "waku relay"),
            ("tid", "7"),
            ("topic", r#"some(\"/waku/2/rs/2/0\")"#),
            ("a", ""),
            ("end", "x"),
        ];
        assert_eq!(found, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn a_value_cut_off_ends_with_the_line() {
        assert_eq!(of_text("a=\"cut of"), [("a".to_owned(), "cut of".to_owned())]);
        assert_eq!(of_text("a=\""), [("a".to_owned(), String::new())]);
    }

    #[test]
    fn members_of_every_kind_are_walked_over() {
        let mut found = Vec::new();
        let text = br#" {"a" : "x\"y", "b":[1,{"c":"]"}],"d":-1.5e3 ,"e":null} "#;
        json_fields(text, |key, kind, raw| found.push((key, kind, raw))).unwrap();
        let expected: [(&[u8], Json, &[u8]); 4] = [
            (b"a", Json::String, br#"x\"y"#),
            (b"b", Json::Nested, br#"[1,{"c":"]"}]"#),
            (b"d", Json::Plain, b"-1.5e3"),
            (b"e", Json::Plain, b"null"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn deep_nesting_needs_no_stack() {
        let text = format!("{{\"a\":{}{}}}", "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(json_fields(text.as_bytes(), |_, _, _| {}), Some(()));
        assert_eq!(json_fields(&text.as_bytes()[..600_000], |_, _, _| {}), None);
    }

    proptest! {
        #[test]
        fn unescaping_agrees_with_serde(text in "[ -~\n\t\u{e9}\u{1b}]{0,40}") {
            let json = serde_json::to_string(&text).unwrap();
            let mut out = Vec::new();
            unescape(&json.as_bytes()[1..json.len() - 1], &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), text);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(prop_oneof![
            Just(b'"'), Just(b'\\'), Just(b'{'), Just(b'}'), Just(b'['), Just(b']'), Just(b':'), Just(b','), Just(b'='),
            Just(b' '), Just(b'u'), any::<u8>()
        ], 0..60)) {
            text_fields(&bytes, |_, _| {});
            let _ = (json_fields(&bytes, |_, _, _| {}), fields_start(&bytes));
            let mut out = Vec::new();
            unescape(&bytes, &mut out);
            let mut object = b"{\"a\":".to_vec();
            object.extend_from_slice(&bytes);
            let _ = json_fields(&object, |_, _, _| {});
        }
    }
}
