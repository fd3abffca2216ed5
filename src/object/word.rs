//! One value as one machine word.
//!
//! ```text
//!  63                                            3 2 0
//! +------------------------------------------------+---+
//! | 61-bit signed integer                          |000|  Int
//! | address                                        |001|  heap object (boxed floats and big integers too)
//! | rotl(bits of the double, 4) + 3                |x1x|  Float, self-tagged: 010, 011, 110, 111
//! | index or nothing                      |kind (5)|100|  immediates
//! | address                                        |101|  function
//! +------------------------------------------------+---+
//! ```
//!
//! Float self-tagging: Melançon, Feeley, Serrano, "Float Self-Tagging", OOPSLA 2025, in the variant with four tags: zeros,
//! subnormals, infinities, NaN and all magnitudes in [2^-255, 2^257) are immediate; the rest is boxed.
//!
//! Falsy is `word & !8 == 4`: `null` and `false` alone.

/// A tagged word. Plain bits: whether it may still be used after an allocation is the business of `Value` (`gc/mutator/value.rs`).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Word(pub u64);

/// The tag of heap objects.
pub const TAG_OBJECT: u64 = 0b001;
/// The tag of functions.
pub const TAG_FUNCTION: u64 = 0b101;
/// The tag of immediates.
pub const TAG_IMMEDIATE: u64 = 0b100;
/// All tag bits.
pub const TAG_MASK: u64 = 0b111;
/// The bit that only floats have set.
pub const FLOAT_BIT: u64 = 0b010;
/// Number of tag bits of an Int.
pub const INT_SHIFT: u32 = 3;
/// Smallest inline Int.
pub const INT_MIN: i64 = -(1 << 60);
/// Largest inline Int.
pub const INT_MAX: i64 = (1 << 60) - 1;
/// Low byte of keywords; the index stands above.
pub const KEYWORD_BITS: u64 = 0x3C;

impl Word {
    /// `null`
    pub const NULL: Word = Word(0x04);
    /// `false`
    pub const FALSE: Word = Word(0x0C);
    /// `true`
    pub const TRUE: Word = Word(0x14);
    /// What a helper returns instead of a value when it has thrown; never stored.
    pub const THROWN: Word = Word(0x1C);
    /// No value: an undefined binding, a missing entry; never seen by programs.
    pub const UNDEFINED: Word = Word(0x24);
    /// Fills fresh and dead memory under `--gc-verify`; a value that is this was read before it was written.
    pub const POISON: Word = Word(0x2C);

    /// The Int, when it fits 61 bits.
    pub const fn int(i: i64) -> Option<Word> {
        if i >= INT_MIN && i <= INT_MAX { Some(Word((i as u64) << INT_SHIFT)) } else { None }
    }

    /// A Bool.
    pub const fn bool(b: bool) -> Word {
        if b { Word::TRUE } else { Word::FALSE }
    }

    /// The keyword with this index.
    pub const fn keyword(index: u32) -> Word {
        Word((index as u64) << 8 | KEYWORD_BITS)
    }

    /// The Float, when it is self-tagged.
    pub fn float(f: f64) -> Option<Word> {
        let bits = f.to_bits().rotate_left(4).wrapping_add(3);
        if bits & FLOAT_BIT != 0 { Some(Word(bits)) } else { None }
    }

    /// Is it an inline Int?
    pub const fn is_int(self) -> bool {
        self.0 & TAG_MASK == 0
    }

    /// The value of an inline Int.
    pub const fn as_int(self) -> Option<i64> {
        if self.is_int() { Some(self.0 as i64 >> INT_SHIFT) } else { None }
    }

    /// Is it a self-tagged Float?
    pub const fn is_tagged_float(self) -> bool {
        self.0 & FLOAT_BIT != 0
    }

    /// The value of a self-tagged Float.
    pub fn as_tagged_float(self) -> Option<f64> {
        if self.is_tagged_float() { Some(f64::from_bits(self.0.wrapping_sub(3).rotate_right(4))) } else { None }
    }

    /// Is it a keyword?
    pub const fn is_keyword(self) -> bool {
        self.0 & 0xFF == KEYWORD_BITS
    }

    /// The index of a keyword.
    pub const fn as_keyword(self) -> Option<u32> {
        if self.is_keyword() { Some((self.0 >> 8) as u32) } else { None }
    }

    /// Is it a pointer (to an object or a function)?
    pub const fn is_pointer(self) -> bool {
        self.0 & 0b011 == 0b001
    }

    /// Is it a pointer to a function?
    pub const fn is_function(self) -> bool {
        self.0 & TAG_MASK == TAG_FUNCTION
    }

    /// Is it a pointer to an object that is not a function?
    pub const fn is_object(self) -> bool {
        self.0 & TAG_MASK == TAG_OBJECT
    }

    /// `null` or `false`?
    pub const fn is_falsy(self) -> bool {
        self.0 & !8 == 4
    }

    /// The address of the object a pointer names.
    pub const fn address(self) -> usize {
        (self.0 & !TAG_MASK) as usize
    }
}

impl std::fmt::Debug for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Word({:#x})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_of_ordinary_life_are_immediate() {
        for f in [0.0, -0.0, 1.0, -1.5, f64::MIN_POSITIVE / 2.0, f64::INFINITY, 1e77, 1e-76] {
            let w = Word::float(f).expect("immediate");
            assert_eq!(w.as_tagged_float().map(f64::to_bits), Some(f.to_bits()));
            assert!(!w.is_int() && !w.is_pointer());
        }
        assert!(Word::float(1e100).is_none());
        assert!(Word::float(1e-100).is_none());
        assert!(Word::float(f64::NAN).is_some());
    }

    #[test]
    fn ints_at_the_limits() {
        assert_eq!(Word::int(INT_MAX).and_then(Word::as_int), Some(INT_MAX));
        assert_eq!(Word::int(INT_MIN).and_then(Word::as_int), Some(INT_MIN));
        assert_eq!(Word::int(INT_MAX + 1), None);
        assert_eq!(Word::int(INT_MIN - 1), None);
    }

    #[test]
    fn only_null_and_false_are_falsy() {
        assert!(Word::NULL.is_falsy() && Word::FALSE.is_falsy());
        for w in [Word::TRUE, Word::UNDEFINED, Word::keyword(0), Word(0), Word(5), Word(1)] {
            assert!(!w.is_falsy(), "{w:?}");
        }
    }
}
