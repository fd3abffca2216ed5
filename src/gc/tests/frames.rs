//! The walk over hand-made frames.

use super::*;
use crate::asm::code_map::{CodeMap, Function, SafepointInfo, Safepoints, SlotSets, saved_offset, slot_offset};
use crate::asm::host::stubs::{ENTER_PREVIOUS_EXIT, ENTER_SP};
use crate::asm::lines::{Lines, Row};
use crate::asm::memory::{ChunkId, CodeMemory, Published};
use crate::gc::trace::walker::{Code, find_handler};
use std::ops::ControlFlow;

/// A piece of memory that plays the stack; grows downwards.
struct Stack {
    memory: Box<[u64]>,
    top: usize,
}

impl Stack {
    fn new() -> Stack {
        Stack { memory: vec![0x99; 4096].into_boxed_slice(), top: 4096 }
    }

    /// A frame that returns to `return_address`, whose caller's frame pointer is `fp`, with so many words below.
    fn frame(&mut self, return_address: usize, fp: usize, words: usize) -> usize {
        self.top -= 2;
        self.memory[self.top + 1] = return_address as u64;
        self.memory[self.top] = fp as u64;
        let fp = &raw const self.memory[self.top] as usize;
        self.top -= words;
        fp
    }

    fn at(&mut self, fp: usize, offset: i32) -> &mut u64 {
        let index = (fp.wrapping_add_signed(offset as isize) - self.memory.as_ptr() as usize) / 8;
        &mut self.memory[index]
    }

    fn enter(&mut self, previous_exit: usize) -> usize {
        let fp = self.frame(0xDEAD_0001, 0xDEAD_0000, 6);
        *self.at(fp, ENTER_PREVIOUS_EXIT) = previous_exit as u64;
        fp
    }

    /// An exit frame with what the four registers hold.
    fn exit(&mut self, return_address: usize, fp: usize, registers: [u64; 4]) -> usize {
        let fp = self.frame(return_address, fp, 4);
        for (i, register) in registers.into_iter().enumerate() {
            *self.at(fp, -8 * (i as i32 + 1)) = register;
        }
        fp
    }
}

struct Setup {
    heap: Arc<Heap>,
    code: Code,
    base: usize,
}

/// Functions `f` (saves registers 0 and 2), `g` (saves 1), `h` (saves none), `k` (saves all), with safepoints at 0x20 and
/// 0x40.
fn setup(options: Options) -> Setup {
    let memory = CodeMemory::reserve(crate::asm::memory::RANGE_BYTES).unwrap();
    let map = Arc::new(CodeMap::new(&memory));
    let base = memory.range().start;
    let published = Published { chunk: ChunkId(0), range: base..base + 0x1000, starts: vec![] };
    let short = |slots: &[u32]| SlotSets::default().pack(&slots.iter().copied().collect());
    let function = |index: usize, name: &str, saved: u8, live: u8, slots: &[u32], handler: Option<u32>| Function {
        name: name.to_string().into(),
        source: index as u32,
        start: base + index * 0x100,
        size: 0x100,
        saved,
        frame_bytes: 96,
        safepoints: Safepoints::new(
            vec![
                SafepointInfo { return_offset: 0x20, live_saved: live, slots: short(slots), handler, tail: false },
                SafepointInfo { return_offset: 0x40, tail: true, ..SafepointInfo::default() },
            ],
            SlotSets::default(),
        ),
        lines: Lines::new(
            &[(0, 100 * index as u32), (0x30, 100 * index as u32 + 5)].map(|(code, source)| Row {
                code,
                source,
                length: 0,
                inlined: 0,
            }),
            &[],
        ),
        ..Function::default()
    };
    let functions = vec![
        function(0, "f", 0b0101, 0b0101, &[0, 3], Some(0x80)),
        function(1, "g", 0b0010, 0b0010, &[1], None),
        function(2, "h", 0, 0, &[], None),
        function(3, "k", 0b1111, 0b1000, &[0, 1], Some(0x90)),
    ];
    map.register(&published, functions);
    let heap = Heap::new(options).unwrap();
    let code = Code { map, entry_return: 0x7777, propagate: 0x8888 };
    assert!(heap.set_code(code.clone()));
    Setup { heap, code, base }
}

impl Setup {
    fn return_address(&self, function: usize, offset: usize) -> usize {
        self.base + function * 0x100 + offset
    }
}

#[test]
fn registers_are_found_where_they_were_saved() {
    for verify in [false, true] {
        let setup = setup(options(Stress::Off, verify));
        let thread = &mut *setup.heap.attach();
        let word = |thread: &mut Thread, text: &str| {
            let handle = thread.alloc_string(text).unwrap();
            thread.get(handle).word().0
        };
        let mark = thread.mark();
        let [r0, r2, s0, s3, g1, gs1] = ["f.r0", "f.r2", "f.s0", "f.s3", "g.r1", "g.s1"].map(|t| word(thread, t));
        let stale = word(thread, "dead");
        thread.release(mark);

        // enter -> f -> g -> h -> exit. f keeps values in registers 0 and 2, g in 1; h saves nothing; so all three are still
        // in registers when Rust is called, and the exit frame has them.
        let mut stack = Stack::new();
        let enter = stack.enter(0);
        let f = stack.frame(setup.code.entry_return, enter, 12);
        *stack.at(f, slot_offset(0b0101, 0)) = s0;
        *stack.at(f, slot_offset(0b0101, 3)) = s3;
        *stack.at(f, slot_offset(0b0101, 1)) = stale;
        *stack.at(f, slot_offset(0b0101, 2)) = 0x4141_4141_4141;
        *stack.at(f, saved_offset(0b0101, 0).unwrap()) = 0xAAAA;
        *stack.at(f, saved_offset(0b0101, 2).unwrap()) = 0xBBBB;
        let g = stack.frame(setup.return_address(0, 0x20), f, 12);
        *stack.at(g, slot_offset(0b0010, 1)) = gs1;
        *stack.at(g, saved_offset(0b0010, 1).unwrap()) = 0xCCCC;
        let h = stack.frame(setup.return_address(1, 0x20), g, 12);
        let exit = stack.exit(setup.return_address(2, 0x20), h, [r0, g1, r2, 0xDDDD]);
        thread.stack.exit_frame.set(exit);
        thread.collect();
        let text = |stack: &mut Stack, fp, offset| {
            // SAFETY: nothing was allocated since the collection.
            let value = unsafe { Value::from_raw(thread, Word(*stack.at(fp, offset))) };
            value.str().unwrap().to_owned()
        };
        assert_eq!(text(&mut stack, exit, -8), "f.r0");
        assert_eq!(text(&mut stack, exit, -16), "g.r1");
        assert_eq!(text(&mut stack, exit, -24), "f.r2");
        assert_eq!(*stack.at(exit, -32), 0xDDDD);
        assert_eq!(text(&mut stack, f, slot_offset(0b0101, 0)), "f.s0");
        assert_eq!(text(&mut stack, f, slot_offset(0b0101, 3)), "f.s3");
        assert_eq!(text(&mut stack, g, slot_offset(0b0010, 1)), "g.s1");
        assert_ne!(*stack.at(f, slot_offset(0b0101, 0)), s0);
        // Rust's own registers and raw numbers are left alone; what the map has forgotten is poisoned.
        assert_eq!(*stack.at(f, saved_offset(0b0101, 0).unwrap()), 0xAAAA);
        assert_eq!(*stack.at(f, saved_offset(0b0101, 2).unwrap()), 0xBBBB);
        assert_eq!(*stack.at(g, saved_offset(0b0010, 1).unwrap()), 0xCCCC);
        assert_eq!(*stack.at(f, slot_offset(0b0101, 2)), 0x4141_4141_4141);
        let forgotten = *stack.at(f, slot_offset(0b0101, 1));
        assert_eq!(forgotten, if verify { Word::POISON.0 } else { stale });
        thread.stack.exit_frame.set(0);
    }
}

#[test]
fn a_register_several_frames_up_is_found_in_a_saved_slot() {
    let setup = setup(options(Stress::Off, true));
    let thread = &mut *setup.heap.attach();
    let mark = thread.mark();
    let outer = thread.alloc_string("outer.r0").unwrap();
    let outer = thread.get(outer).word().0;
    let inner = thread.alloc_string("k.r3").unwrap();
    let inner = thread.get(inner).word().0;
    thread.release(mark);
    // f keeps a value in register 0; g and h leave it alone; k saves all registers.
    let mut stack = Stack::new();
    let enter = stack.enter(0);
    let f = stack.frame(setup.code.entry_return, enter, 12);
    for slot in [0, 3] {
        *stack.at(f, slot_offset(0b0101, slot)) = Word::NULL.0;
    }
    let g = stack.frame(setup.return_address(0, 0x20), f, 12);
    *stack.at(g, slot_offset(0b0010, 1)) = Word::NULL.0;
    let h = stack.frame(setup.return_address(1, 0x20), g, 12);
    let k = stack.frame(setup.return_address(2, 0x20), h, 12);
    for (i, saved) in [outer, Word::TRUE.0, Word::FALSE.0, 0x1111].into_iter().enumerate() {
        *stack.at(k, saved_offset(0b1111, i).unwrap()) = saved;
    }
    for slot in [0, 1] {
        *stack.at(k, slot_offset(0b1111, slot)) = outer;
    }
    let exit = stack.exit(setup.return_address(3, 0x20), k, [7, 7, 7, inner]);
    thread.stack.exit_frame.set(exit);
    thread.collect();
    let moved = *stack.at(k, saved_offset(0b1111, 0).unwrap());
    assert_ne!(moved, outer);
    assert_eq!(*stack.at(k, slot_offset(0b1111, 1)), moved);
    assert_eq!(*stack.at(k, saved_offset(0b1111, 3).unwrap()), 0x1111);
    // SAFETY: nothing was allocated since the collection.
    let value = |word| unsafe { Value::from_raw(thread, Word(word)) };
    assert_eq!(value(moved).str(), Some("outer.r0"));
    assert_eq!(value(*stack.at(exit, -32)).str(), Some("k.r3"));
    assert_eq!([-8, -16, -24].map(|at| *stack.at(exit, at)), [7, 7, 7]);
    thread.stack.exit_frame.set(0);
}

#[test]
fn nested_entries_continue_at_the_previous_exit() {
    let setup = setup(options(Stress::Off, true));
    let thread = &mut *setup.heap.attach();
    let mark = thread.mark();
    let value = thread.alloc_string("outside").unwrap();
    let value = thread.get(value).word().0;
    thread.release(mark);
    let mut stack = Stack::new();
    let enter = stack.enter(0);
    let f = stack.frame(setup.code.entry_return, enter, 12);
    for slot in [0, 3] {
        *stack.at(f, slot_offset(0b0101, slot)) = value;
    }
    let first_exit = stack.exit(setup.return_address(0, 0x20), f, [value, 1, value, 2]);
    let enter = stack.enter(first_exit);
    let h = stack.frame(setup.code.entry_return, enter, 12);
    let second_exit = stack.exit(setup.return_address(2, 0x20), h, [11, 12, 13, 14]);
    thread.stack.exit_frame.set(second_exit);
    let mut names = Vec::new();
    thread.frames(&mut |frame| {
        names.push((frame.function.name.clone(), frame.source_offset()));
        ControlFlow::Continue(())
    });
    assert_eq!(names, [("h".into(), Some(200)), ("f".into(), Some(0))]);
    thread.collect();
    assert_ne!(*stack.at(first_exit, -8), value);
    let moved = *stack.at(first_exit, -8);
    assert_eq!(*stack.at(first_exit, -24), moved);
    assert_eq!(*stack.at(f, slot_offset(0b0101, 3)), moved);
    assert_eq!([-8, -16, -24, -32].map(|at| *stack.at(second_exit, at)), [11, 12, 13, 14]);
    thread.stack.exit_frame.set(0);
}

#[test]
fn exceptions_find_their_handler() {
    let setup = setup(options(Stress::Off, false));
    let view = setup.code.map.view();
    // enter -> f (handler) -> g -> h -> exit
    let mut stack = Stack::new();
    let enter = stack.enter(0);
    let f = stack.frame(setup.code.entry_return, enter, 12);
    let g = stack.frame(setup.return_address(0, 0x20), f, 12);
    *stack.at(g, saved_offset(0b0010, 1).unwrap()) = 1001;
    let h = stack.frame(setup.return_address(1, 0x20), g, 12);
    let exit = stack.exit(setup.return_address(2, 0x20), h, [1000, 5, 1002, 1003]);
    // SAFETY: our own frames.
    let landing = unsafe { find_handler(&view, &setup.code, exit, true) }.unwrap();
    assert_eq!((landing.pc, landing.fp, landing.sp), (setup.return_address(0, 0x80), f, f - 96));
    assert_eq!(landing.saved, [1000, 1001, 1002, 1003]);

    // The same safepoint without a handler: out through the enter frame.
    let mut stack = Stack::new();
    let outer = stack.enter(0);
    let k = stack.frame(setup.code.entry_return, outer, 12);
    let first_exit = stack.exit(setup.return_address(3, 0x20), k, [0; 4]);
    let enter = stack.enter(first_exit);
    let f = stack.frame(setup.code.entry_return, enter, 12);
    let exit = stack.exit(setup.return_address(0, 0x40), f, [0; 4]);
    // SAFETY: our own frames.
    let landing = unsafe { find_handler(&view, &setup.code, exit, true) }.unwrap();
    assert_eq!((landing.pc, landing.fp), (0x8888, enter));
    assert_eq!(landing.sp, enter.wrapping_add_signed(ENTER_SP as isize));
    // SAFETY: no frames.
    assert!(unsafe { find_handler(&view, &setup.code, 0, true) }.is_none());
}

#[test]
fn spilled_arguments_are_roots() {
    let heap = Heap::new(options(Stress::Off, true)).unwrap();
    let thread = &mut *heap.attach();
    let mark = thread.mark();
    let text = thread.alloc_string("argument").unwrap();
    for i in 0..3 {
        thread.set_spilled_arg(i, thread.get(text));
    }
    let word = thread.get(text).word();
    thread.call.closure_spill.set(word);
    thread.call.spilled.set(3);
    thread.release(mark);
    thread.collect();
    assert_eq!(thread.spilled_arg(0).str(), Some("argument"));
    assert_eq!(thread.spilled_arg(0), thread.spilled_arg(1));
    assert_eq!(thread.call.closure_spill.get(), thread.spilled_arg(1).word());
    // What lies beyond is no root, and no value any more.
    // SAFETY: a word of the area, which is this thread's.
    assert_eq!(unsafe { *(thread.call.arg_spill.get() as *const u64).add(2) }, word.0);
    thread.call.spilled.set(0);
}

#[test]
fn hooks_hear_of_reachable_code() {
    use std::sync::Mutex;
    let setup = setup(options(Stress::Off, false));
    let seen: Arc<Mutex<Vec<usize>>> = Arc::default();
    let hooks = Hooks {
        visit_code: Some(Box::new({
            let seen = seen.clone();
            move |code| seen.lock().unwrap().push(code)
        })),
        visit_frame: Some(Box::new({
            let seen = seen.clone();
            move |code| seen.lock().unwrap().push(code)
        })),
        ..Hooks::default()
    };
    assert!(setup.heap.set_hooks(hooks));
    let thread = &mut *setup.heap.attach();
    let mark = thread.mark();
    let _ = thread.alloc_closure(0x111, &[]).unwrap();
    thread.release(mark);
    let _kept = thread.alloc_closure(0x222, &[]).unwrap();
    let mut stack = Stack::new();
    let enter = stack.enter(0);
    let h = stack.frame(setup.code.entry_return, enter, 12);
    let exit = stack.exit(setup.return_address(2, 0x20), h, [0; 4]);
    thread.stack.exit_frame.set(exit);
    thread.collect();
    thread.stack.exit_frame.set(0);
    assert_eq!(*seen.lock().unwrap(), [setup.return_address(2, 0x20), 0x222]);
}

#[test]
fn spilled_arguments_are_put_aside_and_back() {
    for heap in heaps() {
        let thread = &mut *heap.attach();
        let mark = thread.mark();
        let closure = thread.alloc_closure(0x1000, &[]).unwrap();
        let text = thread.alloc_string("argument").unwrap();
        thread.set_closure_spill(thread.get(closure));
        thread.set_spilled_arg(0, thread.get(text));
        thread.set_spilled_arg(1, thread.get(closure));
        thread.set_arg_count(2);
        // SAFETY: closure and two arguments are values.
        unsafe { thread.set_spilled(3) };
        thread.release(mark);
        let spill = thread.save_spill();
        thread.set_arg_count(7);
        let null = thread.root_word(Word::NULL);
        thread.set_spilled_arg(0, thread.get(null));
        thread.collect();
        thread.restore_spill(spill);
        assert_eq!(thread.arg_count(), 2);
        assert_eq!(thread.closure_spill().code(), Some(0x1000));
        assert_eq!(thread.spilled_arg(0).str(), Some("argument"));
        assert_eq!(thread.spilled_arg(1), thread.closure_spill());
        thread.collect();
        assert_eq!(thread.spilled_arg(0).str(), Some("argument"));
    }
}
