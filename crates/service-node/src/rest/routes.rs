//! The endpoints, as nwaku answers them.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use serde::de::DeserializeOwned;
use waku::{WakuMessage, status::code, wire::frame_cap};
use waku_rest::{FilterRequest, FilterResponse, PushRequest, PushResponse, RestMessage};

use super::Mailboxes;
use crate::{lightpush::handle_rest, services::Services};

/// Largest request body: the largest message in base64, and as much again for what stands around it.
const MAX_BODY_BYTES: usize = frame_cap::LARGEST_MESSAGE_BYTES * 3;

/// Content topics in one request (`waku_filter_v2/protocol.nim`).
const MAX_TOPICS_PER_REQUEST: usize = 100;

/// What nwaku writes for the request id of a body it cannot read.
const REQUEST_ID_UNKNOWN: &str = "unknown";

type Shared = State<Arc<Services>>;

/// The routes, to be merged into the node's HTTP server.
pub(crate) fn routes(services: Arc<Services>) -> Router {
    Router::new()
        .route("/lightpush/v3/message", post(push_v3))
        .route("/lightpush/v1/message", post(push_v1))
        .route(
            "/filter/v2/subscriptions",
            post(subscribe).put(subscribe).delete(unsubscribe),
        )
        .route("/filter/v2/subscriptions/all", delete(unsubscribe_all))
        .route("/filter/v2/subscriptions/{request_id}", get(ping))
        .route("/filter/v2/messages/{content_topic}", get(poll))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(services)
}

fn status(code: u32) -> StatusCode {
    let code = u16::try_from(code)
        .ok()
        .and_then(|code| StatusCode::from_u16(code).ok());
    code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The topic and the message of a push; what is wrong with it otherwise.
fn read_push(body: &[u8]) -> Result<(Option<String>, WakuMessage), String> {
    let request: PushRequest = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let message = WakuMessage::try_from(request.message).map_err(|error| error.to_string())?;
    if message.payload().is_empty() {
        return Err("Field `payload` is missing or empty".to_owned());
    }
    Ok((request.pubsub_topic.filter(|topic| !topic.is_empty()), message))
}

async fn push_v3(State(services): Shared, body: Bytes) -> Response {
    let (code, text, relay_peers) = match read_push(&body) {
        Ok((topic, message)) => handle_rest(&services, "rest-v3", topic, message).await,
        Err(error) => (code::BAD_REQUEST, Some(format!("Invalid push request! {error}")), None),
    };
    let answer = PushResponse {
        status_desc: text,
        relay_peer_count: relay_peers,
    };
    (status(code), Json(answer)).into_response()
}

/// nwaku's legacy endpoint knows only success, too many requests, and 503 for everything else.
async fn push_v1(State(services): Shared, body: Bytes) -> Response {
    let outcome = match read_push(&body) {
        Ok((topic, message)) => handle_rest(&services, "rest-v1", topic, message).await,
        Err(error) => {
            let text = format!("Invalid content body, could not decode: {error}");
            return (StatusCode::BAD_REQUEST, text).into_response();
        }
    };
    match outcome {
        (code::OK, ..) => "OK".into_response(),
        (code::TOO_MANY_REQUESTS, ..) => (StatusCode::TOO_MANY_REQUESTS, "Request rate limmit reached").into_response(),
        (_, text, _) => {
            let text = format!("Failed to request a message push: {}", text.unwrap_or_default());
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}

fn answer(code: u32, request_id: impl Into<String>, text: impl Into<String>) -> Response {
    let body = FilterResponse {
        request_id: request_id.into(),
        status_desc: text.into(),
    };
    (status(code), Json(body)).into_response()
}

/// The request of a filter body, or the answer to one that does not read.
fn read_filter<T: DeserializeOwned>(body: &[u8]) -> Result<T, Box<Response>> {
    serde_json::from_slice(body).map_err(|error| {
        let text = format!("BAD_REQUEST: Failed to decode request: {error}");
        Box::new(answer(code::BAD_REQUEST, REQUEST_ID_UNKNOWN, text))
    })
}

/// Where clients' subscriptions are; the routes exist only when they do.
fn mailboxes(services: &Services) -> Result<&Mailboxes, Box<Response>> {
    let missing = || Box::new((StatusCode::NOT_FOUND, "/filter endpoints are not available.").into_response());
    services.mailboxes.as_deref().ok_or_else(missing)
}

fn check_topics(request: &FilterRequest) -> Result<&str, Box<Response>> {
    let refused = |text: &str| {
        Box::new(answer(
            code::BAD_REQUEST,
            &request.request_id,
            format!("BAD_REQUEST: {text}"),
        ))
    };
    match (&request.pubsub_topic, request.content_filters.len()) {
        (_, 0) => Err(refused("Field `contentFilters` is empty")),
        (_, given) if given > MAX_TOPICS_PER_REQUEST => Err(refused("exceeds maximum content topics: 100")),
        (Some(topic), _) if !topic.is_empty() => Ok(topic),
        // nwaku derives it where the network has autosharding; this node's clients always name it.
        _ => Err(refused("pubsub topic must be specified")),
    }
}

async fn subscribe(State(services): Shared, body: Bytes) -> Response {
    let subscribed = || {
        let request: FilterRequest = read_filter(&body)?;
        let pubsub_topic = check_topics(&request)?;
        let outcome = mailboxes(&services)?.subscribe(pubsub_topic, &request.content_filters);
        Ok::<_, Box<Response>>(match outcome {
            Ok(()) => answer(code::OK, &request.request_id, "OK"),
            Err(error) => {
                let text = format!("SERVICE_UNAVAILABLE: {error}");
                answer(code::SERVICE_NOT_AVAILABLE, &request.request_id, text)
            }
        })
    };
    subscribed().unwrap_or_else(|refused| *refused)
}

async fn unsubscribe(State(services): Shared, body: Bytes) -> Response {
    let unsubscribed = || {
        let request: FilterRequest = read_filter(&body)?;
        let pubsub_topic = check_topics(&request)?;
        mailboxes(&services)?.unsubscribe(pubsub_topic, &request.content_filters);
        Ok::<_, Box<Response>>(answer(code::OK, &request.request_id, "OK"))
    };
    unsubscribed().unwrap_or_else(|refused| *refused)
}

async fn unsubscribe_all(State(services): Shared, body: Bytes) -> Response {
    let unsubscribed = || {
        let request: FilterRequest = read_filter(&body)?;
        mailboxes(&services)?.unsubscribe_all();
        Ok::<_, Box<Response>>(answer(code::OK, request.request_id, "OK"))
    };
    unsubscribed().unwrap_or_else(|refused| *refused)
}

async fn ping(State(services): Shared, Path(request_id): Path<String>) -> Response {
    match mailboxes(&services) {
        Ok(mailboxes) if mailboxes.has_topics() => answer(code::OK, request_id, "OK"),
        Ok(_) => answer(code::NOT_FOUND, request_id, "NOT_FOUND: peer has no subscriptions"),
        Err(missing) => *missing,
    }
}

async fn poll(State(services): Shared, Path(content_topic): Path<String>) -> Response {
    match mailboxes(&services).map(|mailboxes| mailboxes.take(&content_topic)) {
        Ok(Some(messages)) => Json(messages.iter().map(RestMessage::from).collect::<Vec<_>>()).into_response(),
        Ok(None) => {
            let text = format!("Not subscribed to topic: {content_topic}");
            (StatusCode::BAD_REQUEST, text).into_response()
        }
        Err(missing) => *missing,
    }
}
