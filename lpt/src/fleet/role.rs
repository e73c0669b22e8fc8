//! A service node, publisher or receiver in a fleet: its place, its options, its end.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs},
    path::Path,
    process::Stdio,
    time::Duration,
};

use runtime::{ExitCode, Shutdown, terminal};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, ChildStdin, Command},
    time::{Instant, sleep},
};

use super::{
    args::Args,
    folder::{FleetFolder, Record, RunFolder},
    member::{Kind, Member, take_place},
    phase::{FleetError, POLL_INTERVAL, Phase, reached, wait_for, wait_in_run},
    program::COUNTS,
};
use crate::leash::LEASH_VARIABLE;

/// Earlier nodes each node dials: enough for a mesh that survives the loss of one node.
const PEERS_PER_NODE: usize = 3;

/// Takes part in the current run as `kind`.
pub(super) async fn run(kind: Kind, args: &Args, shutdown: &Shutdown) -> Result<ExitCode, FleetError> {
    let fleet = FleetFolder(args.fleet_folder.clone());
    let found = wait_for("no run", args.fleet_wait, shutdown, || fleet.current()).await;
    let run = found.map_err(|error| match error {
        FleetError::Late { waited, .. } => FleetError::NoRun {
            folder: args.fleet_folder.display().to_string(),
            waited,
        },
        other => other,
    })?;
    let count = match kind {
        Kind::Node => args.fleet_nodes,
        Kind::Publisher => args.fleet_publishers,
        Kind::Receiver => args.fleet_receivers,
        Kind::Tracer => 1,
    };
    let member = take_place(&run, kind, count, args.fleet_index)?.ok_or_else(|| FleetError::NoPlace {
        place: args.fleet_index.map_or_else(
            || format!("another {kind}"),
            |index| Member::new(kind, index).to_string(),
        ),
        count,
    })?;
    terminal::print(&format!("this is {member} of run {}\n", run.run_id));
    let part = Part {
        args,
        run: &run,
        member,
        shutdown,
    };
    let code = match part.take().await {
        Ok(code) => code,
        Err(error) => {
            terminal::print(&format!("error: {error}\n"));
            error.exit_code()
        }
    };
    run.end(&member, code.code())?;
    if args.fleet_linger {
        linger(&run, shutdown).await;
    }
    Ok(code)
}

/// Stays until the tracer has ended, or a signal comes.
pub(super) async fn linger(run: &RunFolder, shutdown: &Shutdown) {
    let over = async {
        while matches!(run.ended(&Member::tracer()), Ok(None)) {
            sleep(POLL_INTERVAL).await;
        }
    };
    let _ = shutdown.unless_requested(over).await;
}

/// One member's part in a run.
struct Part<'a> {
    args: &'a Args,
    run: &'a RunFolder,
    member: Member,
    shutdown: &'a Shutdown,
}

impl Part<'_> {
    async fn take(&self) -> Result<ExitCode, FleetError> {
        let host = own_host(self.args.fleet_host.as_deref())?;
        match self.member.kind {
            Kind::Node => self.be_node(&host).await,
            Kind::Publisher => self.be_publisher(&host).await,
            Kind::Receiver => self.be_receiver(&host).await,
            Kind::Tracer => Err(FleetError::Internal("the tracer has no part of this kind".into())),
        }
    }

    async fn be_node(&self, host: &str) -> Result<ExitCode, FleetError> {
        let port = self.args.fleet_node_port;
        let peer_id = service_node::cli::seeded_peer_id(&self.run.run_id, &self.member.to_string());
        self.announce(host, Some(format!("{}/tcp/{port}/p2p/{peer_id}", host_multiaddr(host))))?;
        let peers = self.earlier_nodes().await?;
        let mut flags = self.common_flags("--http-address");
        flags.push(format!(
            "--listen={}/tcp/{port}",
            host_multiaddr(&listen_ip(self.args).to_string())
        ));
        flags.push(format!("--key-seed={}", self.run.run_id));
        if self.args.fleet_nodes > 1 {
            flags.push("--expect-peers=1".into());
        } else {
            flags.push("--standalone".into());
        }
        flags.extend(peers.iter().map(|peer| format!("--static-peer={peer}")));
        self.work("node", &flags, reached(self.run, Phase::ReceiversEnded))
            .await
    }

    /// Addresses of the nodes before this one, nearest first: each node dials those, so that all hang together.
    async fn earlier_nodes(&self) -> Result<Vec<String>, FleetError> {
        let earlier: Vec<_> = Member::all(Kind::Node, self.member.index)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .take(PEERS_PER_NODE)
            .collect();
        let look = || {
            let records = earlier
                .iter()
                .map(|node| Ok(self.run.record(node)?.and_then(|record| record.address)));
            records.collect::<Result<Option<Vec<_>>, _>>()
        };
        let what = "the service nodes before this one were not there";
        wait_in_run(self.run, what, self.args.fleet_wait, self.shutdown, look).await
    }

    async fn be_publisher(&self, host: &str) -> Result<ExitCode, FleetError> {
        let addresses = self.service_nodes().await?;
        let what = "the receivers were not ready";
        wait_in_run(self.run, what, self.args.fleet_wait, self.shutdown, || {
            Ok(self.run.has_reached(Phase::ReceiversReady).then_some(()))
        })
        .await?;
        self.announce(host, None)?;
        let mut flags = self.client_flags();
        flags.extend(publisher_order(&addresses, self.member.index).map(|address| format!("--service-node={address}")));
        self.work("publisher", &flags, std::future::pending()).await
    }

    async fn be_receiver(&self, host: &str) -> Result<ExitCode, FleetError> {
        let addresses = self.service_nodes().await?;
        self.announce(host, None)?;
        let mut flags = self.client_flags();
        if !addresses.is_empty() {
            flags.push(format!("--redundancy={}", self.args.redundancy));
        }
        flags.extend(receiver_order(&addresses, self.member.index).map(|address| format!("--service-node={address}")));
        let over = async {
            reached(self.run, Phase::PublishersEnded).await;
            silence(&self.run.log(&self.member), self.args.fleet_drain).await;
        };
        self.work("receiver", &flags, over).await
    }

    async fn service_nodes(&self) -> Result<Vec<String>, FleetError> {
        let what = "the service nodes were not ready";
        let look = || self.run.service_nodes();
        let nodes = wait_in_run(self.run, what, self.args.fleet_wait, self.shutdown, look).await?;
        Ok(nodes.addresses)
    }

    fn announce(&self, host: &str, address: Option<String>) -> Result<(), FleetError> {
        let port = self.args.fleet_http_port;
        let bracketed = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        let record = Record {
            http: format!("{bracketed}:{port}"),
            address,
        };
        Ok(self.run.announce(&self.member, &record)?)
    }

    fn common_flags(&self, http: &str) -> Vec<String> {
        vec![
            format!("--run-id={}", self.run.run_id),
            format!("--node-name={}", self.member),
            format!("--event-log={}", self.run.log(&self.member).display()),
            format!(
                "{http}={}",
                SocketAddr::new(listen_ip(self.args), self.args.fleet_http_port)
            ),
        ]
    }

    fn client_flags(&self) -> Vec<String> {
        let mut flags = self.common_flags("--metrics-address");
        flags.push(format!("--expect-publishers={}", self.args.fleet_publishers));
        flags.push(format!("--expect-receivers={}", self.args.fleet_receivers));
        flags
    }

    /// Runs the role until it ends, or until `over` completes, the run is stopped, or a signal comes: then it is asked
    /// to end.
    async fn work(&self, role: &str, flags: &[String], over: impl Future<Output = ()>) -> Result<ExitCode, FleetError> {
        let arguments: Vec<&str> = [role]
            .into_iter()
            .chain(flags.iter().map(String::as_str))
            .chain(self.args.rest.iter().map(String::as_str))
            .collect();
        let (mut child, _leash) = start(&arguments)?;
        tokio::select! {
            status = child.wait() => return Ok(code_of(status.map_err(FleetError::Start)?)),
            () = over => {}
            () = reached(self.run, Phase::Stop) => {}
            () = self.shutdown.requested() => {}
        }
        if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            // It may have ended in this moment.
            let _ = kill_process(pid, Signal::TERM);
        }
        Ok(code_of(child.wait().await.map_err(FleetError::Start)?))
    }
}

/// Starts this same binary; the returned pipe keeps it alive (`leash.rs`).
pub(crate) fn start(arguments: &[&str]) -> Result<(Child, Option<ChildStdin>), FleetError> {
    let program = std::env::current_exe().map_err(FleetError::Start)?;
    let mut command = Command::new(program);
    for name in COUNTS {
        // Checked already; the role is told the numbers of the fleet.
        command.env_remove(name);
    }
    let mut child = command
        .args(arguments)
        .stdin(Stdio::piped())
        .env(LEASH_VARIABLE, "1")
        // A Ctrl-C in a terminal reaches it through us alone, once.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(FleetError::Start)?;
    let leash = child.stdin.take();
    Ok((child, leash))
}

/// The exit code of a child, which only has codes of ours.
pub(crate) fn code_of(status: std::process::ExitStatus) -> ExitCode {
    match status.code() {
        Some(code) => ExitCode::ALL
            .into_iter()
            .find(|known| i32::from(known.code()) == code)
            .unwrap_or(ExitCode::Internal),
        // A signal: asked to end before it could listen to one, or killed.
        None => ExitCode::Interrupted,
    }
}

/// Completes when the file has not grown for so long.
async fn silence(log: &Path, quiet: Duration) {
    let size_bytes = || log.metadata().map_or(0, |metadata| metadata.len());
    let (mut last_bytes, mut since) = (size_bytes(), Instant::now());
    while since.elapsed() < quiet {
        sleep(POLL_INTERVAL.min(quiet)).await;
        let now_bytes = size_bytes();
        if now_bytes != last_bytes {
            (last_bytes, since) = (now_bytes, Instant::now());
        }
    }
}

/// Publishers begin in the first half of the nodes and go on forward; as in `lpt run`.
fn publisher_order(addresses: &[String], index: u32) -> impl Iterator<Item = &String> {
    let count = addresses.len();
    let first = index as usize % count.div_ceil(2).max(1);
    (0..count).map(move |step| &addresses[(first + step) % count])
}

/// Receivers begin at the end and go on backwards, so that messages cross the mesh.
fn receiver_order(addresses: &[String], index: u32) -> impl Iterator<Item = &String> {
    let count = addresses.len();
    let back = index as usize % count.div_ceil(2).max(1);
    (0..count).map(move |step| &addresses[(2 * count - 1 - back - step) % count])
}

/// Where others reach this process: as given, or the address of its host name, as container engines set it up.
fn own_host(given: Option<&str>) -> Result<String, FleetError> {
    if let Some(host) = given {
        return Ok(host.to_owned());
    }
    let uname = rustix::system::uname();
    let host = uname.nodename().to_string_lossy().into_owned();
    let failed = |reason: String| FleetError::NoHost {
        host: host.clone(),
        reason,
    };
    let found = (host.as_str(), 0)
        .to_socket_addrs()
        .map_err(|error| failed(error.to_string()))?;
    let mut addresses: Vec<IpAddr> = found
        .map(|address| address.ip())
        .filter(|ip| !ip.is_loopback())
        .collect();
    // The network of a fleet is IPv4 unless it has nothing else.
    addresses.sort_by_key(IpAddr::is_ipv6);
    let first = addresses
        .first()
        .ok_or_else(|| failed("only loopback addresses".into()))?;
    Ok(first.to_string())
}

/// Where to listen: everywhere, unless others are told a loopback address and so cannot come from outside.
pub(super) fn listen_ip(args: &Args) -> IpAddr {
    let given = args.fleet_host.as_deref().and_then(|host| host.parse::<IpAddr>().ok());
    given
        .filter(IpAddr::is_loopback)
        .unwrap_or(Ipv4Addr::UNSPECIFIED.into())
}

fn host_multiaddr(host: &str) -> String {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => format!("/ip4/{ip}"),
        Ok(IpAddr::V6(ip)) => format!("/ip6/{ip}"),
        Err(_) => format!("/dns/{host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publishers_and_receivers_meet_across_the_mesh() {
        let nodes: Vec<_> = ["a", "b", "c"].map(str::to_owned).into();
        let order = |names: Vec<&String>| names.into_iter().cloned().collect::<String>();
        let publishers = [0, 1, 2].map(|index| order(publisher_order(&nodes, index).collect()));
        assert_eq!(publishers, ["abc", "bca", "abc"]);
        let receivers = [0, 1, 2].map(|index| order(receiver_order(&nodes, index).collect()));
        assert_eq!(receivers, ["cba", "bac", "cba"]);
        assert_eq!(receiver_order(&[], 4).count() + publisher_order(&[], 4).count(), 0);
        assert_eq!(order(receiver_order(&nodes[..1], 5).collect()), "a");
    }

    #[test]
    fn addresses_are_written_as_what_they_are() {
        let shown = ["10.0.0.7", "fd00::7", "node-0.node"].map(host_multiaddr);
        assert_eq!(shown, ["/ip4/10.0.0.7", "/ip6/fd00::7", "/dns/node-0.node"]);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_begins_anew_with_every_line() {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        let path = file.path().to_owned();
        let writing = async {
            for _ in 0..5 {
                sleep(Duration::from_secs(1)).await;
                let before = std::fs::read(&path).unwrap_or_default();
                std::fs::write(&path, [before, vec![b'\n']].concat()).expect("written");
            }
            std::future::pending::<()>().await;
        };
        let began = Instant::now();
        tokio::select! { () = writing => {} () = silence(&path, Duration::from_secs(3)) => {} }
        assert_eq!(began.elapsed().as_secs(), 8);
    }
}
