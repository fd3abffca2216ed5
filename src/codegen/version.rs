//! Versions: which code is being written of a part of a function, and what becomes in it of an operation whose check fails.
//!
//! Owns the one way in which operations fail. What fails in hot code leaves it for good, at its point of the program; what fails in a
//! function that is written in place of its call gives that up; anywhere else a helper does the operation, and its way joins again.
//!
//! Invariant: when a failing way has noted the state, nothing moves until the operation is done or that way has joined again. In a
//! checked build the state is sealed for so long.

use super::generator::{Generator, Walk};
use super::inline::InPlace;
use super::join::{Edge, Join};
use super::link::{Helper, SideExit};
use super::safepoints::Argument;
use super::twin::{Exit, Point, Promotion};
use crate::asm::masm::*;
use crate::mutations::{Mutation, mutated};
use crate::reader::tree::*;
use rustc_hash::FxHashMap;

/// What is being written.
#[derive(Default)]
pub(super) enum Version {
    /// The only version.
    #[default]
    Plain,
    /// The hot version of a loop or a body.
    Hot(Hot),
    /// Its twin.
    General(General),
    /// A function in place of its call.
    InPlace(InPlace),
}

/// A hot region.
#[derive(Default)]
pub(super) struct Hot {
    /// The ways out so far.
    pub(super) exits: Vec<Exit>,
    /// What was found worth asking before the loop.
    pub(super) found: Vec<(VarId, Promotion)>,
    /// First tick of the region: variables defined before it can be asked for.
    pub(super) start: u32,
}

/// The general version of a region.
#[derive(Default)]
pub(super) struct General {
    /// The exits of the hot version that have not arrived yet, by their points.
    pub(super) pending: FxHashMap<Point, Vec<Edge>>,
}

impl Version {
    /// The hot version of a region that starts at a tick.
    pub(super) fn hot(start: u32) -> Version {
        Version::Hot(Hot { start, ..Hot::default() })
    }

    /// The hot region that is being written, also around a function in place.
    pub(super) fn region(&self) -> Option<&Hot> {
        match self {
            Version::Hot(hot) => Some(hot),
            Version::InPlace(place) => place.hot.as_ref(),
            Version::Plain | Version::General(_) => None,
        }
    }

    pub(super) fn region_mut(&mut self) -> Option<&mut Hot> {
        match self {
            Version::Hot(hot) => Some(hot),
            Version::InPlace(place) => place.hot.as_mut(),
            Version::Plain | Version::General(_) => None,
        }
    }

    pub(super) fn in_place(&self) -> Option<&InPlace> {
        match self {
            Version::InPlace(place) => Some(place),
            _ => None,
        }
    }

    pub(super) fn in_place_mut(&mut self) -> Option<&mut InPlace> {
        match self {
            Version::InPlace(place) => Some(place),
            _ => None,
        }
    }

    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Version::Plain)
    }

    pub(super) fn is_general(&self) -> bool {
        matches!(self, Version::General(_))
    }

    /// The walk that writes it.
    pub(super) fn walk(&self) -> Walk {
        match (self, self.region()) {
            (Version::General(_), _) => Walk::Twin,
            (_, Some(_)) => Walk::Hot,
            (_, None) => Walk::General,
        }
    }
}

/// Where the checks of an operation go when they fail.
#[must_use]
pub(super) struct Failing {
    pub(super) label: Label,
    /// Where that way joins again: nowhere when it leaves for good.
    resume: Option<Label>,
}

impl Failing {
    /// Does it leave for good? Then what was asked is known behind the question.
    pub(super) fn leaves(&self) -> bool {
        self.resume.is_none()
    }

    /// Where that way joins again.
    pub(super) fn resume(&self) -> Option<Label> {
        self.resume
    }
}

/// What does an operation whose check has failed, where it does not leave for good.
pub(super) enum Slow<'j> {
    /// A helper, with these arguments, and its result in `dst`. The latest `spent` operands are not held during the call.
    Call { helper: Helper, arguments: Vec<Argument>, spent: usize, dst: Option<Reg> },
    /// A helper for the latest two operands, whose answer decides whether control goes to the join: when it is `when`.
    Condition { helper: Helper, when: bool, join: &'j mut Join },
}

impl Slow<'_> {
    /// A helper whose result nobody wants.
    pub(super) fn call(helper: Helper, arguments: Vec<Argument>) -> Self {
        Slow::Call { helper, arguments, spent: 0, dst: None }
    }
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    /// Is there a twin to leave for, or a real call?
    pub(super) fn is_hot(&self) -> bool {
        matches!(self.version, Version::Hot(_) | Version::InPlace(_))
    }

    /// The failing way of an operation, at its point.
    pub(super) fn fail(&mut self, point: impl Into<Point>, reason: SideExit, slow: Slow<'_>) -> Failing {
        match self.leave(point, reason) {
            Some(failing) => failing,
            None => self.slow(slow),
        }
    }

    /// The failing way of an operation on the latest operands, which it replaces by its result in `dst`.
    pub(super) fn failing(
        &mut self,
        node: NodeId,
        reason: SideExit,
        (helper, operands): (Helper, usize),
        dst: Reg,
    ) -> Failing {
        let arguments = (0..operands).map(|n| self.argument(self.top(operands - 1 - n))).collect();
        self.fail(node, reason, Slow::Call { helper, arguments, spent: operands, dst: Some(dst) })
    }

    /// In hot code: the way on which the present state leaves it for good, at a point just before the operation there. In a function in
    /// place: the way to the real call.
    pub(super) fn leave(&mut self, point: impl Into<Point>, reason: SideExit) -> Option<Failing> {
        let mut point = point.into();
        let mut state = match &self.version {
            Version::Plain | Version::General(_) => return None,
            Version::Hot(_) | Version::InPlace(_) => self.state.clone(),
        };
        if let Version::InPlace(place) = &self.version {
            state.drop_to(place.height);
            point = place.node.into();
        } else if let Some(below) = state.height().checked_sub(2).filter(|_| mutated(Mutation::ExitSwapped)) {
            let (a, b) = (*state.operand(below), *state.operand(below + 1));
            state.set_operand(below, b);
            state.set_operand(below + 1, a);
        }
        let label = self.asm.label();
        let edge = Edge::new(state, label);
        match &mut self.version {
            Version::InPlace(InPlace { hot: None, exits, .. }) => exits.edges.push(edge),
            version => version.region_mut()?.exits.push(Exit { point, edge, reason }),
        }
        self.state.seal();
        Some(Failing { label, resume: None })
    }

    /// The failing way of an operation, which comes back: see [`Generator::resumes`].
    pub(super) fn slow(&mut self, slow: Slow<'_>) -> Failing {
        let (label, resume) = match slow {
            Slow::Call { helper, arguments, spent, dst } => {
                let resume = self.asm.label();
                (self.slow_path(helper, arguments, spent, dst, resume), resume)
            }
            Slow::Condition { helper, when, join } => self.slow_condition(helper, when, join),
        };
        self.state.seal();
        Failing { label, resume: Some(resume) }
    }

    /// The failing way joins here, if it comes back.
    pub(super) fn resumes(&mut self, failing: &Failing) {
        if let Some(resume) = failing.resume {
            self.asm.bind(resume);
            self.state.echoes_mut().forget();
            self.state.unseal();
        }
    }

    /// In hot code: leaves when something has changed that the code takes for granted. False in other code.
    pub(super) fn leave_if_revised(&mut self, node: NodeId) -> bool {
        let Some(failing) = self.leave(node, SideExit::Redefined) else { return false };
        self.branch_if_revised(failing.label);
        self.state.unseal();
        true
    }
}
