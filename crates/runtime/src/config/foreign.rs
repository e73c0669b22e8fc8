//! Lays the foreign environment names between the configuration file and our own variables.

use std::{collections::BTreeMap, ffi::OsString};

use clap::Command;

use super::{
    ConfigError, Side, Source,
    alias::{ALIASES, Alias, Meaning},
    layers::{Given, options, split},
};

/// Adds what foreign names say of options that neither a flag nor a variable of ours sets, and returns what the user
/// should be told: which of them count, and which do not.
///
/// # Errors
/// A value that makes no sense, two names that contradict each other, or a meaning that cannot be honoured.
pub(super) fn add(
    command: &Command,
    side: Side,
    given: &mut BTreeMap<String, Given>,
    env: &impl Fn(&str) -> Option<OsString>,
) -> Result<Vec<String>, ConfigError> {
    let mut notices = Vec::new();
    for alias in ALIASES.iter().filter(|alias| alias.sides.contains(&side)) {
        let Some(value) = env(alias.name).filter(|value| !value.is_empty()) else {
            continue;
        };
        let value = value
            .into_string()
            .map_err(|_| refused(alias, "it is not valid UTF-8".into()))?;
        if matches!(alias.meaning, Meaning::Bootstrap) && named_a_node(command, given) {
            notices.push(format!(
                "environment variable {} is not used: a service node is named",
                alias.name
            ));
            continue;
        }
        for (long, value) in alias.meaning.values(&value).map_err(|text| refused(alias, text))? {
            notices.push(lay(command, given, alias, long, &value)?);
        }
    }
    Ok(notices)
}

/// As in the original: a bootstrap node is asked only when no service node is named.
fn named_a_node(command: &Command, given: &BTreeMap<String, Given>) -> bool {
    options(command).any(|(id, long, _)| long == "service-node" && given.contains_key(&id))
}

fn lay(
    command: &Command,
    given: &mut BTreeMap<String, Given>,
    alias: &Alias,
    long: &str,
    value: &str,
) -> Result<String, ConfigError> {
    let Some((id, _, arg)) = options(command).find(|(_, candidate, _)| candidate == long) else {
        return Err(refused(
            alias,
            format!("there is no --{long} here, so it cannot be honoured: unset it"),
        ));
    };
    let source = Source::Alias(alias.name);
    let values = split(arg, value.as_ref());
    match given.get(&id) {
        Some(before) if matches!(before.source, Source::Alias(_)) => {
            if before.values != values {
                let problem = format!("it contradicts {} about --{long}: unset one of the two", before.source);
                return Err(refused(alias, problem));
            }
            Ok(format!(
                "environment variable {} says the same as {}",
                alias.name, before.source
            ))
        }
        Some(before) if before.source.rank() > source.rank() => Ok(format!(
            "environment variable {} is not used: --{long} is set by {}",
            alias.name, before.source
        )),
        _ => {
            given.insert(id, Given { source, values });
            Ok(format!("environment variable {} sets --{long} to {value}", alias.name))
        }
    }
}

fn refused(alias: &Alias, message: String) -> ConfigError {
    ConfigError::Value {
        origin: Source::Alias(alias.name).to_string(),
        message,
    }
}
