//! Where the grammar asks whether something is the way of another language.
//!
//! Owns the places at which [`foreign_words`](super::super::foreign_words) is asked, and what is left of the errors of a text in
//! which such a thing was found. Must not change how right texts are read: all of this looks only at what cannot go on.

use super::super::foreign_words::{self, Place};
use super::*;

/// Words in front of `( … ) {`, where no call can stand.
const HEADS: [&str; 14] = [
    "function", "func", "fun", "switch", "unless", "until", "foreach", "elif", "elsif", "elseif", "when", "except",
    "rescue", "lambda",
];

/// What goes on with the construct of the line before, where it stands no further to the right.
const CONTINUATIONS: [&str; 12] =
    ["else", "elif", "elsif", "except", "catch", "finally", "rescue", "ensure", "case", "when", "default", "end"];

/// What may stand before the name of a function elsewhere.
const MODIFIERS: [&str; 13] = [
    "pub",
    "public",
    "private",
    "protected",
    "static",
    "abstract",
    "void",
    "int",
    "string",
    "float",
    "double",
    "bool",
    "boolean",
];

const DEFAULT_ARM: &str = "the last arm of a `match`, for all other values, is `_ => …`";

/// Comparisons of the shell.
const TESTS: [&str; 6] = ["gt", "lt", "ge", "le", "eq", "ne"];

/// Without the errors that may be consequences of a foreign one, which are all that stand in its construct; and without foreign
/// ones that say the same again.
pub(super) fn without_consequences(text: &str, mut errors: Vec<SyntaxError>) -> Vec<SyntaxError> {
    // What the text ends with may become something else when more is typed.
    if errors.iter().any(|e| e.incomplete) {
        errors.retain(|e| !e.foreign || e.incomplete || (e.span.end as usize) < text.trim_end().len());
    }
    errors.sort_by_key(|e| (e.span.start, e.span.end));
    let (mut kept, mut reach) = (Vec::<SyntaxError>::new(), 0);
    for error in errors {
        let again = error.foreign && kept.iter().any(|e| e.foreign && e.help == error.help);
        if error.span.start < reach {
            continue;
        }
        if error.foreign {
            reach = construct_end(text, error.span.start);
        }
        if !again {
            kept.push(error);
        }
    }
    kept
}

/// The end of what begins on the line of `start`: its line, the lines below that stand further to the right, and those that go
/// on with it or close it.
fn construct_end(text: &str, start: u32) -> u32 {
    let begin = text[..start as usize].rfind('\n').map_or(0, |at| at + 1);
    let indent = |line: &str| line.len() - line.trim_start().len();
    let own = indent(&text[begin..]);
    let mut end = begin;
    for (n, line) in text[begin..].split_inclusive('\n').enumerate() {
        let first = line.trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let continues =
            indent(line) == own && (CONTINUATIONS.contains(&first) || line.trim_start().starts_with(['}', ')', ']']));
        if n > 0 && !line.trim().is_empty() && indent(line) <= own && !continues {
            break;
        }
        end += line.len();
    }
    end as u32
}

impl Parser<'_> {
    /// The error of a token that cannot stand here, with the cure if it is the way of another language.
    pub(super) fn foreign_token(&self, what: &str, mut error: SyntaxError) -> SyntaxError {
        let token = self.token();
        if token.kind == Kind::Ident
            && let Some(help) = foreign_words::word(self.text_of(token), Place::Before)
            && !self.is_bound(token)
        {
            let message = format!("Harrier has no `{}`", self.text_of(token));
            return SyntaxError { secondary: error.secondary, ..SyntaxError::foreign(token.span(), message, help) };
        }
        let next = self.peek(1);
        let before = self.tokens[self.at.saturating_sub(1)];
        let text = |start: u32, end: u32| &self.text[start as usize..end as usize];
        let mut texts = Vec::with_capacity(3);
        if !token.spaced() && self.at > 0 {
            texts.push(text(before.start, token.end));
        }
        if token.kind == Kind::Colon && next.kind == Kind::Keyword && !next.spaced() {
            texts.push("::");
        }
        if token.kind == Kind::Amp && next.kind == Kind::Keyword && !next.spaced() {
            texts.push("&:");
        }
        if !next.spaced() {
            texts.push(text(token.start, next.end));
        }
        texts.push(self.text_of(token));
        if texts.contains(&"::")
            && before.kind == Kind::Ident
            && let Some(help) = foreign_words::word(self.text_of(before), Place::Unknown)
        {
            return SyntaxError { help: Some(help.into()), foreign: true, ..error };
        }
        if let Some(help) = foreign_words::sign(&texts, what) {
            error.help = Some(help.into());
            error.foreign = true;
        }
        error
    }

    /// Is a word the program's own: declared, or further above where a parameter or what is taken apart gets its name?
    fn is_bound(&self, name: Token) -> bool {
        let name = self.text_of(name);
        let binds =
            |pair: &[Token]| matches!(self.text_of(pair[0]), "for" | "(" | "[" | ",") && self.text_of(pair[1]) == name;
        self.declares(name) || self.tokens[..self.at].windows(2).any(binds)
    }

    /// Whether the token begins an operand on the same line, and is no bracket: nothing that may follow a name.
    fn operand_beside(&self, token: Token) -> bool {
        use Kind::*;
        let begins = matches!(
            token.kind,
            Ident | Int | Float | Keyword | Str | StrHead | True | False | Null | Fn | OpenSet | Infinity | Nan
        );
        begins && !token.newline()
    }

    /// A word of another language at the present place, in front of what cannot follow a name.
    pub(super) fn not_foreign(&mut self) -> Parse<()> {
        let (token, next) = (self.token(), self.peek(1));
        let text = self.text_of(token);
        let string = matches!(next.kind, Kind::Str | Kind::StrHead) && !next.spaced();
        if string && matches!(text, "f" | "r" | "b" | "u" | "s" | "F" | "R" | "L") {
            let span = Span { start: token.start, end: next.start + 1 };
            return self.fail(SyntaxError::foreign(
                span,
                format!("a string has no `{text}` before it"),
                "`${x}` puts a value into any string: \"x = ${x}\"",
            ));
        }
        if next.kind == Kind::OpenBracket
            && text.ends_with('!')
            && !self.declares(text)
            && let Some(help) = foreign_words::word(text, Place::Unknown)
        {
            return self.fail(SyntaxError::foreign(token.span(), format!("Harrier has no `{text}`"), help));
        }
        // Told with what it was to belong to.
        if text == "await" && self.told.contains(text) {
            return Err(Fail);
        }
        self.not_a_form()?;
        let beside = self.operand_beside(next) && !self.entries;
        let head = !self.head && self.begins_a_head(text);
        if !beside && !head {
            return Ok(());
        }
        let thrown = self.thrown();
        let place = if token.newline() || self.at == 0 { Place::First } else { Place::Before };
        let asked = match text {
            "new" if thrown => "throw new",
            "do" | "begin" if next.kind == Kind::Bar => "do |",
            "impl" => {
                self.told.insert("impl");
                text
            }
            "function" if self.at > 0 && self.text_of(self.tokens[self.at - 1]) == "async" => {
                self.told.insert("await");
                text
            }
            "global" | "nonlocal" => {
                self.told.insert(self.text_of(next));
                text
            }
            _ if MODIFIERS.contains(&text) && self.heads_a_function() => "function",
            _ => text,
        };
        let lower = text.to_lowercase();
        let begins =
            lexer::word(lower.as_bytes()) != Kind::Ident || declarations::DECLARATIONS.contains(&lower.as_str());
        let help = match foreign_words::word(asked, place) {
            Some(help) => help.to_string(),
            None if lower != text && begins => format!("the words of the language are in lower case: `{lower}`"),
            None => return Ok(()),
        };
        self.fail(SyntaxError::foreign(token.span(), format!("Harrier has no `{text}`"), help))
    }

    /// Whether `( … ) {` follows a word that is none of the program's functions, or `{` one that is always followed by a block.
    fn begins_a_head(&self, word: &str) -> bool {
        let next = self.peek(1);
        if next.kind == Kind::OpenBrace && !next.newline() {
            return matches!(word, "do" | "begin" | "ensure" | "rescue" | "cond");
        }
        if next.kind == Kind::Bar && matches!(word, "do" | "begin") {
            return self.peek(2).kind == Kind::Ident && matches!(self.peek(3).kind, Kind::Bar | Kind::Comma);
        }
        if next.kind == Kind::OpenBracket && next.spaced() && !next.newline() {
            return forms::BRACKETED.contains(&word) && !self.declares(word);
        }
        if word == "import" && next.kind == Kind::OpenParen {
            return self.peek(2).newline();
        }
        if next.kind != Kind::OpenParen || !HEADS.contains(&word) {
            return false;
        }
        let Some(close) = self.closing(1) else { return false };
        let brace = self.peek(close + 1);
        brace.kind == Kind::OpenBrace && !brace.newline() && !self.declares(word)
    }

    /// Whether the word is a name: the text makes it anywhere, or it is one where the text is read.
    pub(super) fn declares(&self, word: &str) -> bool {
        let declared = self.declared.get_or_init(|| {
            let made = |pair: &&[Token]| {
                pair[1].kind == Kind::Ident
                    && (matches!(pair[0].kind, Kind::Fn | Kind::Let | Kind::LetOnce | Kind::Mut)
                        || self.text_of(pair[0]) == "dynamic")
            };
            self.tokens.windows(2).filter(made).map(|pair| self.text_of(pair[1])).collect()
        });
        declared.contains(word) || self.defines.is_some_and(|defines| defines(word))
    }

    /// How many tokens ahead the parenthesis is closed that stands `open` tokens ahead.
    fn closing(&self, open: usize) -> Option<usize> {
        self.closing_of(open, Kind::OpenParen, Kind::CloseParen)
    }

    pub(super) fn closing_of(&self, open: usize, opening: Kind, closing: Kind) -> Option<usize> {
        let mut depth = 0usize;
        for ahead in open..self.tokens.len() - self.at {
            let kind = self.peek(ahead).kind;
            if kind == opening {
                depth += 1;
            } else if kind == closing {
                if depth <= 1 {
                    return Some(ahead);
                }
                depth -= 1;
            }
        }
        None
    }

    /// `for { … }`, and no map pattern in the braces.
    pub(super) fn endless_for(&mut self) -> Parse<()> {
        let endless = self.kind() == Kind::OpenBrace
            && self
                .closing_of(0, Kind::OpenBrace, Kind::CloseBrace)
                .is_some_and(|close| !matches!(self.peek(close + 1).kind, Kind::In | Kind::Eof));
        if !endless {
            return Ok(());
        }
        let span = self.tokens[self.at - 1].span();
        self.fail(SyntaxError::foreign(
            span,
            "a `for` goes through something",
            "a loop that is left by `break` is `loop { … }`, one with a condition `while c { … }`",
        ))
    }

    /// `value if condition` at the end of a line; the `if` stood at token `at`, its condition has been read.
    pub(super) fn trailing_if(&mut self, at: usize) -> Parse<()> {
        use Kind::*;
        let (word, next) = (self.tokens[at], self.token());
        let ends = next.newline() || matches!(next.kind, CloseBrace | Semicolon);
        let behind_a_value = at > 0
            && !word.newline()
            && matches!(
                self.tokens[at - 1].kind,
                Ident
                    | Int
                    | Float
                    | Str
                    | StrTail
                    | Keyword
                    | True
                    | False
                    | Null
                    | CloseParen
                    | CloseBracket
                    | Return
                    | Break
                    | Continue
            );
        // At the end of the text the braces may come yet.
        let chooses = next.kind == Else && !next.newline() && behind_a_value;
        if matches!(next.kind, OpenBrace | Eof) || !(ends || chooses) || !behind_a_value {
            return Ok(());
        }
        let span = self.span_from(word.start);
        if chooses {
            let condition = &self.text[word.end as usize..span.end as usize];
            let help = format!("the condition comes first: `if {} {{ a }} else {{ b }}`", condition.trim());
            return self.fail(SyntaxError::foreign(span, "an `if` does not stand behind its value", help));
        }
        let text = |from: usize, to: u32| self.text[from..to as usize].trim();
        let line = self.text[..word.start as usize].rfind('\n').map_or(0, |at| at + 1);
        let value = text(line, word.start).rsplit('{').next().unwrap_or_default().trim();
        let condition = text(word.end as usize, span.end);
        let help = format!("the condition comes first: `if {condition} {{ {value} }}`");
        self.fail(SyntaxError::foreign(span, "an `if` does not stand behind its value", help))
    }

    /// `Point{1, 2}`: values without the names of their fields.
    pub(super) fn values_without_names(&mut self, operand: NodeId) -> Parse<()> {
        let type_ = match self.unit.nodes[operand.index()] {
            Node::Field { object, .. } => object,
            _ => operand,
        };
        if !matches!(self.unit.nodes[type_.index()], Node::Global(_)) {
            return Ok(());
        }
        let (text, span) = (self.text, self.node_span(operand));
        let name = text.get(span.start as usize..span.end as usize).unwrap_or_default();
        let literal =
            matches!(self.peek(1).kind, Kind::Int | Kind::Float | Kind::Str | Kind::True | Kind::False | Kind::Null);
        if !name.starts_with(char::is_uppercase)
            || !literal
            || !matches!(self.peek(2).kind, Kind::Comma | Kind::CloseBrace)
        {
            return Ok(());
        }
        let help = format!("each value stands behind the name of its field: `{name} {{ field: value }}`");
        let span = self.token().span();
        self.fail(SyntaxError::foreign(span, "the fields of a struct have names", help))
    }

    /// What the comma is told that cannot stand where an expression begins.
    pub(super) fn comma_help(&self) -> &'static str {
        let line: Vec<Token> = {
            let before = self.tokens[..self.at].iter().rev();
            let mut line: Vec<Token> = Vec::new();
            for token in before.take(60) {
                line.push(*token);
                if token.newline() || matches!(token.kind, Kind::OpenBrace | Kind::Semicolon) {
                    break;
                }
            }
            line
        };
        let assigned = self.tokens[self.at..]
            .iter()
            .take(60)
            .enumerate()
            .take_while(|(n, token)| *n == 0 || !token.newline())
            .any(|(_, token)| token.kind == Kind::Assign);
        if line.iter().any(|token| token.kind == Kind::Return) {
            "several values together are a vector: `return [a, b]`, taken apart by `let [a, b] = f()`"
        } else if assigned && line.iter().any(|token| token.kind == Kind::Let) {
            "each name has a `let` of its own: `let a = 1`, and below it `let b = 2`"
        } else if assigned && line.iter().all(|token| matches!(token.kind, Kind::Ident | Kind::OpenBrace)) {
            "an assignment has one variable: `let [a, b] = f()` takes a vector apart; to swap, `let old = a`, `a = b`, `b = old`"
        } else {
            "statements are not separated by commas; where a block may stand, a map is written in parentheses: `({:a 1, :b 2})`"
        }
    }

    /// An operator where a value is expected: what to do about it.
    pub(super) fn operator_help(&self) -> String {
        let token = self.token();
        let sign = self.text_of(token);
        let (before, next) = (self.tokens[self.at.saturating_sub(1)].kind, self.peek(1));
        let opened = matches!(before, Kind::OpenParen | Kind::Comma);
        if opened && matches!(next.kind, Kind::Comma | Kind::CloseParen) {
            return format!("an operator is no value; a function that applies it is `fn(a, b) {{ a {sign} b }}`");
        }
        if before == Kind::OpenParen && next.spaced() {
            return format!("an operator stands between its operands: `a {sign} b`");
        }
        "this operator takes an operand before it and one after it".into()
    }

    /// Inside the parentheses of `(a, b) => …`, before the first comma or the end.
    pub(super) fn arrow_function(&mut self) -> Parse<()> {
        let close = if self.kind() == Kind::CloseParen { Some(0) } else { self.closing(0) };
        let Some(arrow) = close.map(|at| self.peek(at + 1)).filter(|t| t.kind == Kind::Arrow) else { return Ok(()) };
        self.fail(SyntaxError::foreign(
            arrow.span(),
            "`=>` makes no function",
            "a function is `fn(a, b) { a + b }`; `=>` stands in the arms of a `match`",
        ))
    }

    /// A name with an operand beside it: a call without its parentheses.
    pub(super) fn not_beside(&mut self, node: NodeId) -> Parse<()> {
        let next = self.token();
        if !matches!(self.unit.nodes[node.index()], Node::Global(_)) || !self.operand_beside(next) {
            return Ok(());
        }
        let span = self.node_span(node);
        // A character that was reported already may stand between.
        let between = |e: &SyntaxError| e.span.start >= span.end && e.span.start < next.start;
        if span.end != self.last_end() || self.errors.iter().any(between) {
            return Ok(());
        }
        // What is left of the line, as far as the brackets that are open go.
        let mut depth = 0usize;
        let mut end = next.start;
        for token in &self.tokens[self.at..] {
            match token.kind {
                Kind::Eof | Kind::Semicolon => break,
                _ if token.newline() && token.start > next.start => break,
                kind if kind.opens() => depth += 1,
                kind if kind.closes() && depth == 0 => break,
                kind if kind.closes() => depth -= 1,
                _ => {}
            }
            end = token.end;
        }
        let text = self.text;
        let (name, argument) =
            (&text[span.start as usize..span.end as usize], &text[next.start as usize..end as usize]);
        let help = match foreign_words::word(name, Place::Unknown) {
            Some(help) if !self.declares(name) => help.to_string(),
            _ => format!("write `{name}({argument})`"),
        };
        let whole = Span { start: span.start, end };
        self.fail(SyntaxError::foreign(whole, "the arguments of a call stand in parentheses", help))
    }

    /// Elements without commas between them.
    pub(super) fn commas(&mut self, what: &str, open: Span) -> Parse<()> {
        let next = self.token();
        self.not_an_element(what, open)?;
        if next.kind == Kind::Colon && what.contains(')') {
            return self.expected_with(what, |e| SyntaxError {
                foreign: true,
                ..e.help("arguments have no names: many are passed as a map, `f({:width 3, :height 4})`")
            });
        }
        let foreign = next.kind == Kind::Ident && foreign_words::word(self.text_of(next), Place::Before).is_some();
        if foreign || !(self.operand_beside(next) || matches!(next.kind, Kind::Str | Kind::StrHead | Kind::Int)) {
            return Ok(());
        }
        let help = self.elements_help();
        self.expected_with(what, |e| SyntaxError { foreign: true, ..e.help(help) })
    }

    /// What was meant by an element that has another beside it.
    fn elements_help(&self) -> String {
        let before = |n: usize| self.tokens[self.at.saturating_sub(n)];
        let (word, sign) = (self.text_of(before(1)), before(2));
        if before(1).kind == Kind::Ident && sign.kind == Kind::Minus && TESTS.contains(&word) {
            return "numbers are compared by `a == b`, `a != b`, `a < b`, `a <= b`".into();
        }
        // `(int) x`
        let cast = before(1).kind == Kind::CloseParen && sign.kind == Kind::Ident && before(3).kind == Kind::OpenParen;
        if cast
            && foreign_words::word(self.text_of(sign), Place::Type).is_some()
            && let Some(help) = foreign_words::word("as", Place::Before)
        {
            return help.into();
        }
        if before(1).kind == Kind::Ident && !self.declares(word) {
            if let Some(help) = foreign_words::word(word, Place::Unknown) {
                return help.into();
            }
            // `(f a b)`
            if sign.kind == Kind::OpenParen && sign.spaced() {
                return format!(
                    "the parenthesis of a call stands behind the name, commas between the arguments: `{word}(a, b)`"
                );
            }
        }
        "commas stand between the elements: `[1, 2, 3]`, `f(a, b)`".into()
    }

    /// `(:name m)`
    pub(super) fn key_as_function(&mut self, key: NodeId) -> Parse<()> {
        let (Node::Keyword(_), Kind::Ident) = (&self.unit.nodes[key.index()], self.kind()) else { return Ok(()) };
        let span = self.node_span(key);
        let key = &self.text[span.start as usize..span.end as usize];
        let help =
            format!("`{0}[{key}]` reads a key, `get({0}, {key}, default)` with a default", self.text_of(self.token()));
        self.fail(SyntaxError::foreign(span, "a keyword is no function", help))
    }

    /// Whether a function of another language begins here: words, a name, `( … ) {`.
    fn heads_a_function(&self) -> bool {
        let mut ahead = 1;
        while self.peek(ahead).kind == Kind::Ident && !self.peek(ahead).newline() {
            ahead += 1;
        }
        if ahead < 2 || self.peek(ahead).kind != Kind::OpenParen {
            return false;
        }
        self.closing(ahead).is_some_and(|close| self.peek(close + 1).kind == Kind::OpenBrace)
    }

    /// What the next name is meant for has been told: nothing more is said where it is used so.
    pub(super) fn tell_once(&mut self) {
        self.told.insert(self.text_of(self.token()));
    }

    /// The same of a reserved word that was to be a name.
    pub(super) fn tell_reserved(&mut self) {
        if self.kind().is_reserved() && matches!(self.peek(1).kind, Kind::Assign | Kind::Comma | Kind::CloseParen) {
            self.tell_once();
        }
    }

    /// Whether a reserved word stands before on the line that was to be a name.
    pub(super) fn uses_told_word(&self) -> bool {
        if self.told.is_empty() {
            return false;
        }
        let told = |token: &Token| token.kind.is_reserved() && self.told.contains(self.text_of(*token));
        let begin = self.tokens[..self.at].iter().rposition(|token| token.newline()).unwrap_or(0);
        self.tokens[begin..self.at].iter().any(told)
    }

    /// A function among the fields of a struct.
    pub(super) fn not_a_method(&mut self, owner: &str) -> Parse<()> {
        if self.kind() != Kind::Fn || self.peek(1).kind != Kind::Ident || self.peek(1).newline() {
            return Ok(());
        }
        let span = Span { start: self.token().start, end: self.peek(1).end };
        self.fail(SyntaxError::foreign(
            span,
            format!("{owner} has fields alone"),
            "functions of a type stand in `extend Point { fn area(self) { … } }`, behind the struct",
        ))
    }

    /// `match { a > b => … }`
    pub(super) fn match_of_nothing(&mut self) -> Parse<()> {
        let arms = |close: usize| self.peek(close + 1).kind != Kind::OpenBrace;
        if self.kind() != Kind::OpenBrace || !self.closing_of(0, Kind::OpenBrace, Kind::CloseBrace).is_some_and(arms) {
            return Ok(());
        }
        let span = self.tokens[self.at - 1].span();
        self.fail(SyntaxError::foreign(
            span,
            "a `match` looks at a value",
            "write `match x { … }`; a choice among conditions is `if a { … } else if b { … } else { … }`",
        ))
    }

    /// `case 1:`, `default:`, `else =>` where an arm begins.
    pub(super) fn not_a_case(&mut self) -> Parse<()> {
        let (token, next) = (self.token(), self.peek(1));
        let text = self.text_of(token);
        let help = match text {
            "case" | "when" if self.operand_beside(next) => {
                "an arm is `pattern => value`, and goes on into no other: `1 | 2 => \"some\"`"
            }
            "default" | "otherwise" if matches!(next.kind, Kind::Colon | Kind::Minus) => DEFAULT_ARM,
            "else" if matches!(next.kind, Kind::Colon | Kind::Arrow | Kind::Minus) => DEFAULT_ARM,
            _ => return Ok(()),
        };
        self.fail(SyntaxError::foreign(token.span(), format!("an arm has no `{text}`"), help))
    }

    /// Whether the braces around the present place hold `… for x in xs`.
    pub(super) fn comprehends(&self) -> bool {
        let mut depth = 0usize;
        for token in self.tokens[self.at..].iter().take(60) {
            match token.kind {
                kind if kind.opens() => depth += 1,
                kind if kind.closes() && depth == 0 => return false,
                kind if kind.closes() => depth -= 1,
                Kind::For if depth == 0 && !token.newline() => return true,
                _ => {}
            }
        }
        false
    }

    /// `i++` and `i--` at the end of a statement; the present token follows the operator.
    pub(super) fn not_counted(&mut self, op: Token) -> Parse<()> {
        let prefix = op.kind == Kind::PlusPlus && op.newline() && self.kind() == Kind::Ident && !self.token().spaced();
        let before = if prefix { self.token() } else { self.tokens[self.at.saturating_sub(2)] };
        let mut last = op;
        let mut next = self.token();
        if op.kind == Kind::Minus && next.kind == Kind::Minus && !next.spaced() {
            (last, next) = (next, self.peek(1));
        } else if op.kind != Kind::PlusPlus {
            return Ok(());
        }
        // `f() -- a comment`
        let words = self.peek(1 + usize::from(last.start == op.start));
        if op.kind == Kind::Minus
            && last.start != op.start
            && op.spaced()
            && next.kind == Kind::Ident
            && next.spaced()
            && words.kind == Kind::Ident
            && !words.newline()
            && !next.newline()
            && !self.is_a_local(next)
        {
            self.foreign_comment(op);
            return Err(Fail);
        }
        let ends = next.newline()
            || matches!(
                next.kind,
                Kind::Eof | Kind::CloseParen | Kind::CloseBrace | Kind::CloseBracket | Kind::Semicolon
            );
        if !prefix && (op.spaced() || !ends) || last.start == op.start && op.kind == Kind::Minus {
            return Ok(());
        }
        let text = self.text_of(before).to_string();
        let sign = if op.kind == Kind::Minus { '-' } else { '+' };
        let span = Span { start: op.start, end: last.end };
        self.fail(SyntaxError::foreign(
            span,
            format!("`{sign}{sign}` does not count"),
            format!("write `{text} = {text} {sign} 1`, where `{text}` was made by `let mut {text} = …`"),
        ))
    }

    /// Semicolons between statements; two of them begin a comment elsewhere.
    pub(super) fn semicolons(&mut self) {
        while self.kind() == Kind::Semicolon {
            let first = self.bump();
            let doubled = first.newline() && self.kind() == Kind::Semicolon && !self.token().spaced();
            if doubled || self.words_behind(first) {
                self.foreign_comment(first);
            }
        }
    }

    /// `-- words` at the beginning of a statement.
    pub(super) fn not_a_comment(&mut self) -> Parse<()> {
        let (first, second, third) = (self.token(), self.peek(1), self.peek(2));
        let words = third.kind == Kind::Ident && third.spaced() && !third.newline();
        if first.kind == Kind::Minus && first.newline() && second.kind == Kind::Minus && !second.spaced() && words {
            self.foreign_comment(first);
            return Err(Fail);
        }
        Ok(())
    }

    /// Reports a comment as it is written elsewhere, which began with this token, and passes by it.
    fn foreign_comment(&mut self, first: Token) {
        let line = self.text[first.start as usize..].lines().next().unwrap_or_default().trim_end();
        let end = first.start + line.len() as u32;
        while self.kind() != Kind::Eof && self.token().start < end {
            self.bump();
        }
        self.report(SyntaxError::foreign(
            Span { start: first.start, end },
            "a comment starts with `//`",
            "write `// …` to the end of the line; a doc comment, before a definition, is `/// …`",
        ));
    }
}
