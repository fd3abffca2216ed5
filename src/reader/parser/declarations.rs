//! The top level: `namespace`, `use`, `export`, `fn`, `struct`, `enum`, `protocol`, `extend`, `let`, `test`.
//!
//! Owns the order of the items and the code of the top level (`init`). Must not know whether anything that is named
//! here exists.

use super::super::scopes::Captures;
use super::functions::{Params, Place};
use super::*;

/// The words that begin a declaration when a name follows.
pub(super) const DECLARATIONS: [&str; 8] =
    ["namespace", "use", "export", "struct", "enum", "protocol", "extend", "test"];

impl Parser<'_> {
    /// Finds out what the whole text makes known before it is read: the aliases of its `use` lines, its own namespace,
    /// and whether it defines one of the words that would otherwise begin a special form (or be one, as `assert!`).
    pub(super) fn look_ahead(&mut self) {
        self.aliases.insert("core".to_string());
        let text = self.text;
        let slice = |token: Token| &text[token.start as usize..token.end as usize];
        for at in 0..self.tokens.len() {
            let token = self.tokens[at];
            if token.kind != Kind::Ident {
                continue;
            }
            let word = slice(token);
            let before = if at == 0 { Kind::Semicolon } else { self.tokens[at - 1].kind };
            match word {
                "use" | "namespace" if token.newline() || before == Kind::Semicolon => {
                    let Some(mut last) = self.tokens.get(at + 1).copied().filter(|t| t.kind.is_word()) else {
                        continue;
                    };
                    let first = last;
                    let mut next = at + 2;
                    while self.tokens[next].kind == Kind::Slash && self.tokens[next + 1].kind.is_word() {
                        last = self.tokens[next + 1];
                        next += 2;
                    }
                    self.aliases.insert(text[first.start as usize..last.end as usize].to_string());
                    if word == "use" {
                        let given = self.tokens[next].kind == Kind::Ident && slice(self.tokens[next]) == "as";
                        let alias =
                            if given && self.tokens[next + 1].kind.is_word() { self.tokens[next + 1] } else { last };
                        self.aliases.insert(slice(alias).to_string());
                    }
                }
                _ if CONTEXTUAL.contains(&word)
                    && matches!(before, Kind::Fn | Kind::Let | Kind::OpenBrace | Kind::Comma) =>
                {
                    // `fn shift(…)`, or a name taken in: `use m { shift }`.
                    let after = self.tokens[at + 1].kind;
                    if matches!(before, Kind::Fn | Kind::Let) || matches!(after, Kind::Comma | Kind::CloseBrace) {
                        self.defined.insert(word);
                    }
                }
                _ => {}
            }
        }
    }

    /// The whole text.
    pub(super) fn top_level(&mut self) {
        let id = self.reserve(None, Place::Top);
        self.unit.init = id;
        let end = self.text.len() as u32;
        let mut captures = Captures::default();
        let arity = self.framed(id, 0, &mut captures, true, |p| {
            let ids = p.items();
            let height = p.height_of(&ids);
            let list = p.list(&ids);
            let body = p.add(Node::Block(list), Span { start: 0, end }, height);
            Ok((Params { patterns: Vec::new(), rest: None }, body, Span { start: 0, end }))
        });
        if let Ok(arity) = arity {
            self.finish_function(id, vec![arity], captures, Place::Top, None, Span { start: 0, end });
        }
    }

    fn items(&mut self) -> Vec<NodeId> {
        let mut ids = Vec::new();
        loop {
            self.semicolons();
            let from = self.at;
            match self.kind() {
                Kind::Eof => return ids,
                Kind::CloseBrace | Kind::CloseParen | Kind::CloseBracket => {
                    self.closes_nothing();
                    continue;
                }
                _ => {}
            }
            match self.scoped(Self::item) {
                Ok(node) => ids.extend(node),
                Err(Fail) => {
                    self.recover(from);
                    if self.at == from {
                        self.bump();
                    }
                }
            }
        }
    }

    /// The declaration word at the present place, when it begins a declaration.
    pub(super) fn declaration_word(&self) -> Option<&'static str> {
        let text = self.text_of(self.token());
        let word = DECLARATIONS.into_iter().find(|w| *w == text)?;
        let next = self.peek(1);
        let begins = if word == "test" {
            matches!(next.kind, Kind::Str | Kind::StrHead)
        } else {
            // What could go on with a value of that name is no declaration.
            next.kind.is_word()
                || matches!(
                    next.kind,
                    Kind::OpenBrace | Kind::Str | Kind::StrHead | Kind::Int | Kind::Float | Kind::Keyword
                )
        };
        (begins && !next.newline()).then_some(word)
    }

    /// One item of the top level, and the node that it adds to the code of the top level.
    fn item(&mut self) -> Parse<Option<NodeId>> {
        let start = self.at;
        match self.kind() {
            Kind::Let => return self.global_let(LetKind::Plain).map(Some),
            Kind::LetOnce => return self.global_let(LetKind::Once).map(Some),
            Kind::Fn if self.peek(1).kind == Kind::Ident => {
                let doc = self.doc_before(start);
                let from = self.bump().start;
                let (name, _) = self.name("a name")?;
                let function = self.function(Some(name), Place::Top, from, doc)?;
                let span = self.span_from(from);
                self.unit.items.push(Item::Function { name, function, doc, span });
                return Ok(None);
            }
            Kind::Ident => match self.declaration_word() {
                Some("namespace") => return self.namespace_line().map(|()| None),
                Some("use") => return self.use_line().map(|()| None),
                Some("export") => return self.export_line().map(|()| None),
                Some("struct") => return self.struct_item().map(|()| None),
                Some("enum") => return self.enum_item().map(|()| None),
                Some("protocol") => return self.protocol_item().map(|()| None),
                Some("extend") => return self.extend_item().map(Some),
                Some("test") => return self.test_item().map(|()| None),
                _ => {}
            },
            Kind::Else | Kind::Catch | Kind::Finally | Kind::In => {}
            kind if kind != Kind::Eof && kind == Kind::Fn && self.peek(1).kind.is_word() => {
                self.bump();
                return self.expected_with("a name after `fn`", |e| e.help("a reserved word cannot be a name"));
            }
            _ => {}
        }
        self.not_a_comment()?;
        let node = self.expression()?;
        self.not_beside(node)?;
        self.unit.items.push(Item::Expression { node });
        Ok(Some(node))
    }

    fn namespace_line(&mut self) -> Parse<()> {
        let first = self.at == 0;
        let doc = self.doc_before(self.at);
        let word = self.bump();
        let (path, span, _) = self.namespace_path()?;
        if !first || self.unit.namespace.is_some() {
            self.report(
                SyntaxError::new(word.span(), "the `namespace` line stands at the top of the file")
                    .help("there is one namespace to a file; what follows belongs to it"),
            );
        }
        self.unit.namespace = Some(NamespaceLine { path, span, doc });
        Ok(())
    }

    /// `a/b/c`: the path, its place, its last word.
    fn namespace_path(&mut self) -> Parse<(Name, Span, Name)> {
        if matches!(self.kind(), Kind::Str | Kind::StrHead) {
            return self
                .expected_with("a namespace", |e| e.help("write the words without quotes: `use shapes/circle`"));
        }
        let (mut last, first) = self.word("a namespace")?;
        let mut end = first.end;
        while self.kind() == Kind::Slash {
            self.bump();
            let (name, span) = self.word("a word after `/`")?;
            last = name;
            end = span.end;
        }
        let span = Span { start: first.start, end };
        if self.kind() == Kind::Colon && !self.token().newline() {
            return self.expected_with("`/` or the end of the line", |e| SyntaxError {
                help: Some("the words of a namespace are joined by `/`: `use shapes/circle`".into()),
                ..e
            });
        }
        if self.kind() == Kind::Dot && !self.token().newline() {
            return self.expected_with("`/` or the end of the line", |e| {
                e.help("the words of a namespace are joined by `/`, without dots or `.hr`")
            });
        }
        let text: String =
            self.text[first.start as usize..end as usize].chars().filter(|c| !c.is_whitespace()).collect();
        Ok((self.intern(&text), span, last))
    }

    fn use_line(&mut self) -> Parse<()> {
        self.bump();
        let (path, span, last) = self.namespace_path()?;
        let (mut alias, mut alias_given, mut names) = (last, false, Vec::new());
        if self.at_word("as") && !self.token().newline() {
            self.bump();
            alias = self.name("a name after `as`")?.0;
            alias_given = true;
        }
        if self.kind() == Kind::OpenParen && !self.token().newline() {
            return self.expected_with("`{` and the names to use", |e| {
                e.help("names are taken in by `use shapes { area, Circle }`")
            });
        }
        if self.kind() == Kind::OpenBrace && !self.token().newline() {
            let open = self.bump().span();
            self.inside(true, |p| {
                while !p.eat(Kind::CloseBrace) {
                    names.push(p.name("a name to use, or `}`")?);
                    p.separator(Kind::CloseBrace, "`,` or `}`", open)?;
                }
                Ok(())
            })?;
        }
        self.unit.uses.push(Use { path, alias, alias_given, names, span });
        Ok(())
    }

    fn export_line(&mut self) -> Parse<()> {
        self.bump();
        self.not_default()?;
        loop {
            let id = self.path("a name to export, as `alias/name`")?;
            self.unit.exports.push(id);
            if !self.eat(Kind::Comma) || self.kind() != Kind::Ident || self.declaration_word().is_some() {
                return Ok(());
            }
        }
    }

    /// `{ a, mut b, c: default }`
    fn fields(&mut self, owner: &str) -> Parse<Vec<Field>> {
        if self.kind() != Kind::OpenBrace {
            return self.expected_with(&format!("`{{` and the fields of {owner}"), |e| {
                e.help("fields are written `{ a, mut b, c: default }`; without fields, `{ }`")
            });
        }
        let open = self.bump().span();
        self.inside(false, |p| {
            let mut fields: Vec<Field> = Vec::new();
            let mut seen = FxHashSet::default();
            while !p.eat(Kind::CloseBrace) {
                let doc = p.doc_before(p.at);
                let start = p.token().start;
                let mutable = p.kind() == Kind::Mut && p.peek(1).kind.is_word();
                if mutable {
                    p.bump();
                }
                p.not_a_method(owner)?;
                let (name, span) = p.word("a field name or `}`")?;
                if !seen.insert(name) {
                    let text = p.unit.name(name).to_string();
                    p.report(
                        SyntaxError::rule(span, format!("a second field `{text}`"))
                            .help("the fields of a type have different names"),
                    );
                }
                let default = if p.eat(Kind::Colon) { Some(p.thunk(None, Self::expression)?) } else { None };
                if p.kind() == Kind::Assign {
                    return p.expected_with("`:` and the default", |e| e.help("a default is written `name: value`"));
                }
                let span = p.span_from(start);
                fields.push(Field { name, mutable, default, doc, span });
                if p.kind() == Kind::Ident && !p.token().newline() {
                    return p.expected_with("`,`, a new line or `}`", |e| {
                        e.also(open, "opened here")
                            .help("fields have no types, and commas between them: `struct Point { x, y }`")
                    });
                }
                p.separator(Kind::CloseBrace, "`,`, a new line or `}`", open)?;
            }
            Ok(fields)
        })
    }

    fn struct_item(&mut self) -> Parse<()> {
        let doc = self.doc_before(self.at);
        let start = self.bump().start;
        let (name, _) = self.name("a name after `struct`")?;
        let fields = self.fields("the struct")?;
        let span = self.span_from(start);
        self.unit.items.push(Item::Struct { name, fields, doc, span });
        Ok(())
    }

    fn enum_item(&mut self) -> Parse<()> {
        let doc = self.doc_before(self.at);
        let start = self.bump().start;
        let (name, _) = self.name("a name after `enum`")?;
        if self.kind() != Kind::OpenBrace {
            return self.expected_with("`{` and the variants", |e| {
                e.help("an enum is `enum Name { plain, carrying { field } }`")
            });
        }
        let open = self.bump().span();
        let variants = self.inside(false, |p| {
            let mut variants = Vec::new();
            let mut seen = FxHashSet::default();
            while !p.eat(Kind::CloseBrace) {
                let doc = p.doc_before(p.at);
                let start = p.token().start;
                let (name, span) = p.word("a variant or `}`")?;
                if !seen.insert(name) {
                    let text = p.unit.name(name).to_string();
                    p.report(SyntaxError::rule(span, format!("a second variant `{text}`")));
                }
                if p.kind() == Kind::OpenParen {
                    return p.expected_with("`{` and the fields, or `,`", |e| {
                        e.help("the fields of a variant have names: `some { value }`")
                    });
                }
                if p.kind() == Kind::Assign {
                    return p.expected_with("`{` and the fields, or `,`", |e| {
                        e.help("variants have no numbers: `match color { Color.red => 1, Color.green => 2 }` gives them some")
                    });
                }
                let fields = if p.kind() == Kind::OpenBrace { p.fields("the variant")? } else { Vec::new() };
                let span = p.span_from(start);
                variants.push(Variant { name, fields, doc, span });
                p.separator(Kind::CloseBrace, "`,`, a new line or `}`", open)?;
            }
            Ok(variants)
        })?;
        let span = self.span_from(start);
        self.unit.items.push(Item::Enum { name, variants, doc, span });
        Ok(())
    }

    fn protocol_item(&mut self) -> Parse<()> {
        let doc = self.doc_before(self.at);
        let start = self.bump().start;
        let (name, _) = self.name("a name after `protocol`")?;
        if self.kind() != Kind::OpenBrace {
            return self
                .expected_with("`{` and the methods", |e| e.help("a protocol is `protocol Name { fn method(self) }`"));
        }
        let open = self.bump().span();
        let methods = self.inside(false, |p| {
            let mut methods = Vec::new();
            while p.method_follows(open)? {
                methods.push(p.protocol_method()?);
            }
            Ok(methods)
        })?;
        let span = self.span_from(start);
        self.unit.items.push(Item::Protocol { name, methods, doc, span });
        Ok(())
    }

    /// In the braces of `protocol` and `extend`: whether another `fn` comes, or the end.
    fn method_follows(&mut self, open: Span) -> Parse<bool> {
        while matches!(self.kind(), Kind::Semicolon | Kind::Comma) {
            self.bump();
        }
        match self.kind() {
            Kind::CloseBrace => {
                self.bump();
                Ok(false)
            }
            Kind::Fn => Ok(true),
            _ => self.expected_with("`fn` or `}`", |e| e.also(open, "opened here")),
        }
    }

    fn protocol_method(&mut self) -> Parse<Method> {
        let doc = self.doc_before(self.at);
        let start = self.bump().start;
        let (name, _) = self.name("the name of a method")?;
        let id = self.reserve(Some(name), Place::Top);
        let mut captures = Captures::default();
        let (mut abstract_arities, mut signatures, mut arities) = (Vec::new(), Vec::new(), Vec::new());
        if self.kind() == Kind::OpenBrace {
            let open = self.bump().span();
            self.inside(false, |p| {
                while !p.eat(Kind::CloseBrace) {
                    p.method_arity(id, &mut captures, &mut abstract_arities, &mut signatures, &mut arities)?;
                    p.separator(Kind::CloseBrace, "`,`, a new line or `}`", open)?;
                }
                Ok(())
            })?;
        } else {
            self.method_arity(id, &mut captures, &mut abstract_arities, &mut signatures, &mut arities)?;
        }
        let span = self.span_from(start);
        for (at, count) in abstract_arities.iter().enumerate() {
            let known = abstract_arities[..at].contains(count);
            if known || arities.iter().any(|a: &Arity| a.rest.is_none() && a.params.len() as u32 == *count) {
                self.report(SyntaxError::rule(span, format!("a second arity of {count} parameters")));
            }
        }
        let default = (!arities.is_empty()).then_some(id);
        self.finish_function(id, arities, captures, Place::Top, doc, span);
        Ok(Method { name, abstract_arities, default, signatures, doc, span })
    }

    /// One arity of a protocol's method: abstract, or with its default.
    fn method_arity(
        &mut self,
        id: FunctionId,
        captures: &mut Captures,
        abstract_arities: &mut Vec<u32>,
        signatures: &mut Vec<String>,
        arities: &mut Vec<Arity>,
    ) -> Parse<()> {
        let start = self.token().span();
        let index = arities.len() as u32;
        let mut has_body = true;
        let arity = self.arity(id, index, captures, Place::Top, |p| {
            if matches!(p.kind(), Kind::OpenBrace | Kind::Arrow) {
                return p.arity_body();
            }
            has_body = false;
            Ok(p.leaf(Node::Null, start))
        })?;
        signatures.push(self.unit.signature(&arity));
        if arity.params.is_empty() {
            self.report(
                SyntaxError::rule(arity.span, "a method without parameters")
                    .help("a method is dispatched on its first argument: `fn method(self)`"),
            );
        }
        if has_body {
            arities.push(arity);
        } else if arity.rest.is_some() {
            self.report(
                SyntaxError::rule(arity.span, "a method with rest arguments needs a default body")
                    .help("write one, or declare arities of fixed length: `fn m { (self), (self, k) }`"),
            );
        } else {
            abstract_arities.push(arity.params.len() as u32);
        }
        Ok(())
    }

    fn extend_item(&mut self) -> Parse<NodeId> {
        let start = self.bump().start;
        let target = self.path("a type after `extend`")?;
        let variant = if self.eat(Kind::Dot) { Some(self.word("a variant after `.`")?.0) } else { None };
        let (mut protocol, mut protocol_argument) = (None, None);
        if self.at_word("with") {
            self.bump();
            protocol = Some(self.path("a protocol after `with`")?);
            if self.kind() == Kind::OpenParen {
                let open = self.bump().span();
                protocol_argument = Some(self.path("an enum")?);
                self.expect_close(Kind::CloseParen, "`)`", open)?;
            }
        }
        if self.kind() != Kind::OpenBrace {
            let what = if protocol.is_some() { "`{` and the methods" } else { "`with` and a protocol, or `{`" };
            return self.expected_with(what, |e| {
                e.help("write `extend Type with Protocol { fn … }` or `extend Type { fn … }`")
            });
        }
        let open = self.bump().span();
        let methods = self.inside(false, |p| {
            let mut methods = Vec::new();
            let mut seen = FxHashSet::default();
            while p.method_follows(open)? {
                let doc = p.doc_before(p.at);
                let from = p.bump().start;
                let (name, span) = p.name("the name of a function")?;
                if !seen.insert(name) {
                    let text = p.unit.name(name).to_string();
                    p.report(
                        SyntaxError::rule(span, format!("a second function `{text}` in one `extend`"))
                            .help("several arities stand together: `fn name { (self) => …, (self, k) => … }`"),
                    );
                }
                methods.push((name, p.function(Some(name), Place::Top, from, doc)?));
            }
            Ok(methods)
        })?;
        let span = self.span_from(start);
        let index = self.unit.items.len() as u32;
        self.unit.items.push(Item::Extend(Extend { target, variant, protocol, protocol_argument, methods, span }));
        Ok(self.leaf(Node::Declare(index), span))
    }

    fn test_item(&mut self) -> Parse<()> {
        let start = self.bump().start;
        let token = self.bump();
        if token.kind != Kind::Str {
            let error = SyntaxError::new(token.span(), "the name of a test is a plain string, without `${…}`");
            return self.fail(error);
        }
        let name = self.string_name(token, 1);
        let function = self.thunk(Some(name), |p| p.block("the test"))?;
        let span = self.span_from(start);
        self.unit.items.push(Item::Test { name, function, span });
        Ok(())
    }

    fn global_let(&mut self, kind: LetKind) -> Parse<NodeId> {
        let doc = self.doc_before(self.at);
        let start = self.bump().start;
        let mut kind = kind;
        if self.kind() == Kind::Mut {
            let span = self.token().span();
            let error = SyntaxError::rule(span, "`let mut` cannot stand at the top level").help(
                "for state that changes and is shared, use an atom: `let name = atom(value)`, then `swap!` or `reset!`",
            );
            self.report(error);
            self.bump();
            self.tell_once();
        } else if kind == LetKind::Plain && self.at_word("dynamic") && self.peek(1).kind != Kind::Assign {
            self.bump();
            kind = LetKind::Dynamic;
        }
        let (pattern, binds) = self.whole_pattern("a name or a pattern after `let`")?;
        let value = self.let_value()?;
        let names = binds.iter().map(|(name, var)| (*name, self.scopes.model(*var).span)).collect();
        let stores = binds.iter().map(|(name, var)| (*var, *name)).collect();
        let (span, height) = (self.span_from(start), self.height(value));
        self.unit.items.push(Item::Let { names, kind, doc, span });
        let definition = DefineGlobals { kind, pattern, value, names: stores };
        Ok(self.add(Node::DefineGlobals(Box::new(definition)), span, height))
    }
}
