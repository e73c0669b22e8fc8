//! The report as a folder of tables: `received.csv` and `sent.csv` begin with the columns of Vac DST's analyzer
//! (vacp2p/10ksim, `src/analysis/mesh_analysis`, folder `summary/`), so that its plots read them; `lost.csv` lists the lost
//! messages.

mod authors;
mod cell;
mod rows;
mod sorter;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use authors::Authors;
use cell::{guard, show_time};
use rows::{RECEIVED, Rows, SENT};
use sorter::Sorter;

use super::Report;
use crate::{
    input::{self, Input},
    series::LostMessage,
    trace::scan::Sources,
};

/// Columns of `lost.csv`.
const LOST: [&str; 7] = [
    "receiver",
    "sender",
    "index",
    "place",
    "msg_hash",
    "intended",
    "service_node",
];

/// Most bytes of rows held in memory for each table; the rest waits in temporary files.
const MAX_HELD_BYTES: usize = 64 * 1024 * 1024;

/// The first of `logs` that can be read only once (standard input, a pipe), while these tables need a second reading: the
/// report has no single deliveries. `None` also for logs that are not there, which is another's to tell.
pub(crate) fn unrepeatable_path(logs: &[PathBuf]) -> Option<PathBuf> {
    let inputs = input::resolve(logs).ok()?;
    unrepeatable(&inputs).map(|input| input.path.clone())
}

fn unrepeatable(inputs: &[Input]) -> Option<&Input> {
    inputs.iter().find(|input| !input.is_repeatable())
}

/// Writes the tables into `folder`, which is made if need be.
pub(super) fn write_csv(folder: &Path, report: &Report, logs: &[Input]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("lost.csv"), lost_csv(report))?;
    if let Some(input) = unrepeatable(logs) {
        let path = input.shown();
        let text = format!("received.csv and sent.csv need a second reading of the logs, and {path} allows but one");
        return Err(io::Error::other(text));
    }
    let sources = Sources::of(logs.to_vec(), "writing csv").map_err(io::Error::other)?;
    write_deliveries(folder, report, &sources)
}

/// Writes the tables that the report does not hold.
pub(crate) fn write_deliveries(folder: &Path, report: &Report, sources: &Sources) -> io::Result<()> {
    let authors = Authors::of(sources, report)?;
    let mut rows = Rows {
        received: Sorter::new(folder, MAX_HELD_BYTES),
        sent: Sorter::new(folder, MAX_HELD_BYTES),
    };
    rows.read(sources, &authors)?;
    rows.received.write(&RECEIVED, &folder.join("received.csv"))?;
    rows.sent.write(&SENT, &folder.join("sent.csv"))
}

/// The lost messages of a report.
pub(super) fn lost_csv(report: &Report) -> String {
    let row = |lost: &LostMessage| {
        let cells = [
            lost.receiver.clone().unwrap_or_default(),
            lost.sender.clone(),
            lost.index.to_string(),
            lost.place.describe().to_owned(),
            lost.hash.to_string(),
            show_time(lost.intended),
            lost.service_node.clone().unwrap_or_default(),
        ];
        cells.map(|cell| guard(&cell).into_owned())
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut put = |record: &[String]| {
        writer.write_record(record).expect("writing into memory does not fail");
    };
    put(&LOST.map(str::to_owned));
    report.lost_messages.listed.iter().for_each(|lost| put(&row(lost)));
    let bytes = writer.into_inner().expect("writing into memory does not fail");
    String::from_utf8(bytes).expect("what was written is text")
}
