//! `/debug/v1/info` and `/info`, `/debug/v1/version` and `/version`, in the shape of nwaku's REST API, so that scripts that wait for a nwaku find what they look for.

use axum::{Json, Router, extract::State, routing::get};
use libp2p::Multiaddr;
use serde::Serialize;
use tokio::sync::watch;

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DebugInfo {
    listen_addresses: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enr_uri: Option<String>,
}

#[derive(Clone)]
struct Source {
    addresses: watch::Receiver<Vec<Multiaddr>>,
    enr_uri: Option<String>,
}

/// The routes, to be merged into the node's HTTP server.
pub(crate) fn debug_info(addresses: watch::Receiver<Vec<Multiaddr>>, enr_uri: Option<String>) -> Router {
    Router::new()
        .route("/debug/v1/info", get(answer))
        .route("/info", get(answer))
        .route("/debug/v1/version", get(version))
        .route("/version", get(version))
        .with_state(Source { addresses, enr_uri })
}

/// Plain text, as nwaku's.
async fn version() -> &'static str {
    concat!("lpt-service-node/", env!("CARGO_PKG_VERSION"))
}

async fn answer(State(source): State<Source>) -> Json<DebugInfo> {
    let listen_addresses = source.addresses.borrow().iter().map(ToString::to_string).collect();
    Json(DebugInfo {
        listen_addresses,
        enr_uri: source.enr_uri,
    })
}
