//! Which place of the text each instruction belongs to.
//!
//! Owns the packed table of a function: rows of a code offset and a source offset, and the functions that were written in place
//! of their calls, so that an instruction of theirs can be told with the chain of calls that it stands for. It does not know
//! texts: lines and columns are counted when somebody asks (the runtime's `sources.rs`).
//!
//! A row holds from its code offset to the next row's. Rows are bytes: what two neighbours have in common costs nothing, a row
//! takes about three and a half bytes. Every [`BLOCK`] rows there is a place to start reading from.

/// A row says from where on what follows is the code of which place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Offset in the code.
    pub code: u32,
    /// Offset in the text.
    pub source: u32,
    /// Bytes of the text from there; 0 where that is not known. What begins at one place (`a`, `a.b`, `a.b + c`) is told apart by it.
    pub length: u32,
    /// 0 for the function's own text, else 1 plus the index of an [`Inlined`].
    pub inlined: u32,
}

/// A call in whose place the callee's body was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Inlined {
    /// The number of the callee in its unit.
    pub function: u32,
    /// Where the call is: its offset in the text.
    pub call: u32,
    /// What the call itself was written in place of: as in [`Row::inlined`].
    pub parent: u32,
}

/// So many rows are read at most to find one.
const BLOCK: usize = 32;

/// The table of a function.
#[derive(Debug, Default, Clone)]
pub struct Lines {
    bytes: Box<[u8]>,
    /// Before each block but the first: the row before it, and where it begins.
    blocks: Box<[(Row, u32)]>,
    inlined: Box<[Inlined]>,
}

impl Lines {
    /// For readers of memory.
    pub const OFFSET_OF_BYTES: usize = std::mem::offset_of!(Lines, bytes);
    /// The same of the functions in place: their table is a slice of three words of 32 bits each.
    pub const OFFSET_OF_INLINED: usize = std::mem::offset_of!(Lines, inlined);

    /// Packs rows, which are sorted by code offset.
    pub fn new(rows: &[Row], inlined: &[Inlined]) -> Lines {
        let mut bytes = Vec::with_capacity(3 * rows.len());
        let mut blocks = Vec::new();
        let mut last = Row::default();
        for (index, row) in rows.iter().enumerate() {
            if index > 0 && index.is_multiple_of(BLOCK) {
                blocks.push((last, bytes.len() as u32));
            }
            let distance = row.source.wrapping_sub(last.source) as i32;
            let other = row.inlined != last.inlined;
            put(&mut bytes, u64::from(row.code - last.code) << 1 | u64::from(other));
            put(&mut bytes, u64::from((distance << 1 ^ distance >> 31) as u32));
            put(&mut bytes, u64::from(row.length));
            if other {
                put(&mut bytes, u64::from(row.inlined));
            }
            last = *row;
        }
        Lines { bytes: bytes.into(), blocks: blocks.into(), inlined: inlined.into() }
    }

    /// The row that holds at a code offset.
    pub fn at(&self, code: u32) -> Option<Row> {
        let block = self.blocks.partition_point(|(row, _)| row.code <= code);
        let (before, start) = block.checked_sub(1).map_or((Row::default(), 0), |block| self.blocks[block]);
        let rows = Rows { bytes: &self.bytes, at: start as usize, last: before };
        rows.take_while(|row| row.code <= code).last().or((block > 0).then_some(before))
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        Rows { bytes: &self.bytes, at: 0, last: Row::default() }
    }

    /// The rows for who asks for places alone: those that only say where what begins there ends are left out.
    pub fn places(&self) -> impl Iterator<Item = Row> {
        let mut last = None;
        self.rows().filter(move |row| last.replace((row.source, row.inlined)) != Some((row.source, row.inlined)))
    }

    /// The call that a row was written in place of.
    pub fn inlined(&self, inlined: u32) -> Option<Inlined> {
        self.inlined.get((inlined as usize).checked_sub(1)?).copied()
    }

    /// Was a row written in place of this call, or of one that stands in what is in its place? All are in the function itself, 0.
    pub fn is_within(&self, row: &Row, call: u32) -> bool {
        let mut inlined = row.inlined;
        while inlined != call
            && let Some(around) = self.inlined(inlined)
        {
            inlined = around.parent;
        }
        inlined == call
    }

    /// The place in the function's own text that a row belongs to: the outermost call.
    pub fn own_source(&self, row: Row) -> u32 {
        let (mut source, mut inlined) = (row.source, row.inlined);
        while let Some(call) = self.inlined(inlined) {
            (source, inlined) = (call.call, call.parent);
        }
        source
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.bytes.len() + size_of_val(&*self.blocks) + size_of_val(&*self.inlined)
    }
}

struct Rows<'a> {
    bytes: &'a [u8],
    at: usize,
    last: Row,
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let code = get(self.bytes, &mut self.at)?;
        let distance = get(self.bytes, &mut self.at)? as u32;
        let distance = distance >> 1 ^ (distance & 1).wrapping_neg();
        self.last.length = get(self.bytes, &mut self.at)? as u32;
        if code & 1 != 0 {
            self.last.inlined = get(self.bytes, &mut self.at)? as u32;
        }
        self.last.code += (code >> 1) as u32;
        self.last.source = self.last.source.wrapping_add(distance);
        Some(self.last)
    }
}

/// Seven bits to a byte, the lowest first; the last byte is below 128.
pub(super) fn put(bytes: &mut Vec<u8>, mut n: u64) {
    while n >= 128 {
        bytes.push(n as u8 | 128);
        n >>= 7;
    }
    bytes.push(n as u8);
}

pub(super) fn get(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let (mut n, mut shift) = (0, 0);
    loop {
        let byte = *bytes.get(*at)?;
        *at += 1;
        n |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Some(n);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back() {
        let mut state = 7u32;
        let mut below = |n: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % n
        };
        for length in [0, 1, 31, 32, 33, 64, 500] {
            let mut rows: Vec<Row> = Vec::new();
            for _ in 0..length {
                let code = rows.last().map_or(below(3), |row| row.code + 1 + below(300));
                let source = if below(9) == 0 { u32::MAX - below(3) } else { below(100_000) };
                rows.push(Row { code, source, length: below(200), inlined: below(3) });
            }
            let lines = Lines::new(&rows, &[]);
            assert_eq!(lines.rows().collect::<Vec<_>>(), rows);
            for code in 0..rows.last().map_or(5, |row| row.code + 5) {
                let expected = rows.iter().rfind(|row| row.code <= code).copied();
                assert_eq!(lines.at(code), expected, "{code} of {length} rows");
            }
        }
    }

    #[test]
    fn places_are_told_once() {
        let row = |(code, source, length)| Row { code, source, length, inlined: 0 };
        let rows = [(0, 5, 9), (4, 5, 1), (8, 7, 1), (12, 5, 9)].map(row);
        let lines = Lines::new(&rows, &[]);
        assert_eq!(lines.places().collect::<Vec<_>>(), [rows[0], rows[2], rows[3]]);
    }

    #[test]
    fn calls_are_chained() {
        let inlined = [Inlined { function: 4, call: 100, parent: 0 }, Inlined { function: 5, call: 30, parent: 1 }];
        let row = Row { code: 8, source: 50, length: 3, inlined: 2 };
        let lines = Lines::new(&[row], &inlined);
        assert_eq!(lines.inlined(2), Some(inlined[1]));
        assert_eq!((lines.inlined(0), lines.inlined(3)), (None, None));
        assert_eq!(lines.own_source(row), 100);
        assert_eq!(lines.own_source(Row { inlined: 0, ..row }), 50);
    }
}
