//! What the framing must withstand.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::executor::block_on;
use futures::io::Cursor;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::wire::WakuMessage;

fn read(bytes: &[u8], cap_bytes: usize) -> Result<Bytes, FrameError> {
    block_on(read_frame_bytes(&mut Cursor::new(bytes), cap_bytes))
}

/// Yields its bytes at most `step` at a time and notes the largest buffer it was given.
struct Trickle {
    bytes: Vec<u8>,
    position: usize,
    step: usize,
    largest_read_bytes: usize,
}

impl Trickle {
    fn new(bytes: Vec<u8>, step: usize) -> Self {
        Self {
            bytes,
            position: 0,
            step,
            largest_read_bytes: 0,
        }
    }
}

impl AsyncRead for Trickle {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.largest_read_bytes = self.largest_read_bytes.max(buffer.len());
        let left = self.bytes.len() - self.position;
        let count = left.min(buffer.len()).min(self.step);
        buffer[..count].copy_from_slice(&self.bytes[self.position..self.position + count]);
        self.position += count;
        Poll::Ready(Ok(count))
    }
}

#[test]
fn an_empty_stream_is_closed_and_not_truncated() {
    assert!(matches!(read(&[], 10), Err(FrameError::Closed)));
}

#[test]
fn an_empty_frame_is_a_frame() {
    assert_eq!(read(&[0], 0).unwrap(), Bytes::new());
}

#[test]
fn the_end_inside_a_frame_says_how_far_it_got() {
    for (bytes, expected, got) in [(&[5, 1, 2][..], 5, 2), (&[5], 5, 0), (&[0x80, 0x80], 3, 2)] {
        match read(bytes, 100) {
            Err(FrameError::Truncated {
                expected_bytes,
                got_bytes,
            }) => {
                assert_eq!((expected_bytes, got_bytes), (expected, got), "{bytes:?}");
            }
            other => panic!("{bytes:?} gave {other:?}"),
        }
    }
}

#[test]
fn the_cap_holds_to_the_byte() {
    assert_eq!(read(&[3, 1, 2, 3], 3).unwrap(), Bytes::from_static(&[1, 2, 3]));
    match read(&[3, 1, 2, 3], 2) {
        Err(FrameError::TooLarge {
            size_bytes: 3,
            cap_bytes: 2,
        }) => {}
        other => panic!("gave {other:?}"),
    }
}

#[test]
fn a_length_of_64_bits_is_too_large_and_not_an_allocation() {
    let largest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    match read(&largest, usize::MAX - 1) {
        Err(FrameError::TooLarge {
            size_bytes: u64::MAX, ..
        }) => {}
        other => panic!("gave {other:?}"),
    }
}

#[test]
fn lengths_that_are_no_canonical_varint_are_refused() {
    let overflow = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
    let endless = [0x80; 64];
    for bytes in [&[0x80, 0x00][..], &[0x85, 0x80, 0x00, 1, 2], &overflow, &endless] {
        assert!(matches!(read(bytes, 100), Err(FrameError::BadLength)), "{bytes:?}");
    }
}

#[test]
fn a_lying_length_does_not_make_us_allocate() {
    let size = 1 << 30;
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(size, &mut bytes);
    bytes.extend([0; 100]);
    let mut io = Trickle::new(bytes, usize::MAX);
    let result = block_on(read_frame_bytes(&mut io, usize::MAX));
    assert!(
        matches!(result, Err(FrameError::Truncated { got_bytes: 100, .. })),
        "{result:?}"
    );
    assert_eq!(io.largest_read_bytes, READ_CHUNK_BYTES);
}

#[test]
fn a_frame_larger_than_a_chunk_arrives_whole() {
    let message = WakuMessage::new(vec![7; 3 * READ_CHUNK_BYTES + 5], "/a/1/b/proto", 1);
    let mut bytes = Vec::new();
    block_on(write_frame(&mut bytes, &message, 1 << 20)).unwrap();
    let mut io = Trickle::new(bytes, 1000);
    let read: WakuMessage = block_on(read_frame(&mut io, 1 << 20)).unwrap();
    assert_eq!(read, message);
}

#[test]
fn writing_respects_the_cap_and_writes_nothing_beyond_it() {
    let message = WakuMessage::new(vec![7; 100], "/a/1/b/proto", 1);
    // Below 128, so the prefix is one byte.
    let size = message.encoded_len();
    let mut io = Vec::new();
    let error = block_on(write_frame(&mut io, &message, size - 1)).unwrap_err();
    assert!(matches!(error, FrameError::TooLarge { .. }), "{error}");
    assert!(io.is_empty());
    block_on(write_frame(&mut io, &message, size)).unwrap();
    assert_eq!(io.len(), size + 1);
}

#[test]
fn a_frame_that_is_no_message_is_a_decode_error() {
    let result: Result<WakuMessage, _> = block_on(read_frame(&mut Cursor::new([1, 0xff]), 10));
    assert!(matches!(result, Err(FrameError::Decode(_))), "{result:?}");
}

proptest! {
    #[test]
    fn any_length_prefix_reads_as_the_number_it_says(length: u64) {
        let mut bytes = Vec::new();
        prost::encoding::encode_varint(length, &mut bytes);
        prop_assert_eq!(block_on(read_length(&mut Cursor::new(bytes))).unwrap(), length);
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_the_cap_is_honoured(
        bytes in vec(any::<u8>(), 0..300),
        cap_bytes in 0_usize..200,
    ) {
        if let Ok(body) = read(&bytes, cap_bytes) {
            prop_assert!(body.len() <= cap_bytes);
        }
        let _: Result<WakuMessage, _> = block_on(read_frame(&mut Cursor::new(&bytes), cap_bytes));
    }

    #[test]
    fn the_pieces_a_frame_arrives_in_do_not_matter(payload in vec(any::<u8>(), 0..2000), step in 1_usize..50) {
        let message = WakuMessage::new(payload, "/a/1/b/proto", 1);
        let bytes = encode_frame(&message, 4000).unwrap().to_vec();
        let read: WakuMessage = block_on(read_frame(&mut Trickle::new(bytes, step), 4000)).unwrap();
        prop_assert_eq!(read, message);
    }
}
