//! Turns from node to node.

use libp2p::PeerId;

use super::*;

fn nodes(count: u16) -> Vec<ServiceNode> {
    let node = |port| format!("/ip4/127.0.0.1/tcp/{port}/p2p/{}", PeerId::random());
    (1..=count)
        .map(|port| node(port).parse().expect("valid address"))
        .collect()
}

fn choice(nodes: &[ServiceNode], switch_after: u32) -> NodeChoice {
    NodeChoice::new(nodes, 0, NonZeroU32::new(switch_after))
}

#[test]
fn any_three_failures_in_a_row_turn_to_the_next() {
    let nodes = nodes(2);
    let [a, b] = [nodes[0].id(), nodes[1].id()];
    let mut choice = choice(&nodes, 3);
    choice.on_ready(&a);
    assert_eq!(choice.on_failure(&a), Turn::Stay);
    choice.on_disconnected(&a);
    assert_eq!(choice.on_not_connected(), Turn::Stay);
    assert_eq!(
        choice.on_dial_failed(&a),
        Turn::To {
            from: a.clone(),
            to: nodes[1].clone()
        }
    );
    assert_eq!(choice.ready_peer(), None);
    choice.on_ready(&b);
    assert_eq!(choice.ready_peer(), Some(b.clone()));
}

#[test]
fn success_starts_the_count_again() {
    let nodes = nodes(2);
    let a = nodes[0].id();
    let mut choice = choice(&nodes, 2);
    for _ in 0..5 {
        assert_eq!(choice.on_failure(&a), Turn::Stay);
        choice.on_success(&a);
    }
}

#[test]
fn late_failures_of_a_node_left_do_not_count_against_the_next() {
    let nodes = nodes(3);
    let a = nodes[0].id();
    let mut choice = choice(&nodes, 1);
    assert!(matches!(choice.on_failure(&a), Turn::To { .. }));
    assert_eq!(choice.on_failure(&a), Turn::Stay);
    assert_eq!(choice.current().id(), nodes[1].id());
}

#[test]
fn a_busy_schedule_waits_for_the_first_dial() {
    let nodes = nodes(2);
    let mut choice = choice(&nodes, 1);
    for _ in 0..100 {
        assert_eq!(choice.on_not_connected(), Turn::Stay);
    }
}

#[test]
fn a_single_or_fixed_node_is_never_left_for_failures() {
    let one = nodes(1);
    let mut single = choice(&one, 1);
    assert_eq!(single.on_failure(&one[0].id()), Turn::Stay);
    let two = nodes(2);
    let mut fixed = NodeChoice::new(&two, 1, None);
    assert_eq!(fixed.current(), &two[1]);
    for _ in 0..10 {
        assert_eq!(fixed.on_failure(&two[1].id()), Turn::Stay);
    }
}

#[test]
fn refusal_turns_at_once_until_nobody_is_left() {
    let nodes = nodes(2);
    let [a, b] = [nodes[0].id(), nodes[1].id()];
    let mut choice = choice(&nodes, 3);
    assert_eq!(
        choice.on_refused(&a),
        Turn::To {
            from: a.clone(),
            to: nodes[1].clone()
        }
    );
    assert_eq!(choice.on_refused(&b), Turn::NoneLeft);
    let mut fixed = NodeChoice::new(&nodes, 0, None);
    assert_eq!(fixed.on_refused(&a), Turn::NoneLeft);
}

#[test]
fn nodes_never_used_come_first_and_more_are_wanted_when_there_are_none() {
    let (given, found) = (nodes(2), nodes(2));
    let mut choice = choice(&given, 1);
    assert_eq!(choice.add(vec![given[1].clone(), found[0].clone()]), Turn::Stay);
    let mut turns = Vec::new();
    for _ in 0..3 {
        assert!(matches!(choice.on_failure(&choice.current().id()), Turn::To { .. }));
        turns.push((choice.current().id(), choice.take_wants_more()));
    }
    let expected = [(given[1].id(), false), (found[0].id(), false), (given[0].id(), true)];
    assert_eq!(turns, expected);
    assert_eq!(choice.add(vec![found[1].clone()]), Turn::Stay);
    choice.on_failure(&given[0].id());
    assert_eq!(
        choice.current().id(),
        found[1].id(),
        "the new one, not the next in turn"
    );
}

#[test]
fn a_client_refused_by_all_turns_to_a_new_node_at_once() {
    let (given, found) = (nodes(1), nodes(1));
    let mut choice = choice(&given, 3);
    assert_eq!(choice.on_refused(&given[0].id()), Turn::NoneLeft);
    assert!(choice.take_wants_more() && choice.is_hopeless());
    let turn = choice.add(found.clone());
    assert_eq!(
        turn,
        Turn::To {
            from: given[0].id(),
            to: found[0].clone()
        }
    );
    assert!(!choice.is_hopeless());
    let mut fixed = NodeChoice::new(&given, 0, None);
    fixed.on_refused(&given[0].id());
    assert_eq!(fixed.add(found), Turn::Stay, "a fixed node is never left");
}
