//! Which builtins have machine code in front of them, and which: builtins as rows of stubs.
//!
//! Owns the choice; the code is written by the files of `stubs`. Core methods come here only for types that nobody has extended with
//! them.

use super::builtin::Builtin;
use crate::asm::masm::{Assembled, Cond, MacroAssembler, TooFar};
use crate::mutations::{Mutation, mutated};
use crate::object::layout;
use crate::stubs::{self, LEAF_ARGS, Outside, Row, Write, access, apply, maps, numbers, sequences};

impl Row for Builtin {
    fn symbol(&self) -> String {
        self.full_name()
    }

    fn address(&self) -> usize {
        self.entry as usize
    }

    fn takes(&self, argc: usize) -> bool {
        self.accepts(argc)
    }

    fn jumps(&self) -> bool {
        self.ends_in_call()
    }

    fn table(&'static self) -> Option<&'static [&'static Builtin]> {
        Some((self.table)())
    }

    fn in_front<M: MacroAssembler>(
        &self,
        argc: usize,
        outside: Outside,
        otherwise: impl FnOnce(&mut M),
    ) -> Option<Result<Assembled, TooFar>> {
        use layout::{ARRAY, MUTABLE_LIST, STRING, STRING_PREFIX, VECTOR};
        let leaf = self.leaf.filter(|_| argc <= LEAF_ARGS).map(|leaf| (leaf, argc));
        let write: Write<'_, M> = match (self.namespace, self.name, argc) {
            ("core", "apply", 2 | 3) if !mutated(Mutation::CallsAtTheEnd) => &|stub| apply::apply(stub, argc),
            ("core", "get", 2 | 3) => {
                &|stub| access::element(stub, &[VECTOR, STRING, ARRAY, MUTABLE_LIST, STRING_PREFIX])
            }
            ("core", "nth", 2 | 3) => &|stub| {
                stub.unless_extended(M::RESULT);
                access::element(stub, &[VECTOR, STRING, ARRAY, MUTABLE_LIST, STRING_PREFIX]);
            },
            ("core", "length", 1) => {
                &|stub| access::length(stub, &[VECTOR, STRING, ARRAY, MUTABLE_LIST, layout::MAP, STRING_PREFIX])
            }
            ("core", "push" | "conj", 2) => &access::vector_push,
            ("core", "rest", 1) => &sequences::rest_of_one,
            ("core", "drop", 2) => &sequences::drop_first,
            ("core", "deref", 1) => &access::deref,
            ("core", "char-code-at", 2) => &access::char_code_at,
            ("core", "min", 2 | 3) => &|stub| numbers::extreme(stub, argc, Cond::Less),
            ("core", "clamp", 3) => &numbers::clamp,
            ("core", "max", 2 | 3) => &|stub| numbers::extreme(stub, argc, Cond::Greater),
            ("mutable-array", "get", 2 | 3) | ("mutable-array", "read-field", 2) => {
                &|stub| access::element(stub, &[ARRAY])
            }
            ("mutable-array", "write-field", 3) => &|stub| access::store(stub, &[ARRAY], 2),
            ("mutable-array", "swap", 3) => &access::swap,
            ("mutable-list", "get", 2 | 3) => &|stub| access::element(stub, &[MUTABLE_LIST]),
            ("mutable-list", "set!", 3) => &|stub| access::store(stub, &[MUTABLE_LIST], 0),
            ("mutable-list", "push!", 2) => &access::list_push,
            ("mutable-list", "pop!", 1) => &access::list_pop,
            ("mutable-list", "count", 1) => &|stub| access::length(stub, &[MUTABLE_LIST]),
            ("mutable-map", "get", 2 | 3) => &maps::mutable_get,
            ("mutable-map", "put!", 3) => &maps::mutable_put,
            _ => return leaf.map(|leaf| stubs::front(outside, None, Some(leaf), otherwise)),
        };
        Some(stubs::front(outside, Some(write), leaf, otherwise))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asm::arm64::Arm64;
    use crate::asm::x64::X64;
    use crate::library::LIBRARY;
    use crate::runtime::program::library::Part;

    /// As in `helpers/fast.rs`: what is written for both machines is looked at on every host.
    #[test]
    fn registers_have_one_role_on_both_machines() {
        let outside = Outside::default();
        let (mut with_code, mut in_machine_code) = (0, 0);
        for (row, argc) in LIBRARY.0.iter().flat_map(Part::builtins).flat_map(|b| (0..6).map(move |n| (b, n))) {
            if let Some(code) = row.in_front(argc, outside, |_: &mut X64| ()).filter(|_| row.accepts(argc)) {
                assert!(code.is_ok(), "{} of {argc}", row.name);
                assert!(row.in_front(argc, outside, |_: &mut Arm64| ()).is_some_and(|code| code.is_ok()));
                with_code += 1;
                let alone = Builtin { leaf: None, ..*row }.in_front(argc, outside, |_: &mut X64| ());
                in_machine_code += usize::from(alone.is_some());
            }
        }
        assert!(with_code > 150, "{with_code}");
        assert_eq!(in_machine_code, 32);
    }
}
