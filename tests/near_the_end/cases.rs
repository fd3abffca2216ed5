//! What is tried: everything that needs stack for what it is given.

use std::fmt::Write;

/// An expression that gives the same value each time, and what stands before it.
pub struct Case {
    pub name: String,
    pub setup: String,
    pub attempt: String,
    /// How near the end each frame is tried, in frames: less for what takes long.
    pub fine: u32,
}

/// Forms that stand inside of themselves: name, what opens and closes a level, the innermost, and how many levels are allowed.
const FORMS: &[(&str, &str, &str, &str, usize)] = &[
    ("parentheses", "(", ")", "1", 245),
    ("vectors", "[", "]", "1", 245),
    ("maps", "{:a ", "}", "1", 245),
    ("computed keys", "{(", ") 1}", "1", 120),
    ("sets", "#{", "}", "1", 245),
    ("calls", "same(", ")", "1", 245),
    ("method calls", "same(1).twice(", ")", "1", 245),
    ("calls of calls", "same(same)(", ")", "1", 245),
    ("indices", "[0][", "]", "0", 245),
    ("negations", "-(", ")", "1", 245),
    ("sums to the right", "1 + (", ")", "1", 245),
    ("sums to the left", "(", " + 1)", "1", 245),
    ("concatenations", "\"a\" ++ (", ")", "\"b\"", 245),
    ("alternatives", "null || (", ")", "1", 245),
    ("pipes", "1 |> same(", ")", "1", 120),
    ("comparisons", "1 == (", ")", "1", 245),
    ("interpolations", "\"${", "}\"", "1", 120),
    ("ifs", "if true { ", " } else { 0 }", "1", 120),
    ("conditions", "if (", ") { 1 } else { 0 }", "true", 120),
    ("else ifs", "if false { 0 } else if false { 0 } else { ", " }", "1", 120),
    ("matches", "match 1 { 2 => 0, _ => ", " }", "1", 120),
    ("matched", "match (", ") { _ => 1 }", "1", 120),
    ("guards", "match 1 { _ if (", ") => true, _ => false }", "true", 60),
    ("whiles", "if true { let mut c = true  let mut r = 0  while c { c = false  r = ", " }  r }", "1", 25),
    ("loops", "loop { break (", ") }", "1", 60),
    ("fors", "for i in [1] { ", " }", "1", 20),
    ("ranges", "for i in range(0, 1) { ", " }", "1", 25),
    ("tries", "try { ", " } catch (e) { 0 }", "1", 60),
    ("handlers", "try { throw 1 } catch (e) { ", " }", "1", 60),
    ("finallies", "try { ", " } finally { 0 }", "1", 60),
    ("functions", "fn() { ", " }()", "1", 80),
    ("functions with parameters", "(fn(a, [b], ...c) { ", " })(1, [2], 3)", "1", 80),
    ("named functions", "if true { fn f(a) { ", " }  f(1) }", "1", 60),
    ("lets", "if true { let x = ", "  x }", "1", 100),
    ("bindings", "binding (depth = ", ") { depth }", "1", 120),
    ("literals", "Box { held: ", " }", "1", 120),
    ("updates", "Box { ...Box { held: 2 }, held: ", " }", "1", 120),
    ("variants", "Tree.node { held: ", " }", "Tree.leaf", 120),
    ("fields", "Box { held: (", ") }.held", "1", 100),
    ("assignments", "if true { let mut x = 0  x = ", "  x }", "1", 60),
];

/// Patterns: what a level opens and closes in a value, and in its pattern.
const PATTERNS: &[(&str, [&str; 2], [&str; 2])] = &[
    ("vector patterns", ["[", "]"], ["[", "]"]),
    ("rest patterns", ["[", ", 2]"], ["[", ", ..._]"]),
    ("map patterns", ["{:a ", "}"], ["{a: ", "}"]),
    ("struct patterns", ["Box { held: ", " }"], ["Box { held: ", " }"]),
    ("variant patterns", ["Tree.node { held: ", " }"], ["Tree.node { held: ", " }"]),
    ("alternative patterns", ["[", "]"], ["[0] | [", "]"]),
];

/// How values are nested: `make(v)` is one level more.
const NESTED: &[(&str, &str, bool)] = &[
    ("vectors", "[v]", true),
    ("vectors of two", "[v, 1]", true),
    ("maps", "{:a v}", true),
    ("large maps", "assoc(large, :a, v)", true),
    ("keys", "assoc({}, v, 1)", false),
    ("sets", "set-add(#{}, v)", false),
    ("structs", "Box { held: v }", true),
    ("mutable structs", "Cell { held: v }", true),
    ("variants", "Tree.node { held: v }", true),
    ("arrays", "mutable-array/array-of(v)", true),
    ("atoms", "atom(v)", false),
    ("lists", "list-of(v)", false),
    ("own formats", "Shown { held: v }", false),
];

/// What is done with two nested values that are equal, `a` and `b`.
const USES: &[(&str, &str, bool)] = &[
    ("printed", "length(to-string(a))", false),
    ("readable", "length(repr(a))", false),
    ("equal", "a == b", false),
    ("keys of a map", "{(a) 1}[b]", false),
    ("encoded", "length(json-encode(a))", true),
];

/// What runs the program from Rust, or needs stack for another reason than the depth of what it is given.
const CALLS: &[(&str, &str, &str)] = &[
    ("json, decoded", "let text = repeat-string(\"[\", 200) ++ repeat-string(\"]\", 200)", "json-decode(text)"),
    (
        "json, objects",
        "let text = repeat-string(\"{\\\"a\\\":\", 2000) ++ \"1\" ++ repeat-string(\"}\", 2000)",
        "json-decode(text)",
    ),
    (
        "json, indented",
        "let v = json-decode(repeat-string(\"[\", 100) ++ repeat-string(\"]\", 100))",
        "length(json-encode(v, 2))",
    ),
    ("flat text", "let text = \"1\" ++ repeat-string(\" + 1\", 500)", "read(text)"),
    ("long pipe", "let text = \"1\" ++ repeat-string(\" |> same\", 500)", "read(text)"),
    ("long else if", "let text = repeat-string(\"if false { 0 } else \", 300) ++ \"{ 1 }\"", "read(text)"),
    ("long chain", "let text = \"[1]\" ++ repeat-string(\".again()\", 500)", "read(text)"),
    ("long or", "let text = repeat-string(\"null || \", 400) ++ \"1\"", "read(text)"),
    (
        "wrong text",
        "let text = repeat-string(\"[(\", 100)",
        "try { read(text) } catch (e) { match e { SystemError.ParseError { } => :wrong, other => throw other } }",
    ),
    (
        "unknown name",
        "let text = repeat-string(\"[\", 200) ++ \"nobody\" ++ repeat-string(\"]\", 200)",
        "try { read(text) } catch (e) { match e { SystemError.CompileError { } => :wrong, other => throw other } }",
    ),
    (
        "declarations",
        "let text = \"struct One { a, b: [1, [2]] }  enum Two { x, y { z } }  protocol P { fn pm(self) { 1 } }  extend One with P { fn pm(self) { 2 } }  One { a: 1 }.pm()\"",
        "read(text)",
    ),
    ("another namespace", "", "eval-in-ns(\"map(fn(x) { [x] }, [1, 2])\", \"core\")"),
    ("files used first", "", "turn[0] = turn[0] + 1  eval(\"use n${turn[0] % 400} as m  m/f([1, 2, 3])\")"),
    ("files used again", "", "read(\"use n7 as m7  m7/f([1, 2, 3])\")"),
    (
        "library used first",
        "",
        "read(\"use test as t  use profile as p  use reflect as r  t/printed(fn() { println(1) })\")",
    ),
    ("first calls", FIRST, "turn[0] = turn[0] + 1  gs[turn[0] % count(gs)]()"),
    (
        "second versions",
        "fn hot(n) { let mut s = 0.0  for i in range(0, n) { if i % 3 == 0 { s = s + i * 0.5 } else { s = s + 1 } }  s }",
        "hot(20000)",
    ),
    ("apply to many", "fn rest-of(a, ...r) { count(r) + a }  let args = vec(range(0, 1000))", "apply(rest-of, args)"),
    ("apply to 200", "fn rest-of(a, ...r) { count(r) + a }  let args = vec(range(0, 200))", "apply(rest-of, args)"),
    ("apply max", "let args = vec(range(0, 1000))", "apply(max, args)"),
    (
        "rest arguments",
        "fn r(a, ...more) { match more { [x, ...y] => x + count(y), _ => a } }",
        "r(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)",
    ),
    ("partial", "", "partial(partial(partial(partial(max, 1), 2), 3), 4)(5)"),
    ("compose", "let f = apply(compose, vec(repeat(fn(x) { x + 1 }, 50)))", "f(0)"),
    ("map", "", "map(fn(x) { x + 1 }, [1, 2, 3])"),
    (
        "maps in maps",
        "",
        "map(fn(x) { reduce(fn(a, b) { a + count(filter(fn(c) { c > x }, b)) }, 0, [[1, 2], [3]]) }, [1, 2, 3])",
    ),
    ("sort", "", "sort(fn(a, b) { a > b }, [3, 1, 2, 5, 4])"),
    ("sort-by", "let many = map(fn(x) { x * 7919 % 1009 }, range(0, 300))", "sort-by(fn(x) { [x % 10, x] }, many)"),
    ("group-by", "", "group-by(fn(x) { x % 3 }, range(0, 20))"),
    ("swap!", "let a = atom(0)", "reset!(a, 0)  swap!(a, fn(x) { x + 1 })"),
    ("update-in", "", "update-in({:a {:b {:c 1}}}, [:a, :b, :c], fn(x) { x + 1 })"),
    (
        "with-open",
        "struct Res { n } extend Res with Closeable { fn close(self) { null } }",
        "with-open(Res { n: 1 }, fn(r) { r.n })",
    ),
    ("out bound", "", "let b = new-string-buffer()  binding (out = b) { println([1, [2]]) }  to-string(b)"),
    ("sequences", "use seq", "vec(seq/take(20, seq/filter(odd?, seq/map(fn(x) { x + 1 }, seq/range()))))"),
    (
        "nested sequences",
        "use seq",
        "let mut s = seq/range(0, 5)  for i in range(0, 60) { s = seq/map(fn(x) { x + 1 }, s) }  vec(s)",
    ),
    ("nested concats", "use seq", "let mut s = []  for i in range(0, 60) { s = seq/concat(s, [i]) }  vec(s)"),
    (
        "sequences of sequences",
        "use seq",
        "vec(seq/flat-map(fn(x) { seq/flat-map(fn(y) { [x, y] }, seq/range(0, x)) }, seq/range(0, 5)))",
    ),
    ("power", "", "pow(7, 3000) % 1000007"),
    ("large product", "let x = pow(3, 20000)  let y = pow(7, 15000)", "x * y % 1000003"),
    ("large quotient", "let x = pow(3, 20000)  let y = pow(7, 5000)", "x / y % 1000003"),
    ("large printed", "let x = pow(3, 20000)", "length(to-string(x))"),
    ("large parsed", "let x = repeat-string(\"123456789\", 1000)", "parse-int(x) % 1000003"),
    ("gcd", "let x = pow(6, 2000)  let y = pow(10, 2000)", "gcd(x, y) % 1000003"),
    ("floats printed", "", "[1.0e300, 0.1, 5.0e-324, 123456.789] |> to-string"),
    (
        "strings",
        "",
        "join(map(fn(w) { pad-left(uppercase(w), 5, \"*\") }, split(replace(\"a,b,c\", \"b\", \"xy\"), \",\")), \"-\")",
    ),
    (
        "collections",
        "",
        "let mut keep = []  for i in range(0, 200) { keep = push(keep, [i, \"${i}\"]) }  turn[0] = turn[0] + 1  if turn[0] % 40 == 0 { gc() }  keep",
    ),
    ("garbage", "", "let mut n = 0  for i in range(0, 3000) { n = n + count([i, [i], {:a i}]) }  n"),
    (
        "errors",
        "fn fault(k) { 1 + [k][k + 5] }",
        "try { fault(0) } catch (e) { match e { SystemError.IndexError { } => :index, other => throw other } }",
    ),
    (
        "errors printed",
        "fn fault(k) { 1 + [k][k + 5] }",
        "try { fault(0) } catch (e) { match e { SystemError.IndexError { message } => message, other => throw other } }",
    ),
    (
        "errors of arity",
        "fn two(a, b) { a }",
        "try { apply(two, [1]) } catch (e) { match e { SystemError.ArityError { message } => message, other => throw other } }",
    ),
    (
        "finally",
        "",
        "let mut n = 0  try { try { throw 1 } finally { n = n + 1 } } catch (e) { match e { 1 => n, other => throw other } }",
    ),
    ("threads", "", "join(thread(fn() { map(fn(x) { [x] }, [1, 2]) }))"),
    ("documentation", "", "length(doc(map))"),
    (
        "files read",
        "use io",
        "match io/read-file(\"/proc/self/comm\") { Result.Ok { value } => length(value), other => other }",
    ),
    ("own get", "struct G { } extend G with Indexed { fn get { (self, k) => [k][0], (self, k, d) => d } }", "G { }[3]"),
    (
        "own length",
        "struct L { } extend L with Length { fn length(self) { count([1, 2]) } }",
        "length(L { }) + count(L { })",
    ),
    (
        "own format",
        "struct F { } extend F with Format { fn format(self, depth) { \"<${depth}>\" } }",
        "to-string([F { }, {:a F { }}])",
    ),
    (
        "own hash",
        "struct H { n } extend H with Hashable { fn hash-of(self) { count([self.n]) } }",
        "assoc({}, H { n: 1 }, 2)[H { n: 1 }]",
    ),
    (
        "own order",
        "struct O { n } extend O with Comparable { fn compare-to(self, other) { self.n - other.n } }",
        "max-of([O { n: 1 }, O { n: 3 }, O { n: 2 }]).n",
    ),
    (
        "own seq",
        "struct S { } extend S with Seqable { fn seq(self) { seq([1, 2, 3]) } }",
        "let mut t = 0  for x in (S { }) { t = t + x }  t + count(vec(S { }))",
    ),
    (
        "own method",
        "protocol M { fn mm(self, k) { [k] } }  extend Int with M { fn mm(self, k) { [self, k] } }",
        "[1.mm(2), \"a\".mm(3), mm(4, 5)]",
    ),
    ("first methods", FIRST_METHODS, "turn[0] = turn[0] + 1  values[turn[0] % count(values)].told(1)"),
    ("redefined", "", "read(\"fn again(x) { [x] }  again(1)\")"),
];

const FIRST: &str = r#"
fn small(a, b) { if a < b { a } else { b } }
fn source(k) { "fn g${k}() { let mut s = 0 for i in range(0, 3) { for j in [1, 2] { let mut k = 0 while k < 2 { k = k + 1 s = s + small(s, 3) } } s = s + small(i, 2) } try { s } catch (e) { [e] } }  g${k}" }
let gs = map(fn(k) { eval(source(k)) }, range(0, 2000))"#;

const FIRST_METHODS: &str = r#"
protocol Told { fn told(self, k) }
let values = map(fn(k) { eval("struct T${k} { n }  extend T${k} with Told { fn told(self, k) { [k, [self.n]] } }  T${k} { n: 1 }") }, range(0, 500))"#;

/// What the texts and values of all cases may name.
const COMMON: &str = "\
use mutable-list
struct Box { held }
struct Cell { mut held }
struct Shown { held }
extend Shown with Format { fn format(self, depth) { \"<${self.held}>\" } }
enum Tree { leaf, node { held } }
let dynamic depth = 0
let large = zipmap(range(0, 20), range(0, 20))
let turn = mutable-array/array-of(-1)
// `eval` keeps what it has compiled, so the text is another one each time.
fn read(text) { turn[0] = turn[0] + 1  eval(\"${text} // ${turn[0]}\") }
fn same { (x) => x, (x, y) => y }
extend Int { fn twice(self, x) { x } }
extend Vector { fn again(self) { self } }
fn list-of(v) { let l = mutable-list/new()  mutable-list/push!(l, v)  l }
fn nested(make, n) { let mut v = 1  for i in range(0, n) { v = make(v) }  v }
";

pub fn all() -> Vec<Case> {
    let mut all = texts();
    all.extend(values());
    all.extend(CALLS.iter().map(|(name, setup, attempt)| case((*name).into(), setup, attempt, 150)));
    all.extend(functions());
    all
}

fn case(name: String, setup: &str, attempt: &str, fine: u32) -> Case {
    Case { name, setup: format!("{COMMON}{setup}"), attempt: attempt.into(), fine }
}

/// Texts of nested forms and patterns.
fn texts() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, open, close, inner, levels) in FORMS {
        let (open, close, inner) = (quoted(open), quoted(close), quoted(inner));
        let text = format!("let text = repeat-string({open}, {levels}) ++ {inner} ++ repeat-string({close}, {levels})");
        all.push(case(format!("text of {name}"), &text, "read(text)", 120));
    }
    for (name, value, pattern) in PATTERNS {
        // Alternatives bind the same names, here none.
        let (inner, given, levels) = if name.starts_with("alt") { ("_", "1", 25) } else { ("x", "x", 80) };
        let nested =
            |[open, close]: &[&str; 2], inner: &str| format!("{}{inner}{}", open.repeat(levels), close.repeat(levels));
        let text = format!("match ({}) {{ {} => {given}, _ => 0 }}", nested(value, "1"), nested(pattern, inner));
        all.push(case(format!("text of {name}"), &format!("let text = {}", quoted(&text)), "read(text)", 120));
    }
    all
}

/// What is done with nested values.
fn values() -> Vec<Case> {
    let mut all = Vec::new();
    for (values, make, encodes) in NESTED {
        for (used, attempt, encoded) in USES {
            // Two atoms, or lists, are never equal.
            let identity = matches!(*values, "atoms" | "lists") && attempt.contains('b');
            if !identity && (*encodes || !*encoded) {
                let setup = format!("let a = nested(fn(v) {{ {make} }}, 150)  let b = nested(fn(v) {{ {make} }}, 150)");
                all.push(case(format!("{values} {used}"), &setup, attempt, 120));
            }
        }
    }
    all
}

/// Functions with frames of all sizes, many arguments, and large literals.
fn functions() -> Vec<Case> {
    let mut all = Vec::new();
    for (locals, kind, value) in [1, 40, 400, 4000]
        .iter()
        .flat_map(|n| [(*n, "Float", "f0 * 1.0001"), (*n, "Int", "x + x")])
        .chain([(34000, "Float", "f0 * 1.0001")])
    {
        for (what, call) in [("a leaf", ""), ("a caller", "same(1)")] {
            let setup = format!("{}\nlet callee = eval(text)", many_locals(locals, value, call));
            all.push(case(format!("{what} of {locals} {kind}s"), &setup, "callee(2)", 150));
        }
    }
    for count in [1, 7, 40, 250] {
        let list = |prefix: &str| (0..count).map(|k| format!("{prefix}{k}")).collect::<Vec<_>>().join(", ");
        let setup = format!("fn wide({}) {{ p0 + p{} }}", list("p"), count - 1);
        all.push(case(format!("{count} arguments"), &setup, &format!("wide({})", list("1")), 150));
        let setup = format!("fn held(p0) {{ let {} fn() {{ [{}] }} }}", many_lets(count), list("v"));
        all.push(case(format!("{count} captured"), &setup, "held(1)()", 150));
        let setup = format!("struct Wide {{ {} }}", list("m"));
        let fields = (0..count).map(|k| format!("m{k}: {k}")).collect::<Vec<_>>().join(", ");
        all.push(case(format!("{count} fields"), &setup, &format!("Wide {{ {fields} }}"), 150));
    }
    for count in [10, 300, 3000] {
        let items = (0..count).map(|k| format!("x + {k}")).collect::<Vec<_>>();
        let entries = items.iter().enumerate().map(|(k, v)| format!("{k} {v}")).collect::<Vec<_>>().join(", ");
        for (kind, text) in [
            ("vector", format!("[{}]", items.join(", "))),
            ("map", format!("{{{entries}}}")),
            ("set", format!("#{{{}}}", items.join(", "))),
            ("text", format!("\"{}\"", items.iter().map(|v| format!("${{{v}}}")).collect::<String>())),
        ] {
            all.push(case(format!("a {kind} of {count}"), &format!("fn big(x) {{ {text} }}"), "big(1)", 120));
        }
    }
    all
}

/// A text, as a literal.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "\\${"))
}

fn many_lets(count: usize) -> String {
    (0..count).map(|k| format!("v{k} = [p0, {k}] let ")).collect::<String>() + "last = 0"
}

/// The text of a function with so many locals alive at once.
fn many_locals(count: usize, value: &str, call: &str) -> String {
    let mut text = format!("fn many(x) {{\\n let f0 = 1.5\\n {call}\\n");
    let _ =
        write!(text, "\" ++ join(map(fn(i) {{ \" let f\\${{i}} = {value}\" }}, range(1, {count})), \"\\n\") ++ \"\\n");
    let _ = write!(
        text,
        " let mut s = 0.0\\n\" ++ join(map(fn(i) {{ \" s = s + f\\${{i}}\" }}, range(0, {count})), \"\\n\") ++ \"\\n s\\n}}  many\""
    );
    format!("let text = \"{text}").replace("\\${i}", "${i}")
}
