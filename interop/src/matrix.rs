//! Runs the cells and puts what came of them into a table.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use runtime::{escape::escape, terminal};
use tabled::{
    Table,
    builder::Builder,
    settings::{Style, Width, peaker::Priority},
};

use crate::{
    Args,
    cells::{CELLS, Cell, Outcome},
    lab::Lab,
};

/// Width of the table, characters.
const TABLE_WIDTH: usize = 140;

/// What came of one cell.
pub(crate) struct Row {
    cell: &'static Cell,
    outcome: Outcome,
    took: Duration,
}

impl Row {
    pub(crate) fn has_failed(&self) -> bool {
        self.outcome.is_err()
    }
}

/// Why the suite cannot run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MatrixError {
    /// A cell that does not exist.
    #[error("--cell {name}: no such cell; there are {known}")]
    UnknownCell {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// No folder for the logs.
    #[error("cannot make the folder {} for the logs: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Runs the cells asked for: those that idle beside the others, of which `--jobs` run side by side.
///
/// # Errors
/// When nothing can be run. A cell that fails is no error but a row.
pub(crate) fn run(args: &Args) -> Result<Vec<Row>, MatrixError> {
    let cells = chosen(args)?;
    let folder = log_folder(args)?;
    let (idling, busy): (Vec<&'static Cell>, Vec<_>) = cells.into_iter().partition(|cell| cell.idles);
    let queue = Mutex::new(busy.into_iter());
    let rows = Mutex::new(Vec::new());
    // A panic elsewhere leaves both whole, and ends the suite when the scope does.
    let finish = |row| rows.lock().unwrap_or_else(PoisonError::into_inner).push(row);
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work_off = || {
        while let Some(cell) = next() {
            finish(run_cell(args, &folder, cell));
        }
    };
    thread::scope(|scope| {
        for cell in idling {
            scope.spawn(|| finish(run_cell(args, &folder, cell)));
        }
        for _ in 0..args.jobs {
            scope.spawn(work_off);
        }
    });
    let mut rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    rows.sort_by_key(|row| CELLS.iter().position(|cell| cell.name == row.cell.name));
    let failed = rows.iter().any(Row::has_failed);
    if args.logs.is_none() && !failed {
        // A folder that stays costs some disk, not the verdict.
        let _ = fs::remove_dir_all(&folder);
    } else {
        terminal::print(&format!("the logs of all parties are in {}", folder.display()));
    }
    Ok(rows)
}

fn chosen(args: &Args) -> Result<Vec<&'static Cell>, MatrixError> {
    if let Some(name) = args
        .cell
        .iter()
        .find(|name| CELLS.iter().all(|cell| cell.name != name.as_str()))
    {
        let known: Vec<_> = CELLS.iter().map(|cell| cell.name).collect();
        return Err(MatrixError::UnknownCell {
            name: name.clone(),
            known: known.join(", "),
        });
    }
    let wanted = |cell: &&Cell| args.cell.is_empty() || args.cell.iter().any(|name| name == cell.name);
    Ok(CELLS.iter().filter(wanted).collect())
}

fn log_folder(args: &Args) -> Result<PathBuf, MatrixError> {
    let made = match &args.logs {
        Some(path) => fs::create_dir(path)
            .map(|()| path.clone())
            .map_err(|error| (path.clone(), error)),
        None => tempfile::Builder::new()
            .prefix("lpt-interop-")
            .tempdir()
            .map(tempfile::TempDir::keep)
            .map_err(|error| (std::env::temp_dir(), error)),
    };
    made.map_err(|(path, source)| MatrixError::Folder { path, source })
}

fn run_cell(args: &Args, folder: &Path, cell: &'static Cell) -> Row {
    let lab = Lab {
        args,
        folder: folder.join(cell.name),
        run_id: format!("interop-{}", cell.name),
        sharding: cell.sharding,
    };
    let began = Instant::now();
    terminal::print(&format!("{}: {}", cell.name, cell.who));
    let outcome = fs::create_dir(&lab.folder)
        .map_err(|source| crate::failure::Failure::Start {
            name: format!("the cell in {}", lab.folder.display()),
            source,
        })
        .and_then(|()| (cell.run)(&lab));
    let row = Row {
        cell,
        outcome,
        took: began.elapsed(),
    };
    terminal::print(&format!("{}: {}", cell.name, in_words(&row.outcome)));
    row
}

fn in_words(outcome: &Outcome) -> String {
    match outcome {
        Ok(note) => format!("holds: {note}"),
        // It may quote what a peer said.
        Err(failure) => format!("FAILS: {}", escape(&failure.to_string())),
    }
}

/// The matrix, a line for each cell.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut builder = Builder::default();
    builder.push_record(["cell", "who", "s", "outcome"]);
    for row in rows {
        builder.push_record([
            row.cell.name.to_owned(),
            row.cell.who.to_owned(),
            row.took.as_secs().to_string(),
            in_words(&row.outcome),
        ]);
    }
    let failed = rows.iter().filter(|row| row.has_failed()).count();
    let mut table = Table::from(builder);
    table
        .with(Style::psql())
        .with(Width::wrap(TABLE_WIDTH).keep_words(true).priority(Priority::max(true)));
    format!("{table}\ninterop: {} passed, {failed} failed\n", rows.len() - failed)
}
