//! Looking up TXT records.

use std::{future::Future, net::SocketAddr, sync::OnceLock, time::Duration};

use hickory_resolver::{
    Resolver, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::RData,
};

/// How long one lookup may take, tries included.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait for one name server; a second try then still fits into [`LOOKUP_TIMEOUT`].
const NAME_SERVER_TIMEOUT: Duration = Duration::from_secs(4);

/// TXT records of one name that are looked at; real names have below ten.
const MAX_TEXTS: usize = 64;

/// Why TXT records cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TxtError {
    /// The name servers of this host are not known.
    #[error("the name servers of this host cannot be read ({0}): give --name-server")]
    NoNameServers(String),
    /// No answer, or a negative one.
    #[error("TXT records of {name} cannot be looked up: {reason}")]
    Failed {
        /// The name.
        name: String,
        /// What the resolver says.
        reason: String,
    },
    /// No answer in time.
    #[error("TXT records of {name}: no answer within {after_ms} ms")]
    TimedOut {
        /// The name.
        name: String,
        /// The limit.
        after_ms: u128,
    },
}

/// Something that knows TXT records.
pub trait TxtResolver: Send + Sync {
    /// The TXT records of `name`, the parts of each joined; those that are not UTF-8 are left out.
    ///
    /// # Errors
    /// [`TxtError`].
    fn txt(&self, name: &str) -> impl Future<Output = Result<Vec<String>, TxtError>> + Send;
}

/// Asks name servers: those of this host, or given ones. They are looked for at the first lookup, so that who needs
/// none does not fail for the lack of them.
#[derive(Debug, Default)]
pub struct NameServers {
    given: Vec<SocketAddr>,
    resolver: OnceLock<TokioResolver>,
}

impl NameServers {
    /// Those at `given`, or when that is empty those of this host.
    #[must_use]
    pub fn new(given: Vec<SocketAddr>) -> Self {
        Self {
            given,
            resolver: OnceLock::new(),
        }
    }

    fn resolver(&self) -> Result<&TokioResolver, TxtError> {
        match self.resolver.get() {
            Some(resolver) => Ok(resolver),
            None => self.build().map(|resolver| self.resolver.get_or_init(|| resolver)),
        }
    }

    fn build(&self) -> Result<TokioResolver, TxtError> {
        let unusable = |error: hickory_resolver::net::NetError| TxtError::NoNameServers(error.to_string());
        let mut builder = if self.given.is_empty() {
            TokioResolver::builder_tokio().map_err(unusable)?
        } else {
            let servers = self.given.iter().map(|server| name_server(*server)).collect();
            let config = ResolverConfig::from_name_servers(servers);
            Resolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let options = builder.options_mut();
        options.timeout = NAME_SERVER_TIMEOUT;
        options.attempts = 2;
        // Records of several hundred bytes; without EDNS an answer of more than 512 costs a second try by TCP.
        options.edns0 = true;
        builder.build().map_err(unusable)
    }
}

fn name_server(at: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = at.port();
        connection
    });
    NameServerConfig::new(at.ip(), true, connections.into())
}

impl TxtResolver for NameServers {
    async fn txt(&self, name: &str) -> Result<Vec<String>, TxtError> {
        let resolver = self.resolver()?;
        // A dot at the end: the search domains of this host have no say.
        let looking = resolver.txt_lookup(format!("{name}."));
        let answer = tokio::time::timeout(LOOKUP_TIMEOUT, looking).await;
        let answer = answer.map_err(|_| TxtError::TimedOut {
            name: name.to_owned(),
            after_ms: LOOKUP_TIMEOUT.as_millis(),
        })?;
        let answer = answer.map_err(|error| TxtError::Failed {
            name: name.to_owned(),
            // The resolver's own words for these are half a screen.
            reason: match error {
                error if error.is_nx_domain() => "there is no such name".to_owned(),
                error if error.is_no_records_found() => {
                    "the name has none, or the name server does not answer for it".to_owned()
                }
                error => error.to_string(),
            },
        })?;
        let texts = answer.answers().iter().filter_map(|record| match &record.data {
            RData::TXT(txt) => String::from_utf8(txt.txt_data.concat()).ok(),
            _ => None,
        });
        Ok(texts.take(MAX_TEXTS).collect())
    }
}
