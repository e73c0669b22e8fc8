//! Text of logs in Markdown.

use crate::report::{
    escape,
    escape::short,
    tables::{Cell, MAX_NAME_CHARS, MAX_TEXT_CHARS},
    words::{show_time, show_verdict},
};

/// What stands in a cell of a table.
pub(super) fn show_cell(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Own(own) => own.clone().into_owned(),
        Cell::Name(name) => code(&short(name, MAX_NAME_CHARS)),
        Cell::Text(text) => prose(text),
        Cell::Code(hash) => code(hash),
        Cell::Time(time) => show_time(*time),
        Cell::Verdict(verdict) => show_verdict(*verdict).to_owned(),
        Cell::Lines(lines) => {
            let line = |parts: &Vec<Cell<'_>>| parts.iter().map(show_cell).collect::<String>();
            lines.iter().map(line).collect::<Vec<_>>().join("; ")
        }
    }
}

/// A text of a log: shortened, without markup, on one line.
pub(super) fn prose(text: &str) -> String {
    plain(&short(text, MAX_TEXT_CHARS))
}

/// A name. As HTML, since a code span of Markdown has no way to hold a backtick or a pipe safely.
fn code(text: &str) -> String {
    format!("<code>{}</code>", plain(text))
}

/// Text in a cell or list: nothing in it is markup, and it stays on its line.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in escape(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // An entity cannot be taken for markup, for the end of a cell, for a mention or for a link.
            '|' | '`' | '*' | '_' | '[' | ']' | '~' | '\\' | '#' | '@' | '!' | '$' => {
                out.push_str(&format!("&#{};", u32::from(c)));
            }
            _ => out.push(c),
        }
    }
    out.replace("://", "&#58;//")
}
