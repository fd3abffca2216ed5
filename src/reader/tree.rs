//! The tree: what the reader hands to everybody else.
//!
//! One [`Unit`] per text. Nodes live in one array and name each other by [`NodeId`]; the order of ids is the order in which
//! the parser finished the nodes, and a node's id is also its number as a *point of the program*. Names are interned in
//! the unit ([`Name`]). Locals are resolved to [`VarId`]s of the arity that uses them; everything else stays a
//! [`GlobalRef`].
//!
//! Invariant: a tree is well formed. What was erroneous in the text is in the error list, not in the tree.

use std::sync::Arc;

/// A half-open range of byte offsets in the source text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A text with its name, and where its lines start.
#[derive(Debug)]
pub struct Source {
    /// The name shown in messages: a path as the user gave it, `<eval>`, `repl[3]`…
    pub name: String,
    /// The whole text, as read (byte-order mark and CR included, so that spans are offsets into the file).
    pub text: String,
    /// Byte offset of the start of each line; the first is 0.
    pub line_starts: Vec<u32>,
    /// It comes with the language: errors are shown where the program calls it.
    pub is_library: bool,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
        pub struct $name(pub u32);
        impl $name {
            /// The id as an index.
            pub fn index(self) -> usize { self.0 as usize }
        }
    )*};
}

ids! {
    /// A node of the tree, and a point of the program.
    NodeId;
    /// An interned text (identifier, keyword, field name, string literal) in [`Unit::names`].
    Name;
    /// A function in [`Unit::functions`].
    FunctionId;
    /// A variable of one arity, in [`Arity::vars`].
    VarId;
    /// A reference to something outside the function, in [`Unit::globals`].
    GlobalId;
    /// A loop of one arity, in [`Arity::loops`].
    LoopId;
    /// A pattern in [`Unit::patterns`].
    PatternId;
}

/// A run of ids in [`Unit::lists`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct List {
    /// First element.
    pub start: u32,
    /// Number of elements.
    pub len: u32,
}

/// What one text gives.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The text.
    pub source: Arc<Source>,
    /// `namespace a/b`, its span, and the doc comment before it.
    pub namespace: Option<NamespaceLine>,
    /// The `use` lines in order.
    pub uses: Vec<Use>,
    /// The `export` lines in order; each entry is one exported name.
    pub exports: Vec<GlobalId>,
    /// Declarations and statements of the top level in order.
    pub items: Vec<Item>,
    /// The top-level code as a function without parameters: the `let`s, expressions and `extend`s in order; its value is
    /// that of the last expression. Always present.
    pub init: FunctionId,
    /// All nodes.
    pub nodes: Vec<Node>,
    /// Span of each node, parallel to `nodes`.
    pub spans: Vec<Span>,
    /// The storage of every [`List`] of nodes.
    pub lists: Vec<NodeId>,
    /// All patterns.
    pub patterns: Vec<Pattern>,
    /// Span of each pattern, parallel to `patterns`.
    pub pattern_spans: Vec<Span>,
    /// All functions, nested ones included.
    pub functions: Vec<Function>,
    /// All references to names that are not locals; equal ones share an entry per use (each use has its own span).
    pub globals: Vec<GlobalRef>,
    /// Interned texts.
    pub names: Vec<Arc<str>>,
    /// The tree before stops were put into it: what messages speak of.
    pub written: Option<Arc<Unit>>,
}

/// The `namespace` line.
#[derive(Debug, Clone)]
pub struct NamespaceLine {
    /// `a/b/c`.
    pub path: Name,
    /// Where the path stands.
    pub span: Span,
    /// The doc comment before it.
    pub doc: Option<Name>,
}

/// A `use` line.
#[derive(Debug, Clone)]
pub struct Use {
    /// `a/b/c`.
    pub path: Name,
    /// The alias: given, or the last word of the path.
    pub alias: Name,
    /// True when the alias was given with `as`.
    pub alias_given: bool,
    /// The names taken in unqualified, with their spans.
    pub names: Vec<(Name, Span)>,
    /// Where the path stands.
    pub span: Span,
}

/// A reference to a name outside the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlobalRef {
    /// `alias` of `alias/name`.
    pub alias: Option<Name>,
    /// The name.
    pub name: Name,
    /// Where it stands (alias included).
    pub span: Span,
    /// The text does not say it: the reader has put it there, and means what `core` calls so, whatever the text does.
    pub inserted: bool,
}

/// A declaration or statement of the top level.
#[allow(missing_docs)]
#[derive(Debug, Clone)]
pub enum Item {
    /// `fn name …`. `global` is the reference under which the function is defined in its own namespace.
    Function { name: Name, function: FunctionId, doc: Option<Name>, span: Span },
    /// `struct Name { … }`.
    Struct { name: Name, fields: Vec<Field>, doc: Option<Name>, span: Span },
    /// `enum Name { … }`.
    Enum { name: Name, variants: Vec<Variant>, doc: Option<Name>, span: Span },
    /// `protocol Name { … }`.
    Protocol { name: Name, methods: Vec<Method>, doc: Option<Name>, span: Span },
    /// `extend T { … }`, `extend T with P { … }`.
    Extend(Extend),
    /// `let` at top level. The code is in `init` ([`Node::DefineGlobals`]); this declares the names.
    Let { names: Vec<(Name, Span)>, kind: LetKind, doc: Option<Name>, span: Span },
    /// An expression; the code is in `init`.
    Expression { node: NodeId },
    /// `test "name" { … }`: the body is a function without parameters.
    Test { name: Name, function: FunctionId, span: Span },
}

/// How a top-level `let` defines its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetKind {
    /// `let`.
    Plain,
    /// `let dynamic`.
    Dynamic,
    /// `letonce`.
    Once,
}

/// A field of a struct or variant.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: Name,
    /// `mut`.
    pub mutable: bool,
    /// The default: a function without parameters, evaluated at each construction.
    pub default: Option<FunctionId>,
    /// The doc comment.
    pub doc: Option<Name>,
    /// Where it stands.
    pub span: Span,
}

/// A variant of an enum.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Its name.
    pub name: Name,
    /// Its fields, in order; variants without fields have none.
    pub fields: Vec<Field>,
    /// The doc comment.
    pub doc: Option<Name>,
    /// Where it stands.
    pub span: Span,
}

/// A method of a protocol.
#[derive(Debug, Clone)]
pub struct Method {
    /// Its name.
    pub name: Name,
    /// The numbers of parameters (self included) of the arities declared without a body.
    pub abstract_arities: Vec<u32>,
    /// The function that holds the arities that have a default body, when there are any.
    pub default: Option<FunctionId>,
    /// The parameters of each arity, for help: `(self, ...rest)`.
    pub signatures: Vec<String>,
    /// The doc comment.
    pub doc: Option<Name>,
    /// Where it stands.
    pub span: Span,
}

/// `extend T …`.
#[derive(Debug, Clone)]
pub struct Extend {
    /// The type; `Enum.variant` when `variant` is there.
    pub target: GlobalId,
    /// A single variant of the enum.
    pub variant: Option<Name>,
    /// The protocol, none for associated functions.
    pub protocol: Option<GlobalId>,
    /// For `extend H with effect/Handler(Enum)`: the argument.
    pub protocol_argument: Option<GlobalId>,
    /// The functions.
    pub methods: Vec<(Name, FunctionId)>,
    /// Where it stands.
    pub span: Span,
}

/// A function with all its arities.
#[derive(Debug, Clone)]
pub struct Function {
    /// The name it was given, none for `fn(a) { … }`.
    pub name: Option<Name>,
    /// The function it stands in, none for top-level functions and `init`.
    pub parent: Option<FunctionId>,
    /// The arities in source order; no two accept the same number of arguments, a rest arity takes what the others leave.
    pub arities: Vec<Arity>,
    /// What a closure captures: the variable of the enclosing arity whose value (or box, see [`Var::boxed`]) is copied
    /// into the closure, in capture order. Shared by all arities.
    pub captures: Vec<VarId>,
    /// The doc comment, for local and top-level named functions.
    pub doc: Option<Name>,
    /// From `fn` to the closing brace.
    pub span: Span,
}

/// One body of a function.
#[derive(Debug, Clone)]
pub struct Arity {
    /// The parameters, a pattern each. A plain name is [`Pattern::Bind`].
    pub params: Vec<PatternId>,
    /// The rest parameter (a pattern that gets a vector).
    pub rest: Option<PatternId>,
    /// The body, usually a [`Node::Block`].
    pub body: NodeId,
    /// All variables the arity's code names: parameters, locals, captured ones, the function's own name.
    pub vars: Vec<Var>,
    /// The loops in the body, nested functions not included.
    pub loops: Vec<Loop>,
    /// The number of nodes in the body, nested functions not included: the measure for code size caps.
    pub size: u32,
    /// Where the arity stands.
    pub span: Span,
}

/// Where a variable's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VarKind {
    /// A parameter or a local: bound by a pattern.
    Local,
    /// Entry `.0` of the closure's captures.
    Captured(u32),
    /// The function's own name inside a named local function: the closure itself.
    SelfName,
}

/// A variable of one arity.
#[derive(Debug, Clone)]
pub struct Var {
    /// Its name.
    pub name: Name,
    /// Where its value comes from.
    pub kind: VarKind,
    /// `let mut`.
    pub mutable: bool,
    /// It is assigned somewhere after its definition, here or in a closure.
    pub assigned: bool,
    /// A nested function captures it.
    pub captured: bool,
    /// Captured and assigned: lives in a heap box that is shared with the closures. For a captured variable: the entry of
    /// the closure is a box.
    pub boxed: bool,
    /// Number of places that read it.
    pub uses: u32,
    /// The innermost loop it is defined in.
    pub loop_: Option<LoopId>,
    /// Where it is bound.
    pub span: Span,
    /// Where its name means it: from behind its definition to the end of what it stands in. Empty for what
    /// is captured.
    pub scope: Span,
}

/// Facts of a loop.
#[derive(Debug, Clone, Default)]
pub struct Loop {
    /// Variables defined outside of it that are assigned inside (by this arity's code; boxed ones included), no doubles.
    pub assigned: Vec<VarId>,
}

/// Operators with one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-x`
    Negate,
    /// `!x`
    Not,
}

/// Operators with two operands that are both always evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[rustfmt::skip]
#[allow(missing_docs)]
pub enum BinaryOp {
    /// `+` and so on in the order of the grammar.
    Add, Subtract, Multiply, Divide, Remainder, Concat,
    /// Shifts: `<<`, `>>`, `>>>`.
    ShiftLeft, ShiftRight, ShiftRightLogical,
    /// `&`, `^`, `|`.
    BitAnd, BitXor, BitOr,
    /// Comparisons.
    Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual,
}

impl BinaryOp {
    /// The operator as it is written.
    pub fn sign(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
            BinaryOp::Remainder => "%",
            BinaryOp::Concat => "++",
            BinaryOp::ShiftLeft => "<<",
            BinaryOp::ShiftRight => ">>",
            BinaryOp::ShiftRightLogical => ">>>",
            BinaryOp::BitAnd => "&",
            BinaryOp::BitXor => "^",
            BinaryOp::BitOr => "|",
            BinaryOp::Equal => "==",
            BinaryOp::NotEqual => "!=",
            BinaryOp::Less => "<",
            BinaryOp::LessEqual => "<=",
            BinaryOp::Greater => ">",
            BinaryOp::GreaterEqual => ">=",
        }
    }

    /// Is it a comparison?
    pub fn compares(self) -> bool {
        use BinaryOp::*;
        matches!(self, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual)
    }
}

/// A node of the tree: 24 bytes, for there are many. Everything is an expression. `tail` on calls, and on what may end in one: it is in tail position of its
/// arity (not inside a `try`, not in `init`).
#[allow(missing_docs)]
#[derive(Debug, Clone)]
pub enum Node {
    /// An Int that fits 61 bits.
    Int(i64),
    /// The decimal digits (with sign) of a larger Int.
    BigInt(Name),
    /// A Float.
    Float(f64),
    /// A String literal with its escapes resolved.
    String(Name),
    /// `:name`
    Keyword(Name),
    /// `true`, `false`
    Bool(bool),
    /// `null`
    Null,
    /// A variable of this arity.
    Local(VarId),
    /// Anything else that has a name.
    Global(GlobalId),
    /// `"a${b}c"`: the parts in order.
    Interpolate(List),
    /// `[a, b]`
    Vector(List),
    /// `{k v}`: keys and values alternate.
    Map(List),
    /// `#{a}`
    Set(List),
    /// `Name { … }`, `Enum.variant { … }`.
    Struct(Box<StructLiteral>),
    /// `object.name`. `Enum.variant` is this too: with a [`Node::Global`] as object.
    Field { object: NodeId, name: Name },
    /// `object[index]`
    Index { object: NodeId, index: NodeId, tail: bool },
    /// `callee(args)`. Pipes are rewritten to this by the parser.
    Call { callee: NodeId, args: List, tail: bool },
    /// `object.name(args)`
    MethodCall { object: NodeId, name: Name, args: List, tail: bool },
    /// `-x`, `!x`. A minus before a number literal is part of the literal.
    Unary { op: UnaryOp, operand: NodeId },
    /// `a + b`
    Binary { op: BinaryOp, left: NodeId, right: NodeId },
    /// `a && b`
    And { left: NodeId, right: NodeId },
    /// `a || b`
    Or { left: NodeId, right: NodeId },
    /// `if`; a missing else gives `null`.
    If { condition: NodeId, then: NodeId, otherwise: Option<NodeId> },
    /// `while`
    While { loop_: LoopId, condition: NodeId, body: NodeId },
    /// `loop`
    Loop { loop_: LoopId, body: NodeId },
    /// `for pattern in iterable`
    For { loop_: LoopId, pattern: PatternId, iterable: NodeId, body: NodeId },
    /// `match`
    Match { subject: NodeId, arms: Box<[Arm]> },
    /// `{ a b c }`: value of the last, `null` when empty.
    Block(List),
    /// `let pattern = value`; gives the value.
    Let { pattern: PatternId, value: NodeId },
    /// A local named function: defines `var` as the closure.
    LetFunction { var: VarId, function: FunctionId },
    /// `name = value`
    Assign { var: VarId, value: NodeId },
    /// `object.name = value`
    AssignField { object: NodeId, name: Name, value: NodeId },
    /// `object[index] = value`
    AssignIndex { object: NodeId, index: NodeId, value: NodeId },
    /// `return value`
    Return(Option<NodeId>),
    /// `break value` out of `loop_`
    Break { loop_: LoopId, value: Option<NodeId> },
    /// `continue` with `loop_`
    Continue { loop_: LoopId },
    /// `throw value`
    Throw(NodeId),
    /// `try`
    Try(Box<Try>),
    /// A function value.
    Function(FunctionId),
    /// `binding (name = value, …) { body }`
    Binding(Box<DynamicBinding>),
    /// A `let` of the top level, only in `init`: the pattern binds temporaries of `init`, which are then stored into the
    /// namespace's bindings, a pair each. `letonce` evaluates the value only when the first name has no value yet.
    DefineGlobals(Box<DefineGlobals>),
    /// A declaration that has an effect in order (`extend`): index into [`Unit::items`]. Only in `init`.
    Declare(u32),
    /// Something that the language has, but not yet here; the name of the feature.
    NotYet(Name),
}

/// `Name { … }`, `Enum.variant { … }`. `fields` and `values` run in parallel, in source order.
#[derive(Debug, Clone, PartialEq)]
pub struct StructLiteral {
    /// The type.
    pub type_: GlobalId,
    /// The variant, for enums.
    pub variant: Option<Name>,
    /// The value whose other fields are taken over.
    pub base: Option<NodeId>,
    /// The names of the fields that are given.
    pub fields: Vec<Name>,
    /// Their values.
    pub values: List,
}

/// `binding (name = value, …) { body }`: names and values run in parallel.
#[derive(Debug, Clone, PartialEq)]
pub struct DynamicBinding {
    /// The dynamic variables.
    pub names: Vec<GlobalId>,
    /// Their values.
    pub values: List,
    /// What runs meanwhile.
    pub body: NodeId,
}

/// A `let` of the top level.
#[derive(Debug, Clone, PartialEq)]
pub struct DefineGlobals {
    /// How it defines them.
    pub kind: LetKind,
    /// Binds temporaries.
    pub pattern: PatternId,
    /// What is taken apart.
    pub value: NodeId,
    /// The temporaries, and the names that get their values.
    pub names: Vec<(VarId, Name)>,
}

/// An arm of a `match`.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// What it must look like.
    pub pattern: PatternId,
    /// `if guard`
    pub guard: Option<NodeId>,
    /// The value.
    pub body: NodeId,
}

/// `try { body } catch (pattern) { handler } finally { cleanup }`
#[derive(Debug, Clone, PartialEq)]
pub struct Try {
    /// The body.
    pub body: NodeId,
    /// The pattern of the caught value and the handler.
    pub catch: Option<(PatternId, NodeId)>,
    /// What runs on every way out.
    pub finally: Option<NodeId>,
}

const _: () = assert!(size_of::<Node>() <= 24, "large forms go into a box");

/// A pattern.
#[allow(missing_docs)]
#[derive(Debug, Clone, PartialEq)]
pub enum Pattern {
    /// `_`
    Ignore,
    /// A name: binds.
    Bind(VarId),
    /// A literal: a node that is Int, BigInt, Float, String, Keyword, Bool or Null.
    Literal(NodeId),
    /// `[a, b, ...rest, c]`: before the rest; the rest (`Some(Ignore)` for a bare `...`); after it.
    Vector { before: Vec<PatternId>, rest: Option<PatternId>, after: Vec<PatternId> },
    /// `{name, age: a, "key": v}`: key (a literal node), pattern.
    Map(Vec<(NodeId, PatternId)>),
    /// `Name { x, y: p }`, `Enum.variant { … }`, `Enum.variant`.
    Struct { type_: GlobalId, variant: Option<Name>, fields: Vec<(Name, PatternId)> },
    /// `a | b`: all alternatives bind the same names, to the same variables.
    Or(Vec<PatternId>),
}

impl Unit {
    /// The tree as the text has it, without stops. Ids of its nodes are not those of the tree with stops.
    pub fn as_written(&self) -> &Unit {
        self.written.as_deref().unwrap_or(self)
    }

    /// The node with this id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The parameters of an arity as they are written: `(a, [b, c], ...rest)`.
    pub fn signature(&self, arity: &Arity) -> String {
        let text = |id: &PatternId| match self.pattern(*id) {
            Pattern::Bind(var) => self.name(arity.vars[var.index()].name),
            _ => {
                let span = self.pattern_spans[id.index()];
                self.source.text.get(span.start as usize..span.end as usize).unwrap_or("_")
            }
        };
        let mut parameters: Vec<String> = arity.params.iter().map(|p| text(p).to_string()).collect();
        parameters.extend(arity.rest.iter().map(|rest| format!("...{}", text(rest))));
        format!("({})", parameters.join(", "))
    }

    /// Where the node stands.
    pub fn span(&self, id: NodeId) -> Span {
        self.spans[id.index()]
    }

    /// Where an item stands.
    pub fn item_span(&self, item: &Item) -> Span {
        match item {
            Item::Function { span, .. }
            | Item::Struct { span, .. }
            | Item::Enum { span, .. }
            | Item::Protocol { span, .. }
            | Item::Let { span, .. }
            | Item::Test { span, .. } => *span,
            Item::Extend(extend) => extend.span,
            Item::Expression { node } => self.span(*node),
        }
    }

    /// The ids in a list.
    pub fn list(&self, list: List) -> &[NodeId] {
        &self.lists[list.start as usize..(list.start + list.len) as usize]
    }

    /// How a variant, a method or an associated function of the unit's own types is written that is called by its bare name here.
    pub fn own_member(&self, name: &str) -> Option<String> {
        self.items.iter().find_map(|item| match item {
            Item::Enum { name: type_, variants, .. } => {
                let variant = variants.iter().find(|variant| self.name(variant.name) == name)?;
                let fields = if variant.fields.is_empty() { "" } else { " { … }" };
                Some(format!("{}.{name}{fields}", self.name(*type_)))
            }
            Item::Extend(extend) => {
                let (_, function) = extend.methods.iter().find(|(method, _)| self.name(*method) == name)?;
                let arity = self.function(*function).arities.first()?;
                let first = arity.params.first().map(|param| self.pattern_spans[param.index()]);
                let first = first.and_then(|span| self.source.text.get(span.start as usize..span.end as usize));
                let type_ = self.name(self.globals[extend.target.index()].name);
                let rest = if arity.params.len() > 1 { "…" } else { "" };
                Some(match first {
                    Some("self") => format!("value.{name}({rest})"),
                    Some(_) => format!("{type_}.{name}(…)"),
                    None => format!("{type_}.{name}()"),
                })
            }
            _ => None,
        })
    }

    /// Does the node have one value, which nobody can change and which needs no names?
    pub fn is_constant(&self, id: NodeId) -> bool {
        match self.node(id) {
            Node::Int(_) | Node::BigInt(_) | Node::Float(_) | Node::String(_) | Node::Keyword(_) | Node::Bool(_) => {
                true
            }
            Node::Null => true,
            Node::Vector(list) => self.list(*list).iter().all(|item| self.is_constant(*item)),
            _ => false,
        }
    }

    /// The text of a name.
    pub fn name(&self, name: Name) -> &str {
        &self.names[name.index()]
    }

    /// The pattern with this id.
    pub fn pattern(&self, id: PatternId) -> &Pattern {
        &self.patterns[id.index()]
    }

    /// The function with this id.
    pub fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.index()]
    }

    /// How a function of this unit calls itself in a namespace: `shapes/area`, and with the line `shapes/main:12` when it has no
    /// name.
    pub fn function_name(&self, namespace: &str, id: FunctionId) -> String {
        if id == self.init {
            return format!("{namespace}/(top level)");
        }
        let function = self.function(id);
        if let Some(name) = function.name {
            return format!("{namespace}/{}", self.name(name));
        }
        let line = self.source.line_column(function.span.start).0;
        let mut outer = function.parent;
        while let Some(id) = outer {
            let around = self.function(id);
            if let Some(name) = around.name {
                return format!("{namespace}/{}:{line}", self.name(name));
            }
            outer = around.parent;
        }
        format!("{namespace}:{line}")
    }
}

impl Source {
    /// A source with its line table.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Source {
        let text = text.into();
        let mut line_starts = vec![0];
        line_starts.extend(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i as u32 + 1));
        Source { name: name.into(), text, line_starts, is_library: false }
    }

    /// A source of the standard library.
    pub fn of_library(name: &str, text: &str) -> Source {
        Source { is_library: true, ..Source::new(format!("{name}.hr"), text) }
    }

    /// Was it read from a file (or does it come with the language)? There may be many other texts of one name.
    pub fn has_file(&self) -> bool {
        !(self.name.starts_with('<') || self.name.starts_with("repl[") && self.name.ends_with(']'))
    }

    /// Line and column of a byte offset, both counted from 1, the column in characters.
    pub fn line_column(&self, offset: u32) -> (u32, u32) {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts[line - 1] as usize;
        let upto = self.text.get(start..offset as usize).unwrap_or("");
        (line as u32, upto.chars().count() as u32 + 1)
    }

    /// The text of a line, counted from 1.
    pub fn line(&self, line: u32) -> &str {
        let start = self.line_starts.get((line as usize).wrapping_sub(1)).map_or(usize::MAX, |start| *start as usize);
        self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or("")
    }
}
