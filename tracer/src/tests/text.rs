//! The text report of small literal runs.

use event_log::event::FailureOutcome;

use super::fixture::*;
use crate::{
    report::{TextStyle, render_json, render_text},
    schema::Document,
};

/// Two publishers, two receivers, a loss, a duplicate, a refusal, a late retry.
fn troubled_run() -> Vec<LogText> {
    let mut one = publisher("publisher-1", 5);
    one.acked(1, 1).failed(2, 1, FailureOutcome::NoAnswer, true).acked(2, 2);
    one.failed(3, 1, FailureOutcome::Refused, false)
        .acked(4, 1)
        .acked(5, 1)
        .end(9000, "completed");
    let mut two = publisher("publisher-2", 2);
    two.acked(1, 1).acked(2, 1).end(9000, "completed");
    let mut first = receiver_of("receiver-1", [1, 4, 5]);
    first
        .received("publisher-1/0", 2, 1)
        .received("publisher-1/0", 2, 2)
        .received_at(65_000, "publisher-1/0", 4, 1);
    first
        .received("publisher-2/0", 1, 1)
        .received("publisher-2/0", 2, 1)
        .end(70_000, "idle");
    let mut second = receiver("receiver-2");
    second
        .received("publisher-1/0", 1, 1)
        .received("publisher-1/0", 2, 2)
        .received_at(5400, "publisher-1/0", 5, 1);
    second.gap(3900, 3950, 5100).end(70_000, "idle");
    vec![one, two, first, second]
}

#[test]
fn a_troubled_run_reads_like_this() {
    insta::assert_snapshot!(render_text(&report_on(&troubled_run()), TextStyle::Plain), @r#"
    FAIL: receiver-2/0: 3 of 6 messages lost (50 %, limit 0 %)
      also fail: publisher-1/0: 1 of 5 messages never acknowledged: 3
    6 of 7 messages acked, 9 of 12 expected deliveries arrived
    run 0f3c

    Gates
      gate                verdict  worst at       value   limit  margin
      loss                FAIL     receiver-2/0    50 %     0 %   -50 %
      never acknowledged  FAIL     publisher-1/0      1       0      -1
      unexpected          pass     receiver-1/0       0       0       0
      schedule slip p99   pass     publisher-1/0  1 ms*  100 ms   99 ms

    Received, by receiver and sender
      receiver      sender         expected  received  lost   loss  no answer  unobserved
      receiver-1/0  publisher-1/0         4         4     0    0 %          0           0
      receiver-1/0  publisher-2/0         2         2     0    0 %          0           0
      receiver-2/0  publisher-1/0         4         3     1   25 %          0           0
      receiver-2/0  publisher-2/0         2         0     2  100 %          0           0

    Sums by receiver and by sender
      of        name           expected  received  lost    loss  duplicates  late  out of order
      receiver  receiver-1/0          6         6     0     0 %           1     0             0
      receiver  receiver-2/0          6         3     3    50 %           0     0             0
      sender    publisher-1/0         8         7     1  12.5 %           1     0             0
      sender    publisher-2/0         4         2     2    50 %           0     0             0

    Loss over time, in steps of 100 ms
      into the run  messages  never acked  expected  lost  loss
                +0         2            0         4     1  25 %
           +1.00 s         2            0         4     1  25 %
           +2.00 s         1            1         0     0     -
           +3.00 s         1            0         2     1  50 %
      loss, from the first message to the last: [▂         ▂                   ▄         ·]

    Lost indices
      publisher-1/0: 3 (refused by service node)
      receiver-2/0 from publisher-1/0: 4 (receiver was not subscribed)
      receiver-2/0 from publisher-2/0: 1-2 (unknown: no log of the service node)

    Losses by place
      place                                count  of
      refused by service node                  1  messages
      receiver was not subscribed              1  deliveries
      unknown: no log of the service node      2  deliveries

    Arrivals, by receiver
      receiver      duplicates  max age  retry twins  late  out of order  recovered  unexpected
      receiver-1/0           1   60.9 s            1     0             0          0           0
      receiver-2/0           0        -            0     0             0          0           0
      1 duplicate by age: 1 below 120 s

    Presence and reordering, where not perfect
      receiver       present  gaps  longest gap  overtaken  distance p50  max
      receiver-2/0  98.298 %     1       1.20 s          0             -    -

    Latency of first arrivals
      receiver      since    n      min       p50       p90       p95       p99     p99.9      max
      all           planned  9  51.0 ms  51.0 ms*   551 ms*   551 ms*   551 ms*   551 ms*   551 ms
      all           sent     9  50.0 ms  50.0 ms*   399 ms*   399 ms*   399 ms*   399 ms*   399 ms
      receiver-1/0  planned  6  51.0 ms  51.0 ms*  51.0 ms*  51.0 ms*  51.0 ms*  51.0 ms*  51.0 ms
      receiver-1/0  sent     6  50.0 ms  50.0 ms*  50.0 ms*  50.0 ms*  50.0 ms*  50.0 ms*  50.0 ms
      receiver-2/0  planned  3  51.0 ms   400 ms*   551 ms*   551 ms*   551 ms*   551 ms*   551 ms
      receiver-2/0  sent     3  50.0 ms  50.0 ms*   399 ms*   399 ms*   399 ms*   399 ms*   399 ms
      clock: same (2 receivers)

    Latency since planned, by receiver and sender
      receiver      sender         n       p50       p90       p99      max
      receiver-1/0  publisher-1/0  4  51.0 ms*  51.0 ms*  51.0 ms*  51.0 ms
      receiver-1/0  publisher-2/0  2  51.0 ms*  51.0 ms*  51.0 ms*  51.0 ms
      receiver-2/0  publisher-1/0  3   400 ms*   551 ms*   551 ms*   551 ms

    Publishing, by sender
      sender         planned  tried  attempts  acked  never   ack p50   ack p99  slip p50  slip p99
      publisher-1/0        5      5         6      4      1  20.0 ms*  20.0 ms*  1.00 ms*  1.00 ms*
      publisher-2/0        2      2         2      2      0  20.0 ms*  20.0 ms*  1.00 ms*  1.00 ms*

    Attempts, by outcome
      outcome    status  attempts  such as
      acked      200            6
      refused    503            1  not now
      no answer  -              1  no answer within 20s

    Logs
      log                role       end        events  skipped
      publisher-1.jsonl  publisher  completed      15        0
      publisher-2.jsonl  publisher  completed       7        0
      receiver-1.jsonl   receiver   idle           12        0
      receiver-2.jsonl   receiver   idle            9        0

    Definitions (docs/measuring.md has them all)
      lost: acknowledged by a service node, sent and acknowledged while the receiver observed, and no
        attempt of the index arrived
      latency: first arrival of an index minus its intended send time (headline), or minus the send time
        of the attempt that arrived
      percentiles: exact, nearest rank: the value at rank ceil(p/100 × n) of all n values in ascending
        order; * fewer than 10 values beyond it
      late: more than 5.00 s after the intended send time
    "#);
}

#[test]
fn a_clean_run_reads_like_this() {
    insta::assert_snapshot!(render_text(&report_on(&clean_run(120)), TextStyle::Plain), @r#"
    PASS: 120 of 120 messages acked, 120 of 120 expected deliveries arrived
    run 0f3c

    Gates
      gate                verdict  worst at       value   limit  margin
      loss                pass     receiver-1/0     0 %     0 %     0 %
      never acknowledged  pass     publisher-1/0      0       0       0
      unexpected          pass     receiver-1/0       0       0       0
      schedule slip p99   pass     publisher-1/0  1 ms*  100 ms   99 ms

    Received, by receiver and sender
      receiver      sender         expected  received  lost  loss  no answer  unobserved
      receiver-1/0  publisher-1/0       120       120     0   0 %          0           0

    Arrivals, by receiver
      receiver      duplicates  max age  retry twins  late  out of order  recovered  unexpected
      receiver-1/0           0        -            0     0             0          0           0

    Latency of first arrivals
      receiver      since      n      min      p50      p90       p95       p99     p99.9      max
      receiver-1/0  planned  120  51.0 ms  51.0 ms  51.0 ms  51.0 ms*  51.0 ms*  51.0 ms*  51.0 ms
      receiver-1/0  sent     120  50.0 ms  50.0 ms  50.0 ms  50.0 ms*  50.0 ms*  50.0 ms*  50.0 ms
      clock: same (1 receiver)

    Publishing, by sender
      sender         planned  tried  attempts  acked  never  ack p50   ack p99  slip p50  slip p99
      publisher-1/0      120    120       120    120      0  20.0 ms  20.0 ms*   1.00 ms  1.00 ms*

    Attempts, by outcome
      outcome  status  attempts  such as
      acked    200          120

    Logs
      log                role       end        events  skipped
      publisher-1.jsonl  publisher  completed     243        0
      receiver-1.jsonl   receiver   idle          124        0

    Definitions (docs/measuring.md has them all)
      lost: acknowledged by a service node, sent and acknowledged while the receiver observed, and no
        attempt of the index arrived
      latency: first arrival of an index minus its intended send time (headline), or minus the send time
        of the attempt that arrived
      percentiles: exact, nearest rank: the value at rank ceil(p/100 × n) of all n values in ascending
        order; * fewer than 10 values beyond it
      late: more than 5.00 s after the intended send time
    "#);
}

#[test]
fn a_run_without_verdict_says_why() {
    let mut torn = clean_run(3);
    torn[0].lines.pop();
    torn[1].lines.push("{\"v\":1,\"event\":\"cut".to_owned());
    torn.push(LogText::empty("empty.jsonl"));
    insta::assert_snapshot!(render_text(&report_on(&torn), TextStyle::Plain), @r#"
    UNKNOWN: empty.jsonl holds no event
      also unknown: publisher-1.jsonl is torn: it has no run_ended
      also unknown: receiver-1.jsonl has 1 line that cannot be read
    3 of 3 messages acked, 3 of 3 expected deliveries arrived
    run 0f3c

    Gates
      gate                verdict  worst at       value   limit  margin
      loss                pass     receiver-1/0     0 %     0 %     0 %
      never acknowledged  pass     publisher-1/0      0       0       0
      unexpected          pass     receiver-1/0       0       0       0
      schedule slip p99   pass     publisher-1/0  1 ms*  100 ms   99 ms

    Received, by receiver and sender
      receiver      sender         expected  received  lost  loss  no answer  unobserved
      receiver-1/0  publisher-1/0         3         3     0   0 %          0           0

    Arrivals, by receiver
      receiver      duplicates  max age  retry twins  late  out of order  recovered  unexpected
      receiver-1/0           0        -            0     0             0          0           0

    Latency of first arrivals
      receiver      since    n      min       p50       p90       p95       p99     p99.9      max
      receiver-1/0  planned  3  51.0 ms  51.0 ms*  51.0 ms*  51.0 ms*  51.0 ms*  51.0 ms*  51.0 ms
      receiver-1/0  sent     3  50.0 ms  50.0 ms*  50.0 ms*  50.0 ms*  50.0 ms*  50.0 ms*  50.0 ms
      clock: same (1 receiver)

    Publishing, by sender
      sender         planned  tried  attempts  acked  never   ack p50   ack p99  slip p50  slip p99
      publisher-1/0        3      3         3      3      0  20.0 ms*  20.0 ms*  1.00 ms*  1.00 ms*

    Attempts, by outcome
      outcome  status  attempts  such as
      acked    200            3

    Logs
      log                role       end       events  skipped
      empty.jsonl        -          not used       0        0
      publisher-1.jsonl  publisher  TORN           8        0
      receiver-1.jsonl   receiver   idle           7        1

    Definitions (docs/measuring.md has them all)
      lost: acknowledged by a service node, sent and acknowledged while the receiver observed, and no
        attempt of the index arrived
      latency: first arrival of an index minus its intended send time (headline), or minus the send time
        of the attempt that arrived
      percentiles: exact, nearest rank: the value at rank ceil(p/100 × n) of all n values in ascending
        order; * fewer than 10 values beyond it
      late: more than 5.00 s after the intended send time
    "#);
}

#[test]
fn negative_latencies_have_a_column_when_there_are_any() {
    let mut heard = receiver_of("receiver-with-a-long-name-1", 1..=3);
    heard
        .received_at(intended(4) - 20, "publisher-1/0", 4, 1)
        .end(30_000, "idle");
    let text = render_text(&report_on(&[clean_publisher(4), heard]), TextStyle::Plain);
    let (_, latency) = text.split_once("Latency of first arrivals\n").unwrap();
    let table: Vec<Vec<&str>> = latency
        .lines()
        .take(3)
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(table[0][..5], ["receiver", "since", "n", "neg", "min"]);
    assert_eq!(table[1][1..6], ["planned", "4", "1", "-20.0", "ms"]);
    assert_eq!(table[2][1..6], ["sent", "4", "1", "-21.0", "ms"]);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(!render_text(&report_on(&clean_run(4)), TextStyle::Plain).contains(" neg "));
}

#[test]
fn pairs_beyond_twenty_have_no_latencies_in_the_text() {
    let latencies_of_pairs = |receivers: u32| {
        let mut logs = vec![clean_publisher(2)];
        for number in 0..receivers {
            let mut heard = receiver_of(&format!("receiver-{number}"), 1..=2);
            heard.end(30_000, "idle");
            logs.push(heard);
        }
        let text = render_text(&report_on(&logs), TextStyle::Plain);
        let (_, table) = text.split_once("Latency since planned, by receiver and sender\n")?;
        Some(table.lines().take_while(|line| !line.is_empty()).count())
    };
    assert_eq!(
        [1, 2, 20, 21].map(latencies_of_pairs),
        [None, Some(1 + 2), Some(1 + 20), None]
    );
}

#[test]
fn only_the_verdict_is_coloured() {
    let report = report_on(&clean_run(1));
    let coloured = render_text(&report, TextStyle::Coloured);
    assert!(coloured.starts_with("\u{1b}[1;32mPASS\u{1b}[0m: "));
    assert_eq!(coloured.matches('\u{1b}').count(), 2);
    assert!(!render_text(&report, TextStyle::Plain).contains('\u{1b}'));
}

#[test]
fn hostile_names_cannot_reach_the_terminal() {
    let evil = "evil\u{1b}]0;owned\u{7}\u{202e}\n\u{9b}2J";
    let mut logs = troubled_run();
    for log in &mut logs {
        log.path = log.path.replace("publisher-2", evil);
        for line in &mut log.lines {
            // As JSON writes it, so that the line stays one line.
            let escaped = serde_json::to_string(evil).unwrap();
            *line = line.replace("publisher-2", escaped.trim_matches('"'));
            *line = line.replace("not now", escaped.trim_matches('"'));
            *line = line.replace("\"idle\"", &escaped);
            *line = line.replace(RUN, escaped.trim_matches('"'));
        }
    }
    let report = report_on(&logs);
    assert!(
        report.senders.iter().any(|s| s.sender.contains(evil)),
        "the report itself keeps the name"
    );
    let text = render_text(&report, TextStyle::Plain);
    assert!(
        !text.chars().any(|c| c.is_control() && c != '\n') && !text.contains('\u{202e}'),
        "{text}"
    );
    assert_eq!(
        text.lines().next(),
        render_text(&report_on(&troubled_run()), TextStyle::Plain)
            .lines()
            .next()
    );
    let json = render_json(&report);
    assert!(!json.chars().any(|c| c < ' ' && c != '\n'));
    assert!(
        serde_json::from_str::<serde_json::Value>(&json).unwrap()["run"]
            .as_str()
            .unwrap()
            .contains(evil)
    );
}

#[test]
fn long_lists_are_cut_in_the_text_and_whole_in_json() {
    let mut logs = vec![clean_publisher(60)];
    for number in 0..40 {
        let mut heard = receiver_of(
            &format!("receiver-{number:02}"),
            (1..=60).filter(|index| index % 2 == 0),
        );
        heard.end(200_000, "idle");
        logs.push(heard);
    }
    let report = report_on(&logs);
    let text = render_text(&report, TextStyle::Plain);
    assert!(text.contains("  and 20 more rows, these weigh most\n"), "{text}");
    assert!(text.contains("  and 30 more lists of losses\n"));
    assert!(text.contains("1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23 and 18 more"));
    assert!(text.lines().count() < 190, "{}", text.lines().count());
    let json: serde_json::Value = serde_json::from_str(&render_json(&report)).unwrap();
    assert_eq!(json["receivers"].as_array().unwrap().len(), 40);
    assert_eq!(
        json["receivers"][39]["senders"][0]["lost_indices"]
            .as_array()
            .unwrap()
            .len(),
        30
    );
}

#[test]
fn the_text_fits_100_columns() {
    for logs in [troubled_run(), clean_run(120)] {
        let text = render_text(&report_on(&logs), TextStyle::Plain);
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}

/// Whether `json` is what the schema says, no more and no less: a field that is not in it is an error.
#[track_caller]
fn assert_valid(document: Document, json: &serde_json::Value) {
    let validator = jsonschema::validator_for(&document.schema()).unwrap();
    let errors: Vec<String> = validator.iter_errors(json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let without = |key: &str| {
        let mut less = json.clone();
        less.as_object_mut().unwrap().remove(key).unwrap();
        less
    };
    for key in ["notes", "summary", "rows"] {
        if json.get(key).is_some() {
            assert!(!validator.is_valid(&without(key)), "{key} is not required");
        }
    }
}

#[test]
fn the_json_trace_is_valid_by_its_schema() {
    let folder = tempfile::tempdir().unwrap();
    for log in super::reports::outage_run() {
        std::fs::write(folder.path().join(&log.path), log.text()).unwrap();
    }
    for index in [1, 3, 9, 11] {
        let id = format!("publisher-1/0:{index}").parse().unwrap();
        let trace = crate::trace::trace(&[folder.path().to_owned()], &id, None).unwrap();
        assert_valid(Document::Trace, &serde_json::to_value(&trace).unwrap());
    }
}

#[test]
fn the_json_comparison_is_valid_by_its_schema() {
    let (before, after) = (archive(&clean_run(60)), archive(&super::reports::outage_run()));
    let comparison = crate::diff::compare_archives(&before, &after, &crate::Options::default());
    assert_valid(Document::Diff, &serde_json::to_value(&comparison).unwrap());
}

#[test]
fn the_json_inventory_is_valid_by_its_schema() {
    use crate::logs::{Inventory, describe};
    let validator = jsonschema::validator_for(&Document::Logs.schema()).unwrap();
    let native = format!(
        "INF 2025-11-20 13:06:15.000+00:00 Starting node topics=\"waku node\"\nNTC {}\n",
        "x".repeat(9)
    );
    let texts = super::reports::outage_run().into_iter().map(|log| log.text());
    for text in texts.chain([native, String::new()]) {
        let logs = [describe("a.log", text.as_bytes()).unwrap()];
        let mut json = serde_json::to_value(Inventory(&logs)).unwrap();
        let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        json[0].as_object_mut().unwrap().remove("events");
        assert!(!validator.is_valid(&json));
    }
}

#[test]
fn the_json_report_is_valid_by_its_schema() {
    let validator = jsonschema::validator_for(&Document::Report.schema()).unwrap();
    for logs in [troubled_run(), clean_run(3), Vec::new()] {
        let json: serde_json::Value = serde_json::from_str(&render_json(&report_on(&logs))).unwrap();
        let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        let mut cut = json.clone();
        cut.as_object_mut().unwrap().remove("verdict");
        assert!(!validator.is_valid(&cut));
    }
}
