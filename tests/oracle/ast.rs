//! The tree of a generated program, and its text.

use super::value::V;
use std::fmt::Write;

/// A local variable: a number of its own, and the name it has in the text (inner ones may shadow outer ones).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Var {
    pub id: u32,
    pub name: String,
}

impl Var {
    /// Its name. In programs that are to be made smaller no two have the same: what is left out must not show what it shadowed.
    pub fn text(&self) -> String {
        if reducing() { format!("u{}", self.id) } else { self.name.clone() }
    }
}

/// Are failing programs to be made smaller?
pub fn reducing() -> bool {
    static REDUCING: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *REDUCING.get_or_init(|| std::env::var("HARRIER_REDUCE").is_ok())
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Shl,
    Shr,
    UShr,
    And,
    Or,
    Xor,
    Concat,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Op {
    pub fn text(self) -> &'static str {
        match self {
            Op::Add => "+",
            Op::Sub => "-",
            Op::Mul => "*",
            Op::Div => "/",
            Op::Rem => "%",
            Op::Shl => "<<",
            Op::Shr => ">>",
            Op::UShr => ">>>",
            Op::And => "&",
            Op::Or => "|",
            Op::Xor => "^",
            Op::Concat => "++",
            Op::Eq => "==",
            Op::Ne => "!=",
            Op::Lt => "<",
            Op::Le => "<=",
            Op::Gt => ">",
            Op::Ge => ">=",
        }
    }
}

pub type Block = Vec<Expr>;

#[derive(Clone, Debug)]
pub enum Pat {
    Any,
    Bind(Var),
    Lit(V),
    /// The rest is `None` without `...`, else the variable or nothing.
    Vector(Vec<Pat>, Option<Option<Var>>),
    /// The patterns of `a` and `b`.
    Pair(Option<Box<Pat>>, Option<Box<Pat>>),
    /// `Way.one`, `Way.two { v }`, `Way.three { v, w }`; patterns of the fields that are asked for.
    Way(usize, Vec<Pat>),
    Alternatives(Vec<Pat>),
}

pub const WAYS: [(&str, &[&str]); 3] = [("one", &[]), ("two", &["v"]), ("three", &["v", "w"])];

#[derive(Clone, Debug)]
pub struct Function {
    pub params: Vec<Pat>,
    pub rest: Option<Var>,
    pub body: Block,
    /// The variable that counts calls down at the head, `if n <= 0 { return base }`: functions that call themselves.
    pub name: Option<Var>,
}

#[derive(Clone, Debug)]
pub enum Expr {
    Lit(V),
    Var(Var),
    Bin(Op, Box<Expr>, Box<Expr>),
    AndThen(Box<Expr>, Box<Expr>),
    OrElse(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Neg(Box<Expr>),
    If(Box<Expr>, Block, Option<Block>),
    Let(Pat, bool, Box<Expr>),
    Assign(Var, Box<Expr>),
    /// Variable of its own, limit, condition besides, body: `while count < limit && condition { count = count + 1 … }`.
    While(Var, i64, Box<Expr>, Block),
    /// `loop { count = count + 1; if count > limit { break }; … }`.
    Loop(Var, i64, Block),
    Range(Pat, Box<Expr>, Box<Expr>, Block),
    For(Pat, Box<Expr>, Block),
    Break(Option<Box<Expr>>),
    Continue,
    Return(Option<Box<Expr>>),
    Throw(Box<Expr>),
    Try(Block, Option<(Var, Block)>, Option<Block>),
    Match(Box<Expr>, Vec<(Pat, Option<Expr>, Block)>),
    /// A top-level function.
    Call(usize, Vec<Expr>),
    CallValue(Box<Expr>, Vec<Expr>),
    Lambda(std::rc::Rc<Function>),
    LocalFn(Var, std::rc::Rc<Function>),
    Pair(Box<Expr>, Box<Expr>),
    Way(usize, Vec<Expr>),
    Field(Box<Expr>, &'static str),
    SetField(Box<Expr>, Box<Expr>),
    Vector(Vec<Expr>),
    Array(Vec<Expr>),
    Index(Box<Expr>, Box<Expr>),
    SetIndex(Box<Expr>, Box<Expr>, Box<Expr>),
    Push(Box<Expr>, Box<Expr>),
    Count(Box<Expr>),
    Interpolate(Vec<(String, Expr)>),
    #[allow(dead_code)] // the generator writes it as text; reducing makes it
    Brief(Box<Expr>),
    Method(Box<Expr>, Vec<Expr>),
    /// The dynamic variable, and a binding of it.
    Dynamic,
    Binding(Box<Expr>, Block),
    Note(Box<Expr>),
}

/// What stands before every program. `size` is a protocol method, `scaled` an associated function of pairs.
pub const PRELUDE: &str = "\
use mutable-array { array-of }
struct Pair { a, mut b }
enum Way { one, two { v }, three { v, w } }
protocol Size { fn size(self, k) }
extend Pair with Size { fn size(self, k) { self.a + k } }
extend Int with Size { fn size(self, k) { self * k } }
extend Float with Size { fn size(self, k) { self - k } }
extend Vector with Size { fn size(self, k) { count(self) + k } }
extend Way.two with Size { fn size(self, k) { self.v + k } }
let dynamic depth = 7
fn brief(e) {
    match e {
        SystemError.TypeError => \"TypeError\"
        SystemError.ArityError => \"ArityError\"
        SystemError.FieldError => \"FieldError\"
        SystemError.IndexError => \"IndexError\"
        SystemError.MutabilityError => \"MutabilityError\"
        SystemError.MatchError => \"MatchError\"
        SystemError.DivisionByZero => \"DivisionByZero\"
        SystemError.ArgumentError => \"ArgumentError\"
        _ => e
    }
}
";

pub struct Printer {
    pub out: String,
    indent: usize,
}

impl Printer {
    pub fn new() -> Printer {
        Printer { out: String::new(), indent: 0 }
    }

    pub fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{}{text}", "    ".repeat(self.indent));
    }

    pub fn function(&mut self, name: &str, f: &Function) {
        let text = format!("fn {name}{}", self.function_tail(f));
        self.line(&text);
    }

    fn function_tail(&mut self, f: &Function) -> String {
        let mut params: Vec<String> = f.params.iter().map(pattern).collect();
        params.extend(f.rest.iter().map(|r| format!("...{}", r.text())));
        format!("({}) {}", params.join(", "), self.block(&f.body))
    }

    fn block(&mut self, block: &[Expr]) -> String {
        self.indent += 1;
        let pad = "    ".repeat(self.indent);
        let lines: Vec<String> = block.iter().map(|e| format!("{pad}{}\n", self.statement(e))).collect();
        self.indent -= 1;
        format!("{{\n{}{}}}", lines.concat(), "    ".repeat(self.indent))
    }

    fn block_with(&mut self, first: &str, block: &[Expr]) -> String {
        let text = self.block(block);
        text.replacen("{\n", &format!("{{\n{}{first}\n", "    ".repeat(self.indent + 1)), 1)
    }

    /// As a line of a block.
    fn statement(&mut self, e: &Expr) -> String {
        match e {
            Expr::Let(p, m, e) => format!("let {}{} = {}", if *m { "mut " } else { "" }, pattern(p), self.bare(e)),
            Expr::Assign(v, e) => format!("{} = {}", v.text(), self.bare(e)),
            Expr::SetField(o, e) => format!("{}.b = {}", self.expr(o), self.bare(e)),
            Expr::SetIndex(o, i, e) => format!("{}[{}] = {}", self.expr(o), self.bare(i), self.bare(e)),
            Expr::LocalFn(v, f) => format!("fn {}{}", v.text(), self.function_tail(f)),
            Expr::While(c, n, cond, body) => {
                let cond = self.expr(cond);
                let count = format!("{0} = {0} + 1", c.text());
                let body = self.block_with(&count, body);
                format!("let mut {0} = 0\n{1}while {0} < {n} && {cond} {body}", c.text(), "    ".repeat(self.indent))
            }
            Expr::Loop(c, n, body) => {
                let count = format!("{0} = {0} + 1; if {0} > {n} {{ break {0} }}", c.text());
                let body = self.block_with(&count, body);
                format!("let mut {0} = 0\n{1}loop {body}", c.text(), "    ".repeat(self.indent))
            }
            _ => self.bare(e),
        }
    }

    /// Where anything may stand.
    fn bare(&mut self, e: &Expr) -> String {
        match e {
            Expr::Break(None) => "break".into(),
            Expr::Break(Some(e)) => format!("break {}", self.expr(e)),
            Expr::Continue => "continue".into(),
            Expr::Return(None) => "return".into(),
            Expr::Return(Some(e)) => format!("return {}", self.expr(e)),
            Expr::Throw(e) => format!("throw {}", self.expr(e)),
            Expr::If(c, a, b) => {
                let c = self.expr(c);
                let a = self.block(a);
                match b {
                    Some(b) => format!("if {c} {a} else {}", self.block(b)),
                    None => format!("if {c} {a}"),
                }
            }
            Expr::Range(p, a, b, body) => {
                format!("for {} in range({}, {}) {}", pattern(p), self.bare(a), self.bare(b), self.block(body))
            }
            Expr::For(p, c, body) => format!("for {} in {} {}", pattern(p), self.expr(c), self.block(body)),
            Expr::Try(body, catch, finally) => {
                let mut s = format!("try {}", self.block(body));
                if let Some((v, b)) = catch {
                    let rename = format!("let {0} = brief({0})", v.text());
                    let _ = write!(s, " catch ({}) {}", v.text(), self.block_with(&rename, b));
                }
                if let Some(b) = finally {
                    let _ = write!(s, " finally {}", self.block(b));
                }
                s
            }
            Expr::Match(e, arms) => {
                let mut s = format!("match {} {{\n", self.expr(e));
                self.indent += 1;
                for (p, guard, body) in arms {
                    let guard = guard.as_ref().map(|g| format!(" if {}", self.expr(g))).unwrap_or_default();
                    let body = self.block(body);
                    let _ = writeln!(s, "{}{}{guard} => {body}", "    ".repeat(self.indent), pattern(p));
                }
                self.indent -= 1;
                s + &"    ".repeat(self.indent) + "}"
            }
            Expr::Binding(e, b) => format!("binding (depth = {}) {}", self.bare(e), self.block(b)),
            _ => self.expr(e),
        }
    }

    /// As an operand.
    fn expr(&mut self, e: &Expr) -> String {
        match e {
            Expr::Lit(v) => v.source(),
            Expr::Var(v) => v.text(),
            Expr::Bin(op, a, b) => format!("({} {} {})", self.expr(a), op.text(), self.expr(b)),
            Expr::AndThen(a, b) => format!("({} && {})", self.expr(a), self.expr(b)),
            Expr::OrElse(a, b) => format!("({} || {})", self.expr(a), self.expr(b)),
            Expr::Not(a) => format!("(!{})", self.expr(a)),
            Expr::Neg(a) => format!("(-({}))", self.bare(a)),
            Expr::Call(f, args) => format!("f{f}({})", self.list(args)),
            Expr::CallValue(f, args) => format!("{}({})", self.expr(f), self.list(args)),
            Expr::Lambda(f) => format!("(fn{})", self.function_tail(f)),
            Expr::Pair(a, b) => format!("(Pair {{ a: {}, b: {} }})", self.bare(a), self.bare(b)),
            Expr::Way(k, args) => {
                let (name, fields) = WAYS[*k];
                let fields: Vec<String> =
                    fields.iter().zip(args).map(|(n, e)| format!("{n}: {}", self.bare(e))).collect();
                if fields.is_empty() {
                    format!("Way.{name}")
                } else {
                    format!("(Way.{name} {{ {} }})", fields.join(", "))
                }
            }
            Expr::Field(o, n) => format!("{}.{n}", self.expr(o)),
            Expr::Vector(items) => format!("[{}]", self.list(items)),
            Expr::Array(items) => format!("array-of({})", self.list(items)),
            Expr::Index(a, i) => format!("{}[{}]", self.expr(a), self.bare(i)),
            Expr::Push(a, b) => format!("push({}, {})", self.bare(a), self.bare(b)),
            Expr::Count(a) => format!("count({})", self.bare(a)),
            Expr::Brief(a) => format!("brief({})", self.bare(a)),
            Expr::Method(o, args) => format!("{}.size({})", self.expr(o), self.list(args)),
            Expr::Dynamic => "depth".into(),
            Expr::Note(e) => format!("println({})", self.bare(e)),
            Expr::Interpolate(parts) => {
                let mut s = String::from("\"");
                for (text, e) in parts {
                    let _ = write!(s, "{text}${{{}}}", self.bare(e));
                }
                s + "\""
            }
            _ => format!("({})", self.statement(e)),
        }
    }

    fn list(&mut self, items: &[Expr]) -> String {
        let items: Vec<String> = items.iter().map(|e| self.bare(e)).collect();
        items.join(", ")
    }
}

pub fn pattern(p: &Pat) -> String {
    match p {
        Pat::Any => "_".into(),
        Pat::Bind(v) => v.text(),
        Pat::Lit(v) => v.source().replace(['(', ')'], ""),
        Pat::Vector(items, rest) => {
            let mut items: Vec<String> = items.iter().map(pattern).collect();
            match rest {
                Some(Some(v)) => items.push(format!("...{}", v.text())),
                Some(None) => items.push("..._".into()),
                None => {}
            }
            format!("[{}]", items.join(", "))
        }
        Pat::Pair(a, b) => {
            let field = |n: &str, p: &Option<Box<Pat>>| p.as_ref().map(|p| format!("{n}: {}", pattern(p)));
            let fields: Vec<String> = [field("a", a), field("b", b)].into_iter().flatten().collect();
            format!("Pair {{ {} }}", fields.join(", "))
        }
        Pat::Way(k, fields) if fields.is_empty() => format!("Way.{}", WAYS[*k].0),
        Pat::Way(k, fields) => {
            let (name, names) = WAYS[*k];
            let fields: Vec<String> = names.iter().zip(fields).map(|(n, p)| format!("{n}: {}", pattern(p))).collect();
            format!("Way.{name} {{ {} }}", fields.join(", "))
        }
        Pat::Alternatives(all) => all.iter().map(pattern).collect::<Vec<_>>().join(" | "),
    }
}
