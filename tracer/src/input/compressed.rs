//! Opens logs, compressed or not. What a file is says its beginning, not its name.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::Path,
};

use super::ahead::ReadAhead;

/// Most bytes one compressed log may become: beyond any log, short of reading for ever.
pub const MAX_EXPANDED_BYTES: u64 = 1 << 40;

/// Most bytes a compressed byte may become on the average. Logs reach 20 to 100, and lines that are all alike 3,000 with
/// zstd; a bomb of zeros reaches 30,000.
pub const MAX_EXPANSION: u64 = 5_000;

/// Bytes that may come out before [`MAX_EXPANSION`] is looked at: less harms nobody.
pub const FREE_EXPANDED_BYTES: u64 = 64 << 20;

/// Largest window zstd may ask for, as a power of two: what `zstd` itself accepts without `--long`.
const MAX_WINDOW_LOG: u32 = 27;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Why a compressed log is not read on.
#[derive(Debug, thiserror::Error)]
enum BombError {
    #[error("it grows to more than {MAX_EXPANDED_BYTES} bytes")]
    Bytes,
    #[error("it grows {MAX_EXPANSION} times ({read_bytes} bytes became {expanded_bytes}): no log does")]
    Ratio { read_bytes: u64, expanded_bytes: u64 },
}

/// Whether the file at `path` is compressed; `false` when it cannot be read.
pub(crate) fn is_compressed(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(4).read_to_end(&mut start));
    read.is_ok() && compression(&start).is_some()
}

/// Opens the file at `path` and takes gzip or zstd off.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    expand(File::open(path)?)
}

/// Takes gzip or zstd off a stream that begins with either's magic number; others stay as they are.
pub(crate) fn expand(mut input: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let mut start = Vec::new();
    input.by_ref().take(4).read_to_end(&mut start)?;
    let kind = compression(&start);
    let whole = Cursor::new(start).chain(input);
    Ok(match kind {
        None => Box::new(whole),
        Some(kind) => Box::new(ReadAhead::new(Expander::new(kind, whole)?)),
    })
}

#[derive(Debug, Clone, Copy)]
enum Compression {
    Gzip,
    Zstd,
}

fn compression(start: &[u8]) -> Option<Compression> {
    if start.starts_with(&GZIP_MAGIC) {
        Some(Compression::Gzip)
    } else if start.starts_with(&ZSTD_MAGIC) {
        Some(Compression::Zstd)
    } else {
        None
    }
}

/// Counts what a decoder takes.
#[derive(Debug)]
struct Counted<R> {
    input: R,
    read_bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read_bytes = self.input.read(buffer)?;
        self.read_bytes += read_bytes as u64;
        Ok(read_bytes)
    }
}

enum Expander<R: Read> {
    Gzip(flate2::bufread::MultiGzDecoder<io::BufReader<Counted<R>>>, u64),
    Zstd(zstd::Decoder<'static, io::BufReader<Counted<R>>>, u64),
}

impl<R: Read> Expander<R> {
    fn new(kind: Compression, input: R) -> io::Result<Self> {
        let input = io::BufReader::with_capacity(
            zstd::Decoder::<io::Empty>::recommended_output_size(),
            Counted { input, read_bytes: 0 },
        );
        Ok(match kind {
            Compression::Gzip => Self::Gzip(flate2::bufread::MultiGzDecoder::new(input), 0),
            Compression::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(input)?;
                decoder.window_log_max(MAX_WINDOW_LOG)?;
                Self::Zstd(decoder, 0)
            }
        })
    }
}

impl<R: Read> Read for Expander<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (got_bytes, expanded_bytes, read_bytes) = match self {
            Self::Gzip(decoder, expanded) => {
                let got = decoder.read(buffer)?;
                *expanded += got as u64;
                (got, *expanded, decoder.get_ref().get_ref().read_bytes)
            }
            Self::Zstd(decoder, expanded) => {
                let got = decoder.read(buffer)?;
                *expanded += got as u64;
                (got, *expanded, decoder.get_ref().get_ref().read_bytes)
            }
        };
        check(read_bytes, expanded_bytes).map_err(|bomb| io::Error::new(io::ErrorKind::InvalidData, bomb))?;
        Ok(got_bytes)
    }
}

fn check(read_bytes: u64, expanded_bytes: u64) -> Result<(), BombError> {
    if expanded_bytes > MAX_EXPANDED_BYTES {
        Err(BombError::Bytes)
    } else if expanded_bytes > FREE_EXPANDED_BYTES && expanded_bytes / read_bytes.max(1) > MAX_EXPANSION {
        Err(BombError::Ratio {
            read_bytes,
            expanded_bytes,
        })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn expanded(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        expand(Cursor::new(bytes))?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn all_forms_give_the_same_bytes() {
        let text = b"{\"v\":1}\n".repeat(1000);
        assert_eq!(expanded(text.clone()).unwrap(), text);
        assert_eq!(expanded(gzip(&text)).unwrap(), text);
        assert_eq!(expanded(zstd::encode_all(text.as_slice(), 3).unwrap()).unwrap(), text);
        assert_eq!(expanded(Vec::new()).unwrap(), b"");
    }

    #[test]
    fn members_one_after_the_other_are_read() {
        let (a, b) = (b"a\n".to_vec(), b"b\n".to_vec());
        assert_eq!(expanded([gzip(&a), gzip(&b)].concat()).unwrap(), b"a\nb\n");
        let zst = |bytes: &[u8]| zstd::encode_all(bytes, 3).unwrap();
        assert_eq!(expanded([zst(&a), zst(&b)].concat()).unwrap(), b"a\nb\n");
    }

    #[test]
    fn a_cut_stream_is_an_error() {
        let text = b"line\n".repeat(1000);
        for whole in [gzip(&text), zstd::encode_all(text.as_slice(), 3).unwrap()] {
            assert!(expanded(whole[..whole.len() - 3].to_vec()).is_err());
        }
    }

    #[test]
    fn a_bomb_is_not_read_on() {
        let bomb = zstd::encode_all(io::repeat(0).take(FREE_EXPANDED_BYTES * 2), 3).unwrap();
        let mut read = expand(Cursor::new(bomb)).unwrap();
        let mut taken_bytes = 0;
        let error = loop {
            match read.read(&mut [0; 1 << 16]) {
                Ok(0) => panic!("a bomb of {taken_bytes} bytes went off"),
                Ok(got_bytes) => taken_bytes += got_bytes as u64,
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("no log does"), "{error}");
        assert!(taken_bytes <= FREE_EXPANDED_BYTES + (1 << 20), "{taken_bytes}");
    }

    #[test]
    fn the_limits_hold_exactly() {
        assert!(check(1, FREE_EXPANDED_BYTES).is_ok() && check(1, FREE_EXPANDED_BYTES + 1).is_err());
        assert!(check(u64::MAX, MAX_EXPANDED_BYTES).is_ok() && check(u64::MAX, MAX_EXPANDED_BYTES + 1).is_err());
    }
}
