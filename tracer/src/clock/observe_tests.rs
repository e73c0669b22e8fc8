//! What is kept of a large fleet.

use event_log::{
    Timestamp,
    event::{LightpushHandled, Published, Received},
};

use super::*;

const HASH: MessageHash = MessageHash([1; 32]);

fn author<'a>(boot: &'a str, own: Option<&'a str>) -> Author<'a> {
    Author {
        boot: Some(boot),
        own,
        ..Author::default()
    }
}

fn record(ms: i64, event: impl Into<Event>) -> Record {
    Record {
        time: Timestamp::from_unix_ns(ms * 1_000_000),
        event: event.into(),
    }
}

fn received(client: u32) -> Received {
    Received {
        client,
        sender: "p".to_owned(),
        index: 1,
        attempt: None,
        hash: HASH,
        size_bytes: 1,
        service_node: "n".to_owned(),
        transport: None,
        content_topic: "t".to_owned(),
        run: None,
        intended: None,
        sent: None,
    }
}

#[test]
fn thousands_of_receivers_do_not_crowd_out_the_message() {
    let mut observer = Observer::default();
    let [publisher, receiver] = ["p", "r"].map(|boot| observer.log(author(boot, None)));
    let node = observer.log(author("n", Some("n")));
    let at = |ms: i64| Timestamp::from_unix_ns(ms * 1_000_000);
    let published = Published {
        sender: "p".to_owned(),
        index: 1,
        attempt: 1,
        hash: HASH,
        size_bytes: 1,
        service_node: "n".to_owned(),
        transport: None,
        intended: at(100),
        sent: at(100),
        acked: at(130),
        status: 200,
        status_text: None,
        relay_peers: None,
    };
    observer.add(&publisher, &record(130, published));
    let handled = LightpushHandled {
        peer: "p".to_owned(),
        protocol: "v3".to_owned(),
        request_id: "1".to_owned(),
        hash: Some(HASH),
        pubsub_topic: None,
        content_topic: None,
        size_bytes: 1,
        received: at(110),
        status: 200,
        status_text: None,
        relay_peers: None,
    };
    observer.add(&node, &record(120, handled));
    for client in 0..10_000 {
        observer.add(&receiver, &record(140 + i64::from(client), received(client)));
    }
    assert!(observer.moments < 10, "{}", observer.moments);
    let expected = super::super::Clocks::Within {
        lo_ns: -10_000_000,
        hi_ns: 10_000_000,
    };
    assert_eq!(observer.finish().between("boot p", "boot n"), expected);
}

#[test]
fn what_does_not_fit_is_the_same_in_every_order() {
    let moments = |observer: &mut Observer, log: &LogClock, numbers: &mut dyn Iterator<Item = u8>| {
        for number in numbers {
            for node in 0..number % 5 {
                let to = format!("node {node}");
                observer.put(log, MessageHash([number; 32]), 7, Moment::Sent { to });
            }
        }
    };
    let kept = |observer: Observer| observer.by_hash.into_keys().collect::<Vec<_>>();
    let all = || (0..200_u8).flat_map(|number| [number, number]);
    let mut forward = Observer::with_room(100);
    let log = forward.log(author("p", None));
    let (mut backward, mut even, mut odd) = (
        Observer::with_room(100),
        Observer::with_room(100),
        Observer::with_room(100),
    );
    moments(&mut forward, &log, &mut all());
    moments(&mut backward, &log, &mut all().rev());
    moments(&mut even, &log, &mut all().filter(|number| number.is_multiple_of(2)));
    moments(&mut odd, &log, &mut all().filter(|number| !number.is_multiple_of(2)));
    even.append(odd);
    let forward = kept(forward);
    assert!((10..100).contains(&forward.len()), "{}", forward.len());
    assert_eq!(forward, kept(backward));
    assert_eq!(forward, kept(even));
}
