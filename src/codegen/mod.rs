//! The generator: a tree goes in, machine code with its stack maps comes out, in one walk.
//!
//! Owns the meaning of every form of the language in terms of the macro assembler. Must not know machines (it names no
//! register but through the trait), namespaces, files or code memory (what it needs of them it asks of a [`link::Link`]).
//!
//! | file | what |
//! | --- | --- |
//! | `state.rs`, `table.rs`, `facts.rs` | the state: places, representations, facts; how states share them |
//! | `present.rs` | the state where code is being written; where variables live, as it changes |
//! | `generator.rs`, `operands.rs`, `safepoints.rs` | the generator and its registers; operands and variables; stack maps, helper calls, slow paths |
//! | `echoes.rs` | what registers hold that nobody owns |
//! | `agree.rs`, `join.rs` | making states agree; merges |
//! | `version.rs` | hot, general, in place: which version is being written, and how an operation fails in each |
//! | `twin.rs` | general twins of hot regions: exits, and the points at which they arrive |
//! | `survey.rs` | the look ahead: lives, homes, calls in loops |
//! | `accumulators.rs` | variables whose map grows in place |
//! | `inline.rs` | small functions in place of their calls |
//! | `lines.rs` | which node each instruction is written for |
//! | `expression.rs`, `arith.rs`, `compare.rs`, `predicates.rs`, `calls.rs`, `objects.rs`, `lookups.rs`, `loops.rs`, `headers.rs`, `counters.rs`, `patterns.rs`, `exceptions.rs` | the forms |
//! | `settled.rs` | what landing pads expect |
//! | `link.rs` | what is asked of the rest of the system |
//! | `failure.rs` | how the work is given up |
//! | `trials.rs` | registers by chance, optimisations left out: to show that nothing depends on them |
//!
//! `--dump=asm` shows what comes out.

mod accumulators;
mod agree;
mod arith;
mod calls;
mod compare;
mod counters;
mod echoes;
mod exceptions;
mod expression;
pub mod facts;
pub mod failure;
mod generator;
mod headers;
mod inline;
mod join;
mod lines;
pub mod link;
mod lookups;
mod loops;
mod objects;
mod operands;
mod patterns;
mod predicates;
mod present;
mod safepoints;
mod settled;
mod state;
mod survey;
mod table;
pub mod trials;
mod twin;
mod version;

use crate::asm::code_map::{MAX_SAFEPOINTS, Part, SafepointInfo, Safepoints};
use crate::asm::lines::{Inlined, Row};
use crate::asm::masm::*;
use crate::asm::variables::{Variable, Variables};
use crate::gc::mutator::thread;
use crate::mutations::{Mutation, mutated};
use crate::object::layout;
use crate::reader::tree::*;
use crate::stack;
use facts::{Facts, Hint, Hints, Seen};
use failure::GivenUp;
use generator::Generator;
use link::Link;
use present::Present;
use state::{Place, State, Value};
use survey::Survey;
use trials::{Optimisation, Pool};
use twin::BODY_CAP;
use version::{Hot, Version};

/// The code of one arity, not yet at its place.
#[derive(Debug)]
pub struct Generated {
    /// The bytes and what is to be resolved in them.
    pub code: Assembled,
    /// The callee-saved registers it saves.
    pub saved: u8,
    /// How many arguments it finds in registers.
    pub arguments: u8,
    /// Bytes of its frame below the frame pointer.
    pub frame_bytes: u32,
    /// What lives at each return address.
    pub safepoints: Safepoints,
    /// Which place of the text code belongs to, by code offset.
    pub lines: Vec<Row>,
    /// The functions that were written in place of their calls.
    pub inlined: Vec<Inlined>,
    /// Where variables live, when somebody wants to know.
    pub variables: Variables,
    /// A collection that changes in place may come in the first parameter.
    pub takes_marked: bool,
    /// Where parts begin, after the hot one.
    pub parts: Vec<(u32, Part)>,
}

/// Generates the code of one arity of a function. `seen`: what the first call showed of the arguments.
///
/// The code takes `params` arguments, and the rest vector after them when there is a rest parameter, by the calling convention
/// of `calls.rs`.
pub fn generate<M: MacroAssembler>(
    link: &mut dyn Link,
    unit: &Unit,
    function: FunctionId,
    arity: usize,
    seen: &[Seen],
) -> Result<Generated, GivenUp> {
    failure::caught(|| {
        let arity = &unit.function(function).arities[arity];
        let survey = Survey::of(unit, function, arity, link);
        let mut asm = M::new();
        asm.keep_comments(link.notes());
        let mut generator = Generator::<M>::new(asm, link, unit, function, arity, survey);
        generator.whole(seen);
        generator.finish().map_err(GivenUp::TooFar)
    })
}

/// What is told of a variable of a function, to those who want to know where it is.
fn variable(unit: &Unit, arity: &Arity, var: &Var) -> Variable {
    Variable {
        name: var.name.0,
        source: var.span.start,
        scope: (var.scope.start.max(var.span.start), var.scope.end),
        parameter: var.kind == VarKind::Local && var.span.start < unit.span(arity.body).start,
        boxed: var.boxed,
        in_place: 0,
    }
}

/// Tells the body from others of its unit.
fn body_number(own: FunctionId, arity: &Arity) -> u64 {
    u64::from(own.0) << 32 | u64::from(arity.body.0)
}

impl<'a, M: MacroAssembler> Generator<'a, M> {
    fn new(
        mut asm: M,
        link: &'a mut dyn Link,
        unit: &'a Unit,
        own: FunctionId,
        arity: &'a Arity,
        survey: Survey,
    ) -> Self {
        let variables = || arity.vars.iter().map(|var| variable(unit, arity, var)).collect();
        let state = Present::new(State::new(survey.ends()), link.variables().then(variables));
        let trials = link.trials();
        let chance = trials.chance(body_number(own, arity));
        let pool = Pool::new::<M>(&chance);
        let start = asm.label();
        Generator {
            start,
            trials,
            chance,
            pool,
            asm,
            link,
            unit,
            arity,
            own,
            survey,
            state,
            hints: Hints::default(),
            pinned: RegSet::default(),
            pinned_floats: 0,
            slot_count: 0,
            cold: Vec::new(),
            safepoints: Vec::new(),
            slot_sets: Default::default(),
            lines: Default::default(),
            parts: Vec::new(),
            handler: None,
            in_handlers: 0,
            settled: Default::default(),
            loops: Vec::new(),
            joins: Vec::new(),
            cleanups: Vec::new(),
            version: Version::Plain,
            unwanted: None,
            last: false,
            evaluated: None,
            wanted: None,
            newborn: false,
            prologue: 0,
            at: arity.body,
            now: 0,
            work: 0,
            haste: Default::default(),
            learned: Default::default(),
            counts_any: None,
            types_asked: None,
            others: None,
            written: Default::default(),
        }
    }

    fn whole(&mut self, seen: &[Seen]) {
        // The way in belongs to the line on which the function begins.
        let start = self.unit.function(self.own).span.start;
        self.lines.note(0, Span { start, end: start });
        self.asm.bind(self.start);
        self.prologue = self.asm.prologue(self.survey.saved);
        self.entry(seen);
        let body = self.arity.body;
        if self.survey.simple && self.arity.size <= BODY_CAP && !self.trials.is_off(Optimisation::Twins) {
            self.version = Version::hot(0);
        }
        self.tail(body);
        if let Version::Hot(hot) = std::mem::take(&mut self.version)
            && !hot.exits.is_empty()
        {
            self.later(move |g| g.twin_body(hot));
        }
        while !self.cold.is_empty() {
            for cold in std::mem::take(&mut self.cold) {
                self.part(Part::Cold);
                cold(self);
            }
        }
    }

    /// A part of the code begins here.
    fn part(&mut self, part: Part) {
        let offset = self.asm.offset();
        self.parts.pop_if(|last| last.0 == offset);
        if self.parts.last().map_or(Part::Hot, |last| last.1) != part {
            self.parts.push((offset, part));
        }
    }

    /// The general version of a body: entered by the exits of the hot one only.
    fn twin_body(&mut self, hot: Hot) {
        self.part(Part::General);
        self.enter_cold(self.state.without_values(), self.arity.body, None);
        self.unreachable();
        self.version = self.twin_of(hot);
        self.now = 0;
        self.tail(self.arity.body);
        self.version = Version::Plain;
    }

    /// From the calling convention to variables: arguments, captures, the poll, patterns.
    fn entry(&mut self, seen: &[Seen]) {
        let arity = self.arity;
        let uses_closure = arity.vars.iter().any(|v| v.kind != VarKind::Local);
        if uses_closure {
            self.push_reg(M::CLOSURE, Facts::FUNCTION);
        }
        let first = self.state.height();
        let patterns: Vec<PatternId> = arity.params.iter().chain(arity.rest.iter()).copied().collect();
        self.push_arguments(patterns.len(), seen);
        if self.survey.has_calls || !arity.loops.is_empty() {
            self.poll_on_entry();
        }
        self.define_captured();
        let misfit = self.match_arguments(&patterns, first);
        self.state.drop_to(0);
        self.unpin();
        if !misfit.edges.is_empty() {
            let at = self.at;
            self.later(move |g| {
                g.enter_cold(g.state.without_values(), at, None);
                g.unreachable();
                g.place(misfit);
                g.call_throwing(link::Helper::MatchError, 1);
                g.state.drop_to(0);
            });
        }
    }

    /// The arguments become operands.
    fn push_arguments(&mut self, n: usize, seen: &[Seen]) {
        for k in 0..n.min(ARG_REGS) {
            let rest = k == self.arity.params.len();
            let facts = if rest { Facts::object(layout::VECTOR) } else { Facts::ANY };
            let hint = seen.get(k).map_or(Hint::None, |seen| self.hint(seen));
            self.state.push(Value::new(Place::Reg(M::ARGS[k]), facts).hinted(hint));
        }
        for k in ARG_REGS..n {
            let r = self.register();
            self.asm.load(r, Mem::at(M::CTX, thread::OFFSET_ARG_SPILL + 8 * k as i32));
            self.push_reg(r, Facts::ANY);
            self.unpin();
        }
    }

    fn poll_on_entry(&mut self) {
        let slow = self.asm.label();
        let resume = self.asm.label();
        self.asm.branch_stack_limit(thread::OFFSET_STACK_LIMIT, slow);
        self.asm.bind(resume);
        self.state.echoes_mut().forget();
        self.cold_poll(slow, resume);
    }

    /// The variables that the function, which is operand 0, has captured, and its own name.
    fn define_captured(&mut self) {
        for (i, var) in self.arity.vars.iter().enumerate() {
            match var.kind {
                VarKind::Local => continue,
                VarKind::SelfName => {
                    let value = *self.state.operand(0);
                    self.state.push(value);
                }
                VarKind::Captured(k) => {
                    let closure = self.in_register(0);
                    let r = self.register();
                    self.asm.load(r, Mem::at(closure, layout::closure_disp(layout::CLOSURE_CAPTURES + k as usize)));
                    let seen = self.link.captured(k);
                    let hint = self.hint(&seen);
                    self.replace(0, Value::new(Place::Reg(r), Facts::ANY).hinted(hint));
                }
            }
            self.store_var(VarId(i as u32));
        }
    }

    /// The arguments, operands from `first` on, against their patterns: gives the ways of those that do not fit, each with the argument.
    fn match_arguments(&mut self, patterns: &[PatternId], first: usize) -> join::Join {
        let mut misfit = join::Join::new();
        for (k, pattern) in patterns.iter().enumerate() {
            let i = first + k;
            match self.unit.pattern(*pattern) {
                Pattern::Bind(_) | Pattern::Ignore => self.match_pattern(*pattern, i, &mut misfit),
                _ => {
                    let mut inner = join::Join::new();
                    self.match_pattern(*pattern, i, &mut inner);
                    for edge in &mut inner.edges {
                        // Only the argument that does not fit is shown.
                        let value = *edge.state.operand(i);
                        edge.state_mut().drop_to(0);
                        edge.state_mut().push(value);
                    }
                    misfit.edges.append(&mut inner.edges);
                }
            }
        }
        misfit
    }

    fn finish(mut self) -> Result<Generated, TooFar> {
        // The cold paths have calls, too.
        if self.safepoints.len() > MAX_SAFEPOINTS {
            failure::give_up(GivenUp::TooLarge);
        }
        let frame_bytes = self.frame_bytes();
        if frame_bytes <= stack::SMALL_FRAME || mutated(Mutation::LargeFrameUnasked) {
            self.asm.set_frame_size(self.prologue, frame_bytes);
        } else {
            let (saved, overflow) = (self.survey.saved, self.link.helper(link::Helper::StackOverflow));
            self.asm.set_large_frame_size(self.prologue, saved, frame_bytes, thread::OFFSET_STACK_FLOOR, overflow);
        }
        let asm = &self.asm;
        let infos = self.safepoints.iter().map(|p| SafepointInfo {
            return_offset: p.return_offset,
            live_saved: p.live_saved,
            slots: p.slots,
            handler: p.handler.and_then(|label| asm.position(label)),
            tail: p.tail,
        });
        let safepoints = Safepoints::new(infos, std::mem::take(&mut self.slot_sets));
        let variables = self.state.variables();
        let lines = self.lines;
        Ok(Generated {
            code: self.asm.finish()?,
            saved: self.survey.saved,
            arguments: (self.arity.params.len() + usize::from(self.arity.rest.is_some())).min(ARG_REGS) as u8,
            frame_bytes,
            safepoints,
            lines: lines.rows,
            variables,
            inlined: lines.inlined,
            takes_marked: self.survey.accumulators.takes_marked,
            parts: self.parts,
        })
    }
}
