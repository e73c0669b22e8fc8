//! Runs a command and says how long it took.

use std::{
    fmt, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

/// What a run took.
#[derive(Debug, Clone)]
pub struct Took {
    pub seconds: f64,
    /// What the process said of itself.
    pub said: String,
}

impl Default for Took {
    fn default() -> Self {
        Self {
            seconds: f64::NAN,
            said: String::new(),
        }
    }
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}

/// The fastest of `runs` runs.
pub fn best(runs: u32, run: &dyn Fn() -> io::Result<Took>) -> io::Result<Took> {
    let mut best = run()?;
    for _ in 1..runs {
        let took = run()?;
        if took.seconds < best.seconds {
            best = took;
        }
    }
    Ok(best)
}

/// Its output is read: with nowhere to write to, grep stops at the first match of a file.
pub fn grep(folder: &Path) -> io::Result<Took> {
    let mut grep = Command::new("grep");
    grep.args(["-rcF", "received relay message"]).arg(folder);
    timed(&mut grep).map(|took| Took {
        said: String::new(),
        ..took
    })
}

/// This program's `--report` on `inputs`, on the given cores or all.
pub fn tracer(inputs: &[&Path], cores: Option<&str>) -> io::Result<Took> {
    let own = std::env::current_exe()?;
    let mut command = match cores {
        Some(cores) => {
            let mut taskset = Command::new("taskset");
            taskset.args(["-c", cores]).arg(own);
            taskset
        }
        None => Command::new(own),
    };
    timed(command.arg("--report").args(inputs))
}

/// `zstdcat FILE | tracer report -`.
pub fn piped(file: &Path) -> io::Result<Took> {
    let started = Instant::now();
    let mut zstdcat = Command::new("zstdcat").arg(file).stdout(Stdio::piped()).spawn()?;
    let from = zstdcat
        .stdout
        .take()
        .ok_or_else(|| io::Error::other("no output to read from"))?;
    let mut tracer = Command::new(std::env::current_exe()?);
    let took = timed(tracer.args(["--report", "-"]).stdin(from));
    let ended = zstdcat.wait()?;
    let seconds = started.elapsed().as_secs_f64();
    match took {
        Ok(took) if ended.success() => Ok(Took { seconds, ..took }),
        Ok(_) => Err(io::Error::other(format!("it ended with {ended}"))),
        Err(error) => Err(error),
    }
}

fn timed(command: &mut Command) -> io::Result<Took> {
    let started = Instant::now();
    let output = command.stderr(Stdio::inherit()).output()?;
    let seconds = started.elapsed().as_secs_f64();
    if !output.status.success() {
        return Err(io::Error::other(format!("{command:?} ended with {}", output.status)));
    }
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(Took { seconds, said })
}

/// The child: what `tracer report` does, less the printing, and what it took by the kernel's account.
pub fn report(inputs: &[PathBuf]) -> io::Result<()> {
    let report = tracer::report(inputs, &tracer::Options::default()).map_err(io::Error::other)?;
    let events: u64 = report.logs.iter().map(|log| log.events).sum();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let (user, system) = cpu_seconds().unwrap_or((f64::NAN, f64::NAN));
    let peak = peak.map_or("unknown", str::trim);
    writeln!(
        io::stdout(),
        "{events} events, user {user:.2} s, system {system:.2} s, peak {peak}"
    )
}

/// User and system time of this process, in ticks of 1/100 s (proc(5), `/proc/pid/stat`).
fn cpu_seconds() -> Option<(f64, f64)> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_ascii_whitespace().skip(11).map(str::parse::<f64>);
    let (user, system) = (ticks.next()?.ok()?, ticks.next()?.ok()?);
    Some((user / 100.0, system / 100.0))
}
