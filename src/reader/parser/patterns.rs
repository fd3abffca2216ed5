//! Patterns.
//!
//! Owns how patterns are written and which variables they make. It must not put those into view: when that happens is
//! up to whoever asked for the pattern.

use super::super::{foreign_words, literals};
use super::*;

impl Parser<'_> {
    pub(super) fn add_pattern(&mut self, pattern: Pattern, span: Span) -> PatternId {
        let id = PatternId(self.unit.patterns.len() as u32);
        self.unit.patterns.push(pattern);
        self.unit.pattern_spans.push(span);
        id
    }

    /// A pattern and the variables it binds.
    #[allow(clippy::type_complexity)]
    pub(super) fn whole_pattern(&mut self, what: &str) -> Parse<(PatternId, Vec<(Name, VarId)>)> {
        self.binds.clear();
        self.alternatives.clear();
        let pattern = self.pattern(what)?;
        Ok((pattern, self.take_binds()))
    }

    /// The variables of the patterns read since the list was cleared.
    pub(super) fn take_binds(&mut self) -> Vec<(Name, VarId)> {
        let binds = std::mem::take(&mut self.binds);
        let mut seen = FxHashSet::default();
        for (name, var) in &binds {
            if !seen.insert(*name) {
                let span = self.scopes.model(*var).span;
                let text = self.unit.name(*name).to_string();
                self.report(
                    SyntaxError::rule(span, format!("`{text}` is bound twice in one pattern"))
                        .help("give one of them another name, or `_`; compare them in a guard: `[a, b] if a == b`"),
                );
            }
        }
        binds
    }

    /// A pattern with its alternatives; what it binds is added to `binds`.
    pub(super) fn pattern(&mut self, what: &str) -> Parse<PatternId> {
        self.nested(|p| p.pattern_inner(what))
    }

    fn pattern_inner(&mut self, what: &str) -> Parse<PatternId> {
        let start = self.token().start;
        let mark = self.binds.len();
        let first = self.single_pattern(what)?;
        if self.kind() != Kind::Bar {
            return Ok(first);
        }
        let bound = self.binds[mark..].to_vec();
        self.alternatives.push(bound.iter().copied().collect());
        let mut all = vec![first];
        while self.eat(Kind::Bar) {
            self.binds.truncate(mark);
            let from = self.token().start;
            all.push(self.single_pattern("a pattern after `|`")?);
            let here: FxHashSet<Name> = self.binds[mark..].iter().map(|b| b.0).collect();
            let odd = bound.iter().map(|b| b.0).find(|name| !here.contains(name)).or_else(|| {
                let first = self.alternatives.last();
                self.binds[mark..].iter().map(|b| b.0).find(|name| first.is_some_and(|f| !f.contains_key(name)))
            });
            if let Some(name) = odd {
                let text = self.unit.name(name).to_string();
                let span = self.span_from(from);
                self.report(
                    SyntaxError::rule(
                        span,
                        format!("the alternatives of a pattern bind the same names; `{text}` is not in all of them"),
                    )
                    .help("bind it in each alternative, or make arms of their own"),
                );
            }
        }
        self.binds.truncate(mark);
        self.binds.extend(bound);
        self.alternatives.pop();
        let span = self.span_from(start);
        Ok(self.add_pattern(Pattern::Or(all), span))
    }

    fn single_pattern(&mut self, what: &str) -> Parse<PatternId> {
        let token = self.token();
        let span = token.span();
        match token.kind {
            Kind::Ident => self.named_pattern(),
            Kind::Int | Kind::Float | Kind::Infinity | Kind::Nan => {
                self.bump();
                let number = self.number_of(token);
                let node = self.number_node(number);
                Ok(self.literal_pattern(node, span))
            }
            Kind::Minus => {
                self.bump();
                let number = self.token();
                if !matches!(number.kind, Kind::Int | Kind::Float | Kind::Infinity) {
                    return self.expected("a number after `-` in a pattern");
                }
                self.bump();
                let value = literals::negate(self.number_of(number));
                let node = self.number_node(value);
                Ok(self.literal_pattern(node, Span { start: token.start, end: number.end }))
            }
            Kind::Str => {
                self.bump();
                let name = self.string_name(token, 1);
                Ok(self.literal_pattern(Node::String(name), span))
            }
            Kind::StrHead => {
                let error = SyntaxError::new(span, "a string with `${…}` cannot be a pattern");
                self.fail(error.help("bind the value to a name and compare it in a guard: `s if s == \"…\" => …`"))
            }
            Kind::Keyword => {
                self.bump();
                let name = self.keyword_name(token);
                Ok(self.literal_pattern(Node::Keyword(name), span))
            }
            Kind::True | Kind::False => {
                self.bump();
                Ok(self.literal_pattern(Node::Bool(token.kind == Kind::True), span))
            }
            Kind::Null => {
                self.bump();
                Ok(self.literal_pattern(Node::Null, span))
            }
            Kind::OpenBracket => self.vector_pattern(),
            Kind::OpenBrace => self.map_pattern(),
            Kind::OpenParen => {
                let looped = self.at > 0 && self.tokens[self.at - 1].kind == Kind::For;
                let open = self.bump().span();
                let inner = self.inside(true, |p| {
                    let inner = p.pattern("a pattern")?;
                    if looped && p.kind() == Kind::Ident {
                        return p
                            .expected_with("`)`", |e| SyntaxError { foreign: true, ..e.help(foreign_words::LOOP) });
                    }
                    if p.kind() == Kind::Comma {
                        return p.expected_with("`)`", |e| {
                            e.also(open, "opened here").help("several values together are a vector: `let [a, b] = f()`")
                        });
                    }
                    p.expect_close(Kind::CloseParen, "`)`", open)?;
                    Ok(inner)
                })?;
                Ok(inner)
            }
            Kind::Mut => self.expected_with(what, |e| {
                e.help("only `let mut name = …` makes a mutable variable; give it the value that the pattern binds")
            }),
            kind if kind.is_word() => {
                self.tell_reserved();
                self.expected_with(what, |e| e.help("a reserved word cannot be a name"))
            }
            _ => self.expected(what),
        }
    }

    fn literal_pattern(&mut self, node: Node, span: Span) -> PatternId {
        let id = self.leaf(node, span);
        self.add_pattern(Pattern::Literal(id), span)
    }

    fn bind(&mut self, name: Name, span: Span) -> PatternId {
        if self.unit.name(name) == "_" {
            return self.add_pattern(Pattern::Ignore, span);
        }
        let known = self.alternatives.iter().rev().find_map(|a| a.get(&name).copied());
        let var = known.unwrap_or_else(|| self.scopes.frame().new_var(name, VarKind::Local, false, span));
        self.binds.push((name, var));
        self.add_pattern(Pattern::Bind(var), span)
    }

    /// A name that binds, or a type with what its fields must look like.
    fn named_pattern(&mut self) -> Parse<PatternId> {
        let token = self.token();
        let qualified = self.glued_slash(1);
        let next = self.peek(1);
        let brace = next.kind == Kind::OpenBrace && (self.free_lines || !next.newline());
        if !qualified && !brace && next.kind != Kind::Dot {
            self.bump();
            let name = self.intern_token(token);
            return Ok(self.bind(name, token.span()));
        }
        let type_ = self.path("a type")?;
        let mut variant = None;
        if self.eat(Kind::Dot) {
            variant = Some(self.word("a variant's name after `.`")?.0);
        }
        let brace = self.kind() == Kind::OpenBrace && self.same_line();
        if !brace && variant.is_none() {
            return self.expected_with("`{` or `.variant`", |e| {
                e.help("a pattern that asks for a type is `Name { }` or `Name { field, … }`; a value of another namespace is compared in a guard")
            });
        }
        let mut fields = Vec::new();
        if brace {
            let open = self.bump().span();
            fields = self.inside(false, |p| p.field_patterns(open))?;
        }
        let span = self.span_from(token.start);
        Ok(self.add_pattern(Pattern::Struct { type_, variant, fields }, span))
    }

    fn field_patterns(&mut self, open: Span) -> Parse<Vec<(Name, PatternId)>> {
        let mut fields: Vec<(Name, PatternId)> = Vec::new();
        let mut seen = FxHashSet::default();
        while !self.eat(Kind::CloseBrace) {
            if self.kind() == Kind::Ellipsis {
                return self.expected_with("a field name or `}`", |e| {
                    e.help("leave it out: a pattern asks only for the fields that it names")
                });
            }
            let bindable = self.kind() == Kind::Ident;
            let (name, span) = self.word("a field name or `}`")?;
            if !seen.insert(name) {
                let text = self.unit.name(name).to_string();
                self.report(SyntaxError::rule(span, format!("the field `{text}` is named twice")));
            }
            let pattern = if self.eat(Kind::Colon) {
                self.pattern("a pattern for the field")?
            } else if bindable {
                self.bind(name, span)
            } else {
                return self
                    .expected_with("`:` and a pattern", |e| e.help("a reserved word cannot be bound: `field: name`"));
            };
            fields.push((name, pattern));
            self.separator(Kind::CloseBrace, "`,`, a new line or `}`", open)?;
        }
        Ok(fields)
    }

    fn map_pattern(&mut self) -> Parse<PatternId> {
        let open = self.bump().span();
        let entries = self.inside(false, |p| {
            let mut entries = Vec::new();
            while !p.eat(Kind::CloseBrace) {
                entries.push(p.map_pattern_entry()?);
                if p.kind() == Kind::Assign {
                    return p.expected_with("`,` or `}`", |e| {
                        e.also(open, "opened here")
                            .help("a pattern has no defaults: `get(m, :key, default)` reads a key that may be missing")
                    });
                }
                p.separator(Kind::CloseBrace, "`,`, a new line or `}`", open)?;
            }
            Ok(entries)
        })?;
        let span = self.span_from(open.start);
        Ok(self.add_pattern(Pattern::Map(entries), span))
    }

    fn map_pattern_entry(&mut self) -> Parse<(NodeId, PatternId)> {
        let token = self.token();
        if token.kind == Kind::Str {
            self.bump();
            let name = self.string_name(token, 1);
            let key = self.leaf(Node::String(name), token.span());
            if !self.eat(Kind::Colon) {
                return self.expected_with("`:` and a pattern", |e| {
                    e.help("a string key is taken out with `{\"key\": name}`")
                });
            }
            return Ok((key, self.pattern("a pattern for the value")?));
        }
        match token.kind {
            Kind::Keyword => {
                return self.expected_with("a name, a string or `}`", |e| {
                    e.help("a map pattern names its keys without the colon before them: `{name, age: a}`")
                });
            }
            Kind::Ellipsis => {
                return self.expected_with("a name, a string or `}`", |e| {
                    e.help("leave it out: a map pattern asks only for the keys that it names")
                });
            }
            _ => {}
        }
        let bindable = token.kind == Kind::Ident;
        let (name, span) = self.word("a name, a string or `}`")?;
        let key = self.leaf(Node::Keyword(name), span);
        if self.eat(Kind::Colon) {
            return Ok((key, self.pattern("a pattern for the value")?));
        }
        if !bindable {
            return self
                .expected_with("`:` and a pattern", |e| e.help("a reserved word cannot be bound: `{key: name}`"));
        }
        Ok((key, self.bind(name, span)))
    }

    fn vector_pattern(&mut self) -> Parse<PatternId> {
        let open = self.bump().span();
        let (before, rest, after) = self.inside(true, |p| {
            let (mut before, mut rest, mut after) = (Vec::new(), None, Vec::new());
            while !p.eat(Kind::CloseBracket) {
                if p.kind() == Kind::Ellipsis {
                    let dots = p.token().span();
                    if rest.is_some() {
                        p.report(
                            SyntaxError::new(dots, "a second `...` in one vector pattern")
                                .help("only one part can be the rest"),
                        );
                    }
                    rest = Some(p.rest_pattern()?);
                } else {
                    let pattern = p.pattern("a pattern or `]`")?;
                    if rest.is_some() { after.push(pattern) } else { before.push(pattern) }
                }
                if !p.eat(Kind::Comma) {
                    if matches!(p.kind(), Kind::Ident | Kind::Int | Kind::Float | Kind::Str | Kind::Keyword) {
                        return p.expected_with("`,` or `]`", |e| {
                            e.also(open, "opened here").help(
                                "commas stand between the names that a vector is taken apart into; each value has a `let` of \
                                 its own: `let a = 1`",
                            )
                        });
                    }
                    if p.kind() == Kind::Assign {
                        return p.expected_with("`,` or `]`", |e| {
                            e.also(open, "opened here")
                                .help("a pattern has no defaults: `get(xs, i, default)` reads an element that may be missing")
                        });
                    }
                    p.expect_close(Kind::CloseBracket, "`,` or `]`", open)?;
                    break;
                }
            }
            Ok((before, rest, after))
        })?;
        let span = self.span_from(open.start);
        Ok(self.add_pattern(Pattern::Vector { before, rest, after }, span))
    }

    /// `...pattern`, or a bare `...`.
    pub(super) fn rest_pattern(&mut self) -> Parse<PatternId> {
        let dots = self.bump().span();
        if matches!(self.kind(), Kind::Comma | Kind::CloseBracket | Kind::CloseParen) {
            return Ok(self.add_pattern(Pattern::Ignore, dots));
        }
        self.pattern("a name or a pattern after `...`")
    }
}
