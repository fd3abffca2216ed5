//! The hash of words and bytes. Texts keep theirs, and `--gc-verify` looks whether it is still that of their bytes.

/// The odd number that one word is multiplied with: 2^64 over the golden ratio.
pub const K1: u64 = 0x9E37_79B9_7F4A_7C15;
/// Another one.
pub const K2: u64 = 0xD6E8_FEB8_6659_FD93;

/// The 128-bit product of two words, folded.
#[inline]
pub fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

/// The hash of one word.
#[inline]
pub fn mix(x: u64) -> u64 {
    let h = x.wrapping_mul(K1);
    h ^ h >> 32
}

/// The hash of bytes.
pub fn bytes(text: &[u8]) -> u64 {
    let mut h = text.len() as u64 ^ K2;
    let mut chunks = text.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        h = fold(h ^ u64::from_le_bytes(word), K1);
    }
    let mut word = [0; 8];
    word[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    mix(fold(h ^ u64::from_le_bytes(word), K2))
}

/// The hash that a text remembers: never 0, which says that it is not known yet.
pub fn text(text: &[u8]) -> u64 {
    bytes(text).max(1)
}
