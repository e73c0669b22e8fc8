//! Waits for other processes to be ready by asking their `/health`, instead of sleeping and hoping.

use std::{fmt, time::Duration};

use futures::future::join_all;
use tokio::time::{Instant, sleep, timeout_at};

use crate::escape::escape;

/// Pause between two questions to one address. Short enough not to delay a run, long enough not to be load.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Longest wait for one answer; a health endpoint answers from memory.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Most of an answer that is read: it is only shown to a person.
const MAX_ANSWER_BYTES: usize = 4 * 1024;

/// Why the wait ended without everybody ready.
#[derive(Debug, thiserror::Error)]
pub enum ReadyError {
    /// Some were not ready before the deadline.
    #[error("not ready after {waited:?}: {}", NotReady::list(.not_ready))]
    NotReady {
        /// How long was waited.
        waited: Duration,
        /// Who was not, and what it said last.
        not_ready: Vec<NotReady>,
    },
    /// An address does not parse.
    #[error("--wait-for {url:?} is not an http:// address: {reason}; give one such as http://127.0.0.1:8080/health")]
    BadUrl {
        /// What was given.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The HTTP client could not be built.
    #[error("http client: {0}")]
    Client(String),
}

/// One address that was not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotReady {
    /// The address asked.
    pub url: String,
    /// Its last answer, or why there was none; escaped.
    pub answer: String,
}

impl NotReady {
    fn list(all: &[Self]) -> String {
        all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} said: {}", self.url, self.answer)
    }
}

/// Checks a `--wait-for` address and completes it: a missing path becomes `/health`.
///
/// # Errors
/// [`ReadyError::BadUrl`] for anything but `http://`.
pub fn parse_url(text: &str) -> Result<String, ReadyError> {
    let bad = |reason: &str| ReadyError::BadUrl {
        url: text.to_owned(),
        reason: reason.to_owned(),
    };
    let mut url = reqwest::Url::parse(text).map_err(|error| bad(&error.to_string()))?;
    if url.scheme() != "http" {
        return Err(bad("the scheme is not http"));
    }
    if url.path() == "/" {
        url.set_path("/health");
    }
    Ok(url.into())
}

/// Completes when every one of `urls` has answered 200 once.
///
/// # Errors
/// [`ReadyError::NotReady`] when `deadline` passes first, with the last answers.
pub async fn wait_until_ready(urls: &[String], deadline: Instant) -> Result<(), ReadyError> {
    if urls.is_empty() {
        return Ok(());
    }
    let started = Instant::now();
    let client = client()?;
    let answers = join_all(urls.iter().map(|url| wait_for_one(&client, url, deadline))).await;
    let not_ready: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    if not_ready.is_empty() {
        Ok(())
    } else {
        Err(ReadyError::NotReady {
            waited: started.elapsed(),
            not_ready,
        })
    }
}

/// Asks `url` once. `Err` of the inner result is what it said, or why it said nothing; escaped.
///
/// # Errors
/// [`ReadyError::Client`].
pub async fn ask_once(url: &str) -> Result<Result<(), String>, ReadyError> {
    let client = client()?;
    Ok(ask(&client, url).await)
}

fn client() -> Result<reqwest::Client, ReadyError> {
    reqwest::Client::builder()
        .timeout(ANSWER_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(|error| ReadyError::Client(error.to_string()))
}

async fn wait_for_one(client: &reqwest::Client, url: &str, deadline: Instant) -> Result<(), NotReady> {
    let mut last = "nothing yet".to_owned();
    let asking = async {
        loop {
            match ask(client, url).await {
                Ok(()) => return,
                Err(answer) => last = answer,
            }
            sleep(POLL_INTERVAL).await;
        }
    };
    match timeout_at(deadline, asking).await {
        Ok(()) => Ok(()),
        Err(_) => Err(NotReady {
            url: url.to_owned(),
            answer: last,
        }),
    }
}

/// `Ok` for 200; otherwise what was answered, or the innermost error.
async fn ask(client: &reqwest::Client, url: &str) -> Result<(), String> {
    let mut response = client.get(url).send().await.map_err(|error| innermost(&error))?;
    let status = response.status();
    if status == reqwest::StatusCode::OK {
        return Ok(());
    }
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room_bytes = MAX_ANSWER_BYTES - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room_bytes)]);
        if body.len() == MAX_ANSWER_BYTES {
            break;
        }
    }
    Err(format!(
        "{} {}",
        status.as_u16(),
        escape(String::from_utf8_lossy(&body).trim())
    ))
}

/// reqwest's own message only repeats the address; the cause is at the end of the chain.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    escape(&cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Health, HttpServer};

    #[test]
    fn path_defaults_to_health_and_other_schemes_are_refused() {
        assert_eq!(
            parse_url("http://127.0.0.1:80").ok().as_deref(),
            Some("http://127.0.0.1/health")
        );
        assert_eq!(parse_url("http://h:1/ready").ok().as_deref(), Some("http://h:1/ready"));
        for bad in ["https://h", "h:80", "", "127.0.0.1:80"] {
            let error = parse_url(bad).expect_err(bad).to_string();
            assert!(error.contains("--wait-for"), "{error}");
        }
    }

    #[tokio::test]
    async fn completes_when_the_last_one_turns_ready() {
        let (health, status) = tokio::sync::watch::channel(Health::starting());
        let server = HttpServer::builder(status)
            .start("127.0.0.1:0")
            .await
            .expect("loopback");
        let url = format!("http://{}/health", server.address());
        let deadline = Instant::now() + Duration::from_secs(20);
        let urls = [url];
        let waiting = tokio::spawn(async move { wait_until_ready(&urls, deadline).await });
        health.send_replace(Health::ready());
        waiting.await.expect("no panic").expect("ready");
        server.stop().await;
    }

    #[tokio::test]
    async fn deadline_names_the_address_and_its_last_answer() {
        let (_health, status) = tokio::sync::watch::channel(Health::starting());
        let server = HttpServer::builder(status)
            .start("127.0.0.1:0")
            .await
            .expect("loopback");
        let url = format!("http://{}/health", server.address());
        let deadline = Instant::now() + Duration::from_millis(300);
        let error = wait_until_ready(std::slice::from_ref(&url), deadline)
            .await
            .expect_err("never ready")
            .to_string();
        assert!(
            error.contains(&url) && error.contains("503") && error.contains("starting"),
            "{error}"
        );
        server.stop().await;
    }

    #[tokio::test]
    async fn nobody_listening_is_told_apart() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
        let url = format!("http://{}/health", listener.local_addr().expect("bound"));
        drop(listener);
        let deadline = Instant::now() + Duration::from_millis(200);
        let error = wait_until_ready(&[url], deadline)
            .await
            .expect_err("nobody there")
            .to_string();
        assert!(error.contains("refused"), "{error}");
    }
}
