//! A page that does not grow beyond what it may.

use super::text::show_cell;
use crate::report::tables::{Row, Table};

/// Largest document, bytes: GitHub refuses job summaries above 1024 KiB, and other steps of the job want room too.
const MAX_BYTES: usize = 900 * 1024;

/// Of these kept free for saying what was left out.
const NOTES_BYTES: usize = 8 * 1024;

/// A page under way.
#[derive(Default)]
pub(super) struct Page {
    out: String,
    tables_left_out: usize,
}

impl Page {
    /// Adds a line of the head, which is known to fit.
    pub(super) fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// Adds a table with as many rows as there is room for; nothing of one without rows.
    pub(super) fn table(&mut self, title: &str, table: &Table<'_>) {
        if table.rows.is_empty() {
            return;
        }
        let head = head(title, table.head);
        if !self.fits(&head) {
            self.tables_left_out += 1;
            return;
        }
        self.out.push_str(&head);
        let mut more = table.more;
        for cells in &table.rows {
            let row = show_row(cells);
            if self.fits(&row) {
                self.out.push_str(&row);
            } else {
                more += 1;
            }
        }
        if more > 0 {
            self.line(&format!("\n_cut, {more} more rows; those shown weigh most_"));
        }
    }

    /// The whole page.
    pub(super) fn end(mut self, last_line: &str) -> String {
        if self.tables_left_out > 0 {
            let left_out = self.tables_left_out;
            self.line(&format!(
                "\n_cut, {left_out} more tables; the JSON report has them all_"
            ));
        }
        self.line(last_line);
        self.out
    }

    fn fits(&self, more: &str) -> bool {
        self.out.len() + more.len() <= MAX_BYTES - NOTES_BYTES
    }
}

fn head(title: &str, head: &str) -> String {
    let names: Vec<&str> = head.split('|').map(|name| name.trim_start_matches('>')).collect();
    let rule = |name: &str| if name.starts_with('>') { "--:" } else { "---" };
    let rules: Vec<&str> = head.split('|').map(rule).collect();
    format!("\n### {title}\n\n| {} |\n|{}|\n", names.join(" | "), rules.join("|"))
}

fn show_row(cells: &Row<'_>) -> String {
    let cells: Vec<String> = cells.iter().map(show_cell).collect();
    format!("| {} |\n", cells.join(" | "))
}
