//! Bodies written by hand, right and then with one thing made wrong: each is caught, and told for what it is.

use super::*;
use crate::asm::code_map::{PackedSlots, SafepointInfo, Safepoints, SlotSet, SlotSets, slot_offset};
use crate::asm::masm::*;
use crate::asm::x64::X64;
use crate::asm::x64::regs::*;
use crate::gc::thread;

const SAVED: u8 = 0b0001;
const FRAME: u32 = 48;

/// A body while it is written.
struct Written {
    asm: X64,
    safepoints: Vec<SafepointInfo>,
    sets: SlotSets,
    /// A byte of the code that becomes another.
    doctored: Option<(u32, u8)>,
}

fn slot(number: u32) -> Mem {
    Mem::at(RBP, slot_offset(SAVED, number))
}

impl Written {
    fn new() -> Written {
        let mut asm = X64::new();
        let prologue = asm.prologue(SAVED);
        asm.set_frame_size(prologue, FRAME);
        Written { asm, safepoints: Vec::new(), sets: SlotSets::default(), doctored: None }
    }

    fn call(&mut self, live_saved: u8, slots: &[u32]) -> &mut SafepointInfo {
        self.asm.call_cell(0);
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
        if let Some((at, byte)) = self.doctored {
            code.code[at as usize] = byte;
        }
        let function = Function {
            name: "written".into(),
            start: 0x1000_0000,
            size: code.code.len() as u32,
            saved: SAVED,
            frame_bytes: FRAME,
            safepoints: Safepoints::new(self.safepoints, self.sets),
            frames: code.frames.into(),
            ..Function::default()
        };
        let found = body::check(&function, &code.code, &Claims::default(), &|_| false);
        let known = BTreeMap::new();
        assert!(found.is_empty() || report(&function, &code.code, &found, &known).contains("  > "));
        found.into_iter().map(|finding| finding.what).collect()
    }
}

/// Writes a body; what is found must be one thing, which has this in it.
#[track_caller]
fn caught(part: &str, write: impl FnOnce(&mut Written)) {
    let mut body = Written::new();
    write(&mut body);
    let found = body.findings();
    assert!(found.iter().any(|what| what.contains(part)), "{part:?} is not in {found:?}");
}

#[track_caller]
fn right(write: impl FnOnce(&mut Written)) {
    let mut body = Written::new();
    write(&mut body);
    assert_eq!(body.findings(), [""; 0]);
}

/// Two arguments live across a call, in a callee-saved register and in a slot, as the map is told; then both are used.
fn two_live(body: &mut Written, live_saved: u8, slots: &[u32]) {
    body.asm.mov(RBX, RSI);
    body.asm.store(slot(0), RDX);
    body.call(live_saved, slots);
    body.asm.load(RSI, slot(0));
    body.asm.mov(RDX, RBX);
    body.call(0, &[]);
    body.returns();
}

#[test]
fn a_slot_left_out_of_a_map_is_caught() {
    right(|body| two_live(body, 1, &[0]));
    caught("the slot at entry-0x18 is read: it holds a word that no map named", |body| two_live(body, 1, &[]));
    caught("RBX is used: it holds a word that no map named", |body| two_live(body, 0, &[0]));
}

#[test]
fn a_slot_too_many_is_caught() {
    caught("slot 2 holds a tagged word; it holds garbage", |body| two_live(body, 1, &[0, 2]));
    caught("slot 77 holds a tagged word; it holds garbage", |body| two_live(body, 1, &[0, 77]));
    caught("the map says that r12 holds a tagged word", |body| two_live(body, 0b0011, &[0]));
    caught("slot 0 holds a tagged word; it holds a raw float", |body| {
        body.asm.fmov_imm(FLOATS[0], 1.5);
        body.asm.fstore(slot(0), FLOATS[0]);
        body.call(0, &[0]);
        body.returns();
    });
    caught("slot 0 holds a tagged word; it holds a raw integer", |body| {
        body.asm.shift_imm(Shift::Right, RSI, RSI, 3);
        body.asm.store(slot(0), RSI);
        body.call(0, &[0]);
        body.returns();
    });
    caught("slot 0 holds a tagged word; it holds an untagged heap pointer", |body| {
        body.asm.lea(RSI, Mem::at(RSI, -1));
        body.asm.store(slot(0), RSI);
        body.call(0, &[0]);
        body.returns();
    });
    caught("slot 0 holds a tagged word; it holds the untagged address of fresh memory", |body| {
        body.asm.load(RAX, Mem::at(R15, thread::OFFSET_TLAB_CURSOR));
        body.asm.store(slot(0), RAX);
        body.call(0, &[0]);
        body.returns();
    });
}

/// On one of two ways nothing is written.
#[test]
fn a_map_holds_on_every_way() {
    let write = |body: &mut Written, on_both: bool| {
        let (other, end) = (body.asm.label(), body.asm.label());
        body.asm.test_imm(RSI, 7);
        body.asm.branch(Cond::Equal, other);
        body.asm.store(slot(0), RSI);
        body.asm.jump(end);
        body.asm.bind(other);
        if on_both {
            body.asm.store_imm(slot(0), 8);
        }
        body.asm.bind(end);
        body.call(0, &[0]);
        body.returns();
    };
    right(|body| write(body, true));
    caught("slot 0 holds a tagged word; it holds garbage", |body| write(body, false));
}

/// The word is stale only when the loop comes round.
#[test]
fn a_stale_word_of_the_turn_before_is_caught() {
    let write = |body: &mut Written, slots: &[u32]| {
        body.asm.store(slot(0), RSI);
        let head = body.asm.label();
        body.asm.bind(head);
        body.asm.load(RSI, slot(0));
        body.call(0, slots);
        body.asm.test_imm(RAX, 7);
        body.asm.branch(Cond::Equal, head);
        body.returns();
    };
    right(|body| write(body, &[0]));
    caught("the slot at entry-0x18 is read", |body| write(body, &[]));
}

#[test]
fn a_landing_pad_finds_what_was_mapped() {
    let write = |body: &mut Written, slots: &[u32]| {
        body.asm.store(slot(0), RSI);
        let pad = body.asm.label();
        body.call(0, slots);
        body.returns();
        body.asm.bind(pad);
        let at = body.asm.offset();
        body.safepoints.last_mut().expect("a call").handler = Some(at);
        body.asm.load(RAX, slot(0));
        body.returns();
    };
    right(|body| write(body, &[0]));
    caught("the slot at entry-0x18 is read", |body| write(body, &[]));
}

#[test]
fn what_calls_clobber_is_not_used_behind_them() {
    caught("RSI is used: it holds garbage", |body| {
        body.call(0, &[]);
        body.asm.alu(Alu::Add, RAX, RAX, RSI);
        body.returns();
    });
    caught("XMM0 is used as a float: it holds garbage", |body| {
        body.asm.fmov_imm(FLOATS[0], 1.5);
        body.call(0, &[]);
        body.asm.falu(Falu::Add, FLOATS[0], FLOATS[0], FLOATS[0]);
        body.returns();
    });
    caught("the flags are asked, and nothing has set them", |body| {
        let label = body.asm.label();
        body.asm.test_imm(RSI, 7);
        body.call(0, &[]);
        body.asm.branch(Cond::Equal, label);
        body.asm.bind(label);
        body.returns();
    });
}

#[test]
fn what_is_left_must_be_as_it_was() {
    let ends = |body: &mut Written, end: fn(&mut X64)| {
        body.asm.mov(RBX, RSI);
        body.call(1, &[]);
        end(&mut body.asm);
    };
    right(|body| {
        ends(body, |asm| {
            asm.epilogue(SAVED);
            asm.ret();
        });
    });
    caught("the way out wants what rbx held at the entry in rbx", |body| {
        ends(body, |asm| {
            asm.epilogue(0);
            asm.ret();
        });
    });
    caught("the way out wants what rbx held at the entry in rbx", |body| {
        ends(body, |asm| {
            asm.epilogue(0);
            asm.jump_cell(0);
        });
    });
    caught("the way out wants what r12 held at the entry in r12", |body| {
        body.asm.mov_imm(R12, 8);
        ends(body, |asm| {
            asm.epilogue(SAVED);
            asm.ret();
        });
    });
    caught("the way out wants the stack address entry+0x0 in rsp", |body| ends(body, |asm| asm.ret()));
    caught("a call wants what rbx held at the entry in the place of rbx", |body| {
        body.asm.store(Mem::at(RBP, -8), RSI);
        ends(body, |asm| {
            asm.epilogue(SAVED);
            asm.ret();
        });
    });
    caught("a jump to 0x", |body| {
        ends(body, |asm| {
            asm.epilogue(SAVED);
            asm.jump_code(0x2000_0000);
        });
    });
    caught("a call without a stack map", |body| {
        body.asm.call_cell(0);
        body.returns();
    });
    caught("a stack map, and no call before it", |body| {
        body.call(0, &[]).return_offset -= 1;
        body.returns();
    });
}

#[test]
fn what_is_no_pointer_is_not_used_as_one() {
    caught("R10 is used as an address: it holds garbage", |body| {
        body.asm.load(RAX, Mem::at(R10, 7));
        body.returns();
    });
    caught("RSI is used as an address: it holds a raw integer", |body| {
        body.asm.shift_imm(Shift::Right, RSI, RSI, 3);
        body.asm.load(RAX, Mem::at(RSI, 7));
        body.returns();
    });
    caught("RAX is used as an address: it holds a raw float", |body| {
        body.asm.fmov_imm(FLOATS[0], 1.5);
        body.asm.float_bits(RAX, FLOATS[0]);
        body.asm.load(RAX, Mem::at(RAX, 7));
        body.returns();
    });
    caught("the result is a raw float", |body| {
        body.asm.fmov_imm(FLOATS[0], 1.5);
        body.asm.float_bits(RAX, FLOATS[0]);
        body.returns();
    });
    caught("the result is garbage", |body| body.returns());
    caught("a slot of an object becomes a raw integer", |body| {
        body.asm.shift_imm(Shift::Right, RDX, RDX, 3);
        body.asm.store(Mem::at(RSI, 7), RDX);
        body.asm.mov(RAX, RSI);
        body.returns();
    });
    caught("no word of an object is at the displacement", |body| {
        body.asm.load(RAX, Mem::at(RSI, 8));
        body.returns();
    });
}

/// What a compare has shown of the layout, or of the tag, counts.
#[test]
fn compares_are_understood() {
    use crate::gc::layout;
    let load = |body: &mut Written, layout: layout::LayoutId| {
        let other = body.asm.label();
        body.asm.compare_mem32_imm(Mem::at(RSI, layout::HEADER_DISP), layout::header_low(layout));
        body.asm.branch(Cond::NotEqual, other);
        body.asm.load(RAX, Mem::at(RSI, layout::slot_disp(0)));
        body.returns();
        body.asm.bind(other);
        body.asm.trap();
    };
    right(|body| load(body, layout::ATOM));
    caught("the result is a raw integer", |body| load(body, layout::STRING));
    // A float is tagged where the test says so, and only there.
    let tag = |body: &mut Written, when: Cond| {
        let boxed = body.asm.label();
        body.asm.fmov_imm(FLOATS[0], 1.5);
        body.asm.tag_float(RAX, FLOATS[0], boxed);
        if when == Cond::Equal {
            body.asm.bind(boxed);
        }
        body.returns();
        if when == Cond::NotEqual {
            body.asm.bind(boxed);
            body.asm.trap();
        }
    };
    right(|body| tag(body, Cond::NotEqual));
    caught("the result is a raw integer", |body| tag(body, Cond::Equal));
}

#[test]
fn bytes_that_are_no_code_are_caught() {
    // `rdtsc`: nobody has said what it does.
    caught("an instruction that the verifier does not know", |body| {
        body.doctored = Some((body.asm.offset() + 1, 0x31));
        body.asm.trap();
        body.asm.mov_imm(RAX, 8);
        body.returns();
    });
    // The jump back to `mov` (two bytes, the last of them the distance) becomes one to its second byte: `nop`s, and so on.
    caught("a way leads into the midst of an instruction", |body| {
        let label = body.asm.label();
        body.asm.bind(label);
        let start = body.asm.offset();
        body.asm.mov_imm(RAX, 0x9090_9090);
        body.asm.test_imm(RSI, 7);
        body.asm.branch(Cond::Equal, label);
        let end = body.asm.offset();
        body.doctored = Some((end - 1, (start + 1).wrapping_sub(end) as u8));
        body.returns();
    });
    caught("the code goes on behind its end", |body| {
        body.asm.epilogue(SAVED);
    });
}
