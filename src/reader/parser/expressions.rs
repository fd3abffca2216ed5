//! Operands and operators.
//!
//! Owns precedence, postfix forms, literals of collections, struct literals, pipes and assignment. Chains of operators
//! are parsed without recursion. Must not know of statements: what a block contains is [`control`](super::control)'s.

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
    fn of(kind: Kind) -> Option<(Infix, u8)> {
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
            let error = SyntaxError::new(token.span(), format!("`{text}` cannot be assigned: it is not mutable"))
                .label("assigned here")
                .also(bound, "bound here, without `mut`")
                .help(format!("write `let mut {text} = …` where it is defined; to compare, write `==`"));
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
        let error = SyntaxError::new(
            token.span(),
            format!("`{text}` cannot be assigned: there is no local variable of that name"),
        )
        .label("not a local variable")
        .help(format!(
            "define it with `let mut {text} = …` in this function; what the top level names cannot be assigned, \
                 so share changing state in an atom: `let {text} = atom(…)`, `reset!({text}, …)`"
        ));
        self.report(error);
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
                let calls = self.calls();
                self.operands(&[object], calls);
                let (span, height) = (self.span_from(start), self.height_of(&[object, value]));
                Ok(self.add(Node::AssignField { object, name, value }, span, height))
            }
            Node::Index { object, index } if !bracketed => {
                self.take_back(left);
                self.bump();
                let value = self.assigned_value(sign)?;
                let calls = self.calls();
                self.operands(&[object, index], calls);
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
            let before = self.calls();
            let right = self.operators()?;
            left = self.piped(left, right, last, before);
        }
        Ok(left)
    }

    fn piped(&mut self, left: NodeId, right: NodeId, last: bool, before: u32) -> NodeId {
        let span = self.node_span(right);
        let calls = self.calls();
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
                // The call itself was counted already; only what came before it matters to a waiting operand.
                self.operands(&[left], calls.saturating_sub(1).max(before));
                let args = put(self, args);
                self.unit.nodes[right.index()] = Node::Call { callee, args, tail: false };
                self.grow(right, left)
            }
            Node::MethodCall { object, name, args, .. } if !bracketed => {
                self.operands(&[left], calls.saturating_sub(1).max(before));
                let args = put(self, args);
                self.unit.nodes[right.index()] = Node::MethodCall { object, name, args, tail: false };
                self.grow(right, left)
            }
            Node::Field { object, name } if !bracketed => {
                self.operands(&[left], calls);
                self.take_back(right);
                let args = self.list(&[left]);
                self.scopes.frame().call();
                let height = self.height_of(&[object, left]);
                self.add(Node::MethodCall { object, name, args, tail: false }, span, height)
            }
            _ => {
                self.operands(&[left], calls);
                let args = self.list(&[left]);
                self.scopes.frame().call();
                let height = self.height_of(&[left, right]);
                self.add(Node::Call { callee: right, args, tail: false }, span, height)
            }
        }
    }

    /// A finished node got one more child: its height may have grown.
    fn grow(&mut self, id: NodeId, child: NodeId) -> NodeId {
        let height = self.height(child).saturating_add(1).max(self.height(id));
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
            self.not_doubled(token)?;
            self.waiting.push(Waiting { op, left: operand, span });
            operand = self.unary()?;
        }
        while self.waiting.len() > base {
            operand = self.reduce(operand);
        }
        Ok(operand)
    }

    /// `+=` and `===`, which people bring from elsewhere.
    fn not_doubled(&mut self, op: Token) -> Parse<()> {
        let next = self.token();
        if next.spaced() || next.kind != Kind::Assign {
            return Ok(());
        }
        let text = format!("{}=", self.text_of(op));
        let span = Span { start: op.start, end: next.end };
        let help = match op.kind {
            Kind::EqualEqual => "`==` compares by structure, `identical?(a, b)` by identity".to_string(),
            Kind::NotEqual => "`!=` compares by structure".to_string(),
            _ => format!("write `x = x {} …`", self.text_of(op)),
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
        let height = self.height_of(&[left, right]);
        let node = match op {
            Infix::And => Node::And { left, right },
            Infix::Or => Node::Or { left, right },
            Infix::Binary(op) => {
                let calls = self.calls_at[right.index()];
                self.operands(&[left], calls);
                Node::Binary { op, left, right }
            }
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
        while let Some(sign) = signs.pop() {
            let span = Span { start: sign.start, end: self.node_span(operand).end };
            let number = match self.unit.nodes[operand.index()] {
                _ if sign.kind == Kind::Bang => None,
                Node::Int(value) => Some(literals::Number::Small(value)),
                Node::Float(value) => Some(literals::Number::Float(value)),
                Node::BigInt(digits) => Some(literals::Number::Big(self.unit.name(digits).to_string())),
                _ => None,
            };
            operand = match number {
                Some(number) => {
                    self.take_back(operand);
                    let node = self.number_node(literals::negate(number));
                    self.leaf(node, span)
                }
                None => {
                    let op = if sign.kind == Kind::Bang { UnaryOp::Not } else { UnaryOp::Negate };
                    let height = self.height(operand);
                    self.add(Node::Unary { op, operand }, span, height)
                }
            };
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
                    let args = self.arguments()?;
                    let calls = self.calls();
                    self.operands(&[operand], calls);
                    self.operands(&args, calls);
                    let height = self.height_of(&args).max(self.height(operand));
                    let args = self.list(&args);
                    self.scopes.frame().call();
                    let span = self.span_from(start);
                    operand = self.add(Node::Call { callee: operand, args, tail: false }, span, height);
                }
                Kind::OpenBracket if self.same_line() => {
                    let open = self.bump().span();
                    let index = self.inside(true, |p| {
                        if p.kind() == Kind::CloseBracket {
                            return p.expected("an index");
                        }
                        let index = p.expression()?;
                        p.eat(Kind::Comma);
                        p.expect_close(Kind::CloseBracket, "`]`", open)?;
                        Ok(index)
                    })?;
                    let calls = self.calls();
                    self.operands(&[operand], calls);
                    let (span, height) = (self.span_from(start), self.height_of(&[operand, index]));
                    operand = self.add(Node::Index { object: operand, index }, span, height);
                }
                Kind::OpenBrace if self.same_line() && !self.head => match self.struct_type(operand) {
                    Some((type_, variant)) => operand = self.struct_literal(operand, type_, variant, start)?,
                    None => return Ok(operand),
                },
                _ => return Ok(operand),
            }
        }
    }

    fn dot(&mut self, object: NodeId, start: u32) -> Parse<NodeId> {
        self.bump();
        let (name, _) = self.word("a field name after `.`")?;
        if self.kind() == Kind::OpenParen && self.same_line() {
            let args = self.arguments()?;
            let calls = self.calls();
            self.operands(&[object], calls);
            self.operands(&args, calls);
            let height = self.height_of(&args).max(self.height(object));
            let args = self.list(&args);
            self.scopes.frame().call();
            let span = self.span_from(start);
            return Ok(self.add(Node::MethodCall { object, name, args, tail: false }, span, height));
        }
        let (span, height) = (self.span_from(start), self.height(object));
        Ok(self.add(Node::Field { object, name }, span, height))
    }

    fn arguments(&mut self) -> Parse<Vec<NodeId>> {
        let open = self.bump().span();
        self.inside(true, |p| p.elements(Kind::CloseParen, "`,` or `)`", open))
    }

    /// Expressions with commas between them, up to the closing bracket.
    fn elements(&mut self, close: Kind, what: &str, open: Span) -> Parse<Vec<NodeId>> {
        let mut elements = Vec::new();
        while !self.eat(close) {
            elements.push(self.expression()?);
            if !self.eat(Kind::Comma) {
                self.expect_close(close, what, open)?;
                break;
            }
        }
        Ok(elements)
    }

    /// The type that a struct literal with this head would have, when the brace that follows looks like one.
    fn struct_type(&mut self, head: NodeId) -> Option<(GlobalId, Option<Name>)> {
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
                    SyntaxError::new(
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

    fn struct_literal(&mut self, head: NodeId, type_: GlobalId, variant: Option<Name>, start: u32) -> Parse<NodeId> {
        // The name itself is no value here.
        if let Node::Field { object, .. } = self.unit.nodes[head.index()] {
            self.take_back(head);
            self.take_back(object);
        } else {
            self.take_back(head);
        }
        let open = self.bump().span();
        let (base, fields, values) = self.inside(false, |p| p.struct_fields(open))?;
        let calls = self.calls();
        self.operands(&values, calls);
        if let Some(base) = base {
            self.operands(&[base], calls);
        }
        let height = self.height_of(&values).max(base.map_or(0, |b| self.height(b)));
        let values = self.list(&values);
        // Defaults may run any code.
        self.scopes.frame().call();
        let span = self.span_from(start);
        Ok(self.add(Node::Struct { type_, variant, base, fields, values }, span, height))
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
                    self.report(SyntaxError::new(span, format!("the field `{text}` is given twice")));
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
        self.expected_with(what, |error| error.also(open, "opened here"))
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

    fn primary(&mut self) -> Parse<NodeId> {
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
                let error = SyntaxError::new(span, format!("`{what}` without {owner} before it"));
                self.fail(error.label(format!(
                    "no {owner} ends here",
                    owner = owner.trim_start_matches("an ").trim_start_matches("a ")
                )))
            }
            Kind::Assign => self.expected_with("an expression", |e| e.help("an assignment is `name = value`")),
            Kind::Colon => self.expected_with("an expression", |e| {
                e.help("a keyword is written `:name`, with a space before the colon")
            }),
            kind if Infix::of(kind).is_some() => self.expected_with("an expression", |e| {
                e.help("this operator takes an operand before it and one after it")
            }),
            _ => self.expected("an expression"),
        }
    }

    /// The name of a keyword token, without its colon.
    pub(super) fn keyword_name(&mut self, token: Token) -> Name {
        let text = self.text;
        self.intern(&text[token.start as usize + 1..token.end as usize])
    }

    fn collection(&mut self, ids: &[NodeId], start: u32, node: fn(List) -> Node) -> NodeId {
        let calls = self.calls();
        self.operands(ids, calls);
        let height = self.height_of(ids);
        let list = self.list(ids);
        let span = self.span_from(start);
        self.add(node(list), span, height)
    }

    fn parentheses(&mut self) -> Parse<NodeId> {
        let open = self.bump().span();
        if self.kind() == Kind::CloseParen {
            let span = Span { start: open.start, end: self.token().end };
            return self
                .fail(SyntaxError::new(span, "nothing between parentheses").help("the value of nothing is `null`"));
        }
        let inner = self.inside(true, |p| {
            let inner = p.expression()?;
            if p.kind() == Kind::Comma {
                return p.expected_with("`)`", |e| {
                    e.help("several values together are a vector: `[a, b]`").also(open, "opened here")
                });
            }
            p.expect_close(Kind::CloseParen, "`)`", open)?;
            Ok(inner)
        })?;
        self.parenthesised = Some(inner);
        Ok(inner)
    }

    fn map_entries(&mut self, open: Span) -> Parse<Vec<NodeId>> {
        let mut entries = Vec::new();
        while !self.eat(Kind::CloseBrace) {
            let key = self.map_key(open)?;
            if self.kind() == Kind::Colon {
                return self.expected_with("the value of the key", |e| {
                    e.help("a map is written `{:key value, \"key\" value}`, without a colon after the key")
                });
            }
            let value = self.expression()?;
            entries.extend([key, value]);
            self.eat(Kind::Comma);
        }
        Ok(entries)
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
            Kind::Ident => {
                let text = self.text_of(token).to_string();
                let colon = self.peek(1).kind == Kind::Colon;
                self.expected_with("a key or `}`", |e| {
                    e.also(open, "this brace begins a map").help(if colon {
                        format!("a keyword key is written `{{:{text} value}}`; a struct literal has a name: `Name {{ {text}: value }}`")
                    } else {
                        format!("a key that is computed stands in parentheses: `{{({text}) value}}`; a block cannot stand here")
                    })
                })
            }
            _ => self.expected_with("a key or `}`", |e| {
                e.also(open, "this brace begins a map")
                    .help("a map is `{:key value}`; where an expression is expected, a brace does not begin a block")
            }),
        }
    }

    fn set_members(&mut self, open: Span) -> Parse<Vec<NodeId>> {
        let mut members = Vec::new();
        while !self.eat(Kind::CloseBrace) {
            if self.kind() == Kind::Eof {
                self.expect_close(Kind::CloseBrace, "`}`", open)?;
            }
            members.push(self.expression()?);
            self.eat(Kind::Comma);
        }
        Ok(members)
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
                return self.expected_with("`}`", |e| e.also(open, "opened here"));
            }
        }
        let calls = self.calls();
        self.operands(&parts, calls);
        let height = self.height_of(&parts);
        let list = self.list(&parts);
        self.scopes.frame().call();
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
