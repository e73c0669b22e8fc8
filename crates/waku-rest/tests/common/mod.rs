//! In-process servers that answer as nwaku and go-waku do, bound to a free port of loopback.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use libp2p::PeerId;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc, sync::oneshot, task::JoinHandle, time::timeout};
use waku::WakuMessage;
use waku_rest::{Flavour, RestClient, RestConfig, RestEvent, RestLightClient, RestMessage, RestNode, Service};

pub const PUBSUB: &str = "/waku/2/rs/0/0";
pub const TOPIC: &str = "/a/1/b+c/proto";

/// What a server has and says.
pub struct Fake {
    pub flavour: Flavour,
    pub peer_id: PeerId,
    pub node_health: &'static str,
    /// Pubsub and content topics.
    pub subscribed: BTreeSet<(String, String)>,
    pub cache: Vec<RestMessage>,
    /// Bodies of pushes, with their paths.
    pub pushed: Vec<(String, Value)>,
    /// Answer to the next pushes, instead of success.
    pub push_answer: Option<(u16, String)>,
    /// The next poll is answered with half a body.
    pub cuts_poll: bool,
    /// Bytes of padding in the answer to info.
    pub info_padding_bytes: usize,
    /// Methods and paths of all requests.
    pub requests: Vec<String>,
}

type Shared = Arc<Mutex<Fake>>;

/// A running server.
pub struct Server {
    pub fake: Shared,
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(flavour: Flavour) -> Self {
        let fake = Fake {
            flavour,
            peer_id: PeerId::random(),
            node_health: "READY",
            subscribed: BTreeSet::new(),
            cache: Vec::new(),
            pushed: Vec::new(),
            push_answer: None,
            cuts_poll: false,
            info_padding_bytes: 0,
            requests: Vec::new(),
        };
        Self::serve(Arc::new(Mutex::new(fake)), "127.0.0.1:0".parse().unwrap()).await
    }

    async fn serve(fake: Shared, address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = routes(fake.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            axum::serve(listener, routes)
                .with_graceful_shutdown(async { drop(stopped.await) })
                .await
                .unwrap();
        });
        Self {
            fake,
            address,
            stop: Some(stop),
            task,
        }
    }

    /// Stops, closing its connections, and returns what a new one at the same address starts from.
    pub async fn stop(mut self) -> (Shared, SocketAddr) {
        drop(self.stop.take());
        self.task.await.unwrap();
        (self.fake, self.address)
    }

    pub async fn restart((fake, address): (Shared, SocketAddr)) -> Self {
        Self::serve(fake, address).await
    }

    pub fn node(&self) -> RestNode {
        format!("http://{}", self.address).parse().unwrap()
    }

    pub fn put(&self, message: &WakuMessage) {
        self.fake.lock().unwrap().cache.push(message.into());
    }

    pub fn requests(&self) -> Vec<String> {
        self.fake.lock().unwrap().requests.clone()
    }
}

fn routes(fake: Shared) -> Router {
    let flavour = fake.lock().unwrap().flavour;
    let mut routes = Router::new()
        .route("/health", get(health))
        .route("/debug/v1/info", get(info))
        .route("/debug/v1/version", get(version))
        .route("/lightpush/v1/message", post(push_v1))
        .route("/filter/v2/subscriptions/all", axum::routing::delete(unsubscribe_all))
        .route("/filter/v2/subscriptions/{id}", get(ping));
    let subscriptions = post(subscribe).delete(unsubscribe);
    routes = match flavour {
        Flavour::Nwaku => routes
            .route("/info", get(info))
            .route("/version", get(version))
            .route("/lightpush/v3/message", post(push_v3))
            .route("/filter/v2/subscriptions", subscriptions.put(subscribe))
            .route("/filter/v2/messages/{content}", get(poll))
            .fallback(|| async {
                (
                    StatusCode::BAD_REQUEST,
                    "Bad request initiated. Invalid path or method used.",
                )
            }),
        Flavour::GoWaku => routes
            .route("/filter/v2/subscriptions", subscriptions)
            .route("/filter/v2/messages/{pubsub}/{content}", get(poll_pubsub))
            .fallback(|| async { (StatusCode::NOT_FOUND, "404 page not found\n") }),
    };
    let noted = fake.clone();
    routes
        .layer(axum::middleware::from_fn(
            move |request: axum::extract::Request, next: axum::middleware::Next| {
                let line = format!("{} {}", request.method(), request.uri().path());
                noted.lock().unwrap().requests.push(line);
                next.run(request)
            },
        ))
        .with_state(fake)
}

async fn health(State(fake): State<Shared>) -> Response {
    let fake = fake.lock().unwrap();
    match fake.flavour {
        Flavour::Nwaku => Json(json!({ "nodeHealth": fake.node_health, "protocolsHealth": [] })).into_response(),
        Flavour::GoWaku => (
            StatusCode::NOT_IMPLEMENTED,
            Json("Non RLN healthcheck is not implemented"),
        )
            .into_response(),
    }
}

async fn info(State(fake): State<Shared>) -> Response {
    let fake = fake.lock().unwrap();
    let address = format!("/ip4/127.0.0.1/tcp/60000/p2p/{}", fake.peer_id);
    let padding = "x".repeat(fake.info_padding_bytes);
    Json(json!({ "listenAddresses": [address], "enrUri": "enr:-", "padding": padding })).into_response()
}

async fn version(State(fake): State<Shared>) -> Response {
    match fake.lock().unwrap().flavour {
        Flavour::Nwaku => "v0.38.1".into_response(),
        Flavour::GoWaku => Json("v0.9.0-84a4b1be").into_response(),
    }
}

async fn push_v3(State(fake): State<Shared>, Json(body): Json<Value>) -> Response {
    let mut fake = fake.lock().unwrap();
    if body.get("message").is_none() {
        return (
            StatusCode::BAD_REQUEST,
            Json(json!({ "statusDesc": "Invalid push request! Field `message` is missing" })),
        )
            .into_response();
    }
    fake.pushed.push(("v3".into(), body));
    match &fake.push_answer {
        Some((status, text)) => (
            StatusCode::from_u16(*status).unwrap(),
            Json(json!({ "statusDesc": text })),
        )
            .into_response(),
        None => Json(json!({ "relayPeerCount": 2 })).into_response(),
    }
}

async fn push_v1(State(fake): State<Shared>, Json(body): Json<Value>) -> Response {
    let mut fake = fake.lock().unwrap();
    if body.get("message").is_none() {
        return (StatusCode::BAD_REQUEST, "waku message is required").into_response();
    }
    fake.pushed.push(("v1".into(), body));
    match (&fake.push_answer, fake.flavour) {
        (Some((status, text)), _) => (StatusCode::from_u16(*status).unwrap(), text.clone()).into_response(),
        (None, Flavour::Nwaku) => "OK".into_response(),
        (None, Flavour::GoWaku) => Json(true).into_response(),
    }
}

fn topics(body: &Value) -> Vec<(String, String)> {
    let pubsub = body["pubsubTopic"].as_str().unwrap_or_default();
    let topics = body["contentFilters"].as_array().cloned().unwrap_or_default();
    topics
        .iter()
        .map(|topic| (pubsub.to_owned(), topic.as_str().unwrap().to_owned()))
        .collect()
}

fn filter_answer(status: u16, request_id: &Value, text: &str) -> Response {
    let body = Json(json!({ "requestId": request_id, "statusDesc": text }));
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

async fn subscribe(State(fake): State<Shared>, Json(body): Json<Value>) -> Response {
    fake.lock().unwrap().subscribed.extend(topics(&body));
    filter_answer(200, &body["requestId"], "OK")
}

async fn unsubscribe(State(fake): State<Shared>, Json(body): Json<Value>) -> Response {
    let mut fake = fake.lock().unwrap();
    for topic in topics(&body) {
        fake.subscribed.remove(&topic);
    }
    filter_answer(200, &body["requestId"], "OK")
}

async fn unsubscribe_all(State(fake): State<Shared>, Json(body): Json<Value>) -> Response {
    fake.lock().unwrap().subscribed.clear();
    filter_answer(200, &body["requestId"], "OK")
}

async fn ping(State(fake): State<Shared>, Path(id): Path<String>) -> Response {
    match fake.lock().unwrap().subscribed.is_empty() {
        true => filter_answer(404, &json!(id), "NOT_FOUND: peer has no subscriptions"),
        false => filter_answer(200, &json!(id), "OK"),
    }
}

async fn poll(State(fake): State<Shared>, Path(content): Path<String>) -> Response {
    let mut fake = fake.lock().unwrap();
    if !fake.subscribed.iter().any(|(_, topic)| *topic == content) {
        let text = format!("Not subscribed to topic: {content}");
        return (StatusCode::BAD_REQUEST, text).into_response();
    }
    take(&mut fake, &content)
}

async fn poll_pubsub(State(fake): State<Shared>, Path((pubsub, content)): Path<(String, String)>) -> Response {
    let mut fake = fake.lock().unwrap();
    if !fake.subscribed.contains(&(pubsub.clone(), content.clone())) {
        let text = format!("not subscribed to pubsubTopic:{pubsub} contentTopic: {content}");
        return (StatusCode::NOT_FOUND, text).into_response();
    }
    take(&mut fake, &content)
}

fn take(fake: &mut Fake, content: &str) -> Response {
    let (taken, left) = std::mem::take(&mut fake.cache)
        .into_iter()
        .partition::<Vec<_>, _>(|message| message.content_topic.as_deref() == Some(content));
    fake.cache = left;
    let body = serde_json::to_vec(&taken).unwrap();
    if std::mem::take(&mut fake.cuts_poll) {
        let half = axum::body::Bytes::from(body[..body.len() / 2].to_vec());
        let parts: [Result<_, std::io::Error>; 2] = [Ok(half), Err(std::io::Error::other("cut"))];
        return Response::new(Body::from_stream(futures::stream::iter(parts)));
    }
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

/// A light client and what it tells.
pub struct Client {
    pub client: RestLightClient,
    pub events: mpsc::Receiver<RestEvent>,
}

impl Client {
    pub fn new(service: Service) -> Self {
        Self::with_poll_interval(service, Duration::from_millis(10))
    }

    pub fn with_poll_interval(service: Service, poll_interval: Duration) -> Self {
        let config = RestConfig {
            service,
            cluster_id: Some(2),
            request_timeout: Duration::from_secs(20),
            ping_timeout: Duration::from_secs(5),
            poll_interval,
            cache_messages: None,
            event_queue: 16,
        };
        let (client, events) = RestLightClient::start(RestClient::new("test").unwrap(), config);
        Self { client, events }
    }

    /// The next event; hangs no test for ever.
    pub async fn next(&mut self) -> RestEvent {
        let next = timeout(Duration::from_secs(60), self.events.recv()).await;
        next.expect("an event within a minute").expect("the client lives")
    }

    /// Events up to the first that `is_wanted`.
    pub async fn until(&mut self, is_wanted: impl Fn(&RestEvent) -> bool) -> RestEvent {
        loop {
            let event = self.next().await;
            if is_wanted(&event) {
                return event;
            }
        }
    }

    pub async fn ready(&mut self) -> Vec<String> {
        match self.until(|event| matches!(event, RestEvent::Ready { .. })).await {
            RestEvent::Ready { protocols, .. } => protocols,
            other => unreachable!("{other:?}"),
        }
    }
}

pub fn message(number: i64) -> WakuMessage {
    WakuMessage::new(vec![1, 2, 3], TOPIC, 1_700_000_000_000_000_000 + number)
        .with_version(0)
        .with_ephemeral(false)
}

pub fn topic_list() -> Vec<String> {
    vec![TOPIC.to_owned()]
}
