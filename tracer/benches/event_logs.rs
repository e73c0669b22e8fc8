//! How fast the tracer judges event logs, and with how much memory.
//!
//! ```text
//! cargo bench -p tracer --bench event_logs
//! cargo bench -p tracer --bench event_logs -- --publishers 10 --messages 100000 --receivers 100 --pipes
//! ```
//!
//! Writes the logs of a run with the project's own writer, then lets a process of its own report on them: on one core and
//! on two (`taskset`), without and with losses. The yardstick on the same files is `grep -cF`. With `--pipes` the
//! receivers' logs are never on a disk: they are written into named pipes while the tracer reads, for sets that are
//! larger than the disk; then only the peak memory is of interest.
//!
//! On an otherwise idle machine with two cores: 1.10 GB/s on one and 2.04 GB/s on both, with losses 1.09 and 2.00; 71 to 91
//! MB at the peak for these 2 × 10⁶ deliveries. The second command: 10⁸ deliveries, 43 GB through pipes in 81 s, 835 MB at the
//! peak.
//!
//! On a machine with other work wall times say nothing. There, count instructions of the child: `valgrind
//! --tool=callgrind` before this program with `--report FOLDER`.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Instant,
};

use clap::Parser;
use event_log::{
    Event, MessageHash, Record, Timestamp,
    event::{ClientStarted, PublishAttempt, Published, Received, Role, RunEnded, RunStarted, Subscribed},
};

const SECOND_NS: i64 = 1_000_000_000;
const START_NS: i64 = 1_772_366_400 * SECOND_NS;
/// Time between two messages of a publisher.
const INTERVAL_NS: i64 = SECOND_NS / 100;
const NODE: &str = "16Uiu2HAmPLe7Mzm8TsYUubgCAW1aJoeFScxrLj8ppHFivPo97bUZ";
const TOPIC: &str = "/tester/2/light-pubsub-test/proto";
/// Rounds. In each everything runs once, so that all meet the same machine; of each the best run counts, because what else
/// the machine does only ever adds.
const ROUNDS: usize = 9;

#[derive(Debug, Clone, Parser)]
struct Args {
    /// Publisher processes, one client each.
    #[arg(long, default_value_t = 10)]
    publishers: u32,
    /// Messages of each publisher.
    #[arg(long, default_value_t = 20_000)]
    messages: u32,
    /// Receiver processes, one client each; each receives all messages.
    #[arg(long, default_value_t = 10)]
    receivers: u32,
    /// Write the receivers' logs into named pipes.
    #[arg(long)]
    pipes: bool,
    /// Report on this folder, say how long it took, and end.
    #[arg(long, hide = true)]
    report: Option<PathBuf>,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    if let Some(folder) = &args.report {
        return report(folder);
    }
    let mut out = io::stdout().lock();
    let total = u64::from(args.publishers) * u64::from(args.messages) * u64::from(args.receivers);
    let (publishers, messages, receivers) = (args.publishers, args.messages, args.receivers);
    writeln!(
        out,
        "{publishers} publishers x {messages} messages x {receivers} receivers = {total} deliveries"
    )?;
    if args.pipes {
        return through_pipes(&args, &mut out);
    }
    let sets = [0, 10].map(|lost_in_1000| Set::new(&args, lost_in_1000));
    let mut sets = sets.into_iter().collect::<io::Result<Vec<_>>>()?;
    for _ in 0..ROUNDS {
        sets.iter_mut()
            .flat_map(|set| &mut set.contests)
            .try_for_each(Contest::run)?;
    }
    sets.iter().try_for_each(|set| set.print(&mut out))
}

/// The logs of a run, and what reads them.
struct Set {
    _folder: tempfile::TempDir,
    lost_in_1000: u32,
    gigabytes: f64,
    /// `grep`, the tracer on one core, the tracer on two.
    contests: [Contest; 3],
}

/// A program on some cores, and how fast it was at best.
struct Contest {
    name: &'static str,
    command: Command,
    best_seconds: f64,
    said: String,
}

impl Set {
    fn new(args: &Args, lost_in_1000: u32) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let gigabytes = write_run(args, folder.path(), lost_in_1000)? as f64 / 1e9;
        let mut grep = Command::new("grep");
        grep.args(["-cF", "\"event\":\"received\""]);
        for file in fs::read_dir(folder.path())? {
            grep.arg(file?.path());
        }
        let tracer = own(&folder.path().to_string_lossy());
        let contests = [
            Contest::new("grep -cF, one core", "0", &grep),
            Contest::new("tracer, one core", "0", &tracer),
            Contest::new("tracer, two cores", "0,1", &tracer),
        ];
        Ok(Self {
            _folder: folder,
            lost_in_1000,
            gigabytes,
            contests,
        })
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let lost_percent = f64::from(self.lost_in_1000) / 10.0;
        writeln!(
            out,
            "\n{:.2} GB, {lost_percent} % lost, best of {ROUNDS}",
            self.gigabytes
        )?;
        for Contest {
            name,
            best_seconds,
            said,
            ..
        } in &self.contests
        {
            let speed = self.gigabytes / best_seconds;
            writeln!(out, "{name:24} {best_seconds:7.3} s {speed:7.2} GB/s  {said}")?;
        }
        let [_, one, two] = &self.contests;
        let ratio = one.best_seconds / two.best_seconds;
        writeln!(out, "two cores are {ratio:.2} times as fast as one")
    }
}

impl Contest {
    fn new(name: &'static str, cores: &str, program: &Command) -> Self {
        Self {
            name,
            command: pinned(cores, program),
            best_seconds: f64::INFINITY,
            said: String::new(),
        }
    }

    fn run(&mut self) -> io::Result<()> {
        let started = Instant::now();
        let output = self.command.output()?;
        let seconds = started.elapsed().as_secs_f64();
        if seconds < self.best_seconds {
            self.best_seconds = seconds;
            // `grep` says a line for each file.
            let said = String::from_utf8_lossy(&output.stdout);
            self.said = said.trim().lines().filter(|line| line.contains("peak")).collect();
        }
        Ok(())
    }
}

fn own(folder: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap_or_default());
    command.args(["--report", folder]);
    command
}

fn pinned(cores: &str, program: &Command) -> Command {
    let mut command = Command::new("taskset");
    command
        .args(["-c", cores])
        .arg(program.get_program())
        .args(program.get_args());
    command
}

/// The child: what a user's `tracer report` does, less the printing.
fn report(folder: &Path) -> io::Result<()> {
    let mut inputs: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|file| Ok(file?.path()))
        .collect::<io::Result<_>>()?;
    inputs.sort();
    let report = tracer::report(&inputs, &tracer::Options::default()).map_err(io::Error::other)?;
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or("?")
        .trim()
        .to_owned();
    writeln!(
        io::stdout(),
        "{:?}, {} received, peak {peak}",
        report.verdict,
        report.totals.counts.received
    )
}

fn through_pipes(args: &Args, out: &mut impl Write) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    for number in 0..args.publishers {
        write_publisher(
            args,
            number,
            File::create(folder.path().join(format!("a-publisher-{number:04}.jsonl")))?,
        )?;
    }
    let pipes: Vec<PathBuf> = (0..args.receivers)
        .map(|number| folder.path().join(format!("receiver-{number:04}.jsonl")))
        .collect();
    Command::new("mkfifo").args(&pipes).status()?;
    let writers: Vec<_> = (0..)
        .zip(pipes)
        .map(|(number, pipe)| {
            let args = args.clone();
            // Opening waits until the tracer comes to this pipe.
            thread::spawn(move || write_receiver(&args, number, 0, File::options().write(true).open(pipe)?))
        })
        .collect();
    let started = Instant::now();
    let output = own(&folder.path().to_string_lossy()).output()?;
    let seconds = started.elapsed().as_secs_f64();
    let mut bytes = 0;
    for writer in writers {
        bytes += writer.join().map_err(|_| io::Error::other("a writer panicked"))??;
    }
    let said = String::from_utf8_lossy(&output.stdout);
    writeln!(
        out,
        "{:.1} GB through pipes in {seconds:.1} s: {}",
        bytes as f64 / 1e9,
        said.trim()
    )
}

/// Writes all logs into `folder`; gives their size in bytes.
fn write_run(args: &Args, folder: &Path, lost_in_1000: u32) -> io::Result<u64> {
    let mut bytes = 0;
    for number in 0..args.publishers {
        bytes += write_publisher(
            args,
            number,
            File::create(folder.join(format!("publisher-{number:04}.jsonl")))?,
        )?;
    }
    for number in 0..args.receivers {
        let file = File::create(folder.join(format!("receiver-{number:04}.jsonl")))?;
        bytes += write_receiver(args, number, lost_in_1000, file)?;
    }
    Ok(bytes)
}

struct LogFile {
    file: BufWriter<File>,
    line: Vec<u8>,
    bytes: u64,
}

impl LogFile {
    fn new(file: File, role: Role, node: &str, messages: Option<u64>) -> io::Result<Self> {
        let file = BufWriter::with_capacity(1 << 20, file);
        let mut log = Self {
            file,
            line: Vec::new(),
            bytes: 0,
        };
        let started = RunStarted {
            role,
            run: "bench".to_owned(),
            node: node.to_owned(),
            host: "bench".to_owned(),
            boot: Some("4ee7c3c0-2c1f-4b3a-9e53-4f1f6a1d1f6e".to_owned()),
            pid: 1,
            version: "0.1.0".to_owned(),
            clients: 1,
            peer_id: None,
            messages,
            interval_ns: messages.is_some().then_some(INTERVAL_NS.unsigned_abs()),
            expect_publishers: None,
            expect_receivers: None,
            clock_error_ns: None,
            config: Default::default(),
        };
        log.write(START_NS - SECOND_NS, started)?;
        let name = format!("{node}/0");
        log.write(
            START_NS - SECOND_NS,
            ClientStarted {
                client: 0,
                name,
                peer_id: format!("16Uiu2HAm{node}"),
            },
        )?;
        Ok(log)
    }

    fn write(&mut self, at_ns: i64, event: impl Into<Event>) -> io::Result<()> {
        self.line.clear();
        let record = Record {
            time: Timestamp::from_unix_ns(at_ns),
            event: event.into(),
        };
        record.write_line(&mut self.line)?;
        self.bytes += self.line.len() as u64;
        self.file.write_all(&self.line)
    }

    fn end(mut self, args: &Args) -> io::Result<u64> {
        let end_ns = intended_ns(args.messages) + 60 * SECOND_NS;
        self.write(
            end_ns,
            RunEnded {
                reason: "completed".to_owned(),
                counters: Default::default(),
            },
        )?;
        self.file.flush()?;
        Ok(self.bytes)
    }
}

fn intended_ns(index: u32) -> i64 {
    START_NS + i64::from(index) * INTERVAL_NS
}

/// A number that looks drawn at random and is always the same.
fn scatter(publisher: u32, index: u32, salt: u64) -> u64 {
    let mut x = (u64::from(publisher) << 32 | u64::from(index)) ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn hash_of(publisher: u32, index: u32) -> MessageHash {
    let mut hash = [0; 32];
    for (salt, eight) in (1..).zip(hash.chunks_exact_mut(8)) {
        eight.copy_from_slice(&scatter(publisher, index, salt).to_le_bytes());
    }
    MessageHash(hash)
}

fn write_publisher(args: &Args, number: u32, file: File) -> io::Result<u64> {
    let node = format!("publisher-{number}");
    let mut log = LogFile::new(file, Role::Publisher, &node, Some(u64::from(args.messages)))?;
    for index in 1..=args.messages {
        let (sender, hash) = (format!("{node}/0"), hash_of(number, index));
        let intended = Timestamp::from_unix_ns(intended_ns(index));
        let sent = intended.saturating_add_ns((scatter(number, index, 10) % 900_000).cast_signed());
        let acked = sent.saturating_add_ns(1_000_000 + (scatter(number, index, 11) % 3_000_000).cast_signed());
        log.write(
            sent.unix_ns(),
            PublishAttempt {
                sender: sender.clone(),
                index,
                attempt: 1,
                hash,
                size_bytes: 1024,
                service_node: NODE.to_owned(),
                transport: None,
                pubsub_topic: "/waku/2/rs/0/0".to_owned(),
                content_topic: TOPIC.to_owned(),
                intended,
                sent,
            },
        )?;
        log.write(
            acked.unix_ns(),
            Published {
                sender,
                index,
                attempt: 1,
                hash,
                size_bytes: 1024,
                service_node: NODE.to_owned(),
                transport: None,
                intended,
                sent,
                acked,
                status: 200,
                status_text: None,
                relay_peers: Some(4),
            },
        )?;
    }
    log.end(args)
}

fn write_receiver(args: &Args, number: u32, lost_in_1000: u32, file: File) -> io::Result<u64> {
    let mut log = LogFile::new(file, Role::Receiver, &format!("receiver-{number}"), None)?;
    log.write(
        START_NS - SECOND_NS,
        Subscribed {
            client: 0,
            service_node: NODE.to_owned(),
            transport: None,
            pubsub_topic: "/waku/2/rs/0/0".to_owned(),
            content_topics: 1,
            renewed: false,
        },
    )?;
    let salt = 100 + u64::from(number);
    for index in 1..=args.messages {
        for publisher in 0..args.publishers {
            let drawn = scatter(publisher, index, salt);
            if drawn % 1000 < u64::from(lost_in_1000) {
                continue;
            }
            let intended = Timestamp::from_unix_ns(intended_ns(index));
            let sent = intended.saturating_add_ns((scatter(publisher, index, 10) % 900_000).cast_signed());
            // Up to three intervals late, so that messages overtake each other.
            let arrived_ns = sent.unix_ns() + 5_000_000 + (drawn % 30_000_000).cast_signed();
            log.write(
                arrived_ns,
                Received {
                    client: 0,
                    sender: format!("publisher-{publisher}/0"),
                    index,
                    attempt: Some(1),
                    hash: hash_of(publisher, index),
                    size_bytes: 1024,
                    service_node: NODE.to_owned(),
                    transport: None,
                    content_topic: TOPIC.to_owned(),
                    run: None,
                    intended: Some(intended),
                    sent: Some(sent),
                },
            )?;
        }
    }
    log.end(args)
}
