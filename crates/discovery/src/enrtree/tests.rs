//! The example of EIP-1459, and lists that are broken, hostile, endless or large.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use libp2p::identity::Keypair;
use proptest::prelude::*;
use waku::{Capability, NodeRecord, NodeRecordBuilder};

use super::*;
use crate::{
    testing::{NameServer, Zone, publish},
    txt::{NameServers, TxtError, TxtResolver},
};

/// The example zone of EIP-1459, "Example (in zone file format)".
const EIP_ZONE: [(&str, &str); 6] = [
    (
        "",
        "enrtree-root:v1 e=JWXYDBPXYWG6FX3GMDIBFA6CJ4 l=C7HRFPF3BLGF3YR4DY5KX3SMBE seq=1 sig=o908WmNp7LibOfPsr4btQwatZJ5URBr2ZAuxvK4UWHlsB9sUOTJQaGAlLPVAhM__XJesCHxLISo94z5Z2a463gA",
    ),
    (
        "C7HRFPF3BLGF3YR4DY5KX3SMBE.",
        "enrtree://AM5FCQLWIZX2QFPNJAP7VUERCCRNGRHWZG3YYHIUV7BVDQ5FDPRT2@morenodes.example.org",
    ),
    (
        "JWXYDBPXYWG6FX3GMDIBFA6CJ4.",
        "enrtree-branch:2XS2367YHAXJFGLZHVAWLQD4ZY,H4FHT4B454P6UXFD7JCYQ5PWDY,MHTDO6TMUBRIA2XWG5LUDACK24",
    ),
    (
        "2XS2367YHAXJFGLZHVAWLQD4ZY.",
        "enr:-HW4QOFzoVLaFJnNhbgMoDXPnOvcdVuj7pDpqRvh6BRDO68aVi5ZcjB3vzQRZH2IcLBGHzo8uUN3snqmgTiE56CH3AMBgmlkgnY0iXNlY3AyNTZrMaECC2_24YYkYHEgdzxlSNKQEnHhuNAbNlMlWJxrJxbAFvA",
    ),
    (
        "H4FHT4B454P6UXFD7JCYQ5PWDY.",
        "enr:-HW4QAggRauloj2SDLtIHN1XBkvhFZ1vtf1raYQp9TBW2RD5EEawDzbtSmlXUfnaHcvwOizhVYLtr7e6vw7NAf6mTuoCgmlkgnY0iXNlY3AyNTZrMaECjrXI8TLNXU0f8cthpAMxEshUyQlK-AM0PW2wfrnacNI",
    ),
    (
        "MHTDO6TMUBRIA2XWG5LUDACK24.",
        "enr:-HW4QLAYqmrwllBEnzWWs7I5Ev2IAs7x_dZlbYdRdMUx5EyKHDXp7AV5CkuPGUPdvbv1_Ms1CPfhcGCvSElSosZmyoqAgmlkgnY0iXNlY3AyNTZrMaECriawHKWdDRk2xeZkrOXBQ0dfMFLHY4eENZwdufn1S1o",
    ),
];

const EIP_URL: &str = "enrtree://AKPYQIUQIL7PSIACI32J7FGZW56E5FKHEFCCOFHILBIMW3M6LWXS2@nodes.example.org";
const DOMAIN: &str = "nodes.example.org";

fn eip_zone() -> Zone {
    let name = |prefix: &str| format!("{prefix}{DOMAIN}").to_lowercase();
    EIP_ZONE
        .iter()
        .map(|(prefix, text)| (name(prefix), (*text).to_owned()))
        .collect()
}

fn eip_url() -> TreeUrl {
    EIP_URL.parse().unwrap()
}

fn record() -> NodeRecord {
    NodeRecordBuilder::new()
        .address("/ip4/127.0.0.1/tcp/60000".parse().unwrap())
        .capabilities([Capability::Relay, Capability::Filter])
        .shards(2, &[0])
        .build(&Keypair::generate_secp256k1())
        .unwrap()
}

fn texts(list: &NodeList) -> HashSet<&str> {
    list.records.iter().map(NodeRecord::text).collect()
}

#[tokio::test]
async fn the_example_of_the_eip_reads() {
    let list = walk(&eip_url(), &eip_zone()).await.unwrap();
    let expected: HashSet<&str> = EIP_ZONE[3..].iter().map(|(_, text)| *text).collect();
    assert_eq!((texts(&list), list.sequence, list.is_cut), (expected, 1, false));
    // The list it links to does not exist.
    assert_eq!(list.bad_count, 1);
    let error = list.first_error.unwrap();
    assert!(error.contains("morenodes.example.org"), "{error}");
}

#[test]
fn the_hashes_of_the_eip_are_those_of_its_texts() {
    for (name, text) in &EIP_ZONE[1..] {
        let name = name.trim_end_matches('.');
        assert_eq!(SubtreeHash::of(text).to_string(), name);
        assert!(name.parse::<SubtreeHash>().unwrap().fits(text));
        assert!(!name.parse::<SubtreeHash>().unwrap().fits(&format!("{text}A")));
        assert_eq!(text.parse::<Entry>().unwrap().to_string(), *text);
    }
    assert_eq!(eip_url().to_string(), EIP_URL);
}

#[test]
fn a_root_that_was_changed_or_signed_by_another_is_refused() {
    let (url, root) = (eip_url(), EIP_ZONE[0].1);
    assert!(Root::read(root, url.key()).is_ok());
    let stranger: TreeUrl = EIP_ZONE[1].1.parse().unwrap();
    assert_eq!(Root::read(root, stranger.key()), Err(RootError::Signature));
    for (from, to, expected) in [
        ("seq=1", "seq=2", RootError::Signature),
        ("e=JWXY", "e=JWXZ", RootError::Signature),
        ("sig=o", "sig=p", RootError::Signature),
        ("3gA", "", RootError::Signature),
        (" l=", " k=", RootError::Form),
        ("root:v1", "root:v2", RootError::Form),
        ("seq=1", "seq=1 x=1", RootError::Form),
        (" sig=", " gis=", RootError::Form),
    ] {
        assert_eq!(
            Root::read(&root.replace(from, to), url.key()),
            Err(expected),
            "{from} → {to}"
        );
    }
    let long = format!("{root}{}", "A".repeat(4000));
    assert!(matches!(Root::read(&long, url.key()), Err(RootError::TooLong { .. })));
}

#[tokio::test]
async fn a_root_of_no_use_is_an_error_with_the_domain() {
    let url = eip_url();
    let mut zone = eip_zone();
    zone.insert(DOMAIN.into(), "v=spf1 -all".into());
    let error = walk(&url, &zone).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "node list at nodes.example.org: none of its 1 TXT records is the root of a list"
    );
    zone.remove(DOMAIN);
    assert!(matches!(walk(&url, &zone).await, Err(WalkError::Lookup { .. })));
}

#[tokio::test]
async fn a_record_that_does_not_fit_its_hash_is_left_out_and_the_rest_is_kept() {
    let mut zone = eip_zone();
    let name = format!("{}{DOMAIN}", EIP_ZONE[4].0).to_lowercase();
    zone.insert(name, EIP_ZONE[3].1.to_owned());
    let list = walk(&eip_url(), &zone).await.unwrap();
    assert_eq!((list.records.len(), list.bad_count), (2, 2));
    assert!(list.first_error.unwrap().contains("fits the hash"));
}

#[tokio::test]
async fn large_lists_and_linked_lists_read_and_cycles_end() {
    let (a, b) = ((0..200).map(|_| record()).collect::<Vec<_>>(), vec![record()]);
    let (url_a, _) = publish(1, "a.example", &[], &[]);
    let (url_b, zone_b) = publish(2, "b.example", &b, std::slice::from_ref(&url_a));
    let (url_a, mut zone) = publish(1, "a.example", &a, &[url_b]);
    zone.extend(zone_b);
    let list = walk(&url_a, &zone).await.unwrap();
    assert_eq!((list.records.len(), list.bad_count, list.is_cut), (201, 0, false));
}

/// A zone that counts how often it is asked.
struct Counting {
    zone: Zone,
    lookups: AtomicUsize,
}

impl TxtResolver for Counting {
    async fn txt(&self, name: &str) -> Result<Vec<String>, TxtError> {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        self.zone.txt(name).await
    }
}

#[tokio::test]
async fn a_list_of_too_many_records_is_cut_and_says_so() {
    let records: Vec<_> = (0..1_200).map(|_| record()).collect();
    let (url, zone) = publish(3, "huge.example", &records, &[]);
    let resolver = Counting {
        zone,
        lookups: AtomicUsize::new(0),
    };
    let list = walk(&url, &resolver).await.unwrap();
    assert!(list.is_cut && !list.records.is_empty() && list.records.len() < records.len());
    assert_eq!(resolver.lookups.load(Ordering::Relaxed), MAX_LOOKUPS);
}

#[tokio::test]
async fn links_beyond_the_limit_are_not_followed() {
    let mut zone = Zone::new();
    let mut links = Vec::new();
    for seed in 10..30 {
        let (url, more) = publish(seed, &format!("list-{seed}.example"), &[record()], &[]);
        zone.extend(more);
        links.push(url);
    }
    let (url, more) = publish(3, "first.example", &[], &links);
    zone.extend(more);
    let list = walk(&url, &zone).await.unwrap();
    assert_eq!((list.records.len(), list.is_cut), (MAX_LISTS - 1, true));
}

#[tokio::test]
async fn a_tree_that_is_too_deep_is_cut() {
    let mut zone = Zone::new();
    let mut text = record().text().to_owned();
    for _ in 0..=MAX_DEPTH + 1 {
        let hash = SubtreeHash::of(&text);
        zone.insert(format!("{hash}.deep.example").to_lowercase(), text);
        text = Entry::Branch(vec![hash]).to_string();
    }
    let hash = SubtreeHash::of(&text);
    zone.insert(format!("{hash}.deep.example").to_lowercase(), text);
    let (url, root) = crate::testing::publish_root(9, "deep.example", hash);
    zone.extend(root);
    let list = walk(&url, &zone).await.unwrap();
    assert_eq!((list.records.len(), list.is_cut), (0, true));
}

/// The same through sockets: hickory as the client, a name server on loopback, records in parts of 255 bytes.
#[tokio::test]
async fn a_list_is_read_from_a_real_name_server() {
    let records: Vec<_> = (0..40).map(|_| record()).collect();
    let (url, zone) = publish(4, "fleet.example", &records, &[]);
    let server = NameServer::start(zone).await.unwrap();
    let resolver = NameServers::new(vec![server.address()]);
    let list = walk(&url, &resolver).await.unwrap();
    assert_eq!((list.records.len(), list.bad_count), (40, 0), "{:?}", list.first_error);
    let missing = walk(&publish(5, "no.example", &[], &[]).0, &resolver)
        .await
        .unwrap_err();
    assert_eq!(
        missing.to_string(),
        "node list at no.example: TXT records of no.example cannot be looked up: there is no such name"
    );
}

#[test]
fn urls_that_are_none_say_what_is_wrong() {
    for (text, expected) in [
        ("http://a@b", "begins with \"enrtree://\""),
        ("enrtree://nodes.example.org", "there is no \"@\""),
        ("enrtree://A@nodes.example.org", "base32"),
        ("enrtree://AAAA@nodes.example.org", "2 bytes instead of 33"),
        (&EIP_URL.replace("nodes.example.org", "no des"), "is no domain name"),
        (&EIP_URL.replace("nodes.example.org", ""), "is no domain name"),
        (
            &EIP_URL.replace("nodes.example.org", &"a.".repeat(150)),
            "is no domain name",
        ),
    ] {
        let error = text.parse::<TreeUrl>().unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert_eq!(EIP_URL.replace("nodes", "NODES").parse::<TreeUrl>(), Ok(eip_url()));
}

proptest! {
    #[test]
    fn hashes_fit_their_text_and_no_other(text in "\\PC{0,80}", other in "\\PC{0,80}") {
        let hash = SubtreeHash::of(&text);
        prop_assert!(hash.fits(&text));
        prop_assert_eq!(hash.fits(&other), text == other);
        prop_assert_eq!(hash.to_string().parse::<SubtreeHash>(), Ok(hash));
    }

    #[test]
    fn branches_read_back(texts in proptest::collection::vec("[a-z]{1,20}", 0..20)) {
        let branch = Entry::Branch(texts.iter().map(|text| SubtreeHash::of(text)).collect());
        prop_assert_eq!(branch.to_string().parse::<Entry>(), Ok(branch));
    }

    #[test]
    fn any_text_is_read_or_refused_without_panic(text in "(enrtree-root:v1 |enrtree-branch:|enr:|enrtree://)?\\PC{0,120}") {
        let _ = text.parse::<Entry>();
        let _ = text.parse::<TreeUrl>();
        let _ = Root::read(&text, eip_url().key());
    }
}
