//! Every command line of the tracer in the documents and in its help is one it takes, and every gates file is one.
//!
//! A command is what stands behind a word `tracer` up to the end of the command in the shell. A line that has `…` in it
//! leaves something out, and is not taken; a `tracer` with nothing behind it, or with a bracket, is the name of something else.

use std::{fs, path::PathBuf};

use clap::{CommandFactory as _, Parser as _};

use crate::{
    cli::{Cli, Command},
    gate::{self, GatesFileError},
    help,
    input::SourceArgs,
};

/// README.md and `docs/*.md`, with their names.
fn documents() -> Vec<(String, String)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut paths = vec![root.join("README.md")];
    for entry in fs::read_dir(root.join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "md") {
            paths.push(path);
        }
    }
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    paths.into_iter().map(read).collect()
}

/// Language and text of each fenced block.
fn blocks(document: &str) -> Vec<(&str, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, String)> = None;
    for line in document.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            match open.take() {
                Some(block) => blocks.push(block),
                None => open = Some((language, String::new())),
            }
        } else if let Some((_, text)) = &mut open {
            text.push_str(line);
            text.push('\n');
        }
    }
    assert!(open.is_none(), "a block has no end");
    blocks
}

/// The commands of a shell text, as words; quotes, comments and lines that go on are understood, variables are not.
fn commands(text: &str) -> Vec<Vec<String>> {
    let text = text.replace("\\\n", " ");
    let mut commands = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.split(" #").next().unwrap().contains('…'))
    {
        let mut words: Vec<String> = Vec::new();
        let mut word: Option<String> = None;
        let mut quote = None;
        for c in line.chars().chain([' ']) {
            match (quote, c) {
                (Some(mark), c) if c == mark => quote = None,
                (Some(_), c) => word.get_or_insert_default().push(c),
                (None, '\'' | '"') => {
                    quote = Some(c);
                    word.get_or_insert_default();
                }
                (None, ' ' | '\t') => words.extend(word.take()),
                (None, '#') if word.is_none() => break,
                (None, '|' | ';' | '&') => {
                    words.extend(word.take());
                    commands.push(std::mem::take(&mut words));
                }
                (None, c) => word.get_or_insert_default().push(c),
            }
        }
        commands.push(words);
    }
    commands
}

/// What a command or an option begins with; in YAML there are brackets.
fn is_argument(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
}

/// The command lines of the tracer in a shell text, without its name.
fn tracer_lines(text: &str) -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    for words in commands(text) {
        let program = words
            .iter()
            .position(|word| word == "tracer" || word.ends_with("/tracer"));
        let behind = program.map(|at| words[at + 1..].to_vec());
        lines.extend(behind.filter(|words| words.first().is_some_and(|word| is_argument(word))));
        // The arguments of the tracer of a fleet, to which the fleet adds its logs.
        let variable = words.iter().find_map(|word| word.strip_prefix("TRACER="));
        lines.extend(variable.map(|value| value.split(' ').chain(["logs/"]).map(str::to_owned).collect()));
    }
    lines
}

#[track_caller]
fn assert_taken(place: &str, words: &[String]) {
    let shown = words.join(" ");
    let line = std::iter::once("tracer").chain(words.iter().map(String::as_str));
    let cli = Cli::try_parse_from(line).unwrap_or_else(|error| panic!("{place}: tracer {shown}: {error}"));
    let check_sources = |sources: &SourceArgs| {
        if !sources.sources.is_empty() {
            sources
                .fit()
                .unwrap_or_else(|error| panic!("{place}: tracer {shown}: {error}"));
        }
    };
    match &cli.command {
        Command::Report(args) => check_sources(&args.logs.sources),
        Command::Trace(args) => check_sources(&args.sources),
        Command::Logs(args) => check_sources(&args.sources),
        Command::Gate(args) => {
            check_sources(&args.logs.sources);
            for text in &args.fail_if {
                let parsed = text.parse::<gate::Expression>();
                assert!(parsed.is_ok(), "{place}: {text}: {parsed:?}");
            }
        }
        Command::Diff(_) => {}
    }
}

#[test]
fn the_shell_is_understood() {
    let text = "COMMIT=1 docker run x lpt tracer gate a --fail-if 'loss > 0' # tracer a\n\
        docker logs nwaku 2>&1 | tracer logs - \\\n  --format json\ntracer trace 1…\n\
        docker compose up --exit-code-from tracer\nTRACER=\"gate a\" x\n";
    let lines: Vec<String> = tracer_lines(text).iter().map(|words| words.join("_")).collect();
    assert_eq!(
        lines,
        ["gate_a_--fail-if_loss > 0", "logs_-_--format_json", "gate_a_logs/"]
    );
}

#[test]
fn every_command_line_of_the_documents_is_taken() {
    let mut taken = 0;
    for (name, document) in documents() {
        for (language, text) in blocks(&document) {
            // Of the others `text` shows what the tracer says, and the rest is no shell.
            if matches!(language, "" | "sh" | "yaml") {
                for words in tracer_lines(&text) {
                    assert_taken(&name, &words);
                    taken += 1;
                }
            }
        }
    }
    assert!(taken > 15, "only {taken} command lines were found");
}

#[test]
fn every_gates_file_of_the_documents_is_one() {
    let fleet = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../compose/gates/nightly.toml")).unwrap();
    let mut files = vec![("nightly.toml".to_owned(), fleet)];
    for (name, document) in documents() {
        let of_gates = |(language, text): &(&str, String)| *language == "toml" && text.contains("fail-if");
        let found = blocks(&document).into_iter().filter(of_gates);
        files.extend(found.map(|(_, text)| (name.clone(), text)));
    }
    assert!(files.len() > 1);
    for (name, text) in files {
        match gate::parse_file(&text) {
            // Its profiles have other names, and are read all the same.
            Ok(_) | Err(GatesFileError::NoProfile { .. }) => {}
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

#[test]
fn every_example_of_the_help_is_taken() {
    for help in [
        help::tracer(),
        help::report(),
        help::gate(),
        help::diff(),
        help::trace(),
        help::logs(),
    ] {
        let examples = help.split("\n\n").next().unwrap().replacen("Examples:\n", "", 1);
        // Two spaces and more stand between an example and what it is for.
        let without_purpose = |line: &str| line.trim_start().split("   ").next().unwrap().to_owned();
        let joined = examples.replace(" \\\n      ", " ");
        let lines: Vec<String> = joined.lines().map(without_purpose).collect();
        let taken = tracer_lines(&lines.join("\n"));
        assert_eq!(taken.len(), lines.len(), "{lines:?}");
        taken.iter().for_each(|words| assert_taken("help", words));
    }
}

#[test]
fn every_command_has_examples_and_exit_codes() {
    let mut cli = Cli::command();
    cli.build();
    for command in cli.get_subcommands_mut().filter(|command| command.get_name() != "help") {
        let help = command.render_long_help().to_string();
        assert!(
            help.contains("\nExamples:\n") && help.contains("\nExit codes:\n"),
            "{help}"
        );
    }
}
