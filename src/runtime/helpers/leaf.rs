//! Which helpers have a leaf, and which: what is asked before the helper, without a frame and without roots.
//!
//! Owns the choice, and the ways in for leaves that take what is in the argument area or belongs to a binding. What a leaf is, and
//! those of values, is in `values/leaves/mod.rs`.

use crate::codegen::link::Helper;
use crate::gc::Thread;
use crate::leaf_entry;
use crate::object::Word;
use crate::runtime::program::binding::Binding;
use crate::runtime::values::leaves::{
    Answer, LEAF_ARGS, LeafEntry, collections, enter, maps, numbers, operators, texts,
};
use crate::runtime::values::{dynamic, iterate};

/// The leaf of a helper, and how many arguments it looks at.
pub fn of_helper(helper: Helper) -> Option<(LeafEntry, usize)> {
    Some(match helper {
        Helper::Add => (leaf_entry!(operators::add), 2),
        Helper::Subtract => (leaf_entry!(operators::subtract), 2),
        Helper::Multiply => (leaf_entry!(operators::multiply), 2),
        Helper::Divide => (leaf_entry!(operators::divide), 2),
        Helper::Remainder => (leaf_entry!(operators::remainder), 2),
        Helper::BitAnd => (leaf_entry!(operators::bit_and), 2),
        Helper::BitOr => (leaf_entry!(operators::bit_or), 2),
        Helper::BitXor => (leaf_entry!(operators::bit_xor), 2),
        Helper::ShiftLeft => (leaf_entry!(operators::shift_left), 2),
        Helper::ShiftRight => (leaf_entry!(operators::shift_right), 2),
        Helper::ShiftRightLogical => (leaf_entry!(operators::shift_right_logical), 2),
        Helper::Negate => (leaf_entry!(operators::negate), 1),
        Helper::GetIndex => (leaf_entry!(collections::get), 2),
        Helper::GetOr => (leaf_entry!(collections::get), 3),
        Helper::Equal => (leaf_entry!(collections::equal), 2),
        Helper::Less => (leaf_entry!(texts::less), 2),
        Helper::LessEqual => (leaf_entry!(texts::less_equal), 2),
        Helper::Greater => (leaf_entry!(texts::greater), 2),
        Helper::GreaterEqual => (leaf_entry!(texts::greater_equal), 2),
        Helper::Concat => (leaf_entry!(texts::concat), 2),
        Helper::AssocInPlace => (leaf_entry!(maps::assoc_in_place), 3),
        Helper::DissocInPlace => (leaf_entry!(maps::dissoc_in_place), 2),
        Helper::SetRemoveInPlace => (leaf_entry!(maps::set_remove_in_place), 2),
        Helper::SetAddInPlace => (leaf_entry!(maps::set_add_in_place), 2),
        Helper::PushInPlace => (leaf_entry!(collections::push_in_place), 2),
        Helper::ButlastInPlace => (leaf_entry!(collections::butlast_in_place), 1),
        Helper::Count => (leaf_entry!(collections::count), 1),
        Helper::MapFind => (leaf_entry!(maps::map_find), 2),
        Helper::SubVector => (leaf_entry!(collections::sub_vector), 3),
        Helper::Iterate => (leaf_entry!(iterate::leaf_iterate), 1),
        Helper::NextChunk => (leaf_entry!(iterate::leaf_next_chunk), 1),
        Helper::InstanceOf => (leaf_entry!(numbers::instance_of), 2),
        Helper::DynamicGet => (dynamic_get, 1),
        Helper::DynamicBind => (dynamic_bind, 2),
        Helper::DynamicRestore => (leaf_entry!(dynamic::leaf_restore), 1),
        Helper::Interpolate => (interpolate, 1),
        Helper::MakeVector => (make_vector, 1),
        Helper::MakeMap => (make_map, 1),
        Helper::MakeSet => (make_set, 1),
        _ => return None,
    })
}

/// Runs a leaf that has so many arguments in the argument area.
unsafe fn with_area(cx: *mut Thread, count: Word, leaf: impl for<'h> FnOnce(&'h Thread, usize) -> Answer<'h>) -> Word {
    let nothing = [Word::UNDEFINED; LEAF_ARGS];
    // SAFETY: the caller's.
    unsafe { enter(cx, nothing, |cx, _| leaf(cx, count.0 as usize)) }
}

macro_rules! of_area {
    ($($name:ident = $leaf:path;)*) => {
        $(unsafe extern "C" fn $name(cx: *mut Thread, count: Word, _: Word, _: Word) -> Word {
            // SAFETY: generated code calls this with the context of its thread and so many values in the argument area.
            unsafe { with_area(cx, count, $leaf) }
        })*
    };
}

of_area! {
    interpolate = texts::interpolate;
    make_vector = collections::make_vector;
    make_map = maps::make_map;
    make_set = maps::make_set;
}

macro_rules! of_binding {
    ($($name:ident = $leaf:expr;)*) => {
        $(unsafe extern "C" fn $name(cx: *mut Thread, binding: Word, value: Word, _: Word) -> Word {
            let args = [value, Word::UNDEFINED, Word::UNDEFINED];
            // SAFETY: generated code calls this with the context of its thread, the address of a binding and a value.
            unsafe { enter(cx, args, |cx, [value, ..]| $leaf(cx, Binding::at(binding.0 as usize), value)) }
        })*
    };
}

of_binding! {
    dynamic_get = |cx, binding, _| dynamic::leaf_get(cx, binding);
    dynamic_bind = dynamic::leaf_bind;
}

#[cfg(test)]
mod tests;
