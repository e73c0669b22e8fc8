//! The light client against servers that answer as nwaku and go-waku do.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::time::Duration;

use common::{Client, PUBSUB, Server, TOPIC, message, topic_list};
use libp2p::PeerId;
use waku::{
    message_hash,
    net::LightpushVersion::{V2, V3},
    wire::protocol_id,
};
use waku_rest::{Flavour, RestClient, RestEvent, Risk, Service};

const BOTH: [Flavour; 2] = [Flavour::Nwaku, Flavour::GoWaku];

#[tokio::test]
async fn a_node_tells_who_it_is_and_which_versions_it_serves() {
    for (flavour, agent, versions) in [
        (
            Flavour::Nwaku,
            "v0.38.1",
            &[protocol_id::LIGHTPUSH_V3, protocol_id::LIGHTPUSH_V2][..],
        ),
        (Flavour::GoWaku, "v0.9.0-84a4b1be", &[protocol_id::LIGHTPUSH_V2]),
    ] {
        let server = Server::start(flavour).await;
        let mut client = Client::new(Service::Lightpush);
        let node = server.node();
        client.client.keep_connected(node.clone());
        let RestEvent::Ready {
            agent: told, protocols, ..
        } = client.next().await
        else {
            panic!("not ready")
        };
        assert_eq!(
            (told.as_deref(), protocols.as_slice()),
            (Some(agent), versions_of(versions).as_slice())
        );
        assert_eq!(node.peer_id(), Some(server.fake.lock().unwrap().peer_id));
        assert!(
            server.fake.lock().unwrap().pushed.is_empty(),
            "the probes publish nothing"
        );
    }
}

fn versions_of(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[tokio::test]
async fn pushes_of_both_versions_are_answered() {
    for flavour in BOTH {
        let server = Server::start(flavour).await;
        let client = Client::new(Service::Lightpush).client;
        let answer = client.push(&server.node(), V2, PUBSUB, &message(1)).await.unwrap();
        assert_eq!((answer.status.code, answer.relay_peers), (200, None));
        let pushed = server.fake.lock().unwrap().pushed[0].1.clone();
        let expected = serde_json::json!({ "pubsubTopic": PUBSUB, "message": { "payload": "AQID", "contentTopic": TOPIC,
            "version": 0, "timestamp": 1_700_000_000_000_000_001_i64, "ephemeral": false } });
        assert_eq!(pushed, expected);
        server.fake.lock().unwrap().push_answer = Some((503, "Push request timed out".into()));
        let refused = client.push(&server.node(), V2, PUBSUB, &message(2)).await.unwrap();
        assert_eq!(
            (refused.status.code, refused.status.text.as_deref()),
            (503, Some("Push request timed out"))
        );
    }
    let server = Server::start(Flavour::Nwaku).await;
    let client = Client::new(Service::Lightpush).client;
    let answer = client.push(&server.node(), V3, PUBSUB, &message(3)).await.unwrap();
    assert_eq!((answer.status.code, answer.relay_peers), (200, Some(2)));
    server.fake.lock().unwrap().push_answer = Some((505, "No peers for topic, skipping publish".into()));
    let refused = client.push(&server.node(), V3, PUBSUB, &message(4)).await.unwrap();
    assert_eq!(refused.status.code, 505);
}

#[tokio::test]
async fn messages_arrive_with_their_hash_and_the_topic_subscribed_on() {
    for flavour in BOTH {
        let server = Server::start(flavour).await;
        let mut client = Client::new(Service::Filter);
        client.client.keep_connected(server.node());
        assert_eq!(client.ready().await, [protocol_id::FILTER_SUBSCRIBE]);
        let before = client.client.ping(&server.node()).await.unwrap();
        assert!(before.is_not_subscribed(), "{before}");
        let status = client
            .client
            .subscribe(&server.node(), PUBSUB, &topic_list())
            .await
            .unwrap();
        assert!(status.is_ok());
        assert!(client.client.ping(&server.node()).await.unwrap().is_ok());
        for number in 0..3 {
            server.put(&message(number));
            let RestEvent::Push {
                pubsub_topic,
                message: got,
                node,
                ..
            } = client.next().await
            else {
                panic!("no push")
            };
            assert_eq!(
                message_hash(&pubsub_topic, &got),
                message_hash(PUBSUB, &message(number))
            );
            assert_eq!(node, server.node());
        }
    }
}

#[tokio::test]
async fn a_full_mailbox_is_told_as_a_risk() {
    for (flavour, capacity) in [(Flavour::Nwaku, 50), (Flavour::GoWaku, 30)] {
        let server = Server::start(flavour).await;
        let mut client = Client::new(Service::Filter);
        client.client.keep_connected(server.node());
        client.ready().await;
        (0..capacity).for_each(|number| server.put(&message(number)));
        client
            .client
            .subscribe(&server.node(), PUBSUB, &topic_list())
            .await
            .unwrap();
        let mut pushes = 0;
        let risk = loop {
            match client.next().await {
                RestEvent::Push { .. } => pushes += 1,
                RestEvent::AtRisk {
                    risk, content_topic, ..
                } => {
                    let expected = (flavour == Flavour::GoWaku).then_some(TOPIC);
                    assert_eq!(content_topic.as_deref(), expected);
                    break risk;
                }
                other => panic!("{other:?}"),
            }
        };
        let capacity = usize::try_from(capacity).unwrap();
        assert_eq!(
            (pushes, risk),
            (
                capacity,
                Risk::CacheFull {
                    messages: capacity,
                    capacity
                }
            )
        );
    }
}

#[tokio::test]
async fn a_node_that_has_no_mailbox_any_more_has_forgotten_the_subscription() {
    for flavour in BOTH {
        let server = Server::start(flavour).await;
        let mut client = Client::new(Service::Filter);
        client.client.keep_connected(server.node());
        client.ready().await;
        client
            .client
            .subscribe(&server.node(), PUBSUB, &topic_list())
            .await
            .unwrap();
        server.fake.lock().unwrap().subscribed.clear();
        let RestEvent::Forgotten { error, .. } = client.next().await else {
            panic!("not told")
        };
        assert!(error.contains("ot subscribed to"), "{error}");
        client
            .client
            .subscribe(&server.node(), PUBSUB, &topic_list())
            .await
            .unwrap();
        server.put(&message(1));
        client.until(|event| matches!(event, RestEvent::Push { .. })).await;
    }
}

#[tokio::test]
async fn a_lost_answer_to_a_poll_puts_messages_at_risk() {
    let server = Server::start(Flavour::Nwaku).await;
    let mut client = Client::new(Service::Filter);
    client.client.keep_connected(server.node());
    client.ready().await;
    server.put(&message(1));
    server.fake.lock().unwrap().cuts_poll = true;
    client
        .client
        .subscribe(&server.node(), PUBSUB, &topic_list())
        .await
        .unwrap();
    let event = client.next().await;
    assert!(
        matches!(
            &event,
            RestEvent::AtRisk {
                risk: Risk::NoAnswer { .. },
                ..
            }
        ),
        "{event:?}"
    );
    let event = client.next().await;
    assert!(matches!(&event, RestEvent::Disconnected { .. }), "{event:?}");
    client.ready().await;
}

#[tokio::test]
async fn a_stopped_node_is_lost_and_comes_back() {
    for service in [Service::Filter, Service::Lightpush] {
        let server = Server::start(Flavour::Nwaku).await;
        let node = server.node();
        let mut client = Client::new(service);
        client.client.keep_connected(node.clone());
        client.ready().await;
        let stopped = server.stop().await;
        // A request that finds nobody has the node checked at once.
        let error = client.client.push(&node, V3, PUBSUB, &message(1)).await.unwrap_err();
        assert!(!error.may_have_arrived(), "{error}");
        client
            .until(|event| matches!(event, RestEvent::Disconnected { .. }))
            .await;
        let failed = client
            .until(|event| matches!(event, RestEvent::DialFailed { .. }))
            .await;
        assert!(matches!(&failed, RestEvent::DialFailed { error, retry_in: Some(_), .. } if error.contains("refused")));
        let _server = Server::restart(stopped).await;
        client.ready().await;
    }
}

#[tokio::test]
async fn another_identity_behind_the_address_is_refused() {
    let server = Server::start(Flavour::Nwaku).await;
    let mut client = Client::new(Service::Lightpush);
    client.client.keep_connected(server.node());
    client.ready().await;
    let stopped = server.stop().await;
    stopped.0.lock().unwrap().peer_id = PeerId::random();
    let _server = Server::restart(stopped).await;
    let event = client
        .until(|event| !matches!(event, RestEvent::Disconnected { .. } | RestEvent::DialFailed { .. }))
        .await;
    assert!(
        matches!(&event, RestEvent::Refused { error, .. } if error.contains("identity changed")),
        "{event:?}"
    );
}

#[tokio::test]
async fn a_node_that_is_not_ready_is_waited_for() {
    let server = Server::start(Flavour::Nwaku).await;
    server.fake.lock().unwrap().node_health = "SYNCHRONIZING";
    let mut client = Client::new(Service::Lightpush);
    client.client.keep_connected(server.node());
    let event = client.next().await;
    assert!(
        matches!(&event, RestEvent::DialFailed { error, .. } if error.contains("SYNCHRONIZING")),
        "{event:?}"
    );
    server.fake.lock().unwrap().node_health = "READY";
    client.ready().await;
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let server = Server::start(Flavour::Nwaku).await;
    server.fake.lock().unwrap().info_padding_bytes = 1024 * 1024;
    let error = RestClient::new("test")
        .unwrap()
        .identify(&server.node())
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "answer to GET /info is larger than 65536 bytes");
}

#[tokio::test]
async fn what_waits_in_the_mailbox_at_the_end_still_counts_and_others_keep_theirs() {
    for flavour in BOTH {
        let server = Server::start(flavour).await;
        let mut client = Client::with_poll_interval(Service::Filter, Duration::from_secs(3600));
        client.client.keep_connected(server.node());
        client.ready().await;
        let others = (PUBSUB.to_owned(), "/others/1/topic/proto".to_owned());
        server.fake.lock().unwrap().subscribed.insert(others.clone());
        client
            .client
            .subscribe(&server.node(), PUBSUB, &topic_list())
            .await
            .unwrap();
        let polled = |server: &Server| server.requests().iter().any(|line| line.contains("b%2Bc"));
        while !polled(&server) {
            tokio::task::yield_now().await;
        }
        server.put(&message(1));
        client.client.unsubscribe_own(&server.node()).await.unwrap();
        assert!(matches!(client.next().await, RestEvent::Push { .. }));
        assert_eq!(
            server.fake.lock().unwrap().subscribed.iter().collect::<Vec<_>>(),
            [&others]
        );
        assert!(
            RestClient::new("test")
                .unwrap()
                .unsubscribe_all(&server.node(), Duration::from_secs(5))
                .await
                .unwrap()
                .is_ok()
        );
        assert!(server.fake.lock().unwrap().subscribed.is_empty());
    }
}
