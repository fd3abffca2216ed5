//! Names that mean nothing.
//!
//! Owns what is said of them: what was meant, or where the name is. Must not know of anything else that is wrong with a unit.

use super::*;
use crate::reader::foreign_words::{self, Place};
use crate::reader::tree::{GlobalRef, VarKind};

/// What may have been meant is looked for in all names: not for more unknown names than people read about.
const MOST_GUESSES: usize = 50;
/// The method around a name, and one that is called so, are searched for among all: not for more names than that.
const MOST_SEARCHES: usize = 1_000;
/// Nobody writes a subtraction of more names.
const MOST_PARTS: usize = 32;
/// The namespace of a later step.
const LATER_NAMESPACE: &str = "effect";

impl<'a> Checker<'a> {
    /// The errors of names that mean nothing here; `later`: what a function names may be defined by a later text.
    pub(super) fn names(&mut self, later: bool) {
        let mut named = None;
        let mut may_come = |checker: &Self, index: usize| {
            later && named.get_or_insert_with(|| checker.named_in_functions()).contains(&index)
        };
        let mut guesses = 0;
        // Where a name begins that stands behind a namespace which is not in view.
        let mut behind = None;
        let mut explained = FxHashSet::default();
        let mut fields = FxHashSet::default();
        let mut searches = 0;
        // The functions of the unit, where it has something of a later step.
        let mut waiting: Option<FxHashSet<Name>> = None;
        for (index, reference) in self.unit.globals.iter().enumerate() {
            if behind == Some(reference.span.start) {
                continue;
            }
            if let Some(name) = self.not_in_view(*reference) {
                behind = Some(name);
                continue;
            }
            if self.scope.meaning(*reference).is_some() {
                continue;
            }
            let name = self.name(reference.name);
            // `async fn load() { … }` would have made it, and is told.
            let waiting = waiting.get_or_insert_with(|| {
                let waits = self.unit.nodes.iter().any(|node| matches!(node, Node::NotYet(_)));
                self.unit.functions.iter().filter(|_| waits).filter_map(|f| f.name).collect()
            });
            if reference.alias.is_none() && waiting.contains(&reference.name) {
                continue;
            }
            if let Some(alias) = reference.alias {
                let alias = self.name(alias);
                match self.scope.namespace_called(alias) {
                    Some(namespace) => {
                        guesses += 1;
                        let title = format!("namespace {} has no member `{name}`", namespace.name);
                        let candidates =
                            if guesses > MOST_GUESSES { Vec::new() } else { self.scope.candidates(*reference) };
                        let help = closest(name, candidates.iter().map(String::as_str));
                        let help = help.map(|c| format!("did you mean `{alias}/{c}`?"));
                        self.error(reference.span, title).help = help;
                    }
                    None if alias == LATER_NAMESPACE => self.not_yet(reference.span, "effects"),
                    None => {
                        let title = format!("there is no namespace or alias `{alias}` here");
                        self.error(reference.span, title).help = Some(format!("add a line such as `use {alias}`"));
                    }
                }
                continue;
            }
            searches += 1;
            if searches <= MOST_SEARCHES
                && let Some(member) = self.unit.own_member(name)
            {
                self.unknown(false, *reference).help = Some(format!("it belongs to a type: write `{member}`"));
                continue;
            }
            if let Some(form) = declaration(name) {
                self.error(reference.span, format!("`{name}` begins a declaration: expected `{form}`"));
                continue;
            }
            let place = if self.stands_as_type(*reference) { Place::Type } else { Place::Unknown };
            if let Some(help) = foreign_words::word(name, place) {
                // Once is enough: it is the same mistake.
                if explained.insert(help) {
                    self.error(reference.span, format!("Harrier has no `{name}`")).help = Some(help.into());
                }
                continue;
            }
            if searches <= MOST_SEARCHES
                && let Some(help) = self.own_field(*reference)
            {
                if fields.insert((name, help.clone())) {
                    self.unknown(may_come(self, index), *reference).help = Some(help);
                }
                continue;
            }
            guesses += 1;
            if guesses > MOST_GUESSES {
                self.unknown(may_come(self, index), *reference);
                continue;
            }
            let candidates = self.scope.candidates(*reference);
            let known: FxHashSet<&str> = candidates.iter().map(String::as_str).collect();
            let help = self.cure(*reference, name, &known);
            self.unknown(may_come(self, index), *reference).help = help;
        }
    }

    /// Says that nobody knows a name: a warning where a later text may define it.
    fn unknown(&mut self, may_come: bool, reference: GlobalRef) -> &mut Diagnostic {
        let title = format!("unknown name `{}`", self.name(reference.name));
        match may_come {
            true => self.warning(reference.span, format!("{title}: define it before the function gets there")),
            false => self.error(reference.span, title),
        }
    }

    /// The names that stand for values inside of functions. (What a type is must be known when code is made.)
    fn named_in_functions(&self) -> FxHashSet<usize> {
        let unit = self.unit;
        let named = unit.nodes.iter().filter_map(|node| match node {
            Node::Global(global) => Some(global.index()),
            _ => None,
        });
        let functions = unit.functions.iter().enumerate().filter(|(id, _)| *id != unit.init.index());
        // Where functions begin, and how far those that have begun reach.
        let mut reach: Vec<(u32, u32)> = functions.map(|(_, f)| (f.span.start, f.span.end)).collect();
        reach.sort_unstable();
        for i in 1..reach.len() {
            reach[i].1 = reach[i].1.max(reach[i - 1].1);
        }
        let within = |index: &usize| {
            let reference = unit.globals[*index];
            let begun = reach.partition_point(|(start, _)| *start <= reference.span.start);
            reference.alias.is_none() && begun > 0 && reference.span.end <= reach[begun - 1].1
        };
        named.filter(within).collect()
    }

    /// What was meant by a name that nobody knows.
    fn cure(&mut self, reference: GlobalRef, name: &str, known: &FxHashSet<&str>) -> Option<String> {
        if let Some(parts) = subtraction(name, known) {
            return Some(format!("for a subtraction put spaces around the minus: `{parts}`"));
        }
        if self.within_own_let(reference) {
            return Some(format!(
                "a `let` is not in view in its own value; a function that calls itself is `fn {name}(…) {{ … }}`"
            ));
        }
        if let Some(help) = self.made_later(reference) {
            return Some(help);
        }
        if let Some(name) = name.strip_suffix('?').filter(|_| self.behind(reference).starts_with('.')) {
            return Some(format!(
                "ask for it first: `if {name} != null {{ … }}`; `get-in(m, [:a, :b])` goes into maps of maps"
            ));
        }
        if let Some((m, k)) = name.split_once("->") {
            return Some(format!("`{m}[:{k}]` reads the key of a map, `{m}.{k}` the field of a struct"));
        }
        if self.is_namespace_before_dot(reference) {
            let in_view = self.scope.namespace_called(name).is_some();
            let add = if in_view { String::new() } else { format!(", after a line `use {name}` at the top") };
            return Some(format!("`{name}` is a namespace: what is in it is written `{name}/…`{add}"));
        }
        closest(name, known.iter().copied()).map(|c| format!("did you mean `{c}`?"))
    }

    /// The text behind a name.
    fn behind(&self, reference: GlobalRef) -> &'a str {
        self.unit.source.text.get(reference.span.end as usize..).unwrap_or_default()
    }

    /// Does the name stand alone behind a colon, as types do elsewhere?
    fn stands_as_type(&self, reference: GlobalRef) -> bool {
        let before = self.unit.source.text.get(..reference.span.start as usize).unwrap_or_default();
        before.trim_end().ends_with(':') && !self.behind(reference).starts_with(['(', '.'])
    }

    /// A local of that name further down in the same function.
    fn made_later(&self, reference: GlobalRef) -> Option<String> {
        let (unit, at) = (self.unit, reference.span);
        let name = self.name(reference.name);
        let around = |span: Span| span.start <= at.start && at.end <= span.end;
        let arities = unit.functions.iter().filter(|f| around(f.span)).flat_map(|f| &f.arities);
        let made = arities
            .filter(|arity| around(arity.span))
            .flat_map(|arity| &arity.vars)
            .find(|var| var.kind == VarKind::Local && var.span.start > at.end && unit.name(var.name) == name)?;
        let (line, _) = unit.source.line_column(made.span.start);
        Some(format!(
            "it is made further down, in line {line}: what is named inside a function is in view only behind that"
        ))
    }

    /// A field of the struct that is extended around the name.
    fn own_field(&mut self, reference: GlobalRef) -> Option<String> {
        let (unit, at, name) = (self.unit, reference.span, self.name(reference.name));
        let around = |span: Span| span.start <= at.start && at.end <= span.end;
        let extend = unit.items.iter().find_map(|item| match item {
            Item::Extend(extend) if around(extend.span) => Some(extend),
            _ => None,
        })?;
        let (_, function) = extend.methods.iter().find(|(_, function)| around(unit.function(*function).span))?;
        let arity = unit.function(*function).arities.iter().find(|arity| around(arity.span))?;
        let receiver = match arity.params.first().map(|first| unit.pattern(*first)) {
            Some(Pattern::Bind(var)) => Some(unit.name(arity.vars[var.index()].name)),
            Some(_) => return None,
            None => None,
        };
        let meaning = self.meaning(extend.target)?;
        let view = self.type_view(meaning);
        let fields = match (view.as_deref()?, extend.variant) {
            (TypeView::Struct(fields), _) => fields,
            (TypeView::Enum(variants), Some(variant)) => &variants.iter().find(|(v, _)| v == self.name(variant))?.1,
            _ => return None,
        };
        fields.iter().any(|f| f.name == name).then(|| match receiver {
            Some(receiver) => format!("a field is read from the receiver: `{receiver}.{name}`"),
            None => format!(
                "a method names its receiver as its first parameter: `(self)`, and reads a field of it: `self.{name}`"
            ),
        })
    }

    /// Is it the name of a `let` around it, in the value of that `let`?
    fn within_own_let(&self, reference: GlobalRef) -> bool {
        let (unit, name, at) = (self.unit, self.name(reference.name), reference.span);
        let text = |span: Span| unit.source.text.get(span.start as usize..span.end as usize);
        unit.nodes.iter().any(|node| match node {
            Node::Let { pattern, value } => {
                let within = unit.span(*value);
                within.start <= at.start
                    && at.end <= within.end
                    && text(unit.pattern_spans[pattern.index()]).is_some_and(|p| p.trim_start_matches("mut ") == name)
            }
            _ => false,
        })
    }

    /// `io.open`, where `io` is a namespace.
    fn is_namespace_before_dot(&self, reference: GlobalRef) -> bool {
        let name = self.name(reference.name);
        self.behind(reference).starts_with('.')
            && (self.scope.namespace_called(name).is_some() || self.scope.is_library(name))
    }

    /// `name/function` written as if `name` were a namespace in view. Tells it, and gives the place behind the slash.
    fn not_in_view(&mut self, reference: GlobalRef) -> Option<u32> {
        let end = reference.span.end as usize;
        let mut rest = self.unit.source.text.get(end..)?.chars();
        if reference.alias.is_some() || rest.next() != Some('/') || !rest.next().is_some_and(char::is_alphabetic) {
            return None;
        }
        let name = self.name(reference.name);
        let (scope, behind) = (self.scope, reference.span.end + 1);
        match scope.meaning(reference) {
            // A function of `core` is nothing that can be divided.
            Some(Meaning::Known(known))
                if scope.core.and_then(|core| core.member(name)).is_some_and(|b| std::ptr::eq(b, known.0)) => {}
            None => {}
            _ => return None,
        }
        if scope.is_library(name) {
            let title = format!("the namespace `{name}` is not in view");
            self.error(reference.span, title).help = Some(format!("add a line `use {name}` at the top"));
            return Some(behind);
        }
        if scope.meaning(reference).is_some() {
            return None;
        }
        let names: FxHashSet<String> = scope.namespace_names().into_iter().collect();
        let meant = closest(name, names.iter().map(String::as_str))?.to_string();
        self.error(reference.span, format!("there is no namespace or alias `{name}` here")).help =
            Some(format!("did you mean `{meant}`?"));
        Some(behind)
    }
}

/// `x - y` when the name is made of names in view.
fn subtraction(name: &str, known: &FxHashSet<&str>) -> Option<String> {
    let mut starts = vec![0];
    starts.extend(name.match_indices('-').map(|(at, _)| at + 1));
    if starts.len() > MOST_PARTS {
        return None;
    }
    // From the last part: how the rest of the name from there is to be written.
    let mut rests: Vec<Option<String>> = vec![None; starts.len()];
    for from in (0..starts.len()).rev() {
        let rest = &name[starts[from]..];
        rests[from] = if from > 0 && known.contains(rest) {
            Some(rest.to_string())
        } else {
            (from + 1..starts.len()).find_map(|to| {
                let left = &name[starts[from]..starts[to] - 1];
                let right = rests[to].as_ref().filter(|_| known.contains(left))?;
                Some(format!("{left} - {right}"))
            })
        };
    }
    rests.swap_remove(0)
}

/// What a word that begins a declaration begins, where it stands alone and so is read as a name.
fn declaration(word: &str) -> Option<&'static str> {
    Some(match word {
        "binding" => "binding (name = value) { … }",
        "enum" => "enum Name { first, second { field } }",
        "export" => "export name",
        "extend" => "extend Type with Protocol { fn … }",
        "namespace" => "namespace name",
        "protocol" => "protocol Name { fn method(self) }",
        "struct" => "struct Name { field, … }",
        "test" => "test \"what it shows\" { … }",
        "use" => "use namespace",
        _ => return None,
    })
}
