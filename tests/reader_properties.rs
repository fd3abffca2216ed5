//! Properties of the reader: it never panics, what it gives is well formed, and unfinished texts are told from wrong ones.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use harrier::reader::diagnostics::render_all;
use harrier::reader::tree::*;
use harrier::reader::{Surroundings, decode, dump, is_incomplete, read};
use proptest::prelude::*;

/// Programs to start from. Each is one function, so that every place inside of it is inside of brackets.
const PROGRAMS: [&str; 6] = [
    r#"fn main(args) {
    let mut total = 0.0
    for c in [Circle { center: Point { x: 0, y: -1 } }, m/Circle { center: null, radius: 2.0e-3 }] {
        total = total + area(c) // and more
    }
    println("hi ${name}, ${1 + 2} and ${"nested ${name} \u{1F600} here"}", total)
    [1, 2, 3, 4] |>> filter(even?) |>> map(fn(n) { n * n }) |> println
}"#,
    r#"fn kind(v) {
    match v {
        0 => "zero"
        1 | 2 | 3 => "small"
        -1.5 | infinity => :odd
        [a, [b, _], ...rest] if a != b && b <= 0xFF => a - b
        Point { x: 0, y } => { let z = y z }
        m/Shape.circle { radius } | Shape.rect { w: radius } => "circle ${radius}"
        {name, age: a, "id": id} => ({:name name "a" a, (id) -1})
        _ => null
    }
}"#,
    r#"fn f {
    () => f(1)
    (a) => {
        let mut log = []
        let note = fn(s) { log = push(log, s) }
        try { note("body") throw {:k #{1, 2}} } catch (e) { return note(e) } finally { note("end") }
    }
    (a, [b, c], ...d) => if a { b } else if c { d } else { loop { break(a) } }
}"#,
    r#"fn late(x) {
    let r = try { risky(x) } catch (e, resume) { resume(0) }
    reset { 1 + shift(fn(k) { k(k(2)) }) }
    handle effect/Handler(E) with h { perform E.op { x: 1 } }
    binding (level = level + 1, m/out = x) { async f(future(1)) }
    while x < 10 { if x == 5 { continue } x.count = x.count << 1 >>> 2 >> 3 & 4 | 5 ^ 6 }
    v[0][1] = größe->m/2/m/x % 3 ++ "a\n\x41\$"
}"#,
    "fn crlf(a) {\r\n    let s = \"two\r\nlines\"\r\n    fn go(n) { if n == 0 { s } else { go(n - 1) } }\r\n    !go(a) || -a\r\n}",
    "fn g({w, h}, Point { x: [p, ...q], y }) { #{} {} [] (1) w.h(x: 1) }",
];

/// What token soups are made of.
const WORDS: [&str; 112] = [
    "a",
    "b",
    "c",
    "x",
    "Point",
    "m",
    "m/",
    "m/x",
    "even?",
    "swap!",
    "a-b",
    "a->b",
    "größe",
    "_",
    "1",
    "2.5",
    "0xFF",
    "1e9",
    ".5",
    "0x",
    "infinity",
    "nan",
    "9999999999999999999999",
    "\"s\"",
    "\"a${",
    "}b${",
    "}c\"",
    "\"",
    "\\",
    "\"\\q\"",
    ":k",
    ":",
    "true",
    "null",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "#{",
    "#",
    ",",
    ";",
    ".",
    "...",
    "..",
    "=>",
    "=",
    "+",
    "++",
    "-",
    "*",
    "/",
    "%",
    "&",
    "&&",
    "|",
    "||",
    "|>",
    "|>>",
    "^",
    "<<",
    ">>",
    ">>>",
    "<",
    "<=",
    ">",
    "==",
    "!=",
    "!",
    "break",
    "catch",
    "continue",
    "else",
    "finally",
    "fn",
    "for",
    "if",
    "in",
    "let",
    "letonce",
    "loop",
    "match",
    "mut",
    "return",
    "throw",
    "try",
    "while",
    "namespace",
    "use",
    "export",
    "struct",
    "enum",
    "protocol",
    "extend",
    "with",
    "as",
    "test",
    "dynamic",
    "binding",
    "reset",
    "handle",
    "perform",
    "\n",
    "\r\n",
    "// c\n",
    "/// d\n",
    "\u{feff}",
    "\u{a0}",
    "'",
    "€",
];

fn surroundings() -> Surroundings<'static> {
    Surroundings { aliases: vec!["m".into()], ..Surroundings::default() }
}

/// Reads the text and checks what comes out. Gives whether it was right, wrong, or unfinished.
fn examine(text: &str, draw: bool) -> Result<(), bool> {
    let source = Arc::new(Source::new("fuzz.hr", text));
    match read(Arc::clone(&source), &surroundings()) {
        Ok(unit) => {
            Check { unit: &unit }.unit();
            if draw {
                assert!(!dump(&unit).is_empty());
            }
            Ok(())
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in &errors {
                assert!(!error.message.is_empty());
                for span in std::iter::once(error.span).chain(error.secondary.iter().map(|s| s.0)) {
                    assert!(text.get(span.start as usize..span.end as usize).is_some(), "{error:?}");
                }
            }
            assert!(errors.windows(2).all(|w| w[0].span.start <= w[1].span.start));
            if draw {
                assert!(!render_all(&source, &errors, true).is_empty());
            }
            Err(is_incomplete(&errors))
        }
    }
}

struct Check<'a> {
    unit: &'a Unit,
}

impl Check<'_> {
    fn unit(&self) {
        let unit = self.unit;
        assert_eq!(unit.nodes.len(), unit.spans.len());
        assert_eq!(unit.patterns.len(), unit.pattern_spans.len());
        for span in unit.spans.iter().chain(&unit.pattern_spans) {
            assert!(unit.source.text.get(span.start as usize..span.end as usize).is_some());
        }
        assert_eq!(unit.function(unit.init).arities.len(), 1);
        let mut work = Vec::new();
        let mut seen = vec![false; unit.functions.len()];
        seen[unit.init.index()] = true;
        for item in &unit.items {
            match item {
                Item::Function { function, .. } | Item::Test { function, .. } => work.push(*function),
                Item::Struct { fields, .. } => work.extend(fields.iter().filter_map(|f| f.default)),
                Item::Enum { variants, .. } => {
                    work.extend(variants.iter().flat_map(|v| &v.fields).filter_map(|f| f.default));
                }
                Item::Protocol { methods, .. } => work.extend(methods.iter().filter_map(|m| m.default)),
                Item::Extend(extend) => work.extend(extend.methods.iter().map(|m| m.1)),
                Item::Let { .. } | Item::Expression { .. } => {}
            }
        }
        work.push(unit.init);
        while let Some(id) = work.pop() {
            seen[id.index()] = true;
            for index in 0..unit.function(id).arities.len() {
                self.arity(id, index, &mut work);
            }
        }
    }

    fn arity(&self, id: FunctionId, index: usize, work: &mut Vec<FunctionId>) {
        let unit = self.unit;
        let function = unit.function(id);
        let arity = &function.arities[index];
        for var in &arity.vars {
            assert!(var.name.index() < unit.names.len());
            assert!(!var.boxed || var.assigned);
            match var.kind {
                VarKind::Captured(entry) => assert!((entry as usize) < function.captures.len()),
                VarKind::Local => assert_eq!(var.boxed, var.captured && var.assigned),
                VarKind::SelfName => assert!(!var.boxed && !var.assigned),
            }
        }
        for facts in &arity.loops {
            for var in &facts.assigned {
                assert!(var.index() < arity.vars.len());
            }
        }
        for pattern in arity.params.iter().chain(&arity.rest) {
            self.pattern(arity, *pattern);
        }
        let mut nodes = vec![arity.body];
        while let Some(node) = nodes.pop() {
            let before = nodes.len();
            self.node(id, arity, node, &mut nodes, work);
            assert!(nodes[before..].iter().all(|child| *child < node), "children are finished before their parents");
        }
    }

    /// Checks a node and collects its children.
    fn node(&self, id: FunctionId, arity: &Arity, node: NodeId, nodes: &mut Vec<NodeId>, work: &mut Vec<FunctionId>) {
        let unit = self.unit;
        let var = |var: VarId| assert!(var.index() < arity.vars.len());
        let in_loop = |id: LoopId| assert!(id.index() < arity.loops.len());
        let global = |id: GlobalId| assert!(id.index() < unit.globals.len());
        let mut closure = |function: FunctionId| {
            assert_eq!(unit.function(function).parent, Some(id));
            for (entry, outer) in unit.function(function).captures.iter().enumerate() {
                let outer = &arity.vars[outer.index()];
                assert!(outer.captured);
                for var in unit.function(function).arities.iter().flat_map(|a| &a.vars) {
                    if var.kind == VarKind::Captured(entry as u32) {
                        assert_eq!((var.boxed, var.name, var.assigned), (outer.boxed, outer.name, outer.assigned));
                    }
                }
            }
            work.push(function);
        };
        match unit.node(node) {
            Node::Int(value) => assert!((-(1 << 60)..1 << 60).contains(value)),
            Node::Local(v) => var(*v),
            Node::Global(g) => global(*g),
            Node::Interpolate(list) => {
                nodes.extend(unit.list(*list));
            }
            Node::Vector(list) | Node::Set(list) | Node::Block(list) => nodes.extend(unit.list(*list)),
            Node::Map(list) => {
                assert_eq!(list.len % 2, 0);
                nodes.extend(unit.list(*list));
            }
            Node::Struct(literal) => {
                let StructLiteral { type_, base, fields, values, .. } = &**literal;
                global(*type_);
                assert_eq!(fields.len(), values.len as usize);
                nodes.extend(base);
                nodes.extend(unit.list(*values));
            }
            Node::Call { callee, args, tail } => {
                assert!(!tail || id != unit.init);
                nodes.push(*callee);
                nodes.extend(unit.list(*args));
            }
            Node::MethodCall { object, args, tail, .. } => {
                assert!(!tail || id != unit.init);
                nodes.push(*object);
                nodes.extend(unit.list(*args));
            }
            Node::Field { object, .. } => nodes.push(*object),
            Node::Unary { operand, .. } => nodes.push(*operand),
            Node::Index { object: left, index: right, .. }
            | Node::Binary { left, right, .. }
            | Node::And { left, right }
            | Node::Or { left, right }
            | Node::AssignField { object: left, value: right, .. } => nodes.extend([left, right]),
            Node::If { condition, then, otherwise } => {
                nodes.extend([condition, then]);
                nodes.extend(otherwise);
            }
            Node::While { loop_, condition, body } => {
                in_loop(*loop_);
                nodes.extend([condition, body]);
            }
            Node::Loop { loop_, body } => {
                in_loop(*loop_);
                nodes.push(*body);
            }
            Node::For { loop_, pattern, iterable, body } => {
                in_loop(*loop_);
                self.pattern(arity, *pattern);
                nodes.extend([iterable, body]);
            }
            Node::Match { subject, arms } => {
                nodes.push(*subject);
                for arm in &**arms {
                    self.pattern(arity, arm.pattern);
                    nodes.extend(arm.guard);
                    nodes.push(arm.body);
                }
            }
            Node::Let { pattern, value } => {
                self.pattern(arity, *pattern);
                nodes.push(*value);
            }
            Node::DefineGlobals(definition) => {
                let DefineGlobals { pattern, value, names, .. } = &**definition;
                assert_eq!(id, unit.init);
                self.pattern(arity, *pattern);
                nodes.push(*value);
                names.iter().for_each(|n| var(n.0));
            }
            Node::LetFunction { var: v, function } => {
                var(*v);
                closure(*function);
            }
            Node::Function(function) => closure(*function),
            Node::Assign { var: v, value } => {
                assert!(arity.vars[v.index()].assigned && arity.vars[v.index()].mutable);
                nodes.push(*value);
            }
            Node::AssignIndex { object, index, value } => nodes.extend([object, index, value]),
            Node::Return(value) => nodes.extend(value),
            Node::Break { loop_, value } => {
                in_loop(*loop_);
                nodes.extend(value);
            }
            Node::Continue { loop_ } => in_loop(*loop_),
            Node::Throw(value) => nodes.push(*value),
            Node::Try(parts) => {
                nodes.push(parts.body);
                if let Some((pattern, handler)) = parts.catch {
                    self.pattern(arity, pattern);
                    nodes.push(handler);
                }
                nodes.extend(parts.finally);
            }
            Node::Binding(binding) => {
                let DynamicBinding { names, values, body } = &**binding;
                assert_eq!(names.len(), values.len as usize);
                names.iter().for_each(|g| global(*g));
                nodes.extend(unit.list(*values));
                nodes.push(*body);
            }
            Node::Declare(item) => assert!(matches!(unit.items[*item as usize], Item::Extend(_))),
            Node::BigInt(_)
            | Node::Float(_)
            | Node::String(_)
            | Node::Keyword(_)
            | Node::Bool(_)
            | Node::Null
            | Node::NotYet(_) => {}
        }
    }

    fn pattern(&self, arity: &Arity, id: PatternId) {
        let mut work = vec![id];
        while let Some(id) = work.pop() {
            match self.unit.pattern(id) {
                Pattern::Ignore => {}
                Pattern::Bind(var) => assert_eq!(arity.vars[var.index()].kind, VarKind::Local),
                Pattern::Literal(node) => assert!(matches!(
                    self.unit.node(*node),
                    Node::Int(_)
                        | Node::BigInt(_)
                        | Node::Float(_)
                        | Node::String(_)
                        | Node::Keyword(_)
                        | Node::Bool(_)
                        | Node::Null
                )),
                Pattern::Vector { before, rest, after } => work.extend(before.iter().chain(rest).chain(after)),
                Pattern::Map(entries) => work.extend(entries.iter().map(|e| e.1)),
                Pattern::Struct { fields, .. } => work.extend(fields.iter().map(|f| f.1)),
                Pattern::Or(all) => {
                    assert!(all.len() > 1);
                    work.extend(all);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        let _ = examine(&text, true);
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        match decode(bytes.clone()) {
            Ok(text) => {
                let _ = examine(&text, true);
            }
            Err(error) => prop_assert!((error.span.start as usize) < bytes.len()),
        }
    }

    #[test]
    fn any_words_are_read_or_refused(words in proptest::collection::vec(0..WORDS.len(), 0..60), spaces in any::<u64>()) {
        let mut text = String::new();
        for (at, word) in words.iter().enumerate() {
            text.push_str(WORDS[*word]);
            if spaces >> (at % 64) & 1 == 0 {
                text.push(' ');
            }
        }
        let _ = examine(&text, true);
    }

    #[test]
    fn any_change_to_a_program_is_survived(program in 0..PROGRAMS.len(), from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), word in 0..WORDS.len()) {
        let text = PROGRAMS[program];
        let places: Vec<usize> = text.char_indices().map(|c| c.0).chain([text.len()]).collect();
        let (from, to) = (*from.get(&places), *to.get(&places));
        let (from, to) = (from.min(to), from.max(to));
        let _ = examine(&format!("{}{}{}", &text[..from], WORDS[word], &text[to..]), true);
        let _ = examine(&format!("{}{}", &text[..to], &text[from..]), true);
    }
}

#[test]
fn the_programs_are_right() {
    for (at, text) in PROGRAMS.iter().enumerate() {
        let right = examine(text, true).is_ok();
        // The last one is wrong on purpose, so that changes find their way out of wrong texts too.
        assert_eq!(right, at != 5, "{text}\n{:?}", read(Arc::new(Source::new("t", *text)), &surroundings()).err());
    }
}

#[test]
fn every_text_cut_off_inside_brackets_is_unfinished() {
    for text in PROGRAMS {
        if examine(text, false).is_err() {
            continue;
        }
        let inside = text.find(['(', '{']).expect("a bracket") + 1;
        for (at, _) in text.char_indices().filter(|c| c.0 >= inside) {
            assert_eq!(examine(&text[..at], false), Err(true), "{}", &text[..at]);
        }
    }
}

/// A small random number generator (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % sides.max(1)
    }
}

fn random_text(dice: &mut Dice) -> String {
    let mut text = String::new();
    if dice.roll(3) == 0 {
        for _ in 0..dice.roll(40) {
            text.push_str(WORDS[dice.roll(WORDS.len())]);
            if dice.roll(3) > 0 {
                text.push(' ');
            }
        }
        return text;
    }
    let program = PROGRAMS[dice.roll(PROGRAMS.len())];
    let place = |dice: &mut Dice| {
        let mut at = dice.roll(program.len() + 1);
        while !program.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let mut at = if dice.roll(2) == 0 { 0 } else { place(dice) };
    for _ in 0..=dice.roll(4) {
        let next = (at + dice.roll(60)).min(program.len());
        let next = (next..=program.len()).find(|n| program.is_char_boundary(*n)).unwrap_or(at);
        text.push_str(&program[at..next]);
        at = match dice.roll(4) {
            0 => place(dice),
            1 => (next + 1..=program.len()).find(|n| program.is_char_boundary(*n)).unwrap_or(next),
            _ => {
                text.push_str(WORDS[dice.roll(WORDS.len())]);
                next
            }
        };
    }
    text.push_str(&program[at..]);
    text
}

#[test]
fn random_texts_do_no_harm() {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let iterations = number("HARRIER_FUZZ_ITERATIONS").unwrap_or(200_000);
    let first = number("HARRIER_FUZZ_SEED").unwrap_or(1);
    let mut right = 0;
    for seed in first..first + iterations {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let text = random_text(&mut dice);
        let result = catch_unwind(AssertUnwindSafe(|| examine(&text, seed % 64 == 0)));
        match result {
            Ok(read) => right += u64::from(read.is_ok()),
            Err(_) => panic!("HARRIER_FUZZ_SEED={seed} HARRIER_FUZZ_ITERATIONS=1 on this text:\n{text}"),
        }
    }
    println!("{iterations} texts, {right} of them right");
    assert!(iterations < 1_000 || right > iterations / 1_000, "the texts are not interesting: only {right} are right");
}
