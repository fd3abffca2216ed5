//! `--gdb`: debuggers are told of all code, by the interface that they have for programs that compile in memory.
//!
//! Owns the list of images (`debug_info.rs`), one for each published chunk, and the two symbols that a debugger knows: it stops
//! at the function, reads the list and goes on. What it does then takes time in proportion to the length of the list, which is
//! why this is not always so; frames and values can be seen without (`facts.rs`).

use std::collections::BTreeSet;
use std::ops::Range;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use memmap2::{MmapMut, MmapOptions};
use rustc_hash::FxHashMap;

use super::debug_info::{Text, image, text_image};
use super::debug_lines::OwnLines;
use crate::asm::code_map::Function;
use crate::asm::disasm::Machine;
use crate::asm::publish::Observer;
use crate::locks::{Mutex, lock};
use crate::reader::tree::{Source, Unit};
use crate::runtime::Vm;

/// An image in the list: the interface's `jit_code_entry`.
#[repr(C)]
struct Entry {
    next: *mut Entry,
    previous: *mut Entry,
    image: *const u8,
    size: u64,
}

/// The list: the interface's `jit_descriptor`.
#[repr(C)]
pub struct Descriptor {
    version: u32,
    action: u32,
    relevant: *mut Entry,
    first: *mut Entry,
}

const REGISTER: u32 = 1;
const UNREGISTER: u32 = 2;

/// What debuggers read. Changed under the lock of the one [`Gdb`] alone.
#[unsafe(no_mangle)]
#[used]
#[allow(non_upper_case_globals)]
pub static mut __jit_debug_descriptor: Descriptor =
    Descriptor { version: 1, action: 0, relevant: ptr::null_mut(), first: ptr::null_mut() };

/// Where debuggers stop.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn __jit_debug_register_code() {
    // SAFETY: no instruction; the function must not be taken for one without effects.
    unsafe { std::arch::asm!("", options(nostack, preserves_flags)) }
}

/// An entry with the image that it refers to, both of which stay where they are.
struct Told {
    entry: Box<Entry>,
    _image: Vec<u8>,
}

// SAFETY: the pointers lead to entries of the same list, which is changed under its lock.
unsafe impl Send for Told {}

/// Tells debuggers.
pub struct Gdb {
    vm: &'static Vm,
    folder: String,
    told: Mutex<AllTold>,
}

#[derive(Default)]
struct AllTold {
    /// By the start of the chunk.
    chunks: FxHashMap<usize, Told>,
    /// The texts of files, by their addresses.
    texts: FxHashMap<*const Source, KnownText>,
}

/// A text, which keeps its address, and the addresses that stand for its lines.
struct KnownText {
    lines: Arc<OwnLines>,
    _source: Arc<Source>,
    _addresses: MmapMut,
    _told: Told,
}

// SAFETY: the keys are compared and not followed.
unsafe impl Send for AllTold {}

impl Gdb {
    /// For a machine; there is one in a process.
    pub fn new(vm: &'static Vm) -> Gdb {
        static MADE: AtomicBool = AtomicBool::new(false);
        assert!(!MADE.swap(true, Ordering::Relaxed), "debuggers are told by one");
        let folder = std::env::current_dir().map_or("/".into(), |folder| folder.to_string_lossy().into_owned());
        Gdb { vm, folder, told: Mutex::default() }
    }
}

/// Adds an image to the list.
///
/// # Safety
/// The lock of the one [`Gdb`] is held, and what comes back stays until it is taken off the list.
unsafe fn tell(image: Vec<u8>) -> Told {
    let (address, size) = (image.as_ptr(), image.len() as u64);
    let mut entry = Box::new(Entry { next: ptr::null_mut(), previous: ptr::null_mut(), image: address, size });
    let this: *mut Entry = &mut *entry;
    // SAFETY: the caller's: nobody else changes the list, and all its entries are there.
    unsafe {
        let list = &raw mut __jit_debug_descriptor;
        let first = (*list).first;
        (*this).next = first;
        if !first.is_null() {
            (*first).previous = this;
        }
        (*list).first = this;
        (*list).relevant = this;
        (*list).action = REGISTER;
    }
    __jit_debug_register_code();
    Told { entry, _image: image }
}

impl Gdb {
    /// Tells of a text, when it is that of a file and not yet known: of all lines on which something stands.
    fn tell_text(&self, told: &mut AllTold, unit: &Unit) {
        let source = &unit.source;
        if !source.has_file() || told.texts.contains_key(&Arc::as_ptr(source)) {
            return;
        }
        let own_lines = Arc::new(OwnLines::of(unit));
        let lines: BTreeSet<u32> = unit.spans.iter().map(|span| source.line_column(span.start).0).collect();
        let lines: Vec<u32> = lines.into_iter().collect();
        let Ok(addresses) = MmapOptions::new().len(lines.len() + 1).map_anon() else { return };
        let start = addresses.as_ptr() as usize;
        let range = start..start + lines.len() + 1;
        if let Ok(image) = text_image(Machine::HOST, &range, unit, &lines, &self.folder) {
            // SAFETY: the lock is held, since the table is at hand, which keeps what is told.
            let now = unsafe { tell(image) };
            let text = KnownText { lines: own_lines, _source: source.clone(), _addresses: addresses, _told: now };
            told.texts.insert(Arc::as_ptr(source), text);
        }
    }
}

impl Observer for Gdb {
    fn published(&self, chunk: &Range<usize>, functions: &[Function]) {
        let mut told = lock(&self.told);
        if let Some((unit, _)) = functions.iter().find_map(|function| self.vm.sources.get(function.source)) {
            self.tell_text(&mut told, &unit.unit);
        }
        let texts = |function: &Function| {
            let (at, size) = (function.start, function.size as usize);
            let (linked, function) = self.vm.sources.get(function.source)?;
            let unit = linked.unit.clone();
            let lines = told.texts.get(&Arc::as_ptr(&unit.source)).map(|text| text.lines.clone());
            // SAFETY: what is being published is at its place, and can be read.
            let code = unsafe { std::slice::from_raw_parts(at as *const u8, size) }.to_vec();
            Some(Text { unit, namespace: linked.namespace.name, function, lines, code })
        };
        // What cannot be described is not told: the program runs all the same.
        let Ok(image) = image(Machine::HOST, chunk, functions, &self.folder, &texts) else { return };
        // SAFETY: the lock is held, and the table keeps what is told.
        let now = unsafe { tell(image) };
        told.chunks.insert(chunk.start, now);
    }

    fn freed(&self, chunk: &Range<usize>, _functions: &[Function]) {
        let mut told = lock(&self.told);
        let Some(mut gone) = told.chunks.remove(&chunk.start) else { return };
        let this: *mut Entry = &mut *gone.entry;
        // SAFETY: as above; this entry is there until the debugger has seen that it goes.
        unsafe {
            let list = &raw mut __jit_debug_descriptor;
            let (next, previous) = ((*this).next, (*this).previous);
            if !next.is_null() {
                (*next).previous = previous;
            }
            if previous.is_null() {
                (*list).first = next;
            } else {
                (*previous).next = next;
            }
            (*list).relevant = this;
            (*list).action = UNREGISTER;
        }
        __jit_debug_register_code();
        drop(gone);
    }
}
