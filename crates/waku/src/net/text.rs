//! Network errors on one line, for people.

use libp2p::swarm::DialError;

/// A dial error on one line, with each address and the innermost cause.
pub fn dial_error_text(error: &DialError) -> String {
    let DialError::Transport(failures) = error else {
        return error_text(error);
    };
    let failures: Vec<_> = failures
        .iter()
        .map(|(address, error)| format!("{address}: {}", innermost(error)))
        .collect();
    format!("cannot connect to {}", failures.join("; "))
}

/// An error and its causes on one line, without repeating a cause the outer text already holds.
pub fn error_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text.replace('\n', " ")
}

/// The last cause of an error: "connection refused" rather than six layers of transports.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    innermost.to_string().replace('\n', " ")
}
