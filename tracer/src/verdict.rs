//! Limits against values. Fail beats unknown, unknown beats pass, and nothing measured is never a pass.

use crate::{
    options::Options,
    report::{Clock, Gate, Reason, ReasonCode, ReceiverReport, SenderReport, Verdict},
    units::{show_count, show_ns, show_number},
};

/// Nanoseconds in a millisecond, the unit of gates on time.
const MS: f64 = 1_000_000.0;

/// Name of the gate on the schedule's slip.
pub(crate) const SLIP_GATE: &str = "schedule slip p99";

/// Most ranges of indices in a reason.
const MAX_RANGES: usize = 8;

/// What the gates look at.
pub(crate) struct Evidence<'a> {
    /// Number of publisher logs.
    pub(crate) publishers: usize,
    pub(crate) senders: &'a [SenderReport],
    pub(crate) receivers: &'a [ReceiverReport],
    /// Lines of each receiver's log that cannot be read: each may have been a delivery.
    pub(crate) unreadable_lines: &'a [u64],
    /// Whether every publisher log is there and whole.
    pub(crate) knows_all_published: bool,
    pub(crate) options: &'a Options,
}

/// Gates in the order of the report, and the reasons of those that are not passed.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) gates: Vec<Gate>,
    pub(crate) reasons: Vec<Reason>,
}

/// A kind of gate.
struct Kind {
    name: &'static str,
    unit: &'static str,
    code: ReasonCode,
}

/// One gate's outcome at one place.
struct Measured {
    verdict: Verdict,
    value: Option<f64>,
    limit: f64,
    /// The receiver or sender.
    scope: String,
    /// The reason, when it is not passed; `None` where another reason says why there is nothing to measure.
    text: Option<String>,
}

impl Measured {
    fn excess(&self) -> f64 {
        self.value.map_or(f64::NEG_INFINITY, |value| value - self.limit)
    }

    /// How bad it is: the verdict first, then by how much the limit is exceeded.
    fn badness(&self) -> (u8, f64) {
        let rank = match self.verdict {
            Verdict::Fail => 2,
            Verdict::Unknown => 1,
            Verdict::Pass => 0,
        };
        (rank, self.excess())
    }
}

impl Judged {
    /// Adds a gate: its worst place is shown, and every place that is not passed gives a reason.
    fn gate(&mut self, kind: &Kind, measured: Vec<Measured>) {
        // Of equals the first stands, so that the report does not depend on chance.
        let worst = measured
            .iter()
            .reduce(|worst, m| if m.badness() > worst.badness() { m } else { worst });
        let Some(worst) = worst else { return };
        self.gates.push(Gate {
            name: kind.name.into(),
            verdict: worst.verdict,
            scope: worst.scope.clone(),
            value: worst.value,
            limit: Some(worst.limit),
            margin: worst.value.map(|value| worst.limit - value),
            unit: kind.unit,
        });
        for m in measured.into_iter().filter(|m| m.verdict != Verdict::Pass) {
            let reason = |text| Reason {
                verdict: m.verdict,
                code: kind.code,
                text,
            };
            self.reasons.extend(m.text.map(reason));
        }
    }

    fn unknown(&mut self, code: ReasonCode, text: String) {
        self.reasons.push(Reason {
            verdict: Verdict::Unknown,
            code,
            text,
        });
    }
}

/// Judges a run.
pub(crate) fn judge(evidence: &Evidence<'_>) -> Judged {
    let mut judged = Judged::default();
    data(evidence, &mut judged);
    loss(evidence, &mut judged);
    never_acknowledged(evidence, &mut judged);
    unexpected(evidence, &mut judged);
    duplicates(evidence, &mut judged);
    slip(evidence, &mut judged);
    latency(evidence, &mut judged);
    judged
}

/// Whether there is anything to judge.
fn data(evidence: &Evidence<'_>, judged: &mut Judged) {
    let sum = |of: fn(&SenderReport) -> u64| evidence.senders.iter().map(of).sum::<u64>();
    if evidence.publishers > 0 && sum(|s| s.attempted) == 0 {
        judged.unknown(ReasonCode::NothingAttempted, "no message was attempted".to_owned());
    } else if evidence.publishers > 0 && sum(|s| s.acked) == 0 {
        let text = "no message was acknowledged: there is no loss to judge".to_owned();
        judged.unknown(ReasonCode::NothingAcknowledged, text);
    }
    for r in evidence.receivers {
        if r.counts.acked > 0 && r.counts.expected == 0 {
            let text = format!(
                "{}: none of {} messages was sent while it listened",
                r.receiver, r.counts.acked
            );
            judged.unknown(ReasonCode::NothingObserved, text);
        } else if r.counts.not_observed_after > 0 {
            let missed = show_count(r.counts.not_observed_after, "message");
            let text = format!("{} left too early to observe {missed}", r.receiver);
            judged.unknown(ReasonCode::TailNotObserved, text);
        }
    }
}

fn loss(evidence: &Evidence<'_>, judged: &mut Judged) {
    let limit = evidence.options.max_loss_percent;
    let measure = |(r, unreadable): (&ReceiverReport, &u64)| {
        let (lost, expected) = (r.counts.lost, r.counts.expected);
        let percent = |lost: u64| 100.0 * lost as f64 / expected as f64;
        let value = (expected > 0).then(|| percent(lost));
        let verdict = match value {
            None => Verdict::Unknown,
            Some(value) if value <= limit => Verdict::Pass,
            // Each unreadable line may be one of the deliveries that seem to be lost.
            Some(_) if percent(lost.saturating_sub(*unreadable)) > limit => Verdict::Fail,
            Some(_) => Verdict::Unknown,
        };
        let text = value.map(|value| {
            let (name, value, limit) = (&r.receiver, show_number(value), show_number(limit));
            format!("{name}: {lost} of {expected} messages lost ({value} %, limit {limit} %)")
        });
        Measured {
            verdict,
            value,
            limit,
            scope: r.receiver.clone(),
            text,
        }
    };
    let measured = evidence
        .receivers
        .iter()
        .zip(evidence.unreadable_lines)
        .map(measure)
        .collect();
    let kind = Kind {
        name: "loss",
        unit: "%",
        code: ReasonCode::Loss,
    };
    judged.gate(&kind, measured);
}

fn never_acknowledged(evidence: &Evidence<'_>, judged: &mut Judged) {
    if evidence.options.allow_failed_publishes {
        return;
    }
    let measure = |s: &SenderReport| {
        let count = s.never_acked;
        let verdict = if count == 0 { Verdict::Pass } else { Verdict::Fail };
        let indices = s.never_acked_indices.show(MAX_RANGES);
        let text = format!(
            "{}: {count} of {} messages never acknowledged: {indices}",
            s.sender, s.attempted
        );
        counted(verdict, count, 0, &s.sender, text)
    };
    let kind = Kind {
        name: "never acknowledged",
        unit: "messages",
        code: ReasonCode::NeverAcknowledged,
    };
    judged.gate(&kind, evidence.senders.iter().map(measure).collect());
}

fn unexpected(evidence: &Evidence<'_>, judged: &mut Judged) {
    let limit = evidence.options.max_unexpected;
    let measure = |r: &ReceiverReport| {
        let verdict = match (r.unexpected <= limit, evidence.knows_all_published) {
            (true, _) => Verdict::Pass,
            (false, true) => Verdict::Fail,
            (false, false) => Verdict::Unknown,
        };
        let text = format!(
            "{}: {} unknown to every publisher log",
            r.receiver,
            show_count(r.unexpected, "message")
        );
        counted(verdict, r.unexpected, limit, &r.receiver, text)
    };
    let kind = Kind {
        name: "unexpected",
        unit: "messages",
        code: ReasonCode::Unexpected,
    };
    judged.gate(&kind, evidence.receivers.iter().map(measure).collect());
}

fn duplicates(evidence: &Evidence<'_>, judged: &mut Judged) {
    let Some(limit) = evidence.options.max_duplicates else {
        return;
    };
    let measure = |r: &ReceiverReport| {
        let count = r.counts.duplicates;
        let verdict = if count <= limit { Verdict::Pass } else { Verdict::Fail };
        let text = format!("{}: {}, limit {limit}", r.receiver, show_count(count, "duplicate"));
        counted(verdict, count, limit, &r.receiver, text)
    };
    let kind = Kind {
        name: "duplicates",
        unit: "arrivals",
        code: ReasonCode::Duplicates,
    };
    judged.gate(&kind, evidence.receivers.iter().map(measure).collect());
}

fn counted(verdict: Verdict, count: u64, limit: u64, scope: &str, text: String) -> Measured {
    let (value, limit) = (Some(count as f64), limit as f64);
    Measured {
        verdict,
        value,
        limit,
        scope: scope.to_owned(),
        text: Some(text),
    }
}

fn slip(evidence: &Evidence<'_>, judged: &mut Judged) {
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

fn latency(evidence: &Evidence<'_>, judged: &mut Judged) {
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
