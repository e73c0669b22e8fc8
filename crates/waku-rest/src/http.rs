//! One HTTP exchange with a deadline and a bounded answer.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response, redirect::Policy};

use crate::{
    RestError, RestNode,
    json::text,
    limits::{CONNECT_TIMEOUT, IDLE_CONNECTIONS},
};

/// What nwaku answers, with status 400, to a path it does not serve (LD `endpoint/builder.nim`).
const NWAKU_INVALID_PATH: &str = "Invalid path or method used";

/// A client that keeps connections, follows no redirects and uses no proxy: what is measured is the node asked.
pub(crate) fn client(agent: &str) -> Result<Client, RestError> {
    Client::builder()
        .user_agent(agent)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .redirect(Policy::none())
        .no_proxy()
        .tcp_nodelay(true)
        .build()
        .map_err(|error| RestError::Client(innermost(&error)))
}

/// A request not yet sent.
#[derive(Debug)]
pub(crate) struct Exchange {
    request: RequestBuilder,
    url: String,
    what: String,
    timeout: Duration,
    max_bytes: usize,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) what: String,
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Exchange {
    /// `path` begins with a slash. The answer has to be there within `timeout` and have at most `max_bytes`.
    pub(crate) fn new(
        client: &Client,
        node: &RestNode,
        method: Method,
        path: &str,
        timeout: Duration,
        max_bytes: usize,
    ) -> Self {
        Self {
            what: format!("{method} {path}"),
            request: client.request(method, format!("{}{path}", node.url())).timeout(timeout),
            url: node.url().to_owned(),
            timeout,
            max_bytes,
        }
    }

    pub(crate) fn json(mut self, body: &impl serde::Serialize) -> Self {
        self.request = self.request.json(body);
        self
    }

    pub(crate) async fn send(self) -> Result<Answer, RestError> {
        let Self {
            request,
            url,
            what,
            timeout,
            max_bytes,
        } = self;
        let failed = |error: reqwest::Error| match error.is_connect() || error.is_builder() {
            true => RestError::NotConnected {
                url: url.clone(),
                reason: innermost(&error),
            },
            false => RestError::NoAnswer {
                what: what.clone(),
                reason: match error.is_timeout() {
                    true => format!("none within {} ms", timeout.as_millis()),
                    false => innermost(&error),
                },
            },
        };
        let response = request.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        match read(response, max_bytes).await {
            Ok(Some(body)) => Ok(Answer { what, status, body }),
            Ok(None) => Err(RestError::TooLarge { what, max_bytes }),
            Err(error) => Err(failed(error)),
        }
    }
}

/// `None` when the body is larger than allowed.
async fn read(mut response: Response, max_bytes: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let told = response.content_length().unwrap_or(0);
    if told > max_bytes as u64 {
        return Ok(None);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > max_bytes {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

impl Answer {
    pub(crate) fn is_ok(&self) -> bool {
        self.status == 200
    }

    pub(crate) fn text(&self) -> String {
        text(&self.body)
    }

    /// Whether the path is unknown to the server, as far as status and text tell.
    pub(crate) fn is_unknown_path(&self) -> bool {
        matches!(self.status, 404 | 405) || (self.status == 400 && self.text().contains(NWAKU_INVALID_PATH))
    }

    pub(crate) fn not_served(self) -> RestError {
        RestError::NotServed {
            text: self.text(),
            what: self.what,
            status: self.status,
        }
    }
}

/// reqwest's own message only repeats the address; the cause is at the end of the chain.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
