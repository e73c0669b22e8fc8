//! Lays flags over environment over file over defaults.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    path::PathBuf,
};

use clap::{
    Arg, ArgAction, ArgMatches, Command, FromArgMatches,
    builder::Resettable,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};
use serde_json::Value;

use super::{ConfigError, file};

/// Environment variables of options begin so.
pub const ENV_PREFIX: &str = "LPT_";

/// Where the value of an option came from; greater wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Built in.
    Default,
    /// The configuration file, at this line of this path.
    File {
        /// Its path.
        path: String,
        /// Line of the key, from 1.
        line: usize,
    },
    /// This environment variable.
    Environment(String),
    /// The command line.
    Flag,
}

impl Source {
    fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Environment(_) => 2,
            Self::Flag => 3,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "configuration file {path}, line {line}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag => f.write_str("command line"),
        }
    }
}

/// The typed arguments, and where they came from.
#[derive(Debug, Clone)]
pub struct Parsed<T> {
    /// The arguments.
    pub args: T,
    /// Each option's value by its long name: a text, or a list of texts when repeatable. Unset options are absent.
    pub values: BTreeMap<String, Value>,
    /// Each set option's source by its long name.
    pub sources: BTreeMap<String, Source>,
}

impl<T> Parsed<T> {
    /// Whether the option `long` was given anywhere, rather than defaulted.
    #[must_use]
    pub fn is_given(&self, long: &str) -> bool {
        self.sources.get(long).is_some_and(|source| *source != Source::Default)
    }
}

/// Gives every long option its environment variable, so that `--help` shows it.
#[must_use]
pub fn with_environment(command: Command) -> Command {
    command.mut_args(|arg| match arg.get_long().map(env_name) {
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
    Ok(Parsed { args, values, sources })
}

/// What stands above the default for one option.
struct Given {
    source: Source,
    /// Empty for flags: they are in the command line already.
    values: Vec<OsString>,
}

fn options(command: &Command) -> impl Iterator<Item = (String, String, &Arg)> {
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
fn split(arg: &Arg, value: &OsStr) -> Vec<OsString> {
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
            Source::Environment(_) => "in the environment".to_owned(),
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
        Some(source @ (Source::Environment(_) | Source::File { .. })) => {
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    #[command(name = "example")]
    struct Args {
        #[arg(long)]
        config: Option<PathBuf>,
        #[arg(long)]
        node: Vec<String>,
        #[arg(long, default_value_t = 120)]
        messages: u64,
        #[arg(long)]
        rate: Option<u64>,
        #[arg(long)]
        interval: Option<String>,
        #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", action = ArgAction::Set)]
        fixed: bool,
    }

    fn run(argv: &[&str], env: &[(&str, &str)], file: Option<&str>) -> Result<Parsed<Args>, ConfigError> {
        let mut line: Vec<OsString> = vec!["example".into()];
        let mut written = tempfile::NamedTempFile::new().expect("temporary file");
        if let Some(text) = file {
            written.write_all(text.as_bytes()).expect("written");
            line.extend(["--config".into(), written.path().into()]);
        }
        line.extend(argv.iter().map(OsString::from));
        let lookup = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        parse(
            &with_environment(Args::command()),
            &[&["rate", "interval"]],
            &line,
            lookup,
        )
    }

    fn message(result: Result<Parsed<Args>, ConfigError>) -> String {
        result.expect_err("must be refused").to_string()
    }

    #[test]
    fn flag_over_environment_over_file_over_default() {
        let file = Some("messages = 1");
        let env: &[_] = &[("LPT_MESSAGES", "2")];
        let messages = |argv: &[&str], env: &[(&str, &str)], file| run(argv, env, file).expect("valid").args.messages;
        assert_eq!(messages(&["--messages", "3"], env, file), 3);
        assert_eq!(messages(&[], env, file), 2);
        assert_eq!(messages(&[], &[], file), 1);
        assert_eq!(messages(&[], &[], None), 120);
        assert_eq!(
            messages(&[], &[("LPT_MESSAGES", "")], file),
            1,
            "an empty variable counts as unset"
        );
    }

    #[test]
    fn sources_are_told() {
        let parsed = run(&["--rate=5"], &[("LPT_NODE", "a, b")], Some("messages = 1")).expect("valid");
        assert_eq!(parsed.sources["rate"], Source::Flag);
        assert_eq!(parsed.sources["node"], Source::Environment("LPT_NODE".into()));
        assert!(matches!(parsed.sources["messages"], Source::File { line: 1, .. }));
        assert_eq!(parsed.sources["fixed"], Source::Default);
        assert!(!parsed.is_given("fixed") && parsed.is_given("messages"));
        assert_eq!(parsed.values["node"], serde_json::json!(["a", "b"]));
        assert_eq!(parsed.values["messages"], serde_json::json!("1"));
        assert!(!parsed.values.contains_key("interval"));
    }

    #[test]
    fn a_list_replaces_lists_of_lower_rank() {
        let file = Some("node = [\"f1\", \"f2\"]");
        assert_eq!(run(&[], &[], file).expect("valid").args.node, ["f1", "f2"]);
        assert_eq!(
            run(&[], &[("LPT_NODE", "e1,e2")], file).expect("valid").args.node,
            ["e1", "e2"]
        );
        let flags = run(&["--node=x", "--node=y"], &[("LPT_NODE", "e1,e2")], file);
        assert_eq!(flags.expect("valid").args.node, ["x", "y"]);
    }

    #[test]
    fn booleans_can_be_switched_off_again() {
        assert!(run(&[], &[], Some("fixed = true")).expect("valid").args.fixed);
        assert!(
            !run(&["--fixed=false"], &[], Some("fixed = true"))
                .expect("valid")
                .args
                .fixed
        );
        assert!(
            run(&["--fixed"], &[("LPT_FIXED", "false")], None)
                .expect("valid")
                .args
                .fixed
        );
    }

    #[test]
    fn exclusive_sibling_of_higher_rank_wins() {
        let parsed = run(&["--rate=5"], &[], Some("interval = '1s'")).expect("valid");
        assert_eq!((parsed.args.rate, parsed.args.interval), (Some(5), None));
        let parsed = run(&[], &[("LPT_INTERVAL", "1s")], Some("rate = 7")).expect("valid");
        assert_eq!((parsed.args.rate, parsed.args.interval.as_deref()), (None, Some("1s")));
    }

    #[test]
    fn exclusive_siblings_of_one_rank_are_an_error() {
        assert_eq!(
            message(run(&["--rate=5", "--interval=1s"], &[], None)),
            "--rate and --interval exclude each other, and both are given on the command line: remove one"
        );
        let error = message(run(&[], &[], Some("rate = 5\ninterval = '1s'")));
        assert!(error.contains("in the configuration file"), "{error}");
    }

    #[test]
    fn refused_values_name_their_place() {
        let error = message(run(&[], &[("LPT_MESSAGES", "many")], None));
        assert!(
            error.starts_with("environment variable LPT_MESSAGES: invalid value 'many'"),
            "{error}"
        );
        let error = message(run(&[], &[], Some("\nmessages = 'many'")));
        assert!(error.contains(", line 2: invalid value 'many'"), "{error}");
        let error = message(run(&["--messages=many"], &[], None));
        assert!(
            error.starts_with("error: invalid value 'many' for '--messages <MESSAGES>'"),
            "{error}"
        );
    }

    #[test]
    fn missing_file_is_missing_input() {
        let error = run(&["--config=/nonexistent/lpt.toml"], &[], None).expect_err("no such file");
        assert_eq!(error.report(), crate::ExitCode::InputMissing);
        assert!(
            error
                .to_string()
                .starts_with("configuration file /nonexistent/lpt.toml: "),
            "{error}"
        );
    }

    #[test]
    fn help_names_the_environment_variables() {
        let error = run(&["--help"], &[], None).expect_err("help is reported this way");
        let help = error.to_string();
        for name in [
            "LPT_CONFIG",
            "LPT_NODE",
            "LPT_MESSAGES",
            "LPT_RATE",
            "LPT_INTERVAL",
            "LPT_FIXED",
        ] {
            assert!(help.contains(name), "{name} in {help}");
        }
    }
}
