//! What a reader of our memory has to know: where the code map, the names of types and keywords, and their fields lie.
//!
//! Owns the list of facts, each a name and a number, that a debugger finds by the symbol `harrier_facts` in a process or in its
//! core file, without calling into it. The modules that own the structures say where their fields are; `tools/gdb/harrier.py`
//! reads them. What a list, a text or an `Arc` looks like in memory is measured, since the compiler promises nothing.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::gc::mutator::thread as context;
use crate::object::layout;
use crate::runtime::Vm;
use crate::runtime::observe::Notes;

/// A name and a number.
#[repr(C)]
pub struct Fact {
    name: *const u8,
    length: usize,
    value: usize,
}

/// The facts of this process, up to one without a name; null until there is a machine.
#[unsafe(no_mangle)]
#[used]
#[allow(non_upper_case_globals)]
pub static harrier_facts: AtomicPtr<Fact> = AtomicPtr::new(std::ptr::null_mut());

/// Grows with each change that a reader has to know of.
const VERSION: usize = 6;

/// Says all that there is to say of a machine.
pub fn export(vm: &'static Vm) {
    let mut facts: Vec<Fact> = Vec::with_capacity(128);
    let mut note = |name: &'static str, value| facts.push(Fact { name: name.as_ptr(), length: name.len(), value });
    note("version", VERSION);
    shapes(&mut note);
    for &(id, name, _) in layout::FIXED {
        note(name, id as usize);
    }
    note("first_user_layout", layout::FIRST_USER_LAYOUT as usize);
    note("enter.return", vm.stubs.entry_return);
    note("enter.previous_exit", crate::asm::host::stubs::ENTER_PREVIOUS_EXIT as usize);
    note("thread.exit_frame", context::OFFSET_EXIT_FRAME as usize);
    vm.code_map.facts(&mut note);
    vm.sources.facts(&mut note);
    vm.types.facts(&mut note);
    vm.keywords.facts(&mut note);
    vm.namespaces.facts(&mut note);
    crate::runtime::Code::facts(&mut note);
    facts.push(Fact { name: std::ptr::null(), length: 0, value: 0 });
    harrier_facts.store(facts.leak().as_mut_ptr(), Ordering::Release);
}

/// How the standard library's types look.
fn shapes(note: Notes<'_>) {
    let mut list: Vec<u8> = Vec::with_capacity(7);
    list.push(0);
    // SAFETY: a vector is three words, without padding; it is only looked at.
    let words = unsafe { (&raw const list).cast::<[usize; 3]>().read() };
    let place = |word: usize| words.iter().position(|w| *w == word).unwrap_or(usize::MAX).wrapping_mul(8);
    note("vec.pointer", place(list.as_ptr() as usize));
    note("vec.length", place(1));
    let text = "harrier";
    // SAFETY: a reference to a text is two words.
    let words = unsafe { (&raw const text).cast::<[usize; 2]>().read() };
    note("str.pointer", 8 * usize::from(words[0] != text.as_ptr() as usize));
    note("str.length", 8 * usize::from(words[0] != text.len()));
    let name = Cow::Borrowed(text);
    // SAFETY: as of a vector.
    let words = unsafe { (&raw const name).cast::<[usize; 3]>().read() };
    let place = |word: usize| words.iter().position(|w| *w == word).unwrap_or(usize::MAX).wrapping_mul(8);
    note("cow.pointer", place(text.as_ptr() as usize));
    note("cow.length", place(text.len()));
    let shared = Arc::new(0u64);
    // SAFETY: an Arc is one word.
    let word = unsafe { (&raw const shared).cast::<usize>().read() };
    note("arc.data", Arc::as_ptr(&shared) as usize - word);
}

const _: () = assert!(size_of::<Vec<u8>>() == 24 && size_of::<&str>() == 16 && size_of::<Arc<u64>>() == 8);
const _: () = assert!(size_of::<Cow<'static, str>>() == 24 && size_of::<Box<str>>() == 16);
