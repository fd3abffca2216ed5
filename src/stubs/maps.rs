//! Keys of small maps that are found by their word. Inline Ints, keywords and Strings that know their hash as keys of large maps:
//! looking one up, and giving it another value in the map of an accumulator or in a mutable map.
//!
//! The walk is that of `collections/trie.rs`, without a call and with few instructions, so that lookups overlap while they wait
//! for memory. What it meets besides nodes, groups and entries of such keys is the general helper's.

use super::Stub;
use crate::asm::masm::{Alu, Cond, Label, MacroAssembler, Mem, Reg, Shift};
use crate::emit::objects;
use crate::emit::{At, Emit, Holds, Store, Stored};
use crate::gc::mutator::owners::SHARED;
use crate::object::Word;
use crate::object::collections::{GROUP_BITS, GROUP_HALF, GROUP_SEED, TRIE_BITS, TRIE_CHILDREN_SHIFT};
use crate::object::hash;
use crate::object::layout::{
    self, ARRAY_ELEMENTS, ARRAY_LENGTH, GROUP_LOWER, GROUP_NUMBER, GROUP_UPPER, GROUP_VALUES, HEADER_DISP, MAP_FLOATS,
    MAP_NODE_BITMAP, MAP_NODE_PARTS, MAP_ROOT, MUTABLE_INNER_MAP, STRING_BYTES, STRING_HASH, STRING_SIZES, slot_disp,
};
use crate::object::word::{INT_SHIFT, KEYWORD_BITS};

/// The slot from which on the value that a walk has found is counted: of a MAP_NODE the one behind the first key; of a GROUP_NODE, in
/// which the bit of the key counts as well, the one before the values.
const FOUND: usize = MAP_NODE_PARTS + 1;
const _: () = assert!(FOUND == GROUP_VALUES - 1);

/// The registers of a walk.
struct Walk {
    map: Reg,
    key: Reg,
    node: Reg,
    hash: Reg,
    bitmap: Reg,
    /// Where the value is, in words from [`FOUND`] on.
    at: Reg,
    /// Counts of shifts: x86-64 wants them in the register of argument 2.
    shift: Reg,
    /// How far from a node's beginning the value probably lies; lines are fetched ahead when there is a register for it.
    likely: Option<Reg>,
    missing: Label,
}

/// `(collection, key)`: the value, UNDEFINED when the key is missing. See `runtime/helpers/lookup.rs`.
pub fn look_up<M: MacroAssembler>(stub: &mut Stub<M>) {
    value_or(stub, Word::UNDEFINED);
}

/// `(collection, key)`, for `c[k]`: the value of a key of a map, `null` when it is missing; `others` writes what is done with what is no map.
pub fn index<M: MacroAssembler>(stub: &mut Stub<M>, others: impl FnOnce(&mut Stub<M>)) {
    let other = stub.asm.label();
    objects::branch_unless_object(&mut stub.asm, M::ARGS[0], other);
    objects::branch_unless_layout(&mut stub.asm, M::ARGS[0], layout::MAP, other);
    value_or(stub, Word::NULL);
    stub.asm.bind(other);
    others(stub);
}

/// The value of a key of a map, or `absent`.
fn value_or<M: MacroAssembler>(stub: &mut Stub<M>, absent: Word) {
    let (walk, spare) = Walk::new::<M>(stub.asm.label());
    let walk = Walk { likely: Some(spare), ..walk };
    in_small(stub, &walk, absent);
    walk.find(stub);
    stub.asm.load(M::RESULT, Mem::indexed(walk.node, walk.at, 3, slot_disp(FOUND)));
    stub.asm.ret();
    stub.asm.bind(walk.missing);
    // A Float that equals the Int stands elsewhere.
    stub.asm.load(walk.at, Mem::at(walk.map, slot_disp(MAP_FLOATS)));
    stub.asm.compare_imm(walk.at, Word::TRUE.0 as i64);
    stub.asm.branch(Cond::Equal, stub.slow);
    stub.asm.mov_imm(M::RESULT, absent.0 as i64);
    stub.asm.ret();
}

/// Gives the value of a key of a small map whose word is found there, or `absent` when a keyword is missing, which equals nothing but
/// itself. Goes on with a large map, map and key in their registers still.
fn in_small<M: MacroAssembler>(stub: &mut Stub<M>, walk: &Walk, absent: Word) {
    stub.check(walk.map, layout::MAP);
    stub.unless_extended(walk.at);
    stub.asm.load(walk.node, Mem::at(walk.map, slot_disp(MAP_ROOT)));
    walk.compare_layout(stub, layout::NODE);
    let asm = &mut stub.asm;
    let (large, next, found, nowhere) = (asm.label(), asm.label(), asm.label(), asm.label());
    asm.branch(Cond::NotEqual, large);
    let (at, len) = (walk.at, walk.bitmap);
    asm.load(len, Mem::at(walk.node, slot_disp(ARRAY_LENGTH)));
    asm.mov_imm(at, 0);
    asm.bind(next);
    asm.compare(at, len);
    asm.branch(Cond::AboveEqual, nowhere);
    asm.compare_mem(walk.key, Mem::indexed(walk.node, at, 0, slot_disp(ARRAY_ELEMENTS)));
    asm.branch(Cond::Equal, found);
    asm.alu_imm(Alu::Add, at, at, 2 << INT_SHIFT);
    asm.jump(next);
    asm.bind(found);
    asm.load(M::RESULT, Mem::indexed(walk.node, at, 0, slot_disp(ARRAY_ELEMENTS + 1)));
    asm.ret();
    asm.bind(nowhere);
    asm.alu_imm(Alu::And, at, walk.key, 0xFF);
    asm.compare_imm(at, KEYWORD_BITS as i64);
    asm.branch(Cond::NotEqual, stub.slow);
    stub.give(absent);
    stub.asm.bind(large);
}

/// `(map, key, value)`: `assoc` in place for a key that is there, in a node that is the map's own; the same for a vector.
pub fn assoc_in_place<M: MacroAssembler>(stub: &mut Stub<M>) {
    super::access::replace_in_place(stub);
    keeping_argument_2(stub, |stub, walk, value| {
        walk.find(stub);
        stub.asm.load(walk.hash, Mem::at(walk.map, HEADER_DISP));
        walk.own_node(stub);
        let to = At::element(walk.node, walk.at, 3, FOUND);
        stub.store(Store::Private, to, Stored::Word(value, Holds::Anything));
        stub.asm.mov(M::RESULT, walk.map);
        stub.asm.ret();
    });
}

/// `(mutable map, key)`: the value of a key that is there.
pub fn mutable_get<M: MacroAssembler>(stub: &mut Stub<M>) {
    keeping_argument_2(stub, |stub, walk, _default| {
        let walk = walk.in_mutable(stub);
        walk.find(stub);
        stub.asm.load(M::RESULT, Mem::indexed(walk.node, walk.at, 3, slot_disp(FOUND)));
        stub.asm.ret();
    });
}

/// `(mutable map, key, value)`: another value for a key that is there; gives the mutable map.
pub fn mutable_put<M: MacroAssembler>(stub: &mut Stub<M>) {
    keeping_argument_2(stub, |stub, walk, value| {
        let walk = walk.in_mutable(stub);
        walk.find(stub);
        stub.asm.load(walk.hash, Mem::at(M::ARGS[0], slot_disp(MUTABLE_INNER_MAP)));
        stub.asm.load(walk.hash, Mem::at(walk.hash, HEADER_DISP));
        walk.own_node(stub);
        let to = At::element(walk.node, walk.at, 3, FOUND);
        stub.store(Store::Shared, to, Stored::Word(value, Holds::Anything));
        stub.asm.mov(M::RESULT, M::ARGS[0]);
        stub.asm.ret();
    });
}

/// A walk needs the register of argument 2, which is in another one meanwhile and comes back before the helper takes over.
fn keeping_argument_2<M: MacroAssembler>(stub: &mut Stub<M>, write: impl FnOnce(&mut Stub<M>, Walk, Reg)) {
    let (helper, give_back) = (stub.slow, stub.asm.label());
    let (walk, kept) = Walk::new::<M>(give_back);
    stub.asm.mov(kept, M::ARGS[2]);
    stub.slow = give_back;
    write(stub, walk, kept);
    stub.asm.bind(give_back);
    stub.asm.mov(M::ARGS[2], kept);
    stub.slow = helper;
}

impl Walk {
    /// The registers of a walk, and one to spare.
    fn new<M: MacroAssembler>(missing: Label) -> (Walk, Reg) {
        let taken = |r: &Reg| M::ARGS[..3].contains(r) || *r == M::RESULT;
        let mut others = M::CALLER_SAVED.iter().copied().filter(|r| !taken(r));
        let mut next = || others.next().unwrap_or(M::RESULT);
        let (hash, bitmap, at, spare) = (next(), next(), next(), next());
        let (map, key, shift) = (M::ARGS[0], M::ARGS[1], M::ARGS[2]);
        (Walk { map, key, node: M::RESULT, hash, bitmap, at, shift, likely: None, missing }, spare)
    }

    /// The walk through the map of the mutable map that is argument 0; the register of the map is lost on the way.
    fn in_mutable<M: MacroAssembler>(self, stub: &mut Stub<M>) -> Walk {
        stub.check(M::ARGS[0], layout::MUTABLE_MAP);
        stub.asm.load(self.hash, Mem::at(M::ARGS[0], slot_disp(MUTABLE_INNER_MAP)));
        Walk { map: self.hash, ..self }
    }

    /// To the helper unless `node` belongs to the map whose header is in `hash`: the owner of both stands in the upper part of
    /// their headers.
    fn own_node<M: MacroAssembler>(&self, stub: &mut Stub<M>) {
        let (own, theirs) = (self.hash, self.bitmap);
        stub.asm.load(theirs, Mem::at(self.node, HEADER_DISP));
        stub.asm.shift_imm(Shift::RightLogical, own, own, layout::COUNT_SHIFT as u8);
        stub.asm.shift_imm(Shift::RightLogical, theirs, theirs, layout::COUNT_SHIFT as u8);
        stub.asm.compare_imm(own, i64::from(SHARED));
        stub.asm.branch(Cond::Equal, stub.slow);
        stub.asm.compare(own, theirs);
        stub.asm.branch(Cond::NotEqual, stub.slow);
    }

    /// Finds the key: `node` and `at` say where its value is. Goes to `missing` when it is not there, to the helper when it
    /// cannot tell. Map and key stay.
    fn find<M: MacroAssembler>(&self, stub: &mut Stub<M>) {
        stub.check(self.map, layout::MAP);
        stub.unless_extended(self.at);
        stub.asm.load(self.node, Mem::at(self.map, slot_disp(MAP_ROOT)));
        self.hash_key(stub);
        let (top, leaf, no_child, found) = (stub.asm.label(), stub.asm.label(), stub.asm.label(), stub.asm.label());
        self.compare_layout(stub, layout::MAP_NODE);
        stub.asm.branch(Cond::NotEqual, leaf);
        stub.asm.bind(top);
        self.descend(stub, no_child);
        self.compare_layout(stub, layout::MAP_NODE);
        stub.asm.branch(Cond::Equal, top);
        stub.asm.bind(leaf);
        self.in_group(stub);
        stub.asm.jump(found);
        stub.asm.bind(no_child);
        self.in_entry(stub);
        stub.asm.bind(found);
    }

    fn compare_layout<M: MacroAssembler>(&self, stub: &mut Stub<M>, layout: layout::LayoutId) {
        objects::compare_layout(&mut stub.asm, self.node, layout);
    }

    /// `trie::hash` of a key: of an Int that of its group, of a String what it remembers. To the helper with all others.
    fn hash_key<M: MacroAssembler>(&self, stub: &mut Stub<M>) {
        let (int, text, mixed, known) = (stub.asm.label(), stub.asm.label(), stub.asm.label(), stub.asm.label());
        let asm = &mut stub.asm;
        objects::test_int(asm, self.key);
        asm.branch(Cond::Equal, int);
        if let Some(likely) = self.likely {
            // The second line.
            asm.mov_imm(likely, 40);
        }
        asm.alu_imm(Alu::And, self.at, self.key, 0xFF);
        asm.compare_imm(self.at, KEYWORD_BITS as i64);
        asm.branch(Cond::NotEqual, text);
        asm.shift_imm(Shift::RightLogical, self.hash, self.key, 8);
        asm.mov_imm(self.at, hash::K2 as i64);
        asm.jump(mixed);
        asm.bind(text);
        stub.check(self.key, layout::STRING);
        let asm = &mut stub.asm;
        asm.load(self.hash, Mem::at(self.key, slot_disp(STRING_HASH)));
        asm.compare_imm(self.hash, 0);
        asm.branch(Cond::Equal, stub.slow);
        asm.jump(known);
        asm.bind(int);
        if let Some(likely) = self.likely {
            // As `group::likely_offset` does.
            asm.alu_imm(Alu::And, likely, self.key, (((1 << GROUP_BITS) - 1) << INT_SHIFT) as i64);
            asm.lea(likely, Mem::indexed(likely, likely, 1, 0));
            asm.shift_imm(Shift::RightLogical, likely, likely, 2);
        }
        asm.shift_imm(Shift::Right, self.hash, self.key, (INT_SHIFT + GROUP_BITS) as u8);
        asm.mov_imm(self.at, GROUP_SEED as i64);
        asm.bind(mixed);
        asm.alu(Alu::Xor, self.hash, self.hash, self.at);
        asm.mov_imm(self.at, hash::K1 as i64);
        asm.mul(self.hash, self.hash, self.at);
        asm.shift_imm(Shift::RightLogical, self.at, self.hash, 32);
        asm.alu(Alu::Xor, self.hash, self.hash, self.at);
        asm.bind(known);
    }

    /// From a MAP_NODE to the child at the hash's lowest digit.
    fn descend<M: MacroAssembler>(&self, stub: &mut Stub<M>, no_child: Label) {
        let asm = &mut stub.asm;
        let digits = (1 << TRIE_BITS) - 1;
        asm.load(self.bitmap, Mem::at(self.node, slot_disp(MAP_NODE_BITMAP)));
        asm.alu_imm(Alu::And, self.shift, self.hash, digits);
        asm.shift(Shift::RightLogical, self.at, self.bitmap, self.shift);
        asm.test_imm(self.at, 1 << (INT_SHIFT + TRIE_CHILDREN_SHIFT));
        asm.branch(Cond::Equal, no_child);
        // Two words for each entry, one for each child below: the bits below this child's are shifted to the top and counted.
        asm.alu_imm(Alu::And, self.at, self.bitmap, 0xFFFF << INT_SHIFT);
        asm.popcount(self.at, self.at);
        asm.alu_imm(Alu::Xor, self.shift, self.shift, digits);
        let most = 63 - (INT_SHIFT + TRIE_CHILDREN_SHIFT) as i64 - digits;
        asm.shift_imm(Shift::Left, self.bitmap, self.bitmap, most as u8 + 1);
        asm.shift(Shift::Left, self.bitmap, self.bitmap, self.shift);
        asm.popcount(self.bitmap, self.bitmap);
        asm.alu(Alu::Add, self.at, self.at, self.bitmap);
        asm.load(self.node, Mem::indexed(self.node, self.at, 3, slot_disp(MAP_NODE_PARTS)));
        if let Some(likely) = self.likely {
            asm.prefetch(Mem::indexed(self.node, likely, 0, slot_disp(GROUP_VALUES)));
        }
        asm.shift_imm(Shift::RightLogical, self.hash, self.hash, TRIE_BITS as u8);
    }

    /// In a group (or in something that is not for this code), which has Ints alone.
    fn in_group<M: MacroAssembler>(&self, stub: &mut Stub<M>) {
        self.compare_layout(stub, layout::GROUP_NODE);
        stub.asm.branch(Cond::NotEqual, stub.slow);
        let asm = &mut stub.asm;
        objects::test_int(asm, self.key);
        asm.branch(Cond::NotEqual, self.missing);
        asm.load(self.at, Mem::at(self.node, slot_disp(GROUP_NUMBER)));
        asm.shift_imm(Shift::Right, self.shift, self.key, (INT_SHIFT + GROUP_BITS) as u8);
        asm.shift_imm(Shift::Left, self.shift, self.shift, INT_SHIFT as u8);
        asm.compare(self.at, self.shift);
        asm.branch(Cond::NotEqual, self.missing);
        asm.load(self.bitmap, Mem::at(self.node, slot_disp(GROUP_LOWER)));
        asm.load(self.at, Mem::at(self.node, slot_disp(GROUP_UPPER)));
        asm.shift_imm(Shift::RightLogical, self.bitmap, self.bitmap, INT_SHIFT as u8);
        asm.shift_imm(Shift::Left, self.at, self.at, (GROUP_HALF - INT_SHIFT) as u8);
        asm.alu(Alu::Or, self.bitmap, self.bitmap, self.at);
        // The key's bit goes to the top; it and those below it are counted.
        asm.shift_imm(Shift::RightLogical, self.shift, self.key, INT_SHIFT as u8);
        asm.alu_imm(Alu::Xor, self.shift, self.shift, 63);
        asm.shift(Shift::Left, self.bitmap, self.bitmap, self.shift);
        asm.compare_imm(self.bitmap, 0);
        asm.branch(Cond::GreaterEqual, self.missing);
        asm.popcount(self.at, self.bitmap);
    }

    /// In a MAP_NODE without a child at the digit in `shift`: its entry there, if it has one.
    fn in_entry<M: MacroAssembler>(&self, stub: &mut Stub<M>) {
        let asm = &mut stub.asm;
        let digits = (1 << TRIE_BITS) - 1;
        asm.test_imm(self.at, 1 << INT_SHIFT);
        asm.branch(Cond::Equal, self.missing);
        asm.alu_imm(Alu::Xor, self.shift, self.shift, digits);
        asm.shift_imm(Shift::Left, self.bitmap, self.bitmap, (64 - i64::from(INT_SHIFT) - digits) as u8);
        asm.shift(Shift::Left, self.bitmap, self.bitmap, self.shift);
        asm.popcount(self.at, self.bitmap);
        asm.alu(Alu::Add, self.at, self.at, self.at);
        asm.load(self.bitmap, Mem::indexed(self.node, self.at, 3, slot_disp(MAP_NODE_PARTS)));
        let same = asm.label();
        asm.compare(self.bitmap, self.key);
        asm.branch(Cond::Equal, same);
        // No other key equals an inline Int that stands there, nor a keyword; what else equals an Int is for the helper to say.
        objects::test_int(asm, self.bitmap);
        asm.branch(Cond::Equal, self.missing);
        objects::test_int(asm, self.key);
        asm.branch(Cond::Equal, stub.slow);
        asm.alu_imm(Alu::And, self.shift, self.key, 0xFF);
        asm.compare_imm(self.shift, KEYWORD_BITS as i64);
        asm.branch(Cond::Equal, self.missing);
        self.compare_texts(stub);
        stub.asm.bind(same);
    }

    /// To `missing`, or to the helper, unless the key in `bitmap` is the text of the key, which is a STRING with its hash.
    fn compare_texts<M: MacroAssembler>(&self, stub: &mut Stub<M>) {
        let (found, word, words) = (self.bitmap, self.shift, self.hash);
        stub.check(found, layout::STRING);
        let asm = &mut stub.asm;
        let (other, next, equal) = (asm.label(), asm.label(), asm.label());
        asm.load(word, Mem::at(found, slot_disp(STRING_HASH)));
        asm.compare_mem(word, Mem::at(self.key, slot_disp(STRING_HASH)));
        asm.branch(Cond::NotEqual, other);
        asm.load(word, Mem::at(found, slot_disp(STRING_SIZES)));
        asm.compare_mem(word, Mem::at(self.key, slot_disp(STRING_SIZES)));
        asm.branch(Cond::NotEqual, stub.slow);
        // The words of equal texts are equal, what pads the last one too.
        asm.load32(words, Mem::at(self.key, slot_disp(STRING_SIZES)));
        asm.alu_imm(Alu::Add, words, words, 7);
        asm.shift_imm(Shift::RightLogical, words, words, 3);
        asm.bind(next);
        asm.alu_imm(Alu::Sub, words, words, 1);
        asm.compare_imm(words, 0);
        asm.branch(Cond::Less, equal);
        asm.load(word, Mem::indexed(found, words, 3, slot_disp(STRING_BYTES)));
        asm.compare_mem(word, Mem::indexed(self.key, words, 3, slot_disp(STRING_BYTES)));
        asm.branch(Cond::Equal, next);
        asm.jump(stub.slow);
        asm.bind(other);
        // Other hashes, other texts; a hash of 0 is not known.
        asm.compare_imm(word, 0);
        asm.branch(Cond::NotEqual, self.missing);
        asm.jump(stub.slow);
        asm.bind(equal);
    }
}
