//! Sorts more rows than memory should hold: sorted runs go to temporary files, and are merged at the end.
//!
//! Rows stand in the order of their times and then of their text, so that the order of lines and files never shows.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::File,
    io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _},
    ops::Range,
    path::{Path, PathBuf},
};

use super::cell::guard;

/// Most runs of one size before they are merged into one of the next: far below the open files a process may have, and two
/// sizes hold 250 GiB of rows.
const MAX_RUNS: usize = 64;

/// Takes rows in any order.
pub(super) struct Sorter {
    /// Where the temporary files are: beside the table, which needs as much room.
    folder: PathBuf,
    max_held_bytes: usize,
    /// The rows held, as they will be written.
    held: csv::Writer<Vec<u8>>,
    places: Vec<(i64, Range<usize>)>,
    /// Sorted runs by how often they were merged. The files have no name and are gone with this process.
    runs: Vec<Vec<File>>,
}

impl Sorter {
    pub(super) fn new(folder: &Path, max_held_bytes: usize) -> Self {
        Self {
            folder: folder.to_owned(),
            max_held_bytes,
            held: csv::Writer::from_writer(Vec::new()),
            places: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Adds a row.
    pub(super) fn push<const N: usize>(&mut self, at_ns: i64, cells: [&str; N]) -> io::Result<()> {
        let from = self.held.get_ref().len();
        self.held
            .write_record(cells.map(guard).iter().map(|cell| cell.as_bytes()))?;
        self.held.flush()?;
        let to = self.held.get_ref().len();
        self.places.push((at_ns, from..to));
        if to + self.places.len() * size_of::<(i64, Range<usize>)>() >= self.max_held_bytes {
            self.spill()?;
        }
        Ok(())
    }

    /// Writes the table.
    pub(super) fn write(mut self, head: &[&str], path: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        writeln!(out, "{}", head.join(","))?;
        if self.runs.is_empty() {
            let bytes = self.sort_held()?;
            for (_, place) in &self.places {
                out.write_all(&bytes[place.clone()])?;
            }
        } else {
            self.spill()?;
            let runs = self.runs.into_iter().flatten().collect();
            merge(runs, |_, line| out.write_all(line))?;
        }
        out.flush()
    }

    /// The rows held, with their places in order.
    fn sort_held(&mut self) -> io::Result<Vec<u8>> {
        let held = std::mem::replace(&mut self.held, csv::Writer::from_writer(Vec::new()));
        let bytes = held.into_inner().map_err(|error| error.into_error())?;
        self.places
            .sort_unstable_by(|(a_ns, a), (b_ns, b)| (a_ns, &bytes[a.clone()]).cmp(&(b_ns, &bytes[b.clone()])));
        Ok(bytes)
    }

    /// Moves the rows held into a run.
    fn spill(&mut self) -> io::Result<()> {
        let bytes = self.sort_held()?;
        let mut run = RunWriter::new(&self.folder)?;
        for (at_ns, place) in self.places.drain(..) {
            run.put(at_ns, &bytes[place])?;
        }
        let mut run = run.finish()?;
        for size in 0.. {
            if self.runs.len() == size {
                self.runs.push(Vec::new());
            }
            self.runs[size].push(run);
            if self.runs[size].len() < MAX_RUNS {
                break;
            }
            let mut merged = RunWriter::new(&self.folder)?;
            let full = std::mem::take(&mut self.runs[size]);
            merge(full, |at_ns, line| merged.put(at_ns, line))?;
            run = merged.finish()?;
        }
        Ok(())
    }
}

/// Writes a run: of each row its time, its length and its text.
struct RunWriter(BufWriter<File>);

impl RunWriter {
    fn new(folder: &Path) -> io::Result<Self> {
        Ok(Self(BufWriter::new(tempfile::tempfile_in(folder)?)))
    }

    fn put(&mut self, at_ns: i64, line: &[u8]) -> io::Result<()> {
        self.0.write_all(&at_ns.to_le_bytes())?;
        self.0.write_all(&(line.len() as u64).to_le_bytes())?;
        self.0.write_all(line)
    }

    fn finish(self) -> io::Result<File> {
        let mut file = self.0.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(file)
    }
}

/// Gives the rows of several runs in order.
fn merge(runs: Vec<File>, mut each: impl FnMut(i64, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut inputs: Vec<BufReader<File>> = runs.into_iter().map(BufReader::new).collect();
    let mut firsts = BinaryHeap::with_capacity(inputs.len());
    for (number, input) in inputs.iter_mut().enumerate() {
        firsts.extend(next(input)?.map(|(at_ns, line)| Reverse((at_ns, line, number))));
    }
    while let Some(Reverse((at_ns, line, number))) = firsts.pop() {
        each(at_ns, &line)?;
        firsts.extend(next(&mut inputs[number])?.map(|(at_ns, line)| Reverse((at_ns, line, number))));
    }
    Ok(())
}

/// The next row of a run.
fn next(run: &mut BufReader<File>) -> io::Result<Option<(i64, Vec<u8>)>> {
    let (mut at_ns, mut length) = ([0; 8], [0; 8]);
    match run.read_exact(&mut at_ns) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    run.read_exact(&mut length)?;
    let mut line = vec![0; usize::try_from(u64::from_le_bytes(length)).map_err(io::Error::other)?];
    run.read_exact(&mut line)?;
    Ok(Some((i64::from_le_bytes(at_ns), line)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(rows: &[(i64, String)], max_held_bytes: usize) -> String {
        let folder = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::new(folder.path(), max_held_bytes);
        for (at_ns, text) in rows {
            sorter.push(*at_ns, [&at_ns.to_string(), text]).unwrap();
        }
        let path = folder.path().join("table.csv");
        sorter.write(&["at", "text"], &path).unwrap();
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "temporary files are gone"
        );
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn thousands_of_runs_are_merged_in_two_sizes() {
        let rows: Vec<_> = (0..5000).map(|n: i64| (n * 7919 % 5000, format!("row, {n}"))).collect();
        // One row a run: 78 merged runs of the second size, and one of the third.
        let table = table(&rows, 1);
        assert_eq!(table.lines().count(), 1 + 5000);
        let times: Vec<i64> = table
            .lines()
            .skip(1)
            .map(|line| line.split_once(',').unwrap().0.parse().unwrap())
            .collect();
        assert!(times.is_sorted());
    }

    proptest! {
        #[test]
        fn files_do_not_change_the_table(
            rows in proptest::collection::vec((-3..3_i64, "[a-c\",]{0,6}"), 0..80), max_held_bytes in 1..2000_usize,
        ) {
            let mut shuffled = rows.clone();
            shuffled.reverse();
            prop_assert_eq!(table(&rows, usize::MAX), table(&shuffled, max_held_bytes));
        }
    }
}
