//! Starting, watching and ending the processes of one test.
//!
//! Everything is started when what it needs is ready, as its event log tells: a node listens, the meshes are up, every
//! receiver client is subscribed. Nothing sleeps and hopes.

use std::{collections::HashSet, path::PathBuf, time::Duration};

use event_log::Event;
use runtime::{ExitCode, Shutdown, units::parse_rate};
use tokio::time::{Instant, sleep, timeout};

use super::{
    args::Args,
    folder::{FolderError, RunFolder},
    role_config::{Client, Common, NodeFile, PublisherFile, ReceiverFile},
};
use crate::child::{ChildError, Role};

/// Earlier nodes each node dials: enough for a mesh that survives the loss of one node.
const PEERS_PER_NODE: usize = 3;

/// How long a process may take to drain and close its log once asked: a publisher waits up to 30 s for answers.
const END_TIMEOUT: Duration = Duration::from_secs(40);

/// How often the receivers' logs are looked at while they fall silent.
const QUIET_POLL: Duration = Duration::from_millis(50);

/// Why a test did not take place.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// One of its processes.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// This binary does not know where it is.
    #[error("cannot find this program's own file to start the roles with: {0}")]
    OwnPath(std::io::Error),
    /// The receivers cannot be so redundant.
    #[error("--redundancy {redundancy} needs as many service nodes, and there are {nodes}")]
    Redundancy {
        /// What was asked.
        redundancy: u32,
        /// What there is.
        nodes: u32,
    },
    /// Stopped by the user before anything was published.
    #[error("stopped before the first message")]
    Stopped,
}

impl RunError {
    /// The exit code that tells this error.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Folder(_) => ExitCode::CannotCreateOutput,
            Self::Redundancy { .. } => ExitCode::Usage,
            // What the child said with its own code: wrong usage, a port that is taken, a full disk.
            Self::Child(ChildError::EndedEarly { status, .. }) => ExitCode::ALL
                .into_iter()
                .find(|code| status.code() == Some(i32::from(code.code())) && *code != ExitCode::Ok)
                .unwrap_or(ExitCode::ServiceNodeUnavailable),
            Self::Child(ChildError::NotReady { .. }) => ExitCode::ServiceNodeUnavailable,
            Self::Child(_) | Self::OwnPath(_) => ExitCode::Internal,
            // Nothing was measured.
            Self::Stopped => ExitCode::Unknown,
        }
    }
}

/// Told as the run proceeds; the reporter prints it.
#[derive(Debug)]
pub(super) enum Step {
    NodesUp {
        count: u32,
    },
    ReceiversSubscribed {
        processes: u32,
        clients: u32,
    },
    Publishing {
        processes: u32,
        messages_per_client: u64,
    },
    Draining,
    Ended,
    /// A process ended with a code that is no success.
    Trouble {
        text: String,
    },
}

/// One test.
pub(super) struct Fleet<'a> {
    args: &'a Args,
    is_unpaced: bool,
    run_id: &'a str,
    folder: &'a RunFolder,
    program: PathBuf,
    nodes: Vec<Role>,
    addresses: Vec<String>,
    receivers: Vec<Role>,
    publishers: Vec<Role>,
}

impl<'a> Fleet<'a> {
    pub(super) fn new(args: &'a Args, run_id: &'a str, folder: &'a RunFolder) -> Result<Self, RunError> {
        if args.redundancy > args.nodes {
            return Err(RunError::Redundancy {
                redundancy: args.redundancy,
                nodes: args.nodes,
            });
        }
        let program = std::env::current_exe().map_err(RunError::OwnPath)?;
        let (nodes, receivers, publishers) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self {
            args,
            is_unpaced: parse_rate(&args.rate).is_ok_and(|rate| rate.is_unpaced()),
            run_id,
            folder,
            program,
            nodes,
            addresses: Vec::new(),
            receivers,
            publishers,
        })
    }

    /// Runs the test to its end, or until `shutdown`. Whatever happens, no process is left when this value is dropped.
    pub(super) async fn run(&mut self, shutdown: &Shutdown, told: &mut impl FnMut(Step)) -> Result<(), RunError> {
        let setting_up = async {
            self.start_nodes().await?;
            told(Step::NodesUp { count: self.args.nodes });
            self.start_receivers().await?;
            let clients = self.args.receivers * self.args.clients_per_receiver;
            told(Step::ReceiversSubscribed {
                processes: self.args.receivers,
                clients,
            });
            Ok::<(), RunError>(())
        };
        tokio::select! {
            ready = setting_up => ready?,
            () = shutdown.requested() => {
                self.end_all(told).await;
                return Err(RunError::Stopped);
            }
        }
        self.start_publishers()?;
        told(Step::Publishing {
            processes: self.args.publishers,
            messages_per_client: self.args.messages,
        });
        tokio::select! {
            () = wait_all(&mut self.publishers) => {}
            // A publisher without a pace waits for its node for ever; with one, its schedule ends by itself.
            name = first_end(&mut self.nodes), if self.is_unpaced => {
                told(Step::Trouble { text: format!("{name} has ended, so the publishers are ended, too") });
                end(&mut self.publishers, told).await;
            }
            () = shutdown.requested() => end(&mut self.publishers, told).await,
        }
        told(Step::Draining);
        self.wait_for_silence().await;
        self.end_all(told).await;
        told(Step::Ended);
        Ok(())
    }

    async fn start_nodes(&mut self) -> Result<(), RunError> {
        for number in 1..=self.args.nodes {
            let name = format!("node-{number}");
            self.folder
                .write_toml(&format!("{name}.toml"), &self.node_file(&name))?;
            let mut node = Role::start(&self.program, "node", &name, self.folder.path())?;
            let mut address = None;
            node.wait_until(self.args.wait_timeout, "it does not listen", |event| {
                if let Event::Listening(listening) = event {
                    address = Some(listening.address.clone());
                }
                address.is_some()
            })
            .await?;
            self.addresses.extend(address);
            self.nodes.push(node);
        }
        if self.args.nodes > 1 {
            for node in &mut self.nodes {
                let meshed = |event: &Event| matches!(event, Event::MeshChanged(mesh) if mesh.peers > 0);
                node.wait_until(self.args.wait_timeout, "its mesh has no peer", meshed)
                    .await?;
            }
        }
        Ok(())
    }

    async fn start_receivers(&mut self) -> Result<(), RunError> {
        for number in 1..=self.args.receivers {
            let name = format!("receiver-{number}");
            let nodes = self.receiver_nodes(number);
            let file = ReceiverFile {
                redundancy: self.args.redundancy,
                client: self.client(&name, nodes, self.args.clients_per_receiver),
            };
            self.folder.write_toml(&format!("{name}.toml"), &file)?;
            self.receivers
                .push(Role::start(&self.program, "receiver", &name, self.folder.path())?);
        }
        let wanted = self.args.clients_per_receiver as usize * self.args.redundancy as usize;
        for receiver in &mut self.receivers {
            let mut subscribed = HashSet::new();
            let all_subscribed = |event: &Event| {
                if let Event::Subscribed(event) = event {
                    subscribed.insert((event.client, event.service_node.clone()));
                }
                subscribed.len() >= wanted
            };
            receiver
                .wait_until(self.args.wait_timeout, "not every client is subscribed", all_subscribed)
                .await?;
        }
        Ok(())
    }

    fn start_publishers(&mut self) -> Result<(), RunError> {
        for number in 1..=self.args.publishers {
            let name = format!("publisher-{number}");
            let nodes = self.publisher_nodes(number);
            let file = PublisherFile {
                lightpush: self.args.lightpush.clone(),
                messages: self.args.messages,
                rate: self.args.rate.clone(),
                min_size: format!("{}B", self.args.size.min_bytes),
                max_size: format!("{}B", self.args.size.max_bytes),
                in_flight: self.args.in_flight,
                ephemeral: self.args.ephemeral,
                client: self.client(&name, nodes, self.args.clients_per_publisher),
            };
            self.folder.write_toml(&format!("{name}.toml"), &file)?;
            self.publishers
                .push(Role::start(&self.program, "publisher", &name, self.folder.path())?);
        }
        Ok(())
    }

    /// Waits until no receiver's log has grown for the time given.
    async fn wait_for_silence(&self) {
        let deadline = Instant::now() + self.args.drain_timeout;
        let mut last_bytes = 0;
        let mut quiet_since = Instant::now();
        while quiet_since.elapsed() < self.args.drain && Instant::now() < deadline {
            let now_bytes: u64 = self.receivers.iter().map(Role::log_bytes).sum();
            if now_bytes != last_bytes {
                last_bytes = now_bytes;
                quiet_since = Instant::now();
            }
            sleep(QUIET_POLL).await;
        }
    }

    /// Ends what is left, in the order of the data's way.
    async fn end_all(&mut self, told: &mut impl FnMut(Step)) {
        end(&mut self.publishers, told).await;
        end(&mut self.receivers, told).await;
        end(&mut self.nodes, told).await;
    }

    /// Publishers push into the first half of the nodes, so that messages have a way to go.
    fn publisher_nodes(&self, number: u32) -> Vec<String> {
        let half = self.addresses.len().div_ceil(2);
        vec![self.addresses[(number as usize - 1) % half].clone()]
    }

    /// Receivers subscribe at the second half, from the last node backwards, and at further nodes for redundancy.
    fn receiver_nodes(&self, number: u32) -> Vec<String> {
        let count = self.addresses.len();
        let half = count.div_ceil(2);
        let first = count - 1 - (number as usize - 1) % half;
        (0..self.args.redundancy as usize)
            .map(|step| self.addresses[(first + count - step) % count].clone())
            .collect()
    }

    fn node_file(&self, name: &str) -> NodeFile {
        let clients = u64::from(self.args.receivers) * u64::from(self.args.clients_per_receiver);
        let pushing = u64::from(self.args.publishers) * u64::from(self.args.clients_per_publisher);
        NodeFile {
            listen: vec!["/ip4/127.0.0.1/tcp/0".to_owned()],
            static_peer: self.addresses.iter().rev().take(PEERS_PER_NODE).cloned().collect(),
            cluster_id: self.args.cluster_id,
            shard: vec![self.args.shard],
            expect_peers: u32::from(self.args.nodes > 1),
            standalone: self.args.nodes == 1,
            store: self.args.store,
            filter_max_subscribers: clients.max(1000),
            max_connections: (2 * (clients + pushing) + 2 * u64::from(self.args.nodes)).max(150),
            common: self.common(name),
        }
    }

    fn client(&self, name: &str, service_node: Vec<String>, clients: u32) -> Client {
        Client {
            service_node,
            cluster_id: self.args.cluster_id,
            shard: self.args.shard,
            content_topic: self
                .args
                .content_topic
                .iter()
                .map(|topic| topic.as_str().to_owned())
                .collect(),
            clients,
            expect_publishers: self.args.publishers,
            expect_receivers: self.args.receivers,
            wait_timeout: format!("{}ms", self.args.wait_timeout.as_millis()),
            progress: "none",
            common: self.common(name),
        }
    }

    fn common(&self, name: &str) -> Common {
        Common {
            run_id: self.run_id.to_owned(),
            node_name: name.to_owned(),
            event_log: self.folder.file(&format!("{name}.jsonl")),
            log_level: self.args.log_level.clone(),
            key_seed: self.args.key_seed.as_ref().map(|seed| format!("{seed}/{name}")),
        }
    }
}

async fn wait_all(roles: &mut [Role]) {
    for role in roles {
        role.wait().await;
    }
}

/// The name of the first process that ends.
async fn first_end(roles: &mut [Role]) -> String {
    loop {
        if let Some(ended) = roles
            .iter_mut()
            .find_map(|role| role.has_ended().map(|_| role.name().to_owned()))
        {
            return ended;
        }
        sleep(QUIET_POLL).await;
    }
}

/// Asks processes to end and waits for them; who does not obey in time is killed when dropped.
async fn end(roles: &mut Vec<Role>, told: &mut impl FnMut(Step)) {
    for role in roles.iter_mut() {
        role.ask_to_end();
    }
    for role in roles.iter_mut() {
        let text = match timeout(END_TIMEOUT, role.wait()).await {
            Ok(status) if status.success() => continue,
            Ok(status) => format!("{} ended with {status}: {}", role.name(), role.last_words()),
            Err(_) => format!(
                "{} did not end within {} s and is killed",
                role.name(),
                END_TIMEOUT.as_secs()
            ),
        };
        told(Step::Trouble { text });
    }
    roles.clear();
}
