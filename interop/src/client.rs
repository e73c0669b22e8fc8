//! Our light client as a library, for what the binaries do not ask: peer exchange and store.

use std::future::Future;

use libp2p::{PeerId, identity::Keypair};
use tokio::sync::mpsc::Receiver;
use waku::{
    ServiceNodeAddr,
    net::client::{ClientConfig, ClientEvent, ClientLimits, LightClient},
};

use crate::{
    failure::Failure,
    lab::{CLUSTER_ID, SHARD},
    process::PATIENCE,
};

/// A light client that is connected to one service node.
pub(crate) struct Asker {
    pub(crate) client: LightClient,
    pub(crate) peer: PeerId,
    /// The protocols the node says it speaks.
    pub(crate) protocols: Vec<String>,
    /// Read by nobody, but a client whose owner is gone ends.
    _events: Receiver<ClientEvent>,
}

impl Asker {
    /// Connects to the node at `address`: a multiaddr or an ENR.
    pub(crate) async fn connect(address: &str) -> Result<Self, Failure> {
        let failed = |reason: String| Failure::Request {
            what: format!("connecting our light client to {address}"),
            reason,
        };
        let node: ServiceNodeAddr = address.parse().map_err(|error| failed(format!("{error}")))?;
        let peer = node.peer_id;
        let config = ClientConfig {
            keypair: Keypair::generate_secp256k1(),
            cluster_id: CLUSTER_ID,
            shards: vec![SHARD],
            agent: "lpt-interop".into(),
            limits: ClientLimits::default(),
        };
        let (client, mut events) = LightClient::start(config).map_err(|error| failed(error.to_string()))?;
        client.keep_connected(node);
        let ready = async {
            loop {
                match events.recv().await {
                    Some(ClientEvent::Ready { protocols, .. }) => return Ok(protocols),
                    Some(ClientEvent::Refused { error, .. }) => return Err(error),
                    Some(_) => {}
                    None => return Err("the client ended".to_owned()),
                }
            }
        };
        let protocols = tokio::time::timeout(PATIENCE, ready)
            .await
            .map_err(|_| failed(format!("not ready within {} s", PATIENCE.as_secs())))?
            .map_err(failed)?;
        Ok(Self {
            client,
            peer,
            protocols,
            _events: events,
        })
    }
}

/// Runs a future to its end on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Failure::Start {
            name: "the suite's own runtime".to_owned(),
            source,
        })?;
    runtime.block_on(future)
}
