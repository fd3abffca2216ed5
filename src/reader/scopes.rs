//! Who is who: variables, captures, and what is assigned where.
//!
//! Owns the stack of arities being read ([`Frame`]), the names in view, and what is noted while the parser walks
//! over the text once: uses, captures, what loops assign. It must not know how anything is written.
//!
//! Names in view are an array indexed by [`Name`], with an undo log: looking up a name is one load, and closing a
//! scope puts back what was there before.

use rustc_hash::{FxHashMap, FxHashSet};

use super::tree::{Function, FunctionId, Loop, LoopId, Name, Span, Var, VarId, VarKind};

/// What a name means at the moment.
#[derive(Clone, Copy)]
struct Binding {
    frame: u32,
    var: VarId,
}

/// What the arities of one function share while the function is read.
#[derive(Default)]
pub struct Captures {
    /// The variables of the enclosing arity, in capture order.
    pub list: Vec<VarId>,
    index: FxHashMap<VarId, u32>,
}

/// An arity being read.
pub struct Frame {
    /// The function it belongs to.
    pub function: FunctionId,
    /// Which of the function's arities it is.
    pub arity: u32,
    /// Its variables so far.
    pub vars: Vec<Var>,
    /// Its loops so far.
    pub loops: Vec<Loop>,
    /// The loops around the present place, innermost last.
    pub loop_stack: Vec<LoopId>,
    /// Nodes seen so far.
    pub size: u32,
    /// How many `try` and `binding` bodies are around the present place: no tail calls in there.
    pub shields: u32,
    /// It is the top-level code.
    pub init: bool,
    /// What the function captures.
    pub captures: Captures,
    captured_vars: FxHashMap<u32, VarId>,
    loop_assigned: FxHashSet<(LoopId, VarId)>,
}

impl Frame {
    /// An empty arity.
    pub fn new(function: FunctionId, arity: u32, captures: Captures, init: bool) -> Frame {
        Frame {
            function,
            arity,
            vars: Vec::new(),
            loops: Vec::new(),
            loop_stack: Vec::new(),
            size: 0,
            shields: 0,
            init,
            captures,
            captured_vars: FxHashMap::default(),
            loop_assigned: FxHashSet::default(),
        }
    }

    /// Makes a variable. It is not in view before [`Scopes::declare`].
    pub fn new_var(&mut self, name: Name, kind: VarKind, mutable: bool, span: Span) -> VarId {
        let id = VarId(self.vars.len() as u32);
        let loop_ = if kind == VarKind::Local { self.loop_stack.last().copied() } else { None };
        self.vars.push(Var {
            name,
            kind,
            mutable,
            assigned: false,
            captured: false,
            boxed: false,
            uses: 0,
            loop_,
            span,
            scope: Span::default(),
        });
        id
    }

    /// The variable belongs to this loop, though it was made before the loop was entered.
    pub fn adopt(&mut self, var: VarId, loop_: LoopId) {
        self.vars[var.index()].loop_ = Some(loop_);
    }

    /// Notes that the variable is read here.
    pub fn read(&mut self, var: VarId) {
        let entry = &mut self.vars[var.index()];
        entry.uses = entry.uses.saturating_add(1);
    }

    /// Notes that the variable is assigned here, by this arity's code.
    pub fn assign(&mut self, var: VarId) {
        let home = self.vars[var.index()].loop_;
        for &loop_ in self.loop_stack.iter().rev().take_while(|l| Some(**l) != home) {
            if !self.loop_assigned.insert((loop_, var)) {
                break;
            }
            self.loops[loop_.index()].assigned.push(var);
        }
    }

    /// Enters a loop.
    pub fn enter_loop(&mut self) -> LoopId {
        let id = LoopId(self.loops.len() as u32);
        self.loops.push(Loop::default());
        self.loop_stack.push(id);
        id
    }

    /// Leaves the innermost loop.
    pub fn leave_loop(&mut self) {
        self.loop_stack.pop();
    }

    fn capture(&mut self, outer: VarId, model: &Var) -> VarId {
        let next = self.captures.list.len() as u32;
        let index = *self.captures.index.entry(outer).or_insert(next);
        if index == next {
            self.captures.list.push(outer);
        }
        if let Some(var) = self.captured_vars.get(&index) {
            return *var;
        }
        let var = self.new_var(model.name, VarKind::Captured(index), model.mutable, model.span);
        self.captured_vars.insert(index, var);
        var
    }
}

/// The arities being read, outermost first, and the names in view.
#[derive(Default)]
pub struct Scopes {
    /// The arities being read.
    pub frames: Vec<Frame>,
    bindings: Vec<Option<Binding>>,
    undo: Vec<(Name, Option<Binding>)>,
}

impl Scopes {
    /// The innermost arity.
    pub fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("there is always the top-level code")
    }

    /// Is this the top-level code, and no function?
    pub fn at_top_level(&self) -> bool {
        self.frames.len() == 1
    }

    /// The present state of the names in view, for [`Scopes::close`].
    pub fn open(&self) -> usize {
        self.undo.len()
    }

    /// Puts the names in view back to what they were at [`Scopes::open`]; the scope ends at this place of the text.
    pub fn close(&mut self, mark: usize, at: u32) {
        while self.undo.len() > mark {
            let Some((name, before)) = self.undo.pop() else { break };
            let gone = std::mem::replace(&mut self.bindings[name.index()], before);
            if let Some(Binding { frame, var }) = gone {
                self.frames[frame as usize].vars[var.index()].scope.end = at;
            }
        }
    }

    /// Puts a variable of the innermost arity into view, from this place of the text on.
    pub fn declare(&mut self, name: Name, var: VarId, at: u32) {
        if self.bindings.len() <= name.index() {
            self.bindings.resize(name.index() + 1, None);
        }
        self.undo.push((name, self.bindings[name.index()]));
        let frame = self.frames.len() as u32 - 1;
        self.bindings[name.index()] = Some(Binding { frame, var });
        let frame = self.frame();
        frame.vars[var.index()].scope.start = at;
    }

    /// Whether the name is a local variable here.
    pub fn is_local(&self, name: Name) -> bool {
        matches!(self.bindings.get(name.index()), Some(Some(_)))
    }

    /// The innermost arity's variable for the name, captured through all levels where it belongs to an outer arity.
    pub fn resolve(&mut self, name: Name) -> Option<VarId> {
        let binding = (*self.bindings.get(name.index())?)?;
        let mut var = binding.var;
        for level in binding.frame as usize + 1..self.frames.len() {
            let (outer, inner) = self.frames.split_at_mut(level);
            let model = &mut outer[level - 1].vars[var.index()];
            model.captured = true;
            var = inner[0].capture(var, model);
        }
        Some(var)
    }

    /// Notes an assignment to a variable of the innermost arity, here and at every level it was captured through.
    pub fn assign(&mut self, var: VarId) {
        self.frame().assign(var);
        let mut var = var;
        for frame in self.frames.iter_mut().rev() {
            let entry = &mut frame.vars[var.index()];
            entry.assigned = true;
            match entry.kind {
                VarKind::Captured(index) => var = frame.captures.list[index as usize],
                _ => break,
            }
        }
    }

    /// The variable as it was defined: where it stands, and whether it may be assigned.
    pub fn model(&mut self, var: VarId) -> &Var {
        &self.frame().vars[var.index()]
    }
}

/// Settles which variables live in boxes, from the outermost functions inwards. `homes` gives the arity (of the parent)
/// that each function stands in.
pub fn settle_boxes(functions: &mut [Function], homes: &[u32]) {
    for (id, &home) in homes.iter().enumerate() {
        let Some((before, rest)) = functions.split_at_mut_checked(id) else { break };
        let Some(function) = rest.first_mut() else { break };
        let outer = function.parent.and_then(|p| before.get(p.index())).and_then(|p| p.arities.get(home as usize));
        for arity in &mut function.arities {
            for var in &mut arity.vars {
                match (var.kind, outer) {
                    (VarKind::Captured(index), Some(outer)) => {
                        let source = function.captures.get(index as usize).and_then(|v| outer.vars.get(v.index()));
                        if let Some(source) = source {
                            var.assigned = source.assigned;
                            var.boxed = source.boxed;
                        }
                    }
                    _ => var.boxed = var.captured && var.assigned,
                }
            }
        }
    }
}
