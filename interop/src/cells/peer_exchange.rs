//! go-waku's peer exchange, which it fills by discovery v5.

use std::time::{Duration, Instant};

use waku::{Capability, NodeRecord};

use super::Outcome;
use crate::{
    client::{Asker, block_on},
    failure::Failure,
    lab::{CLUSTER_ID, Lab, SHARD},
    process::PATIENCE,
};

/// How many nodes are asked for.
const WANTED: u64 = 10;

/// Pause between two requests; go-waku looks for nodes every few seconds.
const PAUSE: Duration = Duration::from_millis(500);

/// One go-waku node tells our client of another, which can then be dialled.
pub(super) fn of_go_waku(lab: &Lab<'_>) -> Outcome {
    let first = lab.go_node("go-waku-1", &["-peer-exchange"])?;
    let second = lab.go_node("go-waku-2", &["-peer-exchange", "-boot-node", &first.ready.enr])?;
    let record = block_on(async {
        let record = learn_of(first.address(), &second.ready.peer_id).await?;
        // What was learned must lead there.
        Asker::connect(record.text()).await?;
        Ok(record)
    })?;
    first.process.end()?;
    second.process.end()?;
    let capabilities = [Capability::Relay, Capability::Filter, Capability::Lightpush];
    let missing: Vec<_> = capabilities
        .into_iter()
        .filter(|capability| !record.capabilities.contains(*capability))
        .collect();
    if !missing.is_empty() || !record.is_on(CLUSTER_ID, SHARD) {
        return Err(Failure::Request {
            what: "go-waku's record of another go-waku".to_owned(),
            reason: format!("without {missing:?}, or not on the shard: {record:?}"),
        });
    }
    Ok(format!(
        "a record with {} addresses, dialled through it",
        record.addresses.len()
    ))
}

async fn learn_of(node: &str, peer_id: &str) -> Result<NodeRecord, Failure> {
    let failed = |reason: String| Failure::Request {
        what: format!("asking {node} for other nodes"),
        reason,
    };
    let asker = Asker::connect(node).await?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = asker
            .client
            .peer_exchange(asker.peer, WANTED)
            .await
            .map_err(|error| failed(error.to_string()))?;
        let known = answer
            .records
            .into_iter()
            .find(|record| record.peer_id.to_string() == peer_id);
        if let Some(record) = known {
            return Ok(record);
        }
        if Instant::now() >= deadline {
            return Err(failed(format!(
                "no record of {peer_id} within {} s",
                PATIENCE.as_secs()
            )));
        }
        tokio::time::sleep(PAUSE).await;
    }
}
