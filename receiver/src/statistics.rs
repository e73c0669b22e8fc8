//! Live figures per sender for a person to look at. The tracer judges from the log; this is for seeing that it runs.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Mutex, PoisonError},
};

use runtime::escape::escape;

use crate::seen::Novelty;

/// Senders told apart in one process; a payload may name any. Further ones share one row.
pub(crate) const MAX_SENDERS: usize = 1024;

/// Rows shown at once: a screen.
const MAX_ROWS_SHOWN: usize = 20;

/// Widest sender shown, characters; `<node>/<client>` of our own names fits.
const MAX_SENDER_CHARS: usize = 40;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Row {
    received: u64,
    distinct: u64,
    twins: u64,
    duplicates: u64,
    highest_index: u32,
}

#[derive(Debug, Default)]
struct Rows {
    by_sender: BTreeMap<String, Row>,
    others: Row,
}

/// Figures per sender, summed over the clients of a process.
#[derive(Debug, Default)]
pub(crate) struct Statistics(Mutex<Rows>);

impl Statistics {
    /// Counts one delivery.
    pub(crate) fn count(&self, sender: &str, index: u32, novelty: Novelty) {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = &mut *rows;
        let row = if let Some(row) = rows.by_sender.get_mut(sender) {
            row
        } else if rows.by_sender.len() < MAX_SENDERS {
            rows.by_sender.entry(sender.to_owned()).or_default()
        } else {
            &mut rows.others
        };
        row.received += 1;
        row.highest_index = row.highest_index.max(index);
        match novelty {
            Novelty::New => row.distinct += 1,
            Novelty::Twin => row.twins += 1,
            Novelty::Duplicate => row.duplicates += 1,
            Novelty::Untracked => {}
        }
    }

    /// The table, or nothing while nothing has arrived. Senders are escaped; they are what payloads say.
    pub(crate) fn table(&self, clients: u32) -> Option<String> {
        let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.by_sender.is_empty() {
            return None;
        }
        let mut out = format!(
            "{:<MAX_SENDER_CHARS$} {:>10} {:>10} {:>8} {:>10} {:>10}\n",
            "sender", "received", "distinct", "twins", "duplicates", "highest"
        );
        for (sender, row) in rows.by_sender.iter().take(MAX_ROWS_SHOWN) {
            write_row(&mut out, &shorten(&escape(sender)), row);
        }
        if let Some(hidden) = rows
            .by_sender
            .len()
            .checked_sub(MAX_ROWS_SHOWN)
            .filter(|hidden| *hidden > 0)
        {
            let _ = writeln!(out, "and {hidden} senders more");
        }
        if rows.others.received > 0 {
            write_row(&mut out, "(senders beyond 1024)", &rows.others);
        }
        if clients > 1 {
            let _ = writeln!(out, "(summed over {clients} clients)");
        }
        Some(out)
    }
}

fn write_row(out: &mut String, sender: &str, row: &Row) {
    let Row {
        received,
        distinct,
        twins,
        duplicates,
        highest_index,
    } = row;
    // Writing to a String does not fail.
    let _ = writeln!(
        out,
        "{sender:<MAX_SENDER_CHARS$} {received:>10} {distinct:>10} {twins:>8} {duplicates:>10} {highest_index:>10}"
    );
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(MAX_SENDER_CHARS) {
        Some(_) => text.chars().take(MAX_SENDER_CHARS - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_two_senders() {
        let statistics = Statistics::default();
        assert_eq!(statistics.table(1), None);
        for (sender, index, novelty) in [
            ("publisher-1/0", 1, Novelty::New),
            ("publisher-1/0", 4, Novelty::New),
            ("publisher-1/0", 4, Novelty::Duplicate),
            ("publisher-1/0", 4, Novelty::Twin),
            ("evil\u{1b}[2J", 7, Novelty::Untracked),
        ] {
            statistics.count(sender, index, novelty);
        }
        insta::assert_snapshot!(statistics.table(3).expect("rows"), @r"
        sender                                     received   distinct    twins duplicates    highest
        evil\u{1b}[2J                                     1          0        0          0          7
        publisher-1/0                                     4          2        1          1          4
        (summed over 3 clients)
        ");
    }

    #[test]
    fn a_flood_of_senders_shares_one_row_and_shows_one_screen() {
        let statistics = Statistics::default();
        for n in 0..MAX_SENDERS + 50 {
            statistics.count(&format!("sender-{n:05}"), 1, Novelty::New);
        }
        let table = statistics.table(1).expect("rows");
        assert_eq!(table.lines().count(), 1 + MAX_ROWS_SHOWN + 2);
        assert!(table.contains("and 1004 senders more"), "{table}");
        let others = table.lines().last().expect("lines");
        assert_eq!(
            others.split_whitespace().collect::<Vec<_>>()[3..],
            ["50", "50", "0", "0", "1"]
        );
    }
}
