//! How fast the chain is, beside what libp2p alone can do on the same machine in the same minutes.
//!
//! `cargo bench -p lpt --bench throughput` prints three parts:
//!
//! - (a) bare: request and response of 1 KiB on a new stream each, 64 in flight, one connection, two processes;
//! - (b) push: `lpt publisher` to `lpt node`, acknowledged pushes of 1 KiB, 64 in flight, both event logs written;
//! - (c) chain: `lpt run` with publisher, two relaying nodes and a receiver, at 4,000 and at 2,000 messages a second.
//!
//! (a) and (b) alternate, and the middle of three rounds counts. `--quick` shortens every part, for a look only.

#![allow(clippy::print_stdout, reason = "the figures are what a benchmark is for")]

mod bare;
mod chain;
mod processes;
mod push;

use std::time::Duration;

/// Payload of every message, bytes.
const SIZE_BYTES: usize = 1024;

/// Requests unanswered at a time in (a) and (b).
const IN_FLIGHT: usize = 64;

/// Rounds of (a) and (b).
const ROUNDS: usize = 3;

/// Length of one round and of the chain's load.
struct Plan {
    bare: Duration,
    pushes: u64,
    chain: Duration,
}

fn main() {
    if std::env::var_os(bare::SERVER_VARIABLE).is_some() {
        bare::serve();
        return;
    }
    let quick = std::env::args().any(|arg| arg == "--quick");
    let plan = if quick {
        Plan {
            bare: Duration::from_secs(1),
            pushes: 5_000,
            chain: Duration::from_secs(3),
        }
    } else {
        Plan {
            bare: Duration::from_secs(5),
            pushes: 50_000,
            chain: Duration::from_secs(30),
        }
    };
    let mut bare_rates = Vec::new();
    let mut push_rates = Vec::new();
    for round in 1..=ROUNDS {
        let bare = bare::measure(plan.bare);
        let push = push::measure(plan.pushes);
        println!(
            "round {round}: (a) bare {bare:>7.0}/s   (b) push {:>7.0}/s   publisher {} MB",
            push.per_s, push.rss_mb
        );
        bare_rates.push(bare);
        push_rates.push(push.per_s);
    }
    let (bare, push) = (middle(bare_rates), middle(push_rates));
    println!(
        "middle:  (a) bare {bare:>7.0}/s   (b) push {push:>7.0}/s   (b)/(a) {:.2}",
        push / bare
    );
    for per_s in [4_000, 2_000] {
        println!("{}", chain::measure(per_s, plan.chain));
    }
}

fn middle(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
