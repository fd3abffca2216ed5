//! Which helpers have machine code in front of them, and which.
//!
//! Owns the choice; the code is written by the files of `stubs`.

use super::leaf;
use crate::asm::masm::{Assembled, Cond, FCond, Falu, MacroAssembler, TooFar};
use crate::codegen::link::Helper;
use crate::object::layout;
use crate::stubs::{self, Outside, Write, access, maps, numbers, sequences};

/// The code in front of a helper whose exit stub is at `exit`, for those that have some.
pub fn code<M: MacroAssembler>(helper: Helper, exit: usize, outside: Outside) -> Option<Result<Assembled, TooFar>> {
    use layout::{ARRAY, MUTABLE_LIST, STRING, STRING_PREFIX, VECTOR};
    let write: Option<Write<'_, M>> = Some(match helper {
        Helper::Iterate => &sequences::iterate,
        Helper::NextChunk => &sequences::next_chunk,
        Helper::SubVector => &sequences::sub_vector,
        Helper::NewBuilder => &sequences::new_builder,
        Helper::BuilderPush => &sequences::builder_push,
        Helper::BuilderDone => &sequences::builder_done,
        Helper::AssocInPlace => &maps::assoc_in_place,
        Helper::PushInPlace => &access::push_in_place,
        Helper::MapFind => &maps::look_up,
        Helper::GetIndex => &|stub| {
            stub.unless_extended(M::RESULT);
            maps::index(stub, |stub| access::element(stub, &[VECTOR, STRING, ARRAY, MUTABLE_LIST, STRING_PREFIX]));
        },
        Helper::SetIndex => &|stub| access::store(stub, &[ARRAY, MUTABLE_LIST], 2),
        Helper::Add => &|stub| numbers::operation(stub, Falu::Add),
        Helper::Subtract => &|stub| numbers::operation(stub, Falu::Sub),
        Helper::Multiply => &|stub| numbers::operation(stub, Falu::Mul),
        Helper::Divide => &|stub| numbers::operation(stub, Falu::Div),
        Helper::Less => &|stub| stubs::comparison(stub, FCond::Less, Cond::Below),
        Helper::LessEqual => &|stub| stubs::comparison(stub, FCond::LessEqual, Cond::BelowEqual),
        Helper::Greater => &|stub| stubs::comparison(stub, FCond::Greater, Cond::Above),
        Helper::GreaterEqual => &|stub| stubs::comparison(stub, FCond::GreaterEqual, Cond::AboveEqual),
        Helper::Equal => &|stub| stubs::comparison(stub, FCond::Equal, Cond::Equal),
        _ => {
            return leaf::of_helper(helper)
                .map(|leaf| stubs::front(outside, None, Some(leaf), |asm: &mut M| asm.jump_code(exit)));
        }
    });
    Some(stubs::front(outside, write, leaf::of_helper(helper), |asm: &mut M| asm.jump_code(exit)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asm::arm64::Arm64;
    use crate::asm::x64::X64;

    /// On one machine RESULT is CLOSURE, on the other it is not: what is written for both is looked at on every host.
    #[test]
    fn registers_have_one_role_on_both_machines() {
        use Helper::*;
        let with_leaves = [Interpolate, Concat, MakeVector, MakeMap, MakeSet, Equal, Less];
        let machine_code = [Iterate, NextChunk, NewBuilder, BuilderPush, BuilderDone, AssocInPlace, GetIndex, SetIndex];
        for helper in [PushInPlace, SubVector].into_iter().chain(machine_code).chain(with_leaves) {
            assert!(code::<X64>(helper, 0, Outside::default()).is_some_and(|code| code.is_ok()));
            assert!(code::<Arm64>(helper, 0, Outside::default()).is_some_and(|code| code.is_ok()));
        }
        let outside = Outside::default();
        assert!(stubs::look_up::<X64>(0, outside).is_ok() && stubs::look_up::<Arm64>(0, outside).is_ok());
        for (params, argc) in (0..5).flat_map(|params| (params..=5).map(move |argc| (params, argc))) {
            assert!(stubs::packing::<X64>(params, argc, outside, 0).is_ok());
            assert!(stubs::packing::<Arm64>(params, argc, outside, 0).is_ok());
        }
    }
}
