//! Operands: literals, names, collections, struct literals, strings with interpolation.
//!
//! Owns what an expression is made of at the bottom. Must not know of precedence
//! ([`expressions`](super::expressions)).

use super::super::{brackets, foreign_words, literals};
use super::expressions::Infix;
use super::*;

impl Parser<'_> {
    /// The type that a struct literal with this head would have, when the brace that follows looks like one.
    pub(super) fn struct_type(&mut self, head: NodeId) -> Option<(GlobalId, Option<Name>)> {
        if self.parenthesised == Some(head) {
            return None;
        }
        let next = self.peek(1);
        let empty = next.kind == Kind::CloseBrace;
        if !(empty || next.kind == Kind::Ellipsis || next.kind.is_word()) {
            return None;
        }
        match self.unit.nodes[head.index()] {
            Node::Global(global) => Some((global, None)),
            Node::Field { object, name } => match self.unit.nodes[object.index()] {
                Node::Global(global) if self.parenthesised != Some(object) => Some((global, Some(name))),
                _ => None,
            },
            Node::Local(var) if !empty => {
                let name = self.scopes.model(var).name;
                let text = self.unit.name(name).to_string();
                let span = self.node_span(head);
                self.report(
                    SyntaxError::rule(
                        span,
                        format!("`{text}` is a local variable, so it cannot be the type of a struct literal"),
                    )
                    .label("not a type")
                    .help("give the variable another name, or put a `,` or `;` before the `{`"),
                );
                Some((GlobalId(0), None))
            }
            _ => None,
        }
    }

    pub(super) fn struct_literal(
        &mut self,
        head: NodeId,
        type_: GlobalId,
        variant: Option<Name>,
        start: u32,
    ) -> Parse<NodeId> {
        // The name itself is no value here.
        if let Node::Field { object, .. } = self.unit.nodes[head.index()] {
            self.take_back(head);
            self.take_back(object);
        } else {
            self.take_back(head);
        }
        let open = self.bump().span();
        let (base, fields, values) = self.inside(false, |p| p.struct_fields(open))?;
        let height = self.height_of(&values).max(base.map_or(0, |b| self.height(b)));
        let values = self.list(&values);
        // Defaults may run any code.
        let span = self.span_from(start);
        let literal = StructLiteral { type_, variant, base, fields, values };
        Ok(self.add(Node::Struct(Box::new(literal)), span, height))
    }

    #[allow(clippy::type_complexity)]
    fn struct_fields(&mut self, open: Span) -> Parse<(Option<NodeId>, Vec<Name>, Vec<NodeId>)> {
        let (mut base, mut fields, mut values) = (None, Vec::new(), Vec::new());
        let mut seen = FxHashSet::default();
        while !self.eat(Kind::CloseBrace) {
            if self.kind() == Kind::Ellipsis {
                let dots = self.bump();
                if base.is_some() || !fields.is_empty() {
                    let error = SyntaxError::new(dots.span(), "`...base` stands first in a struct literal");
                    self.report(error.help("write `Name { ...base, field: value }`"));
                }
                base = Some(self.expression()?);
            } else {
                let (name, span) = self.word("a field name or `}`")?;
                let value = if self.eat(Kind::Colon) { self.expression()? } else { self.variable(name, span) };
                if !seen.insert(name) {
                    let text = self.unit.name(name).to_string();
                    self.report(SyntaxError::rule(span, format!("the field `{text}` is given twice")));
                }
                fields.push(name);
                values.push(value);
            }
            self.separator(Kind::CloseBrace, "`,`, a new line or `}`", open)?;
        }
        Ok((base, fields, values))
    }

    /// Between fields, variants, arms: a comma, a line break, or the closing brace.
    pub(super) fn separator(&mut self, close: Kind, what: &str, open: Span) -> Parse<()> {
        if self.eat(Kind::Comma) || self.kind() == close || self.token().newline() && self.kind() != Kind::Eof {
            return Ok(());
        }
        // `enum Color { RED; GREEN }`
        let semicolon = self.kind() == Kind::Semicolon;
        self.expected_with(what, |error| {
            let error = error.also(open, "opened here");
            match semicolon {
                true => {
                    SyntaxError { foreign: true, ..error.help("a comma stands between, or a new line: no semicolon") }
                }
                false => error,
            }
        })
    }

    /// A name used as a value.
    pub(super) fn variable(&mut self, name: Name, span: Span) -> NodeId {
        match self.scopes.resolve(name) {
            Some(var) => {
                self.scopes.frame().read(var);
                self.leaf(Node::Local(var), span)
            }
            None => {
                let global = self.global(None, name, span);
                self.leaf(Node::Global(global), span)
            }
        }
    }

    pub(super) fn primary(&mut self) -> Parse<NodeId> {
        let token = self.token();
        let span = token.span();
        match token.kind {
            Kind::Ident => self.named(),
            Kind::Int | Kind::Float | Kind::Infinity | Kind::Nan => {
                self.bump();
                let number = self.number_of(token);
                let node = self.number_node(number);
                Ok(self.leaf(node, span))
            }
            Kind::Keyword => {
                self.bump();
                let name = self.keyword_name(token);
                Ok(self.leaf(Node::Keyword(name), span))
            }
            Kind::Str => {
                self.not_tripled()?;
                self.bump();
                let name = self.string_name(token, 1);
                Ok(self.leaf(Node::String(name), span))
            }
            Kind::StrHead => self.interpolation(),
            Kind::True | Kind::False => {
                self.bump();
                Ok(self.leaf(Node::Bool(token.kind == Kind::True), span))
            }
            Kind::Null => {
                self.bump();
                Ok(self.leaf(Node::Null, span))
            }
            Kind::OpenParen => self.parentheses(),
            Kind::OpenBracket => {
                let open = self.bump().span();
                let ids = self.inside(true, |p| p.elements(Kind::CloseBracket, "`,` or `]`", open))?;
                Ok(self.collection(&ids, span.start, Node::Vector))
            }
            Kind::OpenBrace => {
                let open = self.bump().span();
                let ids = self.inside(false, |p| p.map_entries(open))?;
                Ok(self.collection(&ids, span.start, Node::Map))
            }
            Kind::OpenSet => {
                let open = self.bump().span();
                let ids = self.inside(false, |p| p.set_members(open))?;
                Ok(self.collection(&ids, span.start, Node::Set))
            }
            Kind::Fn => self.function_expression(),
            Kind::If => self.if_expression(),
            Kind::While => self.while_expression(),
            Kind::Loop => self.loop_expression(),
            Kind::For => self.for_expression(),
            Kind::Match => self.match_expression(),
            Kind::Try => self.try_expression(),
            Kind::Return | Kind::Break | Kind::Continue => self.jump(),
            Kind::Throw => {
                self.bump();
                if matches!(self.kind(), Kind::CloseBrace | Kind::Semicolon) {
                    return self.expected_with("an expression", |e| {
                        e.help("`throw e` throws again what `catch (e)` has caught")
                    });
                }
                let value = self.expression()?;
                let (span, height) = (self.span_from(span.start), self.height(value));
                Ok(self.add(Node::Throw(value), span, height))
            }
            Kind::Let | Kind::LetOnce => self.expected_with("an expression", |e| {
                e.help("a `let` is a statement of its own: put it on a line before, or into a block")
            }),
            Kind::Else | Kind::Catch | Kind::Finally => {
                let (what, owner) = match token.kind {
                    Kind::Else => ("else", "an `if`"),
                    Kind::Catch => ("catch", "a `try`"),
                    _ => ("finally", "a `try`"),
                };
                let mut error = SyntaxError::new(span, format!("`{what}` without {owner} before it"));
                if token.kind == Kind::Else && self.behind_let() {
                    error =
                        error.help("a `let` has no `else`: what is `null` is asked for below it, `if x == null { … }`");
                } else if token.kind == Kind::Else {
                    error =
                        error.help("an `else` follows the block of an `if`; what is done after a loop stands below it");
                }
                self.fail(error.label(format!(
                    "no {owner} ends here",
                    owner = owner.trim_start_matches("an ").trim_start_matches("a ")
                )))
            }
            Kind::Assign => self.expected_with("an expression", |e| e.help("an assignment is `name = value`")),
            Kind::Colon if matches!(self.peek(1).kind, Kind::For | Kind::While | Kind::Loop) => {
                self.expected_with("an expression", |e| {
                    e.help(
                        "loops have no labels: put the inner loop into a function of its own, and leave it by `return`",
                    )
                })
            }
            Kind::Colon => self.expected_with("an expression", |e| {
                e.help("a keyword is written `:name`, with a space before the colon")
            }),
            Kind::Comma => {
                let help = self.comma_help();
                self.expected_with("an expression", |e| e.help(help))
            }
            kind if Infix::of(kind).is_some() => {
                let help = self.operator_help();
                self.expected_with("an expression", |e| e.help(help))
            }
            _ => self.expected("an expression"),
        }
    }

    /// The name of a keyword token, without its colon.
    pub(super) fn keyword_name(&mut self, token: Token) -> Name {
        let text = self.text;
        match text.as_bytes().get(token.start as usize + 1) {
            Some(b'"') => self.string_name(Token { start: token.start + 1, ..token }, 1),
            _ => self.intern(&text[token.start as usize + 1..token.end as usize]),
        }
    }

    pub(super) fn collection(&mut self, ids: &[NodeId], start: u32, node: fn(List) -> Node) -> NodeId {
        let height = self.height_of(ids);
        let list = self.list(ids);
        let span = self.span_from(start);
        self.add(node(list), span, height)
    }

    fn parentheses(&mut self) -> Parse<NodeId> {
        let formats = self.at > 1
            && self.tokens[self.at - 1].kind == Kind::Percent
            && matches!(self.tokens[self.at - 2].kind, Kind::Str | Kind::StrTail);
        let open = self.bump().span();
        if self.kind() == Kind::CloseParen {
            self.arrow_function()?;
            let span = Span { start: open.start, end: self.token().end };
            return self
                .fail(SyntaxError::new(span, "nothing between parentheses").help("the value of nothing is `null`"));
        }
        let inner = self.inside(true, |p| {
            let inner = p.expression()?;
            if p.kind() == Kind::Comma {
                p.arrow_function()?;
                return p.expected_with("`)`", |e| {
                    let help = if formats {
                        "values are put into a text by `${…}`: `\"${name} is ${age}\"`"
                    } else {
                        "several values together are a vector: `[a, b]`"
                    };
                    e.help(help).also(open, "opened here")
                });
            }
            p.not_beside(inner)?;
            p.key_as_function(inner)?;
            p.expect_close(Kind::CloseParen, "`)`", open)?;
            Ok(inner)
        })?;
        self.parenthesised = Some(inner);
        Ok(inner)
    }

    fn map_entries(&mut self, open: Span) -> Parse<Vec<NodeId>> {
        let mut entries = Vec::new();
        while !self.eat(Kind::CloseBrace) {
            if !self.begins_key() {
                self.not_taken_together("a key or `}`", open, &entries)?;
            }
            let key = self.map_key(open)?;
            if matches!(self.kind(), Kind::Comma | Kind::CloseBrace) {
                self.not_taken_together("the value of the key", open, &entries)?;
                return self.expected_with("the value of the key", |e| {
                    e.also(open, "this brace begins a map")
                        .help("a map is `{:key value}`, a set `#{1, 2}`, a vector `[1, 2]`")
                });
            }
            if matches!(self.kind(), Kind::Colon | Kind::Arrow | Kind::Assign) {
                return self.expected_with("the value of the key", |e| {
                    e.help("a map is written `{:key value, \"key\" value}`, without a colon after the key")
                });
            }
            let value = self.entry()?;
            entries.extend([key, value]);
            self.eat(Kind::Comma);
        }
        Ok(entries)
    }

    /// Whether what stands here is a key, and no error of [`Self::map_key`].
    #[inline(never)]
    fn begins_key(&mut self) -> bool {
        use Kind::*;
        match self.kind() {
            Keyword | Str | StrHead | Int | Float | Infinity | Nan | True | False | Null => true,
            OpenParen | OpenBracket | OpenBrace | OpenSet | Minus => true,
            Ident => self.names_a_value(),
            _ => false,
        }
    }

    /// `{:a 6 [7] 8}`, where keys and values do not go together: a bracket with a space before it was taken for a part of a value,
    /// and was to be the next key, perhaps. By itself: maps stand in maps, and what is on the stack at each level counts.
    #[cold]
    #[inline(never)]
    fn not_taken_together(&mut self, what: &str, open: Span, entries: &[NodeId]) -> Parse<()> {
        let mut values = entries.iter().skip(1).step_by(2);
        let Some(bracket) = values.find_map(|value| brackets::stands_apart(&self.unit, *value)) else { return Ok(()) };
        let sign = self.text.as_bytes().get(bracket.start as usize).copied();
        let (sign, does) = if sign == Some(b'(') { ("(", "calls") } else { ("[", "indexes") };
        self.expected_with(what, |e| {
            e.also(open, "this brace begins a map").also(bracket, format!("this {does} the value before it")).help(format!(
                "a `{sign}` on the same line {does} what stands before it: put a `,` between, where it is to be a key"
            ))
        })
    }

    /// An expression that another may follow without a comma.
    fn entry(&mut self) -> Parse<NodeId> {
        self.entries = true;
        let value = self.expression();
        self.entries = false;
        value
    }

    fn map_key(&mut self, open: Span) -> Parse<NodeId> {
        let token = self.token();
        match token.kind {
            Kind::Keyword | Kind::Str | Kind::StrHead | Kind::Int | Kind::Float | Kind::Infinity | Kind::Nan => {
                self.primary()
            }
            Kind::True | Kind::False | Kind::Null | Kind::OpenParen | Kind::OpenBracket => self.nested(Self::primary),
            Kind::OpenBrace | Kind::OpenSet => self.nested(Self::primary),
            Kind::Minus if matches!(self.peek(1).kind, Kind::Int | Kind::Float | Kind::Infinity) => {
                self.bump();
                let number = self.bump();
                let node = literals::negate(self.number_of(number));
                let node = self.number_node(node);
                Ok(self.leaf(node, Span { start: token.start, end: number.end }))
            }
            Kind::Ident if self.names_a_value() => self.nested(Self::typed_key),
            Kind::Ident => {
                let text = self.text_of(token).to_string();
                let (next, call) = (self.peek(1).kind, self.peek(1).kind == Kind::OpenParen && token.newline());
                let colon = matches!(next, Kind::Colon | Kind::Assign | Kind::Comma | Kind::CloseBrace);
                let (comprehension, block) = (self.comprehends(), self.block_behind_method());
                let literal = matches!(next, Kind::Str | Kind::StrHead | Kind::Int | Kind::Float | Kind::Keyword)
                    && !self.peek(1).newline();
                self.expected_with("a key or `}`", |e| {
                    e.also(open, "this brace begins a map").help(if comprehension {
                        "`into({}, map(fn(x) { [x, x * x] }, xs))` makes a map of pairs, `into-set(map(f, xs))` a set"
                            .to_string()
                    } else if block {
                        foreign_words::BLOCK.to_string()
                    } else if literal {
                        format!("a keyword as key is written `{{:{text} value}}`; one that is computed stands in parentheses: `{{({text}) value}}`")
                    } else if colon {
                        format!("a keyword key is written `{{:{text} value}}`; a struct literal has a name: `Name {{ {text}: value }}`")
                    } else if call {
                        "close the map with `}` before this; a block cannot stand here".to_string()
                    } else {
                        format!("a key that is computed stands in parentheses: `{{({text}) value}}`; a block cannot stand here")
                    })
                })
            }
            Kind::Ellipsis => self.expected_with("a key or `}`", |e| {
                e.also(open, "this brace begins a map").help(
                    "`merge(m, {:b 2})` gives a map with the entries of both, `assoc(m, :b, 2)` one with another entry",
                )
            }),
            _ => self.expected_with("a key or `}`", |e| {
                e.also(open, "this brace begins a map")
                    .help("a map is `{:key value}`; where an expression is expected, a brace does not begin a block")
            }),
        }
    }

    /// Whether `Enum.variant` or a struct literal stands here, and nothing that is computed.
    fn names_a_value(&mut self) -> bool {
        let token = self.token();
        let name = self.intern_token(token);
        if self.scopes.is_local(name) {
            return false;
        }
        let mut ahead = 1;
        while self.glued_slash(ahead) && self.peek(ahead + 1).kind.is_word() {
            ahead += 2;
        }
        match self.peek(ahead).kind {
            Kind::Dot => self.peek(ahead + 1).kind.is_word(),
            Kind::OpenBrace => self.begins_fields(ahead),
            _ => false,
        }
    }

    /// Whether the brace `ahead` begins the fields of a struct literal, and no map.
    fn begins_fields(&self, ahead: usize) -> bool {
        let second = self.peek(ahead + 2);
        match self.peek(ahead + 1).kind {
            Kind::Ellipsis => true,
            Kind::CloseBrace => !matches!(second.kind, Kind::CloseBrace | Kind::Comma),
            kind => {
                kind.is_word()
                    && (matches!(second.kind, Kind::Colon | Kind::Comma | Kind::CloseBrace)
                        || second.newline() && second.kind.is_word())
            }
        }
    }

    /// `Enum.variant`, `Enum.variant { … }`, `Name { … }`
    fn typed_key(&mut self) -> Parse<NodeId> {
        let start = self.token().start;
        let mut key = self.named()?;
        if self.kind() == Kind::Dot {
            self.bump();
            let (name, _) = self.word("a variant's name after `.`")?;
            let (span, height) = (self.span_from(start), self.height(key));
            key = self.add(Node::Field { object: key, name }, span, height);
        }
        match self.struct_type(key) {
            Some((type_, variant)) if self.kind() == Kind::OpenBrace && self.begins_fields(0) => {
                self.struct_literal(key, type_, variant, start)
            }
            _ => Ok(key),
        }
    }

    fn set_members(&mut self, open: Span) -> Parse<Vec<NodeId>> {
        let mut members = Vec::new();
        while !self.eat(Kind::CloseBrace) {
            if self.kind() == Kind::Eof {
                self.expect_close(Kind::CloseBrace, "`}`", open)?;
            }
            members.push(self.entry()?);
            self.eat(Kind::Comma);
        }
        Ok(members)
    }

    /// `"""`, which begins no string.
    fn not_tripled(&mut self) -> Parse<()> {
        let (first, next) = (self.token(), self.peek(1));
        let empty = first.end - first.start == 2;
        if !empty || next.spaced() || !matches!(next.kind, Kind::Str | Kind::StrHead) {
            return Ok(());
        }
        self.fail(SyntaxError::foreign(
            Span { start: first.start, end: first.end + 1 },
            "three quotes begin no string",
            "a string between plain quotes may go over lines; what a function does is told before it: `/// the area`",
        ))
    }

    /// `"a${b}c"`
    fn interpolation(&mut self) -> Parse<NodeId> {
        let start = self.token().start;
        let mut parts = Vec::new();
        loop {
            let token = self.bump();
            let cut = if token.kind == Kind::StrTail { 1 } else { 2 };
            if token.end - cut > token.start + 1 {
                let name = self.string_name(token, cut);
                let part = self.leaf(Node::String(name), token.span());
                parts.push(part);
            }
            if token.kind == Kind::StrTail {
                break;
            }
            let open = Span { start: token.end - 2, end: token.end };
            if matches!(self.kind(), Kind::StrMiddle | Kind::StrTail) {
                return self.expected_with("an expression in `${…}`", |e| {
                    e.help("a plain dollar sign before a brace is written `\\${`")
                });
            }
            let part = self.inside(true, Self::expression)?;
            parts.push(part);
            if !matches!(self.kind(), Kind::StrMiddle | Kind::StrTail) {
                let format = self.kind() == Kind::Colon;
                return self.expected_with("`}`", |e| {
                    let e = SyntaxError { foreign: format, ..e.also(open, "opened here") };
                    if format { e.help("a number with two decimals is `${format-number(x, 2)}`") } else { e }
                });
            }
        }
        let height = self.height_of(&parts);
        let list = self.list(&parts);
        let span = self.span_from(start);
        Ok(self.add(Node::Interpolate(list), span, height))
    }

    /// A name, a qualified name, or one of the forms that begin with a word which is no reserved word.
    fn named(&mut self) -> Parse<NodeId> {
        let token = self.token();
        let name = self.intern_token(token);
        if self.scopes.is_local(name) {
            self.bump();
            return Ok(self.variable(name, token.span()));
        }
        if self.glued_slash(1)
            && let Some(node) = self.qualified()
        {
            return Ok(node);
        }
        if let Some(node) = self.soft_form(token) {
            return node;
        }
        self.not_foreign()?;
        self.bump();
        let global = self.global(None, name, token.span());
        Ok(self.leaf(Node::Global(global), token.span()))
    }

    /// `alias/name`, when the alias is in view; the longest one wins, since a namespace's own path may stand there too.
    fn qualified(&mut self) -> Option<NodeId> {
        let first = self.token();
        let mut length = 0;
        let mut ahead = 0;
        while self.glued_slash(ahead + 1) && ahead < 40 {
            let alias = &self.text[first.start as usize..self.peek(ahead).end as usize];
            if self.aliases.contains(alias) {
                length = ahead + 1;
            }
            ahead += 2;
        }
        if length == 0 {
            return None;
        }
        let text = self.text;
        let alias = &text[first.start as usize..self.peek(length - 1).end as usize];
        let alias = self.intern(alias);
        self.at += length + 1;
        let word = self.bump();
        let name = self.intern_token(word);
        let span = Span { start: first.start, end: word.end };
        let global = self.global(Some(alias), name, span);
        Some(self.leaf(Node::Global(global), span))
    }
}
