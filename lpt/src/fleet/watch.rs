//! Who of the fleet is ready, at work, ended, or gone without a word.

use std::{collections::HashMap, time::Duration};

use futures::future::join_all;
use runtime::ready;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{
    folder::{FolderError, RunFolder},
    member::Member,
};

/// How often a member at work is asked for a sign of life.
const PROBE_INTERVAL: Duration = Duration::from_secs(2);

/// Longest wait for such a sign.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a member may be silent until it counts as gone: longer than a role needs, on a busy machine, from telling
/// where it is to opening its port, and from closing it to telling its end.
const GONE_AFTER: Duration = Duration::from_secs(15);

/// How a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It has not told where it is.
    Absent,
    /// It is at work.
    Running,
    /// It has ended with this exit code.
    Ended(u8),
    /// It has stopped to answer without having ended.
    Gone,
}

#[derive(Debug, Default)]
struct Life {
    last_probe: Option<Instant>,
    /// That it told where it is counts as one, too.
    last_sign: Option<Instant>,
}

/// Watches the members of one run.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) run: RunFolder,
    lives: HashMap<Member, Life>,
}

impl Watch {
    pub(super) fn new(run: RunFolder) -> Self {
        Self {
            run,
            lives: HashMap::new(),
        }
    }

    /// How each of `members` stands now.
    pub(super) async fn states(&mut self, members: &[Member]) -> Result<Vec<State>, FolderError> {
        self.probe(members).await?;
        members.iter().map(|member| self.state(member)).collect()
    }

    fn state(&self, member: &Member) -> Result<State, FolderError> {
        if let Some(code) = self.run.ended(member)? {
            return Ok(State::Ended(code));
        }
        if self.run.record(member)?.is_none() {
            return Ok(State::Absent);
        }
        let last_sign = self.lives.get(member).and_then(|life| life.last_sign);
        Ok(match last_sign {
            Some(at) if at.elapsed() > GONE_AFTER => State::Gone,
            _ => State::Running,
        })
    }

    /// Asks those whose turn it is for a sign of life: an accepted connection is one.
    async fn probe(&mut self, members: &[Member]) -> Result<(), FolderError> {
        let mut due = Vec::new();
        for member in members {
            let life = self.lives.entry(*member).or_default();
            let is_due = life.last_probe.is_none_or(|at| at.elapsed() >= PROBE_INTERVAL);
            if !is_due || self.run.ended(member)?.is_some() {
                continue;
            }
            if let Some(record) = self.run.record(member)? {
                life.last_probe = Some(Instant::now());
                life.last_sign.get_or_insert_with(Instant::now);
                due.push((*member, record.http));
            }
        }
        let answers = due.iter().map(|(member, http)| async move {
            let connected = timeout(PROBE_TIMEOUT, TcpStream::connect(http)).await;
            (*member, matches!(connected, Ok(Ok(_))))
        });
        for (member, is_alive) in join_all(answers).await {
            if is_alive && let Some(life) = self.lives.get_mut(&member) {
                life.last_sign = Some(Instant::now());
            }
        }
        Ok(())
    }

    /// Which of `members` do not answer 200 at `/health`, and why; none when all are ready.
    pub(super) async fn unready(&mut self, members: &[Member]) -> Result<Vec<(Member, String)>, FolderError> {
        let mut unready = Vec::new();
        let mut asked = Vec::new();
        for member in members {
            match self.run.record(member)? {
                Some(record) => asked.push((*member, format!("http://{}/health", record.http))),
                None => unready.push((*member, "not there yet".to_owned())),
            }
        }
        let answers = asked.iter().map(|(member, url)| async move {
            let answer = match ready::ask_once(url).await {
                Ok(answer) => answer,
                Err(error) => Err(error.to_string()),
            };
            (*member, answer)
        });
        for (member, answer) in join_all(answers).await {
            match answer {
                Ok(()) => self.lives.entry(member).or_default().last_sign = Some(Instant::now()),
                Err(said) => unready.push((member, said)),
            }
        }
        Ok(unready)
    }
}
