//! Builtins as rows of stubs: their names, their C functions, and what the row says is in front of them.
//!
//! Core methods come here only for types that nobody has extended with them.

use super::builtin::Builtin;
use crate::asm::masm::{Assembled, MacroAssembler, TooFar};
use crate::stubs::{self, LEAF_ARGS, Outside, Row, Write};

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
        let leaf = self.leaf.filter(|_| argc <= LEAF_ARGS).map(|leaf| (leaf, argc));
        match self.front.as_ref().filter(|(front, takes)| takes.contains(&argc) && front.is_there()) {
            Some((front, _)) => {
                let write: Write<'_, M> = &|stub| front.write(stub, argc);
                Some(stubs::front(outside, Some(write), leaf, otherwise))
            }
            None => leaf.map(|leaf| stubs::front(outside, None, Some(leaf), otherwise)),
        }
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
        for (row, argc) in LIBRARY.parts.iter().flat_map(Part::builtins).flat_map(|b| (0..6).map(move |n| (b, n))) {
            if let Some(code) = row.in_front(argc, outside, |_: &mut X64| ()).filter(|_| row.accepts(argc)) {
                assert!(code.is_ok(), "{} of {argc}", row.name);
                assert!(row.in_front(argc, outside, |_: &mut Arm64| ()).is_some_and(|code| code.is_ok()));
                with_code += 1;
                let alone =
                    Builtin { leaf: None, front: row.front.clone(), ..*row }.in_front(argc, outside, |_: &mut X64| ());
                in_machine_code += usize::from(alone.is_some());
            }
        }
        assert!(with_code > 150, "{with_code}");
        assert_eq!(in_machine_code, 34);
    }
}
