//! Words that several forms of the report share.

use event_log::event::Role;

use super::{Clock, LogReport, Verdict};
use crate::{latency::Percentile, units::show_ns};

/// A verdict in one word.
pub(super) fn show_verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Unknown => "unknown",
    }
}

/// What the clocks allow to say.
pub(super) fn show_clock(clock: Clock) -> String {
    match clock {
        Clock::Same => "same".to_owned(),
        Clock::Bounded { bound_ns } => format!("±{}", show_ns(i64::try_from(bound_ns).unwrap_or(i64::MAX))),
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
