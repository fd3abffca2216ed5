//! Values that nobody looks at, where that is a mistake.
//!
//! Owns the warnings of calls whose value is dropped though they do nothing but give it, of Results that would tell of a failure,
//! and of conditions that assign. Must not know of anything else that is wrong with a unit.

use super::*;

/// Functions of `core` that do nothing but give a value, and whose like changes something elsewhere.
#[rustfmt::skip]
const GIVES_ONLY: &[&str] = &[
    "push", "conj", "assoc", "assoc-in", "dissoc", "update", "update-in", "merge", "into", "concat", "reverse", "sort", "sort-by",
    "distinct", "flatten", "remove-at", "take", "drop", "set-add", "set-remove", "set-union", "uppercase", "lowercase", "trim",
    "trim-left", "trim-right", "replace", "replace-first", "substring", "pad-left", "pad-right", "split",
    "format-number", "map-vals", "map-keys", "select-keys", "ok", "err",
];

/// Functions of `core` that do nothing but give a value, where the function that they are given does nothing else either.
const GIVES_BY: &[&str] =
    &["map", "filter", "remove", "keep", "flat-map", "sort-with", "group-by", "take-while", "drop-while"];

/// Functions of `core` that only ask or compute, as what such a function may call. Not `join`, which waits for threads.
const ASKS: &[&str] =
    &["length", "count", "first-of", "second", "last", "get", "to-string", "to-int", "to-float", "abs"];

/// Functions of `io` that change a file or folder, whose Result tells whether that was done. What is written to a stream is no
/// different from what is printed: nobody asks.
const MAY_FAIL: &[&str] = &["write-file", "append-file", "create-directory", "delete", "rename"];

/// A Result is followed through so many functions of the program: each is a level of the native stack here.
const MOST_CALLS: usize = 32;

impl<'a> Checker<'a> {
    /// The calls whose value nobody sees, though they do nothing but give it.
    pub(super) fn dropped(&mut self, statements: &[NodeId]) {
        for statement in statements {
            self.each_end(*statement, |checker, node| match checker.unit.node(node) {
                Node::Call { callee, args, .. } => {
                    let args = checker.unit.list(*args);
                    if let Some(name) = checker.core_function(*callee) {
                        let order = if GIVES_BY.contains(&name) { args.last() } else { args.first() };
                        checker.dropped_call(node, name, args, order.copied());
                    }
                    checker.dropped_result(node);
                }
                Node::MethodCall { object, name, .. } => checker.dropped_method(node, checker.name(*name), *object),
                _ => {}
            });
        }
    }

    /// What comes last in a file that is run, and in its `main`: nobody sees it either.
    pub(super) fn dropped_at_the_end(&mut self) {
        if !self.unit.source.has_file() {
            return;
        }
        let main = self.unit.items.iter().find_map(|item| match item {
            Item::Function { name, function, .. } if self.name(*name) == "main" => Some(*function),
            _ => None,
        });
        for function in [Some(self.unit.init), main].into_iter().flatten() {
            for arity in &self.unit.function(function).arities {
                self.each_end(arity.body, Self::dropped_result);
            }
        }
    }

    /// Looks at what ends the node, whose value nobody sees: through the bodies of loops, and what only chooses.
    fn each_end(&mut self, node: NodeId, mut look: impl FnMut(&mut Self, NodeId)) {
        let mut work = vec![node];
        while let Some(node) = work.pop() {
            look(self, node);
            match self.unit.node(node) {
                Node::For { body, .. } | Node::While { body, .. } => work.push(*body),
                _ => work.extend(self.ends(node)),
            }
        }
    }

    /// The expressions that give the value of one that only chooses among them.
    fn ends(&self, node: NodeId) -> Vec<NodeId> {
        match self.unit.node(node) {
            Node::Block(list) => self.unit.list(*list).last().copied().into_iter().collect(),
            Node::If { then, otherwise, .. } => std::iter::once(*then).chain(*otherwise).collect(),
            Node::Match { arms, .. } => arms.iter().map(|arm| arm.body).collect(),
            _ => Vec::new(),
        }
    }

    /// The name of the function of `core` that is called.
    pub(super) fn core_function(&self, callee: NodeId) -> Option<&'static str> {
        match self.known(callee)? {
            ("core", name) => Some(name),
            _ => None,
        }
    }

    /// Namespace and name of the function of another namespace that is called.
    fn known(&self, callee: NodeId) -> Option<(&'static str, &'static str)> {
        let Node::Global(global) = self.unit.node(callee) else { return None };
        match self.meaning(*global)? {
            Meaning::Known(known) => Some((known.0.namespace.name, known.0.name)),
            Meaning::Own(_) => None,
        }
    }

    /// A method that only gives a value, of a protocol that `core` implements; any other is an error of its own when it is called.
    fn dropped_method(&mut self, node: NodeId, name: &'a str, object: NodeId) {
        if !self.scope.vm.dispatch.methods_named(name).is_empty() {
            self.dropped_call(node, name, &[], Some(object));
        }
    }

    fn dropped_call(&mut self, node: NodeId, name: &str, args: &[NodeId], changed: Option<NodeId>) {
        let gives = GIVES_ONLY.contains(&name) && args.iter().all(|arg| self.does_nothing_more(*arg))
            || GIVES_BY.contains(&name)
                && args.split_last().is_some_and(|(_, f)| f.iter().all(|f| self.only_gives(*f)));
        // A type of the program's may do more by a method of this name.
        if !gives || self.scope.vm.dispatch.is_given(name) || self.methods.contains(name) {
            return;
        }
        let span = head(self.unit, self.unit.span(node));
        let help = match changed.map(|node| self.unit.node(node)) {
            Some(Node::Local(_)) => {
                let variable = changed.and_then(|node| self.written(node)).unwrap_or("x");
                let whole = self.piped(node, changed).and_then(|span| self.text(span));
                let written = whole.or(self.written(node)).filter(|call| call.len() <= 60).unwrap_or("…");
                format!(
                    "it gives a new value, and `{variable}` stays as it is: write `{variable} = {written}`, with `let mut {variable}`"
                )
            }
            _ => "it gives a new value, and changes nothing: give the value a name, or delete the call".into(),
        };
        let warning = self.warning(span, format!("what `{name}` gives is not used"));
        warning.label = Some("computed, and dropped".into());
        warning.help = Some(help);
    }

    /// The whole of `xs |>> filter(f)`, where the argument stands before its call.
    fn piped(&self, call: NodeId, argument: Option<NodeId>) -> Option<Span> {
        let (call, argument) = (self.unit.span(call), self.unit.span(argument?));
        (argument.end <= call.start).then_some(Span { start: argument.start, end: call.end })
    }

    /// The text of a node that stands on one line.
    fn written(&self, node: NodeId) -> Option<&'a str> {
        self.text(self.unit.span(node))
    }

    fn text(&self, span: Span) -> Option<&'a str> {
        self.unit.source.text.get(span.start as usize..span.end as usize).filter(|text| !text.contains('\n'))
    }

    /// Is it a function that, whatever it is called with, only gives a value?
    fn only_gives(&self, function: NodeId) -> bool {
        match self.unit.node(function) {
            Node::Function(id) => self.unit.function(*id).arities.iter().all(|arity| self.harmless(arity.body)),
            Node::Global(_) => self.core_function(function).is_some_and(asks),
            _ => false,
        }
    }

    /// Does what is given to a function do nothing when that function calls it, as far as the text says?
    fn does_nothing_more(&self, argument: NodeId) -> bool {
        match self.unit.node(argument) {
            Node::Function(_) => self.only_gives(argument),
            Node::Global(_) => match self.known(argument) {
                Some((namespace, name)) => namespace == "core" && asks(name),
                None => self.own_function(argument).is_none(),
            },
            _ => true,
        }
    }

    /// Does evaluating the node do nothing but give a value (or fault)?
    fn harmless(&self, node: NodeId) -> bool {
        let unit = self.unit;
        let mut work = vec![node];
        while let Some(id) = work.pop() {
            match unit.node(id) {
                Node::Block(list) => work.extend_from_slice(unit.list(*list)),
                Node::Field { object, .. } => work.push(*object),
                Node::Index { object, index, .. } => work.extend([*object, *index]),
                Node::If { condition, then, otherwise } => {
                    work.extend([*condition, *then]);
                    work.extend(otherwise);
                }
                Node::Call { callee, args, .. }
                    if self.core_function(*callee).is_some_and(asks)
                        && unit.list(*args).iter().all(|arg| self.does_nothing_more(*arg)) =>
                {
                    let values = unit.list(*args).iter().filter(|arg| !matches!(unit.node(**arg), Node::Function(_)));
                    work.extend(values);
                }
                _ if lints::operands_of_pure(unit, id, &mut work) => {}
                _ => return false,
            }
        }
        true
    }

    // ---- Results ----

    /// A Result that would tell of a failure, at the call that gives it.
    fn dropped_result(&mut self, node: NodeId) {
        let Some(giver) = self.gives_result(node, MOST_CALLS) else { return };
        let Node::Call { callee, .. } = self.unit.node(node) else { return };
        // A function of the program is told once.
        if self.own_function(*callee).is_some_and(|function| !self.told.insert(function)) {
            return;
        }
        let called = self.written(*callee).unwrap_or(giver);
        let span = head(self.unit, self.unit.span(node));
        let written = self.written(node).filter(|text| text.len() <= 40).map_or(format!("{called}(…)"), str::to_string);
        let warning = self.warning(span, "a failure here would not be noticed".into());
        warning.label = Some(format!("the Result of `{called}` is dropped"));
        warning.help = Some(format!(
            "`unwrap!({written})` throws the error, `match` looks at it (`Result.Ok {{ value }} => …, Result.Err {{ error }} => …`); \
             if it may fail, write `let _ = …`"
        ));
    }

    /// The function of `io` whose Result the call gives, itself or through functions of the program that end in such a call.
    fn gives_result(&mut self, node: NodeId, calls: usize) -> Option<&'static str> {
        let Node::Call { callee, .. } = self.unit.node(node) else { return None };
        if let Some(("io", name)) = self.known(*callee) {
            return Some(name).filter(|name| MAY_FAIL.contains(name));
        }
        let function = self.own_function(*callee).filter(|_| calls > 0)?;
        if let Some(known) = self.gives.get(&function) {
            return *known;
        }
        // One that calls itself gives nothing by that.
        self.gives.insert(function, None);
        let mut work: Vec<NodeId> = self.unit.function(function).arities.iter().map(|arity| arity.body).collect();
        let mut given = None;
        while let (Some(node), None) = (work.pop(), given) {
            given = self.gives_result(node, calls - 1);
            work.extend(self.ends(node));
        }
        self.gives.insert(function, given);
        given
    }

    /// The function of the unit that is called by its name.
    fn own_function(&self, callee: NodeId) -> Option<FunctionId> {
        let Node::Global(global) = self.unit.node(callee) else { return None };
        let Some(Meaning::Own(own)) = self.meaning(*global) else { return None };
        match &self.unit.items[own.item] {
            Item::Function { function, .. } => Some(*function),
            _ => None,
        }
    }

    // ---- conditions ----

    /// `if x = 2`, which is always the same.
    pub(super) fn assigns(&mut self, condition: NodeId) {
        let Node::Assign { value, .. } = self.unit.node(condition) else { return };
        let constant = matches!(
            self.unit.node(*value),
            Node::Int(_) | Node::Float(_) | Node::String(_) | Node::Keyword(_) | Node::Bool(_) | Node::Null
        );
        if !constant {
            return;
        }
        let span = self.unit.span(condition);
        let text = self.written(condition).unwrap_or("x = 1").replacen('=', "==", 1);
        let warning = self.warning(span, "this condition assigns, and compares nothing".into());
        warning.help = Some(format!("to compare, write `{text}`"));
    }
}

/// Does the function of `core` only ask or compute?
fn asks(name: &str) -> bool {
    name.ends_with('?') || GIVES_ONLY.contains(&name) || ASKS.contains(&name)
}
