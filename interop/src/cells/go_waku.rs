//! A go-waku node serves our publisher and our receiver.

use event_log::Event;

use super::Outcome;
use crate::{
    check::{GO_DELIVERED, GO_PUSHED, Published, tracer_passes, tracer_reads},
    failure::Failure,
    lab::Lab,
    party::{Client, GoNode, events},
};

/// Status under which a refusal by go-waku's rate limit is logged; its lightpush v2 has a text alone.
const TOO_MANY_REQUESTS: u32 = 429;

/// Messages where go-waku takes one a second.
const PATIENT_MESSAGES: u32 = 5;

/// One go-waku node, no limits in the way.
pub(super) fn delivers(lab: &Lab<'_>) -> Outcome {
    let node = lab.go_node("go-waku-1", &[])?;
    let mut receiver = lab.our_receiver("receiver-1", node.address(), lab.args.messages)?;
    let mut publisher = lab.our_publisher("publisher-1", node.address(), "v2")?;
    publisher.finish()?;
    receiver.finish()?;
    let version = node.ready.version.clone();
    let delivered = all_delivered(lab, node, &publisher, &receiver, lab.args.messages)?;
    Ok(format!("{delivered} delivered, go-waku {version}"))
}

/// go-waku's own limits: one push a second. Our publisher is refused, says so, and gets everything through by retries.
pub(super) fn with_its_own_rate_limits(lab: &Lab<'_>) -> Outcome {
    let node = lab.go_node("go-waku-1", &["-own-limits"])?;
    let receiver = lab.our_receiver("receiver-1", node.address(), PATIENT_MESSAGES)?;
    let (delivered, publisher) = publishes_patiently(lab, node, receiver)?;
    let refused =
        |event: &Event| matches!(event, Event::PublishFailed(event) if event.status == Some(TOO_MANY_REQUESTS));
    let refusals = events(&publisher.log).iter().filter(|event| refused(event)).count();
    if refusals == 0 {
        return Err(Failure::Request {
            what: "pushing faster than go-waku allows".to_owned(),
            reason: format!("no attempt was refused with status {TOO_MANY_REQUESTS}"),
        });
    }
    Ok(format!(
        "{delivered} delivered after {refusals} refusals ({TOO_MANY_REQUESTS})"
    ))
}

/// go-waku's own filter timeout: within a minute go-waku forgets a subscriber that pings. Our receiver notices by its
/// next ping, logs the gap, and subscribes again.
pub(super) fn with_its_own_filter_timeout(lab: &Lab<'_>) -> Outcome {
    let node = lab.go_node("go-waku-1", &["-own-limits"])?;
    // Two seconds between pings: above go-waku's limit of one filter request a second, far below the minute.
    let flags = ["--ping-interval=2s"];
    let mut receiver = lab.our_receiver_with("receiver-1", node.address(), PATIENT_MESSAGES, &flags)?;
    let log = receiver.log.clone();
    let lost_and_back = || {
        let events = events(&log);
        let lost = events
            .iter()
            .position(|event| matches!(event, Event::SubscriptionLost(_)))?;
        let back = |event: &Event| matches!(event, Event::Subscribed(event) if event.renewed);
        events[lost..].iter().any(back).then_some(())
    };
    receiver
        .process
        .wait_for("the loss and return of its subscription", lost_and_back)?;
    let (delivered, _) = publishes_patiently(lab, node, receiver)?;
    Ok(format!(
        "{delivered} delivered after go-waku forgot a live subscription; fixed upstream after v0.10.1"
    ))
}

/// A publisher that tries again until its turn has come; everything must be delivered. The number of messages, and the
/// publisher for its log.
fn publishes_patiently(lab: &Lab<'_>, node: GoNode, mut receiver: Client) -> Result<(usize, Client), Failure> {
    // Three a second; a refused one is tried again until its turn has come.
    let messages = format!("--messages={PATIENT_MESSAGES}");
    let flags = [
        "--lightpush=v2",
        &messages,
        "--interval=300ms",
        "--attempts=50",
        "--retry-after=700ms",
    ];
    let mut publisher = lab.our_publisher_with("publisher-1", node.address(), &flags)?;
    publisher.finish()?;
    receiver.finish()?;
    let published = all_delivered(lab, node, &publisher, &receiver, PATIENT_MESSAGES)?;
    Ok((published, publisher))
}

/// Ends the node, and checks what one publisher and one receiver left behind. The number of messages.
fn all_delivered(
    lab: &Lab<'_>,
    node: GoNode,
    publisher: &Client,
    receiver: &Client,
    planned: u32,
) -> Result<usize, Failure> {
    let (log, messages) = (node.log.clone(), node.messages.clone());
    node.process.end()?;
    let published = Published::by(&[publisher], planned)?;
    published.must_have_arrived(receiver)?;
    published.must_stand_in("go-waku-1", &messages)?;
    tracer_reads(lab, &log, &[GO_PUSHED, GO_DELIVERED].concat(), published.count())?;
    tracer_passes(lab, 1, 1)?;
    Ok(published.count())
}
