//! Gates on times: the schedule's slip and latency.

use super::{Evidence, Judged, Kind, Measured, SLIP_GATE};
use crate::{
    latency::Percentile,
    report::{ReasonCode, ReceiverReport, SenderReport, Verdict, joined, kept_offset},
    units::show_ns,
};

/// Nanoseconds in a millisecond, the unit of gates on time.
const MS: f64 = 1_000_000.0;

/// The percentile that is judged, in tenths of a percent.
const P99: u32 = 990;

pub(super) fn slip(evidence: &Evidence<'_>, judged: &mut Judged) {
    let measure = |s: &SenderReport| {
        let (measured, limit_ns) = (s.slip.permille(P99)?, s.slip_limit_ns);
        let p99_ns = measured.value_ns;
        let kept = p99_ns <= limit_ns;
        let verdict = if kept { Verdict::Pass } else { Verdict::Unknown };
        let (p99, limit) = (show_ns(p99_ns), show_ns(limit_ns));
        let text = format!(
            "{}: the generator could not keep its schedule, slip p99 {p99}, limit {limit}",
            s.sender
        );
        Some(timed(verdict, Some(measured), limit_ns, &s.sender, Some(text)))
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
        let measured = r.latency.from_intended.permille(P99);
        let p99_ns = measured.map(|p99| p99.value_ns);
        let verdict = p99_ns.map_or(Verdict::Unknown, |p99_ns| latency_verdict(p99_ns, limit_ns, r));
        let (name, limit) = (&r.receiver, show_ns(limit_ns));
        let text = match (p99_ns.map(show_ns), verdict) {
            (None, _) => format!("{name}: no arrival to judge latency by"),
            (Some(p99), Verdict::Unknown) => {
                format!("{name}: clocks too far apart to judge latency p99 {p99} by limit {limit}")
            }
            (Some(p99), _) => format!("{name}: latency p99 {p99} above limit {limit}"),
        };
        timed(verdict, measured, limit_ns, &r.receiver, Some(text))
    };
    let kind = Kind {
        name: "latency p99",
        unit: "ms",
        code: ReasonCode::Latency,
    };
    judged.gate(&kind, evidence.receivers.iter().map(measure).collect());
}

fn timed(
    verdict: Verdict,
    measured: Option<&Percentile>,
    limit_ns: i64,
    scope: &str,
    text: Option<String>,
) -> Measured {
    let (value, limit) = (measured.map(|p| p.value_ns as f64 / MS), limit_ns as f64 / MS);
    Measured {
        verdict,
        value,
        limit,
        few_samples: measured.is_some_and(|p| p.few_samples),
        scope: scope.to_owned(),
        text,
    }
}

/// The true value is the measured one less the clocks' offset; without a bound it may be anything.
fn latency_verdict(p99_ns: i64, limit_ns: i64, r: &ReceiverReport) -> Verdict {
    let heard = r.senders.iter().filter(|cell| cell.counts.received > 0);
    let offsets = heard.map(|cell| kept_offset(cell.clock.offset(), cell.from_sent.min_ns));
    let Some(offset) = offsets.reduce(joined).flatten() else {
        return Verdict::Unknown;
    };
    match offset.truth(p99_ns) {
        (_, high_ns) if high_ns <= limit_ns => Verdict::Pass,
        (low_ns, _) if low_ns > limit_ns => Verdict::Fail,
        _ => Verdict::Unknown,
    }
}
