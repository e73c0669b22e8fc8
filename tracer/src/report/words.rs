//! Words that several forms of the report share.

use event_log::{Timestamp, event::Role};

use super::{Clock, LogReport, Skipped, Verdict};
use crate::{
    latency::Percentile,
    series::{AgeBin, Bucket, OutageKind, OverTime},
    units::{show_ns, show_number, show_signed_ns},
};

/// A verdict in one word.
pub(crate) fn show_verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Unknown => "unknown",
    }
}

/// What the clocks allow to say: how far the receiver's may be ahead of the sender's.
pub(super) fn show_clock(clock: Clock) -> String {
    match clock {
        Clock::Same => "same".to_owned(),
        Clock::Bounded { lo_ns, hi_ns, .. } if lo_ns == hi_ns.saturating_neg() => format!("±{}", show_ns(hi_ns)),
        Clock::Bounded { lo_ns, hi_ns, .. } => {
            format!("ahead by {} to {}", show_signed_ns(lo_ns), show_signed_ns(hi_ns))
        }
        Clock::Unknown => "bound unknown".to_owned(),
    }
}

/// A percentile, marked when it rests on a handful of values; `-` without values.
pub(super) fn show_percentile(percentile: Option<&Percentile>) -> String {
    percentile.map_or("-".to_owned(), |p| {
        format!("{}{}", show_ns(p.value_ns), if p.few_samples { "*" } else { "" })
    })
}

/// A duration; `-` where there is none.
pub(super) fn show_optional_ns(ns: Option<i64>) -> String {
    ns.map_or("-".to_owned(), show_ns)
}

/// The role that wrote a log.
pub(super) fn show_role(role: Option<Role>) -> &'static str {
    match role {
        Some(Role::Publisher) => "publisher",
        Some(Role::Receiver) => "receiver",
        Some(Role::ServiceNode) => "service node",
        None => "-",
    }
}

/// How a log ended: its reason, `TORN`, or `not used`. The text is not escaped.
pub(super) fn show_end(log: &LogReport) -> &str {
    match (&log.ended, log.used) {
        (_, false) => "not used",
        (Some(reason), true) => reason,
        (None, true) => "TORN",
    }
}

/// What share of the expected was lost; `-` when nothing was expected.
pub(super) fn show_loss(lost: u64, expected: u64) -> String {
    if expected == 0 {
        return "-".to_owned();
    }
    format!("{} %", show_number(100.0 * lost as f64 / expected as f64))
}

/// Lines of a log that were skipped, whatever the cause.
pub(super) fn skipped(s: &Skipped) -> u64 {
    s.other_text + s.unknown_events + s.not_an_event + s.wrong_version + s.bad_fields + s.damaged
}

/// The ages of a bin.
pub(super) fn show_ages(bin: &AgeBin) -> String {
    let until = bin
        .to_ns
        .map_or("and more".to_owned(), |to_ns| format!("to {}", show_ns(to_ns)));
    format!("{} {until}", show_ns(bin.from_ns))
}

/// What an outage is of.
pub(super) fn show_kind(kind: OutageKind) -> &'static str {
    match kind {
        OutageKind::Publishing => "publishing",
        OutageKind::Delivery => "delivery",
    }
}

/// When an outage ended.
pub(super) fn show_outage_end(end: Option<Timestamp>) -> String {
    end.map_or("end of run".to_owned(), |end| end.to_string())
}

/// A time for people, to a millisecond.
pub(super) fn show_time(time: Timestamp) -> String {
    let text = time.to_string();
    match text.split_once('.') {
        Some((seconds, digits)) if digits.len() > 4 => {
            format!("{}.{}Z", seconds.replacen('T', " ", 1), &digits[..3])
        }
        _ => text,
    }
}

/// The width of a bucket.
pub(super) fn show_width(over_time: &OverTime) -> String {
    show_ns(i64::try_from(over_time.width_ns).unwrap_or(i64::MAX))
}

/// How far into the run a bucket begins.
pub(super) fn show_offset(over_time: &OverTime, bucket: &Bucket) -> String {
    let first_ns = over_time.buckets.first().map_or(0, |first| first.begin.unix_ns());
    format!("+{}", show_ns(bucket.begin.unix_ns().saturating_sub(first_ns)))
}
