//! The one framing of all Waku request protocols: an unsigned LEB128 length, then that many bytes of protobuf.
//!
//! A reader takes exactly one frame and leaves the rest of the stream alone: servers must not read to the end, because
//! nwaku keeps its side open until it has the answer.

use std::io;

use bytes::{Bytes, BytesMut};
use futures::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use prost::Message;

/// How much the read buffer grows at a time. A length prefix is a claim, so memory follows the bytes that came.
const READ_CHUNK_BYTES: usize = 64 * 1024;

/// Longest LEB128 form of 64 bits.
const PREFIX_MAX_BYTES: usize = 10;

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The stream ended before the first byte of a frame: the remote is done, or never spoke.
    #[error("stream closed before a frame began")]
    Closed,
    /// The stream ended inside a frame.
    #[error("stream ended after {got_bytes} of {expected_bytes} bytes of a frame")]
    Truncated {
        /// Bytes of the message, or, inside the length prefix, one more than came.
        expected_bytes: usize,
        /// Bytes that came.
        got_bytes: usize,
    },
    /// The frame, announced or to be written, is larger than the protocol allows.
    #[error("frame of {size_bytes} bytes exceeds the limit of {cap_bytes}")]
    TooLarge {
        /// Its size.
        size_bytes: u64,
        /// The limit.
        cap_bytes: usize,
    },
    /// The length prefix is longer than 10 bytes, above 64 bits, or not in its shortest form.
    #[error("length prefix of a frame is not a canonical 64-bit varint")]
    BadLength,
    /// The bytes are not the expected message.
    #[error("frame does not decode: {0}")]
    Decode(#[from] prost::DecodeError),
    /// The stream failed.
    #[error("stream failed: {0}")]
    Io(#[from] io::Error),
}

/// Reads one frame and decodes it. `cap_bytes` bounds the message without its prefix ([`crate::wire::frame_cap`]).
pub async fn read_frame<M, R>(io: &mut R, cap_bytes: usize) -> Result<M, FrameError>
where
    M: Message + Default,
    R: AsyncRead + Unpin + ?Sized,
{
    let bytes = read_frame_bytes(io, cap_bytes).await?;
    Ok(M::decode(bytes)?)
}

/// Reads one frame and returns the bytes behind its prefix.
pub async fn read_frame_bytes(
    io: &mut (impl AsyncRead + Unpin + ?Sized),
    cap_bytes: usize,
) -> Result<Bytes, FrameError> {
    let size_bytes = read_length(io).await?;
    match usize::try_from(size_bytes) {
        Ok(size) if size <= cap_bytes => read_body(io, size).await,
        _ => Err(FrameError::TooLarge { size_bytes, cap_bytes }),
    }
}

/// Encodes `message` with its prefix into one buffer.
pub fn encode_frame<M: Message>(message: &M, cap_bytes: usize) -> Result<Bytes, FrameError> {
    let size = message.encoded_len();
    if size > cap_bytes {
        return Err(FrameError::TooLarge {
            size_bytes: size as u64,
            cap_bytes,
        });
    }
    let mut buffer = BytesMut::with_capacity(size + PREFIX_MAX_BYTES);
    message
        .encode_length_delimited(&mut buffer)
        .expect("BytesMut grows, so an encoding always fits");
    Ok(buffer.freeze())
}

/// Writes `message` as one frame with a single write, and flushes. Does not close the stream.
pub async fn write_frame<M>(
    io: &mut (impl AsyncWrite + Unpin + ?Sized),
    message: &M,
    cap_bytes: usize,
) -> Result<(), FrameError>
where
    M: Message,
{
    let frame = encode_frame(message, cap_bytes)?;
    io.write_all(&frame).await?;
    io.flush().await?;
    Ok(())
}

async fn read_length(io: &mut (impl AsyncRead + Unpin + ?Sized)) -> Result<u64, FrameError> {
    let mut length = 0_u64;
    for index in 0..PREFIX_MAX_BYTES {
        let mut byte = [0_u8];
        if read_some(io, &mut byte).await? == 0 {
            return Err(match index {
                0 => FrameError::Closed,
                got_bytes => FrameError::Truncated {
                    expected_bytes: got_bytes + 1,
                    got_bytes,
                },
            });
        }
        let [byte] = byte;
        let is_last = byte & 0x80 == 0;
        let has_shorter_form = is_last && byte == 0 && index > 0;
        // Nine bytes carry 63 bits, so the tenth may only be 1.
        let overflows = index + 1 == PREFIX_MAX_BYTES && byte > 1;
        if has_shorter_form || overflows {
            return Err(FrameError::BadLength);
        }
        length |= u64::from(byte & 0x7f) << (7 * index);
        if is_last {
            return Ok(length);
        }
    }
    Err(FrameError::BadLength)
}

async fn read_body(io: &mut (impl AsyncRead + Unpin + ?Sized), size: usize) -> Result<Bytes, FrameError> {
    let mut buffer = BytesMut::new();
    let mut filled = 0;
    while filled < size {
        if filled == buffer.len() {
            buffer.resize(size.min(filled + READ_CHUNK_BYTES), 0);
        }
        let count = read_some(io, &mut buffer[filled..]).await?;
        if count == 0 {
            return Err(FrameError::Truncated {
                expected_bytes: size,
                got_bytes: filled,
            });
        }
        filled += count;
    }
    Ok(buffer.freeze())
}

async fn read_some(io: &mut (impl AsyncRead + Unpin + ?Sized), buffer: &mut [u8]) -> Result<usize, FrameError> {
    loop {
        match io.read(buffer).await {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Some muxers report the end of a stream as an error.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
            other => return Ok(other?),
        }
    }
}

#[cfg(test)]
mod tests;
