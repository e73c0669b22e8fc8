//! The layers over each other, through the public door.

use std::{ffi::OsString, io::Write, path::PathBuf};

use clap::{ArgAction, CommandFactory, Parser};

use super::{ConfigError, Parsed, Source, parse, with_environment};

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

mod foreign {
    //! Environment names of the Nim tester and its fleet runner.

    use std::{ffi::OsString, io::Write};

    use clap::{CommandFactory, Parser};

    use super::super::{ConfigError, Parsed, Side, Source, parse_for, with_environment};

    #[derive(Debug, Parser)]
    #[command(name = "publisher")]
    struct Args {
        #[arg(long)]
        config: Option<std::path::PathBuf>,
        #[arg(long)]
        service_node: Vec<String>,
        #[arg(long, default_value_t = 0)]
        cluster_id: u16,
        #[arg(long)]
        shard: Option<u16>,
        #[arg(long)]
        messages: Option<u32>,
        #[arg(long)]
        rate: Option<String>,
        #[arg(long)]
        interval: Option<String>,
    }

    fn run(argv: &[&str], env: &[(&str, &str)], file: &str) -> Result<Parsed<Args>, ConfigError> {
        let mut written = tempfile::NamedTempFile::new().expect("temporary file");
        written.write_all(file.as_bytes()).expect("written");
        let mut line: Vec<OsString> = vec!["publisher".into(), "--config".into(), written.path().into()];
        line.extend(argv.iter().map(OsString::from));
        let lookup = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        parse_for(
            Side::Publisher,
            &with_environment(Args::command()),
            &[&["rate", "interval"]],
            &line,
            lookup,
        )
    }

    fn message(env: &[(&str, &str)]) -> String {
        run(&[], env, "").expect_err("must be refused").to_string()
    }

    #[test]
    fn foreign_names_lie_between_file_and_our_own() {
        let messages = |argv: &[&str], env: &[(&str, &str)]| {
            let parsed = run(argv, env, "messages = 1").expect("valid");
            (parsed.args.messages, parsed.notices.join("; "))
        };
        let (both, alias) = ([("NUM_MESSAGES", "2"), ("LPT_MESSAGES", "3")], [("NUM_MESSAGES", "2")]);
        assert_eq!(
            messages(&[], &alias),
            (Some(2), "environment variable NUM_MESSAGES sets --messages to 2".into())
        );
        assert_eq!(
            messages(&[], &both),
            (
                Some(3),
                "environment variable NUM_MESSAGES is not used: --messages is set by environment variable LPT_MESSAGES"
                    .into()
            )
        );
        assert_eq!(messages(&["--messages=4"], &both).0, Some(4));
        assert_eq!(messages(&[], &[("NUM_MESSAGES", "")]), (Some(1), String::new()));
    }

    #[test]
    fn our_sibling_of_an_exclusive_pair_wins() {
        let env = [("MESSAGE_INTERVAL_MILLIS", "400"), ("LPT_RATE", "5/s")];
        let parsed = run(&[], &env, "").expect("valid");
        assert_eq!((parsed.args.rate.as_deref(), parsed.args.interval), (Some("5/s"), None));
        let parsed = run(&[], &env[..1], "rate = '5/s'").expect("valid");
        assert_eq!(
            (parsed.args.rate, parsed.args.interval.as_deref()),
            (None, Some("400ms"))
        );
        assert_eq!(parsed.sources["interval"], Source::Alias("MESSAGE_INTERVAL_MILLIS"));
    }

    #[test]
    fn a_pubsub_topic_is_cluster_and_shard() {
        let parsed = run(&[], &[("PUBSUB", "/waku/2/rs/66/3"), ("CLUSTER_ID", "66")], "").expect("valid");
        assert_eq!((parsed.args.cluster_id, parsed.args.shard), (66, Some(3)));
        let error = message(&[("PUBSUB", "/waku/2/rs/66/3"), ("CLUSTER_ID", "16")]);
        assert_eq!(
            error,
            "environment variable PUBSUB: it contradicts environment variable CLUSTER_ID about --cluster-id: unset \
             one of the two"
        );
    }

    #[test]
    fn errors_name_the_foreign_variable() {
        let error = message(&[("NUM_MESSAGES", "many")]);
        assert!(
            error.starts_with("environment variable NUM_MESSAGES: invalid value 'many'"),
            "{error}"
        );
        let error = message(&[("DELAY_MESSAGES", "1s")]);
        assert!(
            error.starts_with("environment variable DELAY_MESSAGES: \"1s\""),
            "{error}"
        );
    }

    #[test]
    fn a_meaning_without_an_option_is_refused_not_ignored() {
        let error = message(&[("LIGHTPUSH_BOOTSTRAP", "enr:-x")]);
        assert_eq!(
            error,
            "environment variable LIGHTPUSH_BOOTSTRAP: there is no --bootstrap-node here, so it cannot be honoured: \
             unset it"
        );
        let named = [("LIGHTPUSH_BOOTSTRAP", "enr:-x"), ("LIGHTPUSH_SERVICE_PEER", "/a,/b")];
        let parsed = run(&[], &named, "").expect("the named node is enough");
        assert_eq!(parsed.args.service_node, ["/a", "/b"]);
        assert_eq!(
            parsed.notices[1],
            "environment variable LIGHTPUSH_BOOTSTRAP is not used: a service node is named"
        );
    }

    #[test]
    fn names_of_the_other_side_are_none_of_ours() {
        let parsed = run(&[], &[("FILTER_SERVICE_PEER", "/a"), ("FILTER_BOOTSTRAP", "/b")], "").expect("valid");
        assert!(parsed.args.service_node.is_empty() && parsed.notices.is_empty());
    }
}
