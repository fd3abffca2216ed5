//! Patterns, which bind what they name in the scope of the maker.

use super::*;

impl Maker<'_> {
    pub(super) fn pair_pattern(&mut self) -> Pat {
        let side = |m: &mut Self| match m.random.below(4) {
            0 => None,
            1 => Some(Box::new(Pat::Any)),
            _ => {
                let var = m.fresh(false);
                m.scope.push(Known { var: var.clone(), ty: Ty::Num, mutable: false });
                Some(Box::new(Pat::Bind(var)))
            }
        };
        let (a, b) = (side(self), side(self));
        Pat::Pair(a, b)
    }

    pub(super) fn pattern(&mut self, ty: Ty, depth: usize) -> Pat {
        match self.random.below(8) {
            0 => Pat::Any,
            1 | 2 => self.bind(ty),
            3 if depth > 0 => {
                let n = 2 + self.random.below(2);
                Pat::Alternatives((0..n).map(|_| self.literal_pattern(ty)).collect())
            }
            _ => match ty {
                Ty::Num | Ty::Str | Ty::Bool | Ty::Any => self.literal_pattern(ty),
                Ty::Vector | Ty::Array => {
                    let n = self.random.below(4);
                    let items = (0..n).map(|_| self.pattern(Ty::Num, 0)).collect();
                    let rest = match self.random.below(3) {
                        0 => None,
                        1 => Some(None),
                        _ => match self.bind(Ty::Vector) {
                            Pat::Bind(v) => Some(Some(v)),
                            _ => None,
                        },
                    };
                    Pat::Vector(items, rest)
                }
                Ty::Pair => {
                    let a = self.random.chance(70).then(|| Box::new(self.pattern(Ty::Num, 0)));
                    let b = self.random.chance(70).then(|| Box::new(self.pattern(Ty::Num, 0)));
                    Pat::Pair(a, b)
                }
                Ty::Way => {
                    let k = self.random.below(3);
                    let n = if self.random.chance(70) { WAYS[k].1.len() } else { 0 };
                    Pat::Way(k, (0..n).map(|_| self.pattern(Ty::Num, 0)).collect())
                }
                Ty::Fn(_) => Pat::Any,
            },
        }
    }

    pub(super) fn bind(&mut self, ty: Ty) -> Pat {
        let var = self.fresh(false);
        self.scope.push(Known { var: var.clone(), ty, mutable: false });
        Pat::Bind(var)
    }

    pub(super) fn literal_pattern(&mut self, ty: Ty) -> Pat {
        match ty {
            Ty::Way => Pat::Way(self.random.below(3), Vec::new()),
            Ty::Str => Pat::Lit(V::Str(["", "a", "bc"][self.random.below(3)].into())),
            Ty::Bool => Pat::Lit(V::Bool(self.random.chance(50))),
            Ty::Any => Pat::Lit([V::Null, V::Keyword("k"), int(3)][self.random.below(3)].clone()),
            _ => match self.number() {
                Expr::Lit(V::Float(f)) if f.is_nan() => Pat::Any,
                Expr::Lit(v) => Pat::Lit(v),
                _ => Pat::Any,
            },
        }
    }
}
