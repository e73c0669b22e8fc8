//! The service nodes given on the command line.

use super::ServiceNode;

/// Most service nodes of one process. Real fleets have tens; each costs state per client.
pub const MAX_SERVICE_NODES: usize = 256;

/// The nodes in the order given, one entry a peer id and one a REST address: further multiaddrs of a peer are added to
/// its first entry.
#[must_use]
pub fn distinct(given: &[ServiceNode]) -> Vec<ServiceNode> {
    let mut nodes: Vec<ServiceNode> = Vec::with_capacity(given.len());
    for node in given {
        match (nodes.iter_mut().find(|known| known.id() == node.id()), node) {
            (Some(ServiceNode::Libp2p(known)), ServiceNode::Libp2p(node)) => {
                let new = node
                    .addresses
                    .iter()
                    .filter(|address| !known.addresses.contains(address))
                    .cloned();
                let new: Vec<_> = new.collect();
                known.addresses.extend(new);
            }
            (Some(_), _) => {}
            (None, node) => nodes.push(node.clone()),
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
                .parse::<ServiceNode>()
                .expect("valid address")
        };
        let rest = |text: &str| text.parse::<ServiceNode>().expect("valid address");
        let nodes = distinct(&[
            node(a, 1),
            rest("http://127.0.0.1:4"),
            node(b, 2),
            node(a, 3),
            node(a, 1),
            rest("http://127.0.0.1:4/"),
            rest("http://127.0.0.1:5"),
        ]);
        let addresses = |node: &ServiceNode| match node {
            ServiceNode::Libp2p(node) => node.addresses.len(),
            ServiceNode::Rest(_) => 1,
        };
        assert_eq!(
            nodes
                .iter()
                .map(|node| (node.id(), addresses(node)))
                .collect::<Vec<_>>(),
            [
                (a.into(), 2),
                (rest("http://127.0.0.1:4").id(), 1),
                (b.into(), 1),
                (rest("http://127.0.0.1:5").id(), 1)
            ]
        );
    }
}
