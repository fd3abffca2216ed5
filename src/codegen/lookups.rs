//! Looking into what is probably a map: `get(c, k, default)`, and `get(c, k)` and `c[k]` where a map was seen.
//!
//! The lookup is a call of code that is no safepoint (`stubs/maps.rs`, and `runtime/helpers/lookup.rs` behind it): it never
//! collects and never throws. When it cannot say what the value is, the general helper is asked out of line.

use super::facts::Facts;
use super::generator::Generator;
use super::link::Helper;
use super::state::{Place, Value};
use crate::asm::masm::*;
use crate::object::Word;

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// Replaces collection, key and perhaps default, the latest `n` operands, by the value. `helper` does the same for anything.
    pub(super) fn look_up(&mut self, helper: Helper, n: usize) {
        if self.dead(n) {
            return;
        }
        for i in self.top(n - 1)..self.state.height() {
            if self.state.operand(i).place.is_raw() {
                self.in_register(i);
                self.unpin();
            }
        }
        // The operands live across the call: the helper may need them, and so may the way of a missing key.
        self.save_for_call(self.state.height());
        let place = |g: &Self, k: usize| g.state.operand(g.top(n - 1 - k)).place;
        let (coll, key) = (place(self, 0), place(self, 1));
        self.parallel_move(vec![(coll, Place::Reg(M::ARGS[0])), (key, Place::Reg(M::ARGS[1]))]);
        let code = self.link.look_up();
        self.asm.call_code(code);
        self.pin(M::RESULT);
        let resume = self.asm.label();
        let arguments = (0..n).map(|k| self.argument(self.top(n - 1 - k))).collect();
        let ask = self.slow_path(helper, arguments, n, Some(M::RESULT), resume);
        let default = if n > 2 { place(self, 2) } else { Place::Const(Word::NULL) };
        let missing = self.asm.label();
        self.later(move |g| {
            g.asm.bind(missing);
            g.parallel_move(vec![(default, Place::Reg(M::RESULT))]);
            g.asm.jump(resume);
        });
        self.asm.compare_imm(M::RESULT, Word::THROWN.0 as i64);
        self.asm.branch(Cond::Equal, ask);
        self.asm.compare_imm(M::RESULT, Word::UNDEFINED.0 as i64);
        self.asm.branch(Cond::Equal, missing);
        self.asm.bind(resume);
        self.state.echoes_mut().forget();
        self.replace(n, Value::new(Place::Reg(M::RESULT), Facts::ANY));
    }
}
