//! Every form of the report, with names that would do harm in each.

use event_log::event::FailureOutcome;

use super::fixture::*;
use crate::{
    judge::MAX_DUPLICATES_LISTED,
    report::{Report, ReportKind, Reporter as _},
    series::OutageKind,
};

/// What logs may hold, made to break out of every sink.
const EVIL: &str = "</script><b>|`x`|\u{1b}[31m\u{202e}\u{0}\u{ffff}]]>&\"'=1+1";

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

/// The same with hostile names, texts and run id.
pub(super) fn hostile_report() -> Report {
    let mut report = report_on(&outage_run());
    report.run = Some(EVIL.to_owned());
    report.warnings.push(EVIL.to_owned());
    report
        .reasons
        .iter_mut()
        .for_each(|reason| reason.text = EVIL.to_owned());
    report.gates.iter_mut().for_each(|gate| gate.scope = EVIL.to_owned());
    report.senders[0].sender = EVIL.to_owned();
    report.receivers[0].receiver = EVIL.to_owned();
    report.receivers[0].senders[0].sender = EVIL.to_owned();
    report.logs[0].path = EVIL.to_owned();
    report
        .lost_messages
        .listed
        .iter_mut()
        .for_each(|lost| lost.sender = EVIL.to_owned());
    let losses = report.outages.iter_mut().flat_map(|outage| &mut outage.losses);
    losses.for_each(|loss| loss.sender = EVIL.to_owned());
    report
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
        <testsuite name="tracer run 0f3c" tests="5" skipped="0" errors="0" failures="3" timestamp="2023-11-14T22:13:21.000000000Z">
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
                <system-out>publisher-1/0: 1 ms (limit 100 ms, margin 99 ms)</system-out>
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
    | schedule slip p99 | pass | <code>publisher-1/0</code> | 1 | 100 | 99 | ms |

    ### Outages

    | begin | end | lost | place | messages |
    |---|---|--:|---|---|
    | 2023-11-14T22:13:23.000000000Z | 2023-11-14T22:13:27.000000000Z | 4 | 4 receiver was not subscribed | <code>publisher-1/0</code>: 3-6 |
    | 2023-11-14T22:13:31.000000000Z | end of run | 3 | 3 publisher offline | <code>publisher-1/0</code>: 11-13 |

    ### Received, by receiver and sender

    | receiver | sender | expected | lost | duplicates | late | out of order | p50 | p99 | lost indices |
    |---|---|--:|--:|--:|--:|--:|--:|--:|---|
    | <code>receiver-1/0</code> | <code>publisher-1/0</code> | 10 | 4 | 1 | 0 | 1 | 51.0 ms* | 1.50 s* | 3-6 |

    ### Losses by place

    | place | count | of |
    |---|--:|---|
    | publisher offline | 3 | messages |
    | receiver was not subscribed | 4 | deliveries |

    ### Latency of first arrivals

    | latency | n | negative | min | p50 | p90 | p95 | p99 | p99.9 | max |
    |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
    | since intended | 6 | 0 | 51.0 ms | 51.0 ms* | 1.50 s* | 1.50 s* | 1.50 s* | 1.50 s* | 1.50 s |
    | since sent | 6 | 0 | 50.0 ms | 50.0 ms* | 1.50 s* | 1.50 s* | 1.50 s* | 1.50 s* | 1.50 s |

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
fn xml_holds_no_forbidden_character_and_counts_them() {
    let xml = ReportKind::Junit.render(&hostile_report());
    assert!(
        !xml.chars()
            .any(|c| (c.is_control() && c != '\n') || matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{202e}'))
    );
    assert!(!xml.contains("<b>") && !xml.contains("]]>"), "{xml}");
    assert!(
        xml.contains("name=\"characters_replaced\"") && !xml.contains("value=\"0\""),
        "{xml}"
    );
}

#[test]
fn html_holds_no_markup_of_a_log() {
    let html = ReportKind::Html.render(&hostile_report());
    assert!(!html.contains("<b>|") && !html.contains('\u{1b}') && !html.contains('\u{202e}') && !html.contains('\0'));
    assert_eq!(html.matches("<script").count(), 1);
    assert_eq!(html.matches("</script>").count(), 1);
    // The name space of SVG is a name; nothing is fetched.
    assert!(!html.replace("http://www.w3.org/2000/svg", "").contains("http:") && !html.contains("https:"));
    assert!(html.contains("Content-Security-Policy") && html.contains("prefers-color-scheme"));
}

#[test]
fn markdown_holds_no_markup_of_a_log() {
    let text = ReportKind::Markdown.render(&hostile_report());
    assert!(!text.contains("<b>") && !text.contains("</script>") && !text.contains('`'));
    assert!(text.contains("&#124;&#96;x&#96;&#124;"), "{text}");
    assert!(text.len() < 900 * 1024);
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
