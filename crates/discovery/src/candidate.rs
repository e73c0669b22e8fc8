//! Candidates: nodes that somebody named, and what their records already tell about their use.

use std::collections::{BTreeMap, HashSet};

use libp2p::PeerId;
use rand::{Rng, seq::SliceRandom};
use waku::{Capability, NodeRecord, ServiceNodeAddr};

/// What a service node must offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What its record must announce.
    pub capability: Capability,
    /// The protocol it must list.
    pub protocol: &'static str,
    /// The cluster it must be on.
    pub cluster_id: u16,
    /// The shards it must relay, all of them.
    pub shards: Vec<u16>,
}

/// Why a record is left out before anybody is dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeftOut {
    /// No address of a kind that can be dialled.
    NoAddress,
    /// Another cluster.
    Cluster,
    /// One of the shards is missing.
    Shard,
    /// The capability is missing.
    Capability,
}

/// How many were left out, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOutCounts {
    /// No address of a kind that can be dialled.
    pub no_address: usize,
    /// Another cluster.
    pub cluster: usize,
    /// One of the shards is missing.
    pub shard: usize,
    /// The capability is missing.
    pub capability: usize,
    /// In use already, or given up in this run.
    pub known: usize,
    /// Above the most that are tested at once.
    pub over_limit: usize,
}

impl LeftOutCounts {
    fn add(&mut self, why: LeftOut) {
        *match why {
            LeftOut::NoAddress => &mut self.no_address,
            LeftOut::Cluster => &mut self.cluster,
            LeftOut::Shard => &mut self.shard,
            LeftOut::Capability => &mut self.capability,
        } += 1;
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> usize {
        self.no_address + self.cluster + self.shard + self.capability + self.known + self.over_limit
    }
}

impl Need {
    /// Whether a record promises what is needed. A record without shards (`rs`, `rsv`) promises nothing about them and is
    /// not left out for it: the node's metadata will tell.
    ///
    /// # Errors
    /// Why it is left out.
    pub fn check(&self, record: &NodeRecord) -> Result<ServiceNodeAddr, LeftOut> {
        if record.cluster.is_some_and(|cluster| cluster != self.cluster_id) {
            return Err(LeftOut::Cluster);
        }
        if record.cluster.is_some() && self.shards.iter().any(|shard| !record.shards.contains(shard)) {
            return Err(LeftOut::Shard);
        }
        if !record.capabilities.contains(self.capability) {
            return Err(LeftOut::Capability);
        }
        ServiceNodeAddr::try_from(record).map_err(|_| LeftOut::NoAddress)
    }
}

/// What sources named, one entry a peer.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    records: BTreeMap<Vec<u8>, NodeRecord>,
    addresses: BTreeMap<Vec<u8>, ServiceNodeAddr>,
}

/// Most peers held at a time: the answers of sixteen nodes, and a long list.
pub const MAX_CANDIDATES: usize = 2048;

impl Candidates {
    /// Takes a record; of two of one peer the newer stays. What exceeds [`MAX_CANDIDATES`] is not taken.
    pub fn add_record(&mut self, record: NodeRecord) {
        let has_room = self.records.len() < MAX_CANDIDATES;
        match self.records.get_mut(&record.peer_id.to_bytes()) {
            Some(known) if known.sequence < record.sequence => *known = record,
            Some(_) => {}
            None if has_room => drop(self.records.insert(record.peer_id.to_bytes(), record)),
            None => {}
        }
    }

    /// Takes a node of which nothing but the address is known.
    pub fn add_address(&mut self, node: ServiceNodeAddr) {
        self.addresses.insert(node.peer_id.to_bytes(), node);
    }

    /// Peers named so far.
    #[must_use]
    pub fn len(&self) -> usize {
        let only_addresses = self.addresses.keys().filter(|peer| !self.records.contains_key(*peer));
        self.records.len() + only_addresses.count()
    }

    /// True when nobody was named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those worth a test, in an order that depends on `rng` and on who they are, not on who answered first; at most
    /// `max`. A record that does not promise what is needed is believed even where an address of the peer was given.
    pub fn select(
        &self,
        need: &Need,
        known: &HashSet<PeerId>,
        max: usize,
        rng: &mut impl Rng,
    ) -> (Vec<ServiceNodeAddr>, LeftOutCounts) {
        let mut counts = LeftOutCounts::default();
        let mut nodes: BTreeMap<&[u8], ServiceNodeAddr> = BTreeMap::new();
        for (peer, record) in &self.records {
            match need.check(record) {
                Ok(node) => drop(nodes.insert(peer, node)),
                Err(why) => counts.add(why),
            }
        }
        for (peer, given) in &self.addresses {
            match nodes.get_mut(peer.as_slice()) {
                Some(node) => {
                    let known: HashSet<_> = node.addresses.iter().cloned().collect();
                    let new = given.addresses.iter().filter(|address| !known.contains(address));
                    node.addresses.extend(new.cloned().collect::<Vec<_>>());
                }
                None if self.records.contains_key(peer) => {}
                None => drop(nodes.insert(peer, given.clone())),
            }
        }
        let named = nodes.len();
        let mut nodes: Vec<_> = nodes
            .into_values()
            .filter(|node| !known.contains(&node.peer_id))
            .collect();
        counts.known = named - nodes.len();
        nodes.shuffle(rng);
        counts.over_limit = nodes.len().saturating_sub(max);
        nodes.truncate(max);
        (nodes, counts)
    }
}

#[cfg(test)]
mod tests {
    use libp2p::identity::Keypair;
    use rand::{SeedableRng, rngs::StdRng};
    use waku::NodeRecordBuilder;

    use super::*;

    fn need() -> Need {
        Need {
            capability: Capability::Filter,
            protocol: waku::wire::protocol_id::FILTER_SUBSCRIBE,
            cluster_id: 16,
            shards: vec![32, 64],
        }
    }

    fn builder() -> NodeRecordBuilder {
        NodeRecordBuilder::new()
            .address("/ip4/192.0.2.1/tcp/60000".parse().unwrap())
            .capabilities([Capability::Relay, Capability::Filter])
            .shards(16, &[1, 32, 64])
    }

    fn record(builder: &NodeRecordBuilder) -> NodeRecord {
        builder.build(&Keypair::generate_secp256k1()).unwrap()
    }

    #[test]
    fn records_are_judged_by_cluster_shards_capability_and_address() {
        let checked = |builder: NodeRecordBuilder| need().check(&record(&builder)).map(|_| ());
        assert_eq!(checked(builder()), Ok(()));
        assert_eq!(checked(builder().shards(1, &[32, 64])), Err(LeftOut::Cluster));
        assert_eq!(checked(builder().shards(16, &[32])), Err(LeftOut::Shard));
        let every_shard: Vec<u16> = (0..100).collect();
        assert_eq!(
            checked(builder().shards(16, &every_shard)),
            Ok(()),
            "a bit vector (rsv)"
        );
        let no_filter = [Capability::Relay, Capability::Lightpush];
        assert_eq!(checked(builder().capabilities(no_filter)), Err(LeftOut::Capability));
        let quic = NodeRecordBuilder::new()
            .address("/ip4/192.0.2.1/udp/1/quic-v1".parse().unwrap())
            .capabilities([Capability::Filter]);
        assert_eq!(checked(quic.clone()), Err(LeftOut::NoAddress));
        let silent = quic.address("/ip4/192.0.2.1/tcp/1".parse().unwrap());
        assert_eq!(checked(silent), Ok(()), "no shards named: the metadata will tell");
    }

    #[test]
    fn of_two_records_of_a_peer_the_newer_counts() {
        let key = Keypair::generate_secp256k1();
        let old = builder().shards(1, &[0]).sequence(7).build(&key).unwrap();
        let new = builder().sequence(8).build(&key).unwrap();
        for order in [[old.clone(), new.clone()], [new, old]] {
            let mut candidates = Candidates::default();
            order.into_iter().for_each(|record| candidates.add_record(record));
            let (nodes, counts) = candidates.select(&need(), &HashSet::new(), 9, &mut StdRng::seed_from_u64(1));
            assert_eq!((candidates.len(), nodes.len(), counts.total()), (1, 1, 0));
        }
    }

    #[test]
    fn a_record_is_believed_over_a_bare_address_and_both_addresses_are_tried() {
        let key = Keypair::generate_secp256k1();
        let peer = key.public().to_peer_id();
        let bare = |port| -> ServiceNodeAddr { format!("/ip4/127.0.0.1/tcp/{port}/p2p/{peer}").parse().unwrap() };
        let select = |candidates: &Candidates| {
            candidates
                .select(&need(), &HashSet::new(), 9, &mut StdRng::seed_from_u64(1))
                .0
        };
        let mut candidates = Candidates::default();
        candidates.add_address(bare(5));
        assert_eq!(select(&candidates), [bare(5)], "nothing is known against it");
        candidates.add_record(builder().build(&key).unwrap());
        assert_eq!(select(&candidates)[0].addresses.len(), 2);
        candidates.add_record(builder().shards(1, &[0]).sequence(2).build(&key).unwrap());
        assert_eq!(select(&candidates), []);
    }

    #[test]
    fn the_order_depends_on_the_seed_alone() {
        let records: Vec<_> = (0..20).map(|_| record(&builder())).collect();
        let order = |records: &[NodeRecord], seed| -> Vec<PeerId> {
            let mut candidates = Candidates::default();
            records.iter().for_each(|record| candidates.add_record(record.clone()));
            let (nodes, _) = candidates.select(&need(), &HashSet::new(), 100, &mut StdRng::seed_from_u64(seed));
            nodes.into_iter().map(|node| node.peer_id).collect()
        };
        let reversed: Vec<_> = records.iter().rev().cloned().collect();
        assert_eq!(order(&records, 1), order(&reversed, 1));
        assert_ne!(order(&records, 1), order(&records, 2));
    }

    #[test]
    fn known_ones_and_those_above_the_limit_are_counted() {
        let records: Vec<_> = (0..10).map(|_| record(&builder())).collect();
        let known: HashSet<_> = records[..3].iter().map(|record| record.peer_id).collect();
        let mut candidates = Candidates::default();
        records.into_iter().for_each(|record| candidates.add_record(record));
        let (nodes, counts) = candidates.select(&need(), &known, 5, &mut StdRng::seed_from_u64(1));
        assert_eq!((nodes.len(), counts.known, counts.over_limit), (5, 3, 2));
        assert!(nodes.iter().all(|node| !known.contains(&node.peer_id)));
    }
}
