//! The language of limits: `metric[.aggregate] op value[unit] [per entity]`.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::{
    metric::{Aggregate, Kind, Metric, Quantity, Scope, Unit},
    nearest::nearest,
};
use crate::units::parse_duration_ns;

/// Longest expression, bytes: the longest sensible one has about 60.
const MAX_EXPRESSION_BYTES: usize = 256;

/// Largest count that a limit may name: up to here every whole number has a value of its own.
const MAX_COUNT: u64 = 1 << 53;

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Above,
    AtLeast,
    Below,
    AtMost,
}

impl Op {
    /// Longer signs first, so that the first match is the right one.
    const SIGNS: [(&'static str, Self); 4] = [
        (">=", Self::AtLeast),
        ("<=", Self::AtMost),
        (">", Self::Above),
        ("<", Self::Below),
    ];

    pub(crate) fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
        }
    }

    /// Whether larger values are the bad ones.
    pub(crate) fn is_upper(self) -> bool {
        matches!(self, Self::Above | Self::AtLeast)
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
        }
    }
}

/// The number of an expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Limit {
    Percent(f64),
    Count(u64),
    DurationNs(i64),
}

impl Limit {
    /// Percent, a count, or nanoseconds.
    pub(crate) fn number(self) -> f64 {
        match self {
            Self::Percent(percent) => percent,
            Self::Count(count) => count as f64,
            Self::DurationNs(ns) => ns as f64,
        }
    }
}

/// When a run fails.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Expression {
    pub(crate) quantity: Quantity,
    pub(crate) op: Op,
    pub(crate) limit: Limit,
    pub(crate) scope: Scope,
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExpressionError {
    /// Not of the form at all.
    #[error(
        "write metric[.aggregate] op value[unit] [per entity], such as 'loss > 0.1%' or 'latency.p99 > 500ms per receiver'"
    )]
    Form,
    /// Longer than any sensible expression.
    #[error("{bytes} bytes long, at most {MAX_EXPRESSION_BYTES} are allowed")]
    TooLong {
        /// Its length, bytes.
        bytes: usize,
    },
    /// A metric, aggregate or entity that does not exist.
    #[error("unknown {what} {word:?}{}{}", did_you_mean(.meant), one_of(.known))]
    Unknown {
        /// What the word stands for.
        what: &'static str,
        /// The word.
        word: String,
        /// The nearest valid word.
        meant: Option<String>,
        /// All valid words.
        known: Vec<String>,
    },
    /// A percentile that cannot be, or that reports do not hold.
    #[error("{0}")]
    Percentile(String),
    /// A series without aggregate.
    #[error("{metric} is a series of durations: say which of them, such as {metric}.p99 or {metric}.max")]
    NoAggregate {
        /// The metric.
        metric: &'static str,
    },
    /// An aggregate of a single number.
    #[error("{metric} is one number and has no .{aggregate}: write {metric}")]
    NoSeries {
        /// The metric.
        metric: &'static str,
        /// The aggregate asked for.
        aggregate: String,
    },
    /// A number that does not fit the metric.
    #[error("{value:?} is no value of {quantity}: {hint}")]
    Value {
        /// The value as written.
        value: String,
        /// The quantity.
        quantity: String,
        /// What to write.
        hint: String,
    },
    /// A metric that is not known of that entity.
    #[error("{metric} is not known per {scope}, only {}", .known.join(", "))]
    Scope {
        /// The metric.
        metric: &'static str,
        /// The entity asked for.
        scope: &'static str,
        /// Of what it is known.
        known: Vec<String>,
    },
}

fn did_you_mean(meant: &Option<String>) -> String {
    meant
        .as_ref()
        .map_or(String::new(), |meant| format!(": did you mean {meant}?"))
}

fn one_of(known: &[String]) -> String {
    format!(" (there are {})", known.join(", "))
}

fn unknown(what: &'static str, word: &str, known: Vec<String>) -> ExpressionError {
    ExpressionError::Unknown {
        what,
        word: word.to_owned(),
        meant: nearest(word, known.iter().map(String::as_str)).map(str::to_owned),
        known,
    }
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_EXPRESSION_BYTES {
            return Err(ExpressionError::TooLong { bytes: text.len() });
        }
        let at = text.find(['<', '>']).ok_or(ExpressionError::Form)?;
        let (left, right) = text.split_at(at);
        let (sign, op) = Op::SIGNS
            .into_iter()
            .find(|(sign, _)| right.starts_with(sign))
            .ok_or(ExpressionError::Form)?;
        let mut words = right[sign.len()..].split_whitespace();
        let mut value = words.next().ok_or(ExpressionError::Form)?.to_owned();
        let mut next = words.next();
        // A unit may stand apart from its number.
        if let Some(unit) = next.filter(|word| *word != "per") {
            value.push_str(unit);
            next = words.next();
        }
        let entity = match (next, words.next(), words.next()) {
            (None, _, _) => None,
            (Some("per"), Some(entity), None) => Some(entity),
            _ => return Err(ExpressionError::Form),
        };
        let quantity = quantity(left.trim())?;
        Ok(Self {
            quantity,
            op,
            limit: limit(&value, quantity)?,
            scope: scope(entity, quantity.metric)?,
        })
    }
}

fn quantity(text: &str) -> Result<Quantity, ExpressionError> {
    if text.is_empty() {
        return Err(ExpressionError::Form);
    }
    let (word, aggregate) = match text.split_once('.') {
        Some((word, aggregate)) => (word, Some(aggregate)),
        None => (text, None),
    };
    let metric = Metric::ALL.iter().copied().find(|metric| metric.word() == word);
    let metric = metric.ok_or_else(|| {
        let known = Metric::ALL.iter().map(|metric| metric.word().to_owned()).collect();
        unknown("metric", word, known)
    })?;
    let aggregate = match (metric.kind(), aggregate) {
        (Kind::Series, Some(word)) => Some(self::aggregate(word)?),
        (Kind::Series, None) => return Err(ExpressionError::NoAggregate { metric: metric.word() }),
        (_, Some(word)) => {
            return Err(ExpressionError::NoSeries {
                metric: metric.word(),
                aggregate: word.to_owned(),
            });
        }
        (_, None) => None,
    };
    Ok(Quantity { metric, aggregate })
}

fn aggregate(word: &str) -> Result<Aggregate, ExpressionError> {
    let all = Aggregate::all();
    if let Some(found) = all.iter().find(|aggregate| aggregate.to_string() == word) {
        return Ok(*found);
    }
    let known: Vec<String> = all.iter().map(ToString::to_string).collect();
    match word.strip_prefix('p').map(str::parse::<f64>) {
        Some(Ok(percent)) if !(percent > 0.0 && percent < 100.0) => Err(ExpressionError::Percentile(format!(
            "impossible percentile {word:?}: a percentile lies between 0 and 100; min and max are words of their own"
        ))),
        Some(Ok(_)) => Err(ExpressionError::Percentile(format!(
            "reports do not hold {word:?}{}",
            one_of(&known)
        ))),
        _ => Err(unknown("aggregate", word, known)),
    }
}

fn limit(text: &str, quantity: Quantity) -> Result<Limit, ExpressionError> {
    let wrong = |hint: String| ExpressionError::Value {
        value: text.to_owned(),
        quantity: quantity.to_string(),
        hint,
    };
    let base = match quantity.metric.kind() {
        Kind::Count { base } => base,
        Kind::Share | Kind::Series => None,
    };
    match quantity.unit() {
        Unit::Percent => percent(text, Some(100.0)).map_err(wrong),
        Unit::Duration => parse_duration_ns(text).map(Limit::DurationNs).map_err(wrong),
        Unit::Count if base.is_some() && text.ends_with('%') => percent(text, None).map_err(wrong),
        Unit::Count => {
            let count = text.parse::<u64>().ok().filter(|count| *count <= MAX_COUNT);
            let share = base.map_or(String::new(), |base| format!(", or a share of {base} such as 0.5%"));
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            count
                .filter(|_| is_number)
                .map(Limit::Count)
                .ok_or_else(|| wrong(format!("a count is a whole number without unit, such as 10{share}")))
        }
    }
}

fn percent(text: &str, max: Option<f64>) -> Result<Limit, String> {
    let number = text.strip_suffix('%').or((text == "0").then_some(text));
    let number = number.ok_or_else(|| "a share is a percentage, such as 0.1%".to_owned())?;
    // Neither an exponent nor a name of a number.
    let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let parsed = number.parse::<f64>().ok().filter(|_| plain);
    let percent = parsed.ok_or_else(|| "a percentage is a number, such as 0.1%".to_owned())?;
    match max {
        Some(max) if percent > max => Err(format!("a percentage here lies between 0 and {max}")),
        _ if !percent.is_finite() => Err("too large".to_owned()),
        _ => Ok(Limit::Percent(percent)),
    }
}

fn scope(entity: Option<&str>, metric: Metric) -> Result<Scope, ExpressionError> {
    let Some(word) = entity else {
        return Ok(metric.scopes().first().copied().unwrap_or(Scope::Run));
    };
    let found = Scope::WORDS.iter().find(|(known, _)| *known == word);
    let (_, scope) = found.ok_or_else(|| {
        let known = Scope::WORDS.iter().map(|(known, _)| (*known).to_owned()).collect();
        unknown("entity", word, known)
    })?;
    if metric.scopes().contains(scope) {
        return Ok(*scope);
    }
    let known = metric.scopes().iter().map(|scope| match scope {
        Scope::Run => "of the whole run".to_owned(),
        scope => format!("per {}", scope.word()),
    });
    Err(ExpressionError::Scope {
        metric: metric.word(),
        scope: scope.word(),
        known: known.collect(),
    })
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Count(count) => write!(f, "{count}"),
            Self::DurationNs(ns) => {
                let units = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)];
                let fits = units.iter().find(|(_, unit_ns)| ns != 0 && ns % unit_ns == 0);
                let (unit, unit_ns) = fits.unwrap_or(&("ns", 1));
                write!(f, "{}{unit}", ns / unit_ns)
            }
        }
    }
}

impl fmt::Display for Expression {
    /// The expression in its plainest form; reads back as the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.quantity, self.op.sign(), self.limit)?;
        if self.quantity.metric.scopes().first() != Some(&self.scope) {
            write!(f, " per {}", self.scope.word())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Expression, ExpressionError> {
        text.parse()
    }

    #[test]
    fn expressions_are_read() {
        for (text, plain) in [
            ("loss > 0.1%", "loss > 0.1%"),
            ("  loss>0 ", "loss > 0%"),
            ("latency.p99 > 500ms", "latency.p99 > 500ms"),
            ("latency.max>=1.5 s per receiver", "latency.max >= 1500ms per receiver"),
            ("duplicates > 3", "duplicates > 3"),
            ("duplicates > 150% per publisher", "duplicates > 150% per publisher"),
            ("slip.p90 > 20ms per publisher", "slip.p90 > 20ms"),
            ("presence < 99.9%   per\treceiver", "presence < 99.9% per receiver"),
            ("latency_sent.n <= 10", "latency_sent.n <= 10"),
            ("latency.negative > 0", "latency.negative > 0"),
            ("ack.min < 7us", "ack.min < 7us"),
        ] {
            let parsed = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(parsed.to_string(), plain);
        }
    }

    #[test]
    fn nonsense_is_refused_with_the_word_that_was_meant() {
        for (text, words) in [
            ("", "such as 'loss > 0.1%'"),
            ("loss", "such as 'loss > 0.1%'"),
            ("loss >", "such as"),
            ("> 5%", "such as"),
            ("loss > 1% per", "such as"),
            ("loss > 1% per receiver today", "such as"),
            ("loss == 1%", "such as"),
            ("los > 1%", "unknown metric \"los\": did you mean loss?"),
            ("throughput > 1", "unknown metric \"throughput\" (there are loss"),
            ("latncy.p99 > 1s", "did you mean latency?"),
            ("latency > 1s", "such as latency.p99"),
            ("loss.p99 > 1%", "loss is one number"),
            ("latency.p101 > 1s", "impossible percentile \"p101\""),
            ("latency.p0 > 1s", "impossible percentile"),
            ("latency.pNaN > 1s", "impossible percentile"),
            ("latency.p42 > 1s", "reports do not hold \"p42\""),
            ("latency.mx > 1s", "did you mean max?"),
            ("latency.p99 > 500", "250ms"),
            ("latency.p99 > 5%", "unknown unit \"%\""),
            ("latency.p99 > -1s", "unknown unit"),
            ("loss > 5", "a share is a percentage"),
            ("loss > 5ms", "a share is a percentage"),
            ("loss > 101%", "between 0 and 100"),
            ("loss > 1e1%", "is a number"),
            ("loss > inf%", "is a number"),
            ("loss > %", "is a number"),
            ("duplicates > 1.5", "whole number"),
            ("duplicates > +1", "whole number"),
            ("duplicates > 5ms", "a share of received such as 0.5%"),
            ("unexpected > 5%", "whole number"),
            ("duplicates > 99999999999999999999", "whole number"),
            ("loss > 1% per reciever", "did you mean receiver?"),
            (
                "ack.p99 > 1s per receiver",
                "ack is not known per receiver, only per publisher",
            ),
            ("foreign > 1 per publisher", "only of the whole run, per receiver"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn an_expression_has_a_length() {
        let text = format!("loss > 1%{}", " ".repeat(300));
        assert_eq!(parse(&text), Err(ExpressionError::TooLong { bytes: 309 }));
    }

    fn any_limit(quantity: Quantity) -> BoxedStrategy<Limit> {
        match quantity.unit() {
            Unit::Percent => (0.0..=100.0).prop_map(Limit::Percent).boxed(),
            // 2^53 ns is the largest duration that keeps every nanosecond on its way through a decimal number.
            Unit::Duration => (0..1_i64 << 53).prop_map(Limit::DurationNs).boxed(),
            Unit::Count => (0..=MAX_COUNT).prop_map(Limit::Count).boxed(),
        }
    }

    fn any_expression() -> impl Strategy<Value = Expression> {
        let quantities: Vec<(Scope, Quantity)> = [Scope::Run, Scope::Receiver, Scope::Publisher]
            .into_iter()
            .flat_map(|scope| Quantity::all(scope).into_iter().map(move |quantity| (scope, quantity)))
            .collect();
        let op = proptest::sample::select(vec![Op::Above, Op::AtLeast, Op::Below, Op::AtMost]);
        (proptest::sample::select(quantities), op).prop_flat_map(|((scope, quantity), op)| {
            any_limit(quantity).prop_map(move |limit| Expression {
                quantity,
                op,
                limit,
                scope,
            })
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(expression in any_expression()) {
            prop_assert_eq!(parse(&expression.to_string()), Ok(expression));
        }

        #[test]
        fn no_text_is_too_much(text in ".{0,300}") {
            let _ = parse(&text);
        }

        #[test]
        fn near_misses_are_answered(
            metric in "(loss|latency|ack|late)?", aggregate in r"(\.p?[0-9.]{0,4})?", op in "[<>=]{0,3}",
            value in "[0-9.%a-zµ -]{0,8}", per in "( per [a-z_]{0,9})?",
        ) {
            let text = format!("{metric}{aggregate} {op} {value}{per}");
            if let Err(error) = parse(&text) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}
