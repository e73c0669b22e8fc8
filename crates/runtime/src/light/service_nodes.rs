//! The service nodes given on the command line.

use waku::ServiceNodeAddr;

/// Most service nodes of one process. Real fleets have tens; each costs state per client.
pub const MAX_SERVICE_NODES: usize = 256;

/// The nodes in the order given, one entry a peer id: further addresses of a peer are added to its first entry.
#[must_use]
pub fn distinct(given: &[ServiceNodeAddr]) -> Vec<ServiceNodeAddr> {
    let mut nodes: Vec<ServiceNodeAddr> = Vec::with_capacity(given.len());
    for node in given {
        match nodes.iter_mut().find(|known| known.peer_id == node.peer_id) {
            Some(known) => {
                let new = node
                    .addresses
                    .iter()
                    .filter(|address| !known.addresses.contains(address))
                    .cloned();
                let new: Vec<_> = new.collect();
                known.addresses.extend(new);
            }
            None => nodes.push(node.clone()),
        }
    }
    nodes
}

#[cfg(test)]
mod tests {
    use libp2p::PeerId;

    use super::*;

    #[test]
    fn one_entry_a_peer_with_all_its_addresses() {
        let (a, b) = (PeerId::random(), PeerId::random());
        let node = |peer: PeerId, port: u16| {
            format!("/ip4/127.0.0.1/tcp/{port}/p2p/{peer}")
                .parse::<ServiceNodeAddr>()
                .expect("valid address")
        };
        let nodes = distinct(&[node(a, 1), node(b, 2), node(a, 3), node(a, 1)]);
        assert_eq!(
            nodes
                .iter()
                .map(|node| (node.peer_id, node.addresses.len()))
                .collect::<Vec<_>>(),
            [(a, 2), (b, 1)]
        );
    }
}
