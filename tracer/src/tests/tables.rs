//! The tables of the `csv` report.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use event_log::event::{LightpushHandled, RelayOrigin, RelayReceived, RelaySent, Role, Subscribed};

use super::{fixture::*, reports::outage_run};
use crate::report::{ReportTarget, unrepeatable_path};

/// The names of the tables.
const NAMES: [&str; 3] = ["received.csv", "sent.csv", "lost.csv"];

/// Writes logs into `folder`.
pub(super) fn write_logs(folder: &Path, logs: &[LogText]) -> Vec<PathBuf> {
    let write = |log: &LogText| {
        let path = folder.join(&log.path);
        fs::write(&path, log.text()).unwrap();
        path
    };
    logs.iter().map(write).collect()
}

/// The tables of these logs: received, sent, lost.
pub(super) fn tables_of(paths: &[PathBuf]) -> [String; 3] {
    let report = crate::report(paths, &crate::Options::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let target: ReportTarget = format!("csv={}", folder.path().join("tables").display())
        .parse()
        .unwrap();
    target.write(&report, paths).unwrap();
    NAMES.map(|name| fs::read_to_string(folder.path().join("tables").join(name)).unwrap())
}

pub(super) fn tables(logs: &[LogText]) -> [String; 3] {
    let folder = tempfile::tempdir().unwrap();
    tables_of(&write_logs(folder.path(), logs))
}

/// One column of a table.
fn column(table: &str, name: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let at = reader
        .headers()
        .unwrap()
        .iter()
        .position(|column| column == name)
        .unwrap();
    reader.records().map(|record| record.unwrap()[at].to_owned()).collect()
}

#[test]
fn csv_has_the_columns_of_the_analyzer() {
    let [received, sent, lost] = tables(&outage_run());
    let head = "shard,msg_hash,timestamp,receiver_peer_id,sender_peer_id,delayMs,receiver,sender,index,via\n";
    assert!(received.starts_with(head));
    assert_eq!(received.lines().count(), 1 + 7);
    let first = received.lines().nth(1).unwrap();
    assert!(
        first.contains(",2023-11-14 22:13:21.051000000,peer of receiver-1/0,16Uiu2HAmNode,"),
        "{first}"
    );
    assert!(sent.starts_with("shard,msg_hash,timestamp,sender_peer_id,receiver_peer_id,sender,index,attempt,via\n"));
    assert_eq!(sent.lines().count(), 1 + 13);
    assert_eq!(lost.lines().count(), 1 + 7);
}

#[test]
fn csv_of_compressed_logs_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let tables = |endings: [&str; 2]| {
        let mut paths = Vec::new();
        for (log, ending) in outage_run().iter().zip(endings) {
            let text = log.text().into_bytes();
            let bytes = match ending {
                ".gz" => {
                    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                    encoder.write_all(&text).unwrap();
                    encoder.finish().unwrap()
                }
                ".zst" => zstd::encode_all(text.as_slice(), 3).unwrap(),
                _ => text,
            };
            paths.push(folder.path().join(format!("{}{ending}", log.path)));
            fs::write(paths.last().unwrap(), bytes).unwrap();
        }
        tables_of(&paths)
    };
    let plain = tables(["", ""]);
    assert_eq!(
        plain.each_ref().map(|table| table.lines().count()),
        [1 + 7, 1 + 13, 1 + 7]
    );
    assert_eq!(tables([".gz", ".zst"]), plain);
}

impl LogText {
    fn subscribed_to(&mut self, client: u32, pubsub_topic: &str) -> &mut Self {
        let event = Subscribed {
            client,
            service_node: NODE.to_owned(),
            transport: None,
            pubsub_topic: pubsub_topic.to_owned(),
            content_topics: 1,
            renewed: false,
        };
        self.log(-500, event)
    }
}

#[test]
fn every_client_has_its_own_shard() {
    let mut heard = LogText::start(Role::Receiver, "receiver-1", |started| started.clients = 3);
    heard
        .subscribed_to(0, "/waku/2/rs/0/4")
        .subscribed_to(1, "/waku/2/rs/0/5");
    // This one listens on two shards. Where its message came in is known from where it was published.
    heard
        .subscribed_to(2, "/waku/2/rs/0/0")
        .subscribed_to(2, "/waku/2/rs/0/5");
    for client in [1, 0, 2] {
        let at = intended(1) + 60 + i64::from(client);
        heard.received_with(at, "publisher-1/0", 1, 1, |e| e.client = client);
    }
    heard.received_with(intended(1) + 70, "stranger", 1, 1, |e| {
        (e.client, e.content_topic) = (2, "/other/1/topic/proto".to_owned());
    });
    heard.end(30_000, "idle");
    let [received, ..] = tables(&[clean_publisher(1), heard]);
    assert_eq!(column(&received, "shard"), ["4", "5", "0", ""], "{received}");
}

/// A service node that took message 1 and gave it to two peers, and one that got it from there.
fn nodes() -> Vec<LogText> {
    let node =
        |name: &str, id: &str| LogText::start(Role::ServiceNode, name, |started| started.peer_id = Some(id.to_owned()));
    let (mut one, mut two) = (node("node-1", NODE), node("node-2", "16Uiu2HAmOther"));
    let (hash, pubsub_topic) = (hash("publisher-1/0", 1, 1), "/waku/2/rs/0/0".to_owned());
    let sent = at(intended(1) + 1);
    let handled = |status: u32| LightpushHandled {
        peer: "peer of publisher-1/0".to_owned(),
        protocol: "v3".to_owned(),
        request_id: "r".to_owned(),
        hash: Some(hash),
        pubsub_topic: Some(pubsub_topic.clone()),
        content_topic: Some(TOPIC.to_owned()),
        size_bytes: 1024,
        received: sent,
        status,
        status_text: None,
        relay_peers: Some(2),
    };
    one.log(intended(1) + 2, handled(503))
        .log(intended(1) + 3, handled(200));
    let relayed = RelaySent {
        hash,
        to_peers: vec!["16Uiu2HAmOther".to_owned(), "16Uiu2HAmThird".to_owned()],
        pubsub_topic: pubsub_topic.clone(),
        origin: RelayOrigin::Lightpush,
    };
    one.log(intended(1) + 4, relayed).end(30_000, "signal");
    let got = RelayReceived {
        hash,
        from_peer: NODE.to_owned(),
        pubsub_topic,
        content_topic: TOPIC.to_owned(),
        size_bytes: 1024,
    };
    two.log(intended(1) + 30, got).end(30_000, "signal");
    vec![one, two]
}

#[test]
fn relay_and_lightpush_of_our_nodes_have_rows() {
    let mut heard = receiver_of("receiver-1", [1]);
    heard.end(30_000, "idle");
    let mut logs = nodes();
    logs.extend([clean_publisher(1), heard]);
    let [received, sent, _] = tables(&logs);
    assert_eq!(column(&received, "via"), ["lightpush", "relay", "filter"], "{received}");
    assert_eq!(column(&received, "receiver"), ["node-1", "node-2", "receiver-1/0"]);
    assert_eq!(
        column(&received, "receiver_peer_id"),
        [NODE, "16Uiu2HAmOther", "peer of receiver-1/0"]
    );
    assert_eq!(
        column(&received, "sender_peer_id"),
        ["peer of publisher-1/0", NODE, NODE]
    );
    assert_eq!(column(&received, "shard"), ["0", "0", "0"]);
    assert_eq!(column(&sent, "via"), ["lightpush", "relay", "relay"], "{sent}");
    assert_eq!(
        column(&sent, "receiver_peer_id"),
        [NODE, "16Uiu2HAmOther", "16Uiu2HAmThird"]
    );
    // The time to reach all of the analyzer's plot: from the service node that took it to the last who has it.
    let times = column(&received, "timestamp");
    assert_eq!(times.first().unwrap(), "2023-11-14 22:13:21.001000000");
    assert_eq!(times.last().unwrap(), "2023-11-14 22:13:21.051000000");
}

#[test]
fn native_logs_have_rows_with_full_ids_where_these_are_known() {
    let [own, peer] = [
        "16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPGiNg1aX",
        "16Uiu2HAmPLe7Mzm8TsYUubgCAW1aJoeFScxrLj8ppHFivPo97bUZ",
    ];
    let hash = hash("publisher-1/0", 1, 1);
    let mut node = LogText::empty("nwaku.log");
    let line = |at: &str, rest: &str| format!("{at} 2023-11-14 22:13:21.{rest}");
    node.lines = vec![
        line(
            "NTC",
            &format!(
                "000+00:00 Listening on topics=\"waku node\" tid=1 file=waku_node.nim:1 full=[/ip4/127.0.0.1/tcp/60000/p2p/{own}]"
            ),
        ),
        line(
            "NTC",
            &format!(
                "002+00:00 handling lightpush request topics=\"waku lightpush\" tid=1 file=protocol.nim:79 my_peer_id=16U*iNg1aX peer_id=16U*unknwn requestId=r pubsubTopic=\"some(\\\"/waku/2/rs/0/3\\\")\" msg_hash={hash} receivedTime=1700000001002000128"
            ),
        ),
        line(
            "INF",
            &format!(
                "003+00:00 sent relay message topics=\"waku node\" tid=1 file=waku_node.nim:2 my_peer_id=16U*iNg1aX msg_hash={hash} msg_id=a to_peer_id=16U*o97bUZ topic=/waku/2/rs/0/3 sentTime=1700000001003000064 payloadSizeBytes=1"
            ),
        ),
        line(
            "INF",
            &format!(
                "009+00:00 received relay message topics=\"waku node\" tid=1 file=waku_node.nim:2 my_peer_id=16U*iNg1aX msg_hash={hash} msg_id=a from_peer_id=16U*o97bUZ topic=/waku/2/rs/0/3 receivedTime=1700000001009000192 payloadSizeBytes=1"
            ),
        ),
    ];
    let mut heard = receiver_of("receiver-1", [1]);
    heard.end(30_000, "idle");
    let other = LogText::start(Role::ServiceNode, "node-2", |started| {
        started.peer_id = Some(peer.to_owned())
    });
    let [received, sent, _] = tables(&[node, other, clean_publisher(1), heard]);
    assert_eq!(column(&received, "via"), ["lightpush", "relay", "filter"], "{received}");
    assert_eq!(column(&received, "shard"), ["3", "3", "0"]);
    assert_eq!(column(&received, "receiver_peer_id")[..2], [own, own]);
    assert_eq!(column(&received, "sender_peer_id")[..2], ["16U*unknwn", peer]);
    assert_eq!(column(&sent, "via"), ["lightpush", "relay"], "{sent}");
    assert_eq!(
        (
            column(&sent, "sender_peer_id")[1].as_str(),
            column(&sent, "receiver_peer_id")[1].as_str()
        ),
        (own, peer)
    );
}

#[test]
fn what_can_be_read_once_only_is_found_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let paths = write_logs(folder.path(), &clean_run(1));
    assert_eq!(unrepeatable_path(&paths), None);
    assert_eq!(unrepeatable_path(&[folder.path().to_owned()]), None);
    assert_eq!(unrepeatable_path(&["-".into(), paths[0].clone()]), Some("-".into()));
    assert_eq!(unrepeatable_path(&["/dev/null".into()]), Some("/dev/null".into()));
    assert_eq!(
        unrepeatable_path(&[folder.path().join("none")]),
        None,
        "that is another complaint"
    );
}
