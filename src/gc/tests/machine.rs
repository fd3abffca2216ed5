//! Real machine code that allocates, polls, and keeps values in callee-saved registers across deep recursion.

use super::*;
use crate::asm::Host;
use crate::asm::code_map::{Function, Kind, SafepointInfo, Safepoints, SlotSets};
use crate::asm::host::stubs;
use crate::asm::masm::{Alu, Cond, MacroAssembler, Mem};
use crate::asm::memory::CodeMemory;
use crate::asm::publish::{Piece, Publisher};
use crate::gc::mutator::slow;
use crate::gc::mutator::thread::*;
use crate::gc::trace::walker::Code;
use crate::object::layout::*;

type Enter = extern "C" fn(*mut Thread, usize, u64, *const [u64; 5]) -> u64;

extern "C" fn poll(thread: *mut Thread) -> u64 {
    // SAFETY: called through an exit stub.
    match unsafe { slow::safepoint(thread) } {
        Poll::Continue => 0,
        poll => {
            // SAFETY: the calling thread's context.
            let thread = unsafe { &*thread };
            let _thrown = Thrown::set(thread, thread.root_word(Word::keyword(poll as u32)));
            Word::THROWN.0
        }
    }
}

/// `build(n, x) = n == 0 ? null : node(x, build(n - 1, x))`, with `n` and `x` in callee-saved registers and the inner result
/// in a frame slot. With a handler, an exception in the inner call becomes the result.
fn build(pair: LayoutId, poll: usize, allocate: usize, catch: bool) -> (Host, Safepoints) {
    let mut masm = Host::new();
    let [n, x, ..] = Host::CALLEE_SAVED;
    let [a0, a1, a2, ..] = Host::ARGS;
    let result = Host::RESULT;
    let saved_count = 2;
    let slot = Mem::at(Host::FP, -8 * (saved_count + 1));
    let [start, polled, polling, done, leave, slow, room] = std::array::from_fn(|_| masm.label());
    let mut safepoints = Vec::new();
    masm.bind(start);
    let prologue = masm.prologue(0b11);
    masm.set_frame_size(prologue, 32);
    masm.mov(n, a0);
    masm.mov(x, a1);
    masm.branch_stack_limit(OFFSET_STACK_LIMIT, polling);
    masm.bind(polled);
    masm.mov_imm(result, Word::NULL.0 as i64);
    masm.compare_imm(n, 0);
    masm.branch(Cond::Equal, done);
    masm.alu_imm(Alu::Sub, a0, n, 8);
    masm.mov(a1, x);
    masm.call_label(start);
    let call = masm.offset();
    masm.store(slot, result);
    masm.load(result, Mem::at(Host::CTX, OFFSET_TLAB_CURSOR));
    masm.lea(a2, Mem::at(result, 24));
    masm.compare_mem(a2, Mem::at(Host::CTX, OFFSET_TLAB_LIMIT));
    masm.branch(Cond::Above, slow);
    masm.store(Mem::at(Host::CTX, OFFSET_TLAB_CURSOR), a2);
    masm.bind(room);
    masm.mov_imm(a0, header(pair, 0) as i64);
    masm.store(Mem::at(result, 0), a0);
    masm.store(Mem::at(result, 8), x);
    masm.load(a0, slot);
    masm.store(Mem::at(result, 16), a0);
    masm.alu_imm(Alu::Add, result, result, 1);
    masm.bind(done);
    masm.bind(leave);
    masm.epilogue(0b11);
    masm.ret();
    masm.bind(polling);
    masm.call_code(poll);
    let mut sets = SlotSets::default();
    let mut info = |return_offset, slots: &[u32], handler| SafepointInfo {
        return_offset,
        live_saved: 0b11,
        slots: sets.pack(&slots.iter().copied().collect()),
        handler,
        tail: false,
    };
    safepoints.push(info(masm.offset(), &[], None));
    masm.jump(polled);
    masm.bind(slow);
    masm.mov_imm(a0, 24);
    masm.call_code(allocate);
    safepoints.push(info(masm.offset(), &[0], None));
    masm.jump(room);
    let handler = masm.offset();
    masm.jump(leave);
    safepoints.push(info(call, &[], catch.then_some(handler)));
    (masm, Safepoints::new(safepoints, sets))
}

/// Runs `build(n, text)` and hands its result on.
pub fn run(options: Options, depth: usize, catch: bool, check: impl FnOnce(&mut Thread, Word) + Send) {
    let body = || {
        let heap = Heap::new(options).unwrap();
        let publisher = Publisher::new(CodeMemory::reserve(crate::asm::memory::RANGE_BYTES).unwrap());
        let map = publisher.map().clone();
        let publish = |code| publisher.publish_one(Piece::stub(&code, Kind::Stub, "stub")).unwrap();
        let core = stubs::core(&stub_config(), slow::unwind as *const () as usize).unwrap();
        let (enter, entry_return, propagate, throw) = (core.enter, core.entry_return, core.propagate, core.throw);
        let base = publish(core.code);
        let at = |offset: u32| base + offset as usize;
        assert!(heap.set_code(Code { map: map.clone(), entry_return: at(entry_return), propagate: at(propagate) }));
        let exit = |function| publish(stubs::exit_stub(&stub_config(), at(throw), function, None).unwrap());
        let pair = heap.register_layout(2).unwrap();
        let (masm, safepoints) =
            build(pair, exit(poll as *const () as usize), exit(slow::allocate_slow as *const () as usize), catch);
        let code = masm.finish().unwrap();
        let function = Function {
            name: "build".into(),
            source: 1,
            saved: 0b11,
            frame_bytes: 32,
            safepoints,
            ..Function::default()
        };
        let start = publisher.publish_one(Piece::function(&code, function)).unwrap();
        let thread = &mut *heap.attach();
        let text = thread.alloc_string("kept in a register").unwrap();
        let args = [8 * depth as u64, thread.get(text).word().0, 0, 0, 0];
        // SAFETY: the stub has this signature.
        let enter: Enter = unsafe { std::mem::transmute(at(enter)) };
        let result = Word(enter(thread, start, 0, &args));
        assert_eq!(thread.exit_frame(), 0);
        check(thread, result);
    };
    std::thread::scope(|scope| {
        std::thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, body).unwrap().join().unwrap();
    });
}

#[test]
fn deep_recursion_keeps_its_values() {
    let small = Options { shortest_round: 1 << 20, ..Options::default() };
    for (options, depth) in [
        (small.clone(), 300_000),
        (Options { verify: true, ..small.clone() }, 100_000),
        (options(Stress::Decaying, true), 20_000),
        (options(Stress::Strict, true), 100),
    ] {
        run(options, depth, false, |thread, result| {
            assert!(result.is_object());
            let list = thread.push_handle(result);
            assert!(thread.heap().stats().collections() > 0);
            thread.collect();
            let mut node = thread.get(list);
            let text = node.slot(0);
            for _ in 0..depth {
                assert_eq!(node.slot(0), text);
                node = node.slot(1);
            }
            assert!(node.is_null());
            assert_eq!(text.str(), Some("kept in a register"));
        });
    }
}

#[test]
fn a_stack_overflow_is_an_exception() {
    for options in [Options::default(), options(Stress::Decaying, false)] {
        run(options, 100_000_000, false, |thread, result| {
            assert_eq!(result, Word::THROWN);
            assert_eq!(thread.call.exception.get(), Word::keyword(Poll::StackOverflow as u32));
        });
    }
}

#[test]
fn a_handler_gets_the_exception_and_its_registers() {
    run(Options::default(), 100_000_000, true, |thread, result| {
        // The innermost frame that was entered caught it; the others made their nodes.
        let list = thread.push_handle(result);
        let mut node = thread.get(list);
        let (text, mut nodes) = (node.slot(0), 0);
        while node.is_pointer() {
            assert_eq!(node.slot(0), text);
            node = node.slot(1);
            nodes += 1;
        }
        assert!(nodes > 100_000);
        assert_eq!(node.word(), Word::keyword(Poll::StackOverflow as u32));
    });
}
