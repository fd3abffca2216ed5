//! Functions: parameters, arities, bodies.
//!
//! Owns the frames of [`scopes`](super::super::scopes): one is pushed for each arity and popped when its body is read.
//! Must not know where a function stands: named, local, method or default are decided by the callers.

use super::super::scopes::Captures;
use super::*;

/// Where a function stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In no function: top-level functions, methods, defaults, tests.
    Top,
    /// In the arity that is being read; with a name, the function can call itself by it.
    Local,
}

/// Parameters of one arity.
pub struct Params {
    /// The patterns.
    pub patterns: Vec<PatternId>,
    /// The rest.
    pub rest: Option<PatternId>,
}

impl Parser<'_> {
    /// Takes a number for a function that is about to be read.
    pub(super) fn reserve(&mut self, name: Option<Name>, place: Place) -> FunctionId {
        let id = FunctionId(self.unit.functions.len() as u32);
        let (parent, home) = match (place, self.scopes.frames.last()) {
            (Place::Local, Some(frame)) => (Some(frame.function), frame.arity),
            _ => (None, 0),
        };
        self.unit.functions.push(Function {
            name,
            parent,
            arities: Vec::new(),
            captures: Vec::new(),
            doc: None,
            span: Span::default(),
        });
        self.homes.push(home);
        id
    }

    /// `(a, b) { … }` or `{ () => e, … }`, after the name.
    pub(super) fn function(
        &mut self,
        name: Option<Name>,
        place: Place,
        start: u32,
        doc: Option<Name>,
    ) -> Parse<FunctionId> {
        let id = self.reserve(name, place);
        let mut captures = Captures::default();
        let mut arities = Vec::with_capacity(1);
        match self.kind() {
            Kind::OpenParen => {
                let arity = self.arity(id, 0, &mut captures, place, |p| p.block("the function"))?;
                arities.push(arity);
            }
            Kind::OpenBrace => {
                let open = self.bump().span();
                self.inside(false, |p| {
                    while !p.eat(Kind::CloseBrace) {
                        if p.kind() != Kind::OpenParen {
                            return p.expected_with("`(` and the parameters of an arity, or `}`", |e| {
                                e.help("a function of several arities is `fn name { () => e, (a) => { … } }`; one of a single arity is `fn name(a) { … }`")
                            });
                        }
                        let index = arities.len() as u32;
                        let arity = p.arity(id, index, &mut captures, place, Self::arity_body)?;
                        arities.push(arity);
                        p.separator(Kind::CloseBrace, "`,`, a new line or `}`", open)?;
                    }
                    Ok(())
                })?;
                if arities.is_empty() {
                    let span = Span { start: open.start, end: self.last_end() };
                    self.report(
                        SyntaxError::new(span, "a function without arities")
                            .help("`fn name() { }` takes no arguments and gives `null`"),
                    );
                }
            }
            kind => {
                return self.expected_with("`(` and the parameters", |e| {
                    e.help(if kind == Kind::Minus {
                        "a `-` belongs to a name only when a letter follows: `pad-left`, but not `pad-2`"
                    } else {
                        "a function is `fn name(a, b) { … }` or `fn(a, b) { … }`"
                    })
                });
            }
        }
        let span = self.span_from(start);
        self.finish_function(id, arities, captures, place, doc, span);
        Ok(id)
    }

    /// `=> value` or a block.
    pub(super) fn arity_body(&mut self) -> Parse<NodeId> {
        if self.eat(Kind::Arrow) {
            return self.arrow_value();
        }
        if self.kind() == Kind::OpenBrace {
            return self.block("the arity");
        }
        self.expected("`=>` and the value of the arity")
    }

    /// Puts a function that was read into its place.
    pub(super) fn finish_function(
        &mut self,
        id: FunctionId,
        arities: Vec<Arity>,
        captures: Captures,
        place: Place,
        doc: Option<Name>,
        span: Span,
    ) {
        self.check_arities(&arities);
        // Making the closure reads what it captures.
        if place == Place::Local {
            for var in &captures.list {
                self.scopes.frame().read(*var);
            }
        }
        let function = &mut self.unit.functions[id.index()];
        function.arities = arities;
        function.captures = captures.list;
        function.doc = doc;
        function.span = span;
    }

    fn check_arities(&mut self, arities: &[Arity]) {
        let mut counts: FxHashMap<(usize, bool), Span> = FxHashMap::default();
        for arity in arities {
            let rest = arity.rest.is_some();
            let key = if rest { (0, true) } else { (arity.params.len(), false) };
            if let Some(first) = counts.insert(key, arity.span) {
                let message = if rest {
                    "a second arity with rest arguments".to_string()
                } else {
                    format!("a second arity of {} parameters", arity.params.len())
                };
                self.report(SyntaxError::rule(arity.span, message).also(first, "the first one"));
            }
        }
    }

    /// Parameters and body of one arity.
    pub(super) fn arity(
        &mut self,
        id: FunctionId,
        index: u32,
        captures: &mut Captures,
        place: Place,
        body: impl FnOnce(&mut Self) -> Parse<NodeId>,
    ) -> Parse<Arity> {
        let start = self.token().start;
        let own_name = self.unit.functions[id.index()].name.filter(|_| place == Place::Local);
        self.framed(id, index, captures, false, |p| {
            if let Some(name) = own_name {
                let span = Span { start, end: start };
                let var = p.scopes.frame().new_var(name, VarKind::SelfName, false, span);
                p.scopes.declare(name, var, start);
            }
            let params = p.params()?;
            let body = body(p)?;
            p.mark_tail(body);
            Ok((params, body, p.span_from(start)))
        })
    }

    /// Reads something as the body of an arity without parameters.
    pub(super) fn thunk(
        &mut self,
        name: Option<Name>,
        body: impl FnOnce(&mut Self) -> Parse<NodeId>,
    ) -> Parse<FunctionId> {
        let start = self.token().start;
        let id = self.reserve(name, Place::Top);
        let mut captures = Captures::default();
        let arity = self.framed(id, 0, &mut captures, false, |p| {
            let body = body(p)?;
            p.mark_tail(body);
            let params = Params { patterns: Vec::new(), rest: None };
            Ok((params, body, p.span_from(start)))
        })?;
        let span = arity.span;
        self.finish_function(id, vec![arity], captures, Place::Top, None, span);
        Ok(id)
    }

    /// Runs `inner` in a frame of its own and makes an arity of it.
    pub(super) fn framed(
        &mut self,
        id: FunctionId,
        index: u32,
        captures: &mut Captures,
        init: bool,
        inner: impl FnOnce(&mut Self) -> Parse<(Params, NodeId, Span)>,
    ) -> Parse<Arity> {
        let mark = self.scopes.open();
        self.enter_frame(Frame::new(id, index, std::mem::take(captures), init));
        let result = inner(self);
        self.scopes.close(mark, self.last_end());
        let Some(frame) = self.scopes.frames.pop() else { return Err(Fail) };
        *captures = frame.captures;
        let (params, body, span) = result?;
        let mut vars = frame.vars;
        vars.shrink_to_fit();
        Ok(Arity { params: params.patterns, rest: params.rest, body, vars, loops: frame.loops, size: frame.size, span })
    }

    /// Among parameters: the error of a brace here, or behind a name, that begins no pattern (`{a, b: c}`, `P { x }`), but the body.
    fn body_in_params(&mut self, open: Span) -> Parse<()> {
        let at = self.at + usize::from(self.kind() == Kind::Ident);
        let kind = |ahead: usize| self.tokens.get(at + ahead).map_or(Kind::Eof, |token| token.kind);
        let key = matches!(kind(1), Kind::Ident | Kind::Str);
        let behind = matches!(kind(2), Kind::Comma | Kind::Colon | Kind::CloseBrace | Kind::Eof);
        // What else is wrong with a pattern is told elsewhere.
        let pattern = key && behind || matches!(kind(1), Kind::CloseBrace | Kind::Keyword | Kind::Ellipsis | Kind::Eof);
        if kind(0) != Kind::OpenBrace || pattern {
            return Ok(());
        }
        let help = "the parameters end before the body: `fn f(a, b) { … }`, `fn(x) { … }`";
        self.fail(SyntaxError::foreign(open, "this `(` is not closed before the body", help))
    }

    /// `(a, [b, c], ...rest)`; puts what it binds into view.
    pub(super) fn params(&mut self) -> Parse<Params> {
        let (at, name) = (self.at, self.tokens[self.at.saturating_sub(1)]);
        let open = self.expect(Kind::OpenParen, "`(` and the parameters")?.span();
        // On a line of its own, as elsewhere each arity stands.
        let arities = self.tokens[at].newline() && name.kind == Kind::Ident;
        self.binds.clear();
        self.alternatives.clear();
        let params = self.inside(true, |p| {
            let (mut patterns, mut rest) = (Vec::new(), None);
            while !p.eat(Kind::CloseParen) {
                if rest.is_some() {
                    return p.expected_with("`)`", |e| e.help("the rest parameter is the last one").also(open, "opened here"));
                }
                p.body_in_params(open)?;
                if p.kind() == Kind::Ellipsis {
                    rest = Some(p.rest_pattern()?);
                } else {
                    patterns.push(p.pattern("a parameter or `)`")?);
                }
                match p.kind() {
                    Kind::Comma => {
                        p.bump();
                    }
                    Kind::CloseParen => {}
                    Kind::Colon => {
                        return p.expected_with("`,` or `)`", |e| {
                            e.help("parameters have no types: `fn add(a, b) { a + b }`, and what a function gives has none")
                        });
                    }
                    Kind::Assign => {
                        return p.expected_with("`,` or `)`", |e| {
                            e.help("parameters have no defaults; give the function another arity: `fn f { (a) => f(a, 1), (a, b) => … }`")
                        });
                    }
                    _ if arities => {
                        let error = "several arities stand in braces";
                        let help = "a function of several arities is `fn f { () => …, (a) => … }`";
                        return p.fail(SyntaxError::foreign(name.span(), error, help));
                    }
                    Kind::Ident if !p.token().newline() => {
                        return p.expected_with("`,` or `)`", |e| {
                            e.also(open, "opened here").help(
                                "parameters have no types, and commas between them: `fn f(a, b) { … }`; a function of a type \
                                 stands in `extend Point { fn area(self) { … } }`",
                            )
                        });
                    }
                    _ => p.expect_close(Kind::CloseParen, "`,` or `)`", open)?,
                }
            }
            Ok(Params { patterns, rest })
        })?;
        if params.patterns.len() > MAX_ARGUMENTS {
            let span = self.span_from(open.start);
            self.report(
                SyntaxError::rule(span, format!("more than {MAX_ARGUMENTS} parameters"))
                    .help("take a vector, a map or a struct"),
            );
        }
        let binds = self.take_binds();
        self.declare(binds);
        Ok(params)
    }

    fn function_height(&self, id: FunctionId) -> u16 {
        self.unit.functions[id.index()].arities.iter().map(|a| self.height(a.body)).max().unwrap_or(0)
    }

    /// `fn(a) { … }` as a value; with a name it can call itself.
    pub(super) fn function_expression(&mut self) -> Parse<NodeId> {
        let start = self.bump().start;
        let name = if self.kind() == Kind::Ident { Some(self.name("a name")?.0) } else { None };
        let id = self.function(name, Place::Local, start, None)?;
        let (span, height) = (self.span_from(start), self.function_height(id));
        Ok(self.add(Node::Function(id), span, height))
    }

    /// `fn name(a) { … }` as a statement.
    pub(super) fn local_function(&mut self) -> Parse<NodeId> {
        let doc = self.doc_before(self.at);
        let start = self.bump().start;
        let (name, name_span) = self.name("a name")?;
        let function = self.function(Some(name), Place::Local, start, doc)?;
        let var = self.scopes.frame().new_var(name, VarKind::Local, false, name_span);
        self.declare([(name, var)]);
        let (span, height) = (self.span_from(start), self.function_height(function));
        Ok(self.add(Node::LetFunction { var, function }, span, height))
    }
}
