//! Public networks by name: cluster, shards, and where a search for their nodes begins.
//!
//! What stands here is not ours and changes; every network names its sources and the date they were read.

use crate::bootstrap::Bootstrap;

/// How the shard of a message is found on a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharding {
    /// Derived from the content topic, out of so many shards.
    Auto {
        /// Shards of the network, all of them relayed.
        shard_count: u16,
    },
    /// Chosen by the application, out of those that the fleet relays.
    Static {
        /// The shards relayed, ascending.
        shards: &'static [u16],
        /// The one a tester uses when nothing is said.
        default_shard: u16,
    },
}

/// A public network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Its cluster.
    pub cluster_id: u16,
    /// Its shards.
    pub sharding: Sharding,
    /// Whether its relays drop messages without an RLN proof, which then the service node must attach.
    pub requires_rln: bool,
    /// Multiaddrs, node records and node lists, as [`Bootstrap`] reads them.
    pub bootstrap: &'static [&'static str],
}

/// The fleet that is the entry to The Waku Network: `status-im/infra-waku` `README.md` and
/// `ansible/group_vars/node.yml` (revision 7cdf642 of 2026-08-21); the same list in logos-delivery
/// `docs/operators/quickstart.md` (revision 69fbffa3a of 2026-08-20) and in js-waku `@waku/discovery`.
const SANDBOX_LIST: &str =
    "enrtree://AIRVQ5DDA4FFWLRBCHJWUWOO6X6S4ZTZ5B667LQ6AJU6PEYDLRD5O@sandbox.waku.nodes.status.im";

/// Eight shards, all relayed (`ansible/group_vars/node.yml` of infra-waku; `--preset=twn` of logos-delivery).
const TWN_SHARDING: Sharding = Sharding::Auto { shard_count: 8 };

/// What the Status fleets relay: `nim_waku_shards` in `status-im/infra-status` `ansible/group_vars/boot.yml` and
/// `store.yml` (revision 2a0a433 of 2026-08-21). Of these 1, 128 and 256 are protected: messages there need a signature
/// that a tester does not have. 32 is the shard of the original tester (logos-delivery
/// `apps/liteprotocoltester/infra.env`, revision 69fbffa3a of 2026-08-20) and Status' default shard (status-go
/// `protocol/common/shard/shard.go`).
///
/// logos-delivery's own `--preset=status.prod` (`networks_config.nim`, added 2026-07-03) says autosharding over one
/// shard instead, which is shard 0 and which the configuration of the fleet does not list.
const STATUS_SHARDING: Sharding = Sharding::Static {
    shards: &[1, 32, 64, 128, 256],
    default_shard: 32,
};

/// All of them. Read on 2026-11-21.
pub const NETWORKS: [Network; 4] = [
    // logos-delivery `logos_delivery/waku/factory/networks_config.nim` (TheWakuNetworkConf), revision 69fbffa3a of
    // 2026-08-20: cluster, shards, RLN, and the three nodes for discv5, which are those of the sandbox fleet.
    Network {
        name: "twn",
        cluster_id: 1,
        sharding: TWN_SHARDING,
        requires_rln: true,
        bootstrap: &[
            SANDBOX_LIST,
            "enr:-QESuED0qW1BCmF-oH_ARGPr97Nv767bl_43uoy70vrbah3EaCAdK3Q0iRQ6wkSTTpdrg_dU_NC2ydO8leSlRpBX4pxiAYJpZIJ2NIJpcIRA4VDAim11bHRpYWRkcnO4XAArNiZub2RlLTAxLmRvLWFtczMud2FrdS5zYW5kYm94LnN0YXR1cy5pbQZ2XwAtNiZub2RlLTAxLmRvLWFtczMud2FrdS5zYW5kYm94LnN0YXR1cy5pbQYfQN4DgnJzkwABCAAAAAEAAgADAAQABQAGAAeJc2VjcDI1NmsxoQOTd-h5owwj-cx7xrmbvQKU8CV3Fomfdvcv1MBc-67T5oN0Y3CCdl-DdWRwgiMohXdha3UyDw",
            "enr:-QEkuED9X80QF_jcN9gA2ZRhhmwVEeJnsg_Hyg7IFCTYnZD0BDI7a8HArE61NhJZFwygpHCWkgwSt2vqiABXkBxzIqZBAYJpZIJ2NIJpcIQiQlleim11bHRpYWRkcnO4bgA0Ni9ub2RlLTAxLmdjLXVzLWNlbnRyYWwxLWEud2FrdS5zYW5kYm94LnN0YXR1cy5pbQZ2XwA2Ni9ub2RlLTAxLmdjLXVzLWNlbnRyYWwxLWEud2FrdS5zYW5kYm94LnN0YXR1cy5pbQYfQN4DgnJzkwABCAAAAAEAAgADAAQABQAGAAeJc2VjcDI1NmsxoQPFAS8zz2cg1QQhxMaK8CzkGQ5wdHvPJcrgLzJGOiHpwYN0Y3CCdl-DdWRwgiMohXdha3UyDw",
            "enr:-QEkuEBfEzJm_kigJ2HoSS_RBFJYhKHocGdkhhBr6jSUAWjLdFPp6Pj1l4yiTQp7TGHyu1kC6FyaU573VN8klLsEm-XuAYJpZIJ2NIJpcIQI2SVcim11bHRpYWRkcnO4bgA0Ni9ub2RlLTAxLmFjLWNuLWhvbmdrb25nLWMud2FrdS5zYW5kYm94LnN0YXR1cy5pbQZ2XwA2Ni9ub2RlLTAxLmFjLWNuLWhvbmdrb25nLWMud2FrdS5zYW5kYm94LnN0YXR1cy5pbQYfQN4DgnJzkwABCAAAAAEAAgADAAQABQAGAAeJc2VjcDI1NmsxoQOwsS69tgD7u1K50r5-qG5hweuTwa0W26aYPnvivpNlrYN0Y3CCdl-DdWRwgiMohXdha3UyDw",
        ],
    },
    // Lists: `status-im/infra-status` `README.md` and `ansible/group_vars/boot.yml` (revision 2a0a433 of 2026-08-21),
    // the same in status-go `params/cluster.go`. Nodes: logos-delivery `networks_config.nim` (StatusProdConf), revision
    // 69fbffa3a of 2026-08-20.
    Network {
        name: "status.prod",
        cluster_id: 16,
        sharding: STATUS_SHARDING,
        requires_rln: false,
        bootstrap: &[
            "enrtree://AMOJVZX4V6EXP7NTJPMAYJYST2QP6AJXYW76IU6VGJS7UVSNDYZG4@boot.prod.status.nodes.status.im",
            "/dns4/boot-01.do-ams3.status.prod.status.im/tcp/30303/p2p/16Uiu2HAmAR24Mbb6VuzoyUiGx42UenDkshENVDj4qnmmbabLvo31",
            "/dns4/boot-01.gc-us-central1-a.status.prod.status.im/tcp/30303/p2p/16Uiu2HAm8mUZ18tBWPXDQsaF7PbCKYA35z7WB2xNZH2EVq1qS8LJ",
            "/dns4/boot-01.ac-cn-hongkong-c.status.prod.status.im/tcp/30303/p2p/16Uiu2HAmGwcE8v7gmJNEWFtZtojYpPMTHy2jBLL6xRk33qgDxFWX",
        ],
    },
    // `status-im/infra-status` `README.md` and `ansible/group_vars/boot.yml` (revision 2a0a433 of 2026-08-21), the same
    // in status-go `params/cluster.go`. Cluster and shards are those of status.prod; the two fleets are apart.
    Network {
        name: "status.staging",
        cluster_id: 16,
        sharding: STATUS_SHARDING,
        requires_rln: false,
        bootstrap: &[
            "enrtree://AI4W5N5IFEUIHF5LESUAOSMV6TKWF2MB6GU2YK7PU4TYUGUNOCEPW@boot.staging.status.nodes.status.im",
        ],
    },
    // The fleet by itself: its list, without the fixed records of the preset twn.
    Network {
        name: "sandbox",
        cluster_id: 1,
        sharding: TWN_SHARDING,
        requires_rln: true,
        bootstrap: &[SANDBOX_LIST],
    },
];

impl Network {
    /// The network of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        NETWORKS.iter().find(|network| network.name == name)
    }

    /// Where a search begins.
    #[must_use]
    pub fn bootstrap(&self) -> Vec<Bootstrap> {
        self.bootstrap.iter().filter_map(|text| text.parse().ok()).collect()
    }

    /// Whether its nodes relay a shard.
    #[must_use]
    pub fn relays(&self, shard: u16) -> bool {
        match self.sharding {
            Sharding::Auto { shard_count } => shard < shard_count,
            Sharding::Static { shards, .. } => shards.contains(&shard),
        }
    }
}

#[cfg(test)]
mod tests {
    use waku::Capability;

    use super::*;

    #[test]
    fn everything_to_begin_with_reads_and_fits_its_network() {
        for network in NETWORKS {
            for text in network.bootstrap {
                let read: Bootstrap = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
                assert_eq!(&read.to_string(), text);
                let Bootstrap::Record(record) = read else { continue };
                assert_eq!(record.cluster, Some(network.cluster_id), "{text}");
                assert!(record.shards.iter().all(|shard| network.relays(*shard)), "{text}");
                assert!(record.capabilities.contains(Capability::Filter), "{text}");
                assert!(record.capabilities.contains(Capability::Lightpush), "{text}");
            }
            assert_eq!(network.bootstrap().len(), network.bootstrap.len());
            assert_eq!(Network::named(network.name), Some(&network));
        }
        assert_eq!(Network::named("nowhere"), None);
    }

    #[test]
    fn the_default_shard_is_relayed() {
        for network in NETWORKS {
            if let Sharding::Static { default_shard, .. } = network.sharding {
                assert!(network.relays(default_shard));
            }
        }
        let twn = Network::named("twn").unwrap();
        assert!(twn.relays(7) && !twn.relays(8));
    }

    /// The records of the original tester's settings for status.prod (`infra.env`) bear the shards that stand here.
    #[test]
    fn the_records_of_the_status_fleet_name_its_shards() {
        let text = "enr:-QEKuED9AJm2HGgrRpVaJY2nj68ao_QiPeUT43sK-aRM7sMJ6R4G11OSDOwnvVacgN1sTw-K7soC5dzHDFZgZkHU0u-XAYJpZIJ2NIJpcISnYxMvim11bHRpYWRkcnO4WgAqNiVib290LTAxLmRvLWFtczMuc3RhdHVzLnByb2Quc3RhdHVzLmltBnZfACw2JWJvb3QtMDEuZG8tYW1zMy5zdGF0dXMucHJvZC5zdGF0dXMuaW0GAbveA4Jyc40AEAUAAQAgAEAAgAEAiXNlY3AyNTZrMaEC3rRtFQSgc24uWewzXaxTY8hDAHB8sgnxr9k8Rjb5GeSDdGNwgnZfg3VkcIIjKIV3YWt1Mg0";
        let record: waku::NodeRecord = text.parse().unwrap();
        let network = Network::named("status.prod").unwrap();
        let Sharding::Static { shards, .. } = network.sharding else {
            panic!("static")
        };
        assert_eq!((record.cluster, &record.shards[..]), (Some(network.cluster_id), shards));
    }
}
