//! Sections 2, 3, 6, 7, 8 and 9: what is written how.

use super::*;

#[test]
fn precedence() {
    check(&[
        ("1 + 2 * 3", "Add(1, Multiply(2, 3))"),
        ("10 - 4 - 3", "Subtract(Subtract(10, 4), 3)"),
        ("1 << 2 + 1", "ShiftLeft(1, Add(2, 1))"),
        ("6 & 3 == 2", "Equal(BitAnd(6, 3), 2)"),
        ("1 | 2 ^ 3 & 4", "BitOr(1, BitXor(2, BitAnd(3, 4)))"),
        ("a == b && c < d || e", "Or(And(Equal(a, b), Less(c, d)), e)"),
        ("\"a\" ++ b == c", "Equal(Concat(\"a\", b), c)"),
        ("!a == b", "Equal(Not(a), b)"),
        ("-a.b", "Negate(field b(a))"),
        ("-a * b", "Multiply(Negate(a), b)"),
        ("!!a", "Not(Not(a))"),
        ("1 + 2 |> f(10)", "call(f, Add(1, 2), 10)"),
        ("a || b |> not", "call(not, Or(a, b))"),
        ("a % b / c", "Divide(Remainder(a, b), c)"),
        ("(a + b) * c", "Multiply(Add(a, b), c)"),
        ("(a < b) < c", "Less(Less(a, b), c)"),
        ("a.b = c |> d", "assign-field b(a, call(d, c))"),
    ]);
}

#[test]
fn pipes() {
    check(&[
        ("x |> f", "call(f, x)"),
        ("x |> f(a)", "call(f, x, a)"),
        ("x |>> f(a)", "call(f, a, x)"),
        ("x |> m/f", "call(m/f, x)"),
        ("x |> m/f(a)", "call(m/f, x, a)"),
        ("x |> (f(a))", "call(call(f, a), x)"),
        ("x |> f(a)(b)", "call(call(f, a), x, b)"),
        ("x |> o.m(a)", "method m(o, x, a)"),
        ("x |>> o.m(a)", "method m(o, a, x)"),
        ("x |> o.m", "method m(o, x)"),
        ("x |> (o.m)", "call(field m(o), x)"),
        ("x |> fn(y) { y }", "call(function(arity 1(bind $y, block($y))), x)"),
        ("x |> f |> g |>> h(1)", "call(h, 1, call(g, call(f, x)))"),
        ("x |> v[0]", "call(index(v, 0), x)"),
        ("x |> if a { f } else { g }", "call(if(a, block(f), block(g)), x)"),
    ]);
}

#[test]
fn collections() {
    check(&[
        ("[]\n[[1], [2]]", "vector, vector(vector(1), vector(2))"),
        ("[1, 2,]", "vector(1, 2)"),
        ("{} {:a 1, \"k\" 2, (1 + 2) 3}", "map, map(:a, 1, \"k\", 2, Add(1, 2), 3)"),
        ("{:name \"Ann\" :age 30}", "map(:name, \"Ann\", :age, 30)"),
        ("{3 4, true 5, null 6, -1 7, [1] 8}", "map(3, 4, true, 5, null, 6, -1, 7, vector(1), 8)"),
        ("{:a f (x)}", "map(:a, call(f, x))"),
        ("#{} #{1 2, 3}", "set, set(1, 2, 3)"),
        ("#{a {}}", "set(struct a)"),
        ("#{a {:k 1}}", "set(a, map(:k, 1))"),
        ("{(Point { x: 0 }) 1}[k]", "index(map(struct Point(x:, 0), 1), k)"),
        ("a[i]", "index(a, i)"),
        ("a[i] = v", "assign-index(a, i, v)"),
        ("a[i][j] = v", "assign-index(index(a, i), j, v)"),
        ("a.b.c = v", "assign-field c(field b(a), v)"),
    ]);
}

#[test]
fn struct_literals() {
    check(&[
        ("Point { x: 1, y: 2 }", "struct Point(x:, 1, y:, 2)"),
        ("Point { x: 1\n y: 2\n}", "struct Point(x:, 1, y:, 2)"),
        ("Point { x }", "struct Point(x:, x)"),
        ("Point { }", "struct Point"),
        ("Point { ...p, x: 1 }", "struct Point(..., p, x:, 1)"),
        ("E.v { x: 1 }.x", "field x(struct E.v(x:, 1))"),
        ("E.v", "field v(E)"),
        ("if (P { x: 1 }) == a { 2 }", "if(Equal(struct P(x:, 1), a), block(2))"),
        ("if a { 2 }", "if(a, block(2))"),
        ("for x in xs { x }", "for 0(bind $x, xs, block($x))"),
        ("match p { a => 1 }", "match(p, arm(bind $a, 1))"),
        ("if f(P { x: 1 }) { 2 }", "if(call(f, struct P(x:, 1)), block(2))"),
        ("while x { y }", "while 0(x, block(y))"),
        ("P { match: 1, in: 2 }.match", "field match(struct P(match:, 1, in:, 2))"),
    ]);
}

#[test]
fn branches_and_loops() {
    check(&[
        ("if a { 1 } else if b { 2 } else { 3 }", "if(a, block(1), if(b, block(2), block(3)))"),
        ("if a { }", "if(a, block)"),
        ("loop { break }", "loop 0(block(break 0))"),
        ("loop { break 1 }", "loop 0(block(break 0(1)))"),
        ("loop { break(1) }", "loop 0(block(break 0(1)))"),
        ("loop { break() }", "loop 0(block(break 0))"),
        ("loop { break\n1 }", "loop 0(block(break 0, 1))"),
        ("loop { break -1 }", "loop 0(block(break 0(-1)))"),
        ("loop { continue() }", "loop 0(block(continue 0))"),
        ("loop { loop { break } break }", "loop 0(block(loop 1(block(break 1)), break 0))"),
        ("for [k, v] in m { k }", "for 0(vector pattern(bind $k, bind $v), m, block($k))"),
        ("while a { b } + 1", "Add(while 0(a, block(b)), 1)"),
        ("if true { {:a 1} }", "if(true, block(map(:a, 1)))"),
        ("a || throw 1", "Or(a, throw(1))"),
    ]);
}

#[test]
fn matches_and_patterns() {
    check(&[
        ("match x { 1 => 2, _ => 3 }", "match(x, arm(literal(1), 2), arm(_, 3))"),
        (
            "match x {\n 1 => 2\n -1 => 3\n [] => 4 }",
            "match(x, arm(literal(1), 2), arm(literal(-1), 3), arm(vector pattern, 4))",
        ),
        ("match x { a if a > 1 => a }", "match(x, arm(bind $a, guard(Greater($a, 1)), $a))"),
        ("match x { 1 | 2 => 3 }", "match(x, arm(any of(literal(1), literal(2)), 3))"),
        (
            "match x { [1, a] | [a, 2] => a }",
            "match(x, arm(any of(vector pattern(literal(1), bind $a), vector pattern(bind $a, literal(2))), $a))",
        ),
        ("match x { [a, ...r, b] => r }", "match(x, arm(vector pattern(bind $a, ...(bind $r), bind $b), $r))"),
        ("match x { [...] => 1 }", "match(x, arm(vector pattern(...(_)), 1))"),
        ("match x { [...[a, b]] => 1 }", "match(x, arm(vector pattern(...(vector pattern(bind $a, bind $b))), 1))"),
        (
            "match x { {name, age: a, \"k\": 1} => a }",
            "match(x, arm(map pattern(:name(bind $name), :age(bind $a), \"k\"(literal(1))), $a))",
        ),
        ("match x { P { } => 1 }", "match(x, arm(type pattern P, 1))"),
        ("match x { P { x, y: 0 } => x }", "match(x, arm(type pattern P(x:(bind $x), y:(literal(0))), $x))"),
        (
            "match x { E.v => 1, E.w { f } => f }",
            "match(x, arm(type pattern E.v, 1), arm(type pattern E.w(f:(bind $f)), $f))",
        ),
        ("match x { q/P { x } => x }", "match(x, arm(type pattern q/P(x:(bind $x)), $x))"),
        ("match x { q/E.v => 1 }", "match(x, arm(type pattern q/E.v, 1))"),
        (
            "match x { \"s\" => 1, :k => 2, null => 3, true => 4, 1.5 => 5 }",
            "match(x, arm(literal(\"s\"), 1), arm(literal(:k), 2), arm(literal(null), 3), arm(literal(true), 4), arm(literal(1.5), 5))",
        ),
        ("match x { 1 => { 2 } 3 => { } }", "match(x, arm(literal(1), block(2)), arm(literal(3), block))"),
        ("match x { 1 => ({:a 1}) }", "match(x, arm(literal(1), map(:a, 1)))"),
        ("match x { P { h: 2 | 4 } => 1 }", "match(x, arm(type pattern P(h:(any of(literal(2), literal(4)))), 1))"),
        ("match x { }", "match(x)"),
        ("match x { a => let b = a }", "match(x, arm(bind $a, let(bind $b, $a)))"),
    ]);
}

#[test]
fn functions() {
    check(&[
        ("fn() { }", "function(arity 0(block))"),
        (
            "fn(a, [b, c], ...d) { c }",
            "function(arity 2+(bind $a, vector pattern(bind $b, bind $c), rest(bind $d), block($c)))",
        ),
        ("fn { () => 1, (a) => { a } }", "function(arity 0(1), arity 1(bind $a, block($a)))"),
        ("fn { () => 1\n (a, ...r) => a }", "function(arity 0(1), arity 1+(bind $a, rest(bind $r), $a))"),
        (
            "fn(x) { fn inner(n) { inner(n) } inner(x) }",
            "function(arity 1(bind $x, block(let-function $inner(arity 1(bind $n, block(call tail($inner, $n)))), call tail($inner, $x))))",
        ),
        ("map(fn f(n) { f(n) }, v)", "call(map, function(arity 1(bind $n, block(call tail($f, $n)))), v)"),
        ("fn() { return 1 }", "function(arity 0(block(return(1))))"),
        ("fn() { return\n1 }", "function(arity 0(block(return, 1)))"),
        ("fn() { return() }", "function(arity 0(block(return)))"),
        ("fn() { let x = 1 let x = x x }", "function(arity 0(block(let(bind $x, 1), let(bind $x, $x), $x)))"),
        (
            "fn({w, h}, P { x: a }) { a }",
            "function(arity 2(map pattern(:w(bind $w), :h(bind $h)), type pattern P(x:(bind $a)), block($a)))",
        ),
        ("fn() { let x = x }", "function(arity 0(block(let(bind $x, x))))"),
        ("fn() { if a { let x = 1 } x }", "function(arity 0(block(if(a, block(let(bind $x, 1))), x)))"),
    ]);
}

#[test]
fn tail_calls() {
    check(&[
        ("fn() { f() g() }", "function(arity 0(block(call(f), call tail(g))))"),
        (
            "fn() { if f() { g() } else { h.m() } }",
            "function(arity 0(block(if(call(f), block(call tail(g)), block(method m tail(h))))))",
        ),
        ("fn() { a[0] b[1][2] }", "function(arity 0(block(index(a, 0), index tail(index(b, 1), 2))))"),
        ("fn() { f() && g() }", "function(arity 0(block(And(call(f), call tail(g)))))"),
        ("fn() { f() || g() }", "function(arity 0(block(Or(call(f), call tail(g)))))"),
        ("fn() { match f() { 1 => g() } }", "function(arity 0(block(match(call(f), arm(literal(1), call tail(g))))))"),
        ("fn() { return f() }", "function(arity 0(block(return(call tail(f)))))"),
        ("fn() { loop { return f() } }", "function(arity 0(block(loop 0(block(return(call tail(f)))))))"),
        ("fn() { loop { break f() } }", "function(arity 0(block(loop 0(block(break 0(call(f)))))))"),
        (
            "fn() { try { f() } catch (e) { g() } }",
            "function(arity 0(block(try(block(call(f)), catch(bind $e, block(call(g)))))))",
        ),
        (
            "fn() { try { return f() } finally { } }",
            "function(arity 0(block(try(block(return(call(f))), finally(block)))))",
        ),
        (
            "fn() { binding (x = 1) { return f() } }",
            "function(arity 0(block(binding(x =, 1, block(return(call(f)))))))",
        ),
        (
            "fn() { try { fn() { f() } } finally { } }",
            "function(arity 0(block(try(block(function(arity 0(block(call tail(f))))), finally(block)))))",
        ),
        ("fn() { 1 + f() }", "function(arity 0(block(Add(1, call(f)))))"),
        ("fn() { let x = f() }", "function(arity 0(block(let(bind $x, call(f)))))"),
        ("fn() { a |> f(b) }", "function(arity 0(block(call tail(f, a, b))))"),
        ("f()", "call(f)"),
    ]);
}

#[test]
fn the_top_level() {
    check(&[
        ("let [a, b] = v", "define Plain(vector pattern(bind $a, bind $b), v)"),
        ("let dynamic x = 1", "define Dynamic(bind $x, 1)"),
        ("let dynamic = 1", "define Plain(bind $dynamic, 1)"),
        ("letonce x = 1", "define Once(bind $x, 1)"),
        ("let x = 1 x", "define Plain(bind $x, 1), x"),
        ("extend P with m/Q { fn f(self) { } }", "declare 0"),
        ("struct test { } test", "test"),
        ("use.x = 1", "assign-field x(use, 1)"),
        ("struct.x protocol(1) [export]", "field x(struct), index(call(protocol, 1), export)"),
    ]);
    let text = "namespace a/b\nuse c/d as e\nuse f { g, h }\nexport e/x, y\nfn f { () => 1\n (a) => 2 }\nstruct S { a, mut b: 1 }\nenum E { v, w { x } }\nprotocol P { fn m(self)  fn n(self, k) { k } fn o { (self), (self, k) { k } } }\nextend E.v with P { fn m(self) { 1 } }\nextend S { fn g(self) { 2 } fn h(self) { 3 } }\ntest \"t\" { assert!(true) }\nextend H with effect/Handler(E) { fn handle(self, op, resume) { 1 } }";
    let dump = dump(&unit(text));
    for line in [
        "namespace a/b",
        "use c/d as e {}",
        "use f as f {g h}",
        "export e/x",
        "export y",
        "fn f",
        "struct S",
        "  mut b",
        "enum E",
        "  variant w",
        "protocol P",
        "  method m abstract [1]",
        "  method n abstract []",
        "  method o abstract [1]",
        "extend E.v with P",
        "extend S",
        "test \"t\"",
        "extend H with effect/Handler(E)",
    ] {
        assert!(dump.lines().any(|l| l == line), "{line}\n{dump}");
    }
}

#[test]
fn forms_for_later_are_read() {
    check(&[
        ("try { 1 } catch (e, resume) { resume(2) }", "not yet `catch (e, resume)`"),
        ("reset { 1 + shift(fn(k) { k(2) }) }", "not yet `reset`"),
        ("shift(fn(k) { k })", "not yet `shift`"),
        ("perform E.op { x: 1 }", "not yet `perform`"),
        ("handle effect/Handler(E) with h { 1 }", "not yet `handle`"),
        ("future(1 + 2)", "not yet `future`"),
        ("async { 1 }", "not yet `async`"),
        ("async f(1)", "not yet `async`"),
        ("fn future(x) { x } future(1)", "call(future, 1)"),
        ("use m { shift }\nshift(1)", "call(shift, 1)"),
        ("fn(handle) { handle }", "function(arity 1(bind $handle, block($handle)))"),
        ("reset(1) handle(2) perform.x binding", "call(reset, 1), call(handle, 2), field x(perform), binding"),
        ("binding(1)", "call(binding, 1)"),
        ("binding (a = 1, m/b = 2) { c }", "binding(a =, 1, m/b =, 2, block(c))"),
    ]);
}
