//! go-waku as a light client of our service node.

use waku::{PubsubTopic, ServiceNodeAddr};

use super::Outcome;
use crate::{
    check::{Published, tracer_passes},
    client::block_on,
    failure::Failure,
    lab::{CLUSTER_ID, Lab, SHARD},
    party::events,
    rest::GoClient,
};

/// It pushes by lightpush version 2 and receives by filter; our receiver stands beside it.
pub(super) fn publishes_and_receives(lab: &Lab<'_>) -> Outcome {
    const PUBLISHER: &str = "publisher-go-waku";
    let node = lab.our_node("node-1", &["--standalone"])?;
    let mut receiver = lab.our_receiver("receiver-1", &node.tcp, lab.args.messages)?;
    let mut theirs = lab.go_node("go-waku-1", &["-light", "-rest", "-static-peer", &node.tcp])?;
    let wrong = |reason: String| Failure::Request {
        what: "addressing our node".to_owned(),
        reason,
    };
    let topic = PubsubTopic::new(CLUSTER_ID, SHARD).map_err(|error| wrong(error.to_string()))?;
    let address: ServiceNodeAddr = node.tcp.parse().map_err(|error| wrong(format!("{error}")))?;
    let client = GoClient {
        url: &theirs.ready.rest,
        peer_id: &theirs.ready.peer_id,
        service_node: &address.peer_id.to_string(),
        pubsub_topic: &topic.to_string(),
    };
    let log = lab.folder.join(format!("{PUBLISHER}.jsonl"));
    block_on(async {
        client.subscribe().await?;
        client.publish(lab, PUBLISHER, &log).await
    })?;
    receiver.finish()?;
    let messages = theirs.messages.clone();
    let all_here = || {
        let lines = std::fs::read_to_string(&messages).ok()?.lines().count();
        (lines >= lab.args.messages as usize).then_some(())
    };
    theirs.process.wait_for("the last message by filter", all_here)?;
    theirs.process.end()?;
    node.process.end()?;
    let mut published = Published::default();
    published.add(PUBLISHER, events(&log), lab.args.messages)?;
    published.must_have_arrived(&receiver)?;
    published.must_stand_in("go-waku-1", &messages)?;
    tracer_passes(lab, 1, 1)?;
    Ok(format!(
        "{} pushed by go-waku, received by us and by go-waku",
        published.count()
    ))
}
