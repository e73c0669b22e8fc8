//! Reads the TOML configuration file into values for options.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

use clap::{Arg, ArgAction, Command};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{ConfigError, nearest::nearest};

/// Largest configuration file read. Real ones have a few kilobytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Options that make no sense inside the file.
const NOT_IN_FILE: [&str; 3] = ["config", "help", "version"];

/// What the file says of one option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileValue {
    /// The values, as they would be typed.
    pub(crate) values: Vec<String>,
    /// Line of the key, from 1.
    pub(crate) line: usize,
}

/// Reads `path` and returns the values by argument id of `command`.
pub(crate) fn read(path: &Path, command: &Command) -> Result<BTreeMap<String, FileValue>, ConfigError> {
    let shown = path.display().to_string();
    let unreadable = |source| ConfigError::Unreadable {
        path: shown.clone(),
        source,
    };
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(ConfigError::TooLarge {
            path: shown,
            limit_bytes: MAX_FILE_BYTES,
        });
    }
    parse(&text, &shown, command)
}

fn parse(text: &str, path: &str, command: &Command) -> Result<BTreeMap<String, FileValue>, ConfigError> {
    let table = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
        path: path.to_owned(),
        message: error.to_string().trim_end().into(),
    })?;
    let mut options = BTreeMap::new();
    for (key, value) in table.get_ref() {
        let line = line_of(text, key.span().start);
        let arg = find(command, key.get_ref()).ok_or_else(|| unknown(command, path, line, key.get_ref()))?;
        let place = Place {
            path,
            line,
            key: key.get_ref(),
        };
        let values = place.values(arg, value)?;
        if options
            .insert(arg.get_id().to_string(), FileValue { values, line })
            .is_some()
        {
            return Err(ConfigError::RepeatedKey {
                path: path.to_owned(),
                line,
                key: key.get_ref().to_string(),
            });
        }
    }
    Ok(options)
}

/// The option whose long name is `key`, with `_` for `-`.
fn find<'a>(command: &'a Command, key: &str) -> Option<&'a Arg> {
    let long = key.replace('_', "-");
    command
        .get_arguments()
        .find(|arg| arg.get_long() == Some(&long) && !NOT_IN_FILE.contains(&long.as_str()))
}

fn unknown(command: &Command, path: &str, line: usize, key: &str) -> ConfigError {
    let known = command
        .get_arguments()
        .filter_map(Arg::get_long)
        .filter(|long| !NOT_IN_FILE.contains(long));
    let nearest = nearest(&key.replace('_', "-"), known).map(str::to_owned);
    ConfigError::UnknownKey {
        path: path.to_owned(),
        line,
        key: key.to_owned(),
        nearest,
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

struct Place<'a> {
    path: &'a str,
    line: usize,
    key: &'a str,
}

impl Place<'_> {
    fn values(&self, arg: &Arg, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, ConfigError> {
        let is_list = matches!(arg.get_action(), ArgAction::Append);
        match value.get_ref() {
            DeValue::Array(items) if is_list => items
                .iter()
                .map(|item| self.scalar(item.get_ref(), "a list of plain values"))
                .collect(),
            value if is_list => Ok(vec![self.scalar(value, "a value or a list of values")?]),
            value => Ok(vec![self.scalar(value, "a single value")?]),
        }
    }

    fn scalar(&self, value: &DeValue<'_>, expected: &'static str) -> Result<String, ConfigError> {
        match value {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Integer(number) if number.radix() == 10 => Ok(number.to_string()),
            DeValue::Float(number) => Ok(number.to_string()),
            DeValue::Boolean(yes) => Ok(yes.to_string()),
            DeValue::Integer(_) => Err(self.wrong_type("a decimal number", "a number in another base")),
            DeValue::Datetime(_) => Err(self.wrong_type(expected, "a date")),
            DeValue::Array(_) => Err(self.wrong_type(expected, "a list")),
            DeValue::Table(_) => Err(self.wrong_type(expected, "a table")),
        }
    }

    fn wrong_type(&self, expected: &'static str, found: &'static str) -> ConfigError {
        let (path, key) = (self.path.to_owned(), self.key.to_owned());
        ConfigError::WrongType {
            path,
            line: self.line,
            key,
            expected,
            found,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn command() -> Command {
        Command::new("example")
            .arg(Arg::new("service_node").long("service-node").action(ArgAction::Append))
            .arg(Arg::new("messages").long("messages"))
            .arg(Arg::new("config").long("config"))
    }

    fn values(text: &str) -> Result<Vec<(String, Vec<String>)>, String> {
        let options = parse(text, "lpt.toml", &command()).map_err(|error| error.to_string())?;
        Ok(options.into_iter().map(|(id, value)| (id, value.values)).collect())
    }

    #[test]
    fn kebab_snake_lists_and_scalars() {
        let expected = vec![
            ("messages".to_owned(), vec!["7".to_owned()]),
            ("service_node".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
        ];
        assert_eq!(
            values("messages = 7\nservice-node = [\"a\", \"b\"]"),
            Ok(expected.clone())
        );
        assert_eq!(values("messages = 7\nservice_node = [\"a\", \"b\"]"), Ok(expected));
        assert_eq!(
            values("service-node = 'a'"),
            Ok(vec![("service_node".to_owned(), vec!["a".to_owned()])])
        );
    }

    #[test]
    fn errors_name_file_line_and_key() {
        for (text, expected) in [
            (
                "\nmesages = 1",
                "configuration file lpt.toml, line 2: unknown key \"mesages\"; did you mean \"messages\"?",
            ),
            (
                "config = 'x'",
                "configuration file lpt.toml, line 1: unknown key \"config\"",
            ),
            (
                "messages = [1]",
                "configuration file lpt.toml, line 1: messages must be a single value, not a list",
            ),
            (
                "[messages]\na = 1",
                "configuration file lpt.toml, line 1: messages must be a single value, not a table",
            ),
            (
                "messages = 1979-05-27",
                "configuration file lpt.toml, line 1: messages must be a single value, not a date",
            ),
            (
                "service-node = [['a']]",
                "configuration file lpt.toml, line 1: service-node must be a list of plain values, not a list",
            ),
            (
                "service-node = 'a'\nservice_node = 'b'",
                "configuration file lpt.toml, line 2: key \"service_node\" is given twice",
            ),
        ] {
            assert_eq!(values(text), Err(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn syntax_error_has_a_place() {
        let error = values("messages = ").expect_err("not TOML");
        assert!(
            error.starts_with("configuration file lpt.toml: ") && error.contains("line 1"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = values(&text);
        }
    }
}
