//! Reads expressions.

use std::str::FromStr;

use super::{
    error::{ExpressionError, one_of, unknown},
    expression::{Expression, Limit, Op},
    metric::{Aggregate, Kind, Metric, Quantity, Scope, Unit},
};
use crate::units::parse_duration_ns;

/// Longest expression, bytes: the longest sensible one has about 60.
pub(super) const MAX_EXPRESSION_BYTES: usize = 256;

/// Largest count that a limit may name: up to here every whole number has a value of its own.
const MAX_COUNT: u64 = 1 << 53;

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

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
