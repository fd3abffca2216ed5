//! Taking a key from a large map in place, without a collection: what `trie::dissoc` does in the common case, of what the allocation
//! buffer has left.
//!
//! Invariant: as in `adding.rs`, nothing is changed before all that is needed is there. What would be left with one entry, which its
//! parent then takes, is `trie::dissoc`'s.

use super::adding::{Part, link, make};
use super::group;
use super::trie::{At, BITS, Bitmap, approach, digit, roomy, used};
use super::view::Slots;
use crate::gc::Value;
use crate::gc::mutator::owners::is_private;
use crate::object::Word;
use crate::object::layout::{ARRAY_ELEMENTS, GROUP_NODE, MAP_NODE};
use crate::runtime::values::equality::same_key;

/// Takes a prepared key that has one place only, and this hash, from the trie of an owner, which is none of those that are put off:
/// its root then. None, and nothing is done, where the key is not there, nodes belong to others, or memory is to be collected.
pub(super) fn remove<'h>(root: Value<'h>, key: Value<'h>, hash: u64, owner: u32) -> Option<Value<'h>> {
    let (mut node, mut shift, mut above) = (root, 0, None);
    let new = loop {
        if let Some(slots) = Slots::if_is(node, GROUP_NODE) {
            let (bit, bitmap) = (group::bit(slots, key)?, group::bitmap(slots));
            let (at, first) = (group::index(bitmap, bit), group::halves(bitmap & !bit));
            break if bitmap & bit == 0 { return None } else { without(slots, owner, &first, at, 1)? };
        }
        let slots = Slots::if_is(node, MAP_NODE)?;
        let (bitmap, bit) = (Bitmap::of(slots), digit(hash, shift));
        match bitmap.at(bit) {
            At::Child(i) => {
                above = Some((node, i));
                node = slots.get(i);
                approach(node, key);
                shift += BITS;
            }
            At::Entry(i) if same_key(slots.get(i), key).ok()? => {
                break without(slots, owner, &[Bitmap(bitmap.0 & !bit).word()], i, 2)?;
            }
            At::Entry(_) | At::Nothing => return None,
        }
    };
    link(root, above, node, new, owner)
}

/// The node without elements, and the first ones replaced: itself when it is a private owner's.
fn without<'h>(node: Slots<'h>, owner: u32, first: &[Word], at: usize, removed: usize) -> Option<Value<'h>> {
    let (object, len) = (node.object(), used(node));
    let (cx, new_len) = (object.thread(), len - removed);
    if new_len <= group::FIRST + 1 {
        return None;
    }
    if is_private(owner) && object.count() == owner {
        cx.splice_slots(object, ARRAY_ELEMENTS + at, removed, std::iter::empty(), ARRAY_ELEMENTS + len);
        for (i, &word) in first.iter().enumerate() {
            cx.set_slot(object, ARRAY_ELEMENTS + i, Value::immediate(cx, word)?);
        }
        return Some(object);
    }
    let parts = [Part::Old(first.len()..at), Part::Old(at + removed..len)];
    make(object, object.layout(), (roomy(new_len, object.layout(), owner), owner), first, &parts)
}
