//! What the verifier knows at a point of the code: registers, frame slots, flags.
//!
//! Owns the places and how the states of two ways meet. Invariant: places with the same id that is not 0 hold the same word.

use super::isa::Convention;
use super::stack::Stack;
use super::value::{ANY, Class, Id, Origin, POINTERS, RETURN, TAGGED, Value};
use crate::asm::masm::Reg;
use crate::object::word::TAG_FUNCTION;

/// What the flags say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flags {
    /// Nothing that the function knows of.
    Garbage,
    /// What arithmetic has computed for the sake of its result: whether it overflowed is all that may be asked.
    Computed,
    /// Something.
    Some,
    /// Zero: no bit of `mask` is set in what this is made of.
    Tested(Origin, u8),
    /// Zero: the word is this one.
    Equal(Id, u64),
    /// Zero: the object that the word points to has this layout.
    Layout(Id, u32),
}

/// What is known at a point.
#[derive(Clone)]
pub struct State {
    /// What registers are for.
    pub convention: &'static Convention,
    /// By number.
    pub regs: [Value; 32],
    /// Raw floats, or garbage.
    pub floats: [Class; 32],
    /// The words of the stack from the return address downwards.
    pub stack: Stack,
    /// The flags.
    pub flags: Flags,
}

impl State {
    /// At the entry of a function with so many arguments in registers.
    pub fn entry(convention: &'static Convention, arguments: u8) -> State {
        let mut state = State {
            convention,
            regs: [Value::new(Class::Garbage); 32],
            floats: [Class::Garbage; 32],
            stack: Stack::default(),
            flags: Flags::Garbage,
        };
        let mut holds = |r: Reg, class| state.regs[usize::from(r.0)] = Value::new(class);
        for r in convention.callee_saved.into_iter().chain([convention.fp]) {
            holds(r, Class::Entry(r.0));
        }
        for r in convention.args.into_iter().take(arguments.into()) {
            holds(r, TAGGED);
        }
        holds(convention.closure, Class::Tagged(1 << TAG_FUNCTION, 0));
        holds(convention.sp, Class::Frame(convention.sp_at_entry()));
        holds(convention.ctx, Class::Context);
        match convention.link {
            Some(link) => holds(link, Class::Entry(RETURN)),
            None => state.stack.set(0, Value::new(Class::Entry(RETURN))),
        }
        state
    }

    /// What a register is.
    pub fn class(&self, r: Reg) -> Class {
        self.regs[usize::from(r.0)].class
    }

    /// What the stack pointer is.
    pub fn sp(&self) -> Class {
        self.class(self.convention.sp)
    }

    /// Where the return address is when there is no frame (yet, or any more).
    pub fn return_address(&self) -> Class {
        self.convention.link.map_or_else(|| self.stack.get(0).class, |link| self.class(link))
    }

    /// The layout of the object to which a register with this name points, if there is one; 0: not known.
    pub fn pointer(&self, id: Id) -> Option<u32> {
        self.regs.iter().find_map(|value| match value.class {
            Class::Tagged(tags, layout) if value.id == id && tags & POINTERS != 0 => Some(layout),
            _ => None,
        })
    }

    /// From now on the name means another word.
    pub fn forget(&mut self, id: Id) {
        let made = |origin: Origin| match origin {
            Origin::None => false,
            Origin::Plus(a, _) => a == id,
            Origin::Or(a, b) => a == id || b == id,
        };
        let forget = |place: &mut Value| {
            if place.id == id {
                place.id = 0;
            }
            match &mut place.class {
                Class::Sum(origin) | Class::Inner(origin) if made(*origin) => *origin = Origin::None,
                Class::Either(a, b, tags) if *a == id || *b == id => place.class = Class::Bits(*tags),
                Class::Header(of) if *of == id => place.class = Class::Bits(ANY),
                _ => {}
            }
        };
        self.regs.iter_mut().for_each(forget);
        self.stack.change_named(id, forget);
        let about = match self.flags {
            Flags::Tested(origin, _) => made(origin),
            Flags::Equal(of, _) | Flags::Layout(of, _) => of == id,
            Flags::Garbage | Flags::Computed | Flags::Some => false,
        };
        if about {
            self.flags = Flags::Some;
        }
    }

    /// Changes what is known of a word, wherever it is.
    fn learn(&mut self, id: Id, mut change: impl FnMut(Class) -> Class) {
        if id == 0 {
            return;
        }
        let mut learn = |place: &mut Value| {
            if place.id == id {
                place.class = change(place.class);
            }
        };
        self.regs.iter_mut().for_each(&mut learn);
        self.stack.change_named(id, learn);
    }

    /// Takes in another way that leads here. Is less known than before?
    pub fn join(&mut self, other: &State) -> bool {
        let mut changed = false;
        let mut meet = |a: &mut Value, b: Value| {
            let met = a.join(b);
            changed |= met != *a;
            *a = met;
        };
        for (a, b) in self.regs.iter_mut().zip(other.regs) {
            meet(a, b);
        }
        for (a, b) in self.floats.iter_mut().zip(other.floats) {
            let met = a.join(b);
            changed |= met != *a;
            *a = met;
        }
        changed |= self.stack.join(&other.stack);
        if self.flags != other.flags {
            let either = |flags| self.flags == flags || other.flags == flags;
            let met = [Flags::Garbage, Flags::Computed].into_iter().find(|flags| either(*flags)).unwrap_or(Flags::Some);
            changed |= met != self.flags;
            self.flags = met;
        }
        changed
    }

    /// What is known when the last compare came out as zero, or not: nothing when that cannot be.
    pub fn when_zero(mut self, zero: bool) -> Option<State> {
        let tags = |mask: u8, k: i8| {
            (0..8u8).filter(|t| (t.wrapping_add(k as u8) & mask == 0) == zero).fold(0u8, |all, t| all | 1 << t)
        };
        match self.flags {
            Flags::Tested(Origin::Plus(id, k), mask) => self.narrow(id, tags(mask, k))?,
            Flags::Tested(Origin::Or(a, b), mask) if zero => {
                self.narrow(a, tags(mask, 0))?;
                self.narrow(b, tags(mask, 0))?;
            }
            Flags::Equal(id, word) if zero && Class::Const(word).is_tagged() => {
                self.learn(
                    id,
                    |class| if class.is_tagged() || class.bits().is_some() { Class::Const(word) } else { class },
                )
            }
            Flags::Layout(id, layout) if zero => self.learn(id, |class| match class {
                Class::Tagged(..) | Class::Word => Class::Tagged(1 << crate::object::word::TAG_OBJECT, layout),
                _ => class,
            }),
            _ => {}
        }
        Some(self)
    }

    /// A word has one of these tags: nothing when it cannot.
    fn narrow(&mut self, id: Id, tags: u8) -> Option<()> {
        let mut possible = true;
        self.learn(id, |class| {
            possible &= class.can_be(tags);
            class.with_tags(tags)
        });
        possible.then_some(())
    }
}
