//! Gates on times: the schedule's slip and latency.

use super::{Evidence, Judged, Kind, Measured, SLIP_GATE};
use crate::{
    report::{Clock, ReasonCode, ReceiverReport, SenderReport, Verdict},
    units::show_ns,
};

/// Nanoseconds in a millisecond, the unit of gates on time.
const MS: f64 = 1_000_000.0;

pub(super) fn slip(evidence: &Evidence<'_>, judged: &mut Judged) {
    let measure = |s: &SenderReport| {
        let (p99_ns, limit_ns) = (s.slip.percentile_ns(99)?, s.slip_limit_ns);
        let kept = p99_ns <= limit_ns;
        let verdict = if kept { Verdict::Pass } else { Verdict::Unknown };
        let (p99, limit) = (show_ns(p99_ns), show_ns(limit_ns));
        let text = format!(
            "{}: the generator could not keep its schedule, slip p99 {p99}, limit {limit}",
            s.sender
        );
        Some(timed(verdict, Some(p99_ns), limit_ns, &s.sender, Some(text)))
    };
    let kind = Kind {
        name: SLIP_GATE,
        unit: "ms",
        code: ReasonCode::ScheduleSlip,
    };
    judged.gate(&kind, evidence.senders.iter().filter_map(measure).collect());
}

pub(super) fn latency(evidence: &Evidence<'_>, judged: &mut Judged) {
    let Some(limit_ns) = evidence.options.max_latency_p99_ns else {
        return;
    };
    let measure = |r: &ReceiverReport| {
        let p99_ns = r.latency.from_intended.percentile_ns(99);
        let verdict = p99_ns.map_or(Verdict::Unknown, |p99_ns| latency_verdict(p99_ns, limit_ns, r));
        let (name, limit) = (&r.receiver, show_ns(limit_ns));
        let text = match (p99_ns.map(show_ns), verdict) {
            (None, _) => format!("{name}: no arrival to judge latency by"),
            (Some(p99), Verdict::Unknown) => {
                format!("{name}: clocks too far apart to judge latency p99 {p99} by limit {limit}")
            }
            (Some(p99), _) => format!("{name}: latency p99 {p99} above limit {limit}"),
        };
        timed(verdict, p99_ns, limit_ns, &r.receiver, Some(text))
    };
    let kind = Kind {
        name: "latency p99",
        unit: "ms",
        code: ReasonCode::Latency,
    };
    judged.gate(&kind, evidence.receivers.iter().map(measure).collect());
}

fn timed(verdict: Verdict, value_ns: Option<i64>, limit_ns: i64, scope: &str, text: Option<String>) -> Measured {
    let (value, limit) = (value_ns.map(|ns| ns as f64 / MS), limit_ns as f64 / MS);
    Measured {
        verdict,
        value,
        limit,
        scope: scope.to_owned(),
        text,
    }
}

/// The true value lies within the clocks' bound of the measured one; without a bound it may be anything.
fn latency_verdict(p99_ns: i64, limit_ns: i64, r: &ReceiverReport) -> Verdict {
    let bound_ns = match r.latency.clock {
        Clock::Unknown => return Verdict::Unknown,
        Clock::Same => 0,
        Clock::Bounded { bound_ns } => i64::try_from(bound_ns).unwrap_or(i64::MAX),
    };
    // A message does not arrive before it is sent: the clocks did not keep what they promised.
    if r.latency
        .from_sent
        .min_ns
        .is_some_and(|min_ns| min_ns < bound_ns.saturating_neg())
    {
        return Verdict::Unknown;
    }
    if p99_ns.saturating_add(bound_ns) <= limit_ns {
        Verdict::Pass
    } else if p99_ns.saturating_sub(bound_ns) > limit_ns {
        Verdict::Fail
    } else {
        Verdict::Unknown
    }
}
