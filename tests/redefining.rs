//! Programs in which one thread redefines types while its own functions run, against a model of what `docs/language.md` says of it ("Changing a running program", and
//! "Running code and redefined types" in the fine print).
//!
//! Structs and a variant whose fields come, go, move and change their defaults; literals, updates, reads, patterns and comparisons, in functions
//! that are called after it and in ones that run meanwhile, also in the midst of a literal. Where the document leaves open what running code sees, the model allows each.
//!
//! `HARRIER_SEED=17 cargo test --test redefining` runs only that seed, `HARRIER_COUNT=1000` so many (and `HARRIER_FROM` where to begin); a program that
//! fails is left in `target/tmp/redefining`.

mod common;
#[path = "common/random.rs"]
mod random;

use random::Random;
use std::fmt::Write;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

const FIELDS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
/// The types: how their values are written. The second is a variant.
const TYPES: [&str; 3] = ["P", "E.v", "Q"];

/// A field, and its default.
type Declared = (&'static str, Option<i64>);
type Fields = Vec<(&'static str, Option<i64>)>;

/// A value of one of the types, with the fields it was made with (a `null` is none).
#[derive(Clone, Debug)]
struct Object {
    ty: usize,
    fields: Rc<Fields>,
}

impl Object {
    fn own(&self, name: &str) -> Option<Option<i64>> {
        self.fields.iter().find(|f| f.0 == name).map(|f| f.1)
    }
}

/// The value of a field in a literal: a number, or what gives the number after it has redefined a type.
#[derive(Clone, Debug)]
enum Value {
    Number(i64),
    Redo(usize),
}

/// What is done in one place.
#[derive(Clone, Debug)]
enum Op {
    Literal(usize, Vec<(&'static str, Value)>),
    /// Of the value at hand.
    Update(usize, Vec<(&'static str, Value)>),
    Read(&'static str),
    /// Binds these fields, or asks for a number.
    Match(usize, Vec<(&'static str, Option<i64>)>),
    Equal(Vec<(&'static str, Value)>, usize),
}

impl Op {
    /// Does it define a type anew, in the value of a field?
    fn redefines(&self) -> bool {
        match self {
            Op::Literal(_, given) | Op::Update(_, given) | Op::Equal(given, _) => {
                given.iter().any(|g| matches!(g.1, Value::Redo(_)))
            }
            Op::Read(_) | Op::Match(..) => false,
        }
    }
}

/// A line of a function that runs while types change.
#[derive(Clone, Debug)]
enum Step {
    /// Prints what the operation gives, here.
    Here(Op),
    /// Prints what a function gives that is called for it.
    Call(usize),
    /// Takes what a function gives for the value at hand.
    Take(usize),
    /// Defines a type anew, in one turn of the loop.
    Redefine(i64, usize),
}

#[derive(Clone, Debug)]
struct Running {
    turns: i64,
    steps: Vec<Step>,
}

/// A program: the declarations there are in it, the operations of small functions, and the functions that run for longer.
struct Program {
    declarations: Vec<(usize, Vec<Declared>)>,
    small: Vec<Op>,
    running: Vec<Running>,
    first: [Vec<Declared>; TYPES.len()],
}

/// What a program may print, line by line.
struct Model<'p> {
    program: &'p Program,
    present: [Vec<Declared>; TYPES.len()],
    lines: Vec<Vec<String>>,
}

const FAULT: &str = "FieldError";
const OTHER: &str = "other";

fn number(value: Option<i64>) -> String {
    value.map_or("null".into(), |n| n.to_string())
}

/// What an operation gives: what is printed of it, and the value if it is one of the types.
type Given = (String, Option<Object>);

impl Model<'_> {
    fn declared(&self, ty: usize, name: &str) -> Option<&Declared> {
        self.present[ty].iter().find(|f| f.0 == name)
    }

    fn redefine(&mut self, k: usize) {
        let (ty, fields) = &self.program.declarations[k];
        self.present[*ty].clone_from(fields);
    }

    fn read(&self, object: &Object, name: &str) -> Option<i64> {
        object.own(name).unwrap_or_else(|| self.declared(object.ty, name).and_then(|f| f.1))
    }

    /// What is printed: the fields that it was made with, in their order, as far as the type has them now.
    fn shown(&self, object: &Object) -> String {
        let present = object.fields.iter().filter(|f| self.declared(object.ty, f.0).is_some());
        let fields: Vec<String> = present.map(|f| format!("{}: {}", f.0, number(f.1))).collect();
        let name = TYPES[object.ty];
        if fields.is_empty() { name.to_string() } else { format!("{name} {{ {} }}", fields.join(", ")) }
    }

    fn values(&mut self, fields: &[(&'static str, Value)]) -> Vec<(&'static str, i64)> {
        fields
            .iter()
            .map(|(name, value)| match value {
                Value::Number(n) => (*name, *n),
                Value::Redo(k) => {
                    self.redefine(*k);
                    (*name, *k as i64)
                }
            })
            .collect()
    }

    fn literal(&mut self, ty: usize, given: &[(&'static str, Value)], base: Option<&Object>) -> Option<Object> {
        let given = self.values(given);
        if given.iter().any(|g| self.declared(ty, g.0).is_none()) {
            return None;
        }
        let mut fields = Fields::new();
        for (name, default) in &self.present[ty] {
            let value = match (given.iter().find(|g| g.0 == *name), base) {
                (Some(g), _) => Some(g.1),
                (None, Some(base)) => self.read(base, name),
                (None, None) => Some((*default)?),
            };
            fields.push((name, value));
        }
        Some(Object { ty, fields: Rc::new(fields) })
    }

    fn made(&self, object: Option<Object>) -> Given {
        object.map_or((FAULT.into(), None), |object| (self.shown(&object), Some(object)))
    }

    /// In a function that is called now.
    fn called(&mut self, op: &Op, at: &Object) -> Given {
        match op {
            Op::Literal(ty, given) => {
                let object = self.literal(*ty, given, None);
                self.made(object)
            }
            // The base is looked at before the values are computed.
            Op::Update(ty, _) if *ty != at.ty => ("TypeError".into(), None),
            Op::Update(ty, given) => {
                let object = self.literal(*ty, given, Some(at));
                self.made(object)
            }
            Op::Read(name) if self.declared(at.ty, name).is_none() => (FAULT.into(), None),
            Op::Read(name) => (number(self.read(at, name)), None),
            Op::Match(ty, _) if *ty != at.ty => (OTHER.into(), None),
            Op::Match(ty, fields) => {
                // From the left: one that does not fit, or that the type has no more, ends it.
                for (name, asked) in fields {
                    if self.declared(*ty, name).is_none() {
                        return (FAULT.into(), None);
                    }
                    if asked.is_some() && self.read(at, name) != *asked {
                        return (OTHER.into(), None);
                    }
                }
                let bound: Vec<String> =
                    fields.iter().filter(|f| f.1.is_none()).map(|f| number(self.read(at, f.0))).collect();
                (format!("[{}]", bound.join(", ")), None)
            }
            Op::Equal(given, ty) => match self.literal(*ty, given, None) {
                None => (FAULT.into(), None),
                Some(other) => {
                    let names: Vec<&str> = self.present[*ty].iter().map(|f| f.0).collect();
                    let same = *ty == at.ty && names.iter().all(|name| self.read(at, name) == self.read(&other, name));
                    (same.to_string(), None)
                }
            },
        }
    }

    /// In a function that was called when `start` was so: all that it may give.
    fn meanwhile(&mut self, op: &Op, at: &Object, start: &[Vec<Declared>; TYPES.len()]) -> Vec<String> {
        let knew = |ty: usize, name: &str| start[ty].iter().any(|f| f.0 == name);
        let mut all = Vec::new();
        match op {
            Op::Literal(ty, given) | Op::Equal(given, ty) => {
                // One that was wrong at first may be so until the next call.
                let wants = |f: &Declared| f.1.is_none() && !given.iter().any(|g| g.0 == f.0);
                if given.iter().any(|g| !knew(*ty, g.0)) || start[*ty].iter().any(wants) {
                    all.push(FAULT.into());
                }
            }
            Op::Update(ty, given) if *ty == at.ty && given.iter().any(|g| !knew(*ty, g.0)) => all.push(FAULT.into()),
            Op::Read(name) => {
                all.extend(at.own(name).map(number));
                if !knew(at.ty, name) {
                    all.push(FAULT.into());
                }
            }
            Op::Match(ty, fields) if *ty == at.ty => {
                let known = |model: &Self, name: &str| model.declared(*ty, name).is_some() && knew(*ty, name);
                if fields.iter().any(|f| !known(self, f.0)) {
                    return vec!["*".into()];
                }
                if fields.iter().any(|f| at.own(f.0).is_none()) {
                    all.push(OTHER.into());
                }
            }
            Op::Update(..) | Op::Match(..) => {}
        }
        if let Op::Update(ty, _) = op
            && *ty == at.ty
            && op.redefines()
        {
            // What the base has, defaults too, may be read before the values are computed: with what was of no use then, or without.
            let kept = self.present.clone();
            let early: Fields = kept[*ty].iter().map(|f| (f.0, self.read(at, f.0))).collect();
            let hidden = at.fields.iter().filter(|f| !early.iter().any(|e| e.0 == f.0));
            let whole: Fields = early.iter().chain(hidden).copied().collect();
            for fields in [early, whole] {
                all.push(self.called(op, &Object { ty: *ty, fields: Rc::new(fields) }).0);
                self.present.clone_from(&kept);
            }
        }
        all.insert(0, self.called(op, at).0);
        all
    }

    fn run(&mut self, k: usize, mut at: Object) -> Object {
        let program = self.program;
        let running = &program.running[k];
        let start = self.present.clone();
        for turn in 0..running.turns {
            for step in &running.steps {
                match step {
                    Step::Here(op) => {
                        let given = self.meanwhile(op, &at, &start);
                        self.lines.push(given);
                    }
                    Step::Call(f) => {
                        // One that redefines types itself runs meanwhile.
                        let (op, start) = (&program.small[*f], self.present.clone());
                        let mut given =
                            if op.redefines() { self.meanwhile(op, &at, &start) } else { vec![self.called(op, &at).0] };
                        // Written in place of its call, a pattern with a field that is gone may be one that does not fit.
                        if matches!(op, Op::Match(..)) && given[0] == FAULT {
                            given.push(OTHER.into());
                        }
                        self.lines.push(given);
                    }
                    Step::Take(f) => {
                        if let (_, Some(object)) = self.called(&program.small[*f], &at) {
                            at = object;
                        }
                        let shown = self.shown(&at);
                        self.lines.push(vec![shown]);
                    }
                    Step::Redefine(when, k) if *when == turn => self.redefine(*k),
                    Step::Redefine(..) => {}
                }
            }
        }
        at
    }
}

// ---- Texts -------------------------------------------------------------------------------------------------------------

fn declaration(ty: usize, fields: &[Declared]) -> String {
    let field = |f: &Declared| f.1.map_or(f.0.to_string(), |n| format!("{}: {n}", f.0));
    let fields: Vec<String> = fields.iter().map(field).collect();
    match TYPES[ty].split_once('.') {
        Some((name, variant)) => format!("enum {name} {{ plain, {variant} {{ {} }} }}", fields.join(", ")),
        None => format!("struct {} {{ {} }}", TYPES[ty], fields.join(", ")),
    }
}

fn literal_text(ty: usize, given: &[(&'static str, Value)], base: &str) -> String {
    let mut fields: Vec<String> = if base.is_empty() { Vec::new() } else { vec![format!("...{base}")] };
    fields.extend(given.iter().map(|(name, value)| match value {
        Value::Number(n) => format!("{name}: {n}"),
        Value::Redo(k) => format!("{name}: redo{k}()"),
    }));
    format!("{} {{ {} }}", TYPES[ty], fields.join(", "))
}

fn text(op: &Op) -> String {
    match op {
        Op::Literal(ty, given) => literal_text(*ty, given, ""),
        Op::Update(ty, given) => literal_text(*ty, given, "x"),
        Op::Read(name) => format!("x.{name}"),
        Op::Equal(given, ty) => format!("x == ({})", literal_text(*ty, given, "")),
        Op::Match(ty, fields) => {
            let bound = |f: &(&'static str, Option<i64>)| f.1.map_or(f.0.to_string(), |n| format!("{}: {n}", f.0));
            let pattern: Vec<String> = fields.iter().map(bound).collect();
            let names: Vec<&str> = fields.iter().filter(|f| f.1.is_none()).map(|f| f.0).collect();
            format!("match x {{ {} {{ {} }} => [{}], _ => :other }}", TYPES[*ty], pattern.join(", "), names.join(", "))
        }
    }
}

impl Program {
    fn new(random: &mut Random) -> Program {
        let first = std::array::from_fn(|_| declare(random));
        let mut program = Program { declarations: Vec::new(), small: Vec::new(), running: Vec::new(), first };
        for _ in 0..4 + random.below(8) {
            let ty = random.below(TYPES.len());
            program.declarations.push((ty, declare(random)));
        }
        for _ in 0..12 {
            let op = program.op(random);
            program.small.push(op);
        }
        for _ in 0..3 {
            let turns = random.int(1, 5);
            let mut steps: Vec<Step> = (0..3 + random.below(8)).map(|_| program.step(random, turns)).collect();
            steps.push(Step::Redefine(random.int(0, turns - 1), random.below(program.declarations.len())));
            steps.push(program.step(random, turns));
            program.running.push(Running { turns, steps });
        }
        program
    }

    fn step(&self, random: &mut Random, turns: i64) -> Step {
        match random.below(10) {
            0..5 => Step::Here(self.op(random)),
            5..7 => Step::Call(random.below(self.small.len())),
            7 => {
                let makes = |op: &Op| matches!(op, Op::Literal(..) | Op::Update(..)) && !op.redefines();
                let all: Vec<usize> = (0..self.small.len()).filter(|f| makes(&self.small[*f])).collect();
                if all.is_empty() { Step::Call(0) } else { Step::Take(*random.pick(&all)) }
            }
            _ => Step::Redefine(random.int(0, turns - 1), random.below(self.declarations.len())),
        }
    }

    /// An operation that is right by the first declarations.
    fn op(&self, random: &mut Random) -> Op {
        let ty = random.below(TYPES.len());
        let some = |random: &mut Random, least: usize| {
            let all: Vec<Declared> = self.first[ty].iter().filter(|_| random.chance(60)).copied().collect();
            if all.len() < least { self.first[ty].clone() } else { all }
        };
        let value = |random: &mut Random| {
            if random.chance(6) {
                Value::Redo(random.below(self.declarations.len()))
            } else {
                Value::Number(random.int(0, 3))
            }
        };
        let literal = |random: &mut Random| -> Vec<(&'static str, Value)> {
            let given: Vec<Declared> =
                self.first[ty].iter().filter(|f| f.1.is_none() || random.chance(60)).copied().collect();
            given.iter().map(|f| (f.0, value(random))).collect()
        };
        match random.below(9) {
            0..3 => Op::Literal(ty, literal(random)),
            3..5 => Op::Update(ty, some(random, 1).iter().map(|f| (f.0, value(random))).collect()),
            5 | 6 => Op::Read(random.pick(&self.first[ty]).0),
            7 => {
                let fields = some(random, 0);
                Op::Match(ty, fields.iter().map(|f| (f.0, random.chance(25).then(|| random.int(0, 3)))).collect())
            }
            _ => Op::Equal(literal(random), ty),
        }
    }

    /// The text, and what it may print.
    fn written(&self, random: &mut Random) -> (String, Vec<Vec<String>>) {
        let mut out = String::new();
        for (ty, fields) in self.first.iter().enumerate() {
            let _ = writeln!(out, "{}", declaration(ty, fields));
        }
        out.push_str(PRELUDE);
        for (k, (ty, fields)) in self.declarations.iter().enumerate() {
            let _ = writeln!(out, "fn redo{k}() {{ eval(\"{}\") {k} }}", declaration(*ty, fields));
        }
        for (k, op) in self.small.iter().enumerate() {
            let _ = writeln!(out, "fn small{k}(x) {{ {} }}", text(op));
        }
        for (k, running) in self.running.iter().enumerate() {
            let _ = writeln!(
                out,
                "fn running{k}(start) {{\n    let mut x = start\n    for i in range(0, {}) {{",
                running.turns
            );
            for (line, step) in running.steps.iter().enumerate() {
                let _ = writeln!(
                    out,
                    "        {}",
                    match step {
                        Step::Here(op) =>
                            format!("println(\"{k}.{line}\", try {{ {} }} catch (e) {{ kind(e) }})", text(op)),
                        Step::Call(f) =>
                            format!("println(\"{k}.{line}\", try {{ small{f}(x) }} catch (e) {{ kind(e) }})"),
                        Step::Take(f) =>
                            format!("x = try {{ small{f}(x) }} catch (e) {{ x }} println(\"{k}.{line}\", x)"),
                        Step::Redefine(when, d) => format!("if i == {when} {{ redo{d}() }}"),
                    }
                );
            }
            out.push_str("    }\n    x\n}\n");
        }
        let mut model = Model { program: self, present: self.first.clone(), lines: Vec::new() };
        out.push_str("fn main() {\n");
        let mut firsts = Vec::new();
        for (ty, fields) in self.first.iter().enumerate() {
            let given: Vec<(&str, Value)> = fields.iter().map(|f| (f.0, Value::Number(random.int(0, 3)))).collect();
            let _ = writeln!(out, "    let o{ty} = {}", literal_text(ty, &given, ""));
            firsts.push(model.literal(ty, &given, None).expect("all fields are given"));
        }
        for (ty, first) in firsts.iter().enumerate() {
            let (mut at, mut name) = (first.clone(), format!("o{ty}"));
            for k in 0..self.running.len() {
                if random.chance(40) {
                    (at, name) = (first.clone(), format!("o{ty}"));
                }
                let _ = writeln!(out, "    let r{ty} = running{k}({name})");
                at = model.run(k, at);
                name = format!("r{ty}");
            }
        }
        out.push_str("}\n");
        (out, model.lines)
    }
}

/// Fields in any order, half of them with a default.
fn declare(random: &mut Random) -> Vec<Declared> {
    let mut left = FIELDS.to_vec();
    (0..1 + random.below(5))
        .map(|_| (left.swap_remove(random.below(left.len())), random.chance(55).then(|| random.int(0, 3))))
        .collect()
}

const PRELUDE: &str = "\
fn kind(e) { match e { SystemError.FieldError { } => :FieldError, SystemError.TypeError { } => :TypeError, SystemError.CompileError { message } => message, other => other } }
";

#[test]
fn running_functions_follow_the_declarations() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("redefining");
    std::fs::create_dir_all(&folder).expect("a folder for the programs can be made");
    let count = common::number("HARRIER_COUNT").unwrap_or(common::generated(200));
    let from = common::number("HARRIER_FROM").unwrap_or(1);
    let seeds: Vec<u64> = match common::number("HARRIER_SEED") {
        Some(seed) => vec![seed],
        None => (from..from + count).collect(),
    };
    let failed = common::in_parallel(&seeds, |seed| {
        let mut random = Random(*seed);
        let program = Program::new(&mut random);
        let (text, lines) = program.written(&mut random);
        let path = folder.join(format!("seed{seed}.hr"));
        std::fs::write(&path, &text).expect("the program can be written");
        let file = path.to_string_lossy();
        let done = common::run(&["run", &file], "", Duration::from_secs(20));
        let mut why: Vec<String> = done.misbehaved(0).into_iter().collect();
        let got: Vec<&str> = done.stdout.lines().collect();
        let wrong = lines.iter().zip(&got).position(|(allowed, line)| {
            let said = line.split_once(' ').map_or("", |(_, said)| said).trim_start_matches(':');
            !allowed.iter().any(|a| a == said || a == "*")
        });
        if let Some(k) = wrong {
            why.push(format!("line {} is `{}`, expected {:?}", k + 1, got[k], lines[k]));
        } else if got.len() != lines.len() {
            why.push(format!("{} lines, expected {}", got.len(), lines.len()));
        }
        if why.is_empty() {
            let _ = std::fs::remove_file(&path);
        } else {
            why.extend(done.stderr.lines().filter(|l| l.contains("rror")).take(3).map(String::from));
            println!("seed {seed} {}: {}", path.display(), why.join("\n    "));
        }
        why
    });
    assert!(failed.is_empty(), "{} of {} programs failed", failed.len(), seeds.len());
}
