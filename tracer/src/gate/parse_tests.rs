//! Expressions that are read, and those that are refused with the word that was meant.

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
