//! Log stores as inputs: what the command line says about them, and why one cannot be read.

use std::{io, str::FromStr, time::Duration};

use clap::Args;
use event_log::Timestamp;
use reqwest::{Url, header::HeaderMap};

use super::{
    InputError,
    headers::{self, SecretArg},
};

/// Log stores to read beside or in place of files.
#[derive(Debug, Clone, Default, Args)]
pub struct SourceArgs {
    /// Read logs from a store over HTTP, repeatable: victorialogs=URL or loki=URL, each with a --query
    #[arg(long = "source", value_name = "KIND=URL", requires = "queries")]
    pub sources: Vec<SecretArg>,

    /// What to ask the store for, in LogsQL or LogQL: one for each --source in their order, or one for all
    #[arg(long = "query", value_name = "QUERY", requires = "sources")]
    pub queries: Vec<String>,

    /// Send this header to all stores, repeatable: 'X-Scope-OrgID: team'; a value, or its last word, may be @FILE or
    /// $VARIABLE, which keeps secrets out of the list of processes: 'Authorization: Bearer $TOKEN'
    #[arg(long = "source-header", value_name = "NAME: VALUE", requires = "sources")]
    pub headers: Vec<SecretArg>,

    /// Ask the stores for lines from this time on, RFC 3339; Loki needs it
    #[arg(long, value_name = "TIME", requires = "sources", value_parser = parse_time)]
    pub start: Option<Timestamp>,

    /// Ask the stores for lines before this time, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", requires = "sources", value_parser = parse_time)]
    pub end: Option<Timestamp>,
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is no RFC 3339 time such as 2026-01-31T12:00:00Z"))
}

/// Which store it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// VictoriaLogs, `/select/logsql/query`.
    VictoriaLogs,
    /// Grafana Loki, `/loki/api/v1/query_range`.
    Loki,
}

impl StoreKind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::VictoriaLogs => "victorialogs",
            Self::Loki => "loki",
        }
    }
}

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Which store it is.
    pub kind: StoreKind,
    /// Its address, without the path of the API.
    pub url: Url,
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // What was given is not repeated: it may hold a password.
        let form = || "write victorialogs=URL or loki=URL, with http:// or https://".to_owned();
        let (kind, url) = text.split_once('=').ok_or_else(form)?;
        let kind = match kind {
            "victorialogs" => StoreKind::VictoriaLogs,
            "loki" => StoreKind::Loki,
            _ => return Err(form()),
        };
        let url = Url::parse(url).map_err(|error| format!("bad URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(form());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("give the address alone, and the query with --query".to_owned());
        }
        Ok(Self { kind, url })
    }
}

impl Endpoint {
    /// The address of a path of the API.
    pub(super) fn api(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/{path}", self.url.path().trim_end_matches('/')));
        url
    }
}

/// One query to one store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) endpoint: Endpoint,
    pub(super) query: String,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
}

impl Source {
    /// How it is called in messages and reports; no address, which may hold a password.
    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.endpoint.kind.name(), self.query)
    }
}

impl SourceArgs {
    /// The queries, each once.
    ///
    /// # Errors
    /// [`InputError::Sources`] when the arguments contradict each other, [`InputError::Unreadable`] when the file of a
    /// header cannot be read.
    pub(super) fn check(&self) -> Result<(Vec<Source>, HeaderMap), InputError> {
        let pairs = self.pairs().map_err(InputError::Sources)?;
        let headers = headers::headers(&self.headers)?;
        let has_user =
            |pair: &Source| !pair.endpoint.url.username().is_empty() || pair.endpoint.url.password().is_some();
        if headers::authorizes(&headers) && pairs.iter().any(has_user) {
            let text = "a user in the address of a --source and --source-header Authorization: give one of them";
            return Err(InputError::Sources(text.to_owned()));
        }
        Ok((pairs, headers))
    }

    /// Whether addresses and queries fit together; nothing is looked up.
    #[cfg(test)]
    pub(crate) fn fit(&self) -> Result<(), String> {
        self.pairs().map(drop)
    }

    fn pairs(&self) -> Result<Vec<Source>, String> {
        let (sources, queries) = (self.sources.len(), self.queries.len());
        if queries != sources && queries != 1 {
            return Err(format!(
                "{sources} --source and {queries} --query: give one query for each source, or one for all"
            ));
        }
        if let (Some(start), Some(end)) = (self.start, self.end)
            && start >= end
        {
            return Err(format!("--start {start} is not before --end {end}"));
        }
        let mut pairs: Vec<Source> = Vec::with_capacity(sources);
        for (number, source) in self.sources.iter().enumerate() {
            let endpoint: Endpoint = source.reveal().parse().map_err(|error| format!("--source: {error}"))?;
            if endpoint.kind == StoreKind::Loki && self.start.is_none() {
                return Err("loki needs --start: without it Loki answers for the last hour alone".to_owned());
            }
            let pair = Source {
                endpoint,
                query: self.queries[number % queries].clone(),
                start: self.start,
                end: self.end,
            };
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
        Ok(pairs)
    }
}

/// Why a store could not be read to the end. Nothing of it is used then.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The request was not answered, or the answer broke off.
    #[error("{0}")]
    Connection(String),
    /// The store answered with an error.
    #[error("the store answered {status}: {text}")]
    Status {
        /// HTTP status.
        status: u16,
        /// The beginning of its answer.
        text: String,
        /// The pause it asks for, at most [`MAX_RETRY_AFTER`](super::MAX_RETRY_AFTER).
        retry_after: Option<Duration>,
    },
    /// The end of the answer cannot be told from a cut.
    #[error("the answer says neither its length nor that it is chunked: it cannot be seen whether it is whole")]
    NoLength,
    /// Something in the answer that does not belong there.
    #[error("the answer is not what {0}")]
    Answer(String),
    /// A limit is exceeded.
    #[error("more than {limit} {what}: narrow the query or the time range")]
    TooMuch {
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// Lines of an event log that are not in the order of their times.
    #[error("the event log {0} is not in the order of time: add | sort by (_time) to the query")]
    Disorder(String),
    /// Nothing came.
    #[error("the query matches no line")]
    Empty,
    /// The temporary file.
    #[error("cannot write to the folder for temporary files: {0}")]
    Spool(#[from] io::Error),
}

impl SourceError {
    /// Whether another attempt may succeed.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Connection(_) => true,
            Self::Status { status, .. } => *status == 429 || *status >= 500,
            _ => false,
        }
    }

    /// How long the store wants to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(sources: &[&str], queries: &[&str]) -> SourceArgs {
        SourceArgs {
            sources: sources.iter().map(|text| (*text).to_owned().into()).collect(),
            queries: queries.iter().map(|text| (*text).to_owned()).collect(),
            ..SourceArgs::default()
        }
    }

    #[test]
    fn endpoints_are_read_and_nonsense_is_refused() {
        let endpoint: Endpoint = "loki=https://u:p@host:3100/base/".parse().unwrap();
        assert_eq!(endpoint.kind, StoreKind::Loki);
        assert_eq!(endpoint.api("loki/api").as_str(), "https://u:p@host:3100/base/loki/api");
        for text in [
            "loki",
            "loki=",
            "loki=ftp://h",
            "elastic=http://h",
            "loki=http://h/?q=1",
            "http://h",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
        let error = "lokki=http://u:secret@h".parse::<Endpoint>().unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn queries_go_with_their_sources() {
        let two = ["victorialogs=http://a", "victorialogs=http://b"];
        let queries =
            |args: SourceArgs| Ok::<_, String>(args.pairs()?.into_iter().map(|pair| pair.query).collect::<Vec<_>>());
        assert_eq!(queries(args(&two, &["x", "y"])).unwrap(), ["x", "y"]);
        assert_eq!(queries(args(&two, &["x"])).unwrap(), ["x", "x"]);
        assert_eq!(queries(args(&[two[0], two[0]], &["x"])).unwrap(), ["x"]);
        assert!(queries(args(&two, &["x", "y", "z"])).is_err());
        assert!(
            queries(args(&["loki=http://a"], &["{}"]))
                .unwrap_err()
                .contains("--start")
        );
        let mut turned = args(&["loki=http://a"], &["{}"]);
        turned.start = Some(Timestamp::from_unix_ns(2));
        turned.end = Some(Timestamp::from_unix_ns(1));
        assert!(queries(turned).unwrap_err().contains("not before"));
    }

    #[test]
    fn a_bad_address_is_refused_without_its_password() {
        let error = args(&["lokki=http://u:secret@h"], &["x"]).check().unwrap_err();
        assert!(matches!(error, InputError::Sources(_)));
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn a_user_and_a_header_do_not_compete() {
        let mut both = args(&["victorialogs=http://u:secret@h"], &["x"]);
        assert!(both.check().is_ok());
        both.headers = vec!["authorization: secret".to_owned().into()];
        let error = both.check().unwrap_err().to_string();
        assert!(error.contains("one of them") && !error.contains("secret"), "{error}");
    }
}
