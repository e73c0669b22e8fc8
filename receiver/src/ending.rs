//! When a receiver ends by itself.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// The rules; the first that applies ends the run. Without any only a signal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndRules {
    /// This long after all clients were subscribed.
    pub duration: Option<Duration>,
    /// When no message has come for this long.
    pub until_idle: Option<Duration>,
    /// How long the first message may take, counted from when all clients were subscribed.
    pub idle_grace: Duration,
    /// When each client has this many different messages.
    pub expect_messages: Option<u64>,
}

/// What the rules look at, filled in by the clients.
#[derive(Debug)]
pub struct Activity {
    opened: Instant,
    /// Milliseconds from `opened` to the last message, plus one; 0 while there was none.
    last_ms: AtomicU64,
    clients: u32,
    complete: AtomicU32,
    all_complete: Notify,
}

impl Activity {
    /// For `clients` clients.
    #[must_use]
    pub fn new(clients: u32) -> Self {
        let (last_ms, complete) = (AtomicU64::new(0), AtomicU32::new(0));
        Self {
            opened: Instant::now(),
            last_ms,
            clients,
            complete,
            all_complete: Notify::new(),
        }
    }

    /// A numbered message of this run arrived.
    pub fn message(&self) {
        let ms = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.last_ms.fetch_max(ms + 1, Ordering::Relaxed);
    }

    /// One client has all messages it waits for; each client says so once.
    pub fn complete(&self) {
        if self.complete.fetch_add(1, Ordering::Relaxed) + 1 == self.clients {
            self.all_complete.notify_one();
        }
    }

    fn last_message(&self) -> Option<Instant> {
        let ms = self.last_ms.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.opened + Duration::from_millis(ms))
    }
}

impl EndRules {
    /// Completes when a rule applies, with the reason for `run_ended`. `subscribed` is when all clients were.
    pub async fn wait(&self, activity: &Activity, subscribed: Instant) -> &'static str {
        let duration = async {
            match self.duration {
                Some(duration) => sleep_until(subscribed + duration).await,
                None => std::future::pending().await,
            }
        };
        let complete = async {
            match self.expect_messages {
                Some(_) => activity.all_complete.notified().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = complete => "completed",
            () = duration => "duration",
            () = self.wait_idle(activity, subscribed) => "idle",
        }
    }

    async fn wait_idle(&self, activity: &Activity, subscribed: Instant) {
        let Some(idle) = self.until_idle else {
            return std::future::pending().await;
        };
        loop {
            let end = match activity.last_message() {
                Some(last) => last.max(subscribed) + idle,
                // A total outage must end the run too.
                None => subscribed + idle.max(self.idle_grace),
            };
            if end <= Instant::now() {
                return;
            }
            // A first message may shorten the wait, so look again at the earliest moment that could matter.
            sleep_until(end.min(Instant::now() + idle)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn ended(rules: EndRules, activity: &Activity) -> (&'static str, u64) {
        let started = Instant::now();
        let reason = rules.wait(activity, started).await;
        (reason, started.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_total_outage_ends_after_the_grace() {
        let rules = EndRules {
            until_idle: Some(5 * SECOND),
            idle_grace: 60 * SECOND,
            ..EndRules::default()
        };
        assert_eq!(ended(rules, &Activity::new(1)).await, ("idle", 60));
        let rules = EndRules {
            idle_grace: SECOND,
            ..rules
        };
        assert_eq!(
            ended(rules, &Activity::new(1)).await,
            ("idle", 5),
            "never shorter than the idle time itself"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn idle_counts_from_the_last_message() {
        let rules = EndRules {
            until_idle: Some(5 * SECOND),
            idle_grace: 60 * SECOND,
            ..EndRules::default()
        };
        let activity = Activity::new(1);
        let messages = async {
            for _ in 0..4 {
                tokio::time::sleep(3 * SECOND).await;
                activity.message();
            }
            std::future::pending::<()>().await;
        };
        let outcome = tokio::select! { () = messages => unreachable!(), outcome = ended(rules, &activity) => outcome };
        assert_eq!(outcome, ("idle", 17));
    }

    #[tokio::test(start_paused = true)]
    async fn duration_ends_a_busy_run() {
        let rules = EndRules {
            duration: Some(9 * SECOND),
            until_idle: Some(20 * SECOND),
            ..EndRules::default()
        };
        assert_eq!(ended(rules, &Activity::new(1)).await, ("duration", 9));
    }

    #[tokio::test(start_paused = true)]
    async fn all_clients_must_be_complete() {
        let rules = EndRules {
            expect_messages: Some(3),
            duration: Some(9 * SECOND),
            ..EndRules::default()
        };
        let activity = Activity::new(2);
        activity.complete();
        assert_eq!(ended(rules, &activity).await, ("duration", 9));
        activity.complete();
        assert_eq!(ended(rules, &activity).await, ("completed", 0));
    }
}
