//! Writes the logs of a made-up nwaku fleet, the same for the same plan: who relays what to whom follows from the
//! numbers alone.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, BufWriter, Write as _},
    path::Path,
};

/// Size of a fleet and of its run.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Service nodes, a file each.
    pub nodes: u32,
    /// Messages, each received by every node.
    pub messages: u32,
    /// Relay peers each node sends a message on to.
    pub relay_peers: u32,
}

/// First message, milliseconds since the epoch: 2025-11-20T13:00:00Z.
const START_MS: u64 = 1_763_643_600_000;

/// One message a second.
const INTERVAL_MS: u64 = 1000;

/// Time a message needs for a hop.
const HOP_MS: u64 = 40;

/// The short peer id of node `node`, as nwaku logs it.
pub fn short_id(node: u32) -> String {
    format!("16U*{}", tail(node))
}

/// The full peer id of node `node`.
pub fn full_id(node: u32) -> String {
    format!("16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTP{}", tail(node))
}

/// Six characters of base 58 that differ for every node.
fn tail(node: u32) -> String {
    const DIGITS: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut rest = u64::from(node) + 58_u64.pow(5);
    let mut text = [0; 6];
    for digit in text.iter_mut().rev() {
        *digit = DIGITS[(rest % 58) as usize];
        rest /= 58;
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The 64 digits of the hash of message `message`.
pub fn hash_digits(message: u32) -> String {
    let mut digits = String::with_capacity(64);
    let mut state = u64::from(message);
    for _ in 0..4 {
        // SplitMix64 (Steele, Lea, Flood 2014): spreads consecutive numbers over all bits.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        let _ = write!(digits, "{:016x}", mixed ^ mixed >> 31);
    }
    digits
}

/// Time of day after 13:00:00 as nwaku 0.36 writes it.
pub fn clock(at_ms: u64) -> String {
    let ms = at_ms - START_MS;
    format!(
        "2025-11-20 {:02}:{:02}:{:02}.{:03}+00:00",
        13 + ms / 3_600_000,
        ms / 60_000 % 60,
        ms / 1000 % 60,
        ms % 1000
    )
}

/// Nanoseconds that went through a float of seconds: multiples of 256.
fn float_ns(at_ms: u64) -> u64 {
    at_ms * 1_000_000 / 256 * 256
}

/// Writes the log of one node. `skips` says which messages it never gets.
pub fn write_node(
    path: &Path,
    plan: Plan,
    node: u32,
    skips: impl Fn(u32) -> bool,
    mut each: impl FnMut(u32, u64, &mut String),
) -> io::Result<u64> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut lines = 1;
    let (own, full) = (short_id(node), full_id(node));
    writeln!(
        out,
        "INF {} Listening on                               topics=\"waku node\" tid=1 file=waku_node.nim:1 \
         full=[/ip4/127.0.0.1/tcp/60000/p2p/{full}]",
        clock(START_MS)
    )?;
    let mut text = String::new();
    for message in (0..plan.messages).filter(|message| !skips(*message)) {
        let hash = hash_digits(message);
        let at_ms = START_MS + 1000 + u64::from(message) * INTERVAL_MS + u64::from(node % 8) * HOP_MS;
        let (time, ns) = (clock(at_ms), float_ns(at_ms));
        let from = short_id((node + plan.nodes - 1) % plan.nodes);
        text.clear();
        let _ = writeln!(
            text,
            "NTC {time} received relay message                     topics=\"waku relay\" tid=7 file=protocol.nim:181 \
             my_peer_id={own} msg_hash=0x{hash} msg_id=b9cf...aecc from_peer_id={from} topic=/waku/2/rs/2/0 \
             receivedTime={ns} payloadSizeBytes=1000"
        );
        for peer in 1..=plan.relay_peers {
            let to = short_id((node + peer * 7) % plan.nodes);
            let _ = writeln!(
                text,
                "NTC {time} sent relay message                         topics=\"waku relay\" tid=7 \
                 file=protocol.nim:200 my_peer_id={own} msg_hash=0x{hash} msg_id=b9cf...aecc to_peer_id={to} \
                 topic=/waku/2/rs/2/0 sentTime={ns} payloadSizeBytes=1000"
            );
        }
        each(message, at_ms, &mut text);
        lines += text.bytes().filter(|byte| *byte == b'\n').count() as u64;
        out.write_all(text.as_bytes())?;
    }
    writeln!(
        out,
        "INF {} Stopping node                              topics=\"waku node\" tid=1 file=waku_node.nim:2",
        clock(START_MS + 10_000 + u64::from(plan.messages) * INTERVAL_MS)
    )?;
    out.flush()?;
    Ok(lines + 1)
}
