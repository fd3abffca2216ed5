//! Generated programs, from fixed seeds: the same ones in every run.
//!
//! - *Recursion*: functions that call themselves several times, not in tail position, with many locals of all kinds alive
//!   across the calls. The generator computes the expected result itself.
//! - *Mixtures*: programs of arithmetic, strings, collections, structs, enums, closures, loops, `match` and `try`. What they
//!   print must not depend on when the collector runs.
//!
//! `HARRIER_SEED=17 cargo test --test generate` runs only that seed, `HARRIER_SEED=1..5000` a range of them; the programs are
//! left in `target/tmp/generated`.

mod common;
#[path = "common/random.rs"]
mod random;

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use random::Random;

// ---- Recursion ---------------------------------------------------------------------------------------------------------

/// What a local holds, as a function of the parameter n and a constant c; all give a small Int back.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Int,
    Float,
    Text,
    Big,
    Vector,
    Struct,
    Enum,
    Closure,
    Keyword,
}

const KINDS: [Kind; 9] = [
    Kind::Int,
    Kind::Float,
    Kind::Text,
    Kind::Big,
    Kind::Vector,
    Kind::Struct,
    Kind::Enum,
    Kind::Closure,
    Kind::Keyword,
];

#[derive(Clone, Copy)]
struct Local {
    kind: Kind,
    c: i64,
    /// Assigned anew between the calls (`let mut`).
    moves: bool,
}

impl Local {
    fn init(self, n: &str) -> String {
        let c = self.c;
        match self.kind {
            Kind::Int => format!("{n} * {c} + {}", c + 1),
            Kind::Float => format!("{n} * 0.5 + {c}"),
            Kind::Text => format!("\"${{{n}}}:{c}\""),
            Kind::Big => format!("({n} + {c}) << 70"),
            Kind::Vector => format!("[{n}, [{c}]]"),
            Kind::Struct => format!("Pair {{ a: {n} + {c}, b: {c}.5 }}"),
            Kind::Enum if c % 2 == 0 => "Way.one".to_string(),
            Kind::Enum => format!("Way.two {{ v: {n}, w: {c} }}"),
            Kind::Closure => format!("fn(x) {{ x + {n} + {c} }}"),
            Kind::Keyword => format!("if {n} % 2 == 0 {{ :even }} else {{ null }}"),
        }
    }

    /// The expression of the local's contribution.
    fn read(self, name: &str) -> String {
        match self.kind {
            Kind::Int => name.to_string(),
            Kind::Float => format!("truncate({name} * 2)"),
            Kind::Text => format!("length({name})"),
            Kind::Big => format!("({name} >> 70)"),
            Kind::Vector => format!("({name}[0] + {name}[1][0])"),
            Kind::Struct => format!("({name}.a + truncate({name}.b * 2))"),
            Kind::Enum => format!("(match {name} {{ Way.one => 5, Way.two {{ v, w }} => v + w }})"),
            Kind::Closure => format!("{name}(1)"),
            Kind::Keyword => format!("(if {name} {{ 3 }} else {{ 4 }})"),
        }
    }

    /// The value of the contribution.
    fn value(self, n: i64) -> i64 {
        let c = self.c;
        match self.kind {
            Kind::Int => n * c + c + 1,
            Kind::Float => n + 2 * c,
            Kind::Text => format!("{n}:{c}").len() as i64,
            Kind::Big | Kind::Vector => n + c,
            Kind::Struct => n + c + 2 * c + 1,
            Kind::Enum if c % 2 == 0 => 5,
            Kind::Enum => n + c,
            Kind::Closure => 1 + n + c,
            Kind::Keyword => 3 + n.rem_euclid(2),
        }
    }
}

#[derive(Clone, Copy)]
enum Site {
    Let,
    Sum(usize),
    InVector(usize),
    InTry,
    AsArgument(usize),
    InBranch,
}

struct Recursion {
    locals: Vec<Local>,
    /// How much smaller n gets, and how the call stands in the text.
    calls: Vec<(i64, Site)>,
    /// Parameters besides n.
    extra: usize,
    start: i64,
}

const MODULUS: i64 = 1_000_003;

impl Recursion {
    fn new(random: &mut Random, locals: usize) -> Recursion {
        let locals: Vec<Local> = (0..locals)
            .map(|_| Local { kind: *random.pick(&KINDS), c: random.int(0, 9), moves: random.chance(30) })
            .collect();
        let calls: Vec<(i64, Site)> = (0..random.int(1, 4))
            .map(|_| {
                let local = random.below(locals.len());
                let site = match random.below(6) {
                    0 => Site::Let,
                    1 => Site::Sum(local),
                    2 => Site::InVector(local),
                    3 => Site::InTry,
                    4 => Site::AsArgument(local),
                    _ => Site::InBranch,
                };
                (random.int(1, 2), site)
            })
            .collect();
        let start = [30, 7, 5, 4][calls.len() - 1];
        Recursion { locals, calls, extra: random.below(8), start }
    }

    /// The argument number `j` of a call, an expression over the locals.
    fn argument(&self, j: usize) -> usize {
        (j * 7 + 3) % self.locals.len()
    }

    fn text(&self) -> String {
        let mut s = String::new();
        let params: String = (0..self.extra).map(|j| format!(", p{j}")).collect();
        s.push_str("struct Pair { a, mut b }\nenum Way { one, two { v, w } }\n");
        s.push_str("fn add(a, b) { a + b }\n\n");
        let _ = writeln!(s, "fn f(n{params}) {{");
        let base: String = (0..self.extra).map(|j| format!(" + p{j}")).collect();
        let _ = writeln!(s, "    if n <= 0 {{ return n + 10{base} }}");
        for (i, local) in self.locals.iter().enumerate() {
            let mutable = if local.moves { "mut " } else { "" };
            let _ = writeln!(s, "    let {mutable}v{i} = {}", local.init("n"));
        }
        let arguments: String = (0..self.extra)
            .map(|j| {
                let i = self.argument(j);
                format!(", ({} + {j}) % 97", self.locals[i].read(&format!("v{i}")))
            })
            .collect();
        for (k, (less, site)) in self.calls.iter().enumerate() {
            let call = format!("f(n - {less}{arguments})");
            let read = |i: usize| self.locals[i].read(&format!("v{i}"));
            let value = match *site {
                Site::Let => call,
                Site::Sum(i) => format!("{} + {call} * 2", read(i)),
                Site::InVector(i) => format!("sum([{}, {call}, {}])", read(i), read(i)),
                Site::InTry => format!("try {{ if n == -1 {{ throw v0 }} {call} }} catch (e) {{ e }}"),
                Site::AsArgument(i) => format!("add({call}, {})", read(i)),
                Site::InBranch => format!("if n % 2 == 0 {{ 1 + {call} }} else {{ {call} }}"),
            };
            let _ = writeln!(s, "    let r{k} = {value}");
            for (i, local) in self.locals.iter().enumerate().filter(|(_, l)| l.moves) {
                let _ = writeln!(s, "    v{i} = {}", local.init(&format!("(n + {})", k + 1)));
            }
        }
        let locals: String =
            self.locals.iter().enumerate().map(|(i, l)| format!(" + {}", l.read(&format!("v{i}")))).collect();
        let results: String = (0..self.calls.len()).map(|k| format!(" + r{k} * {}", k + 1)).collect();
        let params: String = (0..self.extra).map(|j| format!(" + p{j}")).collect();
        let _ = writeln!(s, "    (n{locals}{results}{params}) % {MODULUS}\n}}\n");
        let zeros: String = (0..self.extra).map(|j| format!(", {j}")).collect();
        let _ = writeln!(s, "fn main() {{ println(f({}{zeros})) }}", self.start);
        s
    }

    fn result(&self, n: i64, params: &[i64]) -> i64 {
        let base: i64 = params.iter().sum();
        if n <= 0 {
            return n + 10 + base;
        }
        // What each local was last computed from.
        let mut at: Vec<i64> = vec![n; self.locals.len()];
        let mut total = n + base;
        for (k, (less, site)) in self.calls.iter().enumerate() {
            let read = |i: usize| self.locals[i].value(at[i]);
            let arguments: Vec<i64> = (0..self.extra).map(|j| (read(self.argument(j)) + j as i64) % 97).collect();
            let call = self.result(n - less, &arguments);
            let value = match *site {
                Site::Let | Site::InTry => call,
                Site::Sum(i) => read(i) + call * 2,
                Site::InVector(i) => 2 * read(i) + call,
                Site::AsArgument(i) => call + read(i),
                Site::InBranch => call + i64::from(n % 2 == 0),
            };
            total += value * (k as i64 + 1);
            for (i, _) in self.locals.iter().enumerate().filter(|(_, l)| l.moves) {
                at[i] = n + k as i64 + 1;
            }
        }
        total += self.locals.iter().zip(&at).map(|(l, n)| l.value(*n)).sum::<i64>();
        total % MODULUS
    }
}

// ---- Mixtures ------------------------------------------------------------------------------------------------------------

#[derive(Clone, Copy, PartialEq, Debug)]
enum Type {
    Int,
    Float,
    Text,
    Ints,
    Shape,
    Point,
    Function,
}

const TYPES: [Type; 7] = [Type::Int, Type::Float, Type::Text, Type::Ints, Type::Shape, Type::Point, Type::Function];

struct Mixture<'r> {
    random: &'r mut Random,
    out: String,
    indent: usize,
    next: usize,
    /// The variables in view: name, type, mutable.
    scope: Vec<(String, Type, bool)>,
    /// Functions: name, parameters, result. Each calls only earlier ones, so every program ends.
    functions: Vec<(String, Vec<Type>, Type)>,
}

const PRELUDE: &str = "\
struct Point { x, mut y }
enum Shape { dot, circle { r }, rect { w, h } }
protocol Sized { fn size(self) }
extend Point with Sized { fn size(self) { self.x } }
extend Shape with Sized { fn size(self) { match self { Shape.dot => 1, Shape.circle { r } => r, Shape.rect { w, h } => (w + h) % 1000 } } }
extend Int with Sized { fn size(self) { self % 10 } }
extend String with Sized { fn size(self) { length(self) } }
extend Vector with Sized { fn size(self) { count(self) } }

// Keeps what grows in loops small, and shows its beginning.
fn cut(x) {
    if int?(x) { x % 1000003 } else if float?(x) { if abs(x) < 1e6 { x } else { 0.5 } } else if string?(x) { if length(x) > 40 { substring(x, 0, 40) } else { x } } else if vector?(x) { take(12, x) } else { x }
}

";

impl Mixture<'_> {
    fn program(random: &mut Random) -> String {
        let mut m =
            Mixture { random, out: PRELUDE.to_string(), indent: 0, next: 0, scope: Vec::new(), functions: Vec::new() };
        for _ in 0..m.random.int(2, 6) {
            m.function();
        }
        m.line("fn main() {");
        m.indent += 1;
        for _ in 0..m.random.int(4, 9) {
            m.statement(2);
        }
        for i in 0..m.functions.len() {
            let call = m.call(i, 1);
            m.line(&format!("println(\"f{i}\", {})", shown(&call, m.functions[i].2)));
        }
        for (name, ty, _) in m.scope.clone() {
            m.line(&format!("println({})", shown(&name, ty)));
        }
        m.indent -= 1;
        m.line("}");
        m.out
    }

    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{}{text}", "    ".repeat(self.indent));
    }

    fn name(&mut self) -> String {
        self.next += 1;
        format!("v{}", self.next)
    }

    fn function(&mut self) {
        let params: Vec<Type> = (0..self.random.below(4)).map(|_| *self.random.pick(&TYPES)).collect();
        let result = *self.random.pick(&TYPES[..6]);
        let outer = std::mem::take(&mut self.scope);
        let names: Vec<String> = params.iter().map(|_| self.name()).collect();
        self.scope = names.iter().cloned().zip(params.iter().copied()).map(|(n, t)| (n, t, false)).collect();
        let name = format!("f{}", self.functions.len());
        self.line(&format!("fn {name}({}) {{", names.join(", ")));
        self.indent += 1;
        // One level of loops in each: functions that call one another multiply.
        for _ in 0..self.random.int(1, 5) {
            self.statement(1);
        }
        let value = self.expression(result, 3);
        self.line(&value);
        self.indent -= 1;
        self.line("}\n");
        self.scope = outer;
        self.functions.push((name, params, result));
    }

    /// A statement that may bind or assign variables, and always ends.
    fn statement(&mut self, depth: usize) {
        match self.random.below(if depth == 0 { 4 } else { 9 }) {
            0 | 1 => {
                let ty = *self.random.pick(&TYPES);
                let mutable = ty != Type::Function && self.random.chance(60);
                let value = self.expression(ty, 3);
                let name = self.name();
                self.line(&format!("let {}{name} = {value}", if mutable { "mut " } else { "" }));
                self.scope.push((name, ty, mutable));
            }
            2 | 3 => self.assignment(),
            4 => {
                let condition = self.condition(2);
                self.line(&format!("if {condition} {{"));
                self.block(depth - 1);
                self.line("} else {");
                self.block(depth - 1);
                self.line("}");
            }
            5 => {
                let (name, limit) = (self.name(), self.random.int(1, 5));
                self.line(&format!("for {name} in range(0, {limit}) {{"));
                self.scoped(&[(name, Type::Int)], depth - 1);
                self.line("}");
            }
            6 => {
                let (name, ints) = (self.name(), self.expression(Type::Ints, 2));
                self.line(&format!("for {name} in take(4, {ints}) {{"));
                self.scoped(&[(name, Type::Int)], depth - 1);
                self.line("}");
            }
            7 => {
                let name = self.name();
                let thrown = self.expression(Type::Int, 2);
                let condition = self.condition(2);
                self.line("try {");
                self.indent += 1;
                self.line(&format!("if {condition} {{ throw {thrown} }}"));
                self.indent -= 1;
                self.block(depth - 1);
                self.line(&format!("}} catch ({name}) {{"));
                self.scoped(&[(name.clone(), Type::Int)], depth - 1);
                self.line("}");
            }
            _ => {
                let (shape, a, b) = (self.expression(Type::Shape, 2), self.name(), self.name());
                self.line(&format!("match ({shape}) {{"));
                self.indent += 1;
                self.line("Shape.dot => {");
                self.block(depth - 1);
                self.line("}");
                self.line(&format!("Shape.circle {{ r: {a} }} => {{"));
                self.scoped(&[(a, Type::Int)], depth - 1);
                self.line("}");
                self.line(&format!("Shape.rect {{ w: {b} }} => {{"));
                self.scoped(&[(b, Type::Int)], depth - 1);
                self.line("}");
                self.indent -= 1;
                self.line("}");
            }
        }
    }

    fn assignment(&mut self) {
        let targets: Vec<(String, Type)> =
            self.scope.iter().filter(|(_, _, m)| *m).map(|(n, t, _)| (n.clone(), *t)).collect();
        let points: Vec<String> =
            self.scope.iter().filter(|(_, t, _)| *t == Type::Point).map(|(n, _, _)| n.clone()).collect();
        if !points.is_empty() && self.random.chance(25) {
            let (point, value) = (self.random.pick(&points).clone(), self.expression(Type::Float, 2));
            self.line(&format!("{point}.y = cut({value})"));
        } else if !targets.is_empty() {
            let (name, ty) = self.random.pick(&targets).clone();
            let value = self.expression(ty, 3);
            self.line(&format!("{name} = cut({value})"));
        }
    }

    fn block(&mut self, depth: usize) {
        self.scoped(&[], depth);
    }

    fn scoped(&mut self, more: &[(String, Type)], depth: usize) {
        let kept = self.scope.len();
        self.scope.extend(more.iter().map(|(n, t)| (n.clone(), *t, false)));
        self.indent += 1;
        for _ in 0..self.random.int(1, 3) {
            self.statement(depth);
        }
        self.line("null");
        self.indent -= 1;
        self.scope.truncate(kept);
    }

    fn condition(&mut self, depth: usize) -> String {
        let (a, b) = (self.expression(Type::Int, depth), self.expression(Type::Int, depth));
        match self.random.below(5) {
            0 => format!("{a} < {b}"),
            1 => format!("{a} % 2 == 0 && {b} >= 0"),
            2 => format!("{a} == {b} || {b} % 3 != 1"),
            3 => {
                let (f, g) = (self.expression(Type::Float, depth), self.expression(Type::Float, depth));
                format!("{f} <= {g}")
            }
            _ => {
                let text = self.expression(Type::Text, depth);
                format!("contains?({text}, \"1\")")
            }
        }
    }

    fn call(&mut self, function: usize, depth: usize) -> String {
        let (name, params, _) = self.functions[function].clone();
        let arguments: Vec<String> = params.iter().map(|t| self.expression(*t, depth)).collect();
        format!("{name}({})", arguments.join(", "))
    }

    /// An expression of the type; parenthesised where that matters.
    fn expression(&mut self, ty: Type, depth: usize) -> String {
        let known: Vec<String> = self.scope.iter().filter(|(_, t, _)| *t == ty).map(|(n, _, _)| n.clone()).collect();
        if !known.is_empty() && (depth == 0 || self.random.chance(35)) {
            return self.random.pick(&known).clone();
        }
        let callable: Vec<usize> = (0..self.functions.len()).filter(|i| self.functions[*i].2 == ty).collect();
        if depth > 1 && !callable.is_empty() && self.random.chance(8) {
            let function = *self.random.pick(&callable);
            return self.call(function, depth - 2);
        }
        if depth > 1 && self.random.chance(10) {
            let condition = self.condition(depth - 2);
            let (a, b) = (self.expression(ty, depth - 1), self.expression(ty, depth - 1));
            return format!("(if {condition} {{ {a} }} else {{ {b} }})");
        }
        let c = self.random.int(0, 99);
        match ty {
            Type::Int if depth == 0 => format!("{c}"),
            Type::Int => {
                let (a, b) = (self.expression(Type::Int, depth - 1), self.expression(Type::Int, depth - 1));
                match self.random.below(11) {
                    0 | 1 => format!("({a} + {b})"),
                    2 => format!("({a} - {b})"),
                    3 => format!("({a} * {b} % 100000000003)"),
                    4 => format!("({a} / {})", c + 1),
                    5 => format!("({a} % {})", c + 1),
                    6 => format!("(({a} << {c}) % 1000000000000000000000007 >> {})", c / 2),
                    7 => format!("sum({})", self.expression(Type::Ints, depth - 1)),
                    8 => {
                        let sized = *self.random.pick(&[Type::Text, Type::Ints, Type::Shape, Type::Int]);
                        format!("size({})", self.expression(sized, depth - 1))
                    }
                    9 => format!("{}({a})", self.expression(Type::Function, depth - 1)),
                    _ => format!("(try {{ {a} / ({b} % 3) }} catch (e) {{ {c} }})"),
                }
            }
            Type::Float if depth == 0 => format!("{c}.25"),
            Type::Float => {
                let (a, b) = (self.expression(Type::Float, depth - 1), self.expression(Type::Float, depth - 1));
                match self.random.below(7) {
                    0 => format!("({a} + {b})"),
                    1 => format!("({a} - {b})"),
                    2 => format!("({a} * 0.5)"),
                    3 => format!("({a} * {b} * 1e-3)"),
                    4 => format!("to-float({} % 1000)", self.expression(Type::Int, depth - 1)),
                    5 => format!("({}).y", self.expression(Type::Point, depth - 1)),
                    _ => format!("sqrt(abs({a}))"),
                }
            }
            Type::Text if depth == 0 => format!("\"t{c}\""),
            Type::Text => {
                let a = self.expression(Type::Text, depth - 1);
                match self.random.below(5) {
                    0 => format!("({a} ++ {})", self.expression(Type::Text, depth - 1)),
                    1 => format!("\"${{{}}};\"", self.expression(Type::Ints, depth - 1)),
                    2 => format!("uppercase({a})"),
                    3 => format!("join(reverse({a}), \"\")"),
                    _ => format!("\"<${{{a}}}|${{{} % 100}}>\"", self.expression(Type::Int, depth - 1)),
                }
            }
            Type::Ints if depth == 0 => format!("[{c}, {}]", c / 3),
            Type::Ints => {
                let a = self.expression(Type::Ints, depth - 1);
                match self.random.below(6) {
                    0 => format!("push({a}, {})", self.expression(Type::Int, depth - 1)),
                    1 => format!("map({}, {a})", self.expression(Type::Function, depth - 1)),
                    2 => format!("filter(odd?, {a})"),
                    3 => format!("vec(range(0, {}))", c % 9),
                    4 => format!("concat({a}, sort({}))", self.expression(Type::Ints, depth - 1)),
                    _ => format!("[{}, {c}]", self.expression(Type::Int, depth - 1)),
                }
            }
            Type::Shape if depth == 0 => "Shape.dot".to_string(),
            Type::Shape => {
                let a = self.expression(Type::Int, depth - 1);
                match self.random.below(3) {
                    0 => "Shape.dot".to_string(),
                    1 => format!("Shape.circle {{ r: {a} % 1000 }}"),
                    _ => format!("Shape.rect {{ w: {a} % 1000, h: {c} }}"),
                }
            }
            Type::Point => {
                let x = if depth == 0 { format!("{c}") } else { self.expression(Type::Int, depth - 1) };
                let y = if depth == 0 { format!("{c}.5") } else { self.expression(Type::Float, depth - 1) };
                format!("Point {{ x: {x}, y: {y} }}")
            }
            Type::Function => {
                let ints: Vec<String> =
                    self.scope.iter().filter(|(_, t, _)| *t == Type::Int).map(|(n, _, _)| n.clone()).collect();
                let captured = if ints.is_empty() { format!("{c}") } else { self.random.pick(&ints).clone() };
                match self.random.below(3) {
                    0 => format!("(fn(x) {{ x + {captured} }})"),
                    1 => format!("(fn(x) {{ (x * {c} + {captured}) % 1009 }})"),
                    _ => format!("(fn(x) {{ if x > {captured} {{ x - {c} }} else {{ {captured} }} }})"),
                }
            }
        }
    }
}

/// How a value of the type is printed: functions by what they do.
fn shown(expression: &str, ty: Type) -> String {
    if ty == Type::Function { format!("{expression}(1)") } else { format!("cut({expression})") }
}

// ---- Running -------------------------------------------------------------------------------------------------------------

fn seeds(count: u64) -> Vec<u64> {
    let Ok(wanted) = std::env::var("HARRIER_SEED") else { return (1..=common::generated(count)).collect() };
    let number = |text: &str| text.parse::<u64>().expect("HARRIER_SEED is a number, or two with `..` between");
    match wanted.split_once("..") {
        Some((first, end)) => (number(first)..number(end)).collect(),
        None => vec![number(&wanted)],
    }
}

fn write(name: &str, text: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("generated");
    std::fs::create_dir_all(&folder).expect("a folder for the programs can be made");
    let path = folder.join(name);
    std::fs::write(&path, text).expect("the program can be written");
    path
}

const STRESS: [&str; 2] = ["--gc-always", "--gc-verify"];

fn report(title: &str, seeds: &[u64], failed: &[(usize, Vec<String>)]) {
    for (index, why) in failed {
        println!("{title}: FAIL seed {}", seeds[*index]);
        why.iter().for_each(|line| println!("     {line}"));
    }
    assert!(failed.is_empty(), "{title}: {} of {} programs failed", failed.len(), seeds.len());
}

/// What runs without stress has its machine code verified, but for the emulator, which takes too long.
fn verified() -> &'static [&'static str] {
    if common::is_emulated() { &[] } else { &["--jit-verify"] }
}

#[test]
fn recursion_with_many_locals() {
    let seeds = seeds(80);
    let failed = common::in_parallel(&seeds, |seed| {
        let mut random = Random(*seed);
        // Every number of locals from 1 to 40 comes up.
        let recursion = Recursion::new(&mut random, 1 + (*seed as usize - 1) % 40);
        let path = write(&format!("recursion-{seed}.hr"), &recursion.text());
        let start: Vec<i64> = (0..recursion.extra as i64).collect();
        let expected = common::Expectation {
            stdout: Some(format!("{}\n", recursion.result(recursion.start, &start))),
            ..common::Expectation::default()
        };
        let mut why = common::check(&path, &expected, verified(), Duration::from_secs(20));
        let trial = common::trial(*seed);
        let trial: Vec<&str> = trial.iter().map(String::as_str).collect();
        for (flags, seconds) in [(&trial[..], 20), (&STRESS, 120)] {
            if why.is_empty() {
                why = common::check(&path, &expected, flags, Duration::from_secs(seconds));
            }
        }
        why.iter().map(|line| format!("{}: {line}", path.display())).collect()
    });
    report("recursion", &seeds, &failed);
}

#[test]
fn mixtures_do_not_notice_the_collector() {
    let seeds = seeds(60);
    let failed = common::in_parallel(&seeds, |seed| {
        let text = Mixture::program(&mut Random(*seed));
        let path = write(&format!("mixture-{seed}.hr"), &text);
        let file = path.to_string_lossy();
        let args: Vec<&str> = ["run"].iter().chain(verified()).copied().chain([&*file]).collect();
        let plain = common::run(&args, "", Duration::from_secs(20));
        let mut why: Vec<String> = plain.misbehaved(0).into_iter().collect();
        if !why.is_empty() {
            why.extend(plain.stderr.lines().take(10).map(String::from));
        } else {
            let trial = common::trial(*seed);
            let trial: Vec<&str> = trial.iter().map(String::as_str).collect();
            for flags in [&trial[..], &STRESS] {
                let args: Vec<&str> = ["run"].iter().chain(flags).copied().chain([&*file]).collect();
                let other = common::run(&args, "", Duration::from_secs(120));
                let differs = other.misbehaved(0).into_iter().chain(common::difference(&plain.stdout, &other.stdout));
                why.extend(differs.map(|line| format!("{flags:?} {line}")));
            }
        }
        why.iter().map(|line| format!("{file}: {line}")).collect()
    });
    report("mixtures", &seeds, &failed);
}

#[test]
fn the_generators_own_arithmetic() {
    // f(1) by hand: one local (Int, c = 2: 1 * 2 + 3), one plain call of f(0) = 10.
    let one = Recursion {
        locals: vec![Local { kind: Kind::Int, c: 2, moves: false }],
        calls: vec![(1, Site::Let)],
        extra: 0,
        start: 1,
    };
    assert_eq!(one.result(1, &[]), 1 + 10 + 5);
    assert!(one.text().contains("let v0 = n * 2 + 3"));
    // The same seed gives the same program.
    assert_eq!(Mixture::program(&mut Random(5)), Mixture::program(&mut Random(5)));
}
