//! A comparison as text and as JSON.

use tabled::{
    builder::Builder,
    settings::{Alignment, Padding, Style, object::Columns},
};

use super::model::{Change, Comparison, Row, SideSummary, Test};
use crate::{
    report::{escape, show_verdict},
    units::{show_ns, show_number},
};

/// Below this a p-value is only said to be small.
const SMALLEST_P_VALUE: f64 = 1e-6;

/// Most rows of the text; those that changed are kept, the JSON has them all.
const MAX_ROWS: usize = 60;

/// Pretty-printed JSON with a newline at its end.
pub(super) fn json(comparison: &Comparison) -> String {
    let mut text = serde_json::to_string_pretty(comparison).expect("a comparison has string keys only");
    text.push('\n');
    text
}

/// The statement first, then the table.
pub(crate) fn text(comparison: &Comparison) -> String {
    let mut out = format!("{}\n", statement(comparison));
    for open in &comparison.open {
        out.push_str(&format!("  but {}\n", escape(open)));
    }
    out.push('\n');
    for (word, side) in [("before", &comparison.before), ("after", &comparison.after)] {
        out.push_str(&format!("{word:<7} {}\n", describe(side)));
    }
    out.push('\n');
    out.push_str(&table(&comparison.rows));
    out.push_str(
        "\nTests: shares by Fisher's exact test, percentiles by order statistics (exact, 99 % interval); p-values corrected\n\
         for their number by Holm's method. What stays above 0.01 counts as noise.\n",
    );
    for note in &comparison.notes {
        out.push_str(&format!("Note: {}\n", escape(note)));
    }
    out
}

fn statement(comparison: &Comparison) -> String {
    let changed: Vec<String> = comparison
        .rows
        .iter()
        .filter(|row| row.change == comparison.change)
        .map(|row| {
            let (before, after) = (show(row, row.before), show(row, row.after));
            format!("{} {before} -> {after}", place(row))
        })
        .collect();
    match comparison.change {
        Change::Worse => format!("WORSE beyond the noise: {}", changed.join("; ")),
        Change::Better => format!("BETTER beyond the noise: {}", changed.join("; ")),
        Change::Noise if comparison.open.is_empty() => "NO CHANGE beyond the noise".to_owned(),
        Change::Noise => "NO CHANGE beyond the noise in what was tested".to_owned(),
        Change::NotTested => "NOT TESTED: there is too little data on one side".to_owned(),
    }
}

fn place(row: &Row) -> String {
    match row.scope.as_str() {
        "run" => row.quantity.clone(),
        scope => format!("{} at {}", row.quantity, escape(scope)),
    }
}

fn describe(side: &SideSummary) -> String {
    let run = side.run.as_deref().unwrap_or("none");
    let text = format!(
        "{} ({}, run {run}, verdict {})",
        side.path,
        side.source,
        show_verdict(side.verdict)
    );
    escape(&text).into_owned()
}

fn show(row: &Row, value: Option<f64>) -> String {
    match (value, row.unit) {
        (None, _) => "-".to_owned(),
        (Some(value), "ms") => show_ns((value * 1e6) as i64),
        (Some(value), "%") => format!("{} %", show_number(value)),
        (Some(value), _) => show_number(value),
    }
}

fn signed(row: &Row) -> String {
    let text = show(row, row.difference);
    match row.difference {
        Some(difference) if difference > 0.0 => format!("+{text}"),
        _ => text,
    }
}

fn show_test(test: &Test) -> String {
    let p = match test.adjusted_p_value {
        p if p < SMALLEST_P_VALUE => format!("p < {SMALLEST_P_VALUE}"),
        p => format!("p = {p:.2}").replace("p = 0.00", "p < 0.01"),
    };
    match test.interval {
        Some([low, high]) => {
            let [low, high] = [low, high].map(|ms| show_ns((ms * 1e6) as i64));
            format!("{p}, {low} to {high}")
        }
        None => p,
    }
}

fn table(rows: &[Row]) -> String {
    let mut order: Vec<&Row> = rows.iter().collect();
    let cut = order.len().saturating_sub(MAX_ROWS);
    if cut > 0 {
        // A stable sort: rows of equal weight stay in their order.
        order.sort_by_key(|row| match row.change {
            Change::Worse | Change::Better => 0,
            _ => 1,
        });
        order.truncate(MAX_ROWS);
    }
    let mut builder = Builder::default();
    builder.push_record(["quantity", "before", "after", "change", "meaning", "test"]);
    for row in order {
        let meaning = match row.change {
            Change::Better => "better",
            Change::Worse => "WORSE",
            Change::Noise => "noise",
            Change::NotTested => "",
        };
        let test = row.test.as_ref().map(show_test);
        builder.push_record([
            place(row),
            show(row, row.before),
            show(row, row.after),
            signed(row),
            meaning.to_owned(),
            test.unwrap_or_else(|| format!("none: {}", row.not_tested.unwrap_or("no data"))),
        ]);
    }
    let mut table = builder.build();
    table.with(Style::empty()).with(Padding::new(0, 2, 0, 0));
    for column in 1..=3 {
        table.modify(Columns::one(column), Alignment::right());
    }
    let mut text: String = table
        .to_string()
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    if cut > 0 {
        text.push_str(&format!("and {cut} more rows; the JSON form has them all\n"));
    }
    text
}
