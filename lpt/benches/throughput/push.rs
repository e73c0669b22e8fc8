//! (b) The publisher's acknowledged pushes to one service node.

use event_log::Event;

use super::{
    IN_FLIGHT, SIZE_BYTES,
    processes::{Process, events, wait_for},
};

/// One round.
pub(super) struct Round {
    /// Acknowledged pushes a second, from the first sent to the last acknowledged.
    pub(super) per_s: f64,
    /// Largest resident memory of the publisher, MB.
    pub(super) rss_mb: u64,
}

/// Pushes `messages` messages as fast as answers come.
pub(super) fn measure(messages: u64) -> Round {
    let folder = tempfile::tempdir().expect("a folder");
    let log = |name: &str| folder.path().join(name);
    let (node_log, publisher_log) = (log("node.jsonl"), log("publisher.jsonl"));
    // A node of its own network: every acknowledgement is the work of these two processes alone.
    let _node = Process::start(&[
        "node",
        "--listen=/ip4/127.0.0.1/tcp/0",
        "--standalone",
        "--event-log",
        node_log.to_str().expect("utf-8"),
    ]);
    let address = wait_for(&node_log, |event| match event {
        Event::Listening(listening) => Some(listening.address.clone()),
        _ => None,
    });
    let publisher = Process::start(&[
        "publisher",
        "--service-node",
        &address,
        "--messages",
        &messages.to_string(),
        "--rate=0",
        "--in-flight",
        &IN_FLIGHT.to_string(),
        "--min-size",
        &format!("{SIZE_BYTES}B"),
        "--max-size",
        &format!("{SIZE_BYTES}B"),
        "--progress=none",
        "--event-log",
        publisher_log.to_str().expect("utf-8"),
    ]);
    let rss_mb = publisher.wait();
    let published: Vec<_> = events(&publisher_log)
        .into_iter()
        .filter_map(|event| match event {
            Event::Published(published) => Some((published.sent, published.acked)),
            _ => None,
        })
        .collect();
    assert_eq!(published.len() as u64, messages, "every push is acknowledged");
    let first = published.iter().map(|(sent, _)| *sent).min().expect("messages");
    let last = published.iter().map(|(_, acked)| *acked).max().expect("messages");
    Round {
        per_s: messages as f64 / (last.since_ns(first) as f64 / 1e9),
        rss_mb,
    }
}
