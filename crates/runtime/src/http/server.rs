//! The routes and the life of the server.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::{
        HeaderMap, StatusCode,
        header::{ACCEPT, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{encoding::text::encode, registry::Registry};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use super::{
    Health,
    exposition::{CLASSIC, OPENMETRICS, classic, wants_openmetrics},
    listener::LimitedListener,
};
use crate::Shutdown;

/// Largest request body taken by routes that read one.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// How long [`HttpServer::stop`] waits for open connections.
const STOP_TIMEOUT: Duration = Duration::from_millis(500);

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct HttpError {
    /// The address asked for.
    pub address: String,
    /// What the operating system says.
    pub source: io::Error,
}

/// What a server will answer.
#[derive(Debug)]
pub struct HttpServerBuilder {
    health: watch::Receiver<Health>,
    registry: Option<Registry>,
    extra: Router,
}

impl HttpServerBuilder {
    /// Serves `registry` at `/metrics`.
    #[must_use]
    pub fn metrics(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Serves these routes too.
    #[must_use]
    pub fn merge(mut self, routes: Router) -> Self {
        self.extra = self.extra.merge(routes);
        self
    }

    /// Listens on `address` (`host:port`, port 0 for any free one) and serves until [`HttpServer::stop`].
    ///
    /// # Errors
    /// When the address does not resolve or cannot be bound.
    pub async fn start(self, address: &str) -> Result<HttpServer, HttpError> {
        let failed = |source| HttpError {
            address: address.to_owned(),
            source,
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        let mut routes = self.extra.route("/health", get(answer_health).with_state(self.health));
        if let Some(registry) = self.registry {
            routes = routes.route("/metrics", get(answer_metrics).with_state(Arc::new(registry)));
        }
        let shutdown = Shutdown::new();
        let server = axum::serve(
            LimitedListener::new(listener),
            routes.layer(DefaultBodyLimit::max(MAX_BODY_BYTES)),
        )
        .with_graceful_shutdown(shutdown.clone().into_future());
        let task = tokio::spawn(async move { server.await });
        Ok(HttpServer {
            address: local,
            shutdown,
            task,
        })
    }
}

/// A running server.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    shutdown: Shutdown,
    task: JoinHandle<io::Result<()>>,
}

impl HttpServer {
    /// A server that answers `/health` from `health`.
    #[must_use]
    pub fn builder(health: watch::Receiver<Health>) -> HttpServerBuilder {
        HttpServerBuilder {
            health,
            registry: None,
            extra: Router::new(),
        }
    }

    /// The address it is bound to, with the real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting and ends open connections, politely for a moment and then by force.
    pub async fn stop(mut self) {
        self.shutdown.request();
        if tokio::time::timeout(STOP_TIMEOUT, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

async fn answer_health(State(health): State<watch::Receiver<Health>>) -> Response {
    let health = health.borrow().clone();
    let status = if health.is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(health)).into_response()
}

async fn answer_metrics(State(registry): State<Arc<Registry>>, headers: HeaderMap) -> Response {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) if wants_openmetrics(accept) => ([(CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Ok(()) => ([(CONTENT_TYPE, CLASSIC)], classic(&text)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;

    use super::*;

    async fn get(server: &HttpServer, path: &str) -> (u16, String) {
        let url = format!("http://{}{path}", server.address());
        let response = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("client")
            .get(url)
            .send()
            .await;
        let response = response.expect("answer");
        (response.status().as_u16(), response.text().await.expect("body"))
    }

    #[tokio::test]
    async fn health_follows_the_channel() {
        let (health, status) = watch::channel(Health::starting().with("clients", 2));
        let server = HttpServer::builder(status)
            .start("127.0.0.1:0")
            .await
            .expect("loopback");
        assert_eq!(
            get(&server, "/health").await,
            (503, r#"{"status":"starting","details":{"clients":2}}"#.into())
        );
        health.send_replace(Health::ready());
        assert_eq!(
            get(&server, "/health").await,
            (200, r#"{"status":"ready","details":{}}"#.into())
        );
        assert_eq!(get(&server, "/metrics").await.0, 404);
        server.stop().await;
    }

    #[tokio::test]
    async fn metrics_are_the_registry() {
        let mut registry = Registry::default();
        let counter: Counter = Counter::default();
        registry.register("lpt_example", "An example", counter.clone());
        counter.inc_by(3);
        let (_health, status) = watch::channel(Health::ready());
        let extra = Router::new().route("/extra", axum::routing::get(|| async { "more" }));
        let server = HttpServer::builder(status)
            .metrics(registry)
            .merge(extra)
            .start("127.0.0.1:0")
            .await;
        let server = server.expect("loopback");
        assert!(get(&server, "/metrics").await.1.contains("lpt_example_total 3"));
        assert_eq!(get(&server, "/extra").await, (200, "more".into()));
        server.stop().await;
    }

    #[tokio::test]
    async fn taken_address_is_an_error_that_names_it() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = taken.local_addr().expect("bound").to_string();
        let (_health, status) = watch::channel(Health::ready());
        let error = HttpServer::builder(status)
            .start(&address)
            .await
            .expect_err("taken")
            .to_string();
        assert!(error.starts_with(&format!("cannot listen on {address}")), "{error}");
    }
}
