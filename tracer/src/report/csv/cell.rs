//! What stands in one cell.

use std::borrow::Cow;

use event_log::Timestamp;

use crate::report::{escape, escape::short};

/// Longest cell, characters: what a spreadsheet takes. A name of a log may be thirty times as long.
const MAX_CELL_CHARS: usize = 32_767;

/// The shard of a pubsub topic `/waku/2/rs/<cluster>/<shard>`; the whole topic when it has another form.
pub(super) fn shard(pubsub_topic: &str) -> &str {
    let shard = pubsub_topic
        .strip_prefix("/waku/2/rs/")
        .and_then(|rest| rest.split_once('/'));
    shard.map_or(pubsub_topic, |(_, shard)| shard)
}

/// A time as pandas reads it: UTC without a zone.
pub(super) fn show_time(time: Timestamp) -> String {
    time.to_string().trim_end_matches('Z').replacen('T', " ", 1)
}

/// Keeps a spreadsheet from taking a cell for a formula, and a terminal from obeying it. Numbers stay numbers.
pub(super) fn guard(cell: &str) -> Cow<'_, str> {
    let safe = if cell.len() > MAX_CELL_CHARS {
        Cow::Owned(short(cell, MAX_CELL_CHARS - 1))
    } else {
        escape(cell)
    };
    let is_formula = safe.trim_start().starts_with(['=', '+', '-', '@']);
    if is_formula && safe.parse::<f64>().is_err() {
        return format!("'{safe}").into();
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text_and_numbers_stay() {
        for (cell, safe) in [
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            (" @SUM(A1)", "' @SUM(A1)"),
            ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
            ("-1.5", "-1.5"),
            ("a\tb\u{1b}", "a\\u{9}b\\u{1b}"),
            ("plain", "plain"),
        ] {
            assert_eq!(guard(cell), safe);
        }
        let long = guard(&"=x".repeat(1 << 20)).into_owned();
        assert_eq!(long.chars().count(), MAX_CELL_CHARS);
    }

    #[test]
    fn shards_are_the_last_part_of_a_static_topic() {
        assert_eq!(shard("/waku/2/rs/16/32"), "32");
        assert_eq!(shard("/waku/2/default-waku/proto"), "/waku/2/default-waku/proto");
    }
}
