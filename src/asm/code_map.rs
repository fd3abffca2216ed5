//! What is known of published code, found by address.
//!
//! Owns, for each piece of code (a function of the program, or a stub): its name and place, the callee-saved registers that it saves, the safepoints with their live
//! words and handlers, and the lines. The frame walker, the unwinder and stack traces read it; `publish`ing threads write it.
//! It does not know what a tagged word is, nor what the opaque `source` means to the runtime.
//!
//! # Live words
//!
//! At a call the map says which callee-saved registers (as they are when the callee runs) and which frame slots hold tagged
//! words. Slot `i` of a function that saves `n` registers is at `FP - 8 * (n + 1 + i)`. A call site costs eight bytes: the
//! return offset, and a word that holds the mask of registers and either 23 slots or the number of a longer set in a pool
//! shared by the function; equal sets are stored once, and so are equal groups of slots of sets that are not equal.
//!
//! # Invariants
//!
//! - A chunk is registered before any address in it becomes known to running code, and unregistered before it is freed.
//! - Functions are sorted by start and disjoint; safepoints and lines are sorted by offset.
//! - A [`View`] holds the lock as a reader: who has one must not register or unregister, nor ask for a second.

use super::lines::Lines;
use super::masm::{Frame, FrameChange};
use super::memory::{CodeMemory, Published};
use super::variables::Variables;
use crate::locks::{ReadGuard, RwLock, read, try_read, write};
use std::borrow::Cow;
use std::mem::offset_of;
use std::ops::Range;

// ---- sets of slots ----

/// A set of frame slots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SlotSet {
    low: u64,
    /// Slots from 64 upwards, 64 to a word; the last word is not 0.
    high: Vec<u64>,
}

impl SlotSet {
    /// The empty set.
    pub fn new() -> SlotSet {
        SlotSet::default()
    }

    /// Adds `slot`.
    pub fn insert(&mut self, slot: u32) {
        self.insert_all(slot / 16 * 16, 1 << (slot % 16));
    }

    /// Adds those of the 16 slots from `first`, a multiple of 16, whose bits are set.
    pub fn insert_all(&mut self, first: u32, slots: u16) {
        let bits = u64::from(slots) << (first % 64);
        if first < 64 {
            self.low |= bits;
        } else if bits != 0 {
            let word = first as usize / 64 - 1;
            if word >= self.high.len() {
                self.high.resize(word + 1, 0);
            }
            self.high[word] |= bits;
        }
    }

    /// Is `slot` in the set?
    pub fn contains(&self, slot: u32) -> bool {
        let word = if slot < 64 { self.low } else { self.high.get(slot as usize / 64 - 1).copied().unwrap_or(0) };
        word >> (slot % 64) & 1 != 0
    }

    fn words(&self) -> impl Iterator<Item = u64> + '_ {
        std::iter::once(self.low).chain(self.high.iter().copied())
    }
}

impl FromIterator<u32> for SlotSet {
    fn from_iter<T: IntoIterator<Item = u32>>(slots: T) -> SlotSet {
        let mut set = SlotSet::new();
        slots.into_iter().for_each(|slot| set.insert(slot));
        set
    }
}

// ---- safepoints ----

/// A safepoint as the generator describes it.
#[derive(Clone, Debug, Default)]
pub struct SafepointInfo {
    /// Offset of the return address in the function.
    pub return_offset: u32,
    /// Callee-saved registers that hold tagged words.
    pub live_saved: u8,
    /// Frame slots that hold tagged words.
    pub slots: PackedSlots,
    /// Offset of the code that handles an exception thrown in the call.
    pub handler: Option<u32>,
    /// Nothing is left to do behind the call but to return what it gives.
    pub tail: bool,
}

/// Set when the lower bits are the number of a set in the pool.
const IN_POOL: u32 = 1 << 23;
const INLINE_SLOTS: u32 = 23;
/// A set in the pool is a list of groups of so many slots; sets share the groups that are equal.
const GROUP_SLOTS: u32 = 512;

/// A function may have so many safepoints: as many as sets can be told from each other.
pub const MAX_SAFEPOINTS: usize = IN_POOL as usize;

/// A set of slots in a word: its lowest 24 bits are slots, or [`IN_POOL`] and the number of a set in the pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackedSlots(u32);

/// The safepoints of a function, packed.
#[derive(Clone, Debug, Default)]
pub struct Safepoints {
    /// Sorted.
    returns: Box<[u32]>,
    /// Registers in the upper eight bits, [`PackedSlots`] below.
    words: Box<[u32]>,
    /// The places of the longer sets in the pool: the list of the places of their groups, which are lists of bits.
    sets: Box<[u32]>,
    /// Lists, each with its length before it.
    pool: Box<[u32]>,
    /// Return offset and handler offset, sorted.
    handlers: Box<[(u32, u32)]>,
    /// Return offsets of the calls behind which nothing is left to do, sorted.
    tails: Box<[u32]>,
}

/// Lists of words, each distinct one stored once.
#[derive(Debug, Default)]
struct Pool {
    words: Vec<u32>,
    known: rustc_hash::FxHashMap<Box<[u32]>, u32>,
}

impl Pool {
    /// The place of a list.
    fn place(&mut self, list: &[u32]) -> u32 {
        if let Some(place) = self.known.get(list) {
            return *place;
        }
        let place = self.words.len() as u32;
        self.words.push(list.len() as u32);
        self.words.extend_from_slice(list);
        self.known.insert(list.into(), place);
        place
    }
}

/// The sets of slots of a function, packed while its safepoints are found: a set is never kept as it is, for there are as many as
/// safepoints, each as long as the frame.
#[derive(Debug, Default)]
pub struct SlotSets {
    pool: Pool,
    /// The places in the pool of the lists of groups, by number.
    places: Vec<u32>,
    /// The numbers of these.
    numbers: rustc_hash::FxHashMap<u32, u32>,
}

impl SlotSets {
    /// Packs a set.
    pub fn pack(&mut self, slots: &SlotSet) -> PackedSlots {
        if slots.high.is_empty() && slots.low < 1 << INLINE_SLOTS {
            return PackedSlots(slots.low as u32);
        }
        let words: Vec<u32> = slots.words().flat_map(|word| [word as u32, (word >> 32) as u32]).collect();
        let groups: Vec<u32> = words.chunks(GROUP_SLOTS as usize / 32).map(|group| self.pool.place(group)).collect();
        let place = self.pool.place(&groups);
        let number = *self.numbers.entry(place).or_insert_with(|| {
            self.places.push(place);
            self.places.len() as u32 - 1
        });
        PackedSlots(IN_POOL | number)
    }
}

impl Safepoints {
    /// Those of a function, with the sets that they name. Of two with the same return offset the first counts. There are at most
    /// [`MAX_SAFEPOINTS`].
    pub fn new(infos: impl IntoIterator<Item = SafepointInfo>, sets: SlotSets) -> Safepoints {
        let mut tails = Vec::new();
        let mut points: Vec<(u32, u32, Option<u32>)> = infos
            .into_iter()
            .map(|info| {
                tails.extend(info.tail.then_some(info.return_offset));
                (info.return_offset, u32::from(info.live_saved) << 24 | info.slots.0, info.handler)
            })
            .collect();
        tails.sort_unstable();
        points.sort_by_key(|point| point.0);
        points.dedup_by_key(|point| point.0);
        debug_assert!(points.len() <= MAX_SAFEPOINTS);
        Safepoints {
            returns: points.iter().map(|point| point.0).collect(),
            words: points.iter().map(|point| point.1).collect(),
            handlers: points.iter().filter_map(|point| Some((point.0, point.2?))).collect(),
            tails: tails.into(),
            sets: sets.places.into(),
            pool: sets.pool.words.into(),
        }
    }

    /// The list at a place of the pool.
    fn list(&self, place: u32) -> &[u32] {
        let place = place as usize;
        &self.pool[place + 1..place + 1 + self.pool[place] as usize]
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.returns.len()
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.returns.is_empty()
    }

    /// The safepoint with this return offset.
    pub fn find(&self, return_offset: u32) -> Option<Safepoint<'_>> {
        self.returns.binary_search(&return_offset).ok().map(|index| self.at(index))
    }

    /// All, by return offset.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Safepoint<'_>)> {
        self.returns.iter().enumerate().map(|(index, &offset)| (offset, self.at(index)))
    }

    fn at(&self, index: usize) -> Safepoint<'_> {
        Safepoint { safepoints: self, word: self.words[index], return_offset: self.returns[index] }
    }

    fn bytes(&self) -> usize {
        8 * self.returns.len() + 4 * (self.sets.len() + self.pool.len() + self.tails.len()) + 8 * self.handlers.len()
    }
}

/// One safepoint.
#[derive(Clone, Copy, Debug)]
pub struct Safepoint<'a> {
    safepoints: &'a Safepoints,
    word: u32,
    return_offset: u32,
}

impl<'a> Safepoint<'a> {
    /// Callee-saved registers that hold tagged words.
    pub fn live_saved(&self) -> u8 {
        (self.word >> 24) as u8
    }

    /// Frame slots that hold tagged words, ascending.
    pub fn slots(&self) -> Slots<'a> {
        let low = self.word & 0xFF_FFFF;
        let (present, groups): (u32, &[u32]) = match low & IN_POOL {
            0 => (low, &[]),
            _ => (0, self.safepoints.list(self.safepoints.sets[(low & !IN_POOL) as usize])),
        };
        Slots { safepoints: self.safepoints, present, base: 0, words: &[], groups, next: 0 }
    }

    /// Offset of the exception handler in the function.
    pub fn handler(&self) -> Option<u32> {
        let handlers = &self.safepoints.handlers;
        handlers.binary_search_by_key(&self.return_offset, |h| h.0).ok().map(|index| handlers[index].1)
    }

    /// Is nothing left to do behind the call but to return what it gives?
    pub fn is_tail(&self) -> bool {
        self.safepoints.tails.binary_search(&self.return_offset).is_ok()
    }
}

/// Iterates over slots.
#[derive(Clone, Debug)]
pub struct Slots<'a> {
    safepoints: &'a Safepoints,
    /// What is left of the present word, whose first slot is `base`.
    present: u32,
    base: u32,
    /// What is left of the present group and of the set.
    words: &'a [u32],
    groups: &'a [u32],
    /// The first slot of the next word.
    next: u32,
}

impl Iterator for Slots<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        while self.present == 0 {
            if let Some((word, rest)) = self.words.split_first() {
                (self.present, self.words) = (*word, rest);
                (self.base, self.next) = (self.next, self.next + 32);
            } else {
                let (group, rest) = self.groups.split_first()?;
                (self.words, self.groups) = (self.safepoints.list(*group), rest);
            }
        }
        let bit = self.present.trailing_zeros();
        self.present &= self.present - 1;
        Some(self.base + bit)
    }
}

// ---- functions ----

/// What a piece of published code is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The body of a function of the program or of the library: the only kind that has safepoints.
    #[default]
    Body,
    /// Hand-written code between the program and Rust.
    Stub,
    /// Hand-written code in front of such a stub, for the common case.
    Fast,
}

impl Kind {
    /// What stands before the names of its pieces.
    pub fn prefix(self) -> &'static str {
        match self {
            Kind::Body => "",
            Kind::Stub => "harrier::stub::",
            Kind::Fast => "harrier::fast::",
        }
    }
}

/// What a part of a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The way that is likely.
    Hot,
    /// What is rare, out of the way: slow paths.
    Cold,
    /// The version of a hot region that does not rely on what was foreseen.
    General,
}

/// A published function.
#[derive(Debug, Default)]
pub struct Function {
    /// Its own name: see [`Function::symbol`].
    pub name: Cow<'static, str>,
    /// What it is.
    pub kind: Kind,
    /// What the runtime knows it by: where its text is, which closure template it belongs to. 0: nothing.
    pub source: u32,
    /// Its address.
    pub start: usize,
    /// Bytes of code.
    pub size: u32,
    /// The callee-saved registers that its prologue saves.
    pub saved: u8,
    /// How many arguments it finds in registers.
    pub arguments: u8,
    /// Bytes of its frame below the frame pointer.
    pub frame_bytes: u32,
    /// Its safepoints.
    pub safepoints: Safepoints,
    /// Which place of the text its instructions belong to.
    pub lines: Lines,
    /// Where its variables live, when somebody wanted to know.
    pub variables: Variables,
    /// Where its frame changes, by code offset; before the first change there is none.
    pub frames: Box<[FrameChange]>,
    /// Comments by code offset, for listings; empty unless they were kept.
    pub comments: Vec<(u32, String)>,
    /// Where parts begin after the first, which is hot; sorted by code offset.
    pub parts: Box<[(u32, Part)]>,
    /// Code that only goes on to a function: see [`Assembled::going_on`].
    ///
    /// [`Assembled::going_on`]: super::masm::Assembled::going_on
    pub onward: Range<u32>,
}

impl Function {
    /// The name under which people and tools see it.
    pub fn symbol(&self) -> Cow<'_, str> {
        match self.kind {
            Kind::Body => Cow::Borrowed(&self.name),
            kind => Cow::Owned(format!("{}{}", kind.prefix(), self.name)),
        }
    }

    /// Its parts by code offset, none of them empty.
    pub fn parts(&self) -> impl Iterator<Item = (Range<u32>, Part)> {
        let starts = std::iter::once((0, Part::Hot)).chain(self.parts.iter().copied());
        let ends = self.parts.iter().map(|part| part.0).chain([self.size]);
        starts.zip(ends).map(|((start, part), end)| (start..end, part)).filter(|(range, _)| !range.is_empty())
    }

    /// The part that an offset of its code is in.
    pub fn part(&self, offset: u32) -> Part {
        let index = self.parts.partition_point(|part| part.0 <= offset);
        index.checked_sub(1).map_or(Part::Hot, |index| self.parts[index].1)
    }

    /// The source offset of the instruction before `return_address`.
    pub fn source_before(&self, return_address: usize) -> Option<u32> {
        Some(self.text_before(return_address)?.start)
    }

    /// What the instruction before `return_address` was written for, as offsets of the text; empty where only its start is known.
    pub fn text_before(&self, return_address: usize) -> Option<Range<u32>> {
        let last = return_address.checked_sub(self.start + 1)?;
        let row = self.lines.at(u32::try_from(last).ok()?)?;
        Some(row.source..row.source + row.length)
    }

    /// What there is of its frame when the instruction at an offset is about to be executed.
    pub fn frame(&self, offset: u32) -> Frame {
        let index = self.frames.partition_point(|change| change.at() <= offset);
        index.checked_sub(1).map_or(Frame::None, |index| self.frames[index].frame())
    }

    /// The address range.
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.size as usize
    }

    /// Distance of slot `slot` from the frame pointer.
    pub fn slot_offset(&self, slot: u32) -> i32 {
        slot_offset(self.saved, slot)
    }

    /// Distance from the frame pointer of the place where the caller's callee-saved register `index` is saved, if it is.
    pub fn saved_offset(&self, index: usize) -> Option<i32> {
        saved_offset(self.saved, index)
    }
}

/// Distance of slot `slot` from the frame pointer in a function that saves the registers `saved`.
pub fn slot_offset(saved: u8, slot: u32) -> i32 {
    -8 * (saved.count_ones() as i32 + 1 + slot as i32)
}

/// Distance from the frame pointer of the saved callee-saved register `index` in such a function.
pub fn saved_offset(saved: u8, index: usize) -> Option<i32> {
    let below = saved & ((1u8 << index) - 1);
    (saved >> index & 1 != 0).then(|| -8 * (1 + below.count_ones() as i32))
}

// ---- the map ----

#[derive(Debug)]
struct Chunk {
    range: Range<usize>,
    functions: Vec<Function>,
}

/// Says which chunk and function an address belongs to.
#[derive(Debug)]
pub struct CodeMap {
    code: Range<usize>,
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Of each page from the start of the code range: 0, or 1 plus the index of its chunk. As long as the highest page in use.
    pages: Vec<u32>,
    chunks: Vec<Option<Chunk>>,
    /// Indices of `chunks` that are free.
    free: Vec<u32>,
}

const PAGE_SHIFT: u32 = 12;

impl CodeMap {
    /// A map of the code in `memory`.
    pub fn new(memory: &CodeMemory) -> CodeMap {
        CodeMap { code: memory.range(), inner: RwLock::default() }
    }

    /// Notes the functions of a chunk, in any order.
    pub fn register(&self, published: &Published, mut functions: Vec<Function>) {
        functions.sort_by_key(|function| function.start);
        debug_assert!(functions.windows(2).all(|pair| pair[0].range().end <= pair[1].start));
        debug_assert!(
            functions.iter().all(|f| published.range.contains(&f.start) && f.range().end <= published.range.end)
        );
        let pages = self.pages(&published.range);
        let chunk = Chunk { range: published.range.clone(), functions };
        let mut inner = write(&self.inner);
        let index = match inner.free.pop() {
            Some(index) => index,
            None => {
                inner.chunks.push(None);
                inner.chunks.len() as u32 - 1
            }
        };
        inner.chunks[index as usize] = Some(chunk);
        if inner.pages.len() < pages.end {
            inner.pages.resize(pages.end, 0);
        }
        debug_assert!(inner.pages[pages.clone()].iter().all(|page| *page == 0), "the chunk is registered twice");
        inner.pages[pages].fill(index + 1);
    }

    /// Forgets the chunk with this range; its functions come back to whoever wants to tell others that they are gone.
    pub fn unregister(&self, range: &Range<usize>) -> Vec<Function> {
        let mut inner = write(&self.inner);
        let pages = self.pages(range);
        let Some(index) = inner.pages.get(pages.start).and_then(|page| page.checked_sub(1)) else { return Vec::new() };
        let Some(chunk) = inner.chunks[index as usize].take_if(|chunk| chunk.range == *range) else {
            return Vec::new();
        };
        inner.pages[pages].fill(0);
        inner.free.push(index);
        chunk.functions
    }

    /// Locks the map for reading: for a whole walk rather than for each frame. Who has a view takes no second one: when another
    /// thread wants to write in between, neither would ever go on.
    pub fn view(&self) -> View<'_> {
        View { code: self.code.start, inner: read(&self.inner) }
    }

    /// The same without waiting: none while the map is being changed.
    pub fn try_view(&self) -> Option<View<'_>> {
        Some(View { code: self.code.start, inner: try_read(&self.inner)? })
    }

    /// Where a debugger finds what is known of an address.
    pub fn facts(&self, note: &mut dyn FnMut(&'static str, usize)) {
        let view = self.view();
        note("code.start", self.code.start);
        note("code.end", self.code.end);
        note("map.pages", (&raw const view.inner.pages) as usize);
        note("map.chunks", (&raw const view.inner.chunks) as usize);
        // Where the compiler has put the chunk in the option.
        let chunk = Some(Chunk { range: 0..0, functions: Vec::new() });
        let inside = chunk.as_ref().map_or(0, |inside| (&raw const *inside) as usize - (&raw const chunk) as usize);
        note("chunk.size", size_of::<Option<Chunk>>());
        note("chunk.functions", inside + offset_of!(Chunk, functions));
        note("function.size", size_of::<Function>());
        note("function.name", offset_of!(Function, name));
        note("function.start", offset_of!(Function, start));
        note("function.bytes", offset_of!(Function, size));
        note("function.saved", offset_of!(Function, saved));
        note("function.kind", offset_of!(Function, kind));
        note("function.source", offset_of!(Function, source));
        note("function.frames", offset_of!(Function, frames));
        note("function.lines", offset_of!(Function, lines));
        note("lines.bytes", Lines::OFFSET_OF_BYTES);
        note("lines.inlined", Lines::OFFSET_OF_INLINED);
        note("function.variables", offset_of!(Function, variables));
        note("variables.bytes", Variables::OFFSET_OF_BYTES);
    }

    fn pages(&self, range: &Range<usize>) -> Range<usize> {
        (range.start - self.code.start) >> PAGE_SHIFT..(range.end - self.code.start) >> PAGE_SHIFT
    }
}

/// The map, locked for reading.
#[derive(Debug)]
pub struct View<'a> {
    code: usize,
    inner: ReadGuard<'a, Inner>,
}

impl View<'_> {
    /// The function that contains `address`.
    pub fn function(&self, address: usize) -> Option<&Function> {
        let chunk = self.chunk(address)?;
        let index = chunk.functions.partition_point(|function| function.start <= address);
        let function = &chunk.functions[index.checked_sub(1)?];
        (address - function.start < function.size as usize).then_some(function)
    }

    /// The function that made the call which returns to `return_address`. (A call at the very end of a function returns to
    /// the address behind it.)
    pub fn caller(&self, return_address: usize) -> Option<&Function> {
        self.function(return_address.checked_sub(1)?)
    }

    /// The safepoint of the call that returns to `return_address`, and its function.
    pub fn safepoint(&self, return_address: usize) -> Option<(&Function, Safepoint<'_>)> {
        let function = self.caller(return_address)?;
        let safepoint = function.safepoints.find((return_address - function.start) as u32)?;
        Some((function, safepoint))
    }

    /// The pages of the chunk that contains `address`: what must stay while a frame returns there.
    pub fn chunk_range(&self, address: usize) -> Option<Range<usize>> {
        Some(self.chunk(address)?.range.clone())
    }

    /// All chunks with their functions, by no order in particular.
    pub fn chunks(&self) -> impl Iterator<Item = (&Range<usize>, &[Function])> {
        self.inner.chunks.iter().flatten().map(|chunk| (&chunk.range, &chunk.functions[..]))
    }

    /// All functions, by no order in particular.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.inner.chunks.iter().flatten().flat_map(|chunk| &chunk.functions)
    }

    /// Bytes that the lines take.
    pub fn line_bytes(&self) -> usize {
        self.functions().map(|function| function.lines.bytes()).sum()
    }

    /// Bytes that the safepoints take.
    pub fn safepoint_bytes(&self) -> usize {
        self.functions().map(|function| function.safepoints.bytes()).sum()
    }

    fn chunk(&self, address: usize) -> Option<&Chunk> {
        let page = address.checked_sub(self.code)? >> PAGE_SHIFT;
        let index = self.inner.pages.get(page)?.checked_sub(1)?;
        self.inner.chunks.get(index as usize)?.as_ref()
    }
}
