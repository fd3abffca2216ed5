//! The operations: all that goes through a collection, over each kind of collection; and what is nested, printed, read and appended.

/// What is promised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Growth {
    /// As much as it is given, or a little more: sorting, trees.
    Linear,
    /// The same, or the depth of a tree.
    Same,
}

/// An expression `run` over `x`, which `make` gives of a size `n`.
#[derive(Debug)]
pub struct Operation {
    pub name: String,
    pub make: String,
    pub run: String,
    pub growth: Growth,
    /// The largest size to begin with.
    pub most: u32,
}

pub const SETUP: &str = r#"
use mutable-array
use mutable-list
use mutable-map
use mutable-set
use string-builder
use seq
struct Box { held, k }
struct Cell { mut held, k }
struct Shown { held }
extend Shown with Format { fn format(self, depth) { "<${self.held}>" } }
enum Tree { leaf, node { held, k } }
struct Ordered { k }
extend Ordered with Comparable { fn compare-to(self, other) { self.k - other.k } }
struct Hashed { k }
extend Hashed with Hashable { fn hash-of(self) { self.k } }
fn numbers(n) { vec(range(0, n)) }
fn mixed(n) { map(fn(i) { i * 7919 % 1000003 }, range(0, n)) }
fn pairs(n) { zipmap(range(0, n), range(0, n)) }
fn list(n) { let l = mutable-list/new()  for i in range(0, n) { mutable-list/push!(l, i) }  l }
fn table(n) { let m = mutable-map/new()  for i in range(0, n) { mutable-map/put!(m, i, i) }  m }
fn members(n) { let m = mutable-set/new()  for i in range(0, n) { mutable-set/add!(m, i) }  m }
fn array(n) { let a = mutable-array/new-array(n, 0)  for i in range(0, n) { a[i] = i }  a }
fn ascii(n) { repeat-string("ab c,\n", n / 6 + 1) }
fn wide(n) { repeat-string("äb c,\n", n / 6 + 1) }
fn built(n) { let b = string-builder/new(8)  for i in range(0, n) { string-builder/append!(b, "abc") }  b }
fn lazy-of(n) { seq/map(fn(i) { i }, seq/range(0, n)) }
fn nested(n, make) { let mut v = null  for i in range(0, n) { v = make(v, i) }  v }
fn listed(v) { let l = mutable-list/new()  mutable-list/push!(l, v)  l }
"#;

/// Kinds of collections, of n items; is an item a number? can it be asked by an index?
const COLLECTIONS: &[(&str, &str, bool, bool)] = &[
    ("vector", "numbers(n)", true, true),
    ("range", "range(0, n)", true, true),
    ("array", "array(n)", true, true),
    ("set", "into-set(range(0, n))", true, false),
    ("map", "pairs(n)", false, false),
    ("list", "list(n)", true, true),
    ("text", "ascii(n)", false, true),
    ("wide text", "wide(n)", false, true),
    ("lazy", "lazy-of(n)", true, false),
];

/// Functions over whatever can be gone through; those of `seq` are gone through to the end.
const GO_THROUGH: &[&str] = &[
    "map(fn(i) { i }, x)",
    "map-indexed(fn(k, i) { k }, x)",
    "filter(fn(i) { true }, x)",
    "filter(fn(i) { false }, x)",
    "remove(fn(i) { false }, x)",
    "keep(fn(i) { i }, x)",
    "keep-indexed(fn(k, i) { i }, x)",
    "reduce(fn(a, i) { a + 1 }, 0, x)",
    "reduce-right(fn(a, i) { a + 1 }, 0, x)",
    "flat-map(fn(i) { [i, i] }, x)",
    "mapcat(fn(i) { [i] }, x)",
    "take(n - 1, x)",
    "drop(n / 2, x)",
    "take-while(fn(i) { true }, x)",
    "drop-while(fn(i) { false }, x)",
    "split-at(n / 2, x)",
    "split-with(fn(i) { true }, x)",
    "enumerate(x)",
    "flatten(x)",
    "concat(x, x)",
    "zip(x, x)",
    "zip-with(fn(a, b) { a }, x, x)",
    "interleave(x, x)",
    "interpose(0, x)",
    "reverse(x)",
    "distinct(x)",
    "dedupe(x)",
    "partition(2, x)",
    "partition-by(fn(i) { i }, x)",
    "group-by(fn(i) { i }, x)",
    "group-by(fn(i) { 1 }, x)",
    "frequencies(x)",
    "vec(x)",
    "into([], x)",
    "into-set(x)",
    "for-each(fn(i) { i }, x)",
    "count(x)",
    "last(x)",
    "rest(x)",
    "butlast(x)",
    "find(fn(i) { false }, x)",
    "find-index(fn(i) { false }, x)",
    "any?(fn(i) { false }, x)",
    "all?(fn(i) { true }, x)",
    "none?(fn(i) { false }, x)",
    "not-every?(fn(i) { true }, x)",
    "includes?(x, if string?(x) { \"zz\" } else { null })",
    "sort-by(fn(i) { 0 }, x)",
    "min-by(fn(i) { 1 }, x)",
    "max-by(fn(i) { 1 }, x)",
    "shuffle(x)",
    "join(x, \",\")",
    "let mut c = 0  for i in x { c = c + 1 }  c",
    "to-string(x)",
    "repr(x)",
    "hash-of(x)",
    "x == x",
    "slice(x, 1, n - 1)",
    "remove-at(x, n / 2)",
    "apply(fn(...r) { count(r) }, vec(x))",
    "vec(seq/map(fn(i) { i }, x))",
    "vec(seq/map-indexed(fn(k, i) { i }, x))",
    "vec(seq/enumerate(x))",
    "vec(seq/filter(fn(i) { true }, x))",
    "vec(seq/filter(fn(i) { false }, x))",
    "vec(seq/remove(fn(i) { false }, x))",
    "vec(seq/keep(fn(i) { i }, x))",
    "vec(seq/keep-indexed(fn(k, i) { i }, x))",
    "vec(seq/reductions(fn(a, i) { 1 }, 0, x))",
    "vec(seq/distinct(x))",
    "vec(seq/dedupe(x))",
    "vec(seq/take(n, x))",
    "vec(seq/drop(n / 2, x))",
    "vec(seq/take-while(fn(i) { true }, x))",
    "vec(seq/drop-while(fn(i) { true }, x))",
    "vec(seq/rest(x))",
    "vec(seq/butlast(x))",
    "vec(seq/slice(x, 1, n - 1))",
    "vec(seq/remove-at(x, n / 2))",
    "map(vec, seq/split-at(n / 2, x))",
    "map(vec, seq/split-with(fn(i) { true }, x))",
    "vec(seq/partition-by(fn(i) { i }, x))",
    "vec(seq/partition(2, x))",
    "vec(seq/concat(x, x))",
    "vec(seq/flat-map(fn(i) { [i, i] }, x))",
    "vec(seq/flatten(x))",
    "vec(seq/zip(x, x))",
    "vec(seq/zip-with(fn(a, b) { a }, x, x))",
    "vec(seq/interleave(x, x))",
    "vec(seq/interpose(0, x))",
    "vec(seq/take(n, seq/cycle(x)))",
    "let mut s = seq(x)  while s != null { s = next(s) }",
];

/// The same, where an item is a number.
const OF_NUMBERS: &[&str] = &[
    "sum(x)",
    "min-of(x)",
    "max-of(x)",
    "sort(x)",
    "sort(fn(a, b) { a > b }, x)",
    "sort-with(fn(a, b) { a > b }, x)",
    "sort-by(fn(i) { 0 - i }, x)",
    "sort-by(fn(i) { [i % 10, i] }, x)",
    "json-encode(vec(x))",
];

/// What takes the same time whatever the size.
const AT_ONCE: &[&str] = &["first-of(x)", "empty?(x)", "take(2, x)", "type-of(x)", "identical?(x, x)"];
/// The same, but of a mutable list, which is copied for who goes through it.
const IN_FRONT: &[&str] = &["first(seq(x))", "vec(seq/take(2, x))", "any?(fn(i) { true }, x)"];
const BY_INDEX: &[&str] = &[
    "get(x, n / 2)",
    "nth(x, n - 9)",
    "x[n - 9]",
    "length(x)",
    "last(x)",
    "contains?(x, if string?(x) { \"b\" } else { n / 2 })",
];

/// Others: what is given, what is done.
const OTHERS: &[(&str, &str)] = &[
    // Texts.
    ("ascii(n)", "uppercase(x)"),
    ("wide(n)", "lowercase(x)"),
    ("ascii(n)", "chars(x)"),
    ("wide(n)", "chars(x)"),
    ("ascii(n)", "lines(x)"),
    ("ascii(n)", "words(x)"),
    ("ascii(n)", "split(x, \",\")"),
    ("wide(n)", "split(x, \",\")"),
    ("ascii(n)", "split(x, \"\")"),
    ("ascii(n)", "replace(x, \"b\", \"xyz\")"),
    ("wide(n)", "replace(x, \"ä\", \"\")"),
    ("ascii(n)", "replace-first(x, \"zz\", \"\")"),
    ("ascii(n)", "index-of(x, \"zz\")"),
    ("repeat-string(\"a\", n)", "index-of(x, repeat-string(\"a\", n / 2) ++ \"b\")"),
    ("repeat-string(\"a\", n)", "last-index-of(x, \"b\" ++ repeat-string(\"a\", n / 2))"),
    ("repeat-string(\"a\", n)", "string-contains?(x, repeat-string(\"a\", n / 2) ++ \"b\")"),
    ("repeat-string(\"a\", n)", "split(x, repeat-string(\"a\", n / 2) ++ \"b\")"),
    ("wide(n)", "last-index-of(x, \"zz\")"),
    ("ascii(n)", "starts-with?(x, x)"),
    ("ascii(n)", "trim(x)"),
    ("repeat-string(\" \", n)", "trim-left(x)"),
    ("repeat-string(\" \", n)", "trim-right(x)"),
    ("repeat-string(\" \", n)", "blank?(x)"),
    ("ascii(n)", "substring(x, 1, n - 1)"),
    ("wide(n)", "substring(x, 1, n - 1)"),
    ("n", "pad-left(\"a\", n)"),
    ("n", "repeat-string(\"ab\", n)"),
    ("ascii(n)", "x ++ x"),
    ("ascii(n)", "x == x ++ \"\""),
    ("ascii(n)", "hash-of(x ++ \"\")"),
    ("ascii(n)", "compare(x, x ++ \"a\")"),
    ("n", "let mut s = \"\"  for i in range(0, n) { s = s ++ \"abc\" }  s"),
    ("wide(n)", "let mut c = 0  for i in range(0, length(x) - 1) { if x[i] == \"b\" { c = c + 1 } }  c"),
    ("wide(n)", "let mut c = 0  for i in range(0, length(x) - 1) { c = c + char-code-at(x, i) }  c"),
    (
        "ascii(n)",
        "let mut c = 0  for i in range(0, length(x) - 1) { if substring(x, i, i + 1) == \"b\" { c = c + 1 } }  c",
    ),
    (
        "wide(n)",
        "let mut c = 0  for i in range(0, length(x) - 1) { if substring(x, i, i + 1) == \"b\" { c = c + 1 } }  c",
    ),
    ("repeat-string(\"1\", 30)", "map(parse-int, repeat(x, n))"),
    ("n", "string->keyword(repeat-string(\"a\", n))"),
    // Builders.
    ("n", "built(n)"),
    ("n", "string-builder/to-string(built(n))"),
    ("n", "let b = string-builder/new(0)  for i in range(0, n) { string-builder/append-byte!(b, 65) }  b"),
    ("n", "let b = string-builder/new(0)  for i in range(0, n) { string-builder/append-int!(b, i) }  b"),
    ("n", "let b = string-builder/new(0)  for i in range(0, n) { string-builder/append-line!(b, \"x\") }  b"),
    ("n", "let b = string-builder/new(0)  for i in range(0, n) { string-builder/append-char!(b, \"ä\") }  b"),
    ("built(n)", "string-builder/reverse!(x)"),
    ("built(n)", "let mut c = 0  for i in range(0, n) { c = c + string-builder/byte-at(x, i) }  c"),
    ("n", "let b = new-string-buffer()  binding (out = b) { for i in range(0, n) { print(i) } }  to-string(b)"),
    // What grows.
    ("n", "let mut v = []  for i in range(0, n) { v = push(v, i) }  v"),
    ("n", "let mut v = []  for i in range(0, n) { v = conj(v, i) }  v"),
    ("n", "let mut m = {}  for i in range(0, n) { m = assoc(m, i, i) }  m"),
    ("n", "let mut m = {}  for i in range(0, n) { m = assoc(m, [i, \"k\"], i) }  m"),
    ("n", "let mut m = {}  for i in range(0, n) { m = assoc(m, i * 1048576, i) }  m"),
    ("n", "let mut m = {}  for i in range(0, n) { m = assoc(m, i + 0.5, i) }  m"),
    ("n", "let mut m = {}  for i in range(0, n) { m = assoc(m, Box { held: i, k: i }, i) }  m"),
    ("n", "let mut m = {}  for i in range(0, n) { m = assoc(m, Hashed { k: i }, i) }  m"),
    ("n", "let mut m = {}  for i in range(0, n) { m = assoc(m, \"key ${i}\", i) }  m"),
    ("n", "let mut m = {}  for i in range(0, n) { m = assoc(m, pow(2, 70) * i, i) }  m"),
    ("n", "let mut m = {}  for i in range(0, n) { m = update(m, i % 100, fn(v) { i }) }  m"),
    ("n", "let mut m = #{}  for i in range(0, n) { m = set-add(m, i) }  m"),
    ("n", "let mut m = #{}  for i in range(0, n) { m = conj(m, i) }  m"),
    ("n", "let mut m = {}  for i in range(0, n) { m = assoc-in(m, [i % 10, i], i) }  m"),
    ("n", "let mut m = {}  for i in range(0, n) { m = merge(m, {(i) i}) }  m"),
    ("pairs(n)", "let mut m = x  for i in range(0, n) { m = dissoc(m, i) }  m"),
    ("into-set(range(0, n))", "let mut m = x  for i in range(0, n) { m = set-remove(m, i) }  m"),
    ("numbers(n)", "let mut v = x  for i in range(0, n) { v = assoc(v, i, null) }  v"),
    ("numbers(n)", "let mut v = x  for i in range(0, n) { v = update(v, i, fn(a) { a }) }  v"),
    ("numbers(n)", "let mut v = x  while count(v) > 0 { v = butlast(v) }  v"),
    ("numbers(n)", "let mut v = x  while !empty?(v) { v = rest(v) }  v"),
    ("numbers(n)", "fn total(v) { match v { [a, ...r] => 1 + total(r), _ => 0 } }  total(take(2000, x))"),
    ("n", "let a = atom([])  for i in range(0, n) { swap!(a, push, i) }  deref(a)"),
    ("n", "let a = atom({})  for i in range(0, n) { swap!(a, assoc, i, i) }  deref(a)"),
    ("n", "list(n)"),
    ("list(n)", "for i in range(0, n) { mutable-list/pop!(x) }"),
    ("list(n)", "mutable-list/to-vec(x)"),
    ("list(n)", "let mut c = 0  for i in range(0, n) { c = c + mutable-list/get(x, i) }  c"),
    ("n", "table(n)"),
    ("table(n)", "for i in range(0, n) { mutable-map/remove!(x, i) }"),
    ("table(n)", "for i in range(0, n) { mutable-map/put!(x, i, 1)  mutable-map/remove!(x, i) }  mutable-map/count(x)"),
    ("table(n)", "[mutable-map/keys(x), mutable-map/vals(x), mutable-map/entries(x)]"),
    ("table(n)", "mutable-map/to-map(x)"),
    ("table(n)", "to-string(x)"),
    ("n", "let m = mutable-map/new()  for i in range(0, n) { mutable-map/put!(m, \"k${i}\", i) }  m"),
    ("n", "let m = mutable-map/new()  for i in range(0, n) { mutable-map/put!(m, i * 65536, i) }  m"),
    (
        "n",
        "let m = mutable-map/new()  for i in range(0, n) { mutable-map/put!(m, i, 1)  mutable-map/remove!(m, i) }  m",
    ),
    ("n", "let m = mutable-map/new()  for i in range(0, n) { mutable-map/put!(m, [i], 1) }  m"),
    ("n", "members(n)"),
    ("members(n)", "for i in range(0, n) { mutable-set/remove!(x, i) }"),
    ("members(n)", "mutable-set/to-set(x)"),
    ("members(n)", "to-string(x)"),
    // Arrays.
    ("n", "mutable-array/new-array(n, 1)"),
    ("array(n)", "mutable-array/to-vec(x)"),
    ("array(n)", "mutable-array/copy-array(x)"),
    ("array(n)", "mutable-array/fill(x, 1)"),
    ("array(n)", "mutable-array/index-of(x, null)"),
    ("array(n)", "for i in range(1, n) { mutable-array/swap(x, i, i - 1) }"),
    ("array(n)", "mutable-array/copy-range(x, x, 0, n / 2)"),
    ("n", "apply(mutable-array/array-of, vec(range(0, n)))"),
    ("mutable-array/new-array(n)", "for i in range(0, n) { x[i] = [i] }"),
    // Maps and sets.
    ("pairs(n)", "keys(x)"),
    ("pairs(n)", "vals(x)"),
    ("pairs(n)", "invert(x)"),
    ("pairs(n)", "map-keys(x, fn(k) { k })"),
    ("pairs(n)", "map-vals(x, fn(k) { k })"),
    ("pairs(n)", "filter-keys(x, even?)"),
    ("pairs(n)", "filter-vals(x, even?)"),
    ("pairs(n)", "merge(x, x)"),
    ("pairs(n)", "merge-with(max, x, x)"),
    ("pairs(n)", "select-keys(x, range(0, n))"),
    ("pairs(n)", "x == into({}, vec(x))"),
    ("pairs(n)", "into(x, {1 2})"),
    ("into-set(range(0, n))", "set-union(x, x)"),
    ("into-set(range(0, n))", "set-intersection(x, x)"),
    ("into-set(range(0, n))", "set-difference(x, x)"),
    ("into-set(range(0, n))", "set-subset?(x, x)"),
    ("into-set(range(0, n))", "x == into-set(range(0, n))"),
    ("numbers(n)", "x == numbers(n)"),
    ("numbers(n)", "compare(x, numbers(n))"),
    ("mixed(n)", "zipmap(x, x)"),
    ("mixed(n)", "sort(x)"),
    ("mixed(n)", "sort(map(to-string, x))"),
    ("mixed(n)", "sort(map(fn(i) { [i % 10, i] }, x))"),
    ("mixed(n)", "sort(map(fn(i) { Ordered { k: i } }, x))"),
    ("mixed(n)", "sort-with(fn(a, b) { a < b }, x)"),
    ("mixed(n)", "distinct(map(fn(i) { [i % 100] }, x))"),
    ("mixed(n)", "reverse(sort(x))"),
    ("numbers(n)", "reduce(concat, map(fn(i) { [i] }, take(100, x)))  reduce(max, x)"),
    ("numbers(n)", "reduce(fn(a, i) { push(a, i) }, [], x)"),
    ("numbers(n)", "reduce(fn(m, i) { assoc(m, i, i) }, {}, x)"),
    ("map(fn(i) { [i] }, range(0, n))", "flatten(x)"),
    ("map(fn(i) { [i] }, range(0, n))", "apply(concat, x)"),
    ("map(fn(i) { {(i) i} }, range(0, n))", "apply(merge, x)"),
    ("map(fn(i) { #{i} }, range(0, n))", "reduce(set-union, x)"),
    ("n", "repeat(1, n)"),
    ("n", "repeatedly(fn() { 1 }, n)"),
    ("n", "iterate(fn(i) { i + 1 }, 0, n)"),
    ("n", "vec(range-step(0, n, 1))"),
    // Reading and writing.
    ("json-encode(numbers(n))", "json-decode(x)"),
    ("json-encode(map(fn(i) { {:a i, :b \"text\"} }, range(0, n)))", "json-decode(x)"),
    ("json-encode(zipmap(map(to-string, range(0, n)), range(0, n)))", "json-decode(x)"),
    ("zipmap(map(to-string, range(0, n)), range(0, n))", "json-encode(x)"),
    ("map(fn(i) { {:a i, :b \"te\\\"xt\"} }, range(0, n))", "json-encode(x, 2)"),
    ("json-encode(repeat-string(\"a\\n\", n))", "json-decode(x)"),
    ("\"[\" ++ join(range(0, n), \", \") ++ \"]\"", "eval(x)"),
    ("join(map(fn(i) { \"fn e${i}(a) { a + ${i} }\" }, range(0, n)), \"\\n\")", "eval(x)"),
    (
        "\"fn many(a) { match a { \" ++ join(map(fn(i) { \"${i} => ${i + 1}\" }, range(0, n)), \", \") ++ \", _ => 0 } }  many(3)\"",
        "eval(x)",
    ),
    ("\"1 \" ++ repeat-string(\" + 1\", min(n, 1900))", "eval(x)"),
    ("\"{\" ++ join(map(fn(i) { \"${i} ${i}\" }, range(0, n)), \", \") ++ \"}\"", "eval(x)"),
    ("\"#{\" ++ join(range(0, n), \", \") ++ \"}\"", "eval(x)"),
    ("\"\\\"\" ++ repeat-string(\"ab\", n) ++ \"\\\"\"", "eval(x)"),
    (
        "\"fn lots(a) { let f0 = a  \" ++ join(map(fn(i) { \"let f${i} = f${i - 1} + 1  \" }, range(1, n)), \"\") ++ \"f${n - 1} }  lots(1)\"",
        "eval(x)",
    ),
    (
        "\"struct Lots { \" ++ join(map(fn(i) { \"f${i}: ${i}\" }, range(0, n)), \", \") ++ \" }  Lots { }\"",
        "count([eval(x)])",
    ),
    (
        "\"if false { 0 } \" ++ join(map(fn(i) { \"else if false { ${i} } \" }, range(0, n)), \"\") ++ \"else { 1 }\"",
        "eval(x)",
    ),
    // Sequences of sequences.
    ("n", "let mut s = []  for i in range(0, n) { s = seq/concat([i], s) }  sum(s)"),
    ("n", "let mut s = []  for i in range(0, n) { s = seq/concat([i], s) }  count(vec(s))"),
    ("n", "fn from(i) { if i < n { seq/concat([i], seq/lazy(fn() { from(i + 1) })) } else { [] } }  sum(from(0))"),
    ("map(fn(i) { [i] }, range(0, n))", "count(vec(apply(seq/concat, x)))"),
    ("map(fn(i) { [i] }, range(0, n))", "count(vec(seq/flatten(x)))"),
    ("map(fn(i) { range(0, 3) }, range(0, n))", "sum(seq/flat-map(identity, x))"),
    ("n", "let mut s = null  for i in range(0, n) { s = seq/cons(i, s) }  sum(s)"),
    ("n", "sum(seq/take(n, seq/iterate(fn(i) { i + 1 }, 0)))"),
    ("n", "count(vec(seq/take(n, seq/repeat(1))))"),
    ("n", "let s = lazy-of(n)  sum(s) + sum(s)"),
    // Functions.
    ("numbers(n)", "apply(max, x)"),
    ("numbers(n)", "apply(fn(a, ...r) { count(r) }, x)"),
    ("n", "fn down(i) { if i == 0 { 0 } else { down(i - 1) } }  down(n)"),
    ("n", "let mut c = 0  for i in range(0, n) { c = try { throw i } catch (e) { c + 1 } }  c"),
    ("n", "for i in range(0, n) { try { [1][5] } catch (e) { e } }"),
    ("n", "binding (out = new-string-buffer()) { for i in range(0, n) { println(i, \"text\") } }"),
    // Numbers.
    ("n", "let mut s = 0  for i in range(0, n) { s = s + pow(2, 70) }  s"),
    ("n", "1 << n"),
    ("1 << n", "x >> 3"),
    ("1 << n", "x + 1"),
    ("1 << n", "x & (x - 1)"),
    ("(1 << n) - 1", "popcount(x)"),
    ("(1 << n) - 1", "x * 3"),
    ("(1 << n) - 1", "x % 7"),
    ("(1 << n) - 1", "x == x + 0"),
    ("(1 << n) - 1", "hash-of(x + 0)"),
    ("(1 << n) - 1", "to-float(x >> max(0, n - 900))"),
];

/// How values are nested.
const NESTED: &[(&str, &str)] = &[
    ("vectors", "[v]"),
    ("maps", "{:a v}"),
    ("structs", "Box { held: v, k: i }"),
    ("mutable structs", "Cell { held: v, k: i }"),
    ("variants", "Tree.node { held: v, k: i }"),
    ("arrays", "mutable-array/array-of(v)"),
    ("atoms", "atom(v)"),
    ("lists", "listed(v)"),
];

/// What is done with them.
const DEEP: &[&str] = &["to-string(x)", "repr(x)", "\"${x}\"", "join([x], \",\")", "hash-of(x)", "x == x", "{(x) 1}"];

pub fn all() -> Vec<Operation> {
    let mut all = Vec::new();
    let mut add = |name: String, make: &str, run: &str, growth: Growth, most: u32| {
        let name = name.replace('\\', "").replace('"', "'").replace('$', "").replace('\n', " ");
        all.push(Operation { name, make: make.into(), run: run.into(), growth, most });
    };
    for (kind, make, numbers, indexed) in COLLECTIONS {
        let mut each = |list: &[&str], growth| {
            for run in list {
                add(format!("{kind}: {run}"), make, run, growth, 20000);
            }
        };
        each(GO_THROUGH, Growth::Linear);
        if *numbers {
            each(OF_NUMBERS, Growth::Linear);
        }
        each(AT_ONCE, Growth::Same);
        if *kind != "list" {
            each(IN_FRONT, Growth::Same);
        }
        if *indexed {
            each(BY_INDEX, Growth::Same);
        }
    }
    for (make, run) in OTHERS {
        add(format!("{make}: {run}"), make, run, Growth::Linear, 20000);
    }
    for (kind, make) in NESTED {
        let make = format!("nested(n, fn(v, i) {{ {make} }})");
        for run in DEEP {
            add(format!("nested {kind}: {run}"), &make, run, Growth::Linear, 2000);
        }
    }
    all
}
