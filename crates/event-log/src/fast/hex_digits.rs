//! Lower-case hex, eight digits at a time in one 64-bit word.

const LOW_NIBBLES: u64 = 0x0f0f_0f0f_0f0f_0f0f;
const LOW_BITS: u64 = 0x0101_0101_0101_0101;

/// Decodes 64 lower-case hex digits.
#[inline(always)]
pub(super) fn decode(digits: &[u8; 64]) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let mut wrong = 0;
    let (eights, _) = digits.as_chunks::<8>();
    let (fours, _) = bytes.as_chunks_mut::<4>();
    for (eight, four) in eights.iter().zip(fours) {
        let text = u64::from_le_bytes(*eight);
        let nibbles = (text & LOW_NIBBLES) + ((text >> 6) & LOW_BITS) * 9;
        // Written back as digits it must be the same text, which rules out every other character.
        let letters = ((nibbles + LOW_BITS * 6) >> 4) & LOW_BITS;
        let back = nibbles + LOW_BITS * u64::from(b'0') + letters * u64::from(b'a' - b'0' - 10);
        wrong |= (back ^ text) | (nibbles & !LOW_NIBBLES);
        *four = pack(nibbles).to_le_bytes();
    }
    (wrong == 0).then_some(bytes)
}

/// Eight nibbles, one a byte, the first of each pair the higher, as four bytes.
#[inline(always)]
fn pack(nibbles: u64) -> u32 {
    let pairs = ((nibbles << 4) | (nibbles >> 8)) & 0x00ff_00ff_00ff_00ff;
    let quads = (pairs | (pairs >> 8)) & 0x0000_ffff_0000_ffff;
    ((quads | (quads >> 16)) & 0xffff_ffff) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_byte_in_every_place() {
        for at in 0..64 {
            for byte in 0..=u8::MAX {
                let mut digits = [b'0'; 64];
                digits[at] = byte;
                let lower = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                let expected = hex::decode(digits).ok().filter(|_| lower);
                assert_eq!(decode(&digits).map(Vec::from), expected, "{byte:#x} at {at}");
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_hex_crate(bytes in any::<[u8; 32]>()) {
            let mut digits = [0; 64];
            hex::encode_to_slice(bytes, &mut digits).unwrap();
            prop_assert_eq!(decode(&digits), Some(bytes));
        }
    }
}
