//! Who a node is, whether it is ready, and what it serves.

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use reqwest::Method;
use waku::{NodeRecord, net::LightpushVersion, wire::protocol_id};

use crate::{
    RestClient, RestError, RestNode,
    api::push_path,
    client::Service,
    http::Answer,
    json::{self, Info},
};

/// nwaku's present paths (LD `debug/handlers.nim`); go-waku does not have them.
const INFO: &str = "/info";
const VERSION: &str = "/version";

/// nwaku's former paths, and go-waku's only ones (GO `debug.go`).
const DEBUG_INFO: &str = "/debug/v1/info";
const DEBUG_VERSION: &str = "/debug/v1/version";

/// LD `health/handlers.nim`, GO `health.go`.
const HEALTH: &str = "/health";

/// go-waku without RLN: "Non RLN healthcheck is not implemented".
const HEALTH_NOT_IMPLEMENTED: u16 = 501;

/// Values of `nodeHealth` (LD `node/health_monitor/health_status.nim`) with which a node cannot be used yet or any more.
const NOT_USABLE: [&str; 4] = ["INITIALIZING", "SYNCHRONIZING", "NOT_READY", "SHUTTING_DOWN"];

/// Which of the two APIs a node serves, where they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// nwaku, and our own service node.
    Nwaku,
    /// go-waku.
    GoWaku,
}

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduction {
    /// Which API it serves.
    pub flavour: Flavour,
    /// Its version, as it claims.
    pub version: Option<String>,
    /// The libp2p protocols that correspond to the endpoints it serves.
    pub protocols: Vec<String>,
}

impl RestClient {
    /// Asks a node who it is, whether it is well, and whether it serves `service`. Nothing is published or subscribed.
    /// A node whose record names a cluster must be on `cluster_id`, if that is given.
    ///
    /// # Errors
    /// When one of the answers is missing or says no.
    pub async fn introduce(
        &self,
        node: &RestNode,
        service: Service,
        cluster_id: Option<u16>,
    ) -> Result<Introduction, RestError> {
        let info = self.info(node).await?;
        if let (Some(told), Some(ours)) = (cluster(&info), cluster_id)
            && told != ours
        {
            return Err(RestError::OtherCluster { told, ours });
        }
        self.check_health(node).await?;
        let (flavour, version) = self.version(node).await?;
        let protocols = match service {
            Service::Lightpush => {
                let mut protocols = Vec::new();
                for (version, id) in [
                    (LightpushVersion::V3, protocol_id::LIGHTPUSH_V3),
                    (LightpushVersion::V2, protocol_id::LIGHTPUSH_V2),
                ] {
                    if self.serves_push(node, version).await? {
                        protocols.push(id.to_owned());
                    }
                }
                protocols
            }
            Service::Filter => {
                self.serves_mailboxes(node, flavour).await?;
                vec![protocol_id::FILTER_SUBSCRIBE.to_owned()]
            }
        };
        Ok(Introduction {
            flavour,
            version,
            protocols,
        })
    }

    /// Asks a node for its peer id and notes it.
    ///
    /// # Errors
    /// When it does not tell, or tells another than before.
    pub async fn identify(&self, node: &RestNode) -> Result<(), RestError> {
        self.info(node).await.map(drop)
    }

    async fn info(&self, node: &RestNode) -> Result<Info, RestError> {
        let mut answer = self.get(node, INFO).await?;
        if answer.is_unknown_path() {
            answer = self.get(node, DEBUG_INFO).await?;
        }
        if !answer.is_ok() {
            return Err(answer.not_served());
        }
        let info: Info = json::first(&answer.body).map_err(|error| RestError::Unreadable {
            what: answer.what.clone(),
            status: answer.status,
            error,
        })?;
        let told = peer_id(&info).ok_or(RestError::NoPeerId { what: answer.what })?;
        node.learn_peer_id(told).map_err(|known| RestError::OtherPeer {
            known: Box::new(known),
            told: Box::new(told),
        })?;
        Ok(info)
    }

    async fn check_health(&self, node: &RestNode) -> Result<(), RestError> {
        let answer = self.get(node, HEALTH).await?;
        let is_usable = match answer.status {
            200 => node_health(&answer.body)
                .is_none_or(|health| !NOT_USABLE.contains(&health.to_ascii_uppercase().as_str())),
            HEALTH_NOT_IMPLEMENTED => true,
            _ => false,
        };
        if is_usable {
            return Ok(());
        }
        Err(RestError::NotReady {
            status: answer.status,
            text: answer.text(),
        })
    }

    /// nwaku answers plain text, go-waku a JSON string.
    async fn version(&self, node: &RestNode) -> Result<(Flavour, Option<String>), RestError> {
        let answer = self.get(node, VERSION).await?;
        if answer.is_ok() {
            return Ok((Flavour::Nwaku, Some(answer.text())));
        }
        let answer = self.get(node, DEBUG_VERSION).await?;
        let flavour = match answer.body.first() {
            Some(b'"') if answer.is_ok() => Flavour::GoWaku,
            _ => Flavour::Nwaku,
        };
        Ok((flavour, answer.is_ok().then(|| answer.text())))
    }

    /// Whether a push path is served: a request without a message is refused as a bad one then.
    async fn serves_push(&self, node: &RestNode, version: LightpushVersion) -> Result<bool, RestError> {
        let exchange = self.exchange(node, Method::POST, push_path(version));
        let answer = exchange.json(&serde_json::json!({})).send().await?;
        Ok(!answer.is_unknown_path())
    }

    async fn get(&self, node: &RestNode, path: &str) -> Result<Answer, RestError> {
        self.exchange(node, Method::GET, path).send().await
    }
}

/// The cluster the node's record names. Records that do not read name none: REST does not promise one.
fn cluster(info: &Info) -> Option<u16> {
    let record: NodeRecord = info.enr_uri.as_deref()?.parse().ok()?;
    record.cluster
}

fn node_health(body: &[u8]) -> Option<String> {
    let report: serde_json::Value = serde_json::from_slice(body).ok()?;
    report.get("nodeHealth")?.as_str().map(str::to_owned)
}

/// The peer id behind `/p2p/` of an address, otherwise that of the record.
fn peer_id(info: &Info) -> Option<PeerId> {
    let of_address = |text: &String| match text.parse::<Multiaddr>().ok()?.iter().last()? {
        Protocol::P2p(peer_id) => Some(peer_id),
        _ => None,
    };
    info.listen_addresses.iter().find_map(of_address).or_else(|| {
        let record: NodeRecord = info.enr_uri.as_deref()?.parse().ok()?;
        Some(record.peer_id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "16Uiu2HAmPLe7Mzm8TsYUubgCAW1aJoeFScxrLj8ppHFivPo97bUZ";

    fn info(json: &str) -> Option<PeerId> {
        peer_id(&json::first(json.as_bytes()).expect("json"))
    }

    #[test]
    fn the_peer_id_is_in_an_address() {
        let expected = PEER.parse().ok();
        assert_eq!(
            info(&format!(
                r#"{{"listenAddresses":["/ip4/10.0.0.2/tcp/8000/ws","/ip4/10.0.0.2/tcp/60000/p2p/{PEER}"],"enrUri":"enr:x"}}"#
            )),
            expected
        );
        assert_eq!(info(r#"{"listenAddresses":["123"]}"#), None);
        assert_eq!(info("{}"), None);
    }

    /// Told by a go-waku v0.10.1 on cluster 2.
    const RECORD: &str = "enr:-Jq4QGZ6dYnTB4cLH61J0GtO1prUTdJHQvrBj6IMS0DUR4d6OjMqxvD8AjlgdsdNlT3OXpTsP_YF-SGKIQXSOhUjAUCGAaH-HU0KgmlkgnY0gmlwhH8AAAGCcnOFAAIBAACJc2VjcDI1NmsxoQLaQ_78qz_1fvc-ryVMjZtpKglmaC-p8YG-zMUUCjzpqIN0Y3CCgp-Fd2FrdTIN";

    #[test]
    fn a_record_tells_peer_and_cluster() {
        let info: Info = json::first(format!(r#"{{"enrUri":"{RECORD}"}}"#).as_bytes()).expect("json");
        let peer = "16Uiu2HAmA7gzcbr9xJkddk5D7Rg39RPwK1W7xaepbX5rVJfqXz9d".parse().ok();
        assert_eq!((peer_id(&info), cluster(&info)), (peer, Some(2)));
        assert_eq!(cluster(&Info::default()), None);
    }

    #[test]
    fn the_health_of_nwaku_is_read_and_other_bodies_tell_none() {
        let nwaku = br#"{"nodeHealth":"READY","connectionStatus":"Connected","protocolsHealth":[{"Relay":"READY"}]}"#;
        assert_eq!(node_health(nwaku).as_deref(), Some("READY"));
        assert_eq!(node_health(b"\"Node is healthy\""), None);
        assert_eq!(node_health(b"Node is healthy"), None);
    }
}
