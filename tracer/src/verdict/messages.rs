//! Gates on messages: counts and shares.

use super::{Evidence, Judged, Kind, Measured};
use crate::{
    report::{ReasonCode, ReceiverReport, SenderReport, Verdict},
    units::{show_count, show_number},
};

/// Most ranges of indices in a reason.
const MAX_RANGES: usize = 8;

pub(super) fn loss(evidence: &Evidence<'_>, judged: &mut Judged) {
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
            few_samples: false,
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

pub(super) fn never_acknowledged(evidence: &Evidence<'_>, judged: &mut Judged) {
    if evidence.options.allow_failed_publishes {
        return;
    }
    let measure = |(s, unreadable): (&SenderReport, &u64)| {
        let count = s.never_acked;
        let verdict = match count {
            0 => Verdict::Pass,
            // Each unreadable line may be the acknowledgement of one of them.
            count if count > *unreadable => Verdict::Fail,
            _ => Verdict::Unknown,
        };
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
    let senders = evidence.senders.iter().zip(evidence.unreadable_of_senders);
    judged.gate(&kind, senders.map(measure).collect());
}

pub(super) fn unexpected(evidence: &Evidence<'_>, judged: &mut Judged) {
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

pub(super) fn duplicates(evidence: &Evidence<'_>, judged: &mut Judged) {
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
        few_samples: false,
        scope: scope.to_owned(),
        text: Some(text),
    }
}
