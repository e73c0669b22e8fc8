//! Limits against values. Fail beats unknown, unknown beats pass, and nothing measured is never a pass.

mod messages;
mod times;

use crate::{
    options::Options,
    report::{Gate, Reason, ReasonCode, ReceiverReport, SenderReport, Verdict},
    units::show_count,
};

/// Name of the gate on the schedule's slip.
pub(crate) const SLIP_GATE: &str = "schedule slip p99";

/// What the gates look at.
pub(crate) struct Evidence<'a> {
    /// Number of publisher logs.
    pub(crate) publishers: usize,
    pub(crate) senders: &'a [SenderReport],
    pub(crate) receivers: &'a [ReceiverReport],
    /// Lines of each receiver's log that cannot be read: each may have been a delivery.
    pub(crate) unreadable_lines: &'a [u64],
    /// The same of each sender's logs: each may have been an acknowledgement.
    pub(crate) unreadable_of_senders: &'a [u64],
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
    /// Whether the value is a percentile of a handful of values.
    few_samples: bool,
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
            few_samples: worst.few_samples,
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
    messages::loss(evidence, &mut judged);
    messages::never_acknowledged(evidence, &mut judged);
    messages::unexpected(evidence, &mut judged);
    messages::duplicates(evidence, &mut judged);
    times::slip(evidence, &mut judged);
    times::latency(evidence, &mut judged);
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
