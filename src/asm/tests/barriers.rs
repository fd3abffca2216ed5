//! The write barrier by execution (`emit/store.rs`, and the stub of `stubs/code.rs`): it is called when it must be, and keeps all
//! registers.

use super::*;
use crate::emit::{At, Emit, Holds, Missed, Store, Stored};
use crate::object::layout::{ARRAY_ELEMENTS, HEADER_DISP, LISTED, OLD, slot_disp, slot_offset};
use crate::object::word::{TAG_FUNCTION, TAG_OBJECT, Word};
use crate::stubs;

/// Writes code as codegen does.
struct Writer<'a> {
    asm: &'a mut Host,
    missed: Vec<Missed>,
}

impl Emit<Host> for Writer<'_> {
    fn asm(&mut self) -> &mut Host {
        self.asm
    }

    fn remembers(&mut self) -> bool {
        true
    }

    fn out_of_line(&mut self, missed: Missed) {
        self.missed.push(missed);
    }
}

/// In the memory of the context: the object, and what the function behind the stub was given.
const OBJECT: usize = 4;
const GIVEN: usize = 60;

/// A function that notes its arguments, and clobbers all that a function may.
fn noting() -> Assembled {
    let mut asm = Host::new();
    for k in 0..2 {
        let given = (offset_of!(Ctx, memory) + 8 * (GIVEN + k)) as i32;
        asm.store(Mem::at(Host::CLOSURE, given), Host::ARGS[k]);
    }
    Host::CALLER_SAVED.iter().for_each(|r| asm.mov_imm(*r, 0x1234_5678_9ABC));
    Host::FLOATS.iter().for_each(|f| asm.fmov_imm(*f, 0.1));
    asm.ret();
    asm.finish().expect("code")
}

struct Barriers {
    rig: Rig,
    ctx: Box<Ctx>,
    stub: usize,
    object: Reg,
    index: Reg,
    value: Reg,
}

impl Barriers {
    fn new() -> Barriers {
        let rig = Rig::new(17, 0);
        let place = |code: &Assembled| rig.memory.publish_with_room(&[code], 0).expect("publish").starts[0];
        let stub = place(&stubs::remember::<Host>(place(&noting())).expect("the stub"));
        // Registers of which one is the result, and one is an argument of the function.
        let (object, index, value) = (Host::RESULT, Host::CALLEE_SAVED[0], Host::ARGS[1]);
        Barriers { rig, ctx: Ctx::new(), stub, object, index, value }
    }

    /// Runs a store of a word into an object with these flags, and gives what the function behind the stub got.
    fn run(&mut self, flags: u64, how: Store, element: bool, word: u64, holds: Holds) -> Option<(u64, u64)> {
        let (object, index, value, stub) = (self.object, self.index, self.value, self.stub);
        self.rig.shuffle(&mut self.ctx);
        let ctx = &mut self.ctx;
        let address = &raw const ctx.memory[OBJECT] as u64;
        ctx.memory[OBJECT] = 77 << 1 | flags | 5 << 40;
        ctx.memory[GIVEN] = 0;
        for (r, content) in [(object, address | TAG_OBJECT), (index, 16), (value, word)] {
            ctx.regs_in[r.0 as usize] = content;
        }
        let at = if element { At::element(object, index, 0, ARRAY_ELEMENTS) } else { At::slot(object, ARRAY_ELEMENTS) };
        let code = |asm: &mut Host, _| {
            let mut writer = Writer { asm, missed: Vec::new() };
            writer.store(how, at, Stored::Word(value, holds));
            let Writer { asm, missed } = writer;
            let end = asm.label();
            asm.jump(end);
            missed.into_iter().for_each(|missed| missed.write(asm, stub, true));
            asm.bind(end);
        };
        self.rig.check(ctx, "a barrier", code, &[], false);
        let slot = ARRAY_ELEMENTS + if element { 2 } else { 0 };
        assert_eq!(ctx.memory[OBJECT + 1 + slot], word);
        let given = (ctx.memory[GIVEN], ctx.memory[GIVEN + 1]);
        assert!(given.0 == 0 || given == (address | TAG_OBJECT, address + slot_offset(slot) as u64), "{given:x?}");
        (given.0 != 0).then_some(given)
    }
}

#[test]
fn the_stub_that_remembers_keeps_all_registers() {
    let mut barriers = Barriers::new();
    for element in [false, true] {
        for how in [Store::Private, Store::Shared] {
            for holds in [Holds::Pointer, Holds::Anything, Holds::NoObject, Holds::Float] {
                assert!(barriers.run(OLD, how, element, 0x1230 | TAG_OBJECT, holds).is_some(), "{how:?} {holds:?}");
            }
            assert!(barriers.run(OLD | LISTED, how, element, 0x1230 | TAG_FUNCTION, Holds::Anything).is_some());
        }
    }
}

#[test]
fn what_need_not_be_remembered_is_not() {
    let mut barriers = Barriers::new();
    let pointer = 0x1230 | TAG_OBJECT;
    for holds in [Holds::Pointer, Holds::Anything, Holds::NoObject, Holds::Float] {
        // Young, or in a list already.
        assert_eq!(barriers.run(0, Store::Shared, true, pointer, holds), None);
        assert_eq!(barriers.run(LISTED, Store::Shared, true, pointer, holds), None);
        assert_eq!(barriers.run(OLD, Store::Init, false, pointer, holds), None);
    }
    let float = Word::float(1.5).expect("a tagged Float");
    for word in [Word(8 * 5), Word::NULL, Word::TRUE, Word::keyword(7), float] {
        for holds in [Holds::NoPointer, Holds::Anything, Holds::NoObject] {
            assert_eq!(barriers.run(OLD, Store::Private, false, word.0, holds), None, "{word:?} {holds:?}");
        }
    }
    assert_eq!(barriers.run(OLD, Store::Private, false, float.0, Holds::Float), None);
}

#[test]
fn a_count_is_cleared_without_the_flags() {
    let (mut rig, mut ctx) = (Rig::new(18, 0), Ctx::new());
    for (flags, count) in [(OLD | LISTED, 0xFF_FFFF), (LISTED, 1), (OLD, 0), (0, 0x80_0000), (LISTED, 0x100)] {
        rig.shuffle(&mut ctx);
        ctx.memory[OBJECT] = 77 << 1 | flags | count << 40;
        let beyond = ctx.memory[OBJECT + 1];
        let object = Host::ARGS[0];
        ctx.regs_in[object.0 as usize] = &raw const ctx.memory[OBJECT] as u64 | TAG_OBJECT;
        let code = |asm: &mut Host, _| Writer { asm, missed: Vec::new() }.clear_count(object, 77);
        rig.check(&mut ctx, "clear_count", code, &[], false);
        assert_eq!(ctx.memory[OBJECT..OBJECT + 2], [77 << 1 | flags, beyond]);
    }
    assert_eq!(slot_disp(0) - HEADER_DISP, 8);
}
