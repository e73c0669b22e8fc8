//! The folder of one cell, and how parties are started in it.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Args,
    failure::Failure,
    party::{Client, GoNode, OurNode},
    process::Process,
};

/// Cluster of every cell: not 0, which go-waku takes for "no cluster", nor one of a public network.
pub(crate) const CLUSTER_ID: u16 = 64;

/// Shard of the cells with static sharding.
pub(crate) const SHARD: u16 = 3;

/// Shards of the network in the cells with autosharding.
const SHARD_COUNT: u16 = 8;

/// Content topic of every cell.
pub(crate) const CONTENT_TOPIC: &str = "/lpt/1/interop/proto";

/// Time between two messages of a publisher, milliseconds: twenty a second, slow enough for every peer on a busy machine.
const INTERVAL_MS: u32 = 50;

/// How clients know the shard of a content topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharding {
    /// It is named.
    Static,
    /// It is derived from the content topic, by each implementation for itself.
    Auto,
}

impl Sharding {
    /// The option of a client, ours or of js-waku.
    fn client_flag(self) -> String {
        match self {
            Self::Static => format!("--shard={SHARD}"),
            Self::Auto => format!("--shards-in-network={SHARD_COUNT}"),
        }
    }

    /// The options of our service node.
    fn node_flags(self) -> Vec<String> {
        match self {
            Self::Static => vec![self.client_flag()],
            Self::Auto => (0..SHARD_COUNT)
                .map(|shard| format!("--shard={shard}"))
                .chain([self.client_flag()])
                .collect(),
        }
    }
}

/// A cell's folder, run id and tools.
pub(crate) struct Lab<'a> {
    pub(crate) args: &'a Args,
    pub(crate) folder: PathBuf,
    pub(crate) run_id: String,
    pub(crate) sharding: Sharding,
}

impl Lab<'_> {
    /// Starts our service node, listening at TCP and WebSocket.
    pub(crate) fn our_node(&self, name: &str, flags: &[&str]) -> Result<OurNode, Failure> {
        let log = self.file(name, "jsonl");
        let mut command = self.our_role("node", name, &log);
        command
            .args(["--listen=/ip4/127.0.0.1/tcp/0", "--listen=/ip4/127.0.0.1/tcp/0/ws"])
            .args(self.sharding.node_flags())
            .args(flags);
        OurNode::new(Process::start(name, &self.folder, command)?, log)
    }

    /// Starts a go-waku service node. It has static sharding only.
    pub(crate) fn go_node(&self, name: &str, flags: &[&str]) -> Result<GoNode, Failure> {
        // `.log` is what the tracer looks for in a folder.
        let (log, messages) = (self.file(name, "log"), self.file(name, "messages"));
        let mut command = Command::new(&self.args.go_waku_node);
        command
            .args(["-cluster-id", &CLUSTER_ID.to_string(), "-shard", &SHARD.to_string()])
            .args([OsStr::new("-log-file"), log.as_os_str()])
            .args([OsStr::new("-messages-file"), messages.as_os_str()])
            .args(flags);
        GoNode::new(Process::start(name, &self.folder, command)?, log, messages)
    }

    /// Starts our receiver and waits until it has subscribed; it ends when `expected` different messages have arrived.
    pub(crate) fn our_receiver(&self, name: &str, node: &str, expected: u32) -> Result<Client, Failure> {
        self.our_receiver_with(name, node, expected, &[])
    }

    /// The same, with more options.
    pub(crate) fn our_receiver_with(
        &self,
        name: &str,
        node: &str,
        expected: u32,
        flags: &[&str],
    ) -> Result<Client, Failure> {
        let expected = format!("--expect-messages={expected}");
        self.our_lasting_receiver(name, node, &[&[expected.as_str()], flags].concat())
    }

    /// Starts our receiver and waits until it has subscribed; it ends when it is asked to.
    pub(crate) fn our_lasting_receiver(&self, name: &str, node: &str, flags: &[&str]) -> Result<Client, Failure> {
        let log = self.file(name, "jsonl");
        let mut command = self.our_role("receiver", name, &log);
        command.args(self.client_flags(node)).arg("--progress=none").args(flags);
        let mut receiver = self.client(name, command, log, None)?;
        receiver.wait_until_subscribed()?;
        Ok(receiver)
    }

    /// Starts our publisher with the load that all cells share.
    pub(crate) fn our_publisher(&self, name: &str, node: &str, lightpush: &str) -> Result<Client, Failure> {
        let flags = [
            format!("--lightpush={lightpush}"),
            format!("--messages={}", self.args.messages),
            format!("--interval={INTERVAL_MS}ms"),
        ];
        self.our_publisher_with(name, node, &flags)
    }

    /// Starts our publisher with a load of its own.
    pub(crate) fn our_publisher_with(
        &self,
        name: &str,
        node: &str,
        flags: &[impl AsRef<OsStr>],
    ) -> Result<Client, Failure> {
        let log = self.file(name, "jsonl");
        let mut command = self.our_role("publisher", name, &log);
        command.args(self.client_flags(node)).arg("--progress=none").args(flags);
        self.client(name, command, log, None)
    }

    /// Starts a js-waku receiver and waits until it has subscribed; it ends when `expected` messages have arrived.
    pub(crate) fn js_receiver(&self, name: &str, node: &OurNode, expected: u32) -> Result<Client, Failure> {
        let flags = [format!("--messages={expected}")];
        let mut receiver = self.js_client("receive", name, node, &flags)?;
        receiver.wait_until_subscribed()?;
        Ok(receiver)
    }

    /// Starts a js-waku publisher.
    pub(crate) fn js_publisher(&self, name: &str, node: &OurNode, lightpush: &str) -> Result<Client, Failure> {
        let flags = [
            format!("--messages={}", self.args.messages),
            format!("--interval-ms={INTERVAL_MS}"),
            format!("--lightpush={lightpush}"),
        ];
        self.js_client("publish", name, node, &flags)
    }

    /// Starts a js-waku store client.
    pub(crate) fn js_store_client(&self, name: &str, node: &OurNode) -> Result<Client, Failure> {
        self.js_client("store", name, node, &[format!("--messages={}", self.args.messages)])
    }

    /// `lpt` with these arguments.
    pub(crate) fn lpt(&self) -> Command {
        Command::new(&self.args.lpt)
    }

    fn js_client(&self, command: &str, name: &str, node: &OurNode, flags: &[String]) -> Result<Client, Failure> {
        let (log, messages) = (self.file(name, "jsonl"), self.file(name, "messages"));
        let mut js = Command::new(&self.args.node);
        js.arg(self.args.js_waku.join("main.js"))
            .arg(command)
            .args(self.client_flags(&node.web_socket))
            .arg(format!("--cluster-id={CLUSTER_ID}"))
            .arg(format!("--run-id={}", self.run_id))
            .arg(format!("--node-name={name}"))
            .args([OsStr::new("--event-log"), log.as_os_str()])
            .args([OsStr::new("--messages-file"), messages.as_os_str()])
            .args(flags);
        self.client(name, js, log, Some(messages))
    }

    fn client(&self, name: &str, command: Command, log: PathBuf, messages: Option<PathBuf>) -> Result<Client, Failure> {
        Ok(Client {
            process: Process::start(name, &self.folder, command)?,
            log,
            messages,
        })
    }

    fn our_role(&self, role: &str, name: &str, log: &Path) -> Command {
        let mut command = self.lpt();
        command
            .arg(role)
            .arg(format!("--cluster-id={CLUSTER_ID}"))
            .arg(format!("--run-id={}", self.run_id))
            .arg(format!("--node-name={name}"))
            .args([OsStr::new("--event-log"), log.as_os_str()]);
        command
    }

    fn client_flags(&self, node: &str) -> Vec<String> {
        vec![
            format!("--service-node={node}"),
            format!("--content-topic={CONTENT_TOPIC}"),
            self.sharding.client_flag(),
        ]
    }

    fn file(&self, name: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{name}.{extension}"))
    }
}
