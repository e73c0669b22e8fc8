//! The charts, drawn here so that they need no script and take their colours from the page.

use std::fmt::Write as _;

use super::text::text;
use crate::{
    report::{
        Report,
        escape::short,
        words::{show_loss, show_outage_end},
    },
    series::LatencyBin,
    units::{show_ns, show_number},
};

/// Width of a chart in its own units; the page scales it.
const WIDTH: f64 = 1000.0;

/// Height of the drawing area of a chart.
const HEIGHT: f64 = 180.0;

/// Room on the left for the numbers of the axis.
const LEFT: f64 = 60.0;

/// Room below for the labels.
const BELOW: f64 = 30.0;

/// Room above for labels in the drawing.
const ABOVE: f64 = 36.0;

/// Most rows and columns of the heat map: beyond it the cells cannot be told apart.
const MAX_HEAT_CELLS: usize = 60;

/// Narrowest cell of the heat map in which its loss can be written.
const MIN_LABEL_CELL: f64 = 70.0;

/// Longest name in the title of a cell, of which there are thousands.
const MAX_TITLE_NAME_CHARS: usize = 60;

/// Latencies since intended on a logarithmic axis, with p50 and p99.
pub(super) fn latency(report: &Report) -> Option<String> {
    // The bin of zero and the negative bin have no place on a logarithmic axis; the table counts them.
    let positive = |bin: &&LatencyBin| bin.from_ns.is_some_and(|from_ns| from_ns > 0);
    let bins: Vec<&LatencyBin> = report.latency_histogram.iter().filter(positive).collect();
    let (first, last) = (bins.first()?, bins.last()?);
    let log = |ns: i64| (ns.max(1) as f64).log2();
    // Half an octave of air on both sides, so that a single bin is not a wall.
    let (low, high) = (log(first.from_ns?) - 0.5, log(last.to_ns) + 0.5);
    let x = |ns: i64| LEFT + (log(ns) - low) / (high - low) * (WIDTH - LEFT);
    let most = bins.iter().map(|bin| bin.count).max()?;
    let mut svg = open("Distribution of latency since the intended time");
    axis(&mut svg, most as f64, "");
    for bin in &bins {
        let (from, to) = (x(bin.from_ns?), x(bin.to_ns));
        let height = bin.count as f64 / most as f64 * HEIGHT;
        let title = format!("{} to {}: {}", show_ns(bin.from_ns?), show_ns(bin.to_ns), bin.count);
        rect(
            &mut svg,
            "bar",
            (from, ABOVE + HEIGHT - height, (to - from - 1.0).max(1.0), height),
            &title,
        );
    }
    let d = &report.totals.latency.from_intended;
    for (name, permille, row) in [("p50", 500, 0.0), ("p99", 990, 16.0)] {
        if let Some(p) = d.permille(permille).filter(|p| p.value_ns > 0) {
            let at = x(p.value_ns);
            let (anchor, shift) = if at > WIDTH * 0.8 {
                ("end", -4.0)
            } else {
                ("start", 4.0)
            };
            push(
                &mut svg,
                format_args!(
                    r#"<line class="cut" x1="{at:.1}" x2="{at:.1}" y1="2" y2="{:.1}"/>"#,
                    ABOVE + HEIGHT
                ),
            );
            let label = format!("{name} {}", show_ns(p.value_ns));
            label_at(&mut svg, at + shift, 14.0 + row, anchor, &label);
        }
    }
    let marks = ticks(low, high);
    for ns in marks {
        label_at(&mut svg, x(ns), ABOVE + HEIGHT + 20.0, "middle", &show_ns(ns));
    }
    Some(close(svg))
}

/// Round numbers of nanoseconds between two powers of two: 1, 2 and 5 of each decade, fewer on long axes.
fn ticks(low: f64, high: f64) -> Vec<i64> {
    let decades = (high - low) / std::f64::consts::LOG2_10;
    let steps: &[i64] = if decades < 3.0 { &[1, 2, 5] } else { &[1] };
    let within = |ns: &i64| (low + 0.2..high - 0.2).contains(&(*ns as f64).log2());
    let all = (0..19_u32).flat_map(|decade| {
        steps
            .iter()
            .filter_map(move |step| 10_i64.pow(decade).checked_mul(*step))
    });
    all.filter(within).collect()
}

/// Deliveries by the intended time of their messages, lost ones on top, outages behind.
pub(super) fn over_time(report: &Report) -> Option<String> {
    let buckets = &report.over_time.buckets;
    let first_ns = buckets.first()?.begin.unix_ns();
    let most = buckets
        .iter()
        .map(|bucket| bucket.expected)
        .max()
        .filter(|most| *most > 0)?;
    let span_ns = (report.over_time.width_ns as f64 * buckets.len() as f64).max(1.0);
    let x = |ns: i64| (LEFT + ns.saturating_sub(first_ns) as f64 / span_ns * (WIDTH - LEFT)).clamp(LEFT, WIDTH);
    let mut svg = open("Deliveries over time, lost ones in red, outages shaded");
    for outage in &report.outages {
        let from = x(outage.begin.unix_ns());
        let to = outage.end.map_or(WIDTH, |end| x(end.unix_ns()));
        let title = format!(
            "outage: {} lost, {} to {}",
            outage.lost,
            outage.begin,
            show_outage_end(outage.end)
        );
        rect(
            &mut svg,
            "outage",
            (from, 0.0, (to - from).max(2.0), ABOVE + HEIGHT),
            &title,
        );
    }
    axis(&mut svg, most as f64, "");
    let width = (WIDTH - LEFT) / buckets.len() as f64;
    for (number, bucket) in buckets.iter().enumerate() {
        let left = LEFT + number as f64 * width;
        let height = |count: u64| count as f64 / most as f64 * HEIGHT;
        let (arrived, lost) = (height(bucket.expected - bucket.lost), height(bucket.lost));
        let title = format!("{}: {} of {} lost", bucket.begin, bucket.lost, bucket.expected);
        let bar = (width - 1.5).max(0.5);
        rect(&mut svg, "bar", (left, ABOVE + HEIGHT - arrived, bar, arrived), &title);
        if bucket.lost > 0 {
            rect(
                &mut svg,
                "lost",
                (left, ABOVE + HEIGHT - arrived - lost, bar, lost),
                &title,
            );
        }
    }
    for part in 0..=4_u32 {
        let offset_ns = span_ns / 4.0 * f64::from(part);
        let anchor = ["start", "middle", "middle", "middle", "end"][part as usize];
        let at = LEFT + f64::from(part) / 4.0 * (WIDTH - LEFT);
        label_at(
            &mut svg,
            at,
            ABOVE + HEIGHT + 20.0,
            anchor,
            &format!("+{}", show_ns(offset_ns as i64)),
        );
    }
    Some(close(svg))
}

/// Losses by place.
pub(super) fn places(report: &Report) -> Option<String> {
    let most = report.losses_by_place.iter().map(|place| place.count).max()?;
    let row = 24.0;
    let height = row * report.losses_by_place.len() as f64;
    let mut svg = format!(
        r#"<svg viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-label="Losses by place" xmlns="http://www.w3.org/2000/svg">"#
    );
    let left = 400.0;
    for (number, place) in report.losses_by_place.iter().enumerate() {
        let top = number as f64 * row;
        let length = place.count as f64 / most as f64 * (WIDTH - left - 170.0);
        label_at(&mut svg, left - 8.0, top + 15.0, "end", place.place.describe());
        rect(
            &mut svg,
            "lost",
            (left, top + 3.0, length.max(2.0), row - 8.0),
            place.place.describe(),
        );
        let count = format!("{} {}", place.count, place.unit);
        label_at(&mut svg, left + length + 8.0, top + 15.0, "start", &count);
    }
    Some(close(svg))
}

/// Loss of each receiver and sender, the redder the more.
pub(super) fn heat_map(report: &Report) -> Option<String> {
    let rows = report.receivers.len().min(MAX_HEAT_CELLS);
    let columns = report.senders.len().min(MAX_HEAT_CELLS);
    if rows == 0 || columns == 0 {
        return None;
    }
    let left = 200.0;
    let cell = ((WIDTH - left) / columns as f64).min(150.0);
    let row = 26.0;
    let height = row * (rows as f64 + 1.0);
    let mut svg = format!(
        r#"<svg viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-label="Loss by receiver and sender" xmlns="http://www.w3.org/2000/svg">"#
    );
    // About eight units a character; what does not fit is in the title of each cell.
    let fits = (cell / 8.5) as usize;
    for (number, sender) in report.senders.iter().take(columns).enumerate() {
        if fits >= 6 {
            let name = short(&sender.sender, fits.min(24));
            label_at(&mut svg, left + (number as f64 + 0.5) * cell, 16.0, "middle", &name);
        }
    }
    for (number, receiver) in report.receivers.iter().take(rows).enumerate() {
        let top = row * (number as f64 + 1.0);
        let name = short(&receiver.receiver, 22);
        let full_name = short(&receiver.receiver, MAX_TITLE_NAME_CHARS);
        label_at(&mut svg, left - 8.0, top + 16.0, "end", &name);
        for (column, pair) in receiver.senders.iter().take(columns).enumerate() {
            let c = &pair.counts;
            let place = (left + column as f64 * cell + 1.0, top + 1.0, cell - 2.0, row - 2.0);
            let sender = short(&pair.sender, MAX_TITLE_NAME_CHARS);
            let title = format!("{full_name} from {sender}: {} of {} lost", c.lost, c.expected);
            rect(&mut svg, if c.expected == 0 { "none" } else { "bar" }, place, &title);
            if c.lost > 0 {
                // A single loss must be seen: a fifth of red at least. The root tells one percent from ten.
                let loss = c.lost as f64 / c.expected as f64;
                let share = 0.2 + 0.8 * loss.sqrt();
                push(
                    &mut svg,
                    format_args!(
                        r#"<rect class="lost" fill-opacity="{share:.2}" x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}"><title>{}</title></rect>"#,
                        place.0,
                        place.1,
                        place.2,
                        place.3,
                        text(&title)
                    ),
                );
                if cell >= MIN_LABEL_CELL {
                    let label = show_loss(c.lost, c.expected);
                    push(
                        &mut svg,
                        format_args!(
                            r#"<text class="on" x="{:.1}" y="{:.1}" text-anchor="middle">{label}</text>"#,
                            place.0 + place.2 / 2.0,
                            top + 17.0
                        ),
                    );
                }
            }
        }
    }
    Some(close(svg))
}

/// How much of the heat map was left out.
pub(super) fn heat_cut(report: &Report) -> Option<String> {
    let (rows, columns) = (report.receivers.len(), report.senders.len());
    let cut = rows > MAX_HEAT_CELLS || columns > MAX_HEAT_CELLS;
    cut.then(|| {
        let (shown_rows, shown_columns) = (rows.min(MAX_HEAT_CELLS), columns.min(MAX_HEAT_CELLS));
        format!("The first {shown_rows} of {rows} receivers and {shown_columns} of {columns} senders; the JSON report has all.")
    })
}

fn open(title: &str) -> String {
    let height = ABOVE + HEIGHT + BELOW;
    format!(
        r#"<svg viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-label="{}" xmlns="http://www.w3.org/2000/svg">"#,
        text(title)
    )
}

fn close(mut svg: String) -> String {
    svg.push_str("</svg>");
    svg
}

/// Lines at zero, half and all of `most`.
fn axis(svg: &mut String, most: f64, unit: &str) {
    for share in [0.0, 0.5, 1.0] {
        let y = ABOVE + HEIGHT * (1.0 - share);
        push(
            svg,
            format_args!(r#"<line class="axis" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1}" y2="{y:.1}"/>"#),
        );
        label_at(
            svg,
            LEFT - 6.0,
            y + 4.0,
            "end",
            &format!("{}{unit}", show_number(most * share)),
        );
    }
}

fn rect(svg: &mut String, class: &str, (x, y, width, height): (f64, f64, f64, f64), title: &str) {
    push(
        svg,
        format_args!(
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"><title>{}</title></rect>"#,
            text(title)
        ),
    );
}

fn label_at(svg: &mut String, x: f64, y: f64, anchor: &str, label: &str) {
    push(
        svg,
        format_args!(
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{}</text>"#,
            text(label)
        ),
    );
}

fn push(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.write_fmt(text).expect("writing to a String does not fail");
}
