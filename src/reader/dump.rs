//! The tree as text, for `--dump=tree` and for tests.
//!
//! Owns nothing but the form of the dump. Works with a stack of its own, so that a high tree is no danger.

use std::fmt::Write;

use super::tree::*;

/// The whole unit, one node a line, children indented below their parents.
pub fn dump(unit: &Unit) -> String {
    let mut dumper = Dumper { unit, out: String::new(), work: Vec::new(), arity: (unit.init, 0) };
    dumper.heads();
    let init = unit.init;
    dumper.line(0, "init");
    dumper.work.push(Work::Function(1, init));
    dumper.drain();
    dumper.out
}

/// One function of a unit, likewise.
pub fn dump_function(unit: &Unit, function: FunctionId) -> String {
    let mut dumper = Dumper { unit, out: String::new(), work: Vec::new(), arity: (function, 0) };
    let name = unit.function(function).name.map_or("without a name", |name| unit.name(name));
    dumper.line(0, &format!("function {name}"));
    dumper.work.push(Work::Function(1, function));
    dumper.drain();
    dumper.out
}

/// What is still to be written, and how far to the right.
enum Work {
    Node(usize, NodeId),
    Pattern(usize, PatternId),
    Function(usize, FunctionId),
    Arity(usize, FunctionId, usize),
    Label(usize, String),
    /// The variables that follow belong to this arity.
    Enter(FunctionId, usize),
}

struct Dumper<'a> {
    unit: &'a Unit,
    out: String,
    work: Vec<Work>,
    arity: (FunctionId, usize),
}

impl Dumper<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        // Beyond some depth the indentation would be all there is.
        let _ = writeln!(self.out, "{:width$}{text}", "", width = depth.min(100) * 2);
    }

    fn drain(&mut self) {
        while let Some(work) = self.work.pop() {
            match work {
                Work::Node(depth, id) => self.node(depth, id),
                Work::Pattern(depth, id) => self.pattern(depth, id),
                Work::Function(depth, id) => self.function(depth, id),
                Work::Arity(depth, id, index) => self.arity(depth, id, index),
                Work::Label(depth, text) => self.line(depth, &text),
                Work::Enter(id, index) => self.arity = (id, index),
            }
        }
    }

    /// Puts children on the stack so that the first comes out first.
    fn children(&mut self, children: Vec<Work>) {
        self.work.extend(children.into_iter().rev());
    }

    fn global(&self, id: GlobalId) -> String {
        let global = self.unit.globals[id.index()];
        let name = self.unit.name(global.name);
        global.alias.map_or_else(|| name.to_string(), |alias| format!("{}/{name}", self.unit.name(alias)))
    }

    fn var(&self, id: VarId) -> String {
        let (function, index) = self.arity;
        let name = self
            .unit
            .functions
            .get(function.index())
            .and_then(|f| f.arities.get(index))
            .and_then(|a| a.vars.get(id.index()))
            .map_or("?", |var| self.unit.name(var.name));
        format!("{name}#{}", id.0)
    }

    fn doc(&mut self, depth: usize, doc: Option<Name>) {
        if let Some(doc) = doc {
            let text = format!("doc {:?}", self.unit.name(doc));
            self.line(depth, &text);
        }
    }

    fn heads(&mut self) {
        let unit = self.unit;
        if let Some(line) = &unit.namespace {
            self.line(0, &format!("namespace {}", unit.name(line.path)));
            self.doc(1, line.doc);
        }
        for line in &unit.uses {
            let names: Vec<&str> = line.names.iter().map(|n| unit.name(n.0)).collect();
            let text = format!("use {} as {} {{{}}}", unit.name(line.path), unit.name(line.alias), names.join(" "));
            self.line(0, &text);
        }
        for id in &unit.exports {
            let text = format!("export {}", self.global(*id));
            self.line(0, &text);
        }
        for item in &unit.items {
            self.item(item);
        }
    }

    fn item(&mut self, item: &Item) {
        let unit = self.unit;
        match item {
            Item::Function { name, function, doc, .. } => {
                self.line(0, &format!("fn {}", unit.name(*name)));
                self.doc(1, *doc);
                self.work.push(Work::Function(1, *function));
            }
            Item::Struct { name, fields, doc, .. } => {
                self.line(0, &format!("struct {}", unit.name(*name)));
                self.doc(1, *doc);
                self.fields(1, fields);
            }
            Item::Enum { name, variants, doc, .. } => {
                self.line(0, &format!("enum {}", unit.name(*name)));
                self.doc(1, *doc);
                for variant in variants {
                    self.line(1, &format!("variant {}", unit.name(variant.name)));
                    self.doc(2, variant.doc);
                    self.fields(2, &variant.fields);
                }
            }
            Item::Protocol { name, methods, doc, .. } => {
                self.line(0, &format!("protocol {}", unit.name(*name)));
                self.doc(1, *doc);
                for method in methods {
                    let text = format!("method {} abstract {:?}", unit.name(method.name), method.abstract_arities);
                    self.line(1, &text);
                    self.doc(2, method.doc);
                    if let Some(default) = method.default {
                        self.work.push(Work::Function(2, default));
                        self.drain();
                    }
                }
            }
            Item::Extend(extend) => {
                let mut text = format!("extend {}", self.global(extend.target));
                if let Some(variant) = extend.variant {
                    text.push_str(&format!(".{}", unit.name(variant)));
                }
                if let Some(protocol) = extend.protocol {
                    text.push_str(&format!(" with {}", self.global(protocol)));
                }
                if let Some(argument) = extend.protocol_argument {
                    text.push_str(&format!("({})", self.global(argument)));
                }
                self.line(0, &text);
                for (name, function) in &extend.methods {
                    self.line(1, &format!("fn {}", unit.name(*name)));
                    self.work.push(Work::Function(2, *function));
                    self.drain();
                }
            }
            Item::Test { name, function, .. } => {
                self.line(0, &format!("test {:?}", unit.name(*name)));
                self.work.push(Work::Function(1, *function));
            }
            Item::Let { .. } | Item::Expression { .. } => {}
        }
        self.drain();
    }

    fn fields(&mut self, depth: usize, fields: &[Field]) {
        for field in fields {
            let mutable = if field.mutable { "mut " } else { "" };
            self.line(depth, &format!("{mutable}{}", self.unit.name(field.name)));
            self.doc(depth + 1, field.doc);
            if let Some(default) = field.default {
                self.work.push(Work::Function(depth + 1, default));
                self.drain();
            }
        }
    }

    fn function(&mut self, depth: usize, id: FunctionId) {
        let function = self.unit.function(id);
        let mut children = Vec::new();
        if !function.captures.is_empty() {
            let captures: Vec<String> = function.captures.iter().map(|v| self.var(*v)).collect();
            children.push(Work::Label(depth, format!("captures {}", captures.join(" "))));
        }
        for index in 0..function.arities.len() {
            children.push(Work::Arity(depth, id, index));
        }
        // What comes after the function belongs to the arity around it again.
        children.push(Work::Enter(self.arity.0, self.arity.1));
        self.children(children);
    }

    fn arity(&mut self, depth: usize, id: FunctionId, index: usize) {
        let unit = self.unit;
        self.arity = (id, index);
        let arity = &unit.function(id).arities[index];
        let rest = if arity.rest.is_some() { "+" } else { "" };
        self.line(depth, &format!("arity {}{rest} size {}", arity.params.len(), arity.size));
        for (at, var) in arity.vars.iter().enumerate() {
            let mut text = format!("var {} uses {}", self.var(VarId(at as u32)), var.uses);
            match var.kind {
                VarKind::Local => {}
                VarKind::Captured(entry) => text.push_str(&format!(" capture {entry}")),
                VarKind::SelfName => text.push_str(" self"),
            }
            let flags =
                [(var.mutable, "mut"), (var.assigned, "assigned"), (var.captured, "captured"), (var.boxed, "boxed")];
            for (_, flag) in flags.into_iter().filter(|f| f.0) {
                text.push(' ');
                text.push_str(flag);
            }
            if let Some(loop_) = var.loop_ {
                text.push_str(&format!(" in loop {}", loop_.0));
            }
            self.line(depth + 1, &text);
        }
        for (at, facts) in arity.loops.iter().enumerate() {
            let names = |ids: &[VarId]| ids.iter().map(|v| self.var(*v)).collect::<Vec<_>>().join(" ");
            let text = format!("loop {at} assigns [{}]", names(&facts.assigned));
            self.line(depth + 1, &text);
        }
        let mut children: Vec<Work> = arity.params.iter().map(|p| Work::Pattern(depth + 1, *p)).collect();
        if let Some(rest) = arity.rest {
            children.push(Work::Label(depth + 1, "rest".into()));
            children.push(Work::Pattern(depth + 2, rest));
        }
        children.push(Work::Node(depth + 1, arity.body));
        self.children(children);
    }

    #[allow(clippy::too_many_lines)]
    fn node(&mut self, depth: usize, id: NodeId) {
        let unit = self.unit;
        let below = depth + 1;
        let node = |id: &NodeId| Work::Node(below, *id);
        let list = |list: List| unit.list(list).iter().map(|id| Work::Node(below, *id)).collect::<Vec<_>>();
        let tail = |tail: bool| if tail { " tail" } else { "" };
        let name = |name: Name| unit.name(name);
        let (text, children) = match unit.node(id) {
            Node::Int(value) => (value.to_string(), vec![]),
            Node::BigInt(digits) => (format!("big {}", name(*digits)), vec![]),
            Node::Float(value) => (format!("{value:?}"), vec![]),
            Node::String(text) => (format!("{:?}", name(*text)), vec![]),
            Node::Keyword(text) => (keyword(name(*text)), vec![]),
            Node::Bool(value) => (value.to_string(), vec![]),
            Node::Null => ("null".into(), vec![]),
            Node::Local(var) => (self.var(*var), vec![]),
            Node::Global(global) => (format!("global {}", self.global(*global)), vec![]),
            Node::Interpolate(parts) => ("interpolate".into(), list(*parts)),
            Node::Vector(ids) => ("vector".into(), list(*ids)),
            Node::Map(ids) => ("map".into(), list(*ids)),
            Node::Set(ids) => ("set".into(), list(*ids)),
            Node::Struct(literal) => {
                let StructLiteral { type_, variant, base, fields, values } = &**literal;
                let variant = variant.map_or(String::new(), |v| format!(".{}", name(v)));
                let mut children = Vec::new();
                if let Some(base) = base {
                    children.extend([Work::Label(below, "...".into()), node(base)]);
                }
                for (field, value) in fields.iter().zip(unit.list(*values)) {
                    children.extend([Work::Label(below, format!("{}:", name(*field))), node(value)]);
                }
                (format!("struct {}{variant}", self.global(*type_)), children)
            }
            Node::Field { object, name: field } => (format!("field {}", name(*field)), vec![node(object)]),
            Node::Index { object, index, tail: t } => (format!("index{}", tail(*t)), vec![node(object), node(index)]),
            Node::Call { callee, args, tail: t } => {
                let mut children = vec![node(callee)];
                children.extend(list(*args));
                (format!("call{}", tail(*t)), children)
            }
            Node::MethodCall { object, name: method, args, tail: t } => {
                let mut children = vec![node(object)];
                children.extend(list(*args));
                (format!("method {}{}", name(*method), tail(*t)), children)
            }
            Node::Unary { op, operand } => (format!("{op:?}"), vec![node(operand)]),
            Node::Binary { op, left, right } => (format!("{op:?}"), vec![node(left), node(right)]),
            Node::And { left, right } => ("And".into(), vec![node(left), node(right)]),
            Node::Or { left, right } => ("Or".into(), vec![node(left), node(right)]),
            Node::If { condition, then, otherwise } => (
                "if".into(),
                [Some(condition), Some(then), otherwise.as_ref()].into_iter().flatten().map(node).collect(),
            ),
            Node::While { loop_, condition, body } => (format!("while {}", loop_.0), vec![node(condition), node(body)]),
            Node::Loop { loop_, body } => (format!("loop {}", loop_.0), vec![node(body)]),
            Node::For { loop_, pattern, iterable, body } => {
                (format!("for {}", loop_.0), vec![Work::Pattern(below, *pattern), node(iterable), node(body)])
            }
            Node::Match { subject, arms } => {
                let mut children = vec![node(subject)];
                for arm in &**arms {
                    children.extend([Work::Label(below, "arm".into()), Work::Pattern(below + 1, arm.pattern)]);
                    if let Some(guard) = arm.guard {
                        children.extend([Work::Label(below + 1, "guard".into()), Work::Node(below + 2, guard)]);
                    }
                    children.push(Work::Node(below + 1, arm.body));
                }
                ("match".into(), children)
            }
            Node::Block(ids) => ("block".into(), list(*ids)),
            Node::Let { pattern, value } => ("let".into(), vec![Work::Pattern(below, *pattern), node(value)]),
            Node::LetFunction { var, function } => {
                (format!("let-function {}", self.var(*var)), vec![Work::Function(below, *function)])
            }
            Node::Assign { var, value } => (format!("assign {}", self.var(*var)), vec![node(value)]),
            Node::AssignField { object, name: field, value } => {
                (format!("assign-field {}", name(*field)), vec![node(object), node(value)])
            }
            Node::AssignIndex { object, index, value } => {
                ("assign-index".into(), vec![node(object), node(index), node(value)])
            }
            Node::Return(value) => ("return".into(), value.iter().map(node).collect()),
            Node::Break { loop_, value } => (format!("break {}", loop_.0), value.iter().map(node).collect()),
            Node::Continue { loop_ } => (format!("continue {}", loop_.0), vec![]),
            Node::Throw(value) => ("throw".into(), vec![node(value)]),
            Node::Try(parts) => {
                let mut children = vec![node(&parts.body)];
                if let Some((pattern, handler)) = &parts.catch {
                    children.extend([Work::Label(below, "catch".into()), Work::Pattern(below + 1, *pattern)]);
                    children.push(Work::Node(below + 1, *handler));
                }
                if let Some(cleanup) = parts.finally {
                    children.extend([Work::Label(below, "finally".into()), Work::Node(below + 1, cleanup)]);
                }
                ("try".into(), children)
            }
            Node::Function(function) => ("function".into(), vec![Work::Function(below, *function)]),
            Node::Binding(binding) => {
                let DynamicBinding { names, values, body } = &**binding;
                let mut children = Vec::new();
                for (global, value) in names.iter().zip(unit.list(*values)) {
                    children.extend([Work::Label(below, format!("{} =", self.global(*global))), node(value)]);
                }
                children.push(node(body));
                ("binding".into(), children)
            }
            Node::DefineGlobals(definition) => {
                let DefineGlobals { kind, pattern, value, .. } = &**definition;
                (format!("define {kind:?}"), vec![Work::Pattern(below, *pattern), node(value)])
            }
            Node::Declare(index) => (format!("declare {index}"), vec![]),
            Node::NotYet(feature) => (format!("not yet {}", name(*feature)), vec![]),
        };
        self.line(depth, &text);
        self.children(children);
    }

    fn pattern(&mut self, depth: usize, id: PatternId) {
        let unit = self.unit;
        let below = depth + 1;
        let pattern = |id: &PatternId| Work::Pattern(below, *id);
        let (text, children) = match unit.pattern(id) {
            Pattern::Ignore => ("_".into(), vec![]),
            Pattern::Bind(var) => (format!("bind {}", self.var(*var)), vec![]),
            Pattern::Literal(node) => ("literal".into(), vec![Work::Node(below, *node)]),
            Pattern::Vector { before, rest, after } => {
                let mut children: Vec<Work> = before.iter().map(pattern).collect();
                if let Some(rest) = rest {
                    children.extend([Work::Label(below, "...".into()), Work::Pattern(below + 1, *rest)]);
                }
                children.extend(after.iter().map(pattern));
                ("vector pattern".into(), children)
            }
            Pattern::Map(entries) => {
                let children =
                    entries.iter().flat_map(|(key, value)| [Work::Node(below, *key), Work::Pattern(below + 1, *value)]);
                ("map pattern".into(), children.collect())
            }
            Pattern::Struct { type_, variant, fields } => {
                let variant = variant.map_or(String::new(), |v| format!(".{}", unit.name(v)));
                let children = fields.iter().flat_map(|(field, value)| {
                    [Work::Label(below, format!("{}:", unit.name(*field))), Work::Pattern(below + 1, *value)]
                });
                (format!("type pattern {}{variant}", self.global(*type_)), children.collect())
            }
            Pattern::Or(all) => ("any of".into(), all.iter().map(pattern).collect()),
        };
        self.line(depth, &text);
        self.children(children);
    }
}

fn keyword(text: &str) -> String {
    if super::is_name(text) { format!(":{text}") } else { format!(":{text:?}") }
}
