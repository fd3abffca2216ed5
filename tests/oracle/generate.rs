//! Makes programs up: mostly of the right types, and now and then not.

mod patterns;
mod statements;
mod ways;

use super::ast::*;
use super::random::Random;
use super::value::*;
use std::rc::Rc;

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Ty {
    Num,
    Str,
    Vector,
    Array,
    Pair,
    Way,
    Fn(usize),
    Bool,
    Any,
}

const TYPES: [Ty; 14] = [
    Ty::Num,
    Ty::Num,
    Ty::Num,
    Ty::Num,
    Ty::Num,
    Ty::Str,
    Ty::Vector,
    Ty::Array,
    Ty::Pair,
    Ty::Way,
    Ty::Fn(1),
    Ty::Fn(2),
    Ty::Bool,
    Ty::Any,
];

#[derive(Clone)]
struct Known {
    var: Var,
    ty: Ty,
    mutable: bool,
}

pub struct Signature {
    pub params: Vec<Ty>,
    pub rest: bool,
    pub recursive: bool,
}

pub struct Maker<'r> {
    pub random: &'r mut Random,
    scope: Vec<Known>,
    next: u32,
    in_loop: bool,
    /// How many more nodes this function may have.
    budget: i32,
    /// How deep in loops.
    loops: usize,
    own: Option<(usize, Var, Vec<Ty>)>,
    /// In a function of its own inside: no call of the outer one.
    inner: usize,
}

fn lit(n: i64) -> Expr {
    Expr::Lit(int(n))
}

fn bin(op: Op, a: Expr, b: Expr) -> Expr {
    Expr::Bin(op, Box::new(a), Box::new(b))
}

impl Maker<'_> {
    pub fn new(random: &mut Random) -> Maker<'_> {
        Maker { random, scope: Vec::new(), next: 0, in_loop: false, budget: 0, loops: 0, own: None, inner: 0 }
    }

    /// A small top-level function, mostly without effects: the generator writes such in place of their calls.
    pub fn small_function(&mut self, earlier: &[Signature]) -> (Function, Signature) {
        self.scope.clear();
        self.budget = 12;
        self.in_loop = false;
        self.loops = 2;
        self.inner = 0;
        let tys: Vec<Ty> = (0..1 + self.random.below(3)).map(|_| *self.random.pick(&TYPES)).collect();
        let params = tys.iter().map(|ty| self.bind(*ty)).collect();
        let mut body = Vec::new();
        for _ in 0..self.random.below(3) {
            let ty = *self.random.pick(&[Ty::Num, Ty::Num, Ty::Bool, Ty::Vector]);
            let value = self.pure(ty, 2, earlier);
            let pattern = self.bind(ty);
            body.push(Expr::Let(pattern, false, Box::new(value)));
        }
        let ty = *self.random.pick(&[Ty::Num, Ty::Num, Ty::Num, Ty::Bool]);
        body.push(self.pure(ty, 3, earlier));
        self.loops = 0;
        (Function { params, rest: None, body, name: None }, Signature { params: tys, rest: false, recursive: false })
    }

    /// An expression of what can be written in place, and now and then of anything.
    fn pure(&mut self, ty: Ty, depth: usize, earlier: &[Signature]) -> Expr {
        if depth == 0 || self.random.chance(15) {
            return match self.known(ty) {
                Some(var) => Expr::Var(var),
                None => self.simple(ty),
            };
        }
        let d = depth - 1;
        let choice = self.random.below(14);
        match (choice, ty) {
            (0, _) => self.expr(ty, d, earlier),
            (1..4, _) => {
                let c = self.pure(Ty::Bool, d, earlier);
                let (a, b) = (self.pure(ty, d, earlier), self.pure(ty, d, earlier));
                let a = if self.random.chance(10) { Expr::Throw(Box::new(a)) } else { a };
                Expr::If(Box::new(c), vec![a], Some(vec![b]))
            }
            (4, _) if !earlier.is_empty() => {
                let f = self.random.below(earlier.len());
                if earlier[f].recursive || earlier[f].rest {
                    return self.simple(ty);
                }
                Expr::Call(f, earlier[f].params.iter().map(|ty| self.pure(*ty, d, &[])).collect())
            }
            (_, Ty::Bool) => {
                let op = *self.random.pick(&[Op::Eq, Op::Lt, Op::Le, Op::Gt, Op::Ge, Op::Ne]);
                let (a, b) = (self.pure(Ty::Num, d, earlier), self.pure(Ty::Num, d, earlier));
                match choice {
                    5 => Expr::Not(Box::new(bin(op, a, b))),
                    6 => Expr::AndThen(Box::new(bin(op, a, b)), Box::new(self.pure(Ty::Bool, d, earlier))),
                    7 => Expr::OrElse(Box::new(bin(op, a, b)), Box::new(self.pure(Ty::Bool, d, earlier))),
                    _ => bin(op, a, b),
                }
            }
            (5, Ty::Num) => Expr::Neg(Box::new(self.pure(Ty::Num, d, earlier))),
            (6, Ty::Num) => {
                let o = self.pure(Ty::Pair, d, earlier);
                Expr::Field(Box::new(o), if self.random.chance(50) { "a" } else { "b" })
            }
            (7, Ty::Num) => {
                let ty = *self.random.pick(&[Ty::Vector, Ty::Array]);
                let a = self.pure(ty, d, earlier);
                Expr::Index(Box::new(a), Box::new(lit(self.random.below(3) as i64)))
            }
            (_, Ty::Num) => {
                let op = *self.random.pick(&[Op::Add, Op::Sub, Op::Mul, Op::Div, Op::Rem, Op::And, Op::Shl, Op::Add]);
                bin(op, self.pure(Ty::Num, d, earlier), self.pure(Ty::Num, d, earlier))
            }
            _ => self.simple(ty),
        }
    }

    /// A top-level function that may call those before it.
    pub fn function(&mut self, earlier: &[Signature]) -> (Function, Signature) {
        self.scope.clear();
        self.budget = 60 + self.random.below(400) as i32;
        self.in_loop = false;
        self.loops = 0;
        self.inner = 0;
        let n = if self.random.chance(10) { 5 + self.random.below(6) } else { self.random.below(5) };
        let recursive = n > 0 && self.random.chance(30);
        let mut tys: Vec<Ty> = (0..n).map(|_| *self.random.pick(&TYPES)).collect();
        let mut params = Vec::new();
        let mut body = Vec::new();
        for k in 0..n {
            if recursive && k == 0 {
                tys[0] = Ty::Num;
                let var = self.fresh(false);
                params.push(Pat::Bind(var.clone()));
                let stop = Expr::Return(Some(Box::new(lit(self.random.below(9) as i64))));
                body.push(Expr::If(Box::new(bin(Op::Le, Expr::Var(var.clone()), lit(0))), vec![stop], None));
                self.own = Some((earlier.len(), var.clone(), Vec::new()));
                self.scope.push(Known { var, ty: Ty::Num, mutable: false });
            } else if tys[k] == Ty::Pair && self.random.chance(30) {
                params.push(self.pair_pattern());
            } else {
                let var = self.fresh(false);
                params.push(Pat::Bind(var.clone()));
                self.scope.push(Known { var, ty: tys[k], mutable: false });
            }
        }
        if let Some((_, _, t)) = &mut self.own {
            *t = tys.clone();
        }
        let rest = (!recursive && self.random.chance(12)).then(|| self.fresh(false));
        if let Some(r) = &rest {
            self.scope.push(Known { var: r.clone(), ty: Ty::Vector, mutable: false });
        }
        let locals = if self.random.chance(40) { self.random.below(40) } else { self.random.below(5) };
        for _ in 0..locals {
            let s = self.binding(1, earlier);
            body.push(s);
        }
        for _ in 0..1 + self.random.below(6) {
            let s = self.statement(3, earlier);
            body.push(s);
        }
        // What there is at the end is the result.
        let mut visible: Vec<Expr> = Vec::new();
        for k in self.visible() {
            if !matches!(k.ty, Ty::Fn(_)) {
                visible.push(Expr::Var(k.var));
            }
        }
        if self.random.chance(75) {
            body.push(Expr::Vector(visible));
        } else {
            let e = self.expr(Ty::Num, 4, earlier);
            body.push(e);
        }
        self.own = None;
        let signature = Signature { params: tys, rest: rest.is_some(), recursive };
        (Function { params, rest, body, name: None }, signature)
    }

    /// The arguments of a call from outside; the first ones are Ints wherever numbers are asked for.
    pub fn arguments(&mut self, s: &Signature, turn: usize) -> Vec<Expr> {
        self.scope.clear();
        let mut args = Vec::new();
        for (k, ty) in s.params.iter().enumerate() {
            let e = match ty {
                Ty::Num if s.recursive && k == 0 => lit(1 + self.random.below(4) as i64),
                Ty::Num if turn == 0 => lit(self.random.below(100) as i64),
                Ty::Num if turn == 1 => Expr::Lit(V::Float(self.random.below(100) as f64 + 0.5)),
                _ if turn == 3 && self.random.chance(30) => {
                    let ty = *self.random.pick(&TYPES);
                    self.simple(ty)
                }
                _ => self.simple(*ty),
            };
            args.push(e);
        }
        if s.rest {
            for _ in 0..self.random.below(4) {
                args.push(lit(self.random.below(10) as i64));
            }
        }
        args
    }

    fn fresh(&mut self, shadow: bool) -> Var {
        self.next += 1;
        let id = self.next;
        let shadow = shadow && !self.scope.is_empty() && self.random.chance(8);
        if shadow {
            let name = self.random.pick(&self.scope).var.name.clone();
            if !name.starts_with('c') {
                return Var { id, name };
            }
        }
        Var { id, name: format!("v{id}") }
    }

    fn visible(&self) -> Vec<Known> {
        let mut seen = std::collections::HashSet::new();
        let mut all: Vec<Known> =
            self.scope.iter().rev().filter(|k| seen.insert(k.var.name.clone())).cloned().collect();
        all.reverse();
        all
    }

    fn known(&mut self, ty: Ty) -> Option<Var> {
        let all: Vec<Var> = self.visible().into_iter().filter(|k| k.ty == ty).map(|k| k.var).collect();
        if all.is_empty() { None } else { Some(self.random.pick(&all).clone()) }
    }

    fn simple(&mut self, ty: Ty) -> Expr {
        match ty {
            Ty::Num => self.number(),
            Ty::Str => Expr::Lit(V::Str(["", "a", "bc", "xyz", "q1"][self.random.below(5)].into())),
            Ty::Vector => {
                let n = self.random.below(4);
                Expr::Vector((0..n).map(|_| self.number()).collect())
            }
            Ty::Array => {
                let n = 1 + self.random.below(3);
                Expr::Array((0..n).map(|_| self.number()).collect())
            }
            Ty::Pair => {
                let (a, b) = (self.number(), self.number());
                Expr::Pair(Box::new(a), Box::new(b))
            }
            Ty::Way => {
                let k = self.random.below(3);
                let n = WAYS[k].1.len();
                Expr::Way(k, (0..n).map(|_| self.number()).collect())
            }
            Ty::Fn(n) => {
                let params: Vec<Var> = (0..n).map(|_| self.fresh(false)).collect();
                let body = params.iter().fold(self.number(), |e, p| bin(Op::Add, e, Expr::Var(p.clone())));
                let params = params.into_iter().map(Pat::Bind).collect();
                Expr::Lambda(Rc::new(Function { params, rest: None, body: vec![body], name: None }))
            }
            Ty::Bool => Expr::Lit(V::Bool(self.random.chance(50))),
            Ty::Any => {
                let v = [V::Null, V::Keyword("k"), V::Keyword("even"), V::Bool(true), V::Str("any".into()), int(3)];
                Expr::Lit(self.random.pick(&v).clone())
            }
        }
    }

    fn number(&mut self) -> Expr {
        if self.random.chance(65) {
            return lit(self.random.below(20) as i64 - 4);
        }
        let m: i64 = 1 << 60;
        let edges =
            [m - 1, m, -m, -m - 1, m / 2, m / 2 - 1, m + 1, i64::MAX, i64::MIN, 1 << 31, (1 << 32) + 5, 1 << 52];
        let floats =
            [0.5, 1.5, -2.25, 0.0, -0.0, 1e18, 1e300, -1e300, 3.0, 1e-5, 1e100, f64::NAN, (1u64 << 60) as f64, 1e-200];
        match self.random.below(10) {
            0..5 => lit(*self.random.pick(&edges)),
            5 => Expr::Lit(V::Int(dashu_int::IBig::from(3) << (60 + self.random.below(70)))),
            _ => Expr::Lit(V::Float(*self.random.pick(&floats))),
        }
    }

    fn index(&mut self, depth: usize, earlier: &[Signature]) -> Expr {
        if self.random.chance(80) {
            lit(self.random.below(3) as i64)
        } else {
            self.expr(Ty::Num, depth.min(1), earlier)
        }
    }

    fn lambda(&mut self, n: usize, depth: usize, earlier: &[Signature], value: Option<Ty>) -> Function {
        let kept = self.scope.len();
        let loops = self.loops;
        self.loops += 1;
        let in_loop = std::mem::replace(&mut self.in_loop, false);
        self.inner += 1;
        let mut params = Vec::new();
        for _ in 0..n {
            let var = self.fresh(false);
            params.push(Pat::Bind(var.clone()));
            self.scope.push(Known { var, ty: Ty::Num, mutable: false });
        }
        let mut body = self.block(depth, earlier, Some(value.unwrap_or(Ty::Num)));
        if self.random.chance(40)
            && let Some(k) = { self.visible().into_iter().rfind(|k| k.mutable && k.ty == Ty::Num) }
        {
            body.insert(0, Expr::Assign(k.var.clone(), Box::new(bin(Op::Add, Expr::Var(k.var), lit(1)))));
        }
        self.inner -= 1;
        self.in_loop = in_loop;
        self.loops = loops;
        self.scope.truncate(kept);
        Function { params, rest: None, body, name: None }
    }

    /// An expression, most often of the type.
    pub fn expr(&mut self, ty: Ty, depth: usize, earlier: &[Signature]) -> Expr {
        self.budget -= 1;
        let depth = if self.budget < 0 { 0 } else { depth };
        if self.random.below(250) == 0 {
            let ty = *self.random.pick(&TYPES);
            return self.simple(ty);
        }
        if (depth == 0 || self.random.chance(35))
            && let Some(v) = self.known(ty)
        {
            return Expr::Var(v);
        }
        if depth == 0 {
            return self.simple(ty);
        }
        let d = depth - 1;
        match self.random.below(60) {
            0..3 => {
                let c = self.expr(Ty::Bool, d, earlier);
                return Expr::If(Box::new(c), self.block(d, earlier, Some(ty)), Some(self.block(d, earlier, Some(ty))));
            }
            3 if self.loops < 2 => return self.try_block(d, earlier, Some(ty)),
            4 => return self.a_match(d, earlier, Some(ty)),
            5 if ty == Ty::Num => {
                // An assignment inside an operand.
                let all: Vec<Known> = self.visible().into_iter().filter(|k| k.mutable && k.ty == Ty::Num).collect();
                if !all.is_empty() {
                    let var = self.random.pick(&all).var.clone();
                    let e = self.expr(Ty::Num, d, earlier);
                    let set = Expr::Assign(var.clone(), Box::new(e));
                    let op = *self.random.pick(&[Op::Add, Op::Sub]);
                    return bin(op, bin(Op::Add, Expr::Var(var.clone()), set), Expr::Var(var));
                }
            }
            6 => {
                let (a, b) = (self.expr(ty, d, earlier), self.expr(ty, d, earlier));
                return if self.random.chance(50) {
                    Expr::AndThen(Box::new(a), Box::new(b))
                } else {
                    Expr::OrElse(Box::new(a), Box::new(b))
                };
            }
            7 | 8 => {
                if let Some(f) = self.known(Ty::Fn(1)) {
                    let a = self.expr(Ty::Num, d, earlier);
                    return Expr::CallValue(Box::new(Expr::Var(f)), vec![a]);
                }
                if let Some(f) = self.known(Ty::Fn(2)) {
                    let a = self.expr(Ty::Num, d, earlier);
                    let b = self.expr(Ty::Num, d, earlier);
                    return Expr::CallValue(Box::new(Expr::Var(f)), vec![a, b]);
                }
            }
            9..12 if !earlier.is_empty() && self.loops < 2 => {
                let f = self.random.below(earlier.len());
                if !earlier[f].recursive {
                    let n = earlier[f].params.len();
                    let mut args: Vec<Expr> = (0..n).map(|k| self.expr(earlier[f].params[k], d, earlier)).collect();
                    if earlier[f].rest && self.random.chance(50) {
                        args.push(self.expr(Ty::Num, d, earlier));
                    }
                    if self.random.chance(2) {
                        args.pop();
                    }
                    return Expr::Call(f, args);
                }
            }
            12..16 if self.loops == 0 && self.inner == 0 => {
                if let Some((f, n, tys)) = self.own.clone()
                    && self.visible().iter().any(|k| k.var.id == n.id)
                {
                    let mut args = vec![bin(Op::Sub, Expr::Var(n), lit(1 + self.random.below(2) as i64))];
                    for ty in &tys[1..] {
                        args.push(self.expr(*ty, d, earlier));
                    }
                    return Expr::Call(f, args);
                }
            }
            16 => return Expr::Dynamic,
            _ => {}
        }
        match ty {
            Ty::Num => self.numeric(d, earlier),
            Ty::Str => match self.random.below(4) {
                0 => bin(Op::Concat, self.expr(Ty::Str, d, earlier), self.expr(Ty::Str, d, earlier)),
                1 | 2 => {
                    let n = 1 + self.random.below(3);
                    let mut parts = Vec::new();
                    for _ in 0..n {
                        let ty = *self.random.pick(&[Ty::Num, Ty::Str, Ty::Pair, Ty::Vector, Ty::Any]);
                        let text = ["", "-", "x="][self.random.below(3)].to_string();
                        parts.push((text, self.expr(ty, d, earlier)));
                    }
                    Expr::Interpolate(parts)
                }
                _ => self.simple(Ty::Str),
            },
            Ty::Vector => match self.random.below(3) {
                0 => {
                    let (a, b) = (self.expr(Ty::Vector, d, earlier), self.expr(Ty::Num, d, earlier));
                    Expr::Push(Box::new(a), Box::new(b))
                }
                _ => {
                    let n = self.random.below(5);
                    Expr::Vector((0..n).map(|_| self.expr(Ty::Num, d, earlier)).collect())
                }
            },
            Ty::Array => {
                let n = 1 + self.random.below(4);
                Expr::Array((0..n).map(|_| self.expr(Ty::Num, d, earlier)).collect())
            }
            Ty::Pair => {
                let ty = if self.random.chance(85) { Ty::Num } else { Ty::Str };
                let (a, b) = (self.expr(ty, d, earlier), self.expr(Ty::Num, d, earlier));
                Expr::Pair(Box::new(a), Box::new(b))
            }
            Ty::Way => {
                let k = self.random.below(3);
                let n = WAYS[k].1.len();
                Expr::Way(k, (0..n).map(|_| self.expr(Ty::Num, d, earlier)).collect())
            }
            Ty::Fn(n) => Expr::Lambda(Rc::new(self.lambda(n, d.min(2), earlier, None))),
            Ty::Bool => match self.random.below(8) {
                0 => Expr::Not(Box::new(self.expr(Ty::Bool, d, earlier))),
                1 => bin(
                    *self.random.pick(&[Op::Eq, Op::Ne, Op::Lt, Op::Ge]),
                    self.expr(Ty::Str, d, earlier),
                    self.expr(Ty::Str, d, earlier),
                ),
                2 => {
                    let ty = *self.random.pick(&[Ty::Vector, Ty::Pair, Ty::Way, Ty::Any]);
                    let (a, b) = (self.expr(ty, d, earlier), self.expr(ty, d, earlier));
                    bin(*self.random.pick(&[Op::Eq, Op::Ne]), a, b)
                }
                _ => {
                    let op = *self.random.pick(&[Op::Eq, Op::Ne, Op::Lt, Op::Le, Op::Gt, Op::Ge]);
                    let (a, b) = (self.expr(Ty::Num, d, earlier), self.expr(Ty::Num, d, earlier));
                    bin(op, a, b)
                }
            },
            Ty::Any => {
                let ty = *self.random.pick(&TYPES[..10]);
                self.expr(ty, d, earlier)
            }
        }
    }

    fn numeric(&mut self, d: usize, earlier: &[Signature]) -> Expr {
        match self.random.below(24) {
            0..4 => bin(Op::Add, self.expr(Ty::Num, d, earlier), self.expr(Ty::Num, d, earlier)),
            4..7 => bin(Op::Sub, self.expr(Ty::Num, d, earlier), self.expr(Ty::Num, d, earlier)),
            7..10 => bin(Op::Mul, self.expr(Ty::Num, d, earlier), self.expr(Ty::Num, d, earlier)),
            10 => bin(Op::Div, self.expr(Ty::Num, d, earlier), self.expr(Ty::Num, d, earlier)),
            11 => bin(Op::Rem, self.expr(Ty::Num, d, earlier), self.expr(Ty::Num, d, earlier)),
            12 => bin(Op::Rem, self.expr(Ty::Num, d, earlier), lit(1 + self.random.below(1000) as i64)),
            13 => {
                let n = *self.random.pick(&[0, 1, 3, 30, 59, 60, 61, 63]);
                let op = *self.random.pick(&[Op::Shl, Op::Shr, Op::Shr, Op::UShr]);
                bin(op, self.expr(Ty::Num, d, earlier), lit(n))
            }
            14 | 15 => {
                let op = *self.random.pick(&[Op::And, Op::Or, Op::Xor]);
                bin(op, self.expr(Ty::Num, d, earlier), self.expr(Ty::Num, d, earlier))
            }
            16 => Expr::Neg(Box::new(self.expr(Ty::Num, d, earlier))),
            17 | 18 => {
                let ty = *self.random.pick(&[Ty::Vector, Ty::Array]);
                let a = self.expr(ty, d, earlier);
                let i = self.index(d, earlier);
                Expr::Index(Box::new(a), Box::new(i))
            }
            19 | 20 => {
                let o = self.expr(Ty::Pair, d, earlier);
                Expr::Field(Box::new(o), if self.random.chance(50) { "a" } else { "b" })
            }
            21 => Expr::Count(Box::new(self.expr(Ty::Vector, d, earlier))),
            22 => {
                let ty = *self.random.pick(&[Ty::Num, Ty::Pair, Ty::Vector]);
                let (o, k) = (self.expr(ty, d, earlier), self.expr(Ty::Num, d, earlier));
                Expr::Method(Box::new(o), vec![k])
            }
            _ => self.number(),
        }
    }
}
