//! Code memory: one reserved range of addresses; code grows from its start upwards, data cells from its end downwards.
//!
//! Owns the mapping of pages, the placing of code and its last fixups. It does not know what the code is (that is
//! [`super::code_map`]'s) nor who may still be running in it: whoever frees a chunk knows that nobody is.
//!
//! # Invariants
//!
//! - No page is ever writable and executable. A chunk is written while it is RW and unknown to anybody, then turned to RX for
//!   good; it is never written again, only freed as a whole.
//! - Everything in the range is within 2 GiB of everything else, so that 32-bit displacements always reach.
//! - Memory handed out by `alloc_data` is zero.

use super::masm::{Assembled, SAVED_REGS};
use crate::injection::{Asked, refused};
use crate::locks::{Mutex, MutexGuard, lock};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::ptr::{self, NonNull};

const _: () = assert!(SAVED_REGS <= 8, "masks of saved registers are bytes");

/// The whole range, where addresses are not rare.
pub const RANGE_BYTES: usize = 2 << 30;
/// No range is smaller.
const LEAST_RANGE: usize = 4 << 20;
/// Every function starts at a multiple of this.
pub const FUNCTION_ALIGN: usize = 32;
/// Data is made accessible in steps of this many bytes.
const DATA_STEP: usize = 256 << 10;
/// The largest alignment of data.
const MAX_DATA_ALIGN: usize = 4096;
#[cfg(target_arch = "x86_64")]
/// Padding: `int3`, four times.
const FILLER: [u8; 4] = [0xCC; 4];
#[cfg(not(target_arch = "x86_64"))]
/// Padding: `brk #0`.
const FILLER: [u8; 4] = 0xD420_0000u32.to_le_bytes();

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The system refuses.
    #[error("cannot {what}: {error}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system says.
        error: std::io::Error,
    },
    /// The range is used up.
    #[error("the {0} memory is exhausted")]
    Exhausted(&'static str),
    /// A reference does not reach.
    #[error("a reference from {from:#x} to {to:#x} is out of reach")]
    OutOfReach {
        /// The place of the reference.
        from: usize,
        /// Its target.
        to: usize,
    },
    /// A chunk that is not there.
    #[error("chunk {0:?} is not published")]
    NoSuchChunk(ChunkId),
}

impl MemoryError {
    fn system(what: &'static str) -> MemoryError {
        MemoryError::System { what, error: std::io::Error::last_os_error() }
    }
}

/// A published chunk: the offset of its first page.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub struct ChunkId(pub u32);

/// What `publish` made.
#[derive(Clone, Debug)]
pub struct Published {
    /// The chunk.
    pub chunk: ChunkId,
    /// Its pages.
    pub range: Range<usize>,
    /// The addresses of the functions, in the order given.
    pub starts: Vec<usize>,
}

/// Counters for statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryStats {
    /// Chunks that are published.
    pub chunks: usize,
    /// Bytes of their pages.
    pub code_bytes: usize,
    /// Bytes of data handed out.
    pub data_bytes: usize,
}

/// The reserved range.
#[derive(Debug)]
pub struct CodeMemory {
    base: usize,
    bytes: usize,
    page: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Free address space for code below `code_end`: page number to pages; neighbours are merged.
    free_by_start: BTreeMap<u32, u32>,
    /// The same as (pages, page number), for the best fit.
    free_by_size: BTreeSet<(u32, u32)>,
    /// First page that was never used.
    code_end: u32,
    /// Pages of the published chunks.
    chunks: BTreeMap<ChunkId, u32>,
    /// The lowest byte of data that was ever used, relative to the start of the range.
    data_start: usize,
    /// The lowest byte that is accessible data.
    data_open: usize,
    /// Freed blocks by size and alignment.
    free_data: BTreeMap<(usize, usize), Vec<usize>>,
    /// In a checked build: the blocks that are out, with size and alignment.
    out: BTreeMap<usize, (usize, usize)>,
    /// For the placing of small chunks.
    random: u32,
    stats: MemoryStats,
}

/// In a checked build: what the bytes of a block say that was given back.
pub const FREED: u8 = 0xDB;

impl CodeMemory {
    /// Reserves the range: so many bytes, or fewer if the system does not give them.
    pub fn reserve(most: usize) -> Result<CodeMemory, MemoryError> {
        let mut bytes = most.min(RANGE_BYTES).next_multiple_of(DATA_STEP);
        let base = loop {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            // SAFETY: a new anonymous mapping at a place of the system's choice disturbs nothing.
            let base = unsafe { libc::mmap(ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) };
            if base != libc::MAP_FAILED {
                break base as usize;
            }
            if bytes <= LEAST_RANGE {
                return Err(MemoryError::system("reserve addresses for code"));
            }
            bytes = (bytes / 2).next_multiple_of(DATA_STEP);
        };
        // SAFETY: asks for a constant.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096).max(4096);
        super::cache::register();
        let state = State { random: 0x9E37_79B9, data_start: bytes, data_open: bytes, ..State::default() };
        Ok(CodeMemory { base, bytes, page, state: Mutex::new(state) })
    }

    /// The whole range.
    pub fn range(&self) -> Range<usize> {
        self.base..self.base + self.bytes
    }

    /// Counters.
    pub fn stats(&self) -> MemoryStats {
        self.lock().stats
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held leaves at worst some address space unused.
        lock(&self.state)
    }

    // ---- data ----

    /// Zeroed, writable memory for data; `align` is a power of two up to 4096.
    pub fn alloc_data(&self, bytes: usize, align: usize) -> Result<NonNull<u8>, MemoryError> {
        let (size, align) = data_class(bytes, align).ok_or(MemoryError::Exhausted("data"))?;
        let mut state = self.lock();
        let block = match state.free_data.get_mut(&(size, align)).and_then(Vec::pop) {
            Some(block) => {
                // SAFETY: the block is accessible data of `size` bytes, which its owner has given back.
                unsafe { ptr::write_bytes(block as *mut u8, 0, size) };
                block
            }
            None => {
                // Multiples of alignments up to a page are multiples in the range as in the address space.
                let start = state.data_start.checked_sub(size).ok_or(MemoryError::Exhausted("data"))? & !(align - 1);
                if start < state.data_open {
                    let wanted = start & !(DATA_STEP - 1);
                    if wanted < state.code_end as usize * self.page {
                        return Err(MemoryError::Exhausted("data"));
                    }
                    let bytes = state.data_open - wanted;
                    self.protect(self.base + wanted, bytes, libc::PROT_READ | libc::PROT_WRITE)?;
                    state.data_open = wanted;
                }
                state.data_start = start;
                self.base + start
            }
        };
        state.stats.data_bytes += size;
        debug_assert!(state.out.insert(block, (size, align)).is_none(), "the block is out already");
        NonNull::new(block as *mut u8).ok_or(MemoryError::Exhausted("data"))
    }

    /// Gives back what `alloc_data` gave for the same `bytes` and `align`.
    ///
    /// # Safety
    ///
    /// The block came from this `CodeMemory` with the same `bytes` and `align`, and nobody uses it any more: no published code
    /// refers to it.
    pub unsafe fn free_data(&self, block: NonNull<u8>, bytes: usize, align: usize) {
        if let Some(class) = data_class(bytes, align) {
            let mut state = self.lock();
            let address = block.as_ptr() as usize;
            debug_assert!(state.out.remove(&address) == Some(class), "the block is not out, or is another one");
            if cfg!(debug_assertions) {
                // SAFETY: the block is accessible data of this size, which is ours again.
                unsafe { ptr::write_bytes(address as *mut u8, FREED, class.0) };
            }
            state.free_data.entry(class).or_default().push(address);
            state.stats.data_bytes -= class.0;
        }
    }

    /// What was stored to data before this call is seen by every thread that sees anything stored after it, even where code
    /// loads the two independently.
    pub fn order_data(&self) {
        super::cache::order_all_threads();
    }

    // ---- code ----

    /// Gives the functions their places in a chunk of their own, resolves their absolute references and makes them executable.
    /// So many bytes of the chunk stay free behind them. Whoever wants them known calls
    /// [`super::publish::Publisher::publish`].
    pub(in crate::asm) fn publish_with_room(
        &self,
        functions: &[&Assembled],
        room: usize,
    ) -> Result<Published, MemoryError> {
        let mut size = 0usize;
        let offsets: Vec<usize> = functions
            .iter()
            .map(|function| {
                let start = size.next_multiple_of(FUNCTION_ALIGN);
                size = start + function.code.len();
                start
            })
            .collect();
        size += room;
        if size > self.bytes {
            return Err(MemoryError::Exhausted("code"));
        }
        let bytes = size.max(1).next_multiple_of(self.page);
        let (start, first) = {
            let mut state = self.lock();
            let limit = state.data_open / self.page;
            let first = state.take_pages((bytes / self.page) as u32, limit)?;
            // Small chunks would all begin at the same cache sets: spread them where there is room.
            let room = (bytes - size) / 64 + 1;
            (first, state.next_random() as usize % room * 64)
        };
        let pages = (bytes / self.page) as u32;
        let place = self.base + start as usize * self.page;
        match self.fill(place, bytes, first, functions, &offsets) {
            Ok(()) => {
                let mut state = self.lock();
                state.chunks.insert(ChunkId(start), pages);
                state.stats.chunks += 1;
                state.stats.code_bytes += bytes;
                let starts = offsets.iter().map(|offset| place + first + offset).collect();
                Ok(Published { chunk: ChunkId(start), range: place..place + bytes, starts })
            }
            Err(error) => {
                if self.vacate(place, bytes).is_ok() {
                    self.lock().give_pages(start, pages);
                }
                Err(error)
            }
        }
    }

    /// Maps the pages at `place` RW, writes the functions `first` bytes into them, and turns them to RX.
    fn fill(
        &self,
        place: usize,
        bytes: usize,
        first: usize,
        functions: &[&Assembled],
        offsets: &[usize],
    ) -> Result<(), MemoryError> {
        self.protect(place, bytes, libc::PROT_READ | libc::PROT_WRITE)?;
        // SAFETY: the pages were taken from the free ones, so this thread alone knows them, and they are readable and writable
        // now; fresh pages are zero, hence initialised.
        let memory = unsafe { std::slice::from_raw_parts_mut(place as *mut u8, bytes) };
        for (filler, byte) in FILLER.iter().cycle().zip(memory.iter_mut()) {
            *byte = *filler;
        }
        for (function, offset) in functions.iter().zip(offsets) {
            let start = first + offset;
            let code = &mut memory[start..start + function.code.len()];
            code.copy_from_slice(&function.code);
            for fixup in &function.absolute {
                if !super::host::apply_absolute(code, place + start, fixup) {
                    return Err(MemoryError::OutOfReach { from: place + start + fixup.at as usize, to: fixup.target });
                }
            }
        }
        self.protect(place, bytes, libc::PROT_READ | libc::PROT_EXEC)?;
        super::cache::synchronise(place, bytes);
        Ok(())
    }

    /// The pages of all published chunks.
    pub fn chunks(&self) -> Vec<Range<usize>> {
        let place = |(chunk, pages): (&ChunkId, &u32)| {
            let start = self.base + chunk.0 as usize * self.page;
            start..start + *pages as usize * self.page
        };
        self.lock().chunks.iter().map(place).collect()
    }

    /// Frees a chunk: its pages vanish and its addresses will be used again.
    ///
    /// # Safety
    ///
    /// No thread runs in the chunk or will return into it, and no cell refers to it.
    pub unsafe fn free_chunk(&self, chunk: ChunkId) -> Result<(), MemoryError> {
        let pages = self.lock().chunks.remove(&chunk).ok_or(MemoryError::NoSuchChunk(chunk))?;
        let bytes = pages as usize * self.page;
        self.vacate(self.base + chunk.0 as usize * self.page, bytes)?;
        let mut state = self.lock();
        state.give_pages(chunk.0, pages);
        state.stats.chunks -= 1;
        state.stats.code_bytes -= bytes;
        Ok(())
    }

    fn protect(&self, place: usize, bytes: usize, protection: libc::c_int) -> Result<(), MemoryError> {
        debug_assert!(protection & (libc::PROT_WRITE | libc::PROT_EXEC) != libc::PROT_WRITE | libc::PROT_EXEC);
        if refused(Asked::Code) {
            let error = std::io::Error::from_raw_os_error(libc::ENOMEM);
            return Err(MemoryError::System { what: "set the protection of code memory", error });
        }
        // SAFETY: the pages are in our range, and this module gives each page to one user.
        match unsafe { libc::mprotect(place as *mut libc::c_void, bytes, protection) } {
            0 => Ok(()),
            _ => Err(MemoryError::system("set the protection of code memory")),
        }
    }

    /// Replaces the pages by inaccessible ones without memory behind them.
    fn vacate(&self, place: usize, bytes: usize) -> Result<(), MemoryError> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
        // SAFETY: the pages are in our range, and nobody uses them any more.
        let at = unsafe { libc::mmap(place as *mut libc::c_void, bytes, libc::PROT_NONE, flags, -1, 0) };
        if at == libc::MAP_FAILED { Err(MemoryError::system("release code memory")) } else { Ok(()) }
    }
}

impl Drop for CodeMemory {
    fn drop(&mut self) {
        // SAFETY: the range is ours; who drops it has stopped running code in it, as with any memory.
        unsafe { libc::munmap(self.base as *mut libc::c_void, self.bytes) };
    }
}

impl State {
    /// Takes free address space: the smallest piece that is large enough.
    fn take_pages(&mut self, pages: u32, limit: usize) -> Result<u32, MemoryError> {
        if let Some(&(size, start)) = self.free_by_size.range((pages, 0)..).next() {
            self.free_by_size.remove(&(size, start));
            self.free_by_start.remove(&start);
            if size > pages {
                self.free_by_size.insert((size - pages, start + pages));
                self.free_by_start.insert(start + pages, size - pages);
            }
            return Ok(start);
        }
        let start = self.code_end;
        if start as usize + pages as usize > limit {
            return Err(MemoryError::Exhausted("code"));
        }
        self.code_end += pages;
        Ok(start)
    }

    fn give_pages(&mut self, start: u32, pages: u32) {
        let (mut start, mut pages) = (start, pages);
        if let Some((&before, &size)) = self.free_by_start.range(..start).next_back()
            && before + size == start
        {
            self.free_by_start.remove(&before);
            self.free_by_size.remove(&(size, before));
            start = before;
            pages += size;
        }
        if let Some(size) = self.free_by_start.remove(&(start + pages)) {
            self.free_by_size.remove(&(size, start + pages));
            pages += size;
        }
        if start + pages == self.code_end {
            self.code_end = start;
        } else {
            self.free_by_start.insert(start, pages);
            self.free_by_size.insert((pages, start));
        }
    }

    fn next_random(&mut self) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.random
    }
}

/// The size and alignment with which a request is served.
fn data_class(bytes: usize, align: usize) -> Option<(usize, usize)> {
    debug_assert!(align.is_power_of_two() && align <= MAX_DATA_ALIGN);
    let align = align.clamp(8, MAX_DATA_ALIGN);
    let bytes = bytes.max(8);
    if bytes > RANGE_BYTES {
        return None;
    }
    let size = if bytes <= 256 { bytes.next_multiple_of(8) } else { bytes.next_power_of_two() };
    Some((size.next_multiple_of(align), align))
}
