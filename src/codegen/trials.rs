//! Trials: the generator made to choose otherwise than it would, so that programs show whether what it relies on is so.
//!
//! Any register and slot that is allowed must do, and nothing that only makes code faster may be needed. `--jit-random-regs=SEED`
//! takes registers and frame slots by chance, out of pools that are smaller than the machine's; `--opt-off=NAME` leaves an optimisation
//! out. Owns the names of the optimisations and the chance; must not know what a register or a slot is used for.

use std::cell::Cell;

use crate::asm::masm::*;

/// What makes code faster, and nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Optimisation {
    /// Hot versions of loops and bodies, which leave for a general one.
    Twins,
    /// What a loop asks in each turn is asked before it.
    Promotions,
    /// Small functions are written in place of their calls.
    Inlining,
    /// Variables that live across calls have registers of their own.
    Homes,
    /// What the first call's arguments, captures and globals look like.
    Hints,
    /// A map that only a loop changes grows in place.
    Accumulators,
    /// Arguments are computed in the registers in which they are passed.
    Wishes,
}

/// The optimisations by name.
pub const OPTIMISATIONS: [(&str, Optimisation); 7] = [
    ("twins", Optimisation::Twins),
    ("promotions", Optimisation::Promotions),
    ("inlining", Optimisation::Inlining),
    ("homes", Optimisation::Homes),
    ("hints", Optimisation::Hints),
    ("accumulators", Optimisation::Accumulators),
    ("wishes", Optimisation::Wishes),
];

/// What is to be tried.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Trials {
    seed: Option<u64>,
    off: u16,
}

impl Trials {
    /// Leaves an optimisation out. An unknown name is an error that names them all.
    pub fn leave_out(&mut self, name: &str) -> Result<(), String> {
        let names = || OPTIMISATIONS.map(|(name, _)| name).join(", ");
        let found = OPTIMISATIONS.iter().find(|(known, _)| *known == name);
        let (_, optimisation) =
            found.ok_or_else(|| format!("there is no optimisation `{name}`; there are {}", names()))?;
        self.off |= 1 << *optimisation as u8;
        Ok(())
    }

    /// Takes registers and slots by chance.
    pub fn by_chance(&mut self, seed: u64) {
        self.seed = Some(seed);
    }

    /// Is the optimisation left out?
    pub fn is_off(self, optimisation: Optimisation) -> bool {
        self.off >> optimisation as u8 & 1 != 0
    }

    /// The chance of one body, which `number` tells from others.
    pub(super) fn chance(self, number: u64) -> Chance {
        Chance(self.seed.map(|seed| Cell::new(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))))
    }
}

/// Decides by chance, or, without a seed, takes what comes first.
pub(super) struct Chance(Option<Cell<u64>>);

impl Chance {
    /// A number below `limit`; 0 without a seed. SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
    pub(super) fn below(&self, limit: usize) -> usize {
        let Some(state) = &self.0 else { return 0 };
        state.set(state.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mut z = state.get();
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % limit.max(1) as u64) as usize
    }

    /// One of these, the first without a seed.
    pub(super) fn one_of<T>(&self, mut these: impl Iterator<Item = T> + Clone) -> Option<T> {
        match self.0 {
            None => these.next(),
            Some(_) => these.clone().nth(self.below(these.count())),
        }
    }

    /// Once in so many times; never without a seed.
    pub(super) fn once_in(&self, times: usize) -> bool {
        self.is_on() && self.below(times) == 0
    }

    /// Is there a seed?
    fn is_on(&self) -> bool {
        self.0.is_some()
    }
}

/// The registers that a body may use. It widens when one operation holds all that are in it.
pub(super) struct Pool {
    general: RegSet,
    floats: u32,
}

impl Pool {
    /// All registers, or, with a seed, some of them.
    pub(super) fn new<M: MacroAssembler>(chance: &Chance) -> Pool {
        let mut pool = Pool { general: RegSet(u32::MAX), floats: u32::MAX };
        if chance.is_on() {
            // Of four bodies one has all, another a quarter of them.
            let left_out = chance.below(4);
            let stays = |_: &u8| chance.below(4) >= left_out;
            pool.general = RegSet(M::CALLER_SAVED.iter().map(|r| r.0).filter(stays).fold(0, |all, r| all | 1 << r));
            pool.floats = M::FLOATS.iter().map(|f| f.0).filter(stays).fold(0, |all, f| all | 1 << f);
        }
        pool
    }

    /// May the register be used?
    pub(super) fn has(&self, r: Reg) -> bool {
        self.general.contains(r)
    }

    /// May the float register be used?
    pub(super) fn has_float(&self, f: FReg) -> bool {
        self.floats >> f.0 & 1 != 0
    }

    /// From now on the register may be used.
    pub(super) fn add(&mut self, r: Reg) {
        self.general = self.general.with(r);
    }

    /// From now on the float register may be used.
    pub(super) fn add_float(&mut self, f: FReg) {
        self.floats |= 1 << f.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_and_each_has_its_bit() {
        let mut trials = Trials::default();
        for (name, optimisation) in OPTIMISATIONS {
            assert!(!trials.is_off(optimisation));
            trials.leave_out(name).unwrap();
            assert!(trials.is_off(optimisation));
        }
        let why = trials.leave_out("twin").unwrap_err();
        assert!(why.contains("`twin`") && why.contains("twins, promotions"), "{why}");
    }

    #[test]
    fn without_a_seed_what_comes_first_is_taken() {
        let plain = Trials::default().chance(3);
        assert_eq!(plain.one_of([5, 6, 7].iter()), Some(&5));
        assert!(!plain.is_on() && !plain.once_in(1));
        let mut trials = Trials::default();
        trials.by_chance(1);
        let (one, other) = (trials.chance(3), trials.chance(3));
        let taken: Vec<usize> = (0..64).map(|_| one.below(8)).collect();
        assert!((0..8).all(|n| taken.contains(&n)), "{taken:?}");
        assert_eq!(taken, (0..64).map(|_| other.below(8)).collect::<Vec<_>>());
    }
}
