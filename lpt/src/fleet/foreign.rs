//! Service nodes that are not ours: asked for their addresses by the REST API that nwaku and go-waku share.

use std::{collections::BTreeSet, time::Duration};

use reqwest::Url;
use runtime::{ExitCode, Shutdown, escape::escape, terminal};
use serde::Deserialize;
use tokio::{
    net::lookup_host,
    time::{Instant, sleep},
};

use super::{
    args::Args,
    folder::{FleetFolder, ServiceNodes},
    phase::{FleetError, POLL_INTERVAL, wait_for},
    role::linger,
};

/// Longest wait for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Largest answer read; real ones have a few addresses.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// What `/debug/v1/info` tells, as far as it matters here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DebugInfo {
    listen_addresses: Vec<String>,
}

/// Announces service nodes of others to the run, then stays as long as it.
pub(super) async fn run(args: &Args, shutdown: &Shutdown) -> Result<ExitCode, FleetError> {
    let fleet = FleetFolder(args.fleet_folder.clone());
    let run = wait_for("there is no run", args.fleet_wait, shutdown, || fleet.current()).await?;
    let addresses = match &args.node_info {
        Some(url) => ask_all(url, args, shutdown).await?,
        None => Vec::new(),
    };
    run.announce_nodes(&ServiceNodes { addresses })?;
    if args.fleet_linger {
        linger(&run, shutdown).await;
    }
    Ok(ExitCode::Ok)
}

/// Asks every host behind the URL until as many as the fleet has have told their address.
async fn ask_all(url: &str, args: &Args, shutdown: &Shutdown) -> Result<Vec<String>, FleetError> {
    let failed = |reason: String| FleetError::NodeInfo {
        url: url.to_owned(),
        reason,
    };
    let base = Url::parse(url).map_err(|error| failed(error.to_string()))?;
    if base.scheme() != "http" {
        return Err(failed("give an address such as http://nwaku:8645".into()));
    }
    let client = reqwest::Client::builder()
        .timeout(ANSWER_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let wanted = args.fleet_nodes as usize;
    let deadline = Instant::now() + args.fleet_wait;
    let mut found = BTreeSet::new();
    let mut last = "no host of that name".to_owned();
    while found.len() < wanted {
        for host_url in hosts(&base).await {
            match address_of(&client, &host_url).await {
                Ok(address) => {
                    if found.insert(address.clone()) {
                        terminal::print(&format!("service node: {}\n", escape(&address)));
                    }
                }
                Err(error) => last = escape(&error),
            }
        }
        if found.len() < wanted {
            if Instant::now() >= deadline {
                let count = found.len();
                return Err(failed(format!(
                    "{count} of {wanted} nodes have told their address; {last}"
                )));
            }
            if shutdown.unless_requested(sleep(POLL_INTERVAL)).await.is_none() {
                return Err(FleetError::Signal);
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// The question for each address behind the URL's host: replicas of a service share one name.
async fn hosts(base: &Url) -> Vec<Url> {
    let (Some(host), Some(port)) = (base.host_str(), base.port_or_known_default()) else {
        return Vec::new();
    };
    let Ok(addresses) = lookup_host((host, port)).await else {
        return Vec::new();
    };
    addresses
        .filter_map(|address| {
            let mut url = base.clone();
            url.set_ip_host(address.ip()).ok()?;
            url.set_path("/debug/v1/info");
            Some(url)
        })
        .collect()
}

/// The address at which others reach the node, as it tells itself, over TCP.
async fn address_of(client: &reqwest::Client, url: &Url) -> Result<String, String> {
    let mut response = client
        .get(url.clone())
        .send()
        .await
        .map_err(|error| error.to_string())?;
    if !response.status().is_success() {
        return Err(format!("{url} answered {}", response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| error.to_string())? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(format!("{url} answered with more than {MAX_ANSWER_BYTES} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    let info: DebugInfo = serde_json::from_slice(&body).map_err(|error| format!("{url}: {error}"))?;
    reachable(&info.listen_addresses).ok_or_else(|| format!("{url} tells no TCP address that others can reach"))
}

/// The first address that is plain TCP and not of the node's own loopback.
fn reachable(addresses: &[String]) -> Option<String> {
    addresses
        .iter()
        .find(|address| {
            let parts: Vec<_> = address.split('/').collect();
            parts.contains(&"tcp")
                && !parts.iter().any(|part| matches!(*part, "ws" | "wss" | "0.0.0.0"))
                && !parts.iter().any(|part| part.starts_with("127."))
        })
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_others_can_dial_is_taken() {
        let told = |addresses: &[&str]| reachable(&addresses.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        let tcp = "/ip4/172.18.0.4/tcp/30304/p2p/16Uiu2HA";
        let others = [
            "/ip4/127.0.0.1/tcp/30304/p2p/16Uiu2HA",
            "/ip4/0.0.0.0/tcp/30304/p2p/16Uiu2HA",
            "/ip4/172.18.0.4/tcp/8000/ws/p2p/16Uiu2HA",
            "/ip4/172.18.0.4/udp/9000/quic-v1/p2p/16Uiu2HA",
        ];
        assert_eq!(
            told(&[others[0], others[1], others[2], others[3], tcp]).as_deref(),
            Some(tcp)
        );
        assert_eq!(told(&others), None);
    }
}
