//! Headers that the user wants every request to carry: the tenant of a shared store, the token of a proxy.
//!
//! They are secrets: no message and no `Debug` shows what was given, and the value may come from a file or the
//! environment, because arguments are seen by everybody on the machine.

use std::{
    env,
    fmt::{self, Debug},
    fs::File,
    io::{self, Read as _},
};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::InputError;

/// Most headers: a tenant, a token and what a proxy may want.
pub const MAX_SOURCE_HEADERS: usize = 16;

/// Longest value, bytes: what proxies take as a line of a header by default (nginx, `large_client_header_buffers`).
pub const MAX_HEADER_BYTES: usize = 8 << 10;

/// Headers that say how a request is put together, or that the tracer sets itself.
const OURS: [&str; 9] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "transfer-encoding",
    "upgrade",
    "x-loki-response-encoding-flags",
];

/// An argument that may hold a secret. It is looked into after the command line was parsed, because the parser shows what
/// it refuses.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretArg(String);

impl SecretArg {
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretArg {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Debug for SecretArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretArg(…)")
    }
}

/// The headers that `given` ask for, `NAME: VALUE` each.
///
/// # Errors
/// [`InputError::Sources`] when one is no header, [`InputError::Unreadable`] when the file of a value cannot be read.
pub(super) fn headers(given: &[SecretArg]) -> Result<HeaderMap, InputError> {
    if given.len() > MAX_SOURCE_HEADERS {
        return Err(wrong(format!("more than {MAX_SOURCE_HEADERS} times --source-header")));
    }
    let mut headers = HeaderMap::new();
    for text in given {
        let (name, value) = header(text.reveal())?;
        if headers.insert(&name, value).is_some() {
            return Err(wrong(format!("--source-header {name} is given twice")));
        }
    }
    Ok(headers)
}

/// Whether a user and a password of an address would compete with a header.
pub(super) fn authorizes(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION)
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), InputError> {
    // What was given is not repeated: without a colon all of it may be the secret.
    let form = || wrong("--source-header: write NAME: VALUE, such as X-Scope-OrgID: team".to_owned());
    let (name, value) = text.split_once(':').ok_or_else(form)?;
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| form())?;
    if OURS.contains(&name.as_str()) {
        return Err(wrong(format!("--source-header {name}: the tracer sets it itself")));
    }
    let value = expand(&name, value.trim_ascii())?;
    if value.is_empty() || value.len() > MAX_HEADER_BYTES {
        return Err(wrong(format!(
            "--source-header {name}: the value has {} bytes, 1 to {MAX_HEADER_BYTES} are allowed",
            value.len()
        )));
    }
    let mut value = HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| wrong(format!("--source-header {name}: control characters in the value")))?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// Puts in place what the value refers to: a word that begins with `@` and all behind it is a file, such a word with `$`
/// a variable of the environment; `Bearer @/run/secrets/token`.
fn expand(name: &HeaderName, value: &str) -> Result<String, InputError> {
    let word = value
        .match_indices(['@', '$'])
        .find(|(at, _)| *at == 0 || value[..*at].ends_with(' '));
    let Some((at, sign)) = word else {
        return Ok(value.to_owned());
    };
    let (before, from) = (&value[..at], &value[at + 1..]);
    let secret = if sign == "@" {
        read(from).map_err(|error| InputError::Unreadable {
            path: from.to_owned(),
            error,
        })?
    } else {
        // The name is not shown: a secret may well begin with a dollar.
        env::var(from).map_err(|_| wrong(format!("--source-header {name}: no such variable in the environment")))?
    };
    Ok(format!("{before}{}", secret.trim_ascii()))
}

fn read(path: &str) -> io::Result<String> {
    let mut text = String::new();
    // One byte more than allowed, so that too long a value is seen, and a newline at the end.
    let limit_bytes = MAX_HEADER_BYTES as u64 + 2;
    File::open(path)?.take(limit_bytes).read_to_string(&mut text)?;
    Ok(text)
}

const fn wrong(text: String) -> InputError {
    InputError::Sources(text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn of(texts: &[&str]) -> Result<HeaderMap, InputError> {
        let given: Vec<SecretArg> = texts.iter().map(|text| (*text).to_owned().into()).collect();
        headers(&given)
    }

    #[test]
    fn values_stand_in_the_argument_a_file_or_the_environment() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "from file\n").unwrap();
        let path = file.path().display();
        // Every process has it.
        let home = env::var("PATH").unwrap();
        for (text, expected) in [
            ("X-Scope-OrgID: team", "team".to_owned()),
            ("AccountID:12", "12".to_owned()),
            ("X: user@host costs 5$", "user@host costs 5$".to_owned()),
            (&format!("X: @{path}"), "from file".to_owned()),
            (&format!("X: Bearer @{path}"), "Bearer from file".to_owned()),
            ("X: $PATH", home.clone()),
            ("X: Bearer $PATH", format!("Bearer {home}")),
        ] {
            let headers = of(&[text]).unwrap();
            let value = headers.values().next().unwrap();
            assert_eq!(value.to_str().unwrap(), expected, "{text}");
            assert!(value.is_sensitive());
        }
    }

    #[test]
    fn nonsense_is_refused_without_showing_it() {
        let long = format!("X: secret{}", "x".repeat(MAX_HEADER_BYTES));
        for text in [
            "secret",
            "se cret: x",
            ": secret",
            "X:",
            "X: secret\nY: z",
            "X: secret\0",
            "Content-Length: secret",
            "X: $secret-no-such-variable",
            &long,
        ] {
            let error = of(&[text]).unwrap_err();
            assert!(matches!(error, InputError::Sources(_)), "{text}: {error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let twice = of(&["X: secret", "x: secret"]).unwrap_err().to_string();
        assert_eq!(twice, "--source-header x is given twice");
        assert!(of(&["X: y"; MAX_SOURCE_HEADERS + 1]).is_err());
        assert!(matches!(of(&["X: @no such file"]), Err(InputError::Unreadable { .. })));
        assert_eq!(format!("{:?}", SecretArg::from("secret".to_owned())), "SecretArg(…)");
    }

    #[test]
    fn a_file_that_is_too_long_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "x".repeat(2 * MAX_HEADER_BYTES)).unwrap();
        let text = format!("X: @{}", file.path().display());
        assert!(matches!(of(&[&text]), Err(InputError::Sources(_))));
    }
}
