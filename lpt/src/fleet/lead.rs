//! The tracer of a fleet leads the run: makes it, tells how far it has come, and judges it when everybody has ended.

use std::net::SocketAddr;

use runtime::{
    ExitCode, Shutdown,
    http::{Health, HttpServer},
    light::random_run_id,
    terminal,
};
use tokio::{
    sync::watch,
    time::{Duration, Instant, sleep, timeout},
};

use super::{
    args::Args,
    folder::{FleetFolder, RunFolder, ServiceNodes, prune},
    member::{Kind, Member},
    phase::{FleetError, POLL_INTERVAL, Phase},
    report, role,
    watch::{State, Watch},
};

/// How long members may take to end once the run is stopped; with the report, within the ten seconds a container
/// engine grants.
const STOP_WAIT: Duration = Duration::from_secs(6);

/// Most members named in one line of what is said.
const MAX_NAMED: usize = 5;

/// Leads a run from its making to its report.
pub(super) async fn run(args: &Args, shutdown: &Shutdown) -> Result<ExitCode, FleetError> {
    report::check_folder(&args.fleet_reports, args.fleet_wait, shutdown).await?;
    let fleet = FleetFolder(args.fleet_folder.clone());
    let run = fleet.begin(&random_run_id())?;
    let kept = usize::try_from(args.fleet_keep).unwrap_or(usize::MAX);
    for problem in prune(&args.fleet_folder, kept, |name| name.len() == random_run_id().len()) {
        terminal::print(&format!("warning: an old run stays: {problem}\n"));
    }
    let (health, status) = watch::channel(Health::ready());
    let http = SocketAddr::new(role::listen_ip(args), args.fleet_http_port).to_string();
    let started = HttpServer::builder(status).start(&http).await;
    let server = started.map_err(|error| FleetError::Internal(error.to_string()))?;
    say(&format!("run {}", run.run_id));
    let mut lead = Lead {
        args,
        watch: Watch::new(run),
        health,
    };
    let lasting = timeout(args.fleet_timeout, lead.phases());
    let trouble = match shutdown.unless_requested(lasting).await {
        Some(Ok(Ok(()))) => None,
        Some(Ok(Err(Trouble::Fleet(error)))) => Some(error.to_string()),
        Some(Ok(Err(Trouble::Member(text)))) => Some(text),
        Some(Err(_)) => Some(format!(
            "the run has lasted longer than --fleet-timeout {} s",
            args.fleet_timeout.as_secs()
        )),
        None => Some("stopped by a signal".to_owned()),
    };
    if let Some(text) = trouble {
        say(&format!("the run ends early: {text}"));
        lead.watch.run.reach(Phase::Stop)?;
        let _ = timeout(STOP_WAIT, lead.everybody_ended(&everybody(args), Duration::ZERO)).await;
    }
    let code = report::write(args, &lead.watch.run).await?;
    lead.watch.run.end(&Member::tracer(), code.code())?;
    server.stop().await;
    Ok(code)
}

/// Why a run ends before its time.
enum Trouble {
    Fleet(FleetError),
    Member(String),
}

impl<E: Into<FleetError>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Fleet(error.into())
    }
}

struct Lead<'a> {
    args: &'a Args,
    watch: Watch,
    health: watch::Sender<Health>,
}

impl Lead<'_> {
    async fn phases(&mut self) -> Result<(), Trouble> {
        let args = self.args;
        let nodes = self.nodes_ready().await?;
        let receivers: Vec<_> = Member::all(Kind::Receiver, args.fleet_receivers).collect();
        self.ready(&receivers, "receivers").await?;
        self.watch.run.reach(Phase::ReceiversReady)?;
        let publishers: Vec<_> = Member::all(Kind::Publisher, args.fleet_publishers).collect();
        say(&format!("{} receivers are subscribed; publishing", receivers.len()));
        self.everybody_ended(&publishers, args.fleet_wait).await?;
        self.watch.run.reach(Phase::PublishersEnded)?;
        say("publishers have ended; waiting for the last messages");
        self.everybody_ended(&receivers, Duration::ZERO).await?;
        self.watch.run.reach(Phase::ReceiversEnded)?;
        self.everybody_ended(&nodes, Duration::ZERO).await?;
        Ok(())
    }

    /// Waits for the service nodes, ours or announced ones, and tells where they are.
    async fn nodes_ready(&mut self) -> Result<Vec<Member>, Trouble> {
        let nodes: Vec<_> = Member::all(Kind::Node, self.args.fleet_nodes).collect();
        let run = self.watch.run.clone();
        tokio::select! {
            ready = self.ready(&nodes, "service nodes") => ready?,
            foreign = foreign_nodes(&run) => {
                let addresses = foreign?.addresses;
                let shown = if addresses.is_empty() { "as each role's environment says".to_owned() } else { addresses.join(", ") };
                say(&format!("service nodes of others: {}", runtime::escape::escape(&shown)));
                return Ok(Vec::new());
            }
        }
        let mut addresses = Vec::new();
        for node in &nodes {
            addresses.extend(self.watch.run.record(node)?.and_then(|record| record.address));
        }
        self.watch.run.announce_nodes(&ServiceNodes { addresses })?;
        say(&format!("{} service nodes are up", nodes.len()));
        Ok(nodes)
    }

    /// Waits until all members are ready; one that ends before is trouble.
    async fn ready(&mut self, members: &[Member], what: &str) -> Result<(), Trouble> {
        let deadline = Instant::now() + self.args.fleet_wait;
        loop {
            let states = self.watch.states(members).await?;
            if let Some((member, code)) = members.iter().zip(&states).find_map(|(member, state)| match state {
                State::Ended(code) => Some((member, code)),
                _ => None,
            }) {
                return Err(Trouble::Member(format!(
                    "{member} ended with code {code} before it was ready"
                )));
            }
            let unready = self.watch.unready(members).await?;
            if unready.is_empty() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let named: Vec<_> = unready
                    .iter()
                    .map(|(member, said)| format!("{member}: {said}"))
                    .collect();
                return Err(Trouble::Member(format!(
                    "{} of {} {what} are not ready after {} s ({})",
                    unready.len(),
                    members.len(),
                    self.args.fleet_wait.as_secs(),
                    some(&named)
                )));
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Waits until every one of `members` has ended or is gone. Who has not come after `wait` does not come.
    async fn everybody_ended(&mut self, members: &[Member], wait: Duration) -> Result<(), FleetError> {
        let deadline = Instant::now() + wait;
        let mut told = Vec::new();
        loop {
            let states = self.watch.states(members).await?;
            let is_late = Instant::now() >= deadline;
            for (member, state) in members.iter().zip(&states) {
                if *state == State::Gone && !told.contains(member) {
                    say(&format!("warning: {member} is gone without a word"));
                    told.push(*member);
                }
            }
            let open = states.iter().filter(|state| match state {
                State::Running => true,
                State::Absent => !is_late,
                State::Ended(_) | State::Gone => false,
            });
            let open = open.count();
            self.health
                .send_replace(Health::ready().with("members_at_work", open as u64));
            if open == 0 {
                return Ok(());
            }
            sleep(POLL_INTERVAL).await;
        }
    }
}

/// Completes when somebody has announced service nodes that are not ours.
async fn foreign_nodes(run: &RunFolder) -> Result<ServiceNodes, FleetError> {
    loop {
        if let Some(nodes) = run.service_nodes()? {
            return Ok(nodes);
        }
        sleep(POLL_INTERVAL).await;
    }
}

fn everybody(args: &Args) -> Vec<Member> {
    Member::all(Kind::Node, args.fleet_nodes)
        .chain(Member::all(Kind::Publisher, args.fleet_publishers))
        .chain(Member::all(Kind::Receiver, args.fleet_receivers))
        .collect()
}

fn some(names: &[String]) -> String {
    let shown = names.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join("; ");
    match names.len().saturating_sub(MAX_NAMED) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

fn say(text: &str) {
    terminal::print(&format!("fleet: {text}\n"));
}
