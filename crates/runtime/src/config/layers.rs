//! Lays flags over environment over file over defaults.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use clap::{
    Arg, ArgAction, ArgMatches, Command, FromArgMatches,
    builder::Resettable,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};
use serde_json::Value;

use super::{ConfigError, Side, Source, file, foreign};
use crate::{escape::escape, terminal, version::version};

/// Environment variables of options begin so.
pub const ENV_PREFIX: &str = "LPT_";

/// The typed arguments, and where they came from.
#[derive(Debug, Clone)]
pub struct Parsed<T> {
    /// The arguments.
    pub args: T,
    /// Each option's value by its long name: a text, or a list of texts when repeatable. Unset options are absent.
    pub values: BTreeMap<String, Value>,
    /// Each set option's source by its long name.
    pub sources: BTreeMap<String, Source>,
    /// What the user should know of foreign environment names: one line each.
    pub notices: Vec<String>,
}

impl<T> Parsed<T> {
    /// Whether the option `long` was given anywhere, rather than defaulted.
    #[must_use]
    pub fn is_given(&self, long: &str) -> bool {
        self.sources.get(long).is_some_and(|source| *source != Source::Default)
    }

    /// Says on standard error which foreign environment names count: they are common words, and one that was meant for
    /// somebody else must not change a measurement unseen.
    pub fn say_notices(&self, program: &str) {
        for notice in &self.notices {
            terminal::print(&format!("{program}: {}\n", escape(notice)));
        }
    }
}

/// Gives every long option its environment variable, so that `--help` shows it, and `--version` the commit.
#[must_use]
pub fn with_environment(command: Command) -> Command {
    command
        .version(version())
        .mut_args(|arg| match arg.get_long().map(env_name) {
            Some(name) => arg.env(name),
            None => arg,
        })
}

fn env_name(long: &str) -> String {
    format!("{ENV_PREFIX}{}", long.replace('-', "_").to_uppercase())
}

/// Parses `argv` (with the program name first) over the environment as `env` tells it, over the file named by
/// `--config`. `exclusive` lists groups of long names of which one may be given: within a group the highest source
/// wins, two at the same source are an error.
///
/// # Errors
/// [`ConfigError`]; its `report` prints it, or the help that was asked for.
pub fn parse<T: FromArgMatches>(
    command: &Command,
    exclusive: &[&[&str]],
    argv: &[OsString],
    env: impl Fn(&str) -> Option<OsString>,
) -> Result<Parsed<T>, ConfigError> {
    parse_layers(command, exclusive, None, argv, env)
}

/// [`parse`] for the program `side`, with the environment names of the Nim tester and of its fleet runner between the
/// file and the environment.
///
/// # Errors
/// As [`parse`]; also for a foreign name whose meaning cannot be honoured, and for two that contradict each other.
pub fn parse_for<T: FromArgMatches>(
    side: Side,
    command: &Command,
    exclusive: &[&[&str]],
    argv: &[OsString],
    env: impl Fn(&str) -> Option<OsString>,
) -> Result<Parsed<T>, ConfigError> {
    parse_layers(command, exclusive, Some(side), argv, env)
}

fn parse_layers<T: FromArgMatches>(
    command: &Command,
    exclusive: &[&[&str]],
    side: Option<Side>,
    argv: &[OsString],
    env: impl Fn(&str) -> Option<OsString>,
) -> Result<Parsed<T>, ConfigError> {
    let bare = command.clone().mut_args(|arg| arg.env(Resettable::Reset));
    let typed = bare
        .clone()
        .try_get_matches_from(argv)
        .map_err(|error| match error.kind() {
            // Asked again of the command that knows the environment variables, so that the help shows them.
            ErrorKind::DisplayHelp => command.clone().try_get_matches_from(argv).err().unwrap_or(error),
            _ => error,
        })?;
    let mut given = given_options(&bare, &typed, &env)?;
    let notices = match side {
        Some(side) => foreign::add(&bare, side, &mut given, &env)?,
        None => Vec::new(),
    };
    for group in exclusive {
        keep_highest(&bare, &mut given, group)?;
    }
    let line = merged_argv(&bare, argv, &given);
    let matches = bare
        .clone()
        .try_get_matches_from(&line)
        .map_err(|error| with_origin(&bare, &given, error))?;
    let args = T::from_arg_matches(&matches)?;
    let mut values = BTreeMap::new();
    let mut sources = BTreeMap::new();
    for (id, long, arg) in options(&bare) {
        if let Some(value) = shown_value(&matches, &id, arg) {
            values.insert(long.clone(), value);
            sources.insert(long, given.remove(&id).map_or(Source::Default, |given| given.source));
        }
    }
    Ok(Parsed {
        args,
        values,
        sources,
        notices,
    })
}

/// What stands above the default for one option.
pub(super) struct Given {
    pub(super) source: Source,
    /// Empty for flags: they are in the command line already.
    pub(super) values: Vec<OsString>,
}

pub(super) fn options(command: &Command) -> impl Iterator<Item = (String, String, &Arg)> {
    command
        .get_arguments()
        .filter_map(|arg| Some((arg.get_id().to_string(), arg.get_long()?.to_owned(), arg)))
}

fn given_options(
    command: &Command,
    typed: &ArgMatches,
    env: &impl Fn(&str) -> Option<OsString>,
) -> Result<BTreeMap<String, Given>, ConfigError> {
    let mut given = BTreeMap::new();
    for (id, long, arg) in options(command) {
        if typed.value_source(&id) == Some(ValueSource::CommandLine) {
            given.insert(
                id,
                Given {
                    source: Source::Flag,
                    values: Vec::new(),
                },
            );
            continue;
        }
        let name = env_name(&long);
        if let Some(value) = env(&name).filter(|value| !value.is_empty()) {
            given.insert(
                id,
                Given {
                    source: Source::Environment(name),
                    values: split(arg, &value),
                },
            );
        }
    }
    if let Some(path) = config_path(typed, &given) {
        let shown = path.display().to_string();
        for (id, value) in file::read(&path, command)? {
            let source = Source::File {
                path: shown.clone(),
                line: value.line,
            };
            let values = value.values.into_iter().map(OsString::from).collect();
            given.entry(id).or_insert(Given { source, values });
        }
    }
    Ok(given)
}

/// The parts of an environment variable: a repeatable option takes a comma-separated list.
pub(super) fn split(arg: &Arg, value: &OsStr) -> Vec<OsString> {
    match (arg.get_action(), value.to_str()) {
        (ArgAction::Append, Some(text)) => text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(OsString::from)
            .collect(),
        _ => vec![value.to_owned()],
    }
}

fn config_path(typed: &ArgMatches, given: &BTreeMap<String, Given>) -> Option<PathBuf> {
    let config = given.get("config")?;
    match config.values.first() {
        Some(from_environment) => Some(PathBuf::from(from_environment)),
        None => typed.get_raw("config")?.next_back().map(PathBuf::from),
    }
}

/// Within a group of options that exclude each other, the highest source wins.
fn keep_highest(command: &Command, given: &mut BTreeMap<String, Given>, group: &[&str]) -> Result<(), ConfigError> {
    let members: Vec<_> = options(command)
        .filter(|(_, long, _)| group.contains(&long.as_str()))
        .collect();
    let rank = |id: &String| given.get(id).map(|given| given.source.rank());
    let Some(highest) = members.iter().filter_map(|(id, ..)| rank(id)).max() else {
        return Ok(());
    };
    let winners: Vec<_> = members.iter().filter(|(id, ..)| rank(id) == Some(highest)).collect();
    if let [(first_id, first, _), (_, second, _), ..] = winners[..] {
        let place = match &given[first_id].source {
            Source::Flag => "on the command line".to_owned(),
            Source::Alias(_) | Source::Environment(_) => "in the environment".to_owned(),
            Source::File { path, .. } => format!("in the configuration file {path}"),
            Source::Default => "by default".to_owned(),
        };
        return Err(ConfigError::Exclusive {
            first: format!("--{first}"),
            second: format!("--{second}"),
            place,
        });
    }
    for (id, ..) in &members {
        if given.get(id).is_some_and(|given| given.source.rank() < highest) {
            given.remove(id);
        }
    }
    Ok(())
}

/// The command line with the values of lower sources in front.
fn merged_argv(command: &Command, argv: &[OsString], given: &BTreeMap<String, Given>) -> Vec<OsString> {
    let mut line: Vec<OsString> = argv.first().cloned().into_iter().collect();
    for (id, long, _) in options(command) {
        for value in given.get(&id).map(|given| given.values.as_slice()).unwrap_or_default() {
            let mut argument = OsString::from(format!("--{long}="));
            argument.push(value);
            line.push(argument);
        }
    }
    line.extend(argv.iter().skip(1).cloned());
    line
}

/// Says where a refused value stands, when that is not the command line.
fn with_origin(command: &Command, given: &BTreeMap<String, Given>, error: clap::Error) -> ConfigError {
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else {
        return error.into();
    };
    let long = shown
        .trim_start_matches('-')
        .split([' ', '=', '['])
        .next()
        .unwrap_or_default()
        .to_owned();
    let id = options(command)
        .find(|(_, candidate, _)| *candidate == long)
        .map(|(id, ..)| id);
    match id.and_then(|id| given.get(&id)).map(|given| &given.source) {
        Some(source @ (Source::Alias(_) | Source::Environment(_) | Source::File { .. })) => {
            let text = error.to_string();
            // Without "error:", and without the hint to --help, which is about flags.
            let message = text
                .trim_start_matches("error: ")
                .split("\n\nFor more")
                .next()
                .unwrap_or_default();
            ConfigError::Value {
                origin: source.to_string(),
                message: message.trim().to_owned(),
            }
        }
        _ => error.into(),
    }
}

fn shown_value(matches: &ArgMatches, id: &str, arg: &Arg) -> Option<Value> {
    let mut texts = matches
        .get_raw(id)?
        .map(|raw| Value::String(raw.to_string_lossy().into_owned()));
    match arg.get_action() {
        ArgAction::Append => Some(texts.collect()),
        _ => texts.next_back(),
    }
}
