//! Bodies written by hand for both machines: right ones, and with one thing made wrong.

mod forms;

use super::*;
use crate::asm::arm64::Arm64;
use crate::asm::code_map::{PackedSlots, SafepointInfo, Safepoints, SlotSet, SlotSets, slot_offset};
use crate::asm::masm::*;
use crate::asm::x64::X64;
use crate::asm::{arm64, x64};
use crate::gc::mutator::thread;

const SAVED: u8 = 0b0001;
const FRAME: u32 = 48;
/// Where the code is said to be.
const START: usize = 0x1000_0000;

/// A helper that takes a value and a number.
const HELPER: usize = START + 0x20_0000;

/// The stub that remembers stores.
const REMEMBER: usize = START + 0x20_0100;

/// A machine for which bodies are written.
trait Tested: MacroAssembler {
    const MACHINE: Machine;
    /// The name of a general register, of a float register.
    fn name(r: Reg) -> &'static str;
    fn float_name(r: FReg) -> String;
    /// Puts an absolute reference into the code.
    fn apply(code: &mut [u8], fixup: &AbsoluteFixup) -> bool;
    /// A register that holds nothing at the entry.
    fn empty() -> Reg {
        Self::CALLER_SAVED[1]
    }
}

impl Tested for X64 {
    const MACHINE: Machine = Machine::X64;
    fn name(r: Reg) -> &'static str {
        x64::disasm::register(r.0)
    }
    fn float_name(r: FReg) -> String {
        format!("xmm{}", r.0)
    }
    fn apply(code: &mut [u8], fixup: &AbsoluteFixup) -> bool {
        x64::apply_absolute(code, START, fixup)
    }
}

impl Tested for Arm64 {
    const MACHINE: Machine = Machine::Arm64;
    fn name(r: Reg) -> &'static str {
        arm64::disasm::register(r.0)
    }
    fn float_name(r: FReg) -> String {
        format!("d{}", r.0)
    }
    fn apply(code: &mut [u8], fixup: &AbsoluteFixup) -> bool {
        arm64::apply_absolute(code, START, fixup)
    }
}

/// Each of these is a test for both machines.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod on_x64 {
            $(#[test] fn $name() { super::$name::<super::X64>(); })*
        }
        mod on_arm64 {
            $(#[test] fn $name() { super::$name::<super::Arm64>(); })*
        }
    };
}

/// A body while it is written.
struct Written<M> {
    asm: M,
    safepoints: Vec<SafepointInfo>,
    sets: SlotSets,
    /// A byte of the code that becomes another.
    doctored: Option<(u32, u8)>,
}

fn slot<M: Tested>(number: u32) -> Mem {
    Mem::at(M::FP, slot_offset(SAVED, number))
}

impl<M: Tested> Written<M> {
    fn new() -> Written<M> {
        let mut asm = M::new();
        let prologue = asm.prologue(SAVED);
        asm.set_frame_size(prologue, FRAME);
        Written { asm, safepoints: Vec::new(), sets: SlotSets::default(), doctored: None }
    }

    fn call(&mut self, live_saved: u8, slots: &[u32]) -> &mut SafepointInfo {
        self.asm.call_cell(0);
        self.mapped(live_saved, slots)
    }

    /// The map of the call that has just been written.
    fn mapped(&mut self, live_saved: u8, slots: &[u32]) -> &mut SafepointInfo {
        let slots: PackedSlots = self.sets.pack(&slots.iter().copied().collect::<SlotSet>());
        let return_offset = self.asm.offset();
        self.safepoints.push(SafepointInfo { return_offset, live_saved, slots, ..SafepointInfo::default() });
        self.safepoints.last_mut().expect("it was pushed")
    }

    fn returns(&mut self) {
        self.asm.epilogue(SAVED);
        self.asm.ret();
    }

    /// What is found.
    fn findings(self) -> Vec<String> {
        let mut code = self.asm.finish().expect("it is short");
        for fixup in &code.absolute {
            assert!(M::apply(&mut code.code, fixup));
        }
        if let Some((at, byte)) = self.doctored {
            code.code[at as usize] = byte;
        }
        let function = Function {
            name: "written".into(),
            start: START,
            size: code.code.len() as u32,
            saved: SAVED,
            arguments: 3,
            frame_bytes: FRAME,
            safepoints: Safepoints::new(self.safepoints, self.sets),
            frames: code.frames.into(),
            ..Function::default()
        };
        let helper = Claim { takes: &[Takes::Value, Takes::Raw], does: Does::Collect };
        let remember = Claim { takes: &[], does: Does::Remember };
        let claims = Claims::from_iter([(HELPER, helper), (REMEMBER, remember)]);
        let known = |address: u64| claims.contains_key(&(address as usize));
        let found = check(M::MACHINE, &function, &code.code, &claims, &known);
        assert!(found.is_empty() || report(M::MACHINE, &function, &code.code, &found, &|_| None).contains("  > "));
        found.into_iter().map(|finding| finding.what).collect()
    }
}

/// Writes a body; what is found must be one thing, which has this in it.
#[track_caller]
fn caught<M: Tested>(part: &str, write: impl FnOnce(&mut Written<M>)) {
    let mut body = Written::new();
    write(&mut body);
    let found = body.findings();
    assert!(found.iter().any(|what| what.contains(part)), "{part:?} is not in {found:?}");
}

#[track_caller]
fn right<M: Tested>(write: impl FnOnce(&mut Written<M>)) {
    let mut body = Written::new();
    write(&mut body);
    assert_eq!(body.findings(), [""; 0]);
}

/// Two arguments live across a call, in a callee-saved register and in a slot, as the map is told; then both are used.
fn two_live<M: Tested>(body: &mut Written<M>, live_saved: u8, slots: &[u32]) {
    body.asm.mov(M::CALLEE_SAVED[0], M::ARGS[0]);
    body.asm.store(slot::<M>(0), M::ARGS[1]);
    body.call(live_saved, slots);
    body.asm.load(M::ARGS[0], slot::<M>(0));
    body.asm.mov(M::ARGS[1], M::CALLEE_SAVED[0]);
    body.call(0, &[]);
    body.returns();
}

fn a_slot_left_out_of_a_map_is_caught<M: Tested>() {
    right::<M>(|body| two_live(body, 1, &[0]));
    caught::<M>("the slot at entry-0x18 is read: it holds a word that no map named", |body| two_live(body, 1, &[]));
    caught::<M>(&format!("{} is used: it holds a word that no map named", M::name(M::CALLEE_SAVED[0])), |body| {
        two_live(body, 0, &[0])
    });
}

fn a_slot_too_many_is_caught<M: Tested>() {
    caught::<M>("slot 2 holds a tagged word; it holds garbage", |body| two_live(body, 1, &[0, 2]));
    caught::<M>("slot 77 holds a tagged word; it holds garbage", |body| two_live(body, 1, &[0, 77]));
    caught::<M>(&format!("the map says that {} holds a tagged word", M::name(M::CALLEE_SAVED[1])), |body| {
        two_live(body, 0b0011, &[0])
    });
    caught::<M>("slot 0 holds a tagged word; it holds a raw float", |body| {
        body.asm.fmov_imm(M::FLOATS[0], 1.5);
        body.asm.fstore(slot::<M>(0), M::FLOATS[0]);
        body.call(0, &[0]);
        body.returns();
    });
    caught::<M>("slot 0 holds a tagged word; it holds a raw integer", |body| {
        body.asm.shift_imm(Shift::Right, M::ARGS[0], M::ARGS[0], 3);
        body.asm.store(slot::<M>(0), M::ARGS[0]);
        body.call(0, &[0]);
        body.returns();
    });
    caught::<M>("slot 0 holds a tagged word; it holds an untagged heap pointer", |body| {
        body.asm.lea(M::ARGS[0], Mem::at(M::ARGS[0], -1));
        body.asm.store(slot::<M>(0), M::ARGS[0]);
        body.call(0, &[0]);
        body.returns();
    });
    caught::<M>("slot 0 holds a tagged word; it holds the untagged address of fresh memory", |body| {
        body.asm.load(M::RESULT, Mem::at(M::CTX, thread::OFFSET_TLAB_CURSOR));
        body.asm.store(slot::<M>(0), M::RESULT);
        body.call(0, &[0]);
        body.returns();
    });
}

/// On one of two ways nothing is written.
fn a_map_holds_on_every_way<M: Tested>() {
    let write = |body: &mut Written<M>, on_both: bool| {
        let (other, end) = (body.asm.label(), body.asm.label());
        body.asm.test_imm(M::ARGS[0], 7);
        body.asm.branch(Cond::Equal, other);
        body.asm.store(slot::<M>(0), M::ARGS[0]);
        body.asm.jump(end);
        body.asm.bind(other);
        if on_both {
            body.asm.store_imm(slot::<M>(0), 8);
        }
        body.asm.bind(end);
        body.call(0, &[0]);
        body.returns();
    };
    right::<M>(|body| write(body, true));
    caught::<M>("slot 0 holds a tagged word; it holds garbage", |body| write(body, false));
}

/// The word is stale only when the loop comes round.
fn a_stale_word_of_the_turn_before_is_caught<M: Tested>() {
    let write = |body: &mut Written<M>, slots: &[u32]| {
        body.asm.store(slot::<M>(0), M::ARGS[0]);
        let (head, out) = (body.asm.label(), body.asm.label());
        body.asm.bind(head);
        body.asm.branch_stack_limit(thread::OFFSET_STACK_LIMIT, out);
        body.asm.load(M::ARGS[0], slot::<M>(0));
        body.call(0, slots);
        body.asm.test_imm(M::RESULT, 7);
        body.asm.branch(Cond::Equal, head);
        body.asm.bind(out);
        body.asm.mov_imm(M::RESULT, 8);
        body.returns();
    };
    right::<M>(|body| write(body, &[0]));
    caught::<M>("the slot at entry-0x18 is read", |body| write(body, &[]));
}

fn a_landing_pad_finds_what_was_mapped<M: Tested>() {
    let write = |body: &mut Written<M>, slots: &[u32]| {
        body.asm.store(slot::<M>(0), M::ARGS[0]);
        let pad = body.asm.label();
        body.call(0, slots);
        body.returns();
        body.asm.bind(pad);
        let at = body.asm.offset();
        body.safepoints.last_mut().expect("a call").handler = Some(at);
        body.asm.load(M::RESULT, slot::<M>(0));
        body.returns();
    };
    right::<M>(|body| write(body, &[0]));
    caught::<M>("the slot at entry-0x18 is read", |body| write(body, &[]));
}

fn what_calls_clobber_is_not_used_behind_them<M: Tested>() {
    caught::<M>(&format!("{} is used: it holds garbage", M::name(M::ARGS[0])), |body| {
        body.call(0, &[]);
        body.asm.alu(Alu::Add, M::RESULT, M::RESULT, M::ARGS[0]);
        body.returns();
    });
    caught::<M>(&format!("{} is used as a float: it holds garbage", M::float_name(M::FLOATS[0])), |body| {
        body.asm.fmov_imm(M::FLOATS[0], 1.5);
        body.call(0, &[]);
        body.asm.falu(Falu::Add, M::FLOATS[0], M::FLOATS[0], M::FLOATS[0]);
        body.returns();
    });
    caught::<M>("the flags are asked, and nothing has set them", |body| {
        let label = body.asm.label();
        body.asm.test_imm(M::ARGS[0], 7);
        body.call(0, &[]);
        body.asm.branch(Cond::Equal, label);
        body.asm.bind(label);
        body.returns();
    });
}

fn what_is_left_must_be_as_it_was<M: Tested>() {
    let kept = |who: &str, place: &str, r: Reg| {
        format!("{who} wants what register {} held at the entry in {place}{}", r.0, M::name(r))
    };
    let ends = |body: &mut Written<M>, end: fn(&mut M)| {
        body.asm.mov(M::CALLEE_SAVED[0], M::ARGS[0]);
        body.call(1, &[]);
        end(&mut body.asm);
    };
    right::<M>(|body| {
        ends(body, |asm| {
            asm.epilogue(SAVED);
            asm.ret();
        });
    });
    caught::<M>(&kept("the way out", "", M::CALLEE_SAVED[0]), |body| {
        ends(body, |asm| {
            asm.epilogue(0);
            asm.ret();
        });
    });
    caught::<M>(&kept("the way out", "", M::CALLEE_SAVED[0]), |body| {
        ends(body, |asm| {
            asm.epilogue(0);
            asm.jump_cell(0);
        });
    });
    caught::<M>(&kept("the way out", "", M::CALLEE_SAVED[1]), |body| {
        body.asm.mov_imm(M::CALLEE_SAVED[1], 8);
        ends(body, |asm| {
            asm.epilogue(SAVED);
            asm.ret();
        });
    });
    caught::<M>(&format!("in {}, which holds the stack address entry-", M::name(M::SP)), |body| {
        ends(body, |asm| asm.ret())
    });
    caught::<M>(&kept("a call", "the place of ", M::CALLEE_SAVED[0]), |body| {
        body.asm.store(Mem::at(M::FP, -8), M::ARGS[0]);
        ends(body, |asm| {
            asm.epilogue(SAVED);
            asm.ret();
        });
    });
    caught::<M>("a jump to 0x", |body| {
        ends(body, |asm| {
            asm.epilogue(SAVED);
            asm.jump_code(START + 0x10_0000);
        });
    });
    caught::<M>("a call without a stack map", |body| {
        body.asm.call_cell(0);
        body.returns();
    });
    caught::<M>("a stack map, and no call before it", |body| {
        body.call(0, &[]).return_offset -= 1;
        body.returns();
    });
}

fn what_is_no_pointer_is_not_used_as_one<M: Tested>() {
    caught::<M>(&format!("{} is used as an address: it holds garbage", M::name(M::ARGS[3])), |body| {
        body.asm.load(M::RESULT, Mem::at(M::ARGS[3], 7));
        body.returns();
    });
    caught::<M>(&format!("{} is used as an address: it holds garbage", M::name(M::empty())), |body| {
        body.asm.load(M::RESULT, Mem::at(M::empty(), 7));
        body.returns();
    });
    caught::<M>(&format!("{} is used as an address: it holds a raw integer", M::name(M::ARGS[0])), |body| {
        body.asm.shift_imm(Shift::Right, M::ARGS[0], M::ARGS[0], 3);
        body.asm.load(M::RESULT, Mem::at(M::ARGS[0], 7));
        body.returns();
    });
    caught::<M>(&format!("{} is used as an address: it holds a raw float", M::name(M::RESULT)), |body| {
        body.asm.fmov_imm(M::FLOATS[0], 1.5);
        body.asm.float_bits(M::RESULT, M::FLOATS[0]);
        body.asm.load(M::RESULT, Mem::at(M::RESULT, 7));
        body.returns();
    });
    caught::<M>("the result is a raw float", |body| {
        body.asm.fmov_imm(M::FLOATS[0], 1.5);
        body.asm.float_bits(M::RESULT, M::FLOATS[0]);
        body.returns();
    });
    caught::<M>("the result is garbage", |body| {
        body.asm.mov(M::RESULT, M::empty());
        body.returns();
    });
    caught::<M>("a slot of an object becomes a raw integer", |body| {
        body.asm.shift_imm(Shift::Right, M::ARGS[1], M::ARGS[1], 3);
        body.asm.store(Mem::at(M::ARGS[0], 7), M::ARGS[1]);
        body.asm.mov(M::RESULT, M::ARGS[0]);
        body.returns();
    });
    caught::<M>("no word of an object is at the displacement", |body| {
        body.asm.load(M::RESULT, Mem::at(M::ARGS[0], 8));
        body.returns();
    });
}

/// What remembers a store gets an object and a slot; what is in the float scratch registers is no float, and is gone behind it.
fn what_is_remembered_is_an_object<M: Tested>() {
    let call = |body: &mut Written<M>, object: Option<Reg>, slot: Mem| {
        if let Some(object) = object {
            body.asm.bits_float(M::FSCRATCH, object);
        }
        body.asm.scratch().lea(slot).bits_float(M::FSCRATCH2);
        body.asm.call_code(REMEMBER);
    };
    let (object, index) = (M::ARGS[0], M::ARGS[1]);
    right::<M>(|body| {
        call(body, Some(object), Mem::at(object, 7));
        body.asm.test_imm(index, 7);
        let out = body.asm.label();
        body.asm.branch(Cond::NotEqual, out);
        call(body, Some(object), Mem::indexed(object, index, 0, 15));
        body.asm.bind(out);
        // All other registers are as they were.
        body.asm.mov(M::RESULT, M::ARGS[2]);
        body.returns();
    });
    caught::<M>("the object that is to be remembered is garbage", |body| {
        call(body, None, Mem::at(object, 7));
        body.returns();
    });
    caught::<M>("the slot that was stored to is at", |body| {
        body.asm.bits_float(M::FSCRATCH, object);
        body.asm.mov_imm(M::ARGS[2], 8);
        body.asm.bits_float(M::FSCRATCH2, M::ARGS[2]);
        body.asm.call_code(REMEMBER);
        body.returns();
    });
    caught::<M>("is used as a float: it holds", |body| {
        body.asm.bits_float(M::FSCRATCH, object);
        body.asm.fmov(M::FLOATS[0], M::FSCRATCH);
        body.asm.float_bits(M::RESULT, M::FLOATS[0]);
        body.returns();
    });
    caught::<M>("a float becomes", |body| {
        body.asm.bits_float(M::FLOATS[0], object);
        body.asm.mov(M::RESULT, object);
        body.returns();
    });
}

/// What a compare has shown of the layout, or of the tag, counts.
fn compares_are_understood<M: Tested>() {
    use crate::object::layout;
    let load = |body: &mut Written<M>, layout: layout::LayoutId| {
        let other = body.asm.label();
        body.asm.compare_mem32_imm(Mem::at(M::ARGS[0], layout::HEADER_DISP), layout::header_low(layout));
        body.asm.branch(Cond::NotEqual, other);
        body.asm.load(M::RESULT, Mem::at(M::ARGS[0], layout::slot_disp(0)));
        body.returns();
        body.asm.bind(other);
        body.asm.trap();
    };
    right::<M>(|body| load(body, layout::ATOM));
    caught::<M>("the result is a raw integer", |body| load(body, layout::STRING));
    // An Int or a Float, and an Int: multiplied where both are Ints.
    let product = |body: &mut Written<M>, when: Cond| {
        let (known, out) = (body.asm.label(), body.asm.label());
        body.asm.mov_imm(M::CALLER_SAVED[2], 8);
        body.asm.test_imm(M::ARGS[0], 2);
        body.asm.branch(Cond::Equal, known);
        body.asm.mov_imm(M::CALLER_SAVED[2], 0x20_0000_0000_000F);
        body.asm.bind(known);
        body.asm.mov_imm(M::CALLER_SAVED[1], 16);
        body.asm.alu(Alu::Or, M::RESULT, M::CALLER_SAVED[2], M::CALLER_SAVED[1]);
        body.asm.test_imm(M::RESULT, 7);
        body.asm.branch(when, out);
        body.asm.shift_imm(Shift::Right, M::RESULT, M::CALLER_SAVED[1], 3);
        body.asm.mul(M::RESULT, M::RESULT, M::CALLER_SAVED[2]);
        body.returns();
        body.asm.bind(out);
        body.asm.trap();
    };
    right::<M>(|body| product(body, Cond::NotEqual));
    caught::<M>("the result is a raw integer", |body| product(body, Cond::Equal));
    // What would be the header if the index were not checked is an element.
    right::<M>(|body| {
        let other = body.asm.label();
        body.asm.compare_mem32_imm(Mem::at(M::ARGS[0], layout::HEADER_DISP), layout::header_low(layout::ARRAY));
        body.asm.branch(Cond::NotEqual, other);
        body.asm.mov_imm(M::ARGS[2], -16);
        body.asm.load(M::RESULT, Mem::indexed(M::ARGS[0], M::ARGS[2], 0, layout::slot_disp(1)));
        body.returns();
        body.asm.bind(other);
        body.asm.trap();
    });
    // A slot gets the bits of a float as such and as a number.
    right::<M>(|body| {
        let end = body.asm.label();
        body.asm.fmov_imm(M::FLOATS[0], 1.5);
        body.asm.fstore(slot::<M>(0), M::FLOATS[0]);
        body.asm.test_imm(M::ARGS[0], 7);
        body.asm.branch(Cond::Equal, end);
        body.asm.mov_imm(M::RESULT, 2.5f64.to_bits() as i64);
        body.asm.store(slot::<M>(0), M::RESULT);
        body.asm.bind(end);
        body.asm.fload(M::FLOATS[0], slot::<M>(0));
        body.asm.mov_imm(M::RESULT, 8);
        body.returns();
    });
    // A float is tagged where the test says so, and only there.
    let tag = |body: &mut Written<M>, when: Cond| {
        let boxed = body.asm.label();
        body.asm.fmov_imm(M::FLOATS[0], 1.5);
        body.asm.tag_float(M::RESULT, M::FLOATS[0], boxed);
        if when == Cond::Equal {
            body.asm.bind(boxed);
        }
        body.returns();
        if when == Cond::NotEqual {
            body.asm.bind(boxed);
            body.asm.trap();
        }
    };
    right::<M>(|body| tag(body, Cond::NotEqual));
    caught::<M>("the result is a raw integer", |body| tag(body, Cond::Equal));
}

fn what_is_left_behind_a_call_is_told<M: Tested>() {
    let write = |body: &mut Written<M>, behind: fn(&mut Written<M>)| {
        body.call(0, &[]).tail = true;
        behind(body);
        body.returns();
    };
    let part = "nothing is left to do behind the call";
    right::<M>(|body| write(body, |_| ()));
    right::<M>(|body| write(body, |body| body.asm.mov(M::CALLEE_SAVED[0], M::RESULT)));
    caught::<M>(part, |body| write(body, |body| body.asm.mov_imm(M::RESULT, 8)));
    caught::<M>(part, |body| {
        write(body, |body| {
            body.call(0, &[]);
        });
    });
}

fn arguments_are_what_the_helper_takes<M: Tested>() {
    let write = |body: &mut Written<M>, second: fn(&mut M)| {
        body.asm.mov(M::ARGS[0], M::ARGS[2]);
        second(&mut body.asm);
        body.asm.call_code(HELPER);
        body.mapped(0, &[]);
        body.returns();
    };
    right::<M>(|body| write(body, |asm| asm.mov_imm(M::ARGS[1], 0x1234_5671)));
    caught::<M>(&format!("the helper takes a number in {}, which holds a tagged word", M::name(M::ARGS[1])), |body| {
        write(body, |_| ());
    });
    caught::<M>(&format!("the helper takes a tagged word in {}, which holds garbage", M::name(M::ARGS[0])), |body| {
        write(body, |asm| {
            asm.mov_imm(M::ARGS[1], 1);
            asm.mov(M::ARGS[0], M::empty());
        });
    });
}

fn a_loop_that_never_polls_is_caught<M: Tested>() {
    let turn = |body: &mut Written<M>, polls: fn(&mut Written<M>, Label)| {
        let (head, out) = (body.asm.label(), body.asm.label());
        body.asm.mov_imm(M::RESULT, 8);
        body.asm.bind(head);
        body.asm.alu_imm(Alu::Add, M::RESULT, M::RESULT, 8);
        polls(body, out);
        body.asm.compare_imm(M::RESULT, 800);
        body.asm.branch(Cond::Less, head);
        body.asm.bind(out);
        body.returns();
    };
    right::<M>(|body| turn(body, |body, out| body.asm.branch_stack_limit(thread::OFFSET_STACK_LIMIT, out)));
    caught::<M>("never polls", |body| turn(body, |_, _| ()));
    // One way round does, and another does not.
    caught::<M>("never polls", |body| {
        turn(body, |body, out| {
            let past = body.asm.label();
            body.asm.compare_imm(M::RESULT, 80);
            body.asm.branch(Cond::Equal, past);
            body.asm.branch_stack_limit(thread::OFFSET_STACK_LIMIT, out);
            body.asm.bind(past);
        });
    });
}

fn code_ends_where_a_way_ends<M: Tested>() {
    caught::<M>("the code goes on behind its end", |body| {
        body.asm.epilogue(SAVED);
    });
}

/// On ARM64 arithmetic leaves the flags alone.
#[test]
fn what_is_computed_in_between_is_no_compare() {
    fn write<M: Tested>(body: &mut Written<M>, between: bool) {
        let label = body.asm.label();
        body.asm.mov(M::RESULT, M::ARGS[0]);
        body.asm.test_imm(M::ARGS[0], 7);
        if between {
            body.asm.alu_imm(Alu::And, M::RESULT, M::RESULT, !7);
        }
        body.asm.branch(Cond::Equal, label);
        body.asm.bind(label);
        body.asm.mov_imm(M::RESULT, 8);
        body.returns();
    }
    right::<X64>(|body| write(body, false));
    right::<Arm64>(|body| write(body, true));
    caught::<X64>("the flags are asked, and arithmetic has set them since", |body| write(body, true));
}

#[test]
fn bytes_that_are_no_code_are_caught() {
    // `rdtsc`: nobody has said what it does.
    caught::<X64>("an instruction that the verifier does not know", |body| {
        body.doctored = Some((body.asm.offset() + 1, 0x31));
        body.asm.trap();
        body.asm.mov_imm(X64::RESULT, 8);
        body.returns();
    });
    // The jump back to `mov` (two bytes, the last of them the distance) becomes one to its second byte: `nop`s, and so on.
    caught::<X64>("a way leads into the midst of an instruction", |body| {
        let label = body.asm.label();
        body.asm.bind(label);
        let start = body.asm.offset();
        body.asm.mov_imm(X64::RESULT, 0x9090_9090);
        body.asm.test_imm(X64::ARGS[0], 7);
        body.asm.branch(Cond::Equal, label);
        let end = body.asm.offset();
        body.doctored = Some((end - 1, (start + 1).wrapping_sub(end) as u8));
        body.returns();
    });
    // `brk #1` becomes a system instruction.
    caught::<Arm64>("these bytes are no instruction that the verifier knows", |body| {
        body.doctored = Some((body.asm.offset() + 3, 0xD5));
        body.asm.trap();
        body.asm.mov_imm(Arm64::RESULT, 8);
        body.returns();
    });
}

on_both! {
    a_slot_left_out_of_a_map_is_caught
    a_slot_too_many_is_caught
    a_map_holds_on_every_way
    a_stale_word_of_the_turn_before_is_caught
    a_landing_pad_finds_what_was_mapped
    what_calls_clobber_is_not_used_behind_them
    what_is_left_must_be_as_it_was
    what_is_no_pointer_is_not_used_as_one
    compares_are_understood
    what_is_remembered_is_an_object
    what_is_left_behind_a_call_is_told
    arguments_are_what_the_helper_takes
    a_loop_that_never_polls_is_caught
    code_ends_where_a_way_ends
}
