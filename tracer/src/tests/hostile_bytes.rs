//! Lines made to break a reader, in an event log and in a native one, through every command that reads logs: they are
//! counted, and what stands around them is read as if they were not there.

use std::{
    fs::{self, File},
    io::{Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use super::{
    fixture::*,
    reports::outage_run,
    tables::{tables_of, write_logs},
};
use crate::{
    Options, Report,
    diff::{Change, compare_archives},
    logs::{LogDescription, describe},
    node_log::SNIFF_BYTES,
    report::{ReportKind, Reporter as _},
    trace::trace,
};

/// Beyond any limit of a line, and more than a reader may hold.
const BOMB_BYTES: u64 = 100_000_000;

/// What a node wrote before and behind the hostile lines.
const NATIVE: [&str; 2] = [
    "NTC 2023-11-14 22:13:21.002+00:00 received relay message topics=\"waku relay\" my_peer_id=16U*GiNg1a \
     from_peer_id=16U*wJXtuH msg_hash=0xabababababababababababababababababababababababababababababababab",
    "NTC 2023-11-14 22:13:22.002+00:00 received relay message topics=\"waku relay\" my_peer_id=16U*GiNg1a \
     from_peer_id=16U*wJXtuH msg_hash=0xcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
];

/// Lines that are no event, though they look like one.
fn hostile_lines() -> Vec<(&'static str, Vec<u8>)> {
    let good = outage_run()[0].lines[2].clone();
    let with = |more: &str| good.replacen('{', &format!("{{{more},"), 1).into_bytes();
    let hash = format!("\"hash\":\"0x{}\"", "0".repeat(64));
    let open = |bracket: &str| {
        format!(
            "{{\"v\":1,\"event\":\"run_started\",\"config\":{}",
            bracket.repeat(100_000)
        )
    };
    vec![
        ("the same version twice", with("\"v\":1")),
        ("the same event twice", with("\"event\":\"published\"")),
        (
            "the same time twice",
            with("\"time\":\"2023-11-14T22:13:20.123456789Z\""),
        ),
        ("the same hash twice", with(&hash)),
        (
            "the same hash twice, at the end",
            good.replace('}', &format!(",{hash}}}")).into_bytes(),
        ),
        ("brackets without end", open("[").into_bytes()),
        ("braces without end", open("{\"a\":").into_bytes()),
        ("NUL", good.replace("publisher-1", "publisher\0-1").into_bytes()),
        (
            "not UTF-8",
            good.replace("publisher-1", "publisher-!")
                .into_bytes()
                .iter()
                .map(|b| if *b == b'!' { 0xff } else { *b })
                .collect(),
        ),
        ("cut off", good.as_bytes()[..good.len() / 2].to_vec()),
    ]
}

/// What every command says of a folder of logs.
struct Said {
    report: Report,
    tables: [String; 3],
    /// Time lines.
    traces: Vec<String>,
    logs: Vec<LogDescription>,
}

impl Said {
    fn of(paths: &[PathBuf]) -> Self {
        let report = crate::report(paths, &Options::default()).unwrap();
        // Everything can be shown.
        for kind in [ReportKind::Text, ReportKind::Json, ReportKind::Html] {
            assert!(!kind.render(&report).is_empty());
        }
        let events = |index: u32| {
            let id = format!("publisher-1/0:{index}").parse().unwrap();
            format!("{:#?}", trace(paths, &id, None).unwrap().events)
        };
        let folder = paths[0].parent().unwrap().to_str().unwrap();
        let without_folder = |text: String| text.replace(folder, "run");
        let described = |path: &PathBuf| describe("a log", crate::input::open(path).unwrap()).unwrap();
        Self {
            report,
            tables: tables_of(paths).map(without_folder),
            traces: [1, 3, 9].map(|index| without_folder(events(index))).into(),
            logs: paths.iter().map(described).collect(),
        }
    }

    #[track_caller]
    fn assert_like(&self, other: &Self, what: &str) {
        assert_eq!(self.report.totals, other.report.totals, "{what}");
        assert_eq!(self.tables, other.tables, "{what}");
        assert_eq!(self.traces, other.traces, "{what}");
        for (log, expected) in self.logs.iter().zip(&other.logs) {
            assert_eq!((log.events, &log.kinds), (expected.events, &expected.kinds), "{what}");
        }
    }
}

/// The run on two hosts, whose clocks are read for, with a native log.
fn write_run(folder: &Path) -> Vec<PathBuf> {
    let mut logs = outage_run();
    let boot = logs[1].lines[0].replace("boot-1", "boot-2");
    logs[1].lines[0] = boot;
    let mut native = LogText::empty("nwaku.log");
    // Whose log it is is seen from its beginning.
    let other = "INF 2023-11-14 22:13:20.002+00:00 Starting node topics=\"waku node\"";
    native.lines = vec![other.to_owned(); SNIFF_BYTES / other.len() + 1];
    native.lines.extend(NATIVE.map(str::to_owned));
    logs.push(native);
    write_logs(folder, &logs)
}

/// Puts `bytes` before the last line of a log.
fn put_in(path: &Path, bytes: &[u8]) {
    let text = fs::read(path).unwrap();
    let end = text[..text.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    fs::write(path, [&text[..end], bytes, b"\n", &text[end..]].concat()).unwrap();
}

#[test]
fn hostile_lines_are_counted_and_change_nothing() {
    let clean = tempfile::tempdir().unwrap();
    let expected = Said::of(&write_run(clean.path()));
    for (what, line) in hostile_lines() {
        let folder = tempfile::tempdir().unwrap();
        let paths = write_run(folder.path());
        paths.iter().for_each(|path| put_in(path, &line));
        let said = Said::of(&paths);
        said.assert_like(&expected, what);
        for (log, before) in said.report.logs.iter().zip(&expected.report.logs) {
            let skipped = &log.skipped;
            let malformed = skipped.not_an_event + skipped.bad_fields + skipped.damaged;
            // To a node's log lines of events are text of another program.
            let counted = malformed
                + if log.path.ends_with("nwaku.log") {
                    skipped.other_text
                } else {
                    0
                };
            assert!(counted == 1 && log.events == before.events, "{what}: {log:?}");
        }
        let unread = |log: &LogDescription| log.damaged_lines + log.unknown_lines;
        assert!(said.logs.iter().all(|log| unread(log) == 1), "{what}: {:?}", said.logs);
        let [before, after] = [clean.path(), folder.path()].map(|folder| {
            crate::run::read(
                &crate::input::resolve(&[folder.to_owned()]).unwrap(),
                &Options::default(),
            )
            .unwrap()
        });
        let comparison = compare_archives(&before, &after, &Options::default());
        // A publisher's line that cannot be read may have been a message: that is a doubt, and no change.
        let is_open = matches!(comparison.change, Change::Noise | Change::NotTested);
        assert!(is_open, "{what}: {:?}", comparison.change);
    }
}

#[test]
fn a_line_of_100_mb_is_one_line() {
    let clean = tempfile::tempdir().unwrap();
    let expected = Said::of(&write_run(clean.path()));
    let folder = tempfile::tempdir().unwrap();
    let paths = write_run(folder.path());
    for path in &paths {
        // A hole in the file, which takes no room on the disk.
        let mut file = File::options().append(true).open(path).unwrap();
        file.write_all(b"{\"v\":1,\"event\":\"").unwrap();
        let end = file.seek(SeekFrom::End(0)).unwrap();
        file.set_len(end + BOMB_BYTES).unwrap();
        file.write_all(b"\n").unwrap();
    }
    let said = Said::of(&paths);
    said.assert_like(&expected, "100 MB");
    assert!(said.logs.iter().all(|log| log.damaged_lines == 1), "{:?}", said.logs);
}

#[test]
fn a_bomb_is_an_error_or_one_line() {
    /// Enough for the limit of zstd; gzip cannot expand so much that it needs one, and its line is one line.
    const GZIP_BYTES: usize = 16 << 20;
    let folder = tempfile::tempdir().unwrap();
    let paths = write_run(folder.path());
    let gz = folder.path().join("bomb.log.gz");
    let mut encoder = flate2::write::GzEncoder::new(File::create(&gz).unwrap(), flate2::Compression::best());
    encoder.write_all(&vec![b'{'; GZIP_BYTES]).unwrap();
    encoder.finish().unwrap();
    let log = describe("bomb", crate::input::open(&gz).unwrap()).unwrap();
    assert_eq!((log.events, log.damaged_lines), (0, 1));
    let with_gz = [paths.as_slice(), &[gz]].concat();
    assert_eq!(Said::of(&with_gz).report.totals, Said::of(&paths).report.totals);

    let zst = folder.path().join("bomb.log.zst");
    let zeros = std::io::Read::take(std::io::repeat(0), 2 * crate::input::FREE_EXPANDED_BYTES);
    fs::write(&zst, zstd::encode_all(zeros, 3).unwrap()).unwrap();
    let with_zst = [paths.as_slice(), std::slice::from_ref(&zst)].concat();
    let told = |error: String| assert!(error.contains("no log does"), "{error}");
    told(crate::report(&with_zst, &Options::default()).unwrap_err().to_string());
    told(
        trace(&with_zst, &"publisher-1/0:1".parse().unwrap(), None)
            .unwrap_err()
            .to_string(),
    );
    told(
        describe("bomb", crate::input::open(&zst).unwrap())
            .unwrap_err()
            .to_string(),
    );
}
