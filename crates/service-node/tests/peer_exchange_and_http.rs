//! What a node tells about itself: its record, its health, its counters.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::{
    raw::{RawConfig, RawPeer},
    *,
};
use libp2p::PeerId;
use serde_json::Value;
use service_node::{StoreSettings, rate_limit::RateLimit};
use std::{collections::HashSet, time::Duration};
use waku::{
    Capability, NodeRecord,
    net::{LightpushVersion, client::ExchangedPeers},
};

#[tokio::test(flavor = "multi_thread")]
async fn peer_exchange_answers_with_the_nodes_own_record() {
    for has_store in [false, true] {
        let mut config = config();
        config.shards = vec![3, 0, 7];
        config.store = has_store.then(|| StoreSettings {
            path: None,
            max_messages: 10,
            max_age: Duration::from_secs(60),
        });
        let node = start(config).await;
        let client = client_at(&node).await;
        let ExchangedPeers {
            status,
            records,
            bad_count,
        } = client.client.peer_exchange(node.peer(), 5).await.unwrap();
        assert_eq!((status.code, bad_count), (200, 0));
        let [record] = &records[..] else {
            panic!("{} records", records.len())
        };
        assert_eq!(record.peer_id, node.peer());
        assert_eq!(record.addresses, node.node.addresses());
        assert_eq!((record.cluster, &record.shards[..]), (Some(CLUSTER), &[0, 3, 7][..]));
        let mut capabilities = vec![Capability::Relay, Capability::Filter, Capability::Lightpush];
        if has_store {
            capabilities.insert(1, Capability::Store);
        }
        assert_eq!(record.capabilities.iter().collect::<Vec<_>>(), capabilities);
        assert_eq!(Some(record), node.node.record());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_exchange_has_limits() {
    let mut config = config();
    config.peer_exchange_rate = Some(RateLimit {
        volume: 2,
        period: Duration::from_secs(3600),
    });
    let node = start(config).await;
    let client = client_at(&node).await;
    assert_eq!(
        client
            .client
            .peer_exchange(node.peer(), u64::MAX)
            .await
            .unwrap()
            .records
            .len(),
        1
    );
    let ExchangedPeers { status, records, .. } = client.client.peer_exchange(node.peer(), 0).await.unwrap();
    assert_eq!((status.code, records.len()), (503, 0));
    assert_eq!(
        client.client.peer_exchange(node.peer(), 1).await.unwrap().status.code,
        429
    );
}

async fn get(node: &TestNode, path: &str) -> (u16, String) {
    get_as(node, path, "*/*").await
}

async fn get_as(node: &TestNode, path: &str, accept: &str) -> (u16, String) {
    let url = format!("http://{}{path}", node.node.http_address().unwrap());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(url).header("Accept", accept).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_503_until_the_mesh_is_up_and_again_when_it_is_gone() {
    let mut config = config();
    config.http = Some("127.0.0.1:0".parse().unwrap());
    config.expect_peers = 1;
    let node = start(config.clone()).await;
    assert_eq!(get(&node, "/health").await.0, 503);
    let relay = RawPeer::at(
        &node,
        RawConfig {
            relay: true,
            ..RawConfig::default()
        },
    )
    .await;
    relay.meshed(&node).await;
    tokio::time::timeout(PATIENCE, node.node.meshed()).await.unwrap();
    until_health(&node, 200).await;
    drop(relay);
    until_health(&node, 503).await;
}

async fn until_health(node: &TestNode, expected: u16) {
    let polling = async {
        while get(node, "/health").await.0 != expected {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, polling).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_open_metrics_and_count() {
    let mut config = config();
    config.http = Some("127.0.0.1:0".parse().unwrap());
    config.standalone = true;
    let node = start(config).await;
    let mut client = client_at(&node).await;
    client.subscribe(&node).await;
    let sent = message("counted");
    client
        .client
        .lightpush(node.peer(), LightpushVersion::V3, PUBSUB, &sent)
        .await
        .unwrap();
    client.pushed().await;
    let (status, text) = get_as(&node, "/metrics", "application/openmetrics-text").await;
    assert_eq!(status, 200);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.last(), Some(&"# EOF"));
    for line in &lines {
        assert!(line.starts_with("# ") || is_sample(line), "{line:?}");
    }
    let has = |wanted: &str| assert!(lines.contains(&wanted), "no {wanted:?} in\n{text}");
    has(r#"lpt_service_node_lightpush_answers_total{status="200"} 1"#);
    has(r#"lpt_service_node_filter_answers_total{status="200"} 1"#);
    has("lpt_service_node_filter_subscribers 1");
    has("lpt_service_node_connected_peers 1");
    has(&format!(
        "lpt_service_node_lightpush_payload_bytes_total {}",
        sent.payload().len()
    ));
}

/// `name value` or `name{label="text",…} value`.
fn is_sample(line: &str) -> bool {
    let Some((series, value)) = line.rsplit_once(' ') else {
        return false;
    };
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let name_fits =
        name.starts_with("lpt_service_node_") && name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric());
    name_fits && labels.ends_with('}') && value.parse::<f64>().is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn debug_info_has_full_addresses_and_the_record() {
    let mut config = config();
    config.http = Some("127.0.0.1:0".parse().unwrap());
    config.listen.push("/ip4/127.0.0.1/tcp/0/ws".parse().unwrap());
    let node = start(config).await;
    let (status, text) = get(&node, "/debug/v1/info").await;
    assert_eq!(status, 200);
    let info: Value = serde_json::from_str(&text).unwrap();
    let addresses: Vec<_> = info["listenAddresses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a.as_str().unwrap())
        .collect();
    assert_eq!(addresses.len(), 2);
    let suffix = format!("/p2p/{}", node.peer());
    assert!(
        addresses.iter().all(|address| address.ends_with(&suffix)),
        "{addresses:?}"
    );
    assert_eq!(addresses.iter().filter(|address| address.contains("/ws/")).count(), 1);
    let record: NodeRecord = info["enrUri"].as_str().unwrap().parse().unwrap();
    assert_eq!(record.peer_id, node.peer());
    assert_eq!(get(&node, "/nothing").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_passes_on_the_records_of_its_static_peers() {
    let nodes = start_line(2).await;
    let client = client_at(&nodes[1]).await;
    let expected: HashSet<PeerId> = nodes.iter().map(TestNode::peer).collect();
    let asking = async {
        loop {
            let answer = client.client.peer_exchange(nodes[1].peer(), 10).await.unwrap();
            if answer
                .records
                .iter()
                .map(|record| record.peer_id)
                .collect::<HashSet<_>>()
                == expected
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await; // it is still asking its peer
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("both records");
}
