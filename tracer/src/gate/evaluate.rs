//! Expressions against facts. Nothing measured is never a pass.

use super::{
    expression::{Expression, Limit},
    facts::Facts,
    measure::{Entity, entities},
    metric::{Scope, Unit},
    range::Range,
};
use crate::{
    report::{Gate, JudgedBy, Reason, ReasonCode, Report, Verdict},
    units::{show_ns, show_number},
};

/// Nanoseconds in a millisecond, the unit of gates on time.
const NS_PER_MS: f64 = 1_000_000.0;

/// Reasons that come from the limits of `report`, which expressions replace. The schedule's slip stays: it says that
/// the load was not the planned one.
const LIMIT_CODES: [ReasonCode; 5] = [
    ReasonCode::Loss,
    ReasonCode::NeverAcknowledged,
    ReasonCode::Unexpected,
    ReasonCode::Duplicates,
    ReasonCode::Latency,
];

/// One entity against one expression.
struct Outcome<'a> {
    name: &'a str,
    verdict: Verdict,
    range: Option<Range>,
    few_samples: bool,
}

/// Judges `report` by `expressions` instead of the limits of `report`; what makes a run unknown stays.
pub(crate) fn apply(report: &mut Report, expressions: &[Expression]) {
    let facts = Facts::of(report);
    report.judged_by = JudgedBy::Expressions;
    report.reasons.retain(|reason| !LIMIT_CODES.contains(&reason.code));
    report.gates.retain(|gate| gate.name == crate::verdict::SLIP_GATE);
    let mut reasons = Vec::new();
    for (at, expression) in expressions.iter().enumerate() {
        let (gate, reason) = judge(expression, &facts);
        report.gates.insert(at, gate);
        reasons.extend(reason);
    }
    reasons.append(&mut report.reasons);
    // A stable sort: those of the verdict first, each kind in its order.
    reasons.sort_by_key(|reason| reason.verdict != Verdict::Fail);
    report.verdict = reasons
        .iter()
        .fold(Verdict::Pass, |verdict, reason| verdict.and(reason.verdict));
    report.reasons = reasons;
}

/// One expression: a gate that shows the worst entity, and the reason if it is not passed.
fn judge(expression: &Expression, facts: &Facts) -> (Gate, Option<Reason>) {
    let entities = entities(facts, expression.scope);
    let outcomes: Vec<Outcome<'_>> = entities.iter().map(|entity| outcome(expression, entity)).collect();
    let worst = outcomes.iter().reduce(|worst, outcome| {
        if badness(outcome, expression) > badness(worst, expression) {
            outcome
        } else {
            worst
        }
    });
    let verdict = worst.map_or(Verdict::Unknown, |worst| worst.verdict);
    let scale = if expression.quantity.unit() == Unit::Duration {
        NS_PER_MS
    } else {
        1.0
    };
    let (limit, value) = (
        expression.limit.number() / scale,
        worst.and_then(|worst| worst.range).map(|range| range.value / scale),
    );
    let gate = Gate {
        name: expression.to_string().into(),
        verdict,
        scope: worst.map_or("-", |worst| worst.name).to_owned(),
        value,
        limit: Some(limit),
        margin: value.map(|value| {
            if expression.op.is_upper() {
                limit - value
            } else {
                value - limit
            }
        }),
        unit: unit(expression),
        few_samples: worst.is_some_and(|worst| worst.few_samples),
    };
    let reason = (verdict != Verdict::Pass).then(|| Reason {
        verdict,
        code: ReasonCode::Gate,
        text: explain(expression, worst, &outcomes),
    });
    (gate, reason)
}

fn unit(expression: &Expression) -> &'static str {
    match expression.limit {
        Limit::Percent(_) => "%",
        Limit::DurationNs(_) => "ms",
        Limit::Count(_) => "count",
    }
}

fn outcome<'a>(expression: &Expression, entity: &Entity<'a>) -> Outcome<'a> {
    let as_share = matches!(expression.limit, Limit::Percent(_));
    let range = entity.measure(expression.quantity, as_share);
    let limit = expression.limit.number();
    let holds = |value| expression.op.holds(value, limit);
    let verdict = match range.map(|range| (holds(range.low), holds(range.high))) {
        None => Verdict::Unknown,
        Some((true, true)) => Verdict::Fail,
        Some((false, false)) => Verdict::Pass,
        // The limit lies within what is not known.
        Some(_) => Verdict::Unknown,
    };
    Outcome {
        name: entity.name,
        verdict,
        range,
        few_samples: entity.has_few_samples(expression.quantity),
    }
}

/// How bad an outcome is: the verdict first, then how far the value lies on the wrong side.
fn badness(outcome: &Outcome<'_>, expression: &Expression) -> (u8, f64) {
    let rank = match outcome.verdict {
        Verdict::Fail => 2,
        Verdict::Unknown => 1,
        Verdict::Pass => 0,
    };
    let sign = if expression.op.is_upper() { 1.0 } else { -1.0 };
    (
        rank,
        outcome.range.map_or(f64::NEG_INFINITY, |range| sign * range.value),
    )
}

fn explain(expression: &Expression, worst: Option<&Outcome<'_>>, outcomes: &[Outcome<'_>]) -> String {
    let Some(worst) = worst else {
        return format!("{expression}: no {} to judge", expression.scope.word());
    };
    let place = match expression.scope {
        Scope::Run => String::new(),
        Scope::Receiver | Scope::Publisher | Scope::ServiceNode => format!(" at {}", worst.name),
    };
    let mut text = match worst.range {
        None => format!("{expression}: nothing was measured{place}"),
        Some(range) if worst.verdict == Verdict::Fail => {
            format!("{expression}: it is {}{place}", show(expression, range.value))
        }
        Some(range) => {
            let value = show(expression, range.value);
            format!(
                "{expression}: measured {value}{place}, {}",
                certainty(expression, range)
            )
        }
    };
    let like = outcomes
        .iter()
        .filter(|outcome| outcome.verdict == worst.verdict)
        .count();
    if expression.scope != Scope::Run && like > 1 {
        text.push_str(&format!(" ({like} of {} {}s)", outcomes.len(), expression.scope.word()));
    }
    text
}

fn certainty(expression: &Expression, range: Range) -> String {
    if range.low.is_infinite() || range.high.is_infinite() {
        return "and the clocks are not known to agree".to_owned();
    }
    let (low, high) = (show(expression, range.low), show(expression, range.high));
    format!("and the truth may be anything from {low} to {high}")
}

fn show(expression: &Expression, value: f64) -> String {
    match expression.limit {
        Limit::Percent(_) => format!("{} %", show_number(value)),
        Limit::Count(_) => show_number(value),
        Limit::DurationNs(_) => show_ns(value as i64),
    }
}
