//! For tests: a node list of one's own, and a name server on loopback that publishes it.

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc};

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use enr::{EnrKey, k256::ecdsa::SigningKey};
use hickory_resolver::proto::{
    op::{Message, ResponseCode},
    rr::{RData, Record, RecordType, rdata::TXT},
};
use tokio::{net::UdpSocket, task::JoinHandle};
use waku::NodeRecord;

use crate::{
    enrtree::{Entry, Root, SubtreeHash, TreeUrl},
    txt::{TxtError, TxtResolver},
};

/// Children of one branch, as go-ethereum writes them.
const BRANCH_CHILDREN: usize = 13;

/// TXT records by name, in lower case.
pub type Zone = BTreeMap<String, String>;

/// A list of `records` and `links` below `domain`, signed by a key made of `seed`: its URL, and its TXT records.
///
/// # Panics
/// When the seed or the domain is of no use.
#[must_use]
pub fn publish(seed: u8, domain: &str, records: &[NodeRecord], links: &[TreeUrl]) -> (TreeUrl, Zone) {
    let mut zone = Zone::new();
    let nodes = records.iter().map(|record| Entry::Node(Box::new(record.clone())));
    let links = links.iter().cloned().map(Entry::Link);
    let nodes = subtree(&mut zone, domain, nodes.collect());
    let links = subtree(&mut zone, domain, links.collect());
    let (url, root) = sign(seed, domain, nodes, links);
    zone.extend(root);
    (url, zone)
}

/// The root alone, for a tree of one's own whose nodes begin at `nodes`.
#[must_use]
pub fn publish_root(seed: u8, domain: &str, nodes: SubtreeHash) -> (TreeUrl, Zone) {
    sign(seed, domain, nodes.clone(), nodes)
}

fn sign(seed: u8, domain: &str, nodes: SubtreeHash, links: SubtreeHash) -> (TreeUrl, Zone) {
    let key = SigningKey::from_slice(&[seed; 32]).expect("a seed other than 0");
    let root = Root {
        nodes,
        links,
        sequence: 1,
    };
    let signed = root.signed_text();
    let mut signature = key.sign_v4(signed.as_bytes()).expect("signs");
    signature.push(0);
    let text = format!("{signed} sig={}", BASE64URL_NOPAD.encode(&signature));
    let public = BASE32_NOPAD.encode(key.verifying_key().to_sec1_point(true).as_bytes());
    let url = format!("enrtree://{public}@{domain}");
    let zone = Zone::from([(domain.to_owned(), text)]);
    (url.parse().expect("a URL of our own"), zone)
}

fn subtree(zone: &mut Zone, domain: &str, entries: Vec<Entry>) -> SubtreeHash {
    if let [only] = entries.as_slice() {
        let text = only.to_string();
        let hash = SubtreeHash::of(&text);
        zone.insert(format!("{hash}.{domain}").to_lowercase(), text);
        return hash;
    }
    let size = entries.len().div_ceil(BRANCH_CHILDREN).max(1);
    let size = if entries.len() <= BRANCH_CHILDREN { 1 } else { size };
    let children: Vec<Vec<Entry>> = entries.chunks(size).map(<[Entry]>::to_vec).collect();
    let hashes = children.into_iter().map(|part| subtree(zone, domain, part)).collect();
    subtree(zone, domain, vec![Entry::Branch(hashes)])
}

impl TxtResolver for Zone {
    async fn txt(&self, name: &str) -> Result<Vec<String>, TxtError> {
        let text = self.get(&name.to_lowercase()).cloned();
        text.map(|text| vec![text]).ok_or_else(|| TxtError::Failed {
            name: name.to_owned(),
            reason: "no such name".to_owned(),
        })
    }
}

/// A name server that knows the TXT records of one zone; ends when dropped.
#[derive(Debug)]
pub struct NameServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl NameServer {
    /// Starts on a free UDP port of loopback.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start(zone: Zone) -> io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        let address = socket.local_addr()?;
        let zone = Arc::new(zone);
        let task = tokio::spawn(async move {
            let mut datagram = [0; 4096];
            while let Ok((size_bytes, from)) = socket.recv_from(&mut datagram).await {
                if let Some(answer) = answer(&zone, &datagram[..size_bytes]) {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Ok(Self { address, task })
    }

    /// Where it answers.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn answer(zone: &Zone, datagram: &[u8]) -> Option<Vec<u8>> {
    let asked = Message::from_vec(datagram).ok()?;
    let query = asked.queries.first()?.clone();
    let mut response = Message::response(asked.metadata.id, asked.metadata.op_code);
    response.add_query(query.clone());
    let name = query.name().to_ascii().trim_end_matches('.').to_lowercase();
    match zone.get(&name) {
        Some(text) if query.query_type() == RecordType::TXT => {
            // Strings of at most 255 bytes each, to be joined by the reader.
            let parts = text
                .as_bytes()
                .chunks(255)
                .map(|part| String::from_utf8_lossy(part).into_owned());
            let txt = RData::TXT(TXT::new(parts.collect()));
            response.add_answer(Record::from_rdata(query.name().clone(), 60, txt));
        }
        Some(_) => {}
        None => response.metadata.response_code = ResponseCode::NXDomain,
    }
    response.to_vec().ok()
}
