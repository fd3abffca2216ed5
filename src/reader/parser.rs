//! Tokens to tree: what all of the grammar shares.
//!
//! Owns the walk over the tokens, the storage of the tree while it grows, limits on depth, reporting and recovery. The
//! grammar itself stands in the rooms below: [`expressions`], [`operands`], [`control`], [`patterns`], [`functions`], [`declarations`].
//! It must not know of files, namespaces or values.
//!
//! An error is reported where it is found and travels up as [`Fail`] to the nearest list of statements, which skips to
//! the next statement and goes on; so one mistake gives one message, and the next one is found too.

mod braces;
mod control;
mod declarations;
mod expressions;
mod foreign;
mod forms;
mod functions;
mod operands;
mod patterns;
mod quotes;

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::errors::{ErrorClass, SyntaxError};
use super::lexer::{self, Kind, Token};
use super::literals;
use super::scopes::{self, Frame, Scopes};
use super::tree::*;
use super::{CONTEXTUAL, Surroundings};
use crate::mutations::{Mutation, mutated};
use crate::stack;

/// How deeply expressions, patterns, functions and blocks may stand in one another. A debug build takes some 3 kB of
/// stack for a level, so that this fits a thread of 1 MB.
pub const MAX_NESTING: u32 = 250;
/// How high the tree may grow: bounds the length of operator chains, and the recursion of whoever walks the tree.
pub const MAX_HEIGHT: u16 = 2_000;
/// How many arguments a call may have, and how many parameters a function: the runtime's area for arguments has 256 places,
/// and a pipe or a method call adds one of its own.
pub const MAX_ARGUMENTS: usize = 250;
/// After so many errors the reader gives up on a text.
pub const MAX_ERRORS: usize = 200;

/// An error was reported; whoever can go on after it does.
pub struct Fail;

/// What the grammar's functions give.
pub type Parse<T> = Result<T, Fail>;

/// A chain of binary operators waits in here for its right sides.
struct Waiting {
    op: expressions::Infix,
    left: NodeId,
    span: Span,
}

/// The parser.
pub struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    docs: Vec<(u32, String)>,
    at: usize,

    unit: Unit,
    interned: FxHashMap<Arc<str>, Name>,
    heights: Vec<u16>,
    homes: Vec<u32>,
    scopes: Scopes,
    aliases: FxHashSet<String>,
    defined: FxHashSet<&'a str>,
    /// Is a word a name where the text is read?
    defines: Option<&'a dyn Fn(&str) -> bool>,
    /// See [`Parser::declares`]: collected once, when it is asked.
    declared: std::cell::OnceCell<FxHashSet<&'a str>>,

    errors: Vec<SyntaxError>,
    ended: bool,
    too_high: bool,
    /// A declaration inside a block was reported.
    misplaced: bool,
    /// Names of which all was told where they were meant to be made.
    told: FxHashSet<&'a str>,
    /// See [`Parser::too_many_braces`]: counted once, when it is asked.
    too_many_braces: std::cell::OnceCell<bool>,
    /// A closing brace that is not there was reported.
    brace_missing: bool,
    nesting: u32,
    /// Line breaks are only space: inside parentheses and brackets.
    free_lines: bool,
    /// Values stand side by side here: in a map or a set.
    entries: bool,
    /// No struct literal here: the head of `if`, `while`, `for`, `match`.
    head: bool,
    waiting: Vec<Waiting>,
    /// The last expression that stood in parentheses.
    parenthesised: Option<NodeId>,
    binds: Vec<(Name, VarId)>,
    alternatives: Vec<FxHashMap<Name, VarId>>,
}

/// Reads a whole text.
pub fn parse(source: &Arc<Source>, surroundings: &Surroundings<'_>) -> Result<Unit, Vec<SyntaxError>> {
    if source.text.len() >= i32::MAX as usize {
        return Err(vec![SyntaxError::new(Span::default(), "a text of more than two gigabytes")]);
    }
    let lexed = lexer::lex(&source.text);
    // Room for the nodes, so that the arrays need not be moved while they grow.
    let room = lexed.tokens.len() / 2;
    let unit = Unit {
        source: Arc::clone(source),
        namespace: None,
        uses: Vec::new(),
        exports: Vec::new(),
        items: Vec::new(),
        init: FunctionId(0),
        nodes: Vec::with_capacity(room),
        spans: Vec::with_capacity(room),
        lists: Vec::new(),
        patterns: Vec::new(),
        pattern_spans: Vec::new(),
        functions: Vec::new(),
        globals: Vec::new(),
        names: Vec::new(),
        written: None,
    };
    let mut parser = Parser {
        text: &source.text,
        tokens: lexed.tokens,
        docs: lexed.docs,
        at: 0,
        unit,
        interned: FxHashMap::default(),
        heights: Vec::with_capacity(room),
        homes: Vec::new(),
        scopes: Scopes::default(),
        aliases: surroundings.aliases.iter().cloned().collect(),
        defined: CONTEXTUAL
            .into_iter()
            .filter(|word| surroundings.defines.is_some_and(|defines| defines(word)))
            .collect(),
        defines: surroundings.defines,
        declared: std::cell::OnceCell::new(),
        ended: lexed.errors.iter().any(|e| e.incomplete),
        errors: lexed.errors,
        too_high: false,
        misplaced: false,
        told: FxHashSet::default(),
        too_many_braces: std::cell::OnceCell::new(),
        brace_missing: false,
        nesting: 0,
        free_lines: false,
        entries: false,
        head: false,
        waiting: Vec::new(),
        parenthesised: None,
        binds: Vec::new(),
        alternatives: Vec::new(),
    };
    parser.look_ahead();
    parser.top_level();
    parser.finish(&lexed.open)
}

impl<'a> Parser<'a> {
    fn finish(mut self, open: &[Span]) -> Result<Unit, Vec<SyntaxError>> {
        if self.errors.is_empty() {
            scopes::settle_boxes(&mut self.unit.functions, &self.homes);
            return Ok(self.unit);
        }
        // Whatever else is wrong: a bracket that is open at the end means that the text may go on.
        if let Some(span) = open.last()
            && !self.brace_missing
            && !self.errors.iter().any(|e| e.incomplete)
        {
            let text = &self.text[span.start as usize..span.end as usize];
            self.errors.push(SyntaxError::new(*span, format!("`{text}` is never closed")).unfinished(true));
        }
        if self.errors.iter().any(|e| e.foreign) {
            self.errors = foreign::without_consequences(self.text, self.errors);
        }
        self.errors = quotes::missing(self.text, &self.tokens, self.errors);
        braces::blame(self.text, &self.tokens, &mut self.errors);
        self.errors.sort_by_key(|e| (e.span.start, e.span.end));
        self.errors.dedup_by(|a, b| a.span == b.span && a.message == b.message);
        Err(self.errors)
    }

    // --- tokens ---

    fn token(&self) -> Token {
        self.tokens[self.at]
    }

    fn kind(&self) -> Kind {
        self.tokens[self.at].kind
    }

    fn peek(&self, ahead: usize) -> Token {
        self.tokens[(self.at + ahead).min(self.tokens.len() - 1)]
    }

    fn bump(&mut self) -> Token {
        let token = self.token();
        if token.kind != Kind::Eof {
            self.at += 1;
        }
        token
    }

    fn eat(&mut self, kind: Kind) -> bool {
        let found = self.kind() == kind;
        if found {
            self.bump();
        }
        found
    }

    fn text_of(&self, token: Token) -> &'a str {
        &self.text[token.start as usize..token.end as usize]
    }

    /// Whether the present token is the name `word`.
    fn at_word(&self, word: &str) -> bool {
        self.kind() == Kind::Ident && self.text_of(self.token()) == word
    }

    /// Whether the present token goes on with the line before it (or stands where line breaks are only space).
    fn same_line(&self) -> bool {
        self.free_lines || !self.token().newline()
    }

    /// The end of the token before the present one.
    fn last_end(&self) -> u32 {
        if self.at == 0 { 0 } else { self.tokens[self.at - 1].end }
    }

    /// From `start` to the end of the token before the present one.
    fn span_from(&self, start: u32) -> Span {
        Span { start, end: self.last_end().max(start) }
    }

    // --- errors ---

    /// Reports an error.
    fn report(&mut self, error: SyntaxError) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error);
        } else {
            self.at = self.tokens.len() - 1;
            self.ended = true;
        }
    }

    /// Reports an error and gives up on the construct.
    fn fail<T>(&mut self, error: SyntaxError) -> Parse<T> {
        self.report(error);
        Err(Fail)
    }

    /// The present token for a message.
    fn found(&self) -> String {
        let token = self.token();
        let text = self.text_of(token);
        match token.kind {
            Kind::Eof => "the end of the text".into(),
            Kind::Str | Kind::StrHead => "a string".into(),
            Kind::StrMiddle | Kind::StrTail => "the end of `${…}`".into(),
            kind if kind != Kind::Ident && kind.is_word() => format!("the reserved word `{text}`"),
            _ if text.chars().count() > 40 => "a long word".into(),
            _ => format!("`{text}`"),
        }
    }

    /// "expected `what`, found the present token", unless that was said already.
    fn expected<T>(&mut self, what: &str) -> Parse<T> {
        self.expected_with(what, |error| error)
    }

    fn expected_with<T>(&mut self, what: &str, more: impl FnOnce(SyntaxError) -> SyntaxError) -> Parse<T> {
        let token = self.token();
        // A bad token was reported by the lexer; the end of the text is reported once.
        let path = self.told.contains("impl")
            && token.kind == Kind::Colon
            && matches!(self.peek(1).kind, Kind::Colon | Kind::Keyword)
            && !self.peek(1).spaced();
        if token.kind == Kind::Bad || (token.kind == Kind::Eof && self.ended) || self.uses_told_word() || path {
            return Err(Fail);
        }
        let end = token.kind == Kind::Eof;
        // A token that touches the end of the text may only be the beginning of another one.
        let cut = token.end as usize == self.text.len()
            && matches!(token.kind, Kind::Assign | Kind::Bar | Kind::Bang | Kind::Dot);
        self.ended |= end;
        let mut span = token.span();
        if end {
            // Point at the end of what is there, not at an empty line below it.
            let last = self.text[..token.start as usize].trim_end().len() as u32;
            let step = self.text[..last as usize].chars().next_back().map_or(0, |c| c.len_utf8() as u32);
            span = Span { start: last - step, end: last };
        }
        let found = self.found();
        let error = SyntaxError::new(span, format!("expected {what}, found {found}"))
            .label(format!("expected {what}"))
            .unfinished(end || cut);
        let error = more(error);
        let error = if end { error } else { self.foreign_token(what, error) };
        self.fail(error)
    }

    fn expect(&mut self, kind: Kind, what: &str) -> Parse<Token> {
        if self.kind() == kind { Ok(self.bump()) } else { self.expected(what) }
    }

    /// Whether a bracket before is open that the present token closes.
    fn awaited(&self) -> bool {
        let opening = if self.kind() == Kind::CloseParen { Kind::OpenParen } else { Kind::OpenBracket };
        let count = |kind: Kind| self.tokens[..self.at].iter().filter(|t| t.kind == kind).count();
        count(opening) > count(self.kind())
    }

    /// A closing bracket where nothing is open that it could close.
    fn closes_nothing(&mut self) {
        let token = self.bump();
        let text = self.text_of(token).to_string();
        self.report(SyntaxError::new(token.span(), format!("`{text}` closes nothing")).help("delete it"));
    }

    /// The closing bracket of what `open` opened.
    fn expect_close(&mut self, kind: Kind, what: &str, open: Span) -> Parse<()> {
        if self.eat(kind) {
            return Ok(());
        }
        let divides = self.divides_by_comment();
        self.expected_with(what, |error| {
            let error = error.also(open, "opened here");
            if divides {
                error.help("`//` begins a comment; `a / b` of two Ints gives the whole quotient")
            } else {
                error
            }
        })
    }

    /// Skips from the statement that began at token `from`, and failed at the present token, to where the next one begins.
    fn recover(&mut self, from: usize) {
        let failed = self.at;
        let mut open: Vec<Kind> = Vec::new();
        // How many of each closer are awaited: keeps the search below from taking quadratic time.
        let mut awaited = [0usize; 256];
        self.at = from;
        loop {
            let token = self.token();
            let opening = match token.kind {
                Kind::Eof => return,
                Kind::OpenParen => Some(Kind::CloseParen),
                Kind::OpenBracket => Some(Kind::CloseBracket),
                Kind::OpenBrace | Kind::OpenSet => Some(Kind::CloseBrace),
                Kind::StrHead => Some(Kind::StrTail),
                _ => None,
            };
            let after = self.at > failed || (self.at == failed && failed > from);
            if after && open.is_empty() && (token.newline() || token.kind == Kind::Semicolon) {
                return;
            }
            if let Some(closer) = opening {
                open.push(closer);
                awaited[closer as usize] += 1;
            } else if matches!(token.kind, Kind::CloseParen | Kind::CloseBracket | Kind::CloseBrace | Kind::StrTail) {
                if awaited[token.kind as usize] > 0 {
                    while let Some(closer) = open.pop() {
                        awaited[closer as usize] -= 1;
                        if closer == token.kind {
                            break;
                        }
                    }
                } else if matches!(token.kind, Kind::CloseBrace | Kind::StrTail) && self.at >= failed {
                    // `[1, 2}`: the brace stands where the bracket was meant.
                    let Some(meant) = open.pop_if(|_| token.kind == Kind::CloseBrace && self.too_many_braces()) else {
                        return;
                    };
                    awaited[meant as usize] -= 1;
                }
            }
            self.at += 1;
        }
    }

    /// Runs `inner` one level deeper.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        let low = stack::is_low() && !mutated(Mutation::ReaderAsksNoStack);
        if low || self.nesting >= MAX_NESTING {
            let span = self.token().span();
            // One message is enough; what follows would only repeat it.
            self.at = self.tokens.len() - 1;
            self.ended = true;
            return self.fail(if low {
                SyntaxError { class: ErrorClass::Stack, ..SyntaxError::new(span, "nested too deeply here") }
            } else {
                SyntaxError::new(span, format!("nested too deeply: more than {MAX_NESTING} levels"))
                    .help("give the inner part a name, or a function of its own")
            });
        }
        self.nesting += 1;
        let result = inner(self);
        self.nesting -= 1;
        result
    }

    /// Runs `inner` with line breaks and struct literals as they are inside a bracket.
    fn inside<T>(&mut self, free_lines: bool, inner: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        let (lines, entries, head) = (self.free_lines, self.entries, self.head);
        self.free_lines = free_lines;
        self.entries = false;
        self.head = false;
        let result = inner(self);
        self.free_lines = lines;
        self.entries = entries;
        self.head = head;
        result
    }

    // --- names ---

    fn intern(&mut self, text: &str) -> Name {
        if let Some(name) = self.interned.get(text) {
            return *name;
        }
        let name = Name(self.unit.names.len() as u32);
        let text: Arc<str> = Arc::from(text);
        self.unit.names.push(Arc::clone(&text));
        self.interned.insert(text, name);
        name
    }

    fn intern_token(&mut self, token: Token) -> Name {
        let text = self.text;
        self.intern(&text[token.start as usize..token.end as usize])
    }

    /// A name, not a reserved word.
    fn name(&mut self, what: &str) -> Parse<(Name, Span)> {
        if self.kind() == Kind::Ident {
            let token = self.bump();
            return Ok((self.intern_token(token), token.span()));
        }
        let reserved = self.kind().is_word();
        self.tell_reserved();
        self.expected_with(what, |e| if reserved { e.help("a reserved word cannot be a name") } else { e })
    }

    /// Any word: after a dot, in a path, as the name of a field.
    fn word(&mut self, what: &str) -> Parse<(Name, Span)> {
        if self.kind().is_word() {
            let token = self.bump();
            return Ok((self.intern_token(token), token.span()));
        }
        self.expected(what)
    }

    fn global(&mut self, alias: Option<Name>, name: Name, span: Span) -> GlobalId {
        let id = GlobalId(self.unit.globals.len() as u32);
        self.unit.globals.push(GlobalRef { alias, name, span, inserted: false });
        id
    }

    /// The doc comment before the token, interned.
    fn doc_before(&mut self, token: usize) -> Option<Name> {
        if self.tokens[token].flags & Token::DOC == 0 {
            return None;
        }
        let at = self.docs.binary_search_by_key(&(token as u32), |d| d.0).ok()?;
        let doc = std::mem::take(&mut self.docs[at].1);
        Some(self.intern(&doc))
    }

    /// Whether `slash` (so many tokens ahead) and the word after it stand without spaces: `a/b`.
    fn glued_slash(&self, ahead: usize) -> bool {
        let (slash, word) = (self.peek(ahead), self.peek(ahead + 1));
        slash.kind == Kind::Slash && !slash.spaced() && word.kind.is_word() && !word.spaced()
    }

    /// `name` or `alias/name` where only that can stand: a type, a protocol, an exported name.
    fn path(&mut self, what: &str) -> Parse<GlobalId> {
        let (mut name, first) = self.name(what)?;
        let mut alias: Option<String> = None;
        let mut end = first.end;
        while self.glued_slash(0) {
            self.bump();
            let text = self.unit.name(name).to_string();
            alias = Some(alias.map_or(text.clone(), |a| format!("{a}/{text}")));
            let (next, span) = self.word("a name after `/`")?;
            name = next;
            end = span.end;
        }
        let alias = alias.map(|a| self.intern(&a));
        Ok(self.global(alias, name, Span { start: first.start, end }))
    }

    // --- the tree ---

    fn height(&self, id: NodeId) -> u16 {
        self.heights[id.index()]
    }

    fn height_of(&self, ids: &[NodeId]) -> u16 {
        ids.iter().map(|id| self.height(*id)).max().unwrap_or(0)
    }

    /// The height below an operation that begins with `first`: a chain of operations is as high as its first.
    fn chain_height(&self, first: NodeId, others: &[NodeId]) -> u16 {
        self.height_of(others).max(self.height(first).saturating_sub(1)).max(1)
    }

    /// Adds a node that stands on children of height `below`.
    fn add(&mut self, node: Node, span: Span, below: u16) -> NodeId {
        let mut height = below + 1;
        if height > MAX_HEIGHT {
            height = 0;
            if !self.too_high {
                self.too_high = true;
                self.report(
                    SyntaxError::new(
                        span,
                        format!("an expression too long: more than {MAX_HEIGHT} operations in one chain"),
                    )
                    .help("divide it, or put the values into a vector and use `reduce`, `sum` or `join`"),
                );
            }
        }
        let id = NodeId(self.unit.nodes.len() as u32);
        self.unit.nodes.push(node);
        self.unit.spans.push(span);
        self.heights.push(height);
        let frame = self.scopes.frame();
        frame.size = frame.size.saturating_add(1);
        id
    }

    fn leaf(&mut self, node: Node, span: Span) -> NodeId {
        self.add(node, span, 0)
    }

    /// Takes back the node that was added last, to put another in its place.
    fn take_back(&mut self, id: NodeId) {
        if id.index() + 1 == self.unit.nodes.len() {
            self.unit.nodes.pop();
            self.unit.spans.pop();
            self.heights.pop();
            self.scopes.frame().size -= 1;
        }
    }

    fn list(&mut self, ids: &[NodeId]) -> List {
        let start = self.unit.lists.len() as u32;
        self.unit.lists.extend_from_slice(ids);
        List { start, len: ids.len() as u32 }
    }

    fn node_span(&self, id: NodeId) -> Span {
        self.unit.spans[id.index()]
    }

    /// Marks the calls in tail position below `root`.
    fn mark_tail(&mut self, root: NodeId) {
        let mut work = vec![root];
        while let Some(id) = work.pop() {
            match &mut self.unit.nodes[id.index()] {
                Node::Call { tail, .. } | Node::MethodCall { tail, .. } | Node::Index { tail, .. } => *tail = true,
                Node::Block(list) if list.len > 0 => work.push(self.unit.lists[(list.start + list.len - 1) as usize]),
                Node::If { then, otherwise, .. } => {
                    work.push(*then);
                    work.extend(*otherwise);
                }
                Node::Match { arms, .. } => work.extend(arms.iter().map(|arm| arm.body)),
                Node::And { right, .. } | Node::Or { right, .. } => work.push(*right),
                _ => {}
            }
        }
    }

    /// An arity of a function begins.
    fn enter_frame(&mut self, frame: Frame) {
        self.scopes.frames.push(frame);
    }

    /// The value of a number literal.
    fn number_node(&mut self, number: literals::Number) -> Node {
        match number {
            literals::Number::Small(value) => Node::Int(value),
            literals::Number::Big(digits) => Node::BigInt(self.intern(&digits)),
            literals::Number::Float(value) => Node::Float(value),
        }
    }

    fn number_of(&self, token: Token) -> literals::Number {
        let text = self.text_of(token);
        match token.kind {
            Kind::Int => literals::int_value(text),
            Kind::Infinity => literals::Number::Float(f64::INFINITY),
            Kind::Nan => literals::Number::Float(f64::NAN),
            _ => literals::Number::Float(literals::float_value(text)),
        }
    }

    /// The text inside a string token, `cut` bytes of delimiter removed at its end.
    fn string_name(&mut self, token: Token, cut: u32) -> Name {
        let text = self.text;
        let raw = &text[token.start as usize + 1..(token.end - cut) as usize];
        if token.flags & Token::ESCAPED != 0 { self.intern(&literals::unescape(raw)) } else { self.intern(raw) }
    }
}
