//! Stores: ours asked by others, and go-waku's.

use std::collections::BTreeMap;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use event_log::MessageHash;
use serde::Deserialize;
use waku::{
    PubsubTopic,
    net::client::RequestError,
    wire::{StoreFilter, protocol_id},
};

use super::Outcome;
use crate::{
    check::{Published, tracer_passes},
    client::{Asker, block_on},
    failure::Failure,
    lab::{CLUSTER_ID, CONTENT_TOPIC, Lab, SHARD},
    messages,
    party::OurNode,
};

/// Hashes in one request to a REST API, where they stand in the URL.
const HASHES_IN_URL: usize = 20;

/// The store protocol go-waku serves; version 3 it only asks.
const LEGACY_STORE: &str = "/vac/waku/store/2.0.0-beta4";

/// js-waku asks our store forwards, backwards and by hash.
pub(super) fn asked_by_js_waku(lab: &Lab<'_>) -> Outcome {
    let (node, published) = filled_store(lab)?;
    let mut client = lab.js_store_client("store-js", &node)?;
    client.finish()?;
    node.process.end()?;
    tracer_passes(lab, 1, 1)?;
    let path = client.messages.as_deref().unwrap_or(&client.log);
    let found = messages::read("store-js", path)?;
    let nothing = BTreeMap::new();
    let answer = |query: &str| found.get(query).unwrap_or(&nothing);
    published.must_be_once_at("the forward query", answer("forward"))?;
    published.must_be_once_at("the query by hash", answer("by-hash"))?;
    // js-waku leaves `pagination_forward = false` out of its request, which nwaku and our node read as forward, and then
    // goes on from the first message of each page: it sees everything, many times. docs/interop.md has the sources.
    published.must_be_at("the backward query", answer("backward"))?;
    let backward: usize = answer("backward").values().sum();
    Ok(format!(
        "{} found forwards and by hash; backwards {backward} copies of them, as js-waku gets from nwaku",
        published.count()
    ))
}

/// The answer of go-waku's REST API. Its keys are those of the protobuf; nwaku writes `messageHash`.
#[derive(Deserialize)]
struct RestAnswer {
    #[serde(default)]
    messages: Vec<RestEntry>,
}

#[derive(Deserialize)]
struct RestEntry {
    /// Base64 with the standard alphabet, though a request must use the one for URLs.
    message_hash: String,
}

/// go-waku's store client, behind its REST API, asks our store by hash.
pub(super) fn asked_by_go_waku(lab: &Lab<'_>) -> Outcome {
    let (node, published) = filled_store(lab)?;
    let theirs = lab.go_node("go-waku-1", &["-rest"])?;
    let mut found = BTreeMap::new();
    for hashes in published.hashes().chunks(HASHES_IN_URL) {
        for hash in block_on(ask_through(&theirs.ready.rest, &node.tcp, hashes))? {
            *found.entry(hash).or_default() += 1;
        }
    }
    theirs.process.end()?;
    node.process.end()?;
    tracer_passes(lab, 1, 1)?;
    published.must_be_once_at("the answer to go-waku", &found)?;
    Ok(format!("{} found by hash", published.count()))
}

async fn ask_through(rest: &str, store: &str, hashes: &[MessageHash]) -> Result<Vec<MessageHash>, Failure> {
    let failed = |reason: String| Failure::Request {
        what: "go-waku asking our store".to_owned(),
        reason,
    };
    let encoded: Vec<_> = hashes.iter().map(|hash| URL_SAFE.encode(hash.0)).collect();
    let response = reqwest::Client::new()
        .get(format!("{rest}/store/v3/messages"))
        .query(&[
            ("peerAddr", store),
            ("hashes", &encoded.join(",")),
            ("includeData", "true"),
        ])
        .send()
        .await
        .map_err(|error| failed(error.to_string()))?;
    let status = response.status();
    let text = response.text().await.map_err(|error| failed(error.to_string()))?;
    if !status.is_success() {
        return Err(failed(format!("{status}: {text}")));
    }
    let answer: RestAnswer = serde_json::from_str(&text).map_err(|error| failed(format!("{error} in {text}")))?;
    let hash = |entry: &RestEntry| {
        let bytes = STANDARD.decode(&entry.message_hash).ok()?;
        bytes.try_into().ok().map(MessageHash)
    };
    let hashes: Option<Vec<_>> = answer.messages.iter().map(hash).collect();
    hashes.ok_or_else(|| failed(format!("a hash that is none in {text}")))
}

/// Our store with what our publisher pushed.
fn filled_store(lab: &Lab<'_>) -> Result<(OurNode, Published), Failure> {
    let node = lab.our_node("node-1", &["--standalone", "--store"])?;
    let mut receiver = lab.our_receiver("receiver-1", &node.tcp, lab.args.messages)?;
    let mut publisher = lab.our_publisher("publisher-1", &node.tcp, "v3")?;
    publisher.finish()?;
    receiver.finish()?;
    let published = Published::by(&[&publisher], lab.args.messages)?;
    Ok((node, published))
}

/// go-waku keeps messages, but serves them by the legacy protocol alone: our client must be told so at once, and clearly.
pub(super) fn of_go_waku_is_another_protocol(lab: &Lab<'_>) -> Outcome {
    let node = lab.go_node("go-waku-1", &["-store"])?;
    let asked = block_on(async {
        let asker = Asker::connect(node.address()).await?;
        let topic = PubsubTopic::new(CLUSTER_ID, SHARD).map_err(|error| unexpected(error.to_string()))?;
        let filter = StoreFilter {
            pubsub_topic: Some(topic.to_string()),
            content_topics: vec![CONTENT_TOPIC.to_owned()],
            ..StoreFilter::default()
        };
        let answer = asker.client.store_history(asker.peer, &filter, true, 1).await;
        Ok((answer, asker.protocols))
    });
    let (answer, protocols) = asked?;
    node.process.end()?;
    if !protocols.iter().any(|protocol| protocol == LEGACY_STORE) {
        return Err(unexpected(format!(
            "it does not speak {LEGACY_STORE} but {protocols:?}"
        )));
    }
    match answer {
        Err(RequestError::Unsupported { protocol, .. }) if protocol == protocol_id::STORE_QUERY => Ok(format!(
            "cannot be: go-waku serves {LEGACY_STORE} alone (store v3 as a client only); our client says so"
        )),
        answer => Err(unexpected(format!("{answer:?}"))),
    }
}

fn unexpected(reason: String) -> Failure {
    Failure::Request {
        what: "our client asking go-waku's store".to_owned(),
        reason,
    }
}
