//! Programs of threads that get in each other's way.
//!
//! A *thing* is something that threads share: its declarations, what a thread may do to it (*acts*), and what must be true at the end.
//! An act asks what must hold whatever the other threads do, and whatever of their changes is lost; where it does not, it says so by
//! `wrong!`. `#n` is the number of the thing, `#k` that of the thread, `i` counts the thread's turns.

use crate::random::Random;
use std::fmt::Write;

struct Thing {
    name: &'static str,
    declarations: &'static str,
    acts: &'static [&'static str],
    /// An expression that is `true` when all threads have ended.
    end: &'static str,
}

const THINGS: &[Thing] = &[
    Thing {
        name: "text",
        declarations: "let text#n = sb/new()\nlet kept#n = atom([])",
        acts: &[
            "sb/append!(text#n, \"abcd\")",
            "sb/append!(text#n, repeat-string(\"abcd\", i % 700))",
            "if sb/length(text#n) > 40000 { sb/clear!(text#n) }",
            "let s = sb/to-string(text#n) if length(s) % 4 != 0 || length(s) > 0 && (s[0] != \"a\" || s[length(s) - 1] != \"d\") || count(s) != length(s) { wrong!(\"a text is cut\", s) }",
            "let s = sb/to-string(text#n) if length(s) < 3000 { swap!(kept#n, fn(all) { vec(take(8, concat([[s, repeat-string(\"abcd\", length(s) / 4)]], all))) }) }",
            "for [s, same] in deref(kept#n) { if s != same { wrong!(\"a text has changed\", s) } }",
            "let s = sb/to-string(text#n) let t = s ++ \"efgh\" if t != substring(t, 0, length(s)) ++ \"efgh\" || substring(t, 0, length(s)) != s { wrong!(\"a text and its end\", t) } if string-contains?(sb/to-string(text#n), \"e\") { wrong!(\"a builder has changed with a text of it\", t) }",
        ],
        end: "length(sb/to-string(text#n)) == sb/length(text#n)",
    },
    Thing {
        name: "log",
        declarations: "let log#n = sb/new()\nlet logged#n = atom(0)",
        acts: &[
            "if deref(logged#n) < 4000 { sb/append!(log#n, \"<#k>\") swap!(logged#n, fn(n) { n + 1 }) }",
            "if deref(logged#n) < 4000 { for j in range(0, 20) { sb/append!(log#n, \"<#k ${i}>\") } swap!(logged#n, fn(n) { n + 20 }) }",
            "let s = sb/to-string(log#n) if length(s) > 0 && (s[0] != \"<\" || s[length(s) - 1] != \">\") { wrong!(\"a log is cut\", s) }",
        ],
        // Nothing that is appended is lost, or written over by another.
        end: "count(split(sb/to-string(log#n), \"<\")) == deref(logged#n) + 1 && count(split(sb/to-string(log#n), \">\")) == deref(logged#n) + 1",
    },
    Thing {
        name: "list",
        declarations: "let list#n = ml/new()\nlet vectors#n = atom([])",
        acts: &[
            "ml/push!(list#n, [#k, \"t${#k}\"])",
            "for j in range(0, 5) { ml/push!(list#n, [j, \"t${j}\"]) }",
            "let p = ml/pop!(list#n) if p != null && !pair?(p) { wrong!(\"popped\", p) }",
            "if ml/count(list#n) > 2000 { ml/clear!(list#n) }",
            "try { ml/set!(list#n, i % 7, [i, \"t${i}\"]) } catch (e) { null }",
            "let g = ml/get(list#n, i % 11, null) if g != null && !pair?(g) { wrong!(\"got\", g) }",
            "let v = ml/to-vec(list#n) if !all?(pair?, v) { wrong!(\"a vector of\", v) } if count(v) < 200 { reset!(vectors#n, [v, map(fn(p) { p[0] }, v)]) }",
            "match deref(vectors#n) { [v, firsts] => if vec(map(fn(p) { p[0] }, v)) != vec(firsts) { wrong!(\"a vector has changed\", v) }, _ => null }",
            "for p in list#n { if !pair?(p) { wrong!(\"found\", p) } }",
        ],
        end: "count(ml/to-vec(list#n)) == ml/count(list#n)",
    },
    Thing {
        name: "map",
        declarations: "let map#n = mm/new()\nlet maps#n = atom(null)",
        acts: &[
            "let key = i * 7 % 61 mm/put!(map#n, key, [key, \"t${key}\"])",
            "let key = \"k${i % 13}\" mm/put!(map#n, key, [key, \"t${key}\"])",
            "mm/remove!(map#n, i * 5 % 61)",
            "let key = i % 61 let v = mm/get(map#n, key, null) if v != null && (!pair?(v) || v[0] != key) { wrong!(\"the value of ${key}\", v) }",
            "let m = mm/to-map(map#n) if count(keys(m)) != count(m) || !all?(fn(key) { pair?(m[key]) && m[key][0] == key }, keys(m)) { wrong!(\"a map\", m) } reset!(maps#n, [m, repr(m)])",
            "match deref(maps#n) { [m, text] => if repr(m) != text { wrong!(\"a map has changed\", text) }, _ => null }",
            "if i % 40 == 0 { mm/clear!(map#n) }",
            "for [key, v] in mm/entries(map#n) { if !pair?(v) || v[0] != key { wrong!(\"an entry of ${key}\", v) } }",
        ],
        end: "count(mm/keys(map#n)) == mm/count(map#n) && count(mm/to-map(map#n)) == mm/count(map#n)",
    },
    Thing {
        name: "set",
        declarations: "let set#n = ms/new()",
        acts: &[
            "ms/add!(set#n, \"m${i % 50}\")",
            "ms/add!(set#n, i % 50)",
            "ms/remove!(set#n, \"m${i * 3 % 50}\")",
            "let s = ms/to-set(set#n) for m in s { if !contains?(s, m) || !(type-of(m) == String || type-of(m) == Int) { wrong!(\"a member\", m) } }",
            "if i % 30 == 0 { ms/clear!(set#n) }",
        ],
        end: "count(ms/to-set(set#n)) == ms/count(set#n)",
    },
    Thing {
        name: "array",
        declarations: "let array#n = ma/new-array(16, [0, \"t0\"])",
        acts: &[
            "let j = i % 16 array#n[j] = [j + i, \"t${j + i}\"]",
            "let p = array#n[i % 16] if !pair?(p) { wrong!(\"an element\", p) }",
            "ma/swap(array#n, i % 16, i * 3 % 16)",
            "if !all?(pair?, ma/to-vec(array#n)) { wrong!(\"elements\", ma/to-vec(array#n)) }",
            "ma/copy-range(array#n, array#n, i % 8, 4)",
            "if i % 25 == 0 { ma/fill(array#n, [i, \"t${i}\"]) }",
            "let ring = ma/new-array(1) let v = [i, ring] ring[0] = v if \"${v}\" != \"[${i}, array[…]]\" { wrong!(\"a cycle is printed\", to-string(v)) }",
        ],
        end: "all?(pair?, ma/to-vec(array#n))",
    },
    Thing {
        name: "atom",
        declarations: "let atom#n = atom([0, 0])\nlet counts#n = atom({})\nlet added#n = atom(0)",
        acts: &[
            "swap!(atom#n, fn([a, b]) { [a + 1, b - 1] })",
            "let [a, b] = deref(atom#n) if a + b != 0 { wrong!(\"a pair\", [a, b]) }",
            "swap!(counts#n, fn(m) { assoc(m, i % 9, get(m, i % 9, 0) + 1) }) swap!(added#n, fn(n) { n + 1 })",
        ],
        end: "sum(vals(deref(counts#n))) == deref(added#n)",
    },
    Thing {
        name: "fields",
        declarations: "struct Fields#n { mut whole, mut text, fixed: :fixed }\nlet fields#n = Fields#n { whole: 1, text: \"t1\" }",
        acts: &[
            "fields#n.whole = i fields#n.text = \"t${i}\"",
            "fields#n.whole = i << 70",
            "match fields#n { Fields#n { whole, text, fixed } => if type-of(whole) != Int || type-of(text) != String || fixed != :fixed { wrong!(\"fields\", [whole, text, fixed]) } }",
            "if type-of(fields#n.whole) != Int { wrong!(\"a field\", fields#n.whole) }",
            "if fields#n.fixed != :fixed { wrong!(\"a field\", fields#n.fixed) }",
            "let f = Fields#n { whole: 1, text: \"before\" } let g = Fields#n { ...f, whole: (f.text = \"after\") } if g.text != \"before\" { wrong!(\"a base that was read late\", g.text) }",
        ],
        end: "fields#n.fixed == :fixed",
    },
    Thing {
        name: "function",
        declarations: "fn f#n(x) { x }\nlet other#n = f#n\nfn calls#n(x) { f#n(x) + 0 }\nfn small#n(x) { x * 2 - x }",
        acts: &[
            "eval(\"fn f#n(x) { let y = x + ${i} y - ${i} }\")",
            "eval(\"fn f#n(x) { let mut s = 0 for j in range(0, 3) { s = s + x } s - x - x }\")",
            "eval(\"fn small#n(x) { x + ${i} - ${i} }\")",
            "eval(\"let f#n = other#n\")",
            "if f#n(i) != i { wrong!(\"f\", f#n(i)) }",
            "if calls#n(i) != i { wrong!(\"calls\", calls#n(i)) }",
            "let mut s = 0 for j in range(0, 200) { s = s + small#n(j) } if s != 19900 { wrong!(\"small\", s) }",
            "if vec(map(f#n, [1, 2, 3])) != [1, 2, 3] { wrong!(\"map\", null) }",
            "if f#n(0.5) != 0.5 { wrong!(\"f of a Float\", f#n(0.5)) }",
        ],
        end: "f#n(7) == 7 && calls#n(8) == 8 && small#n(9) == 9",
    },
    Thing {
        name: "tags",
        declarations: "fn tag#n(x) { 0 }\nlet tag-kept#n = tag#n\nfn tag-calls#n(x) { tag#n(x) }\nfn tag-sums#n(k) { let mut s = 0 for j in range(0, k) { s = s + tag#n(j) } s }",
        acts: &[
            "eval(\"fn tag#n(x) { ${i} }\")",
            "eval(\"let tag#n = tag-kept#n\")",
            "eval(\"let tag#n = fn(x) { ${i} }\")",
            "if type-of(tag-calls#n(1)) != Int { wrong!(\"a tag\", tag-calls#n(1)) }",
            "if type-of(tag-sums#n(9)) != Int { wrong!(\"tags\", tag-sums#n(9)) }",
        ],
        // What was compiled in the meantime calls what the name stands for.
        end: "tag-calls#n(1) == apply(tag#n, [1]) && tag-sums#n(2) == 2 * apply(tag#n, [1])",
    },
    Thing {
        name: "extended",
        declarations: "protocol X#n { fn x#n(self) }\nstruct XA#n { a }\nextend XA#n with X#n { fn x#n(self) { 0 } }\nextend XA#n { fn y#n() { 0 } }\nfn x-calls#n() { XA#n { a: 1 }.x#n() }\nfn y-calls#n() { XA#n.y#n() }",
        acts: &[
            "eval(\"extend XA#n with X#n { fn x#n(self) { ${i} } }\")",
            "eval(\"extend XA#n { fn y#n() { ${i} } }\")",
            "eval(\"struct XA#n { a, b: ${i % 3} }\")",
            "eval(\"struct XA#n { a }\")",
            "if type-of(x-calls#n()) != Int { wrong!(\"x\", x-calls#n()) }",
            "if type-of(y-calls#n()) != Int { wrong!(\"y\", y-calls#n()) }",
        ],
        end: "x-calls#n() == apply(x#n, [XA#n { a: 1 }]) && x-calls#n() == eval(\"XA#n { a: 1 }.x#n()\") && y-calls#n() == eval(\"XA#n.y#n()\")",
    },
    Thing {
        // One thread extends the type, so it knows at once what runs; the others look the same up meanwhile.
        name: "owned",
        declarations: "protocol Z#n { fn z#n(self) }\nstruct ZA#n { a }\nextend ZA#n with Z#n { fn z#n(self) { 0 } }\nfn z-calls#n() { ZA#n { a: 1 }.z#n() }",
        acts: &[
            "if #k == 0 { eval(\"extend ZA#n with Z#n { fn z#n(self) { ${i} } }\") if z-calls#n() != i || z#n(ZA#n { a: 1 }) != i { wrong!(\"an older answer than\", i) } }",
            "if type-of(z-calls#n()) != Int || type-of(z#n(ZA#n { a: 1 })) != Int { wrong!(\"z\", z-calls#n()) }",
        ],
        end: "z-calls#n() == apply(z#n, [ZA#n { a: 1 }])",
    },
    Thing {
        name: "arities",
        declarations: "fn many#n {\n    (a) => a\n    (a, b) => a + b\n    (a, ...rest) => a + sum(rest)\n}",
        acts: &[
            "eval(\"fn many#n {\\n (a) => a + ${i} - ${i}\\n (a, b) => b + a\\n (a, ...rest) => sum(rest) + a\\n}\")",
            "eval(\"fn many#n {\\n (a) => a\\n (...all) => sum(all)\\n}\")",
            "if many#n(i) != i { wrong!(\"one\", many#n(i)) }",
            "if many#n(i, 1) != i + 1 { wrong!(\"two\", many#n(i, 1)) }",
            "if many#n(i, 1, 2) != i + 3 { wrong!(\"three\", many#n(i, 1, 2)) }",
            "if many#n(1, 2, 3, 4, 5, 6, 7, i) != 28 + i { wrong!(\"eight\", null) }",
            "if apply(many#n, [i, 1, 2, 3]) != i + 6 { wrong!(\"apply\", null) }",
        ],
        end: "many#n(1) == 1 && many#n(1, 2) == 3 && many#n(1, 2, 3) == 6",
    },
    Thing {
        name: "methods",
        declarations: "protocol P#n { fn m#n(self, x) }\nstruct A#n { a }\nstruct B#n { b }\nextend A#n with P#n { fn m#n(self, x) { x } }\nextend B#n with P#n { fn m#n(self, x) { x + self.b } }\nextend A#n { fn make#n(x) { A#n { a: x } } }",
        acts: &[
            "eval(\"extend A#n with P#n { fn m#n(self, x) { let y = x + ${i} y - ${i} } }\")",
            "eval(\"extend B#n with P#n { fn m#n(self, x) { let y = self.b + ${i} x + y - ${i} } }\")",
            "eval(\"extend A#n { fn make#n(x) { let y = x A#n { a: y } } }\")",
            "eval(\"extend String with P#n { fn m#n(self, x) { x } }\")",
            "let a = A#n { a: i } if a.m#n(i) != i || m#n(a, i) != i { wrong!(\"m of A\", null) }",
            "let b = B#n { b: i } if b.m#n(1) != i + 1 { wrong!(\"m of B\", b.m#n(1)) }",
            "for v in [A#n { a: 1 }, B#n { b: 0 }, A#n { a: 2 }] { if v.m#n(i) != i { wrong!(\"m\", v) } }",
            "if A#n.make#n(i).a != i { wrong!(\"make\", null) }",
        ],
        end: "A#n { a: 1 }.m#n(5) == 5 && B#n { b: 1 }.m#n(5) == 6 && A#n.make#n(4).a == 4",
    },
    Thing {
        name: "struct",
        declarations: "struct S#n { a }\nfn s-make#n(x) { S#n { a: x } }\nfn s-read#n(s) { s.a }\nlet s-kept#n = atom(S#n { a: 5 })",
        acts: &[
            "eval(\"struct S#n { a }\")",
            "eval(\"struct S#n { b: ${i % 4}, a }\")",
            "eval(\"struct S#n { a, c: :c }\")",
            "if s-read#n(s-make#n(i)) != i { wrong!(\"made and read\", null) }",
            "match s-make#n(i) { S#n { a } => if a != i { wrong!(\"matched\", a) }, v => wrong!(\"not matched\", v) }",
            "reset!(s-kept#n, S#n { a: 5 })",
            "if deref(s-kept#n).a != 5 || s-read#n(deref(s-kept#n)) != 5 { wrong!(\"kept\", deref(s-kept#n)) }",
            "let mut s = 0 for j in range(0, 50) { s = s + s-read#n(s-make#n(j)) } if s != 1225 { wrong!(\"the sum\", s) }",
            "let s = s-make#n(i) let t = S#n { ...s, a: i + 1 } if t.a != i + 1 { wrong!(\"updated\", t) }",
        ],
        end: "s-make#n(3).a == 3 && s-read#n(deref(s-kept#n)) == 5",
    },
    Thing {
        name: "enum",
        declarations: "enum E#n { none, one { v } }\nfn e-make#n(x) { if x % 2 == 0 { E#n.none } else { E#n.one { v: x } } }\nfn e-read#n(e) { match e { E#n.none => 0, E#n.one { v } => v, _ => -1 } }",
        acts: &[
            "eval(\"enum E#n { none, one { v }, two }\")",
            "eval(\"enum E#n { none, one { v, w: ${i % 3} } }\")",
            "eval(\"enum E#n { none, one { v } }\")",
            "if e-read#n(e-make#n(i)) != i % 2 * i { wrong!(\"made and read\", e-make#n(i)) }",
            "let mut s = 0 for j in range(0, 20) { s = s + e-read#n(e-make#n(j)) } if s != 100 { wrong!(\"the sum\", s) }",
        ],
        end: "e-read#n(e-make#n(3)) == 3 && e-read#n(e-make#n(2)) == 0",
    },
    Thing {
        name: "closures",
        declarations: "let closure#n = atom(fn(x) { x })",
        acts: &[
            "let c = i reset!(closure#n, fn(x) { x + c - c })",
            "swap!(closure#n, fn(old) { fn(x) { x } })",
            "reset!(closure#n, eval(\"fn(x) { x + ${i} - ${i} }\"))",
            "let f = deref(closure#n) if f(i) != i { wrong!(\"a closure\", f(i)) }",
            "if vec(filter(fn(x) { deref(closure#n)(x) > 1 }, [1, 2, 3])) != [2, 3] { wrong!(\"filter\", null) }",
        ],
        end: "deref(closure#n)(4) == 4",
    },
    Thing {
        name: "dynamic",
        declarations: "let dynamic depth#n = 0\nfn deeper#n(k) { if k == 0 { depth#n } else { binding (depth#n = depth#n + 1) { deeper#n(k - 1) } } }",
        acts: &[
            "if deeper#n(i % 20) != i % 20 { wrong!(\"depth\", deeper#n(i % 20)) }",
            "binding (depth#n = #k) { if deeper#n(2) != #k + 2 { wrong!(\"depth\", null) } }",
            "if depth#n != 0 { wrong!(\"depth outside\", depth#n) }",
            "try { binding (depth#n = 9) { throw(\"out\") } } catch (e) { if depth#n != 0 { wrong!(\"depth behind\", depth#n) } }",
        ],
        end: "depth#n == 0",
    },
    Thing {
        name: "lazy",
        declarations: "let lazy#n = atom(map(fn(x) { x * 2 }, range(0, 40)))",
        acts: &[
            "reset!(lazy#n, map(fn(x) { x * 2 }, range(0, 10 + i % 60)))",
            "let all = vec(deref(lazy#n)) if sum(all) != count(all) * (count(all) - 1) { wrong!(\"a sequence\", all) }",
            "let s = deref(lazy#n) if first(s) != 0 || first(rest(s)) != 2 { wrong!(\"the first\", first(s)) }",
        ],
        end: "first(deref(lazy#n)) == 0",
    },
    Thing {
        name: "names",
        declarations: "let names#n = atom(0)",
        acts: &[
            "let k = string->keyword(\"key#n-${i % 400}\") if k != string->keyword(\"key#n-${i % 400}\") { wrong!(\"a keyword\", k) }",
            "let v = eval(\"let fresh#nx${i % 30} = ${i % 30}\") let w = eval(\"fresh#nx${i % 30}\") if w != i % 30 { wrong!(\"a name\", w) }",
            "let a = atom(1) let s = into-set([a, names#n, a]) if count(s) != 2 || !contains?(s, names#n) { wrong!(\"identities\", null) }",
        ],
        end: "count(into-set([names#n, names#n])) == 1",
    },
];

const MODULES: &[&str] =
    &["string-builder as sb", "mutable-list as ml", "mutable-map as mm", "mutable-set as ms", "mutable-array as ma"];

const BEGINNING: &str = "let stop = atom(false)
let faults = atom([])
fn wrong!(what, value) { swap!(faults, fn(all) { if count(all) < 5 { push(all, \"${what}: ${repr(value)}\") } else { all } }) null }
fn pair?(p) { type-of(p) == Vector && count(p) == 2 && p[1] == \"t${p[0]}\" }
";

/// A program that prints `[]`, and runs for so many milliseconds.
pub fn program(random: &mut Random, milliseconds: u64) -> String {
    let mut text = String::new();
    let mut things: Vec<(usize, &Thing)> = Vec::new();
    for n in 0..1 + random.below(5) {
        things.push((n, random.pick(THINGS)));
    }
    let named = |text: &str, n: usize| text.replace("#n", &n.to_string());
    for (n, thing) in &things {
        let _ = writeln!(text, "\n// {}\n{}", thing.name, named(thing.declarations, *n));
    }
    let threads = 2 + random.below(7);
    for k in 0..threads {
        let _ = writeln!(
            text,
            "\nfn worker{k}() {{\n    let mut i = {}\n    while !deref(stop) {{\n        i = i + 1",
            k * 3
        );
        for _ in 0..3 + random.below(8) {
            let (n, thing) = *random.pick(&things);
            let act = thing.acts[random.below(thing.acts.len())];
            let act = named(act, n).replace("#k", &k.to_string());
            let _ = match random.below(4) {
                // What is rare finds others in the midst of something else.
                0 => writeln!(text, "        if i % {} == 0 {{ {act} }}", 2 + random.below(6)),
                _ => writeln!(text, "        if true {{ {act} }}"),
            };
        }
        text.push_str("    }\n    i\n}\n");
    }
    let _ = writeln!(text, "\nfn main() {{\n    let threads = [");
    for k in 0..threads {
        let _ = writeln!(text, "        thread(worker{k}),");
    }
    let _ =
        writeln!(text, "    ]\n    sleep({milliseconds})\n    reset!(stop, true)\n    for t in threads {{ join(t) }}");
    for (n, thing) in &things {
        let _ = writeln!(text, "    if !({}) {{ wrong!(\"{} at the end\", null) }}", named(thing.end, *n), thing.name);
    }
    with_modules(text)
}

/// A program that prints `[]`, and for so many milliseconds runs things from their declarations on, under other names each time: what is
/// compiled is compiled for the first time, while other threads change what it depends on.
pub fn beginnings(random: &mut Random, milliseconds: u64) -> String {
    let quoted =
        |text: String| text.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "\\${").replace("#n", "${r}");
    let mut text = format!("\nfn main() {{\n    let end = time-now() + {milliseconds}000000\n    let mut r = 0\n");
    text.push_str("    while time-now() < end {\n");
    for _ in 0..6 {
        let _ = writeln!(text, "        r = r + 1\n        eval(\"{}\")", quoted(beginning(random)));
    }
    text.push_str("    }\n");
    with_modules(text)
}

/// One thing that can be changed, threads that change it and look at it, and what must be true at the end.
fn beginning(random: &mut Random) -> String {
    let changing: Vec<&Thing> = THINGS.iter().filter(|t| t.acts.iter().any(|act| act.contains("eval("))).collect();
    let thing = *random.pick(&changing);
    let mut text = format!("{}\n", thing.declarations);
    let threads = 2 + random.below(3);
    for k in 0..threads {
        let turns = 2 + random.below(8);
        let _ = writeln!(text, "fn worker{k}of#n() {{\n    for i in range({}, {}) {{", k * 3, k * 3 + turns);
        for _ in 0..2 + random.below(4) {
            let act = random.pick(thing.acts).replace("#k", &k.to_string());
            let _ = writeln!(text, "        if true {{ {act} }}");
        }
        text.push_str("    }\n}\n");
    }
    let started: String = (0..threads).map(|k| format!("thread(worker{k}of#n), ")).collect();
    let (end, name) = (thing.end, thing.name);
    let _ = writeln!(text, "fn all#n() {{\n    for t in vec([{started}]) {{ join(t) }}");
    let _ = writeln!(text, "    if !({end}) {{ wrong!(\"{name} at the end\", #n) }}\n}}\nall#n()");
    text
}

/// The whole program, which takes in what it uses.
fn with_modules(mut text: String) -> String {
    text.push_str("    println(deref(faults))\n}\n");
    let used = MODULES.iter().filter(|module| text.contains(&format!("{}/", &module[module.len() - 2..])));
    let uses: String = used.map(|module| format!("use {module}\n")).collect();
    uses + BEGINNING + &text
}

/// Every act of every thing by one thread alone: what must hold with others holds without.
pub fn alone() -> String {
    let mut text = String::new();
    let named = |text: &str, n: usize| text.replace("#n", &n.to_string()).replace("#k", "0");
    for (n, thing) in THINGS.iter().enumerate() {
        let _ = writeln!(text, "\n// {}\n{}", thing.name, named(thing.declarations, n));
    }
    text.push_str("\nfn main() {\n    for i in range(1, 60) {\n");
    for (n, thing) in THINGS.iter().enumerate() {
        for act in thing.acts {
            let _ = writeln!(text, "        if true {{ {} }}", named(act, n));
        }
    }
    text.push_str("    }\n");
    for (n, thing) in THINGS.iter().enumerate() {
        let _ = writeln!(text, "    if !({}) {{ wrong!(\"{} at the end\", null) }}", named(thing.end, n), thing.name);
    }
    with_modules(text)
}
