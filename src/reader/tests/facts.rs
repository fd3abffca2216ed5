//! What the reader finds out about variables and loops.

use super::*;
use crate::reader::tree::{Arity, Function, Var, VarKind};

/// The only top-level function's first arity.
fn arity(unit: &Unit) -> &Arity {
    let function = unit.functions.iter().find(|f| f.parent.is_none() && f.name.is_some()).expect("a function");
    &function.arities[0]
}

fn named<'a>(unit: &'a Unit, arity: &'a Arity, name: &str) -> &'a Var {
    arity.vars.iter().find(|v| unit.name(v.name) == name).unwrap_or_else(|| panic!("no {name}"))
}

fn inner<'a>(unit: &'a Unit, name: &str) -> &'a Function {
    unit.functions.iter().find(|f| f.name.is_some_and(|n| unit.name(n) == name)).expect("a local function")
}

#[test]
fn captures_go_through_all_levels() {
    let unit = unit("fn f(a) { let mut t = 0 fn g() { fn h() { t = t + a } h } g }");
    let f = arity(&unit);
    assert!(named(&unit, f, "t").boxed && named(&unit, f, "t").captured && named(&unit, f, "t").assigned);
    assert!(named(&unit, f, "a").captured && !named(&unit, f, "a").boxed);
    for name in ["g", "h"] {
        let function = inner(&unit, name);
        assert_eq!(function.captures.len(), 2, "{name}");
        let arity = &function.arities[0];
        let t = named(&unit, arity, "t");
        assert!(t.boxed && t.assigned, "{name}");
        assert!(matches!(t.kind, VarKind::Captured(_)));
        assert!(!named(&unit, arity, "a").boxed);
    }
    // Making the closure reads what it captures.
    assert_eq!(named(&unit, f, "a").uses, 1);
}

#[test]
fn arities_share_captures() {
    let unit = unit("fn f(a, b) { fn g { () => b, (x) => a + b, (x, y) => a } g }");
    let g = inner(&unit, "g");
    let names: Vec<&str> = g.captures.iter().map(|v| unit.name(arity(&unit).vars[v.index()].name)).collect();
    assert_eq!(names, ["b", "a"]);
    assert_eq!(named(&unit, &g.arities[2], "a").kind, VarKind::Captured(1));
    assert_eq!(named(&unit, &g.arities[1], "b").kind, VarKind::Captured(0));
}

#[test]
fn a_local_function_knows_itself() {
    let unit = unit("fn f() { fn g(n) { fn() { g(n) } } g }");
    let g = &inner(&unit, "g").arities[0];
    assert_eq!(named(&unit, g, "g").kind, VarKind::SelfName);
    assert!(named(&unit, g, "g").captured);
    assert!(inner(&unit, "g").captures.is_empty());
}

#[test]
fn assigned_before_or_after_capture_is_boxed() {
    let unit = unit("fn f() { let mut a = 1 let mut b = 1 let c = 1 a = 2 let g = fn() { a + b + c } b = 3 g }");
    let f = arity(&unit);
    assert!(named(&unit, f, "a").boxed && named(&unit, f, "b").boxed && !named(&unit, f, "c").boxed);
}

#[test]
fn loops_know_what_they_assign() {
    let text = "fn f(n, k) { let mut s = 0 let mut i = 0 while i < n { let d = i s = s + d for x in k { s = s + x } i = i + 1 } s }";
    let unit = unit(text);
    let f = arity(&unit);
    let names = |ids: &[crate::reader::tree::VarId]| {
        let mut names: Vec<&str> = ids.iter().map(|v| unit.name(f.vars[v.index()].name)).collect();
        names.sort_unstable();
        names.join(" ")
    };
    assert_eq!(names(&f.loops[0].assigned), "i s");
    assert_eq!(names(&f.loops[1].assigned), "s");
    assert_eq!(named(&unit, f, "d").loop_, Some(crate::reader::tree::LoopId(0)));
    assert_eq!(named(&unit, f, "x").loop_, Some(crate::reader::tree::LoopId(1)));
}
