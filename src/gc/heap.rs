//! The heap: what all threads share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use super::layout::LayoutId;
use super::options::Options;
use super::shapes::Shapes;
use super::slow::Poll;
use super::thread::{Thread, Thrown};

/// What the layer above must supply.
pub struct Hooks {
    /// Throws the error of a heap that is full. There is a reserve that suffices to build it.
    pub out_of_memory: fn(&mut Thread) -> Thrown,
}

impl Default for Hooks {
    fn default() -> Hooks {
        Hooks { out_of_memory: |_| Thrown::pending() }
    }
}

/// The heap.
pub struct Heap {
    options: Options,
    shapes: Shapes,
    hooks: OnceLock<Hooks>,
    blocks: Mutex<Vec<memmap2::MmapMut>>,
    threads: AtomicU64,
}

const BLOCK: usize = 1 << 20;

impl Heap {
    /// An empty heap.
    pub fn new(options: Options) -> std::io::Result<Arc<Heap>> {
        Ok(Arc::new(Heap {
            options,
            shapes: Shapes::new()?,
            hooks: OnceLock::new(),
            blocks: Mutex::new(Vec::new()),
            threads: AtomicU64::new(0),
        }))
    }

    /// Installs the hooks; false when there are some already.
    pub fn set_hooks(&self, hooks: Hooks) -> bool {
        self.hooks.set(hooks).is_ok()
    }

    pub(super) fn hooks(&self) -> &Hooks {
        self.hooks.get_or_init(Hooks::default)
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The shapes of all layouts.
    #[inline]
    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    /// A new layout of this many tagged slots; none when there are too many layouts or slots.
    pub fn register_layout(&self, slots: u32) -> Option<LayoutId> {
        self.shapes.register(slots)
    }

    /// Makes the calling OS thread one of this heap's.
    pub fn attach(self: &Arc<Heap>) -> Box<Thread> {
        let id = self.threads.fetch_add(1, Ordering::Relaxed) + 1;
        Thread::new(self.clone(), id, current_stack())
    }

    fn map(&self, bytes: usize) -> Option<usize> {
        let block = memmap2::MmapMut::map_anon(bytes).ok()?;
        let address = block.as_ptr() as usize;
        self.blocks.lock().unwrap_or_else(|e| e.into_inner()).push(block);
        Some(address)
    }
}

/// The bounds of the calling thread's stack.
fn current_stack() -> (usize, usize) {
    // SAFETY: `attr` is initialised by `pthread_getattr_np` and destroyed once.
    unsafe {
        let mut attr = std::mem::zeroed::<libc::pthread_attr_t>();
        let (mut low, mut size) = (std::ptr::null_mut(), 0);
        if libc::pthread_getattr_np(libc::pthread_self(), &mut attr) == 0 {
            libc::pthread_attr_getstack(&attr, &mut low, &mut size);
            libc::pthread_attr_destroy(&mut attr);
        }
        (low as usize, low as usize + size)
    }
}

impl Thread {
    /// Room of `bytes` bytes when the allocation buffer is used up.
    #[cold]
    pub(super) fn take_room_slow(&mut self, bytes: usize) -> Result<usize, Thrown> {
        if bytes > 1 << 40 {
            return Err(self.out_of_memory());
        }
        Ok(self.take_room_without_collection(bytes))
    }

    pub(super) fn take_room_without_collection(&self, bytes: usize) -> usize {
        let cursor = self.tlab_cursor.get();
        if bytes <= self.tlab_limit.get().saturating_sub(cursor) {
            self.tlab_cursor.set(cursor + bytes);
            return cursor;
        }
        let size = (bytes + 8).max(BLOCK);
        let address = self.heap().map(size).expect("memory");
        self.tlab_cursor.set(address + bytes);
        self.tlab_limit.set(address + size - 8);
        address
    }

    /// A safepoint in Rust code.
    pub fn poll(&mut self) -> Poll {
        Poll::Continue
    }

    pub(super) fn poll_from(&mut self, _frame: usize) -> Poll {
        Poll::Continue
    }
}
