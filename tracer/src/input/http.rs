//! Requests to log stores: time-outs, attempts, and answers that are whole or an error.

use std::{io::Read as _, thread, time::Duration};

use reqwest::{
    Url,
    blocking::{Client, Response},
    header::{HeaderMap, HeaderName, TRANSFER_ENCODING},
    redirect::Policy,
};

use super::{retry::asked_pause, source::SourceError};

/// Longest time to connect: stores are near, and a dead address should not hold up a pipeline.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest time without a byte: VictoriaLogs ends queries after 30 s by default, Loki after 60 s.
pub const READ_TIMEOUT: Duration = Duration::from_secs(90);

/// Attempts for one answer: with [`FIRST_PAUSE`] doubling they outlast the restart of a proxy.
pub const MAX_ATTEMPTS: u32 = 5;

/// Pause after the first failed attempt; each further one is twice as long.
pub const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Most bytes of an error that are shown.
pub const MAX_ERROR_BYTES: u64 = 512;

/// Tells Loki to keep structured metadata out of the labels of a stream: with it one node's log would fall apart into
/// a stream for each level.
const LOKI_ENCODING: (HeaderName, &str) = (
    HeaderName::from_static("x-loki-response-encoding-flags"),
    "categorize-labels",
);

/// A client of log stores.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    first_pause: Duration,
    sleep: fn(Duration),
}

/// What differs between use and tests.
pub(super) struct Settings {
    pub(super) read_timeout: Duration,
    pub(super) first_pause: Duration,
    pub(super) sleep: fn(Duration),
    /// What every request carries.
    pub(super) headers: HeaderMap,
}

impl Settings {
    pub(super) fn new(headers: HeaderMap) -> Self {
        Self {
            read_timeout: READ_TIMEOUT,
            first_pause: FIRST_PAUSE,
            sleep: thread::sleep,
            headers,
        }
    }
}

impl Http {
    pub(super) fn new(settings: Settings) -> Result<Self, SourceError> {
        // Redirects are not followed: they may turn the request into one without its query, and take secrets elsewhere.
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(settings.read_timeout)
            .default_headers(settings.headers)
            .redirect(Policy::none());
        Ok(Self {
            client: client.build().map_err(|error| connection(&error))?,
            first_pause: settings.first_pause,
            sleep: settings.sleep,
        })
    }

    /// Sends the form and hands back the answer when it is a success whose end can be told.
    pub(super) fn post(&self, url: &Url, form: &[(&str, String)]) -> Result<Response, SourceError> {
        let request = self.client.post(url.clone()).header(LOKI_ENCODING.0, LOKI_ENCODING.1);
        let response = request.form(form).send().map_err(|error| connection(&error))?;
        let status = response.status();
        if !status.is_success() {
            let retry_after = asked_pause(response.headers());
            let mut text = Vec::new();
            // What there is of the explanation; the status is the error.
            let _ = response.take(MAX_ERROR_BYTES).read_to_end(&mut text);
            return Err(SourceError::Status {
                status: status.as_u16(),
                text: String::from_utf8_lossy(&text).trim().to_owned(),
                retry_after,
            });
        }
        let chunked = response.headers().contains_key(TRANSFER_ENCODING);
        if response.content_length().is_none() && !chunked {
            return Err(SourceError::NoLength);
        }
        Ok(response)
    }

    /// Attempts until one succeeds, fails for good, or [`MAX_ATTEMPTS`] have failed.
    pub(super) fn attempt<T>(&self, mut once: impl FnMut() -> Result<T, SourceError>) -> Result<T, SourceError> {
        let mut pause = self.first_pause;
        for _ in 1..MAX_ATTEMPTS {
            match once() {
                // A store that asks for less than the usual pause does not get more attempts in the same time.
                Err(error) if error.is_transient() => {
                    (self.sleep)(error.retry_after().map_or(pause, |asked| asked.max(pause)))
                }
                done => return done,
            }
            pause *= 2;
        }
        once()
    }
}

/// An error with its causes and without the address, which may hold a password.
fn connection(error: &reqwest::Error) -> SourceError {
    let mut text = if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        "cannot connect".to_owned()
    } else {
        "the request failed".to_owned()
    };
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    SourceError::Connection(text)
}
