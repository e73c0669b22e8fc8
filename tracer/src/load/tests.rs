use std::{
    fs,
    path::{Path, PathBuf},
};

use proptest::prelude::*;

use super::*;
use crate::{
    Options,
    report::{build, render_json},
};

const ENDINGS: [&str; 3] = ["\n", "\n\n", "\r\n"];

fn started(node: &str, role: &str, clients: u32) -> String {
    format!(
        "{{\"v\":1,\"event\":\"run_started\",\"time\":\"2026-03-01T12:00:00.000000000Z\",\"role\":\"{role}\",\"run\":\"r\",\
         \"node\":\"{node}\",\"host\":\"h\",\"pid\":1,\"version\":\"1\",\"clients\":{clients},\"config\":{{}}}}"
    )
}

fn received(client: u8, index: u8, hash: u8, second: u8) -> String {
    format!(
        "{{\"v\":1,\"event\":\"received\",\"time\":\"2026-03-01T12:00:{second:02}.000000001Z\",\"client\":{client},\
         \"sender\":\"publisher-1/0\",\"index\":{index},\"attempt\":1,\"hash\":\"0x{}\",\"size_bytes\":1,\
         \"service_node\":\"n\",\"content_topic\":\"/t/1/t/proto\"}}",
        format!("{hash:02x}").repeat(32)
    )
}

fn published(index: u8, hash: u8) -> String {
    let time = |second: u8| format!("2026-03-01T12:00:{second:02}.000000000Z");
    format!(
        "{{\"v\":1,\"event\":\"published\",\"time\":\"{}\",\"sender\":\"publisher-1/0\",\"index\":{index},\"attempt\":1,\
         \"hash\":\"0x{}\",\"size_bytes\":1,\"service_node\":\"n\",\"intended\":\"{}\",\"sent\":\"{}\",\"acked\":\"{}\",\
         \"status\":200}}",
        time(9),
        format!("{hash:02x}").repeat(32),
        time(8),
        time(8),
        time(9)
    )
}

/// A line of any kind, good and bad.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0..3_u8, 0..9_u8, 0..9_u8, 0..60_u8).prop_map(|(c, i, h, s)| received(c, i, h, s)),
        3 => (0..9_u8, 0..9_u8).prop_map(|(i, h)| published(i, h)),
        1 => (0..2_u8).prop_map(|n| started(&format!("publisher-{n}"), "publisher", 1)),
        1 => (0..2_u8).prop_map(|n| started(&format!("receiver-{n}"), "receiver", 2)),
        1 => Just("{\"v\":1,\"event\":\"run_ended\",\"time\":\"2026-03-01T12:01:00Z\",\"reason\":\"idle\",\"counters\":{}}".to_owned()),
        1 => Just("{\"v\":1,\"event\":\"cut".to_owned()),
        1 => Just("text of another program".to_owned()),
    ]
}

fn file() -> impl Strategy<Value = String> {
    let ended = (line(), 0..ENDINGS.len()).prop_map(|(line, ending)| line + ENDINGS[ending]);
    (proptest::collection::vec(ended, 0..20), any::<bool>()).prop_map(|(lines, torn)| {
        let text = lines.concat();
        if torn { text.trim_end().to_owned() } else { text }
    })
}

fn shown(folder: &Path, files: usize, threads: usize, chunk_bytes: u64) -> String {
    let input = |number: usize| Input::file(folder.join(format!("{number}.jsonl")), true);
    let inputs: Vec<Input> = (0..files).map(input).collect();
    let archive = load_chunked(&inputs, threads, chunk_bytes).unwrap();
    let options = Options {
        run: Some("r".to_owned()),
        ..Options::default()
    };
    render_json(&build(&archive, &options))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn neither_chunks_nor_threads_show(
        files in proptest::collection::vec(file(), 1..4), threads in 1..4_usize, chunk_bytes in 1..2000_u64,
    ) {
        let folder = tempfile::tempdir().unwrap();
        for (number, text) in files.iter().enumerate() {
            fs::write(folder.path().join(format!("{number}.jsonl")), text).unwrap();
        }
        let whole = shown(folder.path(), files.len(), 1, u64::MAX);
        prop_assert_eq!(shown(folder.path(), files.len(), threads, chunk_bytes), whole);
    }
}

#[test]
fn a_missing_file_is_an_error_and_names_it() {
    let path = PathBuf::from("/nowhere/at/all.jsonl");
    let error = load(&[Input::file(path, true)]).unwrap_err();
    assert!(matches!(error, InputError::Unreadable { path, .. } if path == "/nowhere/at/all.jsonl"));
}
