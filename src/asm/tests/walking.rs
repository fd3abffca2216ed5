//! The frames, the safepoints and the exit stub together: a small collector walks a chain of functions that save different
//! registers, moves every live word, and each function finds its own moved.

use super::*;
use crate::asm::code_map::*;
use crate::asm::host::stubs::exit_stub;

/// What the collector adds to every live word.
const MOVED: u64 = 1 << 20;

struct World {
    ctx: Box<Ctx>,
    map: CodeMap,
    entry_return: usize,
    visited: Vec<u64>,
}

extern "C" fn collect(ctx: *mut Ctx, world: *mut World, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: the test handed over the world; the context is in it, and only its exit frame is read.
    let (world, exit) = unsafe { (&mut *world, (*ctx).exit_frame) };
    let view = world.map.view();
    let at = |fp: u64, offset: i32| (fp as i64 + i64::from(offset)) as *mut u64;
    // SAFETY: `at` is only called for words of frames that are there.
    let read = |place: *mut u64| unsafe { place.read() };
    let mut registers: [*mut u64; SAVED_REGS] =
        std::array::from_fn(|i| at(exit, saved_offset(0b1111, i).expect("saved")));
    let mut fp = exit;
    loop {
        let return_to = read(at(fp, 8)) as usize;
        fp = read(at(fp, 0));
        if return_to == world.entry_return {
            return 0;
        }
        let (function, point) = view.safepoint(return_to).expect("safepoint");
        let live = (0..SAVED_REGS).filter(|i| point.live_saved() >> i & 1 != 0).map(|i| registers[i]);
        let slots = point.slots().map(|slot| at(fp, function.slot_offset(slot)));
        for place in live.chain(slots) {
            let word = read(place);
            world.visited.push(word);
            // SAFETY: a place that the map calls live.
            unsafe { place.write(word + MOVED) };
        }
        for (i, register) in registers.iter_mut().enumerate() {
            if let Some(offset) = function.saved_offset(i) {
                *register = at(fp, offset);
            }
        }
    }
}

/// A function that puts known words into the registers of `saved` and into slots, calls `next` with them live, adds up what
/// it finds afterwards, and adds the result of the call.
fn function(saved: u8, first: u64, slots: &[u32], next: usize) -> (Assembled, Function) {
    let mut masm = Host::new();
    let prologue = masm.prologue(saved);
    let frame = (8 * (saved.count_ones() + 1 + slots.iter().max().copied().unwrap_or(0))).next_multiple_of(16);
    masm.set_frame_size(prologue, frame);
    let mut word = first;
    let live: Vec<usize> = (0..SAVED_REGS).filter(|i| saved >> i & 1 != 0).collect();
    for &i in &live {
        masm.mov_imm(Host::CALLEE_SAVED[i], word as i64);
        word += 1;
    }
    for &slot in slots {
        masm.store_imm(Mem::at(Host::FP, slot_offset(saved, slot)), word as i32);
        word += 1;
    }
    masm.call_code(next);
    let mut sets = SlotSets::default();
    let info = SafepointInfo {
        return_offset: masm.offset(),
        live_saved: saved,
        slots: sets.pack(&slots.iter().copied().collect()),
        ..SafepointInfo::default()
    };
    for &i in &live {
        masm.alu(Alu::Add, Host::RESULT, Host::RESULT, Host::CALLEE_SAVED[i]);
    }
    for &slot in slots {
        masm.alu_mem(Alu::Add, Host::RESULT, Host::RESULT, Mem::at(Host::FP, slot_offset(saved, slot)));
    }
    masm.epilogue(saved);
    masm.ret();
    let code = masm.finish().expect("finish");
    let function = Function {
        name: format!("f{first}").into(),
        size: code.code.len() as u32,
        saved,
        frame_bytes: frame,
        safepoints: Safepoints::new(vec![info], sets),
        ..Function::default()
    };
    (code, function)
}

#[test]
fn live_words_are_found_and_moved() {
    let rig = Rig::new(51, 0);
    let map = CodeMap::new(&rig.memory);
    let mut random = Random(52);
    let entry_return = rig.entry_return;
    let mut world = World { ctx: Ctx::new(), map, entry_return, visited: Vec::new() };
    for _ in 0..200 {
        let stub = exit_stub(&config(), rig.throw, collect as *const () as usize, None).expect("stub");
        let mut next = rig.memory.publish_with_room(&[&stub], 0).expect("publish").starts[0];
        let (mut expected, mut first) = (Vec::new(), 1000);
        for _ in 0..1 + random.below(12) {
            let saved = random.below(16) as u8;
            let mut slots: Vec<u32> = (0..random.below(6)).map(|_| random.below(100) as u32).collect();
            slots.sort();
            slots.dedup();
            let (code, mut function) = function(saved, first, &slots, next);
            let words = u64::from(saved.count_ones()) + slots.len() as u64;
            expected.extend(first..first + words);
            first += words;
            let published = rig.memory.publish_with_room(&[&code], 0).expect("publish");
            next = published.starts[0];
            function.start = next;
            world.map.register(&published, vec![function]);
        }
        world.visited.clear();
        let arg = &raw mut world as u64;
        let ctx = &raw mut *world.ctx;
        let result = (rig.enter)(ctx, next, 0, [arg, 0, 0, 0, 0].as_ptr());
        assert_eq!(world.visited, expected, "each live word once, from the innermost frame outwards");
        assert_eq!(result, expected.iter().map(|word| word + MOVED).sum::<u64>());
    }
}
