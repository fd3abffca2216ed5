//! Statements, blocks, branches, loops, `try`, and the ways out of them.
//!
//! Owns what stands in a block and the scopes that blocks make. Must not know of the top level: declarations are
//! [`declarations`](super::declarations)'s.

use super::*;

const ONE_HANDLER: &str = "a `try` has one handler, and `match` tells the errors apart: \
    `catch (e) { match e { SystemError.IOError { message } => …, _ => throw e } }`";

impl Parser<'_> {
    /// Runs `inner` in a scope of its own.
    pub(super) fn scoped<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        let mark = self.scopes.open();
        let result = inner(self);
        self.scopes.close(mark, self.last_end());
        result
    }

    /// Puts into view what a pattern binds.
    pub(super) fn declare(&mut self, binds: impl IntoIterator<Item = (Name, VarId)>) {
        let at = self.last_end();
        binds.into_iter().for_each(|(name, var)| self.scopes.declare(name, var, at));
    }

    /// Runs `inner` where a brace begins the body, not a struct literal.
    fn in_head(&mut self) -> Parse<NodeId> {
        let head = std::mem::replace(&mut self.head, true);
        let result = self.expression();
        self.head = head;
        result
    }

    fn in_loop<T>(&mut self, inner: impl FnOnce(&mut Self, LoopId) -> Parse<T>) -> Parse<T> {
        let id = self.scopes.frame().enter_loop();
        let result = inner(self, id);
        self.scopes.frame().leave_loop();
        result
    }

    fn shielded<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        let frame = self.scopes.frame();
        frame.shields += 1;
        let result = inner(self);
        let frame = self.scopes.frame();
        frame.shields -= 1;
        result
    }

    /// `{ statements }`
    pub(super) fn block(&mut self, owner: &str) -> Parse<NodeId> {
        let open = match self.kind() {
            Kind::OpenBrace => self.bump().span(),
            _ => return self.expected(&format!("`{{` and the body of {owner}")),
        };
        let ids = self.nested(|p| p.scoped(|p| p.inside(false, |p| p.statements(open, owner))))?;
        let height = self.height_of(&ids);
        let list = self.list(&ids);
        let span = self.span_from(open.start);
        Ok(self.add(Node::Block(list), span, height))
    }

    fn statements(&mut self, open: Span, owner: &str) -> Parse<Vec<NodeId>> {
        let mut ids = Vec::new();
        loop {
            self.semicolons();
            match self.kind() {
                Kind::CloseBrace => {
                    self.bump();
                    return Ok(ids);
                }
                Kind::Eof => self.expect_close(Kind::CloseBrace, "`}`", open)?,
                Kind::CloseParen | Kind::CloseBracket if !self.awaited() => {
                    self.closes_nothing();
                    continue;
                }
                Kind::CloseParen | Kind::CloseBracket => self.expect_close(Kind::CloseBrace, "`}`", open)?,
                kind @ (Kind::Else | Kind::Catch | Kind::Finally) if self.goes_on(kind, owner) => {
                    let token = self.token();
                    let word = self.text_of(token).to_string();
                    self.report(
                        SyntaxError::new(token.span(), format!("`{word}` inside the block that it follows"))
                            .also(open, "this block is not closed")
                            .help(format!("close the block before it: `}} {word}`")),
                    );
                    // As if the brace stood here, so that all that follows reads as it is meant.
                    self.brace_missing = true;
                    return Ok(ids);
                }
                _ => {}
            }
            let from = self.at;
            match self.statement() {
                Ok(id) => ids.push(id),
                Err(Fail) => {
                    self.recover(from);
                    if self.at == from {
                        self.bump();
                    }
                }
            }
        }
    }

    /// Whether the word at the beginning of a line goes on with the construct whose block is open.
    fn goes_on(&self, word: Kind, owner: &str) -> bool {
        let fits = if word == Kind::Else { owner == "`if`" } else { owner == "`try`" };
        fits && self.token().newline()
    }

    /// One statement of a block.
    fn statement(&mut self) -> Parse<NodeId> {
        self.not_a_comment()?;
        match self.kind() {
            Kind::Let => self.local_let(),
            Kind::LetOnce => {
                let span = self.token().span();
                self.fail(
                    SyntaxError::rule(span, "`letonce` stands at the top level only")
                        .help("inside a function, write `let`"),
                )
            }
            Kind::Fn if self.peek(1).kind == Kind::Ident => self.local_function(),
            Kind::Ident => {
                if let Some(word) = self.declaration_word() {
                    // When a brace above is not closed, all that follows stands in a block: once is enough.
                    if std::mem::replace(&mut self.misplaced, true) {
                        return Err(Fail);
                    }
                    let span = self.token().span();
                    return self.fail(
                        SyntaxError::rule(span, format!("`{word}` stands at the top level only"))
                            .label("inside a block")
                            .help("move it out of the function; if a bracket above is not closed, close it"),
                    );
                }
                let node = self.expression()?;
                self.not_beside(node)?;
                Ok(node)
            }
            _ => self.expression(),
        }
    }

    fn local_let(&mut self) -> Parse<NodeId> {
        let start = self.bump().start;
        if self.at_word("dynamic") && !matches!(self.peek(1).kind, Kind::Assign) {
            let span = self.token().span();
            return self.fail(
                SyntaxError::rule(span, "`let dynamic` stands at the top level only")
                    .help("inside a function, `binding (name = value) { … }` gives a dynamic variable another value"),
            );
        }
        let mutable = self.kind() == Kind::Mut;
        let (pattern, binds) = self.let_pattern()?;
        let unfinished = self.token().newline() && !matches!(self.kind(), Kind::Assign | Kind::Eof);
        if unfinished && self.tokens[self.at - 1].kind == Kind::Ident {
            let span = self.tokens[self.at - 1].span();
            let name = self.text_of(self.tokens[self.at - 1]).to_string();
            self.report(SyntaxError::new(span, "a `let` without a value").help(format!(
                "a `let` always has a value: `let {name} = 1`; a variable that gets it later is `let mut {name} = null`"
            )));
            // What assigns it later is right.
            for (_, var) in binds.iter().filter(|_| !mutable) {
                self.scopes.frame().vars[var.index()].mutable = true;
            }
            self.declare(binds);
            return Ok(self.leaf(Node::Null, span));
        }
        let value = self.let_value()?;
        self.declare(binds);
        let (span, height) = (self.span_from(start), self.height(value));
        Ok(self.add(Node::Let { pattern, value }, span, height))
    }

    /// What stands between `let` and `=`.
    #[allow(clippy::type_complexity)]
    fn let_pattern(&mut self) -> Parse<(PatternId, Vec<(Name, VarId)>)> {
        if self.kind() != Kind::Mut {
            return self.whole_pattern("a name or a pattern after `let`");
        }
        self.bump();
        if matches!(self.kind(), Kind::OpenBracket | Kind::OpenBrace) {
            return self.expected_with("a name after `let mut`", |e| {
                e.help("a pattern cannot be `mut`: take it apart with `let`, then `let mut a = a`")
            });
        }
        let (name, span) = self.name("a name after `let mut`")?;
        let var = self.scopes.frame().new_var(name, VarKind::Local, true, span);
        Ok((self.add_pattern(Pattern::Bind(var), span), vec![(name, var)]))
    }

    /// `= value` of a `let`.
    pub(super) fn let_value(&mut self) -> Parse<NodeId> {
        if self.kind() != Kind::Assign {
            return self.expected_with("`=` and a value", |e| {
                e.help("a `let` always has a value: `let name = value`, or `let mut name = null`")
            });
        }
        self.bump();
        self.expression()
    }

    /// What follows `=>`: a block, or an expression.
    pub(super) fn arrow_value(&mut self) -> Parse<NodeId> {
        match self.kind() {
            Kind::OpenBrace => self.block("the arm"),
            Kind::Let => self.scoped(|p| p.inside(false, Self::local_let)),
            _ => self.inside(false, Self::expression),
        }
    }

    pub(super) fn if_expression(&mut self) -> Parse<NodeId> {
        let mut branches = Vec::new();
        let mut otherwise = None;
        loop {
            let word = self.at;
            let start = self.bump().start;
            let condition = self.in_head()?;
            self.trailing_if(word)?;
            let then = self.block("`if`")?;
            branches.push((start, condition, then));
            if !self.eat(Kind::Else) {
                break;
            }
            if self.kind() != Kind::If {
                otherwise = Some(self.block("`else`")?);
                break;
            }
        }
        let end = self.last_end();
        while let Some((start, condition, then)) = branches.pop() {
            // One `else if` after the other is a list: it is as high as its highest part.
            let below = self.height_of(&[condition, then]);
            let below = otherwise.map_or(below, |o| self.chain_height(o, &[condition, then]));
            otherwise = Some(self.add(Node::If { condition, then, otherwise }, Span { start, end }, below));
        }
        otherwise.ok_or(Fail)
    }

    pub(super) fn while_expression(&mut self) -> Parse<NodeId> {
        let start = self.bump().start;
        let (loop_, condition, body) = self.in_loop(|p, id| Ok((id, p.in_head()?, p.block("`while`")?)))?;
        let (span, height) = (self.span_from(start), self.height_of(&[condition, body]));
        Ok(self.add(Node::While { loop_, condition, body }, span, height))
    }

    pub(super) fn loop_expression(&mut self) -> Parse<NodeId> {
        let start = self.bump().start;
        let (loop_, body) = self.in_loop(|p, id| Ok((id, p.block("`loop`")?)))?;
        let (span, height) = (self.span_from(start), self.height(body));
        Ok(self.add(Node::Loop { loop_, body }, span, height))
    }

    pub(super) fn for_expression(&mut self) -> Parse<NodeId> {
        let start = self.bump().start;
        self.endless_for()?;
        let (pattern, binds) = self.whole_pattern("a name or a pattern after `for`")?;
        if !self.eat(Kind::In) {
            return self.expected_with("`in`", |e| e.help("a loop over a collection is `for x in coll { … }`"));
        }
        let iterable = self.in_head()?;
        let (loop_, body) = self.in_loop(|p, id| {
            p.scoped(|p| {
                binds.iter().for_each(|(_, var)| p.scopes.frame().adopt(*var, id));
                p.declare(binds);
                Ok((id, p.block("`for`")?))
            })
        })?;
        let (span, height) = (self.span_from(start), self.height_of(&[iterable, body]));
        Ok(self.add(Node::For { loop_, pattern, iterable, body }, span, height))
    }

    pub(super) fn match_expression(&mut self) -> Parse<NodeId> {
        let start = self.bump().start;
        self.match_of_nothing()?;
        let subject = self.in_head()?;
        if self.kind() != Kind::OpenBrace {
            return self.expected("`{` and the arms of `match`");
        }
        let open = self.bump().span();
        let arms = self.nested(|p| p.inside(false, |p| p.arms(open)))?;
        let mut height = self.height(subject);
        for arm in &arms {
            height = height.max(self.height(arm.body)).max(arm.guard.map_or(0, |g| self.height(g)));
        }
        let span = self.span_from(start);
        Ok(self.add(Node::Match { subject, arms: arms.into() }, span, height))
    }

    fn arms(&mut self, open: Span) -> Parse<Vec<Arm>> {
        let mut arms = Vec::new();
        while !self.eat(Kind::CloseBrace) {
            self.not_a_case()?;
            let arm = self.scoped(|p| {
                let (pattern, binds) = p.whole_pattern("a pattern or `}`")?;
                p.declare(binds);
                let mut guard = None;
                if p.eat(Kind::If) {
                    guard = Some(p.inside(false, Self::expression)?);
                }
                if !p.eat(Kind::Arrow) {
                    return p.expected_with("`=>`", |e| {
                        e.help("an arm is `pattern => value` or `pattern if condition => value`")
                    });
                }
                Ok(Arm { pattern, guard, body: p.arrow_value()? })
            })?;
            let block = self.at > 0 && self.tokens[self.at - 1].kind == Kind::CloseBrace;
            arms.push(arm);
            if !self.eat(Kind::Comma) && (!block || self.kind() == Kind::Eof) {
                self.separator(Kind::CloseBrace, "`,`, a new line or `}` after the arm", open)?;
            }
        }
        Ok(arms)
    }

    pub(super) fn try_expression(&mut self) -> Parse<NodeId> {
        let start = self.bump().start;
        let (parts, resumes) = self.shielded(|p| {
            let body = p.block("`try`")?;
            let (mut catch, mut resumes) = (None, false);
            if p.eat(Kind::Catch) {
                let open = p.token().span();
                if p.kind() != Kind::OpenParen {
                    return p.expected_with("`(`", |e| e.help("a handler is `catch (e) { … }`"));
                }
                p.bump();
                catch = Some(p.scoped(|p| {
                    let (pattern, mut binds) = p.inside(true, |p| p.whole_pattern("a name for what was thrown"))?;
                    let comma = p.eat(Kind::Comma);
                    if comma && p.kind() == Kind::Ident {
                        let (name, span) = p.name("a name")?;
                        let var = p.scopes.frame().new_var(name, VarKind::Local, false, span);
                        binds.push((name, var));
                        resumes = true;
                        p.eat(Kind::Comma);
                    }
                    if p.kind() == Kind::Ident {
                        return p.expected_with("`)`", |e| e.also(open, "opened here").help(ONE_HANDLER));
                    }
                    p.expect_close(Kind::CloseParen, "`)`", open)?;
                    p.declare(binds);
                    Ok((pattern, p.block("`catch`")?))
                })?);
                if p.kind() == Kind::Catch {
                    let span = p.token().span();
                    return p.fail(SyntaxError::new(span, "a second `catch`").help(ONE_HANDLER));
                }
            }
            let finally = if p.eat(Kind::Finally) { Some(p.block("`finally`")?) } else { None };
            if catch.is_none() && finally.is_none() {
                return p.expected_with("`catch` or `finally`", |e| {
                    e.help("a `try` has a handler, `catch (e) { … }`, or a `finally { … }`, or both")
                });
            }
            if p.kind() == Kind::Else {
                let help = "what is done when nothing was thrown is the end of the `try` block";
                return p.fail(SyntaxError::new(p.token().span(), "a `try` has no `else`").help(help));
            }
            Ok((Try { body, catch, finally }, resumes))
        })?;
        let span = self.span_from(start);
        if resumes {
            return Ok(self.not_yet("`catch (e, resume)`", span));
        }
        let mut height = self.height(parts.body).max(parts.finally.map_or(0, |f| self.height(f)));
        height = height.max(parts.catch.map_or(0, |(_, handler)| self.height(handler)));
        Ok(self.add(Node::Try(Box::new(parts)), span, height))
    }

    fn not_yet(&mut self, feature: &str, span: Span) -> NodeId {
        let name = self.intern(feature);
        self.leaf(Node::NotYet(name), span)
    }

    /// `return`, `break`, `continue`, with the value that stands on the same line.
    pub(super) fn jump(&mut self) -> Parse<NodeId> {
        let word = self.bump();
        let mut value = None;
        if self.kind() == Kind::OpenParen && !self.token().newline() && self.peek(1).kind == Kind::CloseParen {
            self.bump();
            self.bump();
        } else if word.kind != Kind::Continue && self.begins_expression() {
            value = Some(self.expression()?);
        }
        let span = self.span_from(word.start);
        let height = value.map_or(0, |v| self.height(v));
        let frame = self.scopes.frame();
        let innermost = frame.loop_stack.last().copied();
        let (init, shields) = (frame.init, frame.shields);
        let node = match (word.kind, innermost) {
            (Kind::Return, _) => {
                if init {
                    self.report(
                        SyntaxError::rule(word.span(), "`return` outside of a function")
                            .help("the value of a text is that of its last expression"),
                    );
                } else if shields == 0
                    && let Some(value) = value
                {
                    self.mark_tail(value);
                }
                Node::Return(value)
            }
            (Kind::Break, Some(loop_)) => Node::Break { loop_, value },
            (Kind::Continue, Some(loop_)) => Node::Continue { loop_ },
            _ => {
                let text = self.text_of(word).to_string();
                let error =
                    SyntaxError::rule(word.span(), format!("`{text}` outside of a loop")).label("no loop around it");
                let help = match (word.kind, self.scopes.frames.iter().any(|f| !f.loop_stack.is_empty())) {
                    (_, true) => format!(
                        "the loop around this function cannot be left from inside of it; `{text}` is for the loop it stands in"
                    ),
                    (Kind::Break, _) => "to leave the function, write `return`".into(),
                    _ => "it goes on with the next turn of a `while`, `loop` or `for`".into(),
                };
                self.report(error.help(help));
                Node::Null
            }
        };
        Ok(self.add(node, span, height))
    }

    fn begins_expression(&self) -> bool {
        let token = self.token();
        !token.newline()
            && matches!(
                token.kind,
                Kind::Ident
                    | Kind::Int
                    | Kind::Float
                    | Kind::Keyword
                    | Kind::Str
                    | Kind::StrHead
                    | Kind::OpenParen
                    | Kind::OpenBracket
                    | Kind::OpenBrace
                    | Kind::OpenSet
                    | Kind::Minus
                    | Kind::Bang
                    | Kind::Break
                    | Kind::Continue
                    | Kind::False
                    | Kind::Fn
                    | Kind::For
                    | Kind::If
                    | Kind::Infinity
                    | Kind::Loop
                    | Kind::Match
                    | Kind::Nan
                    | Kind::Null
                    | Kind::Return
                    | Kind::Throw
                    | Kind::True
                    | Kind::Try
                    | Kind::While
                    | Kind::Bad
            )
    }

    /// The forms that begin with a word that is no reserved word; a local of that name, or another shape, makes it a name.
    pub(super) fn soft_form(&mut self, token: Token) -> Option<Parse<NodeId>> {
        let text = self.text;
        let word = &text[token.start as usize..token.end as usize];
        if !CONTEXTUAL.contains(&word) {
            return None;
        }
        let next = self.peek(1);
        if next.newline() || self.defined.contains(word) {
            return None;
        }
        match (word, next.kind) {
            ("binding", Kind::OpenParen)
                if self.peek(2).kind == Kind::Ident && matches!(self.peek(3).kind, Kind::Assign | Kind::Slash) =>
            {
                Some(self.binding())
            }
            ("reset", Kind::OpenBrace) if !self.head => Some(self.later(token, "`reset`", |p| p.block("`reset`"))),
            ("shift" | "future", Kind::OpenParen) => {
                Some(self.later(token, if word == "shift" { "`shift`" } else { "`future`" }, Self::expression))
            }
            ("perform", Kind::Ident) => Some(self.later(token, "`perform`", Self::expression)),
            ("async", Kind::OpenBrace) if !self.head => Some(self.later(token, "`async`", |p| p.block("`async`"))),
            ("async", Kind::Fn | Kind::Ident) => Some(self.later(token, "`async`", Self::expression)),
            ("handle", Kind::Ident) => Some(self.later(token, "`handle`", |p| {
                p.path("an effect")?;
                if p.kind() == Kind::OpenParen {
                    let open = p.bump().span();
                    p.path("an enum")?;
                    p.expect_close(Kind::CloseParen, "`)`", open)?;
                }
                if !p.at_word("with") {
                    return p.expected("`with` and a handler");
                }
                p.bump();
                p.in_head()?;
                p.block("`handle`")
            })),
            _ => None,
        }
    }

    /// A form of section 9: read, and left for later.
    fn later(&mut self, token: Token, feature: &str, inner: impl FnOnce(&mut Self) -> Parse<NodeId>) -> Parse<NodeId> {
        self.bump();
        self.shielded(inner)?;
        let span = self.span_from(token.start);
        Ok(self.not_yet(feature, span))
    }

    /// `binding (name = value, …) { body }`
    fn binding(&mut self) -> Parse<NodeId> {
        let start = self.bump().start;
        let open = self.bump().span();
        let (mut names, mut values) = (Vec::new(), Vec::new());
        self.inside(true, |p| {
            while !p.eat(Kind::CloseParen) {
                names.push(p.path("the name of a dynamic variable")?);
                p.expect(Kind::Assign, "`=` and a value")?;
                values.push(p.expression()?);
                if !p.eat(Kind::Comma) {
                    p.expect_close(Kind::CloseParen, "`,` or `)`", open)?;
                    break;
                }
            }
            Ok(())
        })?;
        let body = self.shielded(|p| p.block("`binding`"))?;
        let height = self.height_of(&values).max(self.height(body));
        let values = self.list(&values);
        let span = self.span_from(start);
        Ok(self.add(Node::Binding(Box::new(DynamicBinding { names, values, body })), span, height))
    }
}
