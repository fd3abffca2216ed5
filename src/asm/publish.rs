//! To publish is to register: the one way by which code comes into being and goes.
//!
//! Owns the order of events. Code gets its place in code memory, is told to whoever observes (writers of files for profilers,
//! debuggers), is registered in the code map with the names of its parts, and only then does its address become known to whoever
//! asked for it. What is freed is told before its addresses can be used again. Without observers nothing is told, and costs
//! nothing.

use super::code_map::{CodeMap, Function, Kind};
use super::masm::{Assembled, FrameChange};
use super::memory::{ChunkId, CodeMemory, MemoryError, Published};
use crate::locks::{RwLock, read, write};
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Who is told of code. It is called by the thread that publishes or frees, which may hold locks of the runtime, and must
/// neither publish nor free.
pub trait Observer: Send + Sync {
    /// These functions, ascending, are at their places and can be read; nobody can call them yet.
    fn published(&self, chunk: &Range<usize>, functions: &[Function]);
    /// Nobody runs in these functions any more; they can still be read. Their addresses will be used again.
    fn freed(&self, chunk: &Range<usize>, functions: &[Function]);
    /// So many bytes behind the last function of a chunk shall be the chunk's, too.
    fn room(&self) -> usize {
        0
    }
}

/// A piece of code that is to be published, with what is known of its parts.
pub struct Piece<'a> {
    code: &'a Assembled,
    /// Their starts are relative to the piece; together they are all of it.
    functions: Vec<Function>,
}

impl<'a> Piece<'a> {
    /// A function; its start and size are those of the code.
    pub fn function(code: &'a Assembled, function: Function) -> Piece<'a> {
        Piece::parts(code, vec![function])
    }

    /// Code that is no function of a program: a stub.
    pub fn stub(code: &'a Assembled, kind: Kind, name: impl Into<Cow<'static, str>>) -> Piece<'a> {
        Piece::function(code, Function { name: name.into(), kind, saved: code.saved, ..Function::default() })
    }

    /// Several functions in one piece, by the offsets at which they start (the first at 0); each ends where the next starts.
    pub fn parts(code: &'a Assembled, mut functions: Vec<Function>) -> Piece<'a> {
        debug_assert_eq!(functions.first().map(|f| f.start), Some(0));
        let mut end = code.code.len();
        for function in functions.iter_mut().rev() {
            let start = function.start as u32;
            function.size = end as u32 - start;
            if code.onward.start >= start && code.onward.end <= end as u32 {
                function.onward = code.onward.start - start..code.onward.end - start;
            }
            let before = code.frames.iter().rfind(|change| change.at() < start).map(|change| (0, change.frame()));
            let inside = code.frames.iter().filter(|change| (start..end as u32).contains(&change.at()));
            let inside = inside.map(|change| (change.at() - start, change.frame()));
            function.frames = before.into_iter().chain(inside).map(|(at, frame)| FrameChange::new(at, frame)).collect();
            end = function.start;
        }
        Piece { code, functions }
    }
}

/// Publishes and frees code.
pub struct Publisher {
    memory: Arc<CodeMemory>,
    map: Arc<CodeMap>,
    observers: RwLock<Vec<Box<dyn Observer>>>,
    /// The largest [`Observer::room`].
    room: AtomicUsize,
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("memory", &self.memory).finish_non_exhaustive()
    }
}

impl Publisher {
    /// A publisher into code memory with an empty code map.
    pub fn new(memory: CodeMemory) -> Publisher {
        let map = Arc::new(CodeMap::new(&memory));
        Publisher { memory: Arc::new(memory), map, observers: RwLock::default(), room: AtomicUsize::new(0) }
    }

    /// Where the code goes.
    pub fn memory(&self) -> &Arc<CodeMemory> {
        &self.memory
    }

    /// What is known of it.
    pub fn map(&self) -> &Arc<CodeMap> {
        &self.map
    }

    /// Publishes the pieces in a chunk of their own.
    pub fn publish(&self, pieces: Vec<Piece<'_>>) -> Result<Published, MemoryError> {
        let codes: Vec<&Assembled> = pieces.iter().map(|piece| piece.code).collect();
        let published = self.memory.publish_with_room(&codes, self.room.load(Ordering::Relaxed))?;
        let placed = pieces.into_iter().zip(&published.starts);
        let functions: Vec<Function> = placed
            .flat_map(|(piece, &start)| {
                piece.functions.into_iter().map(move |f| Function { start: start + f.start, ..f })
            })
            .collect();
        // Held until all have been told and the map knows: who begins to observe meanwhile learns of this chunk from the map.
        let observers = read(&self.observers);
        observers.iter().for_each(|observer| observer.published(&published.range, &functions));
        self.map.register(&published, functions);
        Ok(published)
    }

    /// Publishes one piece alone, and gives its address.
    pub fn publish_one(&self, piece: Piece<'_>) -> Result<usize, MemoryError> {
        Ok(self.publish(vec![piece])?.starts[0])
    }

    /// Frees a chunk.
    ///
    /// # Safety
    ///
    /// As for [`CodeMemory::free_chunk`].
    pub unsafe fn free(&self, chunk: ChunkId, range: &Range<usize>) -> Result<(), MemoryError> {
        {
            let observers = read(&self.observers);
            let functions = self.map.unregister(range);
            observers.iter().for_each(|observer| observer.freed(range, &functions));
        }
        // SAFETY: the caller's.
        unsafe { self.memory.free_chunk(chunk) }
    }

    /// From now on tells this observer of all code, first of what is there already.
    pub fn observe(&self, observer: Box<dyn Observer>) {
        let mut observers = write(&self.observers);
        self.map.view().chunks().for_each(|(range, functions)| observer.published(range, functions));
        self.room.fetch_max(observer.room(), Ordering::Relaxed);
        observers.push(observer);
    }
}
