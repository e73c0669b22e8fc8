//! Addresses as users type them.

use proptest::prelude::*;

use super::*;
use crate::enr::NodeRecordBuilder;

const PEER: &str = "16Uiu2HAkykgaECHswi3YKJ5dMLbq2kPVCo89fcyTd38UcQD6ej5W";

fn parse(text: &str) -> Result<ServiceNodeAddr, AddressError> {
    text.parse()
}

#[test]
fn all_dialable_forms_are_accepted() {
    for front in [
        "/ip4/127.0.0.1/tcp/60000",
        "/ip6/::1/tcp/60000",
        "/dns/node.example.org/tcp/60000",
        "/dns4/node.example.org/tcp/8000/wss",
        "/dns6/node.example.org/tcp/8000/ws",
        "/dns4/node.example.org/tcp/443/tls/ws",
    ] {
        let text = format!("{front}/p2p/{PEER}");
        let node = parse(&text).unwrap();
        assert_eq!(node.peer_id.to_string(), PEER);
        assert_eq!(node.to_string(), text);
        assert_eq!(parse(&format!("  {text}\n")), Ok(node));
    }
}

#[test]
fn errors_say_what_is_missing_and_give_an_example() {
    let messages = [
        "node.example.org:60000".to_owned(),
        "/ip4/127.0.0.1/tcp/60000".to_owned(),
        format!("/tcp/60000/p2p/{PEER}"),
        format!("/dns4//tcp/60000/p2p/{PEER}"),
        format!("/ip4/127.0.0.1/p2p/{PEER}"),
        format!("/ip4/127.0.0.1/tcp/0/p2p/{PEER}"),
        format!("/ip4/127.0.0.1/udp/1/quic-v1/p2p/{PEER}"),
        format!("/ip4/127.0.0.1/tcp/1/p2p/{PEER}/p2p-circuit/p2p/{PEER}"),
        "/ip4/300.0.0.1/tcp/1".to_owned(),
        "/ip4/127.0.0.1/tcp/1/p2p/nobody".to_owned(),
        "enr:-abc".to_owned(),
    ]
    .map(|text| parse(&text).unwrap_err().to_string())
    .join("\n");
    insta::assert_snapshot!(messages, @r#"
    service node "node.example.org:60000" is neither a multiaddr (it begins with "/") nor a node record ("enr:"), for example /ip4/192.0.2.1/tcp/60000/p2p/16Uiu2HAm...
    service node /ip4/127.0.0.1/tcp/60000 does not end in /p2p/<peer id>: add the peer id, for example /ip4/192.0.2.1/tcp/60000/p2p/16Uiu2HAm...
    service node /tcp/60000/p2p/16Uiu2HAkykgaECHswi3YKJ5dMLbq2kPVCo89fcyTd38UcQD6ej5W has no host: it must begin with /ip4, /ip6, /dns, /dns4 or /dns6, for example /ip4/192.0.2.1/tcp/60000/p2p/16Uiu2HAm...
    service node /dns4//tcp/60000/p2p/16Uiu2HAkykgaECHswi3YKJ5dMLbq2kPVCo89fcyTd38UcQD6ej5W has no host: it must begin with /ip4, /ip6, /dns, /dns4 or /dns6, for example /ip4/192.0.2.1/tcp/60000/p2p/16Uiu2HAm...
    service node /ip4/127.0.0.1/p2p/16Uiu2HAkykgaECHswi3YKJ5dMLbq2kPVCo89fcyTd38UcQD6ej5W has no TCP port behind the host, for example /ip4/192.0.2.1/tcp/60000/p2p/16Uiu2HAm...
    service node /ip4/127.0.0.1/tcp/0/p2p/16Uiu2HAkykgaECHswi3YKJ5dMLbq2kPVCo89fcyTd38UcQD6ej5W has no TCP port behind the host, for example /ip4/192.0.2.1/tcp/60000/p2p/16Uiu2HAm...
    service node /ip4/127.0.0.1/udp/1/quic-v1/p2p/16Uiu2HAkykgaECHswi3YKJ5dMLbq2kPVCo89fcyTd38UcQD6ej5W cannot be dialled: /udp/1 is not supported, only tcp, ws and wss are
    service node /ip4/127.0.0.1/tcp/1/p2p/16Uiu2HAkykgaECHswi3YKJ5dMLbq2kPVCo89fcyTd38UcQD6ej5W/p2p-circuit/p2p/16Uiu2HAkykgaECHswi3YKJ5dMLbq2kPVCo89fcyTd38UcQD6ej5W cannot be dialled: /p2p-circuit is not supported, only tcp, ws and wss are
    service node "/ip4/300.0.0.1/tcp/1" is not a valid multiaddr: failed to parse: invalid IPv4 address syntax, for example /ip4/192.0.2.1/tcp/60000/p2p/16Uiu2HAm...
    service node "/ip4/127.0.0.1/tcp/1/p2p/nobody" is not a valid multiaddr: failed to parse: invalid multihash, for example /ip4/192.0.2.1/tcp/60000/p2p/16Uiu2HAm...
    node record is not valid or not complete: InputTooShort
    "#);
}

#[test]
fn a_node_record_gives_what_can_be_dialled_and_leaves_out_the_rest() {
    let key = libp2p::identity::Keypair::generate_secp256k1();
    let peer = key.public().to_peer_id();
    let quic = "/ip4/192.0.2.1/udp/60000/quic-v1";
    let record = NodeRecordBuilder::new()
        .address("/ip4/192.0.2.1/tcp/60000".parse().unwrap())
        .address(quic.parse().unwrap())
        .address("/dns4/node.example.org/tcp/443/wss".parse().unwrap())
        .build(&key)
        .unwrap();
    let node = parse(record.text()).unwrap();
    assert_eq!(node.peer_id, peer);
    let expected = ["/ip4/192.0.2.1/tcp/60000", "/dns4/node.example.org/tcp/443/wss"]
        .map(|front| format!("{front}/p2p/{peer}").parse::<Multiaddr>().unwrap());
    assert_eq!(node.addresses, expected);

    let only_quic = NodeRecordBuilder::new()
        .address(quic.parse().unwrap())
        .build(&key)
        .unwrap();
    assert_eq!(
        parse(only_quic.text()),
        Err(AddressError::NothingToDial { peer_id: peer })
    );
}

#[test]
fn giant_texts_are_refused_before_they_are_parsed() {
    let text = format!("/dns4/{}/tcp/1/p2p/{PEER}", "a".repeat(100_000));
    assert!(matches!(
        parse(&text),
        Err(AddressError::TooLong { max_chars: 1024, .. })
    ));
}

proptest! {
    #[test]
    fn any_text_parses_or_fails_without_panic(text in ".{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn any_multiaddr_is_accepted_only_with_host_port_and_peer(
        parts in proptest::collection::vec(
            prop::sample::select(vec![
                "/ip4/127.0.0.1".to_owned(), "/tcp/1".to_owned(), "/udp/1".to_owned(), "/ws".to_owned(),
                "/tls".to_owned(), "/wss".to_owned(), format!("/p2p/{PEER}"), "/p2p-circuit".to_owned(),
            ]),
            1..6,
        ),
    ) {
        let text = parts.concat();
        let accepted = parse(&text).is_ok();
        let dialable = ["", "/ws", "/wss", "/tls/ws"]
            .iter()
            .any(|middle| text == format!("/ip4/127.0.0.1/tcp/1{middle}/p2p/{PEER}"));
        prop_assert_eq!(accepted, dialable, "{}", text);
    }
}
