//! Tables as HTML.

use super::text::text;
use crate::report::{
    escape::short,
    tables::{Cell, MAX_NAME_CHARS, MAX_TEXT_CHARS, Table},
    words::{show_time, show_verdict},
};

/// The table; empty without rows.
pub(super) fn table(table: &Table<'_>) -> String {
    if table.rows.is_empty() {
        return String::new();
    }
    let class = |name: &str| if name.starts_with('>') { " class=\"n\"" } else { "" };
    let mut out = "<div class=\"wide\"><table><thead><tr>".to_owned();
    for name in table.head.split('|') {
        out.push_str(&format!("<th{}>{}</th>", class(name), name.trim_start_matches('>')));
    }
    out.push_str("</tr></thead><tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (name, content) in table.head.split('|').zip(row) {
            let class = if name.starts_with('>') { "n" } else { "name" };
            out.push_str(&format!("<td class=\"{class}\">{}</td>", cell(content)));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>");
    if table.more > 0 {
        out.push_str(&format!(
            "<p class=\"dim\">cut, {} more rows; those shown weigh most, the JSON report has them all</p>",
            table.more
        ));
    }
    out
}

fn cell(content: &Cell<'_>) -> String {
    match content {
        Cell::Own(own) => text(own),
        Cell::Name(name) => text(&short(name, MAX_NAME_CHARS)),
        Cell::Text(long) => text(&short(long, MAX_TEXT_CHARS)),
        Cell::Code(code) => format!("<code>{}</code>", text(code)),
        Cell::Time(time) => format!("<time>{}</time>", show_time(*time)),
        Cell::Verdict(verdict) => {
            let verdict = show_verdict(*verdict);
            format!("<b class=\"{verdict}\">{verdict}</b>")
        }
        Cell::Lines(lines) => {
            let line = |parts: &Vec<Cell<'_>>| parts.iter().map(cell).collect::<String>();
            lines.iter().map(line).collect::<Vec<_>>().join("<br>")
        }
    }
}
