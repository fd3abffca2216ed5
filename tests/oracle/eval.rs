//! The oracle: a tree-walking evaluator of generated programs.

use super::ast::*;
use super::value::*;
use dashu_int::IBig;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// How an expression ends when it gives no value.
pub enum Out {
    Break(V),
    Continue,
    Return(V),
    Throw(V),
    TooMuch,
}

impl From<TooMuch> for Out {
    fn from(_: TooMuch) -> Out {
        Out::TooMuch
    }
}

type R = Result<V, Out>;

pub struct Evaluator<'a> {
    pub functions: &'a [Function],
    pub out: String,
    pub fuel: u32,
    depth: u32,
    dynamic: V,
}

fn fault<T>(kind: &'static str) -> Result<T, Out> {
    Err(Out::Throw(V::Fault(kind)))
}

fn big(n: IBig) -> R {
    if n.clone() >> 3000 != IBig::ZERO && n.clone() >> 3000 != IBig::from(-1) {
        return Err(Out::TooMuch);
    }
    Ok(V::Int(n))
}

pub fn binary(op: Op, a: &V, b: &V) -> R {
    use std::cmp::Ordering::*;
    match op {
        Op::Eq => return Ok(V::Bool(equal(a, b, 0)?)),
        Op::Ne => return Ok(V::Bool(!equal(a, b, 0)?)),
        Op::Lt | Op::Le | Op::Gt | Op::Ge => {
            let Some(order) = order(a, b) else { return fault("TypeError") };
            return Ok(V::Bool(match op {
                Op::Lt => order == Some(Less),
                Op::Le => matches!(order, Some(Less | Equal)),
                Op::Gt => order == Some(Greater),
                _ => matches!(order, Some(Greater | Equal)),
            }));
        }
        Op::Concat => {
            return match (a, b) {
                (V::Str(a), V::Str(b)) if a.len() + b.len() > 3000 => Err(Out::TooMuch),
                (V::Str(a), V::Str(b)) => Ok(V::Str(format!("{a}{b}").into())),
                _ => fault("TypeError"),
            };
        }
        _ => {}
    }
    match (a, b) {
        (V::Int(a), V::Int(b)) => match op {
            Op::Add => big(a + b),
            Op::Sub => big(a - b),
            Op::Mul => big(a * b),
            Op::Div | Op::Rem if *b == IBig::ZERO => fault("DivisionByZero"),
            Op::Div => big(a / b),
            Op::Rem => big(a % b),
            Op::And => big(a & b),
            Op::Or => big(a | b),
            Op::Xor => big(a ^ b),
            Op::Shl | Op::Shr | Op::UShr => {
                if op == Op::UShr && i64::try_from(a.clone()).is_err() {
                    return fault("ArgumentError");
                }
                if *b < IBig::ZERO {
                    return fault("ArgumentError");
                }
                let Ok(n) = usize::try_from(b.clone()) else { return Err(Out::TooMuch) };
                if n > 200 {
                    return Err(Out::TooMuch);
                }
                match op {
                    Op::Shl => big(a << n),
                    Op::Shr => big(a >> n),
                    _ if n > 63 => Err(Out::TooMuch),
                    _ => {
                        let a = i64::try_from(a.clone()).unwrap_or(0) as u64;
                        Ok(V::Int(IBig::from(a >> n)))
                    }
                }
            }
            _ => unreachable!(),
        },
        (V::Int(_) | V::Float(_), V::Int(_) | V::Float(_)) => {
            let f = |v: &V| match v {
                V::Int(n) => to_f64(n),
                V::Float(f) => *f,
                _ => unreachable!(),
            };
            let (a, b) = (f(a), f(b));
            Ok(V::Float(match op {
                Op::Add => a + b,
                Op::Sub => a - b,
                Op::Mul => a * b,
                Op::Div => a / b,
                Op::Rem => a % b,
                _ => return fault("TypeError"),
            }))
        }
        _ => fault("TypeError"),
    }
}

impl<'a> Evaluator<'a> {
    pub fn new(functions: &'a [Function]) -> Evaluator<'a> {
        Evaluator { functions, out: String::new(), fuel: 30_000, depth: 0, dynamic: int(7) }
    }

    pub fn call_top(&mut self, f: usize, args: Vec<V>) -> R {
        let functions = self.functions;
        self.call(&functions[f], &HashMap::new(), None, args)
    }

    fn call(&mut self, f: &Function, env: &Env, own: Option<V>, args: Vec<V>) -> R {
        self.depth += 1;
        if self.depth > 60 {
            return Err(Out::TooMuch);
        }
        let result = self.call_inner(f, env, own, args);
        self.depth -= 1;
        match result {
            Err(Out::Return(v)) => Ok(v),
            other => other,
        }
    }

    fn call_inner(&mut self, f: &Function, env: &Env, own: Option<V>, mut args: Vec<V>) -> R {
        let n = f.params.len();
        if args.len() < n || (args.len() > n && f.rest.is_none()) {
            return fault("ArityError");
        }
        let mut env = env.clone();
        if let (Some(name), Some(own)) = (&f.name, own) {
            env.insert(name.id, Rc::new(RefCell::new(own)));
        }
        let rest = args.split_off(n);
        for (p, v) in f.params.iter().zip(args) {
            if !self.fit(p, &v, &mut env)? {
                return fault("MatchError");
            }
        }
        if let Some(r) = &f.rest {
            env.insert(r.id, Rc::new(RefCell::new(V::Vector(Rc::new(rest)))));
        }
        self.block(&f.body, &mut env)
    }

    fn fit(&mut self, p: &Pat, v: &V, env: &mut Env) -> Result<bool, Out> {
        Ok(match p {
            Pat::Any => true,
            Pat::Bind(x) => {
                env.insert(x.id, Rc::new(RefCell::new(v.clone())));
                true
            }
            Pat::Lit(l) => equal(l, v, 0)?,
            Pat::Vector(items, rest) => {
                let all: Vec<V> = match v {
                    V::Vector(all) => all.to_vec(),
                    V::Array(_) => return Err(Out::TooMuch),
                    _ => return Ok(false),
                };
                if all.len() < items.len() || (rest.is_none() && all.len() > items.len()) {
                    return Ok(false);
                }
                for (p, v) in items.iter().zip(&all) {
                    if !self.fit(p, v, env)? {
                        return Ok(false);
                    }
                }
                if let Some(Some(x)) = rest {
                    let tail = V::Vector(Rc::new(all[items.len()..].to_vec()));
                    env.insert(x.id, Rc::new(RefCell::new(tail)));
                }
                true
            }
            Pat::Pair(a, b) => {
                let V::Pair(f) = v else { return Ok(false) };
                let f = f.borrow().clone();
                for (p, v) in [a, b].into_iter().zip(&f) {
                    if let Some(p) = p
                        && !self.fit(p, v, env)?
                    {
                        return Ok(false);
                    }
                }
                true
            }
            Pat::Way(k, fields) => {
                let V::Way(i, values) = v else { return Ok(false) };
                if i != k {
                    return Ok(false);
                }
                for (p, v) in fields.iter().zip(values.iter()) {
                    if !self.fit(p, v, env)? {
                        return Ok(false);
                    }
                }
                true
            }
            Pat::Alternatives(all) => {
                for p in all {
                    if self.fit(p, v, env)? {
                        return Ok(true);
                    }
                }
                false
            }
        })
    }

    fn block(&mut self, b: &[Expr], env: &mut Env) -> R {
        let mut last = V::Null;
        for e in b {
            last = self.eval(e, env)?;
        }
        Ok(last)
    }

    /// One turn of a loop: `Some` ends it.
    fn turn(&mut self, body: &[Expr], env: &mut Env, last: &mut V) -> Result<Option<V>, Out> {
        match self.block(body, env) {
            Ok(_) if body.is_empty() => return Err(Out::TooMuch),
            Ok(v) => *last = v,
            Err(Out::Break(v)) => return Ok(Some(v)),
            Err(Out::Continue) => {}
            Err(other) => return Err(other),
        }
        Ok(None)
    }

    /// To which loop a `break` in the condition of a loop belongs is not for this test to say.
    fn condition(&mut self, e: &Expr, env: &mut Env) -> Result<bool, Out> {
        match self.eval(e, env) {
            Ok(v) => Ok(v.truthy()),
            Err(Out::Break(_) | Out::Continue) => Err(Out::TooMuch),
            Err(other) => Err(other),
        }
    }

    fn all(&mut self, es: &[Expr], env: &mut Env) -> Result<Vec<V>, Out> {
        es.iter().map(|e| self.eval(e, env)).collect()
    }

    fn optional(&mut self, e: &Option<Box<Expr>>, env: &mut Env) -> R {
        e.as_ref().map_or(Ok(V::Null), |e| self.eval(e, env))
    }

    fn call_value(&mut self, f: &V, args: Vec<V>) -> R {
        match f {
            V::Function(code, env) => self.call(code, env, Some(f.clone()), args),
            _ => fault("TypeError"),
        }
    }

    pub fn eval(&mut self, e: &Expr, env: &mut Env) -> R {
        self.fuel = self.fuel.checked_sub(1).ok_or(Out::TooMuch)?;
        Ok(match e {
            Expr::Lit(v) => v.clone(),
            Expr::Var(v) => env.get(&v.id).ok_or(Out::TooMuch)?.borrow().clone(),
            Expr::Bin(op, a, b) => {
                let (a, b) = (self.eval(a, env)?, self.eval(b, env)?);
                binary(*op, &a, &b)?
            }
            Expr::AndThen(a, b) => {
                let a = self.eval(a, env)?;
                if a.truthy() { self.eval(b, env)? } else { a }
            }
            Expr::OrElse(a, b) => {
                let a = self.eval(a, env)?;
                if a.truthy() { a } else { self.eval(b, env)? }
            }
            Expr::Not(a) => V::Bool(!self.eval(a, env)?.truthy()),
            Expr::Neg(a) => match self.eval(a, env)? {
                V::Int(n) => V::Int(-n),
                V::Float(f) => V::Float(-f),
                _ => return fault("TypeError"),
            },
            Expr::If(c, a, b) => {
                if self.eval(c, env)?.truthy() {
                    self.block(a, env)?
                } else {
                    b.as_ref().map_or(Ok(V::Null), |b| self.block(b, env))?
                }
            }
            Expr::Let(p, _, e) => {
                let v = self.eval(e, env)?;
                if !self.fit(p, &v, env)? {
                    return fault("MatchError");
                }
                v
            }
            Expr::Assign(x, e) => {
                let v = self.eval(e, env)?;
                *env.get(&x.id).ok_or(Out::TooMuch)?.borrow_mut() = v.clone();
                v
            }
            Expr::While(c, n, cond, body) => {
                let mut last = V::Null;
                let mut k = 0;
                env.insert(c.id, Rc::new(RefCell::new(int(0))));
                while k < *n && self.condition(cond, env)? {
                    k += 1;
                    *env[&c.id].borrow_mut() = int(k);
                    if let Some(v) = self.turn(body, env, &mut last)? {
                        return Ok(v);
                    }
                }
                last
            }
            Expr::Loop(c, n, body) => {
                let mut last = V::Null;
                env.insert(c.id, Rc::new(RefCell::new(int(0))));
                for k in 1..=*n {
                    *env[&c.id].borrow_mut() = int(k);
                    if let Some(v) = self.turn(body, env, &mut last)? {
                        return Ok(v);
                    }
                }
                *env[&c.id].borrow_mut() = int(n + 1);
                int(n + 1)
            }
            Expr::Range(p, a, b, body) => {
                let (a, b) = (self.eval(a, env)?, self.eval(b, env)?);
                let (V::Int(a), V::Int(b)) = (a, b) else { return fault("TypeError") };
                let inline = -(IBig::from(1) << 60)..(IBig::from(1) << 60);
                if !inline.contains(&a) || !inline.contains(&b) {
                    // Loops around loops count inline Ints alone, others any: see docs/language.md.
                    return Err(Out::TooMuch);
                }
                let mut last = V::Null;
                let mut i = a;
                while i < b {
                    self.fuel = self.fuel.checked_sub(1).ok_or(Out::TooMuch)?;
                    if !self.fit(p, &V::Int(i.clone()), env)? {
                        return fault("MatchError");
                    }
                    if let Some(v) = self.turn(body, env, &mut last)? {
                        return Ok(v);
                    }
                    i += 1;
                }
                last
            }
            Expr::For(p, c, body) => {
                let items: Vec<V> = match self.eval(c, env)? {
                    V::Vector(all) => all.to_vec(),
                    V::Str(s) => s.chars().map(|c| V::Str(c.to_string().into())).collect(),
                    V::Null => Vec::new(),
                    V::Array(_) => return Err(Out::TooMuch),
                    _ => return fault("TypeError"),
                };
                let mut last = V::Null;
                for item in items {
                    if !self.fit(p, &item, env)? {
                        return fault("MatchError");
                    }
                    if let Some(v) = self.turn(body, env, &mut last)? {
                        return Ok(v);
                    }
                }
                last
            }
            Expr::Break(e) => return Err(Out::Break(self.optional(e, env)?)),
            Expr::Continue => return Err(Out::Continue),
            Expr::Return(e) => return Err(Out::Return(self.optional(e, env)?)),
            Expr::Throw(e) => return Err(Out::Throw(self.eval(e, env)?)),
            Expr::Try(body, catch, finally) => {
                let depth = self.depth;
                let mut result = self.block(body, env);
                if matches!(result, Err(Out::TooMuch)) {
                    return result;
                }
                self.depth = depth;
                if let (Some((x, handler)), Err(Out::Throw(v))) = (catch, &result) {
                    let v = self.brief(v);
                    env.insert(x.id, Rc::new(RefCell::new(v)));
                    if handler.is_empty() {
                        return Err(Out::TooMuch);
                    }
                    result = self.block(handler, env);
                    if matches!(result, Err(Out::TooMuch)) {
                        return result;
                    }
                    self.depth = depth;
                }
                if let Some(f) = finally {
                    self.block(f, env)?;
                }
                return result;
            }
            Expr::Match(e, arms) => {
                let v = self.eval(e, env)?;
                for (p, guard, body) in arms {
                    if !self.fit(p, &v, env)? {
                        continue;
                    }
                    if let Some(g) = guard
                        && !self.eval(g, env)?.truthy()
                    {
                        continue;
                    }
                    return self.block(body, env);
                }
                return fault("MatchError");
            }
            Expr::Call(f, args) => {
                let args = self.all(args, env)?;
                self.call_top(*f, args)?
            }
            Expr::CallValue(f, args) => {
                let f = self.eval(f, env)?;
                let args = self.all(args, env)?;
                self.call_value(&f, args)?
            }
            Expr::Lambda(f) => V::Function(f.clone(), Rc::new(env.clone())),
            Expr::LocalFn(x, f) => {
                let v = V::Function(f.clone(), Rc::new(env.clone()));
                env.insert(x.id, Rc::new(RefCell::new(v.clone())));
                v
            }
            Expr::Pair(a, b) => {
                let (a, b) = (self.eval(a, env)?, self.eval(b, env)?);
                V::Pair(Rc::new(RefCell::new([a, b])))
            }
            Expr::Way(k, args) => V::Way(*k, Rc::new(self.all(args, env)?)),
            Expr::Field(o, n) => match (self.eval(o, env)?, *n) {
                (V::Pair(f), "a") => f.borrow()[0].clone(),
                (V::Pair(f), "b") => f.borrow()[1].clone(),
                (V::Way(k, f), n) => match WAYS[k].1.iter().position(|x| *x == n) {
                    Some(i) => f[i].clone(),
                    None => return fault("FieldError"),
                },
                (V::Fault(_), _) => return Err(Out::TooMuch),
                _ => return fault("FieldError"),
            },
            Expr::SetField(o, e) => {
                let o = self.eval(o, env)?;
                let v = self.eval(e, env)?;
                match o {
                    V::Pair(f) => f.borrow_mut()[1] = v.clone(),
                    V::Fault(_) | V::Way(..) => return Err(Out::TooMuch),
                    _ => return fault("FieldError"),
                }
                v
            }
            Expr::Vector(items) => V::Vector(Rc::new(self.all(items, env)?)),
            Expr::Array(items) => V::Array(Rc::new(RefCell::new(self.all(items, env)?))),
            Expr::Index(a, i) => {
                let (a, i) = (self.eval(a, env)?, self.eval(i, env)?);
                let at = |len: usize| -> Result<usize, Out> {
                    let V::Int(i) = &i else { return fault("TypeError") };
                    match usize::try_from(i.clone()) {
                        Ok(i) if i < len => Ok(i),
                        _ => fault("IndexError"),
                    }
                };
                match &a {
                    V::Vector(all) => all[at(all.len())?].clone(),
                    V::Array(all) => all.borrow()[at(all.borrow().len())?].clone(),
                    V::Str(s) => {
                        let all: Vec<char> = s.chars().collect();
                        V::Str(all[at(all.len())?].to_string().into())
                    }
                    V::Fault(_) => return Err(Out::TooMuch),
                    _ => return fault("TypeError"),
                }
            }
            Expr::SetIndex(a, i, e) => {
                let (a, i) = (self.eval(a, env)?, self.eval(i, env)?);
                let v = self.eval(e, env)?;
                let V::Array(all) = &a else { return Err(Out::TooMuch) };
                let V::Int(i) = &i else { return fault("TypeError") };
                match usize::try_from(i.clone()) {
                    Ok(i) if i < all.borrow().len() => all.borrow_mut()[i] = v.clone(),
                    _ => return fault("IndexError"),
                }
                v
            }
            Expr::Push(a, b) => {
                let (a, b) = (self.eval(a, env)?, self.eval(b, env)?);
                let V::Vector(all) = a else { return Err(Out::TooMuch) };
                if all.len() > 100 {
                    return Err(Out::TooMuch);
                }
                let mut all = all.to_vec();
                all.push(b);
                V::Vector(Rc::new(all))
            }
            Expr::Count(a) => match self.eval(a, env)? {
                V::Vector(all) => int(all.len() as i64),
                V::Array(all) => int(all.borrow().len() as i64),
                V::Str(s) => int(s.chars().count() as i64),
                _ => return Err(Out::TooMuch),
            },
            Expr::Brief(a) => {
                let v = self.eval(a, env)?;
                self.brief(&v)
            }
            Expr::Method(o, args) => {
                let o = self.eval(o, env)?;
                let args = self.all(args, env)?;
                let [k] = &args[..] else { return Err(Out::TooMuch) };
                match &o {
                    V::Pair(f) => {
                        let a = f.borrow()[0].clone();
                        binary(Op::Add, &a, k)?
                    }
                    V::Int(_) => binary(Op::Mul, &o, k)?,
                    V::Float(_) => binary(Op::Sub, &o, k)?,
                    V::Vector(all) => binary(Op::Add, &int(all.len() as i64), k)?,
                    V::Way(1, f) => binary(Op::Add, &f[0], k)?,
                    _ => return Err(Out::TooMuch),
                }
            }
            Expr::Dynamic => self.dynamic.clone(),
            Expr::Binding(e, body) => {
                let v = self.eval(e, env)?;
                let old = std::mem::replace(&mut self.dynamic, v);
                let result = self.block(body, env);
                self.dynamic = old;
                return result;
            }
            Expr::Note(e) => {
                let v = self.eval(e, env)?;
                let text = v.show(0)?;
                self.out.push_str(&text);
                self.out.push('\n');
                if self.out.len() > 20_000 {
                    return Err(Out::TooMuch);
                }
                v
            }
            Expr::Interpolate(parts) => {
                let mut s = String::new();
                for (text, e) in parts {
                    s += text;
                    s += &self.eval(e, env)?.show(0)?;
                }
                if s.len() > 3000 {
                    return Err(Out::TooMuch);
                }
                V::Str(s.into())
            }
        })
    }

    pub fn brief(&self, v: &V) -> V {
        match v {
            V::Fault(kind) => V::Str((*kind).into()),
            _ => v.clone(),
        }
    }
}
