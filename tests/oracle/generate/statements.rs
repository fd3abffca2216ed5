//! Statements: what is bound and assigned, loops, `try`, `match`, and blocks of such.

use super::*;

impl Maker<'_> {
    pub(super) fn binding(&mut self, depth: usize, earlier: &[Signature]) -> Expr {
        let ty = *self.random.pick(&TYPES);
        if matches!(ty, Ty::Vector | Ty::Pair) && self.random.chance(20) {
            let e = self.expr(ty, depth, earlier);
            let p = match ty {
                Ty::Pair => self.pair_pattern(),
                _ => {
                    let first = self.bind(Ty::Num);
                    match self.bind(Ty::Vector) {
                        Pat::Bind(rest) if pattern(&first) != rest.name => Pat::Vector(vec![first], Some(Some(rest))),
                        _ => Pat::Vector(vec![first], Some(None)),
                    }
                }
            };
            return Expr::Let(p, false, Box::new(e));
        }
        let e = self.expr(ty, depth, earlier);
        let mutable = self.random.chance(60);
        let var = self.fresh(true);
        self.scope.push(Known { var: var.clone(), ty, mutable });
        Expr::Let(Pat::Bind(var), mutable, Box::new(e))
    }

    pub(super) fn block(&mut self, depth: usize, earlier: &[Signature], value: Option<Ty>) -> Block {
        let kept = self.scope.len();
        let mut b = Vec::new();
        for _ in 0..self.random.below(3) + usize::from(value.is_none()) {
            let s = self.statement(depth, earlier);
            b.push(s);
        }
        if let Some(ty) = value {
            let e = self.expr(ty, depth, earlier);
            b.push(e);
        }
        self.scope.truncate(kept);
        b
    }

    pub(super) fn in_loop<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        let old = std::mem::replace(&mut self.in_loop, true);
        self.loops += 1;
        let kept = self.scope.len();
        let r = f(self);
        self.scope.truncate(kept);
        self.loops -= 1;
        self.in_loop = old;
        r
    }

    pub fn statement(&mut self, depth: usize, earlier: &[Signature]) -> Expr {
        self.budget -= 1;
        let depth = if self.budget < 0 { 0 } else { depth };
        let sub = depth.saturating_sub(1);
        match self.random.below(if depth == 0 { 10 } else { 24 }) {
            0..3 => self.binding(depth.min(3), earlier),
            3..7 => self.assign(depth.min(3), earlier),
            7 => {
                let ty = *self.random.pick(&[Ty::Num, Ty::Str, Ty::Vector, Ty::Pair, Ty::Way]);
                Expr::Note(Box::new(self.expr(ty, sub, earlier)))
            }
            8 => match (self.random.below(6), self.in_loop) {
                (0, true) => {
                    let c = self.expr(Ty::Bool, 1, earlier);
                    Expr::If(Box::new(c), vec![Expr::Continue], None)
                }
                (1 | 2, true) => {
                    let c = self.expr(Ty::Bool, 1, earlier);
                    let e = self.random.chance(60).then(|| Box::new(self.expr(Ty::Num, 1, earlier)));
                    Expr::If(Box::new(c), vec![Expr::Break(e)], None)
                }
                (3, _) => {
                    let c = self.expr(Ty::Bool, 1, earlier);
                    let e = self.expr(Ty::Num, 1, earlier);
                    Expr::If(Box::new(c), vec![Expr::Return(Some(Box::new(e)))], None)
                }
                (4, _) => {
                    let c = self.expr(Ty::Bool, 1, earlier);
                    let e = self.expr(Ty::Num, 1, earlier);
                    Expr::If(Box::new(c), vec![Expr::Throw(Box::new(e))], None)
                }
                _ => self.assign(1, earlier),
            },
            9 => self.expr(Ty::Num, depth.min(2), earlier),
            10..13 => {
                let c = self.expr(Ty::Bool, 2, earlier);
                let a = self.block(sub, earlier, None);
                let b = self.random.chance(60).then(|| self.block(sub, earlier, None));
                Expr::If(Box::new(c), a, b)
            }
            13..18 if self.loops < 3 => self.a_loop(sub, earlier),
            18..21 => self.try_block(sub, earlier, None),
            21 => self.a_match(sub, earlier, None),
            22 => {
                let e = self.expr(Ty::Num, 2, earlier);
                Expr::Binding(Box::new(e), self.block(sub, earlier, None))
            }
            23 => {
                let n = 1 + self.random.below(2);
                let var = self.fresh(false);
                let f = self.lambda(n, sub.min(2), earlier, None);
                self.scope.push(Known { var: var.clone(), ty: Ty::Fn(n), mutable: false });
                Expr::LocalFn(var.clone(), Rc::new(Function { name: Some(var), ..f }))
            }
            _ => self.assign(2, earlier),
        }
    }

    pub(super) fn a_loop(&mut self, sub: usize, earlier: &[Signature]) -> Expr {
        let turns = [1, 2, 3, 5, 8, 40][self.random.below(if self.loops == 0 { 6 } else { 4 })];
        match self.random.below(6) {
            0 | 1 => {
                let c = self.counter();
                let cond =
                    if self.random.chance(50) { Expr::Lit(V::Bool(true)) } else { self.expr(Ty::Bool, 2, earlier) };
                let kept = self.scope.len();
                let body = self.in_loop(|m| {
                    m.scope.push(Known { var: c.clone(), ty: Ty::Num, mutable: false });
                    m.block(sub, earlier, None)
                });
                self.scope.truncate(kept);
                self.scope.push(Known { var: c.clone(), ty: Ty::Num, mutable: false });
                Expr::While(c, turns, Box::new(cond), body)
            }
            2 => {
                let c = self.counter();
                let body = self.in_loop(|m| {
                    m.scope.push(Known { var: c.clone(), ty: Ty::Num, mutable: false });
                    m.block(sub, earlier, None)
                });
                self.scope.push(Known { var: c.clone(), ty: Ty::Num, mutable: false });
                Expr::Loop(c, turns, body)
            }
            3 | 4 => {
                let from = match self.random.below(4) {
                    0 => self.expr(Ty::Num, 1, earlier),
                    1 => lit((1 << 60) - 1 - self.random.below(50) as i64),
                    2 => lit(-(1 << 60)),
                    _ => lit(self.random.below(3) as i64),
                };
                let to = bin(Op::Add, from.clone(), lit(turns));
                self.in_loop(|m| {
                    let p = if m.random.chance(90) { m.bind(Ty::Num) } else { Pat::Any };
                    Expr::Range(p, Box::new(from), Box::new(to), m.block(sub, earlier, None))
                })
            }
            _ => {
                let (ty, item) = *self.random.pick(&[(Ty::Vector, Ty::Num), (Ty::Vector, Ty::Num), (Ty::Str, Ty::Str)]);
                let c = self.expr(ty, 2, earlier);
                self.in_loop(|m| {
                    let p = m.bind(item);
                    Expr::For(p, Box::new(c), m.block(sub, earlier, None))
                })
            }
        }
    }

    pub(super) fn counter(&mut self) -> Var {
        self.next += 1;
        Var { id: self.next, name: format!("c{}", self.next) }
    }

    pub(super) fn try_block(&mut self, sub: usize, earlier: &[Signature], value: Option<Ty>) -> Expr {
        let body = self.block(sub, earlier, value);
        let which = self.random.below(4);
        let catch = (which != 0).then(|| {
            let kept = self.scope.len();
            let var = self.fresh(false);
            self.scope.push(Known { var: var.clone(), ty: Ty::Any, mutable: false });
            let b = self.block(sub, earlier, value);
            self.scope.truncate(kept);
            (var, b)
        });
        let finally = (which != 1).then(|| self.block(sub, earlier, None));
        Expr::Try(body, catch, finally)
    }

    pub(super) fn a_match(&mut self, sub: usize, earlier: &[Signature], value: Option<Ty>) -> Expr {
        let ty = *self.random.pick(&[Ty::Num, Ty::Num, Ty::Str, Ty::Vector, Ty::Pair, Ty::Way, Ty::Way, Ty::Any]);
        let e = self.expr(ty, 2, earlier);
        let mut arms = Vec::new();
        for _ in 0..1 + self.random.below(4) {
            let kept = self.scope.len();
            let p = self.pattern(ty, 1);
            let guard = self.random.chance(25).then(|| self.expr(Ty::Bool, 1, earlier));
            arms.push((p, guard, self.block(sub, earlier, value)));
            self.scope.truncate(kept);
        }
        if self.random.chance(85) {
            arms.push((Pat::Any, None, self.block(sub, earlier, value)));
        }
        Expr::Match(Box::new(e), arms)
    }

    pub(super) fn assign(&mut self, depth: usize, earlier: &[Signature]) -> Expr {
        if self.random.chance(12)
            && let Some(p) = self.known(Ty::Pair)
        {
            let e = self.expr(Ty::Num, depth, earlier);
            return Expr::SetField(Box::new(Expr::Var(p)), Box::new(e));
        }
        if self.random.chance(12)
            && let Some(a) = self.known(Ty::Array)
        {
            let (i, e) = (self.index(depth, earlier), self.expr(Ty::Num, depth, earlier));
            return Expr::SetIndex(Box::new(Expr::Var(a)), Box::new(i), Box::new(e));
        }
        let targets: Vec<Known> = self.visible().into_iter().filter(|k| k.mutable).collect();
        if targets.is_empty() {
            return self.binding(depth, earlier);
        }
        let k = self.random.pick(&targets).clone();
        let ty = if self.random.chance(3) { *self.random.pick(&TYPES) } else { k.ty };
        let mut e = self.expr(ty, depth, earlier);
        if matches!(&e, Expr::Var(v) if v.id == k.var.id) {
            e = self.simple(ty);
        }
        if k.ty == Ty::Num && self.random.chance(50) {
            // Accumulate.
            let op = *self.random.pick(&[Op::Add, Op::Add, Op::Sub, Op::Mul, Op::Xor, Op::Or]);
            e = bin(op, Expr::Var(k.var.clone()), e);
        }
        Expr::Assign(k.var, Box::new(e))
    }
}
