//! Operators, and what follows an operand directly.
//!
//! Owns precedence, postfix forms, pipes and assignment. Chains of operators are parsed without recursion. Must not know
//! what an operand is ([`operands`](super::operands)), nor of statements ([`control`](super::control)).

use super::super::foreign_words::{self, Place};
use super::super::literals;
use super::*;

/// A binary operator as the grammar sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Infix {
    /// Both sides are always evaluated.
    Binary(BinaryOp),
    /// `&&`
    And,
    /// `||`
    Or,
}

impl Infix {
    pub(super) fn of(kind: Kind) -> Option<(Infix, u8)> {
        use BinaryOp::*;
        Some(match kind {
            Kind::BarBar => (Infix::Or, 1),
            Kind::AmpAmp => (Infix::And, 2),
            Kind::EqualEqual => (Infix::Binary(Equal), 3),
            Kind::NotEqual => (Infix::Binary(NotEqual), 3),
            Kind::Less => (Infix::Binary(Less), 3),
            Kind::LessEqual => (Infix::Binary(LessEqual), 3),
            Kind::Greater => (Infix::Binary(Greater), 3),
            Kind::GreaterEqual => (Infix::Binary(GreaterEqual), 3),
            Kind::Bar => (Infix::Binary(BitOr), 4),
            Kind::Caret => (Infix::Binary(BitXor), 5),
            Kind::Amp => (Infix::Binary(BitAnd), 6),
            Kind::ShiftLeft => (Infix::Binary(ShiftLeft), 7),
            Kind::ShiftRight => (Infix::Binary(ShiftRight), 7),
            Kind::ShiftRightLogical => (Infix::Binary(ShiftRightLogical), 7),
            Kind::Plus => (Infix::Binary(Add), 8),
            Kind::Minus => (Infix::Binary(Subtract), 8),
            Kind::PlusPlus => (Infix::Binary(Concat), 8),
            Kind::Star => (Infix::Binary(Multiply), 9),
            Kind::Slash => (Infix::Binary(Divide), 9),
            Kind::Percent => (Infix::Binary(Remainder), 9),
            _ => return None,
        })
    }

    fn level(self) -> u8 {
        use BinaryOp::*;
        match self {
            Infix::Or => 1,
            Infix::And => 2,
            Infix::Binary(op) => match op {
                Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual => 3,
                BitOr => 4,
                BitXor => 5,
                BitAnd => 6,
                ShiftLeft | ShiftRight | ShiftRightLogical => 7,
                Add | Subtract | Concat => 8,
                Multiply | Divide | Remainder => 9,
            },
        }
    }
}

impl Parser<'_> {
    /// An expression of any kind, assignment included.
    pub(super) fn expression(&mut self) -> Parse<NodeId> {
        self.nested(Self::expression_inner)
    }

    fn expression_inner(&mut self) -> Parse<NodeId> {
        if self.kind() == Kind::Ident && self.peek(1).kind == Kind::Assign {
            return self.assign_name();
        }
        let left = self.pipe()?;
        if self.kind() == Kind::Assign { self.assign_place(left) } else { Ok(left) }
    }

    fn assign_name(&mut self) -> Parse<NodeId> {
        let token = self.bump();
        let name = self.intern_token(token);
        let sign = self.bump();
        if self.text_of(token) == "not" && !sign.spaced() && self.scopes.resolve(name).is_none() {
            let span = Span { start: token.start, end: sign.end };
            return self.fail(SyntaxError::foreign(span, "`not=` is no function", "write `a != b`"));
        }
        let value = self.assigned_value(sign)?;
        let span = self.span_from(token.start);
        let height = self.height(value);
        let Some(var) = self.scopes.resolve(name) else {
            self.cannot_assign_global(token);
            return Ok(self.leaf(Node::Null, span));
        };
        let model = self.scopes.model(var);
        if !model.mutable {
            let bound = model.span;
            let text = self.text_of(token).to_string();
            let before = self.text[..bound.start as usize].trim_end();
            let help = if before.ends_with("let") {
                format!("write `let mut {text} = …` where it is defined; to compare, write `==`")
            } else {
                format!(
                    "parameters and the names of a pattern stay as they are: `let mut {text} = {text}` before makes a variable of it; to \
                     compare, write `==`"
                )
            };
            let error = SyntaxError::rule(token.span(), format!("`{text}` cannot be assigned: it is not mutable"))
                .label("assigned here")
                .also(bound, "bound here, without `mut`")
                .help(help);
            self.report(error);
        }
        self.scopes.assign(var);
        Ok(self.add(Node::Assign { var, value }, span, height))
    }

    fn assigned_value(&mut self, sign: Token) -> Parse<NodeId> {
        if self.kind() == Kind::Assign && !self.token().spaced() {
            let span = Span { start: sign.start, end: self.token().end };
            return self.fail(SyntaxError::new(span, "`= =` is no operator").help("to compare, write `==`"));
        }
        self.expression()
    }

    fn cannot_assign_global(&mut self, token: Token) {
        let text = self.text_of(token).to_string();
        if self.told.contains(text.as_str()) {
            return;
        }
        let before = self.text.get(..token.start as usize).unwrap_or_default().trim_end();
        let called = before
            .strip_suffix('(')
            .is_some_and(|callee| callee.ends_with(|c: char| c.is_alphanumeric() || "?!".contains(c)));
        let named = called || before.ends_with(',');
        let help = if before.ends_with('=') {
            format!("an assignment has one variable: each has a `let` of its own, `let mut {text} = …`")
        } else if named && text == "key" {
            "a function that gives what counts is an argument of its own: `sort-by(f, xs)`, `max-by(f, xs)`, `min-by(f, xs)`"
                .to_string()
        } else if named && matches!(text.as_str(), "sep" | "end") {
            "`print` writes without a new line, `join(xs, \", \")` puts something between".to_string()
        } else if named {
            "arguments have no names, they stand in the order of the parameters: `f(1, 2)`; several options are a map, \
             `f({:name value})`"
                .to_string()
        } else if self.scopes.at_top_level() {
            format!(
                "define it with `let {text} = …`; in a function `let mut {text} = …` makes a variable, and state that changes \
                 at the top level stands in an atom: `let {text} = atom(…)`, `reset!({text}, …)`"
            )
        } else {
            format!(
                "define it with `let mut {text} = …` in this function; what the top level names cannot be assigned, \
                 so share changing state in an atom: `let {text} = atom(…)`, `reset!({text}, …)`"
            )
        };
        let error = SyntaxError::rule(
            token.span(),
            format!("`{text}` cannot be assigned: there is no local variable of that name"),
        )
        .label("not a local variable")
        .help(help);
        self.report(SyntaxError { foreign: named, ..error });
    }

    fn assign_place(&mut self, left: NodeId) -> Parse<NodeId> {
        let start = self.node_span(left).start;
        let place = self.unit.nodes[left.index()].clone();
        let bracketed = self.parenthesised == Some(left);
        let sign = self.token();
        match place {
            Node::Field { object, name } if !bracketed => {
                self.take_back(left);
                self.bump();
                let value = self.assigned_value(sign)?;
                let (span, height) = (self.span_from(start), self.height_of(&[object, value]));
                Ok(self.add(Node::AssignField { object, name, value }, span, height))
            }
            Node::Index { object, index, .. } if !bracketed => {
                self.take_back(left);
                self.bump();
                let value = self.assigned_value(sign)?;
                let (span, height) = (self.span_from(start), self.height_of(&[object, index, value]));
                Ok(self.add(Node::AssignIndex { object, index, value }, span, height))
            }
            _ => {
                self.bump();
                self.assigned_value(sign)?;
                let span = self.node_span(left);
                self.report(
                    SyntaxError::new(span, "this cannot be assigned")
                        .label("neither a variable, a field nor an element")
                        .help("to compare, write `==`"),
                );
                Ok(left)
            }
        }
    }

    /// `a |> f |>> g`
    fn pipe(&mut self) -> Parse<NodeId> {
        let mut left = self.operators()?;
        while matches!(self.kind(), Kind::Pipe | Kind::PipeLast) {
            let last = self.bump().kind == Kind::PipeLast;
            let right = self.operators()?;
            left = self.piped(left, right, last);
        }
        Ok(left)
    }

    fn piped(&mut self, left: NodeId, right: NodeId, last: bool) -> NodeId {
        let span = self.node_span(right);
        let put = |parser: &mut Self, args: List| {
            let mut ids = Vec::with_capacity(args.len as usize + 1);
            if !last {
                ids.push(left);
            }
            ids.extend_from_slice(parser.unit.list(args));
            if last {
                ids.push(left);
            }
            parser.list(&ids)
        };
        let bracketed = self.parenthesised == Some(right);
        match self.unit.nodes[right.index()].clone() {
            Node::Call { callee, args, .. } if !bracketed => {
                let args = put(self, args);
                self.unit.nodes[right.index()] = Node::Call { callee, args, tail: false };
                let begins = matches!(self.unit.nodes[callee.index()], Node::Global(_)) && (!last || args.len == 1);
                self.grow(right, left, begins)
            }
            Node::MethodCall { object, name, args, .. } if !bracketed => {
                let args = put(self, args);
                self.unit.nodes[right.index()] = Node::MethodCall { object, name, args, tail: false };
                self.grow(right, left, false)
            }
            Node::Field { object, name } if !bracketed => {
                self.take_back(right);
                let args = self.list(&[left]);
                let height = self.height_of(&[object, left]);
                self.add(Node::MethodCall { object, name, args, tail: false }, span, height)
            }
            _ => {
                let args = self.list(&[left]);
                let height = match self.unit.nodes[right.index()] {
                    Node::Global(_) => self.chain_height(left, &[right]),
                    _ => self.height_of(&[left, right]),
                };
                self.add(Node::Call { callee: right, args, tail: false }, span, height)
            }
        }
    }

    /// A finished node got one more child, with which it `begins` when that is evaluated first: its height may have grown.
    fn grow(&mut self, id: NodeId, child: NodeId, begins: bool) -> NodeId {
        let height = self.height(child).saturating_add(u16::from(!begins)).max(self.height(id));
        if height > MAX_HEIGHT {
            let (node, span) = (self.unit.nodes[id.index()].clone(), self.node_span(id));
            return self.add(node, span, MAX_HEIGHT);
        }
        self.heights[id.index()] = height;
        id
    }

    /// Binary operators, tightest first, without recursion.
    fn operators(&mut self) -> Parse<NodeId> {
        let base = self.waiting.len();
        let result = self.operator_chain(base);
        self.waiting.truncate(base);
        result
    }

    fn operator_chain(&mut self, base: usize) -> Parse<NodeId> {
        let mut operand = self.unary()?;
        loop {
            let token = self.token();
            let Some((op, level)) = Infix::of(token.kind) else { break };
            // A minus on a new line begins a statement.
            if token.kind == Kind::Minus && !self.same_line() {
                break;
            }
            while self.waiting.len() > base && self.waiting.last().is_some_and(|w| w.op.level() >= level) {
                if level == 3 && self.waiting.last().is_some_and(|w| w.op.level() == 3) {
                    self.chained_comparison(token);
                }
                operand = self.reduce(operand);
            }
            let span = token.span();
            self.bump();
            self.not_doubled(token, operand)?;
            self.not_counted(token)?;
            self.waiting.push(Waiting { op, left: operand, span });
            operand = self.unary()?;
        }
        while self.waiting.len() > base {
            operand = self.reduce(operand);
        }
        Ok(operand)
    }

    /// `+=` and `===`, which people bring from elsewhere.
    fn not_doubled(&mut self, op: Token, left: NodeId) -> Parse<()> {
        let next = self.token();
        if next.spaced() || next.kind != Kind::Assign {
            return Ok(());
        }
        let text = format!("{}=", self.text_of(op));
        let span = Span { start: op.start, end: next.end };
        let help = match op.kind {
            Kind::EqualEqual => "`==` compares by structure, `identical?(a, b)` by identity".to_string(),
            Kind::NotEqual => "`!=` compares by structure".to_string(),
            _ => {
                let (text, place) = (self.text, self.node_span(left));
                let place = text.get(place.start as usize..place.end as usize).unwrap_or("x");
                let texts = op.kind == Kind::Plus && matches!(self.peek(1).kind, Kind::Str | Kind::StrHead);
                let sign = if texts { "++" } else { &text[op.start as usize..op.end as usize] };
                let made = match self.unit.nodes[left.index()] {
                    Node::Local(var) if !self.scopes.model(var).mutable => {
                        format!(", where `{place}` was made by `let mut {place} = …`")
                    }
                    _ => String::new(),
                };
                format!("write `{place} = {place} {sign} …`{made}")
            }
        };
        let error = SyntaxError::new(span, format!("`{text}` is no operator")).help(help);
        self.fail(error)
    }

    fn chained_comparison(&mut self, token: Token) {
        let first = self.waiting.last().map_or(token.span(), |w| w.span);
        let text = self.text_of(token).to_string();
        let error =
            SyntaxError::new(token.span(), format!("comparisons cannot be chained: a second comparison `{text}`"))
                .label("the second comparison")
                .also(first, "the first one")
                .help("join two comparisons with `&&`, as in `a < b && b < c`");
        self.report(error);
    }

    fn reduce(&mut self, right: NodeId) -> NodeId {
        let Some(Waiting { op, left, .. }) = self.waiting.pop() else { return right };
        let span = Span { start: self.node_span(left).start, end: self.node_span(right).end };
        let height = self.chain_height(left, &[right]);
        let node = match op {
            Infix::And => Node::And { left, right },
            Infix::Or => Node::Or { left, right },
            Infix::Binary(op) => Node::Binary { op, left, right },
        };
        self.add(node, span, height)
    }

    /// `-x`, `!x`
    fn unary(&mut self) -> Parse<NodeId> {
        if !matches!(self.kind(), Kind::Minus | Kind::Bang) {
            return self.postfix();
        }
        let mut signs = Vec::new();
        while matches!(self.kind(), Kind::Minus | Kind::Bang) {
            signs.push(self.bump());
        }
        let mut operand = self.postfix()?;
        let end = self.node_span(operand).end;
        let number = match self.unit.nodes[operand.index()] {
            Node::Int(value) => Some(literals::Number::Small(value)),
            Node::Float(value) => Some(literals::Number::Float(value)),
            Node::BigInt(digits) => Some(literals::Number::Big(self.unit.name(digits).to_string())),
            _ => None,
        };
        if let Some(number) = number {
            // The signs directly before a number belong to it.
            let minuses = signs.iter().rev().take_while(|s| s.kind == Kind::Minus).count();
            if minuses > 0 {
                let start = signs[signs.len() - minuses].start;
                signs.truncate(signs.len() - minuses);
                self.take_back(operand);
                let number = if minuses % 2 == 1 { literals::negate(number) } else { number };
                let node = self.number_node(number);
                operand = self.leaf(node, Span { start, end });
            }
        }
        while let Some(sign) = signs.pop() {
            let op = if sign.kind == Kind::Bang { UnaryOp::Not } else { UnaryOp::Negate };
            let height = self.chain_height(operand, &[]);
            operand = self.add(Node::Unary { op, operand }, Span { start: sign.start, end }, height);
        }
        Ok(operand)
    }

    /// An operand with what follows it directly: calls, indices, fields, the braces of a struct literal.
    fn postfix(&mut self) -> Parse<NodeId> {
        let start = self.token().start;
        let mut operand = self.primary()?;
        loop {
            match self.kind() {
                Kind::Dot => operand = self.dot(operand, start)?,
                Kind::OpenParen if self.same_line() => {
                    let mut args = self.arguments()?;
                    let sides = self.assertion(operand, &mut args);
                    // A call of a name begins with its first argument.
                    let height = match self.unit.nodes[operand.index()] {
                        Node::Global(_) => self.height_of(&args),
                        _ => self.chain_height(operand, &args),
                    };
                    let args = self.list(&args);
                    let span = self.span_from(start);
                    operand = self.add(Node::Call { callee: operand, args, tail: false }, span, height);
                    if let Some([left, right]) = sides {
                        let height = self.height_of(&[left, right, operand]);
                        let list = self.list(&[left, right, operand]);
                        operand = self.add(Node::Block(list), span, height);
                    }
                }
                Kind::OpenBracket if self.same_line() => {
                    let index = self.index(operand)?;
                    let (span, height) = (self.span_from(start), self.chain_height(operand, &[index]));
                    operand = self.add(Node::Index { object: operand, index, tail: false }, span, height);
                }
                Kind::OpenBrace if self.same_line() && (!self.head || self.only_a_literal(operand)) => {
                    self.values_without_names(operand)?;
                    let Some((type_, variant)) = self.struct_type(operand) else { return Ok(operand) };
                    let head = self.head;
                    operand = self.struct_literal(operand, type_, variant, start)?;
                    if head {
                        self.parentheses_missing(operand);
                    }
                }
                _ => return Ok(operand),
            }
        }
    }

    /// `assert!(a < b)` keeps both sides, so that it can show them when it fails: it becomes
    /// `let left = a`, `let right = b`, `_assert-sides!(left < right, "<", left, right)`. Gives the two `let`s.
    fn assertion(&mut self, callee: NodeId, args: &mut Vec<NodeId>) -> Option<[NodeId; 2]> {
        let Node::Global(global) = self.unit.nodes[callee.index()] else { return None };
        let [compared] = args[..] else { return None };
        let Node::Binary { op, left, right } = self.unit.nodes[compared.index()] else { return None };
        let GlobalRef { alias: None, name, .. } = self.unit.globals[global.index()] else { return None };
        if !op.compares() || self.unit.name(name) != "assert!" || self.defined.contains("assert!") {
            return None;
        }
        let span = self.node_span(compared);
        self.take_back(compared);
        let name = self.intern("_assert-sides!");
        let reference = &mut self.unit.globals[global.index()];
        (reference.name, reference.inserted) = (name, true);
        let (left_let, left) = self.kept(left);
        let (right_let, right) = self.kept(right);
        let value = self.add(Node::Binary { op, left, right }, span, 1);
        let sign = self.intern(op.sign());
        let sign = self.leaf(Node::String(sign), span);
        let again = [left, right].map(|side| {
            let Node::Local(var) = self.unit.nodes[side.index()] else { return side };
            self.scopes.frame().read(var);
            let span = self.node_span(side);
            self.leaf(Node::Local(var), span)
        });
        *args = vec![value, sign, again[0], again[1]];
        Some([left_let, right_let])
    }

    /// A `let` of a value, and its variable.
    fn kept(&mut self, value: NodeId) -> (NodeId, NodeId) {
        let (span, height) = (self.node_span(value), self.height(value));
        let name = self.intern("_");
        let var = self.scopes.frame().new_var(name, VarKind::Local, false, span);
        let pattern = self.add_pattern(Pattern::Bind(var), span);
        let kept = self.add(Node::Let { pattern, value }, span, height);
        self.scopes.frame().read(var);
        (kept, self.leaf(Node::Local(var), span))
    }

    /// `[index]` behind an operand.
    fn index(&mut self, object: NodeId) -> Parse<NodeId> {
        let bracket = self.bump();
        let name = match self.unit.nodes[object.index()] {
            Node::Global(global) => Some(Arc::clone(&self.unit.names[self.unit.globals[global.index()].name.index()])),
            _ => None,
        };
        let appended = self.kind() == Kind::CloseBracket && self.peek(1).kind == Kind::Assign;
        let among = self.free_lines || self.entries;
        let vector = |error: SyntaxError| {
            if appended {
                error.help("`push(xs, x)` gives a vector with one more element: `xs = push(xs, x)`")
            } else if bracket.newline() {
                error.help("inside brackets a `[` at the beginning of a line indexes what stands before it: put a `,` before it")
            } else if let Some(help) = name.as_ref().and_then(|n| foreign_words::word(n, Place::Before)) {
                error.help(help)
            } else if let Some(name) = name.as_ref().filter(|_| bracket.spaced()) {
                error.help(format!("a `[` on the same line indexes; arguments stand in parentheses: `{name}([1, 2])`"))
            } else if bracket.spaced() && among {
                error.help("a `[` on the same line indexes what stands before it: put a `,` before a vector")
            } else if bracket.spaced() {
                error.help("a `[` on the same line indexes; put `;` or a new line before a vector")
            } else {
                error
            }
        };
        self.inside(true, |p| {
            if p.kind() == Kind::CloseBracket {
                return p.expected_with("an index", vector);
            }
            let index = p.expression()?;
            if matches!(p.peek(1).kind, Kind::CloseBracket | Kind::Eof) {
                p.eat(Kind::Comma);
            }
            if !p.eat(Kind::CloseBracket) {
                return p.expected_with("`]`", |error| vector(error.also(bracket.span(), "opened here")));
            }
            Ok(index)
        })
    }

    /// Whether the brace here can only begin the fields of a struct literal: no block begins like that, and what stands
    /// before it is written as types are.
    fn only_a_literal(&self, operand: NodeId) -> bool {
        let type_ = match self.unit.nodes[operand.index()] {
            Node::Field { object, .. } => &self.unit.nodes[object.index()],
            ref node => node,
        };
        let Node::Global(global) = *type_ else { return false };
        let name = self.unit.name(self.unit.globals[global.index()].name);
        if !name.starts_with(char::is_uppercase) {
            return false;
        }
        let (first, second) = (self.peek(1).kind, self.peek(2).kind);
        first == Kind::Ellipsis || (first.is_word() && second == Kind::Colon)
    }

    fn parentheses_missing(&mut self, literal: NodeId) {
        let span = self.node_span(literal);
        let text = self.text.get(span.start as usize..span.end as usize).unwrap_or_default();
        let shown = if text.len() <= 60 && !text.contains('\n') { text } else { "Name { … }" };
        self.report(
            SyntaxError::new(span, "a struct literal in the head of `if`, `while`, `for` or `match` needs parentheses")
                .label("in a head a `{` begins the block")
                .help(format!("write `({shown})`")),
        );
    }

    fn dot(&mut self, object: NodeId, start: u32) -> Parse<NodeId> {
        self.bump();
        let number = self.at > 1 && self.tokens[self.at - 2].kind == Kind::Int;
        if number && !self.kind().is_word() {
            return self.expected_with("a field name after `.`", |e| {
                e.help("a number with a fraction has a digit behind the point: `5.0`")
            });
        }
        self.not_a_field()?;
        let (name, _) = self.word("a field name after `.`")?;
        if self.kind() == Kind::OpenParen && self.same_line() {
            let args = self.arguments()?;
            let height = self.chain_height(object, &args);
            let args = self.list(&args);
            let span = self.span_from(start);
            return Ok(self.add(Node::MethodCall { object, name, args, tail: false }, span, height));
        }
        let (span, height) = (self.span_from(start), self.chain_height(object, &[]));
        Ok(self.add(Node::Field { object, name }, span, height))
    }

    fn arguments(&mut self) -> Parse<Vec<NodeId>> {
        let open = self.bump().span();
        let args = self.inside(true, |p| p.elements(Kind::CloseParen, "`,` or `)`", open))?;
        if args.len() > MAX_ARGUMENTS {
            let span = self.span_from(open.start);
            self.report(
                SyntaxError::rule(span, format!("a call with more than {MAX_ARGUMENTS} arguments"))
                    .help("put them into a vector; `apply(f, vector)` calls a function that takes any number"),
            );
        }
        Ok(args)
    }

    /// Expressions with commas between them, up to the closing bracket.
    pub(super) fn elements(&mut self, close: Kind, what: &str, open: Span) -> Parse<Vec<NodeId>> {
        let mut elements = Vec::new();
        while !self.eat(close) {
            elements.push(self.expression()?);
            if !self.eat(Kind::Comma) {
                self.commas(what, open)?;
                self.expect_close(close, what, open)?;
                break;
            }
        }
        Ok(elements)
    }
}
