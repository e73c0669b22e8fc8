//! Small runs written as the roles would write them: real lines of real events.

use std::collections::BTreeMap;

use event_log::{
    Event, MessageHash, Record, Timestamp,
    event::{
        ClientStarted, FailureOutcome, PresenceLost, PresenceRestored, PublishAttempt, PublishFailed, Published,
        Received, Role, RunEnded, RunStarted, Subscribed,
    },
};

use crate::{
    load::load_one,
    model::Archive,
    options::Options,
    report::{self, ReasonCode, Report, Verdict},
};

pub(super) const RUN: &str = "0f3c";
pub(super) const NODE: &str = "16Uiu2HAmNode";
pub(super) const TOPIC: &str = "/tester/2/light-pubsub-test/proto";

/// `ms` milliseconds after the start of the run.
pub(super) fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ns(1_700_000_000_000_000_000 + ms * 1_000_000)
}

/// When message `index` is meant to leave: one a second.
pub(super) fn intended(index: u32) -> i64 {
    i64::from(index) * 1000
}

/// The hash of one attempt, the same in all logs.
pub(super) fn hash(sender: &str, index: u32, attempt: u32) -> MessageHash {
    let mut bytes = [0_u8; 32];
    for (place, byte) in bytes.iter_mut().zip(sender.bytes()) {
        *place = byte;
    }
    bytes[24..28].copy_from_slice(&index.to_be_bytes());
    bytes[28..].copy_from_slice(&attempt.to_be_bytes());
    MessageHash(bytes)
}

/// A log under way.
#[derive(Debug, Clone)]
pub(super) struct LogText {
    pub(super) path: String,
    pub(super) lines: Vec<String>,
    pub(super) node: String,
}

impl LogText {
    pub(super) fn empty(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            lines: Vec::new(),
            node: String::new(),
        }
    }

    pub(super) fn start(role: Role, node: &str, change: impl FnOnce(&mut RunStarted)) -> Self {
        let mut started = RunStarted {
            role,
            run: RUN.to_owned(),
            node: node.to_owned(),
            host: "box".to_owned(),
            boot: Some("boot-1".to_owned()),
            pid: 1,
            version: "0.1.0".to_owned(),
            clients: 1,
            peer_id: None,
            messages: None,
            interval_ns: None,
            expect_publishers: None,
            expect_receivers: None,
            clock_error_ns: None,
            config: BTreeMap::new(),
        };
        change(&mut started);
        let mut log = Self {
            node: node.to_owned(),
            ..Self::empty(&format!("{node}.jsonl"))
        };
        log.log(-2000, started);
        log
    }

    pub(super) fn log(&mut self, ms: i64, event: impl Into<Event>) -> &mut Self {
        self.lines.push(
            Record {
                time: at(ms),
                event: event.into(),
            }
            .to_line()
            .unwrap(),
        );
        self
    }

    pub(super) fn end(&mut self, ms: i64, reason: &str) -> &mut Self {
        self.log(
            ms,
            RunEnded {
                reason: reason.to_owned(),
                counters: BTreeMap::new(),
            },
        )
    }

    pub(super) fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// A publisher that plans `messages`.
pub(super) fn publisher(node: &str, messages: u64) -> LogText {
    let mut log = LogText::start(Role::Publisher, node, |started| {
        started.messages = Some(messages);
        started.interval_ns = Some(1_000_000_000);
    });
    log.client(&format!("{node}/0"));
    log
}

/// A receiver, subscribed before the first message.
pub(super) fn receiver(node: &str) -> LogText {
    let mut log = deaf_receiver(node);
    log.subscribed(-500);
    log
}

/// A receiver without subscription.
pub(super) fn deaf_receiver(node: &str) -> LogText {
    let mut log = LogText::start(Role::Receiver, node, |_| {});
    log.client(&format!("{node}/0"));
    log
}

impl LogText {
    fn client(&mut self, name: &str) {
        let peer_id = format!("peer of {name}");
        self.log(
            -1900,
            ClientStarted {
                client: 0,
                name: name.to_owned(),
                peer_id,
            },
        );
    }

    fn sender(&self) -> String {
        format!("{}/0", self.node)
    }

    /// Attempt `attempt` at `index`, sent 1 ms behind schedule and half a second after the attempt before.
    pub(super) fn attempt(&mut self, index: u32, attempt: u32) -> &mut Self {
        let sender = self.sender();
        let sent = intended(index) + 1 + i64::from(attempt - 1) * 500;
        let event = PublishAttempt {
            hash: hash(&sender, index, attempt),
            sender,
            index,
            attempt,
            size_bytes: 1024,
            service_node: NODE.to_owned(),
            transport: None,
            pubsub_topic: "/waku/2/rs/0/0".to_owned(),
            content_topic: TOPIC.to_owned(),
            intended: at(intended(index)),
            sent: at(sent),
        };
        self.log(sent, event)
    }

    /// A whole attempt, acknowledged 20 ms after it was sent.
    pub(super) fn acked(&mut self, index: u32, attempt: u32) -> &mut Self {
        let sender = self.sender();
        let sent = intended(index) + 1 + i64::from(attempt - 1) * 500;
        let event = Published {
            hash: hash(&sender, index, attempt),
            sender,
            index,
            attempt,
            size_bytes: 1024,
            service_node: NODE.to_owned(),
            transport: None,
            intended: at(intended(index)),
            sent: at(sent),
            acked: at(sent + 20),
            status: 200,
            status_text: None,
            relay_peers: Some(4),
        };
        self.attempt(index, attempt).log(sent + 20, event)
    }

    /// A whole attempt that failed 20 ms after it was sent.
    pub(super) fn failed(&mut self, index: u32, attempt: u32, outcome: FailureOutcome, retry: bool) -> &mut Self {
        let sender = self.sender();
        let sent = intended(index) + 1 + i64::from(attempt - 1) * 500;
        let (status, error) = match outcome {
            FailureOutcome::Refused => (Some(503), "not now"),
            FailureOutcome::NoAnswer => (None, "no answer within 20s"),
            FailureOutcome::NotSent => (None, "not connected"),
        };
        let event = PublishFailed {
            hash: hash(&sender, index, attempt),
            sender,
            index,
            attempt,
            size_bytes: 1024,
            service_node: Some(NODE.to_owned()),
            transport: None,
            intended: at(intended(index)),
            sent: at(sent),
            failed: at(sent + 20),
            outcome,
            status,
            error: error.to_owned(),
            retry,
        };
        self.attempt(index, attempt).log(sent + 20, event)
    }

    pub(super) fn subscribed(&mut self, ms: i64) -> &mut Self {
        let event = Subscribed {
            client: 0,
            service_node: NODE.to_owned(),
            transport: None,
            pubsub_topic: "/waku/2/rs/0/0".to_owned(),
            content_topics: 1,
            renewed: false,
        };
        self.log(ms, event)
    }

    pub(super) fn gap(&mut self, since: i64, noticed: i64, until: i64) -> &mut Self {
        self.log(
            noticed,
            PresenceLost {
                client: 0,
                since: at(since),
                reason: "disconnected".to_owned(),
            },
        );
        self.log(
            until,
            PresenceRestored {
                client: 0,
                since: at(since),
            },
        )
    }

    /// An arrival 50 ms after the attempt was sent.
    pub(super) fn received(&mut self, sender: &str, index: u32, attempt: u32) -> &mut Self {
        self.received_at(
            intended(index) + 51 + i64::from(attempt - 1) * 500,
            sender,
            index,
            attempt,
        )
    }

    pub(super) fn received_at(&mut self, ms: i64, sender: &str, index: u32, attempt: u32) -> &mut Self {
        self.received_with(ms, sender, index, attempt, |_| {})
    }

    pub(super) fn received_with(
        &mut self,
        ms: i64,
        sender: &str,
        index: u32,
        attempt: u32,
        change: impl FnOnce(&mut Received),
    ) -> &mut Self {
        let mut event = Received {
            client: 0,
            sender: sender.to_owned(),
            index,
            attempt: Some(attempt),
            hash: hash(sender, index, attempt),
            size_bytes: 1024,
            service_node: NODE.to_owned(),
            transport: None,
            content_topic: TOPIC.to_owned(),
            run: None,
            intended: None,
            sent: None,
        };
        change(&mut event);
        self.log(ms, event)
    }
}

/// The publisher of the clean run: `messages` messages, all acknowledged.
pub(super) fn clean_publisher(messages: u32) -> LogText {
    let mut log = publisher("publisher-1", u64::from(messages));
    (1..=messages).for_each(|index| {
        log.acked(index, 1);
    });
    log.end(intended(messages) + 1000, "completed");
    log
}

/// A receiver of the clean run that gets the messages `indices`.
pub(super) fn receiver_of(node: &str, indices: impl IntoIterator<Item = u32>) -> LogText {
    let mut log = receiver(node);
    indices.into_iter().for_each(|index| {
        log.received("publisher-1/0", index, 1);
    });
    log
}

/// A run without any fault.
pub(super) fn clean_run(messages: u32) -> Vec<LogText> {
    let mut heard = receiver_of("receiver-1", 1..=messages);
    heard.end(intended(messages) + 20_000, "idle");
    vec![clean_publisher(messages), heard]
}

pub(super) fn archive(logs: &[LogText]) -> Archive {
    let mut archive = Archive::default();
    for log in logs {
        load_one(&mut archive, &log.path, true, log.text().as_bytes()).unwrap();
    }
    archive.logs.sort_by(|a, b| a.path.cmp(&b.path));
    archive
}

pub(super) fn report_with(logs: &[LogText], options: &Options) -> Report {
    report::build(&archive(logs), options)
}

pub(super) fn report_on(logs: &[LogText]) -> Report {
    report_with(logs, &Options::default())
}

pub(super) fn codes(report: &Report) -> Vec<ReasonCode> {
    report.reasons.iter().map(|reason| reason.code).collect()
}

#[track_caller]
pub(super) fn expect(report: &Report, verdict: Verdict, reasons: &[ReasonCode]) {
    assert_eq!(
        (report.verdict, codes(report).as_slice()),
        (verdict, reasons),
        "{:#?}",
        report.reasons
    );
}

/// The clean run with 3 messages, its logs changed.
pub(super) fn changed(change: impl FnOnce(&mut Vec<LogText>)) -> Report {
    let mut logs = clean_run(3);
    change(&mut logs);
    report_on(&logs)
}

/// The end of the receiver's log, for tests that put something before it.
pub(super) fn reopen(log: &mut LogText) -> &mut LogText {
    log.lines.pop();
    log
}
