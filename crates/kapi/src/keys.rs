//! Where the keys of a JSON text end: at a quote before a colon, unless there is white space between.
//!
//! They are looked for 16 bytes at a time. Such quotes are found within strings too, after a backslash,
//! and where a string begins with a colon.

use wide::u8x16;

const BLOCK: usize = 64;

/// The places of quotes that stand before a colon, from front to back.
pub(crate) struct KeyEnds<'a> {
    /// From the block on that is looked at next.
    left: &'a [u8],
    /// Where that begins.
    next: usize,
    /// Of the block before it, a bit for each quote before a colon, the lowest for its first byte.
    found: u64,
}

impl<'a> KeyEnds<'a> {
    pub(crate) fn of(text: &'a [u8]) -> Self {
        Self {
            left: text,
            next: 0,
            found: 0,
        }
    }

    fn look(&mut self) {
        let mut padded = [0; BLOCK + 1];
        let block = self.left.first_chunk().unwrap_or_else(|| {
            for (byte, there) in padded.iter_mut().zip(self.left) {
                *byte = *there;
            }
            &padded
        });
        self.found = found(block);
        self.left = self.left.get(BLOCK..).unwrap_or_default();
        self.next += BLOCK;
    }
}

impl Iterator for KeyEnds<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            if self.left.is_empty() {
                return None;
            }
            self.look();
        }
        let at = self.next - BLOCK + self.found.trailing_zeros() as usize;
        self.found &= self.found - 1;
        Some(at)
    }
}

/// A bit for each byte of a block but the last: whether it is a quote, and the next one a colon.
fn found(block: &[u8; BLOCK + 1]) -> u64 {
    let ([bytes @ .., _], [_, behind @ ..]) = (block, block);
    let parts = parts(bytes).iter().zip(parts(behind));
    parts.rev().fold(0, |found, (bytes, behind)| {
        let quotes = u8x16::new(*bytes).simd_eq(u8x16::splat(b'"'));
        let colons = u8x16::new(*behind).simd_eq(u8x16::splat(b':'));
        found << PART | u64::from((quotes & colons).to_bitmask())
    })
}

/// As many bytes as are looked at together.
const PART: usize = 16;

fn parts(block: &[u8; BLOCK]) -> &[[u8; PART]; BLOCK / PART] {
    let (parts, _) = block.as_chunks();
    parts.try_into().unwrap_or(&[[0; PART]; BLOCK / PART])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_are_found_in_order(text in "[\":a]{0,300}") {
            let wanted: Vec<usize> = text.match_indices("\":").map(|(at, _)| at).collect();
            let found: Vec<usize> = KeyEnds::of(text.as_bytes()).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
