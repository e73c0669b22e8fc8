//! go-waku as a light client, worked through its REST API. The suite writes the event log, as any publisher would.

use std::{path::Path, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE};
use event_log::{
    EventLog, MessageHash, NumberedMessage, Padding, RunInfo, Timestamp,
    event::{ClientStarted, PublishAttempt, Published, Role, RunEnded, Transport},
};
use serde_json::{Value, json};
use waku::{WakuMessage, message_hash};

use crate::{
    failure::Failure,
    lab::{CONTENT_TOPIC, Lab},
};

/// Time between two messages: go-waku's filter client takes 15 pushes a second, 20 at once, and resets the streams of
/// others unread (`filter/options.go`, `WithLightNodeRateLimiter(15, 20)`; a node cannot be told otherwise).
const INTERVAL: Duration = Duration::from_millis(100);

/// Payload of each message.
const SIZE_BYTES: usize = 1024;

/// Status logged for a push that go-waku answers with `true`: its API has no number.
const STATUS_OK: u32 = 200;

/// The REST API of a go-waku light client.
pub(crate) struct GoClient<'a> {
    /// Its URL.
    pub(crate) url: &'a str,
    /// Its own peer id.
    pub(crate) peer_id: &'a str,
    /// The peer id of the service node it uses.
    pub(crate) service_node: &'a str,
    /// The pubsub topic.
    pub(crate) pubsub_topic: &'a str,
}

impl GoClient<'_> {
    /// Makes go-waku subscribe by filter.
    pub(crate) async fn subscribe(&self) -> Result<(), Failure> {
        let body = json!({
            "requestId": "interop",
            "pubsubTopic": self.pubsub_topic,
            "contentFilters": [CONTENT_TOPIC],
        });
        self.post("/filter/v2/subscriptions", &body).await
    }

    /// Makes go-waku push numbered messages, ten a second, and logs them as publisher `name`.
    pub(crate) async fn publish(&self, lab: &Lab<'_>, name: &str, log: &Path) -> Result<(), Failure> {
        let unwritten = |reason: String| Failure::Content {
            path: log.to_owned(),
            reason,
        };
        let events = EventLog::create(log).map_err(|error| unwritten(error.to_string()))?;
        let mut started =
            RunInfo::of_this_process(env!("CARGO_PKG_VERSION")).started(Role::Publisher, &lab.run_id, name);
        started.clients = 1;
        started.messages = Some(u64::from(lab.args.messages));
        events.log(started);
        let sender = format!("{name}/0");
        events.log(ClientStarted {
            client: 0,
            name: sender.clone(),
            peer_id: self.peer_id.to_owned(),
        });
        let padding = Padding::new(&mut rand::rng());
        let mut due = tokio::time::interval(INTERVAL);
        for index in 1..=lab.args.messages {
            due.tick().await;
            self.push(lab, &events, &sender, index, &padding).await?;
        }
        let ended = RunEnded {
            reason: "completed".to_owned(),
            counters: [("acked".to_owned(), u64::from(lab.args.messages))].into(),
        };
        events.close(ended).map_err(|error| unwritten(error.to_string()))?;
        Ok(())
    }

    async fn push(
        &self,
        lab: &Lab<'_>,
        events: &EventLog,
        sender: &str,
        index: u32,
        padding: &Padding,
    ) -> Result<(), Failure> {
        let sent = Timestamp::now();
        let numbered = NumberedMessage {
            sender: sender.to_owned(),
            index,
            count: lab.args.messages,
            started_at_ns: sent.unix_ns(),
            since_start_ns: 0,
            since_prev_ns: 0,
            size_bytes: 0, // written by `encode`
            run: Some(lab.run_id.clone()),
            attempt: Some(1),
            intended_at: Some(sent),
            sent_at: Some(sent),
        };
        let payload = numbered.encode(SIZE_BYTES, padding);
        let message = WakuMessage::new(payload.clone(), CONTENT_TOPIC, sent.unix_ns());
        let attempt = PublishAttempt {
            sender: sender.to_owned(),
            index,
            attempt: 1,
            hash: MessageHash(message_hash(self.pubsub_topic, &message).into()),
            size_bytes: payload.len() as u64,
            service_node: self.service_node.to_owned(),
            pubsub_topic: self.pubsub_topic.to_owned(),
            content_topic: CONTENT_TOPIC.to_owned(),
            intended: sent,
            sent,
            // What its service node sees; the API is between us and go-waku.
            transport: Some(Transport::Libp2p),
        };
        events.log(attempt.clone());
        let body = json!({
            "pubsubTopic": self.pubsub_topic,
            "message": {
                "payload": URL_SAFE.encode(&payload),
                "contentTopic": CONTENT_TOPIC,
                "timestamp": sent.unix_ns(),
            },
        });
        self.post("/lightpush/v1/message", &body).await?;
        events.log(Published {
            sender: attempt.sender,
            index,
            attempt: 1,
            hash: attempt.hash,
            size_bytes: attempt.size_bytes,
            service_node: attempt.service_node,
            intended: sent,
            sent,
            acked: Timestamp::now(),
            status: STATUS_OK,
            status_text: None,
            relay_peers: None,
            transport: attempt.transport,
        });
        Ok(())
    }

    async fn post(&self, path: &str, body: &Value) -> Result<(), Failure> {
        let failed = |reason: String| Failure::Request {
            what: format!("go-waku's {path}"),
            reason,
        };
        let response = reqwest::Client::new()
            .post(format!("{}{path}", self.url))
            .json(body)
            .send()
            .await
            .map_err(|error| failed(error.to_string()))?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let text = response.text().await.unwrap_or_default();
        Err(failed(format!("{status}: {text}")))
    }
}
