//! The page of the history: one file, no script, no network.

use std::fmt::Write;

use super::history::Entry;

const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#5d6670;--line:#d8dde3;--pass:#1a7f37;--fail:#cf222e;--unknown:#9a6700;--none:#6e7781}\
@media(prefers-color-scheme:dark){:root{--bg:#0f1317;--fg:#e4e8ec;--dim:#98a2ad;--line:#333b44;--pass:#4ac26b;--fail:#ff7b72;--unknown:#e3b341;--none:#8b949e}}\
body{margin:0 auto;max-width:1000px;padding:16px;background:var(--bg);color:var(--fg);font:15px/1.45 system-ui,sans-serif}\
h1{font-size:1.4rem}h2{font-size:1.05rem;margin:1.6em 0 .4em}.dim{color:var(--dim)}\
.pass{color:var(--pass)}.fail{color:var(--fail)}.unknown{color:var(--unknown)}.none{color:var(--none)}\
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}\
th,td{padding:4px 12px 4px 0;border-bottom:1px solid var(--line);text-align:left;font-variant-numeric:tabular-nums;white-space:nowrap}\
th{color:var(--dim)}.n{text-align:right}svg{display:block;width:100%;height:70px}";

/// Size of a chart, in units of its own.
const CHART: (f64, f64) = (1000.0, 70.0);

/// Most runs in a chart: a bar must stay visible.
const MAX_BARS: usize = 200;

/// The page; `kept` tells whether the folder of a run is still there.
pub(super) fn render(entries: &[Entry], kept: impl Fn(&str) -> bool) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>Soak test</title>",
    );
    // Writing to a string cannot fail.
    let _ = write!(page, "<style>{STYLE}</style></head><body>\n<h1>Soak test</h1>\n");
    let count = |word: &str| entries.iter().filter(|entry| entry.word() == word).count();
    let _ = writeln!(
        page,
        "<p>{} runs: <b class=\"pass\">{} pass</b>, <b class=\"fail\">{} fail</b>, <b class=\"unknown\">{} \
         unknown</b>, <b class=\"none\">{} without a test</b></p>",
        entries.len(),
        count("pass"),
        count("fail"),
        count("unknown"),
        count("no test"),
    );
    let recent = &entries[entries.len().saturating_sub(MAX_BARS)..];
    chart(&mut page, "Loss, percent", recent, Entry::loss_percent);
    chart(&mut page, "Latency p99, milliseconds", recent, |entry| {
        entry.summary?.p99_ns.map(milliseconds)
    });
    table(&mut page, entries, kept);
    page.push_str("</body></html>\n");
    page
}

/// One bar a run, oldest on the left; a run without a value has a mark below the axis.
fn chart(page: &mut String, title: &str, entries: &[Entry], value: impl Fn(&Entry) -> Option<f64>) {
    let values: Vec<_> = entries.iter().map(value).collect();
    let top = values.iter().flatten().copied().fold(0.0, f64::max);
    let _ = write!(
        page,
        "<h2>{title} <span class=\"dim\">(highest {top:.2}, {} runs)</span></h2>\n<svg viewBox=\"0 0 {} {}\" \
         preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{title}\">",
        entries.len(),
        CHART.0,
        CHART.1
    );
    #[allow(clippy::cast_precision_loss, reason = "places on a chart")]
    let step = CHART.0 / values.len().max(1) as f64;
    for (index, (entry, value)) in entries.iter().zip(&values).enumerate() {
        #[allow(clippy::cast_precision_loss, reason = "places on a chart")]
        let x = index as f64 * step;
        let height = match value {
            Some(value) if top > 0.0 => (value / top * (CHART.1 - 4.0)).max(1.0),
            Some(_) => 1.0,
            None => 4.0,
        };
        let _ = write!(
            page,
            "<rect class=\"{}\" fill=\"currentColor\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\">\
             <title>{}</title></rect>",
            class(entry),
            CHART.1 - height,
            step * 0.8,
            text(&entry.name),
        );
    }
    page.push_str("</svg>\n");
}

fn table(page: &mut String, entries: &[Entry], kept: impl Fn(&str) -> bool) {
    page.push_str(
        "<h2>Runs</h2>\n<div class=\"wide\"><table><tr><th>began</th><th>verdict</th><th class=\"n\">acked</th>\
         <th class=\"n\">never acked</th><th class=\"n\">lost</th><th class=\"n\">loss</th><th class=\"n\">duplicates</th>\
         <th class=\"n\">p50 ms</th><th class=\"n\">p99 ms</th><th class=\"n\">took s</th><th>report</th></tr>\n",
    );
    for entry in entries.iter().rev() {
        let word = match entry.exit_code {
            0..=2 => entry.word().to_owned(),
            code => format!("no test: exit code {code}"),
        };
        let _ = write!(
            page,
            "<tr><td>{}</td><td class=\"{}\">{word}</td>",
            text(&entry.started),
            class(entry)
        );
        let summary = entry.summary;
        let counts = [
            summary.map(|s| s.acked),
            summary.map(|s| s.never_acked),
            summary.map(|s| s.lost),
        ];
        for count in counts {
            cell(page, count.map(|count| count.to_string()));
        }
        cell(page, entry.loss_percent().map(|loss| format!("{loss:.3} %")));
        cell(page, summary.map(|s| s.duplicates.to_string()));
        let ms = |ns: Option<i64>| ns.map(|ns| format!("{:.2}", milliseconds(ns)));
        cell(page, ms(summary.and_then(|s| s.p50_ns)));
        cell(page, ms(summary.and_then(|s| s.p99_ns)));
        cell(page, Some(format!("{:.0}", entry.seconds)));
        let name = text(&entry.name);
        let link = if kept(&entry.name) {
            format!("<a href=\"runs/{name}/report.html\">{name}</a>")
        } else {
            format!("<span class=\"dim\">{name} (removed)</span>")
        };
        let _ = writeln!(page, "<td>{link}</td></tr>");
    }
    page.push_str("</table></div>\n");
}

fn cell(page: &mut String, value: Option<String>) {
    let _ = write!(page, "<td class=\"n\">{}</td>", value.unwrap_or_else(|| "-".to_owned()));
}

fn class(entry: &Entry) -> &'static str {
    match entry.word() {
        "no test" => "none",
        word => word,
    }
}

#[allow(clippy::cast_precision_loss, reason = "for people to read")]
fn milliseconds(ns: i64) -> f64 {
    ns as f64 / 1e6
}

/// Names come from a file that anybody may have edited.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in runtime::escape::escape(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soak::history::entry;

    #[test]
    fn every_run_has_a_row_and_only_kept_ones_a_link() {
        let entries = [entry("first", 0, 0), entry("second", 1, 7), entry("third", 69, 0)];
        let page = render(&entries, |name| name == "second");
        assert!(
            page.contains("3 runs: <b class=\"pass\">1 pass</b>, <b class=\"fail\">1 fail</b>"),
            "{page}"
        );
        assert!(page.contains("<a href=\"runs/second/report.html\">"), "{page}");
        assert!(
            page.contains("first (removed)") && page.contains("no test: exit code 69"),
            "{page}"
        );
        assert!(page.contains("3.500 %"), "7 of 200 are lost: {page}");
    }

    #[test]
    fn names_are_text_and_an_empty_history_is_a_page() {
        let page = render(&[entry("</table><script>", 0, 0)], |_| true);
        assert!(!page.contains("<script>"), "{page}");
        assert!(render(&[], |_| true).contains("0 runs"));
    }
}
