//! What a report holds, and how JUnit and Markdown show it.

use event_log::event::FailureOutcome;

use super::fixture::*;
use crate::{
    gate::apply,
    judge::MAX_DUPLICATES_LISTED,
    report::{ReportKind, Reporter as _},
    series::OutageKind,
};

/// A run with an outage of four messages, a duplicate, an overtaken message, and a publisher offline at its end.
pub(super) fn outage_run() -> Vec<LogText> {
    let mut sent = publisher("publisher-1", 13);
    (1..=10).for_each(|index| {
        sent.acked(index, 1);
    });
    (11..=13).for_each(|index| {
        sent.failed(index, 1, FailureOutcome::NotSent, false);
    });
    sent.end(14_000, "completed");
    let mut heard = receiver_of("receiver-1", [1, 2, 7, 8, 10]);
    heard
        .received_at(10_500, "publisher-1/0", 9, 1)
        .received_at(10_600, "publisher-1/0", 9, 1)
        .gap(2500, 2600, 6500)
        .end(30_000, "idle");
    vec![sent, heard]
}

#[test]
fn outages_have_a_begin_an_end_and_a_place() {
    let report = report_on(&outage_run());
    let shown: Vec<_> = report
        .outages
        .iter()
        .map(|o| (o.kind, o.begin, o.end, o.lost, o.losses[0].indices.show(9)))
        .collect();
    assert_eq!(
        shown,
        [
            (OutageKind::Delivery, at(3000), Some(at(7000)), 4, "3-6".to_owned()),
            (OutageKind::Publishing, at(11_000), None, 3, "11-13".to_owned()),
        ]
    );
    let r = &report.receivers[0];
    assert_eq!((r.reordering.n, r.reordering.max), (1, Some(1)));
    assert_eq!(
        (r.presence.absent_ns, r.presence.longest_gap_ns),
        (4_000_000_000, 4_000_000_000)
    );
    assert_eq!(report.duplicates.age.max_ns, Some(100_000_000));
    let sums = |of: fn(&crate::series::Bucket) -> u64| report.over_time.buckets.iter().map(of).sum::<u64>();
    let c = &report.totals.counts;
    assert_eq!((sums(|b| b.expected), sums(|b| b.lost)), (c.expected, c.lost));
    assert_eq!((sums(|b| b.messages), sums(|b| b.never_acked)), (13, 3));
    let binned: u64 = report.latency_histogram.iter().map(|bin| bin.count).sum();
    assert_eq!(binned, report.totals.latency.from_intended.n);
    assert_eq!(report.lost_messages.listed.len(), 7);
    assert_eq!(report.latency_groups.by_content_topic[0].name, TOPIC);
    assert_eq!(report.latency_groups.by_size[0].name, "up to 1 KiB");
}

#[test]
fn junit_reads_like_this() {
    insta::assert_snapshot!(ReportKind::Junit.render(&report_on(&outage_run())), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="tracer" tests="5" failures="3" errors="0">
        <testsuite name="tracer report run 0f3c" tests="5" skipped="0" errors="0" failures="3" timestamp="2023-11-14T22:13:21.000000000Z">
            <properties>
                <property name="run" value="0f3c"/>
                <property name="characters_replaced" value="0"/>
            </properties>
            <testcase name="loss" classname="tracer.gates">
                <failure message="receiver-1/0: 40 % (limit 0 %, margin -40 %)" type="limit exceeded">receiver-1/0: 40 % (limit 0 %, margin -40 %)</failure>
            </testcase>
            <testcase name="never acknowledged" classname="tracer.gates">
                <failure message="publisher-1/0: 3 messages (limit 0 messages, margin -3 messages)" type="limit exceeded">publisher-1/0: 3 messages (limit 0 messages, margin -3 messages)</failure>
            </testcase>
            <testcase name="unexpected" classname="tracer.gates">
                <system-out>receiver-1/0: 0 messages (limit 0 messages, margin 0 messages)</system-out>
            </testcase>
            <testcase name="schedule slip p99" classname="tracer.gates">
                <system-out>publisher-1/0: 1 ms (limit 100 ms, margin 99 ms), fewer than 10 values beyond it</system-out>
            </testcase>
            <testcase name="verdict" classname="tracer.gates">
                <failure message="receiver-1/0: 4 of 10 messages lost (40 %, limit 0 %)" type="limit exceeded">receiver-1/0: 4 of 10 messages lost (40 %, limit 0 %)
    publisher-1/0: 3 of 13 messages never acknowledged: 11-13</failure>
            </testcase>
        </testsuite>
    </testsuites>
    "#);
}

#[test]
fn markdown_reads_like_this() {
    insta::assert_snapshot!(ReportKind::Markdown.render(&report_on(&outage_run())), @r#"
    ## ❌ FAIL

    10 of 13 messages acked, 6 of 10 expected deliveries arrived.
    Run <code>0f3c</code>.

    - **fail**: receiver-1/0: 4 of 10 messages lost (40 %, limit 0 %)
    - **fail**: publisher-1/0: 3 of 13 messages never acknowledged: 11-13

    ### Gates

    | gate | verdict | worst at | value | limit | margin | unit |
    |---|---|---|--:|--:|--:|---|
    | loss | fail | <code>receiver-1/0</code> | 40 | 0 | -40 | % |
    | never acknowledged | fail | <code>publisher-1/0</code> | 3 | 0 | -3 | messages |
    | unexpected | pass | <code>receiver-1/0</code> | 0 | 0 | 0 | messages |
    | schedule slip p99 | pass | <code>publisher-1/0</code> | 1* | 100 | 99 | ms |

    ### Loss over time, in steps of 500 ms

    | begin | into the run | messages | never acked | expected | lost | loss | slowest |
    |---|--:|--:|--:|--:|--:|--:|--:|
    | 2023-11-14 22:13:23.000Z | +2.00 s | 1 | 0 | 1 | 1 | 100 % | - |
    | 2023-11-14 22:13:24.000Z | +3.00 s | 1 | 0 | 1 | 1 | 100 % | - |
    | 2023-11-14 22:13:25.000Z | +4.00 s | 1 | 0 | 1 | 1 | 100 % | - |
    | 2023-11-14 22:13:26.000Z | +5.00 s | 1 | 0 | 1 | 1 | 100 % | - |
    | 2023-11-14 22:13:31.000Z | +10.0 s | 1 | 1 | 0 | 0 | - | - |
    | 2023-11-14 22:13:32.000Z | +11.0 s | 1 | 1 | 0 | 0 | - | - |
    | 2023-11-14 22:13:33.000Z | +12.0 s | 1 | 1 | 0 | 0 | - | - |

    ### Outages

    | of | begin | end | length | lost | place | messages |
    |---|---|---|--:|--:|---|---|
    | delivery | 2023-11-14 22:13:23.000Z | 2023-11-14 22:13:27.000Z | 4.00 s | 4 | 4 receiver was not subscribed | <code>receiver-1/0</code> from <code>publisher-1/0</code>: 3-6 |
    | publishing | 2023-11-14 22:13:31.000Z | end of run | - | 3 | 3 publisher offline | <code>publisher-1/0</code>: 11-13 |

    ### Received, by receiver and sender

    | receiver | sender | expected | received | lost | loss | duplicates | retry twins | late | out of order | p50 | p99 | lost indices |
    |---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|
    | <code>receiver-1/0</code> | <code>publisher-1/0</code> | 10 | 6 | 4 | 40 % | 1 | 0 | 0 | 1 | 51.0 ms* | 1.50 s* | 3-6 |

    ### Losses by place

    | place | count | of |
    |---|--:|---|
    | publisher offline | 3 | messages |
    | receiver was not subscribed | 4 | deliveries |

    ### Presence and clocks, by receiver

    | receiver | present | gaps | longest gap | overtaken | max distance | unexpected | corrupt | foreign | malformed | other run | clock |
    |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|
    | <code>receiver-1/0</code> | 86.885 % | 1 | 4.00 s | 1 | 1 | 0 | 0 | 0 | 0 | 0 | same |

    ### Latency of first arrivals

    | of | since | n | negative | min | p50 | p90 | p95 | p99 | p99.9 | max |
    |---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
    | <code>receiver-1/0</code> | intended | 6 | 0 | 51.0 ms | 51.0 ms* | 1.50 s* | 1.50 s* | 1.50 s* | 1.50 s* | 1.50 s |
    | <code>receiver-1/0</code> | sent | 6 | 0 | 50.0 ms | 50.0 ms* | 1.50 s* | 1.50 s* | 1.50 s* | 1.50 s* | 1.50 s |

    ### Duplicates by age

    | age | duplicates |
    |---|--:|
    | 100 ms to 1.00 s | 1 |

    ### Publishing, by sender

    | sender | messages | attempts | acked | never acked | ack p50 | ack p99 | slip p50 | slip p99 | slip max |
    |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
    | <code>publisher-1/0</code> | 13 | 13 | 10 | 3 | 20.0 ms* | 20.0 ms* | 1.00 ms* | 1.00 ms* | 1.00 ms |

    ### Attempts, by outcome

    | outcome | status | attempts | such as |
    |---|--:|--:|---|
    | acked | 200 | 10 |  |
    | not sent | - | 3 | not connected |

    ### Logs

    | log | role | end | events | skipped |
    |---|---|---|--:|--:|
    | <code>publisher-1.jsonl</code> | publisher | completed | 29 | 0 |
    | <code>receiver-1.jsonl</code> | receiver | idle | 13 | 0 |

    A percentile with * has fewer than 10 values beyond it. Late: more than 5.00 s after the intended time.
    "#);
}

#[test]
fn a_suite_is_never_empty() {
    let xml = ReportKind::Junit.render(&report_on(&[]));
    assert!(
        xml.contains("<testcase name=\"verdict\" classname=\"tracer.gates\">"),
        "{xml}"
    );
    assert!(xml.contains("errors=\"1\""), "{xml}");
}

#[test]
fn a_report_and_a_gate_of_one_run_are_two_suites() {
    let mut report = report_on(&clean_run(3));
    let suite = |report: &crate::Report| ReportKind::Junit.render(report);
    assert!(suite(&report).contains("<testsuite name=\"tracer report run 0f3c\""));
    apply(&mut report, &["loss > 0.1%".parse().unwrap()]);
    assert!(suite(&report).contains("<testsuite name=\"tracer gate run 0f3c\""));
}

#[test]
fn a_suite_without_messages_has_the_time_of_its_logs() {
    let mut idle = receiver("receiver-1");
    idle.end(30_000, "idle");
    let xml = ReportKind::Junit.render(&report_on(&[publisher("publisher-1", 3), idle]));
    assert!(xml.contains("timestamp=\"2023-11-14T22:13:18.000000000Z\""), "{xml}");
    assert!(!ReportKind::Junit.render(&report_on(&[])).contains("timestamp"));
}

#[test]
fn ten_thousand_time_outs_do_not_hide_a_loss() {
    let mut sent = publisher("publisher-1", 10_010);
    sent.acked(1, 1).acked(2, 1);
    (3..=10_010).for_each(|index| {
        sent.failed(index, 1, FailureOutcome::NoAnswer, false);
    });
    sent.end(intended(10_010) + 1000, "completed");
    // Message 4 arrived although nobody acknowledged it: it is not lost.
    let mut heard = receiver_of("receiver-1", [1, 4]);
    heard.end(intended(10_010) + 30_000, "idle");
    let lost = report_on(&[sent, heard]).lost_messages;
    let first = &lost.listed[0];
    assert_eq!((first.receiver.as_deref(), first.index), (Some("receiver-1/0"), 2));
    assert_eq!((lost.listed.len(), lost.more), (10_000, 1 + 10_007 - 10_000));
    assert!(
        lost.listed[1..]
            .iter()
            .all(|lost| lost.receiver.is_none() && lost.index != 4)
    );
}

#[test]
fn unfinished_messages_are_never_called_unacknowledged() {
    // The publisher was killed while four messages were on their way.
    let mut sent = publisher("publisher-1", 9);
    sent.acked(1, 1).failed(2, 1, FailureOutcome::NotSent, false);
    sent.failed(3, 1, FailureOutcome::NotSent, false)
        .attempt(4, 1)
        .attempt(5, 1)
        .attempt(6, 1);
    sent.failed(7, 1, FailureOutcome::NoAnswer, true);
    let mut heard = receiver_of("receiver-1", [1]);
    heard.end(30_000, "idle");
    let run = |sent: LogText| report_on(&[sent, heard.clone()]);
    let torn = run(sent.clone());
    let in_buckets = |report: &crate::Report| report.over_time.buckets.iter().map(|b| b.never_acked).sum::<u64>();
    assert_eq!((torn.senders[0].unfinished, torn.senders[0].never_acked), (4, 2));
    assert_eq!(
        (in_buckets(&torn), torn.outages.len(), torn.lost_messages.listed.len()),
        (2, 0, 2)
    );
    assert_eq!(torn.totals.not_published, 2);
    // An unfinished message neither lengthens an outage nor ends it.
    sent.failed(8, 1, FailureOutcome::NotSent, false);
    let torn = run(sent.clone());
    let outage = &torn.outages[0];
    assert_eq!(
        (outage.lost, outage.end, outage.losses[0].indices.show(9)),
        (3, None, "2-3, 8".to_owned())
    );
    sent.end(30_000, "signal");
    assert_eq!(
        (in_buckets(&run(sent.clone())), run(sent).lost_messages.listed.len()),
        (7, 7)
    );
}

#[test]
fn of_many_duplicates_the_oldest_are_listed_and_all_are_counted() {
    let many = 5 * MAX_DUPLICATES_LISTED as i64;
    let mut heard = receiver_of("receiver-1", 1..=3);
    // Ages of 1 to `many` ms, not in order.
    (0..many).for_each(|n| {
        let age = 1 + n * 7 % many;
        heard.received_at(intended(1) + 51 + age, "publisher-1/0", 1, 1);
    });
    heard.end(30_000, "idle");
    let report = report_on(&[clean_publisher(3), heard]);
    let r = &report.receivers[0];
    assert_eq!(r.counts.duplicates, many as u64);
    let listed: Vec<i64> = r.duplicates.iter().map(|d| d.age_ns / 1_000_000).collect();
    let oldest: Vec<i64> = (0..MAX_DUPLICATES_LISTED as i64).map(|n| many - n).collect();
    assert_eq!(listed, oldest);
    let age = &report.duplicates.age;
    assert_eq!(
        (age.n, age.max_ns, age.percentile_ns(50)),
        (many as u64, Some(many * 1_000_000), Some(many / 2 * 1_000_000))
    );
    assert_eq!(
        report.duplicates.histogram.iter().map(|bin| bin.count).sum::<u64>(),
        many as u64
    );
}

#[test]
fn groups_have_their_latency_since_sent_too() {
    let report = report_on(&outage_run());
    let groups = &report.latency_groups;
    for group in [
        &groups.by_push_node,
        &groups.by_filter_node,
        &groups.by_content_topic,
        &groups.by_size,
    ] {
        assert_eq!(group.len(), 1);
        assert_eq!(group[0].from_intended, report.totals.latency.from_intended);
        assert_eq!(group[0].from_sent, report.totals.latency.from_sent);
    }
    assert_ne!(
        groups.by_size[0].from_sent.min_ns,
        groups.by_size[0].from_intended.min_ns
    );
}
