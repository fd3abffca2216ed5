//! Functions of little but ways out: `try`, `catch`, `finally` and `binding` in one another and in loops, left by every way at
//! every place, around variables that hold Floats and Ints that overflow, and variables that share their values.

use super::*;

impl Maker<'_> {
    /// A top-level function of that kind.
    pub fn ways_function(&mut self, earlier: &[Signature]) -> (Function, Signature) {
        self.scope.clear();
        self.in_loop = false;
        self.loops = 0;
        self.inner = 0;
        self.budget = 20 + self.random.below(60) as i32;
        let n = 1 + self.random.below(3);
        let params = (0..n).map(|_| self.bind(Ty::Num)).collect();
        let mut body: Block = (0..1 + self.random.below(6)).map(|_| self.number_let()).collect();
        let many = self.random.chance(20);
        for _ in 0..if many { 12 } else { 0 } {
            let s = self.number_let();
            body.push(s);
        }
        for _ in 0..1 + self.random.below(3) {
            let s = self.way_statement(5, earlier);
            body.push(s);
        }
        let visible = self.visible().into_iter().filter(|k| k.ty == Ty::Num).map(|k| Expr::Var(k.var)).collect();
        body.push(Expr::Vector(visible));
        let signature = Signature { params: vec![Ty::Num; n], rest: false, recursive: false };
        (Function { params, rest: None, body, name: None }, signature)
    }

    fn plain_number(&mut self) -> Expr {
        match self.random.below(10) {
            0..6 => Expr::Lit(V::Float([0.5, 1.5, -2.25, -0.0, 1e300, 0.0][self.random.below(6)])),
            6 => self.number(),
            _ => lit(self.random.below(9) as i64 - 2),
        }
    }

    fn a_number(&mut self) -> Expr {
        match self.known(Ty::Num) {
            Some(var) if self.random.chance(50) => Expr::Var(var),
            _ => self.plain_number(),
        }
    }

    /// A variable, often with the value of another one.
    fn number_let(&mut self) -> Expr {
        let e = self.a_number();
        let mutable = self.random.chance(75);
        let var = self.fresh(false);
        self.scope.push(Known { var: var.clone(), ty: Ty::Num, mutable });
        Expr::Let(Pat::Bind(var), mutable, Box::new(e))
    }

    fn truth(&mut self) -> Expr {
        let op = *self.random.pick(&[Op::Lt, Op::Gt, Op::Le, Op::Eq, Op::Ne]);
        let a = self.known(Ty::Num).map_or_else(|| lit(1), Expr::Var);
        let b = if self.random.chance(70) { lit(self.random.below(4) as i64) } else { self.a_number() };
        bin(op, a, b)
    }

    fn ways_block(&mut self, depth: usize, earlier: &[Signature]) -> Block {
        let kept = self.scope.len();
        let mut block: Block = (0..1 + self.random.below(3)).map(|_| self.way_statement(depth, earlier)).collect();
        if self.random.chance(12) {
            let way = self.way_out();
            block.push(way);
        } else if self.random.chance(20) {
            let value = self.a_number();
            block.push(value);
        }
        self.scope.truncate(kept);
        block
    }

    fn way_out(&mut self) -> Expr {
        let value = self.a_number();
        let value = if self.random.chance(15) { bin(Op::Rem, value, lit(0)) } else { value };
        match self.random.below(if self.in_loop { 6 } else { 3 }) {
            0 => Expr::Return(Some(Box::new(value))),
            1 | 2 => Expr::Throw(Box::new(value)),
            3 => Expr::Break(Some(Box::new(value))),
            4 => Expr::Break(None),
            _ => Expr::Continue,
        }
    }

    fn way_statement(&mut self, depth: usize, earlier: &[Signature]) -> Expr {
        self.budget -= 1;
        let sub = depth.saturating_sub(1);
        match self.random.below(if depth == 0 || self.budget < 0 { 12 } else { 30 }) {
            0 | 1 => self.number_let(),
            2..6 => self.change(),
            6 | 7 => {
                let c = self.truth();
                Expr::If(Box::new(c), vec![self.way_out()], None)
            }
            8 => Expr::Note(Box::new(self.a_number())),
            9 => match earlier.len() {
                0 => Expr::Count(Box::new(Expr::Vector(vec![self.a_number()]))),
                n => {
                    let f = self.random.below(n);
                    Expr::Call(f, earlier[f].params.iter().map(|_| self.a_number()).collect())
                }
            },
            10 | 11 if self.loops < 3 => self.leaf_loop(earlier),
            12..19 => self.ways_try(sub, earlier),
            19..24 if self.loops < 3 => self.ways_loop(sub, earlier),
            28 | 29 => self.near_constants(),
            24 => {
                let e = self.a_number();
                Expr::Binding(Box::new(e), self.ways_block(sub, earlier))
            }
            25 => {
                let e = self.a_number();
                let first = (self.literal_pattern(Ty::Num), None, self.ways_block(sub, earlier));
                let kept = self.scope.len();
                let bind = self.bind(Ty::Num);
                let guard = self.random.chance(40).then(|| self.truth());
                let second = (bind, guard, self.ways_block(sub, earlier));
                self.scope.truncate(kept);
                Expr::Match(Box::new(e), vec![first, second, (Pat::Any, None, self.ways_block(sub, earlier))])
            }
            26 if self.random.chance(30) => {
                let in_loop = std::mem::replace(&mut self.in_loop, false);
                let body = self.ways_block(sub, earlier);
                self.in_loop = in_loop;
                let f = Function { params: vec![], rest: None, body, name: None };
                Expr::CallValue(Box::new(Expr::Lambda(Rc::new(f))), vec![])
            }
            _ => {
                let c = self.truth();
                let a = self.ways_block(sub, earlier);
                let b = self.random.chance(60).then(|| self.ways_block(sub, earlier));
                Expr::If(Box::new(c), a, b)
            }
        }
    }

    /// A loop of arithmetic alone: such are written twice, and take what they can into registers.
    fn leaf_loop(&mut self, earlier: &[Signature]) -> Expr {
        let turns = 1 + self.random.below(4) as i64;
        let c = self.counter();
        let cond = if self.random.chance(75) { Expr::Lit(V::Bool(true)) } else { self.truth() };
        let body = self.in_loop(|m| {
            m.scope.push(Known { var: c.clone(), ty: Ty::Num, mutable: false });
            let mut body: Block = (0..1 + m.random.below(4)).map(|_| m.change()).collect();
            if m.random.chance(50) {
                let s = m.way_statement(0, earlier);
                body.push(s);
            }
            body
        });
        match self.random.below(3) {
            0 => Expr::Range(Pat::Bind(c), Box::new(lit(0)), Box::new(lit(turns)), body),
            _ => Expr::While(c, turns, Box::new(cond), body),
        }
    }

    /// An assignment, of a value that depends on what other variables hold.
    fn change(&mut self) -> Expr {
        let targets: Vec<Known> = self.visible().into_iter().filter(|k| k.mutable).collect();
        if targets.is_empty() {
            return self.number_let();
        }
        let var = self.random.pick(&targets).var.clone();
        let (a, b) = (self.a_number(), self.a_number());
        let a = if self.random.chance(50) { Expr::Var(var.clone()) } else { a };
        let op = *self.random.pick(&[Op::Add, Op::Add, Op::Sub, Op::Mul, Op::Mul, Op::Div]);
        let value = match self.random.below(8) {
            0 => self.plain_number(),
            1 if !matches!(&a, Expr::Var(v) if *v == var) => a,
            _ => bin(op, a, b),
        };
        Expr::Assign(var, Box::new(value))
    }

    /// Ways that meet with constants that are equal and yet not the same.
    fn near_constants(&mut self) -> Expr {
        let families = [
            [V::Float(0.0), V::Float(-0.0), int(0)],
            [V::Float(1.0), int(1), V::Float(1.5)],
            [V::Float(-0.0), V::Float(0.0), int(1)],
        ];
        let family = self.random.pick(&families).clone();
        let (a, b) = (Expr::Lit(self.random.pick(&family).clone()), Expr::Lit(self.random.pick(&family).clone()));
        let c = Box::new(self.truth());
        let targets: Vec<Known> = self.visible().into_iter().filter(|k| k.mutable).collect();
        if self.random.chance(50) && !targets.is_empty() {
            let var = self.random.pick(&targets).var.clone();
            let set = |value: Expr| vec![Expr::Assign(var.clone(), Box::new(value))];
            return Expr::If(c, set(a), Some(set(b)));
        }
        let value = match self.random.below(3) {
            0 => Expr::If(c, vec![a], Some(vec![b])),
            1 => {
                let thrown = Expr::If(c, vec![Expr::Throw(Box::new(lit(1)))], None);
                Expr::Try(vec![thrown, a], Some((self.fresh(false), vec![b])), None)
            }
            _ => Expr::Match(c, vec![(Pat::Lit(V::Bool(true)), None, vec![a]), (Pat::Any, None, vec![b])]),
        };
        let mutable = self.random.chance(75);
        let var = self.fresh(false);
        self.scope.push(Known { var: var.clone(), ty: Ty::Num, mutable });
        Expr::Let(Pat::Bind(var), mutable, Box::new(value))
    }

    fn ways_try(&mut self, sub: usize, earlier: &[Signature]) -> Expr {
        let body = self.ways_block(sub, earlier);
        let which = self.random.below(4);
        let catch = (which != 0).then(|| {
            let kept = self.scope.len();
            let var = self.fresh(false);
            self.scope.push(Known { var: var.clone(), ty: Ty::Any, mutable: false });
            let b = self.ways_block(sub, earlier);
            self.scope.truncate(kept);
            (var, b)
        });
        let finally = (which != 1).then(|| self.ways_block(sub, earlier));
        let whole = Expr::Try(body, catch, finally);
        if self.random.chance(25) {
            let pattern = self.bind(Ty::Num);
            return Expr::Let(pattern, false, Box::new(whole));
        }
        whole
    }

    fn ways_loop(&mut self, sub: usize, earlier: &[Signature]) -> Expr {
        let turns = [1, 2, 3, 4, 9][self.random.below(if self.loops == 0 { 5 } else { 3 })];
        match self.random.below(4) {
            0 | 1 => {
                let c = self.counter();
                let cond = if self.random.chance(60) { Expr::Lit(V::Bool(true)) } else { self.truth() };
                let body = self.in_loop(|m| {
                    m.scope.push(Known { var: c.clone(), ty: Ty::Num, mutable: false });
                    m.ways_block(sub, earlier)
                });
                self.scope.push(Known { var: c.clone(), ty: Ty::Num, mutable: false });
                if self.random.chance(80) {
                    Expr::While(c, turns, Box::new(cond), body)
                } else {
                    Expr::Loop(c, turns, body)
                }
            }
            2 => {
                let from = lit(self.random.below(3) as i64);
                let to = bin(Op::Add, from.clone(), lit(turns));
                self.in_loop(|m| {
                    let p = m.bind(Ty::Num);
                    Expr::Range(p, Box::new(from), Box::new(to), m.ways_block(sub, earlier))
                })
            }
            _ => {
                let items = (0..turns).map(|_| self.a_number()).collect();
                self.in_loop(|m| {
                    let p = m.bind(Ty::Num);
                    Expr::For(p, Box::new(Expr::Vector(items)), m.ways_block(sub, earlier))
                })
            }
        }
    }
}
