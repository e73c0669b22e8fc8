//! go-waku's REST API serves our publisher and our receiver.

use event_log::{Event, event::Transport};

use super::Outcome;
use crate::{
    check::{GO_DELIVERED, GO_PUSHED, Published, tracer_passes, tracer_reads},
    failure::Failure,
    lab::Lab,
    party::{Client, events},
    paths::{arrivals, must_have_used, nothing_was_at_risk, report_must_show, rows_of},
};

/// Five messages a second of each publisher: two publishers stay below the 15 pushes a second that go-waku's filter
/// client takes, and its mailbox of 30 messages, filled twice, is full only after a second and a half without a poll.
const INTERVAL: &str = "--interval=200ms";

/// How often the receivers poll.
const POLL_INTERVAL: &str = "--rest-poll-interval=100ms";

/// Copies of a message at a go-waku that relays and is a filter client too. Both tell its broadcaster (`waku_relay.go`,
/// `filter/client.go`), from which the REST mailbox and its own filter subscribers alike are served (`wakunode2.go`).
const COPIES_MAX: usize = 2;

/// go-waku as a light client of our node, for our clients: nothing arrives twice.
pub(super) fn both_ends(lab: &Lab<'_>) -> Outcome {
    let node = lab.our_node("node-1", &["--standalone"])?;
    let theirs = lab.go_node("go-waku-1", &["-light", "-rest", "-static-peer", &node.tcp])?;
    let rest = &theirs.ready.rest;
    let mut receiver = lab.our_receiver_with("receiver-1", rest, lab.args.messages, &[POLL_INTERVAL])?;
    let mut publisher = publisher(lab, "publisher-1", rest)?;
    publisher.finish()?;
    receiver.finish()?;
    let (peer_id, messages) = (theirs.ready.peer_id.clone(), theirs.messages.clone());
    theirs.process.end()?;
    node.process.end()?;
    let published = Published::by(&[&publisher], lab.args.messages)?;
    published.must_have_arrived(&receiver)?;
    published.must_stand_in("go-waku-1", &messages)?;
    for client in [&publisher, &receiver] {
        must_have_used(&client.log, &peer_id, &[Transport::Rest])?;
    }
    nothing_was_at_risk(&receiver.log)?;
    tracer_passes(lab, 1, 1)?;
    report_must_show(lab, &rows_of(&peer_id)[1..], published.count() as u64)?;
    Ok(format!("{} delivered, pushed and polled over REST", published.count()))
}

/// A go-waku relay by both of its addresses: a publisher at each, and one receiver at both.
pub(super) fn both_paths(lab: &Lab<'_>) -> Outcome {
    let mut node = lab.our_node("node-1", &[])?;
    let theirs = lab.go_node(
        "go-waku-1",
        &["-rest", "-min-relay-peers", "1", "-static-peer", &node.tcp],
    )?;
    node.wait_for_mesh()?;
    let (peer_id, rest) = (theirs.ready.peer_id.clone(), theirs.ready.rest.clone());
    let second = format!("--service-node={rest}");
    let mut receiver = lab.our_lasting_receiver("receiver-1", theirs.address(), &[&second, POLL_INTERVAL])?;
    wait_for_both_subscriptions(&mut receiver)?;
    let mut publishers = [
        publisher(lab, "publisher-rest", &rest)?,
        publisher(lab, "publisher-libp2p", theirs.address())?,
    ];
    for publisher in &mut publishers {
        publisher.finish()?;
    }
    wait_for_all_over_both(&mut receiver, 2 * lab.args.messages as usize)?;
    let heard = receiver.log.clone();
    receiver.process.end()?;
    let (log, messages) = (theirs.log.clone(), theirs.messages.clone());
    theirs.process.end()?;
    node.process.end()?;

    let published = Published::by(&publishers.each_ref(), lab.args.messages)?;
    let pushed = arrivals(&heard, Transport::Libp2p);
    let polled = arrivals(&heard, Transport::Rest);
    published.must_be_up_to(COPIES_MAX, "receiver-1 over libp2p", &pushed)?;
    published.must_be_up_to(COPIES_MAX, "receiver-1 over REST", &polled)?;
    published.must_stand_up_to(COPIES_MAX, "go-waku-1", &messages)?;
    must_have_used(&heard, &peer_id, &[Transport::Libp2p, Transport::Rest])?;
    must_have_used(&publishers[0].log, &peer_id, &[Transport::Rest])?;
    must_have_used(&publishers[1].log, &peer_id, &[Transport::Libp2p])?;
    nothing_was_at_risk(&heard)?;
    tracer_reads(lab, &log, GO_DELIVERED, published.count())?;
    tracer_reads(lab, &log, GO_PUSHED, published.count() / 2)?;
    tracer_passes(lab, publishers.len(), 1)?;
    report_must_show(lab, &rows_of(&peer_id), u64::from(lab.args.messages))?;
    Ok(format!(
        "{} delivered over each path, in {} copies over libp2p and {} over REST",
        published.count(),
        pushed.values().sum::<usize>(),
        polled.values().sum::<usize>()
    ))
}

fn publisher(lab: &Lab<'_>, name: &str, address: &str) -> Result<Client, Failure> {
    let messages = format!("--messages={}", lab.args.messages);
    lab.our_publisher_with(name, address, &["--lightpush=v2", &messages, INTERVAL])
}

fn wait_for_both_subscriptions(receiver: &mut Client) -> Result<(), Failure> {
    let log = receiver.log.clone();
    receiver.process.wait_for("its subscriptions over libp2p and REST", || {
        let over = |transport| {
            let subscribed =
                |event: &Event| matches!(event, Event::Subscribed(event) if event.transport == Some(transport));
            events(&log).iter().any(subscribed)
        };
        (over(Transport::Libp2p) && over(Transport::Rest)).then_some(())
    })
}

fn wait_for_all_over_both(receiver: &mut Client, count: usize) -> Result<(), Failure> {
    let log = receiver.log.clone();
    let what = format!("{count} messages over libp2p and as many over REST");
    receiver.process.wait_for(&what, || {
        let all_over = |transport| arrivals(&log, transport).len() >= count;
        (all_over(Transport::Libp2p) && all_over(Transport::Rest)).then_some(())
    })
}
