//! Finds the line a node wrote inside of what a terminal, a container runtime or a log store made of it.
//!
//! Text in front (syslog, CRI `time stream F`, `kubectl --prefix`, docker compose, a grep's file name) is passed over:
//! the node's line is where its head begins. JSON around (docker's JSON file, VictoriaLogs' `_msg`, Loki's `line`) is
//! taken off, at most [`MAX_WRAPPERS`] times.

use super::{
    scan::{Json, json_fields, unescape},
    time::parse_local,
};

/// Most JSON wrappers taken off one line: a store that took in the docker daemon's file, with one to spare.
pub const MAX_WRAPPERS: usize = 4;

/// Most bytes of text in front of the node's own line. Names of pods and hosts have 253 at most.
pub const MAX_PREFIX_BYTES: usize = 512;

/// Keys under which wrappers keep the line.
const WRAPPER_KEYS: [&[u8]; 5] = [b"log", b"_msg", b"line", b"message", b"MESSAGE"];

/// What begins at a place of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// nwaku text: level, time.
    Text,
    /// go-waku console: time, tab, level.
    Zap,
    /// An object that goes to the end of the line.
    Json,
}

/// Where the node's line begins, and its form.
pub(super) fn locate(line: &[u8]) -> Option<(usize, Head)> {
    if let Some(head) = head_at(line) {
        return Some((0, head));
    }
    let prefix = &line[..line.len().min(MAX_PREFIX_BYTES)];
    let starts = prefix
        .iter()
        .enumerate()
        .filter(|(_, byte)| matches!(byte, b' ' | b'\t' | b':' | b'|' | b']'));
    starts
        .map(|(before, _)| before + 1)
        .find_map(|start| Some((start, head_at(&line[start..])?)))
}

fn head_at(line: &[u8]) -> Option<Head> {
    match line.first()? {
        b'A'..=b'Z' => is_text_head(line).then_some(Head::Text),
        b'0'..=b'9' => is_zap_head(line).then_some(Head::Zap),
        b'{' => {
            let whole =
                line.trim_ascii_end().last() == Some(&b'}') && line[1..].trim_ascii_start().first() == Some(&b'"');
            whole.then_some(Head::Json)
        }
        _ => None,
    }
}

/// `LVL YYYY-MM-DD hh…`
#[inline]
pub(super) fn is_text_head(line: &[u8]) -> bool {
    line.len() > 24 && line[8] == b'-' && line[14] == b' ' && is_text_level(line)
}

/// `LVL Y`: a line of nwaku in text begins so.
#[inline]
pub(super) fn is_text_level(line: &[u8]) -> bool {
    line.len() > 4
        && line[3] == b' '
        && line[4].is_ascii_digit()
        && matches!(&line[..3], b"TRC" | b"DBG" | b"INF" | b"NTC" | b"WRN" | b"ERR" | b"FAT")
}

fn is_zap_head(line: &[u8]) -> bool {
    line.len() > 20 && line[4] == b'-' && parse_local(line).is_some_and(|(_, end)| line.get(end) == Some(&b'\t'))
}

/// The raw strings another line may be wrapped in: `object` holds them under the known keys, and is no line of a node
/// itself.
fn wrapped(object: &[u8]) -> Option<[Option<&[u8]>; WRAPPER_KEYS.len()]> {
    let (mut inner, mut own) = ([None; WRAPPER_KEYS.len()], false);
    json_fields(object, |key, kind, raw| {
        own |= matches!(key, b"msg" | b"lvl");
        if kind == Json::String
            && let Some(number) = WRAPPER_KEYS.iter().position(|known| *known == key)
        {
            inner[number] = Some(raw);
        }
    })?;
    (!own).then_some(inner)
}

/// Takes a wrapper off: the line inside, without escapes, colours and line end. Of several strings it is the first, in the
/// order of the keys, in which a node's line begins.
pub(super) fn take_off(object: &[u8], into: &mut Vec<u8>) -> bool {
    let inner = wrapped(object).unwrap_or_default();
    inner.into_iter().flatten().any(|raw| {
        into.clear();
        unescape(raw, into);
        strip_colours_in_place(into);
        into.truncate(into.trim_ascii_end().len());
        locate(into).is_some()
    })
}

/// Copies `line` without escape sequences `ESC[…m` and the like.
pub(super) fn strip_colours(line: &[u8], into: &mut Vec<u8>) {
    into.clear();
    into.extend_from_slice(line);
    strip_colours_in_place(into);
}

fn strip_colours_in_place(line: &mut Vec<u8>) {
    let Some(first) = memchr::memchr(0x1b, line) else {
        return;
    };
    let (mut from, mut to) = (first, first);
    while from < line.len() {
        if line[from] == 0x1b && line.get(from + 1) == Some(&b'[') {
            from += 2;
            // Parameters and intermediates, then one final byte (ECMA-48, section 5.4).
            while line.get(from).is_some_and(|byte| (0x20..=0x3f).contains(byte)) {
                from += 1;
            }
            from += 1;
        } else {
            line[to] = line[from];
            from += 1;
            to += 1;
        }
    }
    line.truncate(to);
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "NTC 2025-11-20 13:06:16.015+00:00 received relay message topics=\"waku relay\"";

    #[test]
    fn text_in_front_is_passed_over() {
        for prefix in [
            "",
            "docker.log:2023-08-25T12:18:46.259151+00:00 docker/nim-waku[865]: ",
            "2025-11-20T13:06:16.015123456Z stdout F ",
            "[pod/nodes-0/container] ",
            "nwaku-1  | ",
            "Nov 20 13:06:16 host wakunode[77]: ",
        ] {
            let line = format!("{prefix}{TEXT}");
            assert_eq!(locate(line.as_bytes()), Some((prefix.len(), Head::Text)), "{line}");
        }
        let far = format!("{}{TEXT}", " ".repeat(MAX_PREFIX_BYTES + 1));
        assert_eq!(locate(far.as_bytes()), None);
    }

    #[test]
    fn colours_are_taken_out() {
        let mut out = Vec::new();
        strip_colours(b"\x1b[36mNTC\x1b[0m a\x1b[1;32m=\x1b[0m1\x1b", &mut out);
        assert_eq!(out, b"NTC a=1\x1b");
        strip_colours(b"a\x1b[", &mut out);
        assert_eq!(out, b"a");
    }

    #[test]
    fn wrappers_are_taken_off() {
        let docker = serde_json::json!({"log": format!("\u{1b}[1m{TEXT}\u{1b}[0m\n"), "stream": "stdout", "time": "t"});
        let mut out = Vec::new();
        assert!(take_off(docker.to_string().as_bytes(), &mut out));
        assert_eq!(String::from_utf8_lossy(&out), TEXT);
        assert!(!take_off(br#"{"log":"nothing","stream":"stdout"}"#, &mut out));
        assert!(!take_off(br#"{"lvl":"NTC","msg":"x","line":"y"}"#, &mut out));
    }

    #[test]
    fn of_several_wrapped_texts_the_line_of_the_node_is_taken() {
        let shipped = serde_json::json!({"line": TEXT, "log": "shipped", "message": "", "_msg": "a {b}"});
        let mut out = Vec::new();
        assert!(take_off(shipped.to_string().as_bytes(), &mut out));
        assert_eq!(String::from_utf8_lossy(&out), TEXT);
    }
}
