//! The endpoints, one function each. Every HTTP answer that is what the endpoint may answer comes back as a
//! [`Status`] or a value; its code is the HTTP status, which nwaku makes the protocol's own
//! (LD `lightpush/handlers.nim`, `convertErrorKindToHttpStatus`).

use std::time::{Duration, SystemTime};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method};
use waku::{
    Status, WakuMessage,
    net::{LightpushVersion, PushAnswer},
};

use crate::{
    Flavour, JsonError, PollError, RestError, RestNode,
    http::{self, Answer, Exchange},
    json::{self, FilterRequest, FilterResponse, PushRequest, PushResponse},
    limits::{ANSWER_MAX_BYTES, CHECK_TIMEOUT, POLL_MAX_BYTES},
};

/// LD `filter/handlers.nim`, GO `filter.go`.
pub(crate) const SUBSCRIPTIONS: &str = "/filter/v2/subscriptions";

/// LD `filter/handlers.nim`, GO `filter.go`.
const MESSAGES: &str = "/filter/v2/messages";

/// How both begin to say that a mailbox does not exist: nwaku `Not subscribed to topic: …` with 400, go-waku
/// `not subscribed to pubsubTopic:… contentTopic: …` with 404.
const NOT_SUBSCRIBED: &str = "not subscribed to";

/// Topics stand in one path segment. go-waku decodes it as a query (GO `utils.go`, `topicFromPath`), so a plus sign must
/// be encoded too.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The path of a lightpush version. LD `lightpush/handlers.nim` and `legacy_lightpush/handlers.nim`; go-waku has version 1
/// only (GO `lightpush_rest.go`). Version 1 speaks lightpush v2 to the network.
pub(crate) fn push_path(version: LightpushVersion) -> &'static str {
    match version {
        LightpushVersion::V3 => "/lightpush/v3/message",
        LightpushVersion::V2 => "/lightpush/v1/message",
    }
}

/// What a poll gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polled {
    /// The messages in the node's order, which is not always that of their arrival there: nwaku fills gaps with its
    /// newest (LD `message_cache.nim`, `removeMessage`). Entries that do not read are errors.
    pub messages: Vec<Result<WakuMessage, JsonError>>,
    /// When the answer had been read.
    pub arrived: SystemTime,
}

/// Asks REST APIs. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct RestClient {
    http: Client,
}

impl RestClient {
    /// A client that calls itself `agent`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(agent: &str) -> Result<Self, RestError> {
        let http = http::client(agent)?;
        Ok(Self { http })
    }

    pub(crate) fn exchange(&self, node: &RestNode, method: Method, path: &str) -> Exchange {
        Exchange::new(&self.http, node, method, path, CHECK_TIMEOUT, ANSWER_MAX_BYTES)
    }

    /// Pushes one message and returns the answer, whatever its status. nwaku itself answers 503 `Push request timed out`
    /// after 5 s, whatever became of the message.
    ///
    /// # Errors
    /// When there is no answer, or none that can be understood.
    pub async fn push(
        &self,
        node: &RestNode,
        version: LightpushVersion,
        pubsub_topic: &str,
        message: &WakuMessage,
        timeout: Duration,
    ) -> Result<PushAnswer, RestError> {
        let body = PushRequest {
            pubsub_topic: Some(pubsub_topic.to_owned()),
            message: message.into(),
        };
        let path = push_path(version);
        let exchange = Exchange::new(&self.http, node, Method::POST, path, timeout, ANSWER_MAX_BYTES);
        let answer = exchange.json(&body).send().await?;
        push_answer(version, &answer)
    }

    /// Subscribes the node to content topics of one pubsub topic, or renews that.
    ///
    /// # Errors
    /// When there is no answer, or none that can be understood.
    pub async fn subscribe(
        &self,
        node: &RestNode,
        pubsub_topic: &str,
        content_topics: &[String],
        timeout: Duration,
    ) -> Result<Status, RestError> {
        self.filter(node, Method::POST, pubsub_topic, content_topics, timeout)
            .await
    }

    /// Takes the subscription to content topics of one pubsub topic back.
    ///
    /// # Errors
    /// When there is no answer, or none that can be understood.
    pub async fn unsubscribe(
        &self,
        node: &RestNode,
        pubsub_topic: &str,
        content_topics: &[String],
        timeout: Duration,
    ) -> Result<Status, RestError> {
        self.filter(node, Method::DELETE, pubsub_topic, content_topics, timeout)
            .await
    }

    async fn filter(
        &self,
        node: &RestNode,
        method: Method,
        pubsub_topic: &str,
        content_topics: &[String],
        timeout: Duration,
    ) -> Result<Status, RestError> {
        let body = FilterRequest {
            request_id: request_id(),
            pubsub_topic: Some(pubsub_topic.to_owned()),
            content_filters: content_topics.to_vec(),
        };
        let exchange = Exchange::new(&self.http, node, method, SUBSCRIPTIONS, timeout, ANSWER_MAX_BYTES);
        filter_status(exchange.json(&body).send().await?)
    }

    /// Takes *all* subscriptions of the node back, those of its other users too.
    ///
    /// # Errors
    /// When there is no answer, or none that can be understood.
    pub async fn unsubscribe_all(&self, node: &RestNode, timeout: Duration) -> Result<Status, RestError> {
        let body = FilterRequest {
            request_id: request_id(),
            pubsub_topic: None,
            content_filters: Vec::new(),
        };
        let path = format!("{SUBSCRIPTIONS}/all");
        let exchange = Exchange::new(&self.http, node, Method::DELETE, &path, timeout, ANSWER_MAX_BYTES);
        filter_status(exchange.json(&body).send().await?)
    }

    /// Asks whether the node's subscription still stands at the service node it has for itself.
    ///
    /// # Errors
    /// When there is no answer, or none that can be understood.
    pub async fn ping(&self, node: &RestNode, timeout: Duration) -> Result<Status, RestError> {
        let path = format!("{SUBSCRIPTIONS}/{}", request_id());
        let exchange = Exchange::new(&self.http, node, Method::GET, &path, timeout, ANSWER_MAX_BYTES);
        filter_status(exchange.send().await?)
    }

    /// Takes the messages out of the mailbox of a content topic. The node forgets them in the same moment: an answer that
    /// gets lost is lost with them.
    ///
    /// nwaku has one mailbox a content topic; go-waku one a pubsub topic and content topic, and guesses the first by the
    /// autosharding of cluster 1 when it is not named (GO `filter.go`, `getMessagesByContentTopic`).
    ///
    /// # Errors
    /// [`PollError::NotSubscribed`] when there is no such mailbox, otherwise when there is no answer that can be
    /// understood.
    pub async fn poll(
        &self,
        node: &RestNode,
        flavour: Flavour,
        pubsub_topic: &str,
        content_topic: &str,
    ) -> Result<Polled, PollError> {
        let answer = self.ask_mailbox(node, flavour, pubsub_topic, content_topic).await?;
        let arrived = SystemTime::now();
        if answer.is_ok() {
            let messages = json::messages(&answer.body).map_err(|error| unreadable(&answer, error))?;
            return Ok(Polled { messages, arrived });
        }
        let text = answer.text();
        if is_not_subscribed(&text) {
            let status = answer.status;
            return Err(PollError::NotSubscribed { status, text });
        }
        Err(answer.not_served().into())
    }

    /// Whether the node has mailboxes at all: a topic nobody uses must be one it is not subscribed to.
    pub(crate) async fn serves_mailboxes(&self, node: &RestNode, flavour: Flavour) -> Result<(), RestError> {
        let answer = self
            .ask_mailbox(node, flavour, "/waku/2/rs/0/0", "/lpt/1/nobody/proto")
            .await?;
        if answer.is_ok() || is_not_subscribed(&answer.text()) {
            return Ok(());
        }
        Err(answer.not_served())
    }

    async fn ask_mailbox(
        &self,
        node: &RestNode,
        flavour: Flavour,
        pubsub_topic: &str,
        content_topic: &str,
    ) -> Result<Answer, RestError> {
        let segment = |topic| utf8_percent_encode(topic, SEGMENT);
        let path = match flavour {
            Flavour::Nwaku => format!("{MESSAGES}/{}", segment(content_topic)),
            Flavour::GoWaku => format!("{MESSAGES}/{}/{}", segment(pubsub_topic), segment(content_topic)),
        };
        Exchange::new(&self.http, node, Method::GET, &path, CHECK_TIMEOUT, POLL_MAX_BYTES)
            .send()
            .await
    }
}

fn is_not_subscribed(text: &str) -> bool {
    text.to_ascii_lowercase().starts_with(NOT_SUBSCRIBED)
}

fn unreadable(answer: &Answer, error: JsonError) -> RestError {
    RestError::Unreadable {
        what: answer.what.clone(),
        status: answer.status,
        error,
    }
}

/// 128 random bits; nwaku and go-waku only echo it.
fn request_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// nwaku's version 3 answers JSON, whatever the status; version 1 and go-waku answer `OK` or `true`, and errors as plain
/// text.
fn push_answer(version: LightpushVersion, answer: &Answer) -> Result<PushAnswer, RestError> {
    let code = u32::from(answer.status);
    let response = json::first::<PushResponse>(&answer.body);
    match (version, response) {
        (LightpushVersion::V3, Ok(response)) => Ok(PushAnswer {
            status: Status::new(code, response.status_desc),
            relay_peers: response.relay_peer_count,
        }),
        (LightpushVersion::V3, Err(error)) if answer.is_ok() => Err(unreadable(answer, error)),
        _ => Ok(PushAnswer {
            status: Status::new(
                code,
                Some(answer.text()).filter(|text| !text.is_empty() && !answer.is_ok()),
            ),
            relay_peers: None,
        }),
    }
}

fn filter_status(answer: Answer) -> Result<Status, RestError> {
    let response = match json::first::<FilterResponse>(&answer.body) {
        Ok(response) => response,
        // Both answer filter requests with JSON, but for a path they do not serve and a body they cannot read.
        Err(_) if answer.is_unknown_path() => return Err(answer.not_served()),
        Err(error) if answer.is_ok() => return Err(unreadable(&answer, error)),
        Err(_) => return Ok(Status::new(answer.status.into(), Some(answer.text()))),
    };
    let text = response.status_desc;
    if answer.is_ok() && !text.is_empty() && !text.eq_ignore_ascii_case("ok") {
        return Err(RestError::Contradiction {
            what: answer.what,
            status: answer.status,
            text,
        });
    }
    Ok(Status::new(
        answer.status.into(),
        Some(text).filter(|text| !text.is_empty()),
    ))
}

#[cfg(test)]
mod tests;
