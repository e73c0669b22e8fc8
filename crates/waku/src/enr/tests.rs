//! Records of real nodes, our own ones read back, and hostile ones.

use enr::{Enr, k256::ecdsa::SigningKey};
use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::builder::NodeRecordBuilder;
use super::capability::{Capabilities, Capability};
use super::record::{EnrError, NodeRecord, RECORD_MAX_BYTES};

/// node-01.do-ams3.waku.test, from `docs/faq.md` of logos-delivery.
const WAKU_TEST: &str = "enr:-QESuEC1p_s3xJzAC_XlOuuNrhVUETmfhbm1wxRGis0f7DlqGSw2FM-p2Ugl_r25UHQJ3f1rIRrpzxJXSMaJe4yk1XFS\
    AYJpZIJ2NIJpcISygI2rim11bHRpYWRkcnO4XAArNiZub2RlLTAxLmRvLWFtczMud2FrdS50ZXN0LnN0YXR1c2ltLm5ldAZ2XwAtNiZub2RlLTAxLm\
    RvLWFtczMud2FrdS50ZXN0LnN0YXR1c2ltLm5ldAYfQN4DgnJzkwABCAAAAAEAAgADAAQABQAGAAeJc2VjcDI1NmsxoQJATXRSRSUyTw_QLB6H_U3o\
    ziVQgNRgrXpK7wp2AMyNxYN0Y3CCdl-DdWRwgiMohXdha3UyDw";

/// A node started by hand with address 0.0.0.0, from `docs/operators/how-to/run.md` of logos-delivery.
const UNSPECIFIED: &str = "enr:-Iu4QBZs5huNuEAjI9WA0HOAjzpmp39vKJAtYRG3HXH86-i3HGcxMgupIkyDBmBq9qJ2wFfgMiW8AUzUxTFMAzfJM\
    5MBgmlkgnY0gmlwhAAAAACJc2VjcDI1NmsxoQN0EcrUbHrL_O_kNXDlBvcO1I4yZUdNk7VZI5GsXaWgvYN0Y3CC6mCFd2FrdTID";

fn multiaddr(text: &str) -> Multiaddr {
    text.parse().unwrap()
}

fn key() -> Keypair {
    let secret = libp2p::identity::secp256k1::SecretKey::try_from_bytes([7; 32]).unwrap();
    libp2p::identity::secp256k1::Keypair::from(secret).into()
}

#[test]
fn the_record_of_a_fleet_node() {
    let record: NodeRecord = WAKU_TEST.parse().unwrap();
    insta::assert_debug_snapshot!(record, @r#"
    NodeRecord {
        peer_id: "16Uiu2HAkykgaECHswi3YKJ5dMLbq2kPVCo89fcyTd38UcQD6ej5W",
        sequence: 1,
        addresses: [
            /ip4/178.128.141.171/tcp/30303/p2p/16Uiu2HAkykgaECHswi3YKJ5dMLbq2kPVCo89fcyTd38UcQD6ej5W,
            /dns4/node-01.do-ams3.waku.test.statusim.net/tcp/30303/p2p/16Uiu2HAkykgaECHswi3YKJ5dMLbq2kPVCo89fcyTd38UcQD6ej5W,
            /dns4/node-01.do-ams3.waku.test.statusim.net/tcp/8000/wss/p2p/16Uiu2HAkykgaECHswi3YKJ5dMLbq2kPVCo89fcyTd38UcQD6ej5W,
        ],
        skipped_addresses: 0,
        capabilities: "relay,store,filter,lightpush",
        cluster: Some(
            1,
        ),
        shards: [
            0,
            1,
            2,
            3,
            4,
            5,
            6,
            7,
        ],
        ..
    }
    "#);
    assert_eq!(record.text(), WAKU_TEST);
    assert_eq!(NodeRecord::from_rlp(record.rlp()).unwrap(), record);
    assert!(record.is_on(1, 7) && !record.is_on(1, 8) && !record.is_on(2, 7));
}

#[test]
fn an_unspecified_address_is_not_one_to_dial() {
    let record: NodeRecord = UNSPECIFIED.parse().unwrap();
    assert_eq!(record.addresses, Vec::<Multiaddr>::new());
    assert_eq!(record.capabilities.to_string(), "relay,store");
    assert_eq!((record.cluster, record.shards.len()), (None, 0));
}

#[test]
fn a_built_record_reads_back_and_agrees_with_the_peer_id() {
    let key = key();
    let peer = key.public().to_peer_id();
    let record = NodeRecordBuilder::new()
        .sequence(5)
        .address(multiaddr(&format!("/ip4/192.0.2.1/tcp/60000/p2p/{peer}")))
        .address(multiaddr("/ip6/2001:db8::1/tcp/60001"))
        .address(multiaddr("/dns4/node.example.org/tcp/443/wss"))
        .address(multiaddr("/ip4/192.0.2.2/tcp/60000"))
        .capabilities([Capability::Relay, Capability::Filter])
        .shards(16, &[7, 3, 7])
        .build(&key)
        .unwrap();
    assert_eq!(record.peer_id, peer);
    assert_eq!(record.sequence, 5);
    let expected = [
        "/ip4/192.0.2.1/tcp/60000",
        "/ip6/2001:db8::1/tcp/60001",
        "/dns4/node.example.org/tcp/443/wss",
        "/ip4/192.0.2.2/tcp/60000",
    ]
    .map(|address| multiaddr(&format!("{address}/p2p/{peer}")));
    assert_eq!(record.addresses, expected);
    assert_eq!((record.cluster, &record.shards[..]), (Some(16), &[3, 7][..]));
    assert_eq!(record.capabilities.to_string(), "relay,filter");
    assert_eq!(record.text().parse::<NodeRecord>().unwrap(), record);
    assert!(record.rlp().len() <= RECORD_MAX_BYTES);
}

#[test]
fn sixty_four_shards_go_into_the_bit_vector() {
    let shards: Vec<u16> = (100..164).collect();
    let record = NodeRecordBuilder::new().shards(1, &shards).build(&key()).unwrap();
    assert_eq!(record.shards, shards);
    let raw: Enr<SigningKey> = record.text().parse().unwrap();
    assert!(raw.get_raw_rlp("rsv").is_some() && raw.get_raw_rlp("rs").is_none());
}

#[test]
fn what_cannot_be_announced_is_refused() {
    for text in [
        "/ip4/0.0.0.0/tcp/60000",
        "/ip6/::/tcp/1",
        "/ip4/192.0.2.1/tcp/0",
        "/ip4/192.0.2.1",
        "/tcp/60000",
    ] {
        let address = multiaddr(text);
        let result = NodeRecordBuilder::new().address(address.clone()).build(&key());
        assert_eq!(result, Err(EnrError::NotAnnounceable(address)));
    }
    assert_eq!(
        NodeRecordBuilder::new().shards(1, &[1024]).build(&key()),
        Err(EnrError::Shards(vec![1024]))
    );
    assert_eq!(
        NodeRecordBuilder::new().shards(1, &[]).build(&key()),
        Err(EnrError::Shards(vec![]))
    );
}

#[test]
fn too_many_addresses_do_not_fit() {
    let builder = (0..40).fold(NodeRecordBuilder::new(), |builder, index| {
        builder.address(multiaddr(&format!("/ip4/192.0.2.{index}/tcp/60000/ws")))
    });
    assert_eq!(builder.build(&key()), Err(EnrError::TooLarge { max_bytes: 300 }));
}

#[test]
fn a_changed_byte_breaks_the_signature() {
    let record: NodeRecord = WAKU_TEST.parse().unwrap();
    let last = record.rlp().len() - 1;
    let mut bytes = record.rlp().to_vec();
    // The capabilities stand last.
    assert_eq!(bytes[last], 0x0f);
    bytes[last] = 0x0e;
    assert_eq!(
        NodeRecord::from_rlp(&bytes),
        Err(EnrError::Invalid("Invalid Signature".to_owned()))
    );
}

#[test]
fn bytes_behind_a_record_are_refused() {
    let record: NodeRecord = UNSPECIFIED.parse().unwrap();
    assert!(matches!(
        format!("{UNSPECIFIED}AAAA").parse::<NodeRecord>(),
        Err(EnrError::Invalid(_))
    ));
    let bytes = [record.rlp().as_ref(), &[0]].concat();
    assert_eq!(NodeRecord::from_rlp(&bytes), Err(EnrError::Trailing { count_bytes: 1 }));
}

#[test]
fn giant_and_foreign_texts_are_refused() {
    let giant = format!("enr:{}", "A".repeat(1_000_000));
    let too_long = EnrError::TextTooLong {
        got_chars: 1_000_004,
        max_chars: 404,
    };
    assert_eq!(giant.parse::<NodeRecord>(), Err(too_long));
    assert_eq!("enode://x".parse::<NodeRecord>(), Err(EnrError::Prefix));
    assert!(matches!("enr:".parse::<NodeRecord>(), Err(EnrError::Invalid(_))));
    assert!(matches!("enr:!!!!".parse::<NodeRecord>(), Err(EnrError::Invalid(_))));
    assert_eq!(
        NodeRecord::from_rlp(&[0; 301]),
        Err(EnrError::TooLarge { max_bytes: 300 })
    );
}

/// A validly signed record with hostile values.
fn signed(values: &[(&str, &[u8])]) -> NodeRecord {
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let mut builder = Enr::<SigningKey>::builder();
    for (name, value) in values {
        builder.add_value(name, value);
    }
    NodeRecord::from_rlp(&alloy_rlp::encode(builder.build(&key).unwrap())).unwrap()
}

#[test]
fn truncated_multiaddrs_leave_the_rest_of_the_record_readable() {
    let record = signed(&[
        ("multiaddrs", &[0, 40, 4, 10]),
        ("rs", &[0, 1, 1, 0, 2]),
        ("waku2", &[0x09]),
    ]);
    assert_eq!((record.addresses.len(), record.skipped_addresses), (0, 1));
    assert!(record.is_on(1, 2));
    assert!(record.capabilities.contains(Capability::Lightpush));
}

#[test]
fn an_address_of_another_peer_is_left_out() {
    let other = multiaddr(&format!("/ip4/192.0.2.1/tcp/1/p2p/{}", libp2p::PeerId::random()));
    let mut value = u16::try_from(other.len()).unwrap().to_be_bytes().to_vec();
    value.extend(other.as_ref());
    let record = signed(&[("multiaddrs", &value)]);
    assert_eq!((record.addresses.len(), record.skipped_addresses), (0, 1));
}

#[test]
fn an_invalid_rs_falls_back_to_rsv() {
    let mut vector = vec![0, 3];
    vector.extend([0; 128]);
    vector[2] = 0b11;
    let record = signed(&[("rs", &[0, 1, 9]), ("rsv", &vector)]);
    assert_eq!((record.cluster, record.shards), (Some(3), vec![0, 1]));
}

#[test]
fn odd_capabilities_are_none() {
    assert_eq!(signed(&[("waku2", &[])]).capabilities, Capabilities::default());
    assert_eq!(signed(&[("waku2", &[1, 2])]).capabilities, Capabilities::default());
    assert_eq!(signed(&[("waku2", &[0x80])]).capabilities.bits(), 0x80);
}

#[test]
fn ipv6_without_a_port_of_its_own_uses_the_other() {
    let record = signed(&[
        ("ip6", &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ("tcp", &60000_u16.to_be_bytes()),
    ]);
    let expected = multiaddr(&format!("/ip6/2001:db8::1/tcp/60000/p2p/{}", record.peer_id));
    assert_eq!(record.addresses, [expected]);
}

#[test]
fn only_secp256k1_keys_sign_records() {
    let error = NodeRecordBuilder::new()
        .build(&Keypair::generate_ed25519())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "a node record needs a secp256k1 key, this node has a key of type Ed25519"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn built_records_read_back(
        secret in any::<[u8; 32]>(),
        sequence: u64,
        bits in 0_u8..64,
        cluster: u16,
        shards in btree_set(0_u16..=1023, 1..20),
        hosts in vec((1_u32.., 1_u16..), 0..4),
    ) {
        let Ok(secret) = libp2p::identity::secp256k1::SecretKey::try_from_bytes(secret) else { return Ok(()) };
        let key = Keypair::from(libp2p::identity::secp256k1::Keypair::from(secret));
        let shards: Vec<u16> = shards.into_iter().collect();
        let mut builder = NodeRecordBuilder::new()
            .sequence(sequence)
            .capabilities(Capabilities::from_bits(bits).iter())
            .shards(cluster, &shards);
        for (ip, port) in hosts {
            builder = builder.address(multiaddr(&format!("/ip4/{}/tcp/{port}", std::net::Ipv4Addr::from(ip))));
        }
        let record = builder.build(&key).unwrap();
        prop_assert_eq!(record.peer_id, key.public().to_peer_id());
        prop_assert_eq!(record.capabilities.bits(), bits);
        prop_assert_eq!((record.cluster, &record.shards), (Some(cluster), &shards));
        prop_assert_eq!(record.text().parse::<NodeRecord>(), Ok(record.clone()));
        prop_assert_eq!(NodeRecord::from_rlp(record.rlp()), Ok(record));
    }

    #[test]
    fn arbitrary_bytes_are_no_record_and_no_panic(bytes in vec(any::<u8>(), 0..310)) {
        prop_assert!(NodeRecord::from_rlp(&bytes).is_err());
    }

    #[test]
    fn a_damaged_record_is_refused(position in 0_usize..269, value: u8) {
        let record: NodeRecord = WAKU_TEST.parse().unwrap();
        let mut bytes = record.rlp().to_vec();
        let index = position % bytes.len();
        prop_assume!(bytes[index] != value);
        bytes[index] = value;
        prop_assert!(NodeRecord::from_rlp(&bytes).is_err());
    }

    #[test]
    fn hostile_values_under_a_valid_signature_never_panic(
        multiaddrs in vec(any::<u8>(), 0..60),
        rs in vec(any::<u8>(), 0..20),
        rsv in vec(any::<u8>(), 0..20),
        waku2 in vec(any::<u8>(), 0..3),
    ) {
        let record = signed(&[("multiaddrs", &multiaddrs), ("rs", &rs), ("rsv", &rsv), ("waku2", &waku2)]);
        prop_assert!(record.shards.iter().all(|&shard| shard <= 1023));
    }
}
