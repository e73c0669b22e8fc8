//! The tables of a report as data: HTML and Markdown dress them. The text report has narrower ones of its own.
//!
//! Nothing here is longer than a reader wants it: a name or a text of a log may be a megabyte, and a run may have a
//! million pairs. Names and texts lose their middle when they are dressed, tables the rows that weigh least.

mod deliveries;
mod run;

use std::borrow::Cow;

use event_log::Timestamp;

pub(super) use deliveries::*;
pub(super) use run::*;

use super::Verdict;

/// Longest name shown: peer ids have 53 characters, and paths are seldom longer than this.
pub(super) const MAX_NAME_CHARS: usize = 120;

/// Longest text of a log shown: enough for what an error says.
pub(super) const MAX_TEXT_CHARS: usize = 300;

/// Most ranges of indices in one cell, and most lines.
const MAX_RANGES: usize = 12;

/// A table.
pub(super) struct Table<'a> {
    /// Names of the columns with `|` between them; `>` before a name aligns the column to the right.
    pub(super) head: &'static str,
    pub(super) rows: Vec<Row<'a>>,
    /// Rows that were left out.
    pub(super) more: usize,
}

/// The cells of a row.
pub(super) type Row<'a> = Vec<Cell<'a>>;

/// What stands in a cell.
#[derive(Debug, Clone)]
pub(super) enum Cell<'a> {
    /// Words and numbers of our own.
    Own(Cow<'static, str>),
    /// A name from a log.
    Name(&'a str),
    /// A text from a log or from the user.
    Text(&'a str),
    Time(Timestamp),
    /// A hash.
    Code(String),
    Verdict(Verdict),
    /// Lines of several parts each.
    Lines(Vec<Vec<Cell<'a>>>),
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Own(text.into())
    }
}

impl From<&'static str> for Cell<'_> {
    fn from(text: &'static str) -> Self {
        Self::Own(text.into())
    }
}

impl From<u64> for Cell<'_> {
    fn from(count: u64) -> Self {
        count.to_string().into()
    }
}

impl<'a> Table<'a> {
    /// A table of `items` with at most `max_rows` rows: of too many those that weigh most, heaviest first. Only what is
    /// shown is made into cells.
    fn of<T>(
        head: &'static str,
        max_rows: usize,
        items: impl Iterator<Item = T>,
        weight: impl Fn(&T) -> u64,
        row: impl Fn(T) -> Row<'a>,
    ) -> Self {
        let mut items: Vec<T> = items.collect();
        let more = items.len().saturating_sub(max_rows);
        if more > 0 {
            // A stable sort: rows of equal weight stay in the order of their names.
            items.sort_by_key(|item| std::cmp::Reverse(weight(item)));
            items.truncate(max_rows);
        }
        Self {
            head,
            rows: items.into_iter().map(row).collect(),
            more,
        }
    }
}

/// Cells of a line of counts.
fn counts<'a>(counts: impl IntoIterator<Item = u64>) -> impl Iterator<Item = Cell<'a>> {
    counts.into_iter().map(Cell::from)
}

/// Weight of rows that all weigh the same.
fn alike<T>(_: &T) -> u64 {
    0
}
