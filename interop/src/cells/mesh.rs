//! Our relay and go-waku's in one mesh.

use std::thread;

use super::Outcome;
use crate::{
    check::{GO_DELIVERED, GO_PUSHED, Published, sent_bytes_hash_alike, tracer_passes, tracer_reads},
    failure::Failure,
    lab::Lab,
    party::{Client, GoNode, OurNode},
};

/// Two rounds with publishers at both nodes and receivers at both, and a pause in which nothing is sent: relays that
/// forget a quiet peer lose the second round.
pub(super) fn with_a_pause(lab: &Lab<'_>) -> Outcome {
    let (ours, theirs) = go_waku_dials_us(lab)?;
    // Each round has two publishers.
    let expected = 4 * lab.args.messages;
    let mut receivers = [
        lab.our_receiver("receiver-ours", &ours.tcp, expected)?,
        lab.our_receiver("receiver-go-waku", theirs.address(), expected)?,
    ];
    let mut publishers = Vec::new();
    publishers.extend(one_round(lab, &ours, &theirs, 1)?);
    for receiver in &mut receivers {
        receiver.wait_for_arrivals(2 * lab.args.messages as usize)?;
    }
    // The pause is what this cell is about.
    thread::sleep(lab.args.idle);
    publishers.extend(one_round(lab, &ours, &theirs, 2)?);
    for receiver in &mut receivers {
        receiver.finish()?;
    }
    let (log, messages) = (theirs.log.clone(), theirs.messages.clone());
    theirs.process.end()?;
    ours.process.end()?;
    let publishers: Vec<_> = publishers.iter().collect();
    let published = Published::by(&publishers, lab.args.messages)?;
    for receiver in &receivers {
        published.must_have_arrived(receiver)?;
    }
    published.must_stand_in("go-waku-1", &messages)?;
    tracer_reads(lab, &log, GO_DELIVERED, published.count())?;
    tracer_reads(lab, &log, GO_PUSHED, published.count() / 2)?;
    tracer_passes(lab, publishers.len(), receivers.len())?;
    Ok(format!(
        "{} delivered to each of two receivers, {} s idle in between",
        published.count(),
        lab.args.idle.as_secs()
    ))
}

/// A message crosses all three implementations, both ways.
pub(super) fn of_three(lab: &Lab<'_>) -> Outcome {
    let theirs = lab.go_node("go-waku-1", &["-min-relay-peers", "1"])?;
    let static_peer = format!("--static-peer={}", theirs.address());
    let mut ours = lab.our_node("node-1", &[&static_peer])?;
    ours.wait_for_mesh()?;
    let expected = 2 * lab.args.messages;
    let mut at_go_waku = lab.our_receiver("receiver-go-waku", theirs.address(), expected)?;
    let mut js_waku = lab.js_receiver("receiver-js", &ours, expected)?;
    let mut publishers = [
        lab.js_publisher("publisher-js", &ours, "v3")?,
        lab.our_publisher("publisher-go-waku", theirs.address(), "v2")?,
    ];
    for client in &mut publishers {
        client.finish()?;
    }
    at_go_waku.finish()?;
    js_waku.finish()?;
    let (log, messages) = (theirs.log.clone(), theirs.messages.clone());
    ours.process.end()?;
    theirs.process.end()?;
    sent_bytes_hash_alike(&publishers[0])?;
    let published = Published::by(&publishers.each_ref(), lab.args.messages)?;
    published.must_have_arrived(&at_go_waku)?;
    published.must_have_arrived(&js_waku)?;
    published.must_stand_in("go-waku-1", &messages)?;
    tracer_reads(lab, &log, GO_DELIVERED, published.count())?;
    tracer_passes(lab, 2, 2)?;
    Ok(format!("{} delivered to each of two receivers", published.count()))
}

fn go_waku_dials_us(lab: &Lab<'_>) -> Result<(OurNode, GoNode), Failure> {
    let mut ours = lab.our_node("node-1", &[])?;
    let theirs = lab.go_node("go-waku-1", &["-min-relay-peers", "1", "-static-peer", &ours.tcp])?;
    ours.wait_for_mesh()?;
    Ok((ours, theirs))
}

/// A publisher at each node, both at once.
fn one_round(lab: &Lab<'_>, ours: &OurNode, theirs: &GoNode, round: u32) -> Result<[Client; 2], Failure> {
    let mut publishers = [
        lab.our_publisher(&format!("publisher-ours-{round}"), &ours.tcp, "v3")?,
        lab.our_publisher(&format!("publisher-go-waku-{round}"), theirs.address(), "v2")?,
    ];
    for publisher in &mut publishers {
        publisher.finish()?;
    }
    Ok(publishers)
}
