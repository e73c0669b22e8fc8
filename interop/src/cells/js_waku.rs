//! js-waku clients at our service node.

use super::Outcome;
use crate::{
    check::{Published, sent_bytes_hash_alike, tracer_passes},
    lab::Lab,
};

/// js-waku pushes by lightpush version 3.
pub(super) fn publishes_v3(lab: &Lab<'_>) -> Outcome {
    publishes(lab, "v3")
}

/// js-waku pushes by lightpush version 2.
pub(super) fn publishes_v2(lab: &Lab<'_>) -> Outcome {
    publishes(lab, "v2")
}

fn publishes(lab: &Lab<'_>, lightpush: &str) -> Outcome {
    let node = lab.our_node("node-1", &["--standalone"])?;
    let mut ours = lab.our_receiver("receiver-ours", &node.tcp, lab.args.messages)?;
    let mut theirs = lab.js_receiver("receiver-js", &node, lab.args.messages)?;
    let mut publisher = lab.js_publisher("publisher-js", &node, lightpush)?;
    publisher.finish()?;
    ours.finish()?;
    theirs.finish()?;
    node.process.end()?;
    sent_bytes_hash_alike(&publisher)?;
    let published = Published::by(&[&publisher], lab.args.messages)?;
    published.must_have_arrived(&ours)?;
    published.must_have_arrived(&theirs)?;
    tracer_passes(lab, 1, 2)?;
    Ok(format!("{} delivered to each of two receivers", published.count()))
}

/// js-waku receives what our publisher pushed.
pub(super) fn receives(lab: &Lab<'_>) -> Outcome {
    let node = lab.our_node("node-1", &["--standalone"])?;
    let mut receiver = lab.js_receiver("receiver-js", &node, lab.args.messages)?;
    let mut publisher = lab.our_publisher("publisher-1", &node.tcp, "v3")?;
    publisher.finish()?;
    receiver.finish()?;
    node.process.end()?;
    let published = Published::by(&[&publisher], lab.args.messages)?;
    published.must_have_arrived(&receiver)?;
    tracer_passes(lab, 1, 1)?;
    Ok(format!("{} delivered", published.count()))
}
