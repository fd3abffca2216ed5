//! Makes a program that fails smaller, as long as it fails: the oracle says for each candidate what it should print.

use super::ast::*;
use super::value::int;
use std::rc::Rc;

/// Calls `f` for every expression below, outermost first, blocks included.
fn each(e: &mut Expr, f: &mut dyn FnMut(&mut Expr), blocks: &mut dyn FnMut(&mut Block)) {
    let mut all: Vec<&mut Expr> = Vec::new();
    let mut inner: Vec<&mut Block> = Vec::new();
    match e {
        Expr::Bin(_, a, b)
        | Expr::AndThen(a, b)
        | Expr::OrElse(a, b)
        | Expr::Pair(a, b)
        | Expr::SetField(a, b)
        | Expr::Index(a, b)
        | Expr::Push(a, b) => all.extend([&mut **a, &mut **b]),
        Expr::Not(a)
        | Expr::Neg(a)
        | Expr::Let(_, _, a)
        | Expr::Assign(_, a)
        | Expr::Throw(a)
        | Expr::Field(a, _)
        | Expr::Count(a)
        | Expr::Brief(a)
        | Expr::Note(a) => all.push(a),
        Expr::If(c, a, b) => {
            all.push(c);
            inner.push(a);
            inner.extend(b);
        }
        Expr::While(_, _, c, b) => {
            all.push(c);
            inner.push(b);
        }
        Expr::Loop(_, _, b) => inner.push(b),
        Expr::Range(_, x, y, b) => {
            all.extend([&mut **x, &mut **y]);
            inner.push(b);
        }
        Expr::For(_, x, b) | Expr::Binding(x, b) => {
            all.push(x);
            inner.push(b);
        }
        Expr::Break(Some(a)) | Expr::Return(Some(a)) => all.push(a),
        Expr::Try(b, c, d) => {
            inner.push(b);
            inner.extend(c.iter_mut().map(|(_, b)| b));
            inner.extend(d);
        }
        Expr::Match(a, arms) => {
            all.push(a);
            for (_, guard, b) in arms {
                all.extend(guard);
                inner.push(b);
            }
        }
        Expr::Call(_, a) | Expr::Way(_, a) | Expr::Vector(a) | Expr::Array(a) => all.extend(a),
        Expr::CallValue(o, a) | Expr::Method(o, a) => {
            all.push(o);
            all.extend(a);
        }
        Expr::Lambda(g) | Expr::LocalFn(_, g) => inner.push(&mut Rc::make_mut(g).body),
        Expr::SetIndex(a, b, c) => all.extend([&mut **a, &mut **b, &mut **c]),
        Expr::Interpolate(parts) => all.extend(parts.iter_mut().map(|(_, e)| e)),
        _ => {}
    }
    for e in all {
        f(e);
        each(e, f, blocks);
    }
    for b in inner {
        each_in(b, f, blocks);
    }
}

fn each_in(b: &mut Block, f: &mut dyn FnMut(&mut Expr), blocks: &mut dyn FnMut(&mut Block)) {
    blocks(b);
    for e in b {
        f(e);
        each(e, f, blocks);
    }
}

/// The parts of an expression that may stand for it.
fn parts(e: &Expr) -> Vec<Expr> {
    let mut found = Vec::new();
    let mut copy = e.clone();
    let mut depth = 0;
    each(
        &mut copy,
        &mut |e| {
            depth += 1;
            if depth <= 6 {
                found.push(e.clone());
            }
        },
        &mut |_| {},
    );
    if !matches!(e, Expr::Lit(_)) {
        found.insert(0, Expr::Lit(int(1)));
    }
    found
}

/// The blocks of an expression, whose statements may stand for it.
fn hoisted(e: &Expr) -> Vec<Block> {
    let mut found = Vec::new();
    let mut copy = e.clone();
    each(&mut copy, &mut |_| {}, &mut |b| found.push(b.clone()));
    found.truncate(4);
    found
}

/// Smaller and smaller programs for which `fails` holds.
pub fn reduce(mut functions: Vec<Function>, fails: &mut dyn FnMut(&[Function]) -> bool) -> Vec<Function> {
    let mut tries = 0;
    loop {
        let mut smaller = false;
        for k in 0..functions.len() {
            let mut candidate = functions.clone();
            candidate[k].body = vec![Expr::Lit(int(1))];
            if functions[k].body.len() > 1 && fails(&candidate) {
                functions = candidate;
                continue;
            }
            // Statements: gone, or what is inside them instead.
            let mut site = 0;
            loop {
                tries += 1;
                if tries > 3000 {
                    return functions;
                }
                let mut n = 0;
                let mut options: Vec<Vec<Expr>> = Vec::new();
                let mut probe = functions[k].body.clone();
                let mut look = |b: &mut Block| {
                    for e in b.iter() {
                        if n == site {
                            options.push(Vec::new());
                            options.extend(hoisted(e));
                        }
                        n += 1;
                    }
                };
                each_in(&mut probe, &mut |_| {}, &mut look);
                if options.is_empty() {
                    break;
                }
                let mut done = false;
                for option in options {
                    let mut candidate = functions.clone();
                    let mut n = 0;
                    each_in(&mut candidate[k].body, &mut |_| {}, &mut |b| {
                        let len = b.len();
                        if site >= n && site < n + len {
                            b.splice(site - n..site - n + 1, option.clone());
                            n = usize::MAX / 2;
                        } else {
                            n = n.saturating_add(len);
                        }
                    });
                    if fails(&candidate) {
                        functions = candidate;
                        done = true;
                        smaller = true;
                        break;
                    }
                }
                if !done {
                    site += 1;
                }
            }
            // Expressions.
            let mut site = 0;
            loop {
                tries += 1;
                if tries > 3000 {
                    return functions;
                }
                let mut n = 0;
                let mut options = Vec::new();
                let mut probe = functions[k].body.clone();
                let mut look = |e: &mut Expr| {
                    if n == site && !matches!(e, Expr::Let(..) | Expr::LocalFn(..) | Expr::While(..) | Expr::Loop(..)) {
                        options = parts(e);
                    }
                    n += 1;
                };
                each_in(&mut probe, &mut look, &mut |_| {});
                if site >= n {
                    break;
                }
                for option in options {
                    let mut candidate = functions.clone();
                    let mut n = 0;
                    each_in(
                        &mut candidate[k].body,
                        &mut |e| {
                            if n == site {
                                *e = option.clone();
                                n = usize::MAX / 2;
                            }
                            n += 1;
                        },
                        &mut |_| {},
                    );
                    if fails(&candidate) {
                        functions = candidate;
                        smaller = true;
                        break;
                    }
                }
                site += 1;
            }
        }
        if !smaller {
            return functions;
        }
    }
}
