//! The checks of a unit before it runs.
//!
//! Owns the compile errors (unknown names, types, fields and variants, missing fields, duplicate definitions) and the warnings
//! (matches that miss variants, wrong numbers of arguments); unknown names are [`names`]'s, values that nobody uses [`dropped`]'s,
//! keys that a map does not have [`keys`]'s. What is suspicious whatever the names
//! mean is `reader/lints.rs`'s. Looks, and changes nothing. All problems of a unit are found in one go.

mod dropped;
mod keys;
mod names;

use crate::runtime::fault::errors;
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

use super::scope::{FieldView, Meaning, MethodView, Scope, TypeView, declared_names};
use crate::gc::Thread;
use crate::reader::diagnostics::{Diagnostic, Severity};
use crate::reader::lints;
use crate::reader::tree::{
    Arm, Field, FunctionId, GlobalId, Item, List, Name, Node, NodeId, Pattern, PatternId, Span, StructLiteral, Unit,
};
use crate::runtime::fault::errors::argument_numbers;
use crate::runtime::fault::suggest::closest;
use crate::runtime::program::dispatch::Target;
use crate::runtime::program::methods::settled;
use crate::runtime::program::types::BUILTIN_TYPES;

const NOT_YET: &str = ": not yet in this version of Harrier";
/// Checks a unit. Errors and warnings in the order of the text. `later`: what a function names may be defined by a later text.
pub fn check(cx: &Thread, scope: &Scope<'_>, later: bool) -> Vec<Diagnostic> {
    let unit = scope.unit;
    let mut checker = Checker {
        cx,
        scope,
        unit,
        found: Vec::new(),
        views: FxHashMap::default(),
        given: FxHashMap::default(),
        told: FxHashSet::default(),
        gives: FxHashMap::default(),
        methods: unit.items.iter().flat_map(methods).map(|name| unit.name(name)).collect(),
    };
    checker.duplicates();
    checker.names(later);
    checker.items();
    for index in 0..unit.nodes.len() {
        checker.node(NodeId(index as u32));
    }
    for index in 0..unit.patterns.len() {
        checker.pattern(PatternId(index as u32));
    }
    checker.dropped_at_the_end();
    checker.keys();
    let mut found = checker.found;
    // Beside errors, what is only suspicious would distract.
    if found.iter().any(|d| d.severity == Severity::Error) {
        found.retain(|d| d.severity == Severity::Error);
    } else {
        found.extend(lints::warnings(unit));
    }
    found.sort_by_key(|d| d.span.map_or(0, |s| s.start));
    found.dedup();
    found
}

struct Checker<'a> {
    cx: &'a Thread,
    scope: &'a Scope<'a>,
    unit: &'a Unit,
    found: Vec<Diagnostic>,
    /// The types that were looked at, by the item or the binding that they are: an enum may be large, and named often.
    views: FxHashMap<Identity, Option<Rc<TypeView>>>,
    /// The methods that the unit's `extend`s give to a type (or a variant of it) for a protocol.
    given: FxHashMap<(Identity, Option<Name>, Identity), Vec<&'a str>>,
    /// The functions of which was said that their Result is dropped.
    told: FxHashSet<FunctionId>,
    /// The function of `io` whose Result a function of the unit gives, as far as was asked.
    gives: FxHashMap<FunctionId, Option<&'static str>>,
    /// The names of all methods that the unit gives to types.
    methods: FxHashSet<&'a str>,
}

fn methods(item: &Item) -> impl Iterator<Item = Name> {
    let methods = match item {
        Item::Extend(extend) => extend.methods.as_slice(),
        _ => &[],
    };
    methods.iter().map(|(name, _)| *name)
}

/// What a name means, as a key: an item of the unit, or a binding.
type Identity = (bool, usize);

fn identity(meaning: Meaning) -> Identity {
    match meaning {
        Meaning::Own(own) => (true, own.item),
        Meaning::Known(known) => (false, std::ptr::from_ref(known.0).addr()),
    }
}

impl<'a> Checker<'a> {
    fn error(&mut self, span: Span, title: String) -> &mut Diagnostic {
        self.report(Severity::Error, span, title)
    }

    fn warning(&mut self, span: Span, title: String) -> &mut Diagnostic {
        self.report(Severity::Warning, span, title)
    }

    fn report(&mut self, severity: Severity, span: Span, title: String) -> &mut Diagnostic {
        self.found.push(Diagnostic::new(severity, title, Some(span)));
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    fn type_view(&mut self, meaning: Meaning) -> Option<Rc<TypeView>> {
        if matches!(meaning, Meaning::Own(own) if own.method) {
            return None;
        }
        let key = identity(meaning);
        let view = || self.scope.type_view(meaning).map(Rc::new);
        self.views.entry(key).or_insert_with(view).clone()
    }

    fn name(&self, name: Name) -> &'a str {
        self.unit.name(name)
    }

    fn meaning(&self, id: GlobalId) -> Option<Meaning> {
        self.scope.meaning(self.unit.globals[id.index()])
    }

    /// The text of a reference as it stands in the source.
    fn reference(&self, id: GlobalId) -> String {
        let reference = self.unit.globals[id.index()];
        match reference.alias {
            Some(alias) => format!("{}/{}", self.name(alias), self.name(reference.name)),
            None => self.name(reference.name).to_string(),
        }
    }

    // ---- names ----

    fn duplicates(&mut self) {
        let mut seen: FxHashMap<&str, Span> = FxHashMap::default();
        for item in &self.unit.items {
            let span = self.unit.item_span(item);
            let repeatable = matches!(item, Item::Let { .. });
            for name in declared_names(self.unit, item) {
                match seen.get(name) {
                    Some(&first) if !repeatable || name == "_" => {
                        let first = head(self.unit, first);
                        let diagnostic = self.error(head(self.unit, span), format!("`{name}` is defined twice"));
                        diagnostic.secondary.push((first, "first here".into()));
                        if matches!(item, Item::Function { .. }) {
                            diagnostic.help = Some(format!(
                                "a function of several arities is `fn {name} {{ (a) => …, (a, b) => … }}`"
                            ));
                        }
                    }
                    _ => {
                        seen.insert(name, span);
                    }
                }
            }
        }
    }

    // ---- declarations ----

    fn items(&mut self) {
        for item in &self.unit.items {
            if let Item::Extend(extend) = item
                && let (Some(target), Some(protocol)) =
                    (self.meaning(extend.target), extend.protocol.and_then(|p| self.meaning(p)))
            {
                let methods = self.given.entry((identity(target), extend.variant, identity(protocol))).or_default();
                methods.extend(extend.methods.iter().map(|(method, _)| self.unit.name(*method)));
            }
        }
        for item in &self.unit.items {
            match item {
                Item::Struct { name, fields, .. } => {
                    let names = fields.iter().map(|f| (f.name, f.span)).collect::<Vec<_>>();
                    self.distinct(&names, "field", self.name(*name));
                    // Once is enough: it is the same mistake.
                    for field in fields {
                        if self.typed_field(field) {
                            break;
                        }
                    }
                }
                Item::Enum { name, variants, .. } => {
                    let names = variants.iter().map(|v| (v.name, v.span)).collect::<Vec<_>>();
                    self.distinct(&names, "variant", self.name(*name));
                    for variant in variants {
                        let names = variant.fields.iter().map(|f| (f.name, f.span)).collect::<Vec<_>>();
                        let owner = format!("{}.{}", self.name(*name), self.name(variant.name));
                        self.distinct(&names, "field", &owner);
                    }
                }
                Item::Extend(extend) => self.extend(extend),
                _ => {}
            }
        }
    }

    /// `name: String`, which gives the field the type itself as its default.
    fn typed_field(&mut self, field: &Field) -> bool {
        let Some(default) = field.default else { return false };
        let [arity] = &self.unit.function(default).arities[..] else { return false };
        let Node::Global(global) = self.unit.node(arity.body) else { return false };
        let Some(meaning @ Meaning::Known(_)) = self.meaning(*global) else { return false };
        let typed = matches!(self.type_view(meaning).as_deref(), Some(TypeView::Builtin));
        if typed {
            let (name, type_) = (self.name(field.name), self.reference(*global));
            let warning = self.warning(field.span, format!("the default of `{name}` is the type {type_} itself"));
            warning.help = Some(format!("fields have no types: write `{name}`; `{name}: 0` would give it a default"));
        }
        typed
    }

    fn distinct(&mut self, names: &[(Name, Span)], what: &str, owner: &str) {
        let mut seen = FxHashSet::default();
        for (name, span) in names {
            if !seen.insert(*name) {
                self.error(*span, format!("{owner} has two {what}s called `{}`", self.name(*name)));
            }
        }
    }

    fn extend(&mut self, extend: &crate::reader::tree::Extend) {
        let span = self.unit.globals[extend.target.index()].span;
        if let Some(meaning) = self.meaning(extend.target) {
            let target = self.reference(extend.target);
            match (self.type_view(meaning).as_deref(), extend.variant) {
                (None, _) => {
                    self.error(span, format!("`{target}` is not a type: it cannot be extended"));
                }
                (Some(TypeView::Protocol(_)), _) => {
                    self.error(span, format!("`{target}` is a protocol: it cannot be extended"));
                }
                (Some(TypeView::Enum(variants)), Some(variant)) => {
                    self.variant(&target, variants, variant, span);
                }
                (Some(_), Some(variant)) => {
                    let title = format!("`{target}` is no enum: it has no variant `{}`", self.name(variant));
                    self.error(span, title);
                }
                (Some(_), None) => {}
            }
        }
        let Some(protocol) = extend.protocol else { return };
        let span = self.unit.globals[protocol.index()].span;
        let Some(meaning) = self.meaning(protocol) else { return };
        let name = self.reference(protocol);
        let view = self.type_view(meaning);
        let Some(TypeView::Protocol(methods)) = view.as_deref() else {
            self.error(span, format!("`{name}` is not a protocol"));
            return;
        };
        if let Some(why) = self.settled(extend.target, meaning) {
            let target = self.reference(extend.target);
            let title = format!("`{target}` cannot be extended with {name}: {why}");
            self.error(span, title).help = Some("a struct of your own around the value can".into());
            return;
        }
        for (method, function) in &extend.methods {
            self.implementation(&name, methods, self.name(*method), *function);
        }
        self.left_out(extend, meaning, &name, methods);
    }

    /// Why a type of the library keeps what it has of a protocol of `core`, if it does.
    fn settled(&self, target: GlobalId, protocol: Meaning) -> Option<&'static str> {
        let (Meaning::Known(target), Meaning::Known(protocol)) = (self.meaning(target)?, protocol) else { return None };
        let (type_, _) = BUILTIN_TYPES.get(target.0.type_id()?.0 as usize)?;
        settled(protocol.0.name, type_).filter(|_| protocol.0.namespace.name == "core")
    }

    /// The methods that no `extend` of the unit gives the type, and nothing stands in for.
    fn left_out(
        &mut self,
        extend: &crate::reader::tree::Extend,
        protocol: Meaning,
        name: &str,
        methods: &[MethodView],
    ) {
        let Some(target) = self.meaning(extend.target) else { return };
        // What several `extend`s give together is told at the first.
        let Some(given) = self.given.remove(&(identity(target), extend.variant, identity(protocol))) else { return };
        let missing: Vec<String> = methods
            .iter()
            .filter(|m| !m.default && !given.contains(&m.name.as_str()))
            .map(|m| format!("`{}`", m.name))
            .collect();
        if missing.is_empty() {
            return;
        }
        let (missing, span) = (missing.join(" and "), head(self.unit, extend.span));
        let type_ = self.reference(extend.target);
        let title = format!("this extend of {type_} leaves out {missing} of the protocol {name}");
        self.warning(span, title).help =
            Some("calls of it will throw a TypeError: write it, or give the protocol a default".into());
    }

    /// What an `extend` gives for a method: the protocol must declare it, with one of the function's numbers of arguments.
    fn implementation(&mut self, protocol: &str, methods: &[MethodView], method: &str, function: FunctionId) {
        let span = head(self.unit, self.unit.function(function).span);
        let Some(declared) = methods.iter().find(|m| m.name == method) else {
            let names = || methods.iter().map(|m| m.name.as_str());
            let help = closest(method, names())
                .map(|c| format!("did you mean `{c}`?"))
                .unwrap_or_else(|| format!("its methods: {}", names().collect::<Vec<_>>().join(", ")));
            self.error(span, format!("protocol {protocol} has no method `{method}`")).help = Some(help);
            return;
        };
        let takes = self.scope.function_takes(function);
        // Is there a number of arguments for both?
        let meet =
            |&(n, more): &(usize, bool), &(m, more_too): &(usize, bool)| n == m || more && m > n || more_too && n > m;
        if declared.takes.iter().any(|a| takes.iter().any(|b| meet(a, b))) {
            return;
        }
        let (wanted, given) = (argument_numbers(&declared.takes), argument_numbers(&takes));
        let title = format!("protocol {protocol} declares `{method}` with {wanted}, this function takes {given}");
        self.error(span, title).help = Some("the numbers count `self`".into());
    }

    fn variant<'v>(
        &mut self,
        type_: &str,
        variants: &'v [(String, Vec<FieldView>)],
        variant: Name,
        span: Span,
    ) -> Option<&'v [FieldView]> {
        let name = self.name(variant);
        if let Some((_, fields)) = variants.iter().find(|(v, _)| v == name) {
            return Some(fields);
        }
        let names = variants.iter().map(|(v, _)| v.as_str());
        let help = closest(name, names.clone())
            .map(|c| format!("did you mean `{type_}.{c}`?"))
            .unwrap_or_else(|| format!("its variants: {}", names.collect::<Vec<_>>().join(", ")));
        self.error(span, format!("enum {type_} has no variant `{name}`")).help = Some(help);
        None
    }

    // ---- expressions ----

    fn node(&mut self, id: NodeId) {
        let span = self.unit.span(id);
        match self.unit.node(id) {
            Node::Struct(literal) => self.struct_literal(span, literal),
            Node::Field { object, name } => self.variant_value(*object, *name, span),
            Node::Call { callee, args, .. } => self.call(*callee, *args, span),
            Node::MethodCall { object, name, args, .. } => self.variant_call(*object, *name, *args, span),
            Node::Match { subject: _, arms } => self.arms(head(self.unit, span), arms),
            Node::Block(list) => {
                if let Some((_, before)) = self.unit.list(*list).split_last() {
                    self.dropped(before);
                }
            }
            Node::If { condition, .. } | Node::While { condition, .. } => self.assigns(*condition),
            Node::NotYet(feature) => self.not_yet(span, self.name(*feature)),
            Node::Binding(binding) => {
                for name in &binding.names {
                    if let Some(meaning) = self.meaning(*name)
                        && !self.scope.is_dynamic(meaning)
                    {
                        let span = self.unit.globals[name.index()].span;
                        let title = format!("`{}` is not dynamic: `binding` cannot bind it", self.reference(*name));
                        self.error(span, title).help = Some("declare it with `let dynamic`".into());
                    }
                }
            }
            _ => {}
        }
    }

    /// What the language has, but not yet here: said once.
    fn not_yet(&mut self, span: Span, feature: &str) {
        let title = format!("{feature}{NOT_YET}");
        if !self.found.iter().any(|d| d.title.ends_with(NOT_YET)) {
            let work =
                "a function is `fn name() { … }`; work beside this is `thread(fn() { … })`, `join(t)` waits for it";
            self.error(span, title).help = (feature == "`async`").then(|| work.to_string());
        }
    }

    fn struct_literal(&mut self, span: Span, literal: &StructLiteral) {
        let &StructLiteral { type_, variant, base, ref fields, values: _ } = literal;
        let Some(meaning) = self.meaning(type_) else { return };
        let name = self.reference(type_);
        let at = self.unit.globals[type_.index()].span;
        let view = self.type_view(meaning);
        let (owner, declared) = match (view.as_deref(), variant) {
            (Some(TypeView::Struct(fields)), None) => (name, fields.as_slice()),
            (Some(TypeView::Enum(variants)), Some(variant)) => {
                let Some(fields) = self.variant(&name, variants, variant, head(self.unit, span)) else { return };
                (format!("{name}.{}", self.name(variant)), fields)
            }
            (Some(TypeView::Enum(_)), None) => {
                self.error(at, format!("`{name}` is an enum: name one of its variants, `{name}.variant {{ … }}`"));
                return;
            }
            (Some(TypeView::Struct(_)), Some(variant)) => {
                self.error(at, format!("struct {name} has no variants, and so no `{}`", self.name(variant)));
                return;
            }
            (Some(_), _) => {
                self.error(at, format!("`{name}` is neither a struct nor an enum: it has no literals"));
                return;
            }
            (None, _) => {
                self.error(at, format!("`{name}` is not a struct"));
                return;
            }
        };
        let mut seen = FxHashSet::default();
        let before = self.found.len();
        for (at, field) in fields.iter().enumerate() {
            let field = self.name(*field);
            if !seen.insert(field) {
                self.error(head(self.unit, span), format!("field `{field}` of {owner} is given twice"));
            } else if !declared.iter().any(|d| d.name == field) {
                let place = self.field_place(literal, at).unwrap_or(head(self.unit, span));
                self.no_field(place, &owner, declared, field);
            }
        }
        // A field that is called wrongly is not missing too.
        if base.is_some() || self.found.len() > before {
            return;
        }
        let missing: Vec<String> = declared
            .iter()
            .filter(|d| !d.optional && !seen.contains(d.name.as_str()))
            .map(|d| format!("`{}`", d.name))
            .collect();
        if !missing.is_empty() {
            let what = if missing.len() == 1 { "field" } else { "fields" };
            self.error(head(self.unit, span), format!("{owner} needs the {what} {}", missing.join(", "))).help =
                Some("give it here, or give it a default where the type is declared: `{ name: value }`".into());
        }
    }

    /// Where the name of a field in a literal stands: before its value, or as it.
    fn field_place(&self, literal: &StructLiteral, at: usize) -> Option<Span> {
        let (unit, name) = (self.unit, self.name(literal.fields[at]));
        let value = unit.span(unit.list(literal.values)[at]);
        let before = unit.source.text.get(..value.start as usize)?.trim_end_matches(['(', ' ', '\t', '\n', '\r']);
        let Some(before) = before.strip_suffix(':') else { return Some(value) };
        let end = before.trim_end().len();
        before.trim_end().ends_with(name).then(|| Span { start: (end - name.len()) as u32, end: end as u32 })
    }

    fn no_field(&mut self, span: Span, owner: &str, declared: &[FieldView], field: &str) {
        let names = declared.iter().map(|d| d.name.as_str());
        let help = closest(field, names.clone()).map(|c| format!("did you mean `{c}`?")).unwrap_or_else(|| {
            match declared.is_empty() {
                true => "it has no fields".into(),
                false => format!("its fields: {}", names.collect::<Vec<_>>().join(", ")),
            }
        });
        self.error(span, format!("{owner} has no field `{field}`")).help = Some(help);
    }

    /// `Enum.variant` as a value.
    fn variant_value(&mut self, object: NodeId, name: Name, span: Span) {
        let Node::Global(global) = self.unit.node(object) else { return };
        let Some(meaning) = self.meaning(*global) else { return };
        let view = self.type_view(meaning);
        let Some(TypeView::Enum(variants)) = view.as_deref() else { return };
        if self.associated(meaning, name) {
            return;
        }
        let type_ = self.reference(*global);
        if let Some(fields) = self.variant(&type_, variants, name, span)
            && !fields.is_empty()
        {
            let variant = self.name(name);
            let list = fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", ");
            self.error(span, format!("variant {type_}.{variant} has fields: write `{type_}.{variant} {{ {list} }}`"));
        }
    }

    fn call(&mut self, callee: NodeId, args: List, span: Span) {
        let Node::Global(global) = self.unit.node(callee) else { return };
        let Some(meaning) = self.meaning(*global) else { return };
        let name = self.name(self.unit.globals[global.index()].name);
        let view = self.type_view(meaning);
        if let Some(TypeView::Struct(fields)) = view.as_deref() {
            let written = self.literal(&self.reference(*global), fields, args);
            self.error(span, format!("`{name}` is a struct, and no function")).help =
                Some(format!("write `{written}`"));
            return;
        }
        let Some(takes) = self.scope.takes(self.cx, name, meaning) else { return };
        let argc = args.len as usize;
        if takes.iter().any(|&(n, rest)| if rest { argc >= n } else { argc == n }) {
            return;
        }
        let message = errors::arity_message(&self.reference(*global), &takes, argc);
        self.warning(span, message).label = Some("this call will throw an ArityError".into());
    }

    /// How a literal with these values is written.
    fn literal(&self, name: &str, fields: &[FieldView], values: List) -> String {
        let text = |id: &NodeId| {
            let span = self.unit.span(*id);
            self.unit
                .source
                .text
                .get(span.start as usize..span.end as usize)
                .filter(|t| t.len() < 30 && !t.contains('\n'))
        };
        let mut values = self.unit.list(values).iter().map(text);
        let written: Vec<String> = fields
            .iter()
            .map(|field| match values.next() {
                Some(Some(value)) => format!("{}: {value}", field.name),
                _ => format!("{}: …", field.name),
            })
            .collect();
        if written.is_empty() { format!("{name} {{ }}") } else { format!("{name} {{ {} }}", written.join(", ")) }
    }

    /// `Enum.variant(…)`, where no function of that name is given to the enum.
    fn variant_call(&mut self, object: NodeId, name: Name, args: List, span: Span) {
        let Node::Global(global) = self.unit.node(object) else { return };
        let Some(meaning) = self.meaning(*global) else { return };
        let view = self.type_view(meaning);
        let Some(TypeView::Enum(variants)) = view.as_deref() else { return };
        let variant = self.name(name);
        let Some((_, fields)) = variants.iter().find(|(v, _)| v == variant) else { return };
        if matches!(meaning, Meaning::Known(_)) || self.associated(meaning, name) {
            return;
        }
        let type_ = self.reference(*global);
        let written = match fields.is_empty() {
            true => format!("{type_}.{variant}"),
            false => self.literal(&format!("{type_}.{variant}"), fields, args),
        };
        self.error(span, format!("`{type_}.{variant}` is a variant, and no function")).help =
            Some(format!("write `{written}`"));
    }

    /// Does the unit, or somebody before, give the type a function of this name?
    fn associated(&self, type_: Meaning, name: Name) -> bool {
        let own = self.unit.items.iter().any(|item| {
            matches!(item, Item::Extend(extend)
                if self.meaning(extend.target) == Some(type_) && extend.methods.iter().any(|(method, _)| *method == name))
        });
        own || match type_ {
            Meaning::Known(known) => known.0.type_id().is_some_and(|id| {
                let target = Target { type_: id, variant: None };
                self.scope.vm.dispatch.names_of(target).contains(&self.name(name))
            }),
            Meaning::Own(_) => false,
        }
    }

    // ---- match ----

    fn arms(&mut self, at: Span, arms: &'a [Arm]) {
        let mut covered = Covered::default();
        let mut only_variants = true;
        let mut enum_ = None;
        for arm in arms {
            for pattern in self.alternatives(arm.pattern) {
                let fits_all = arm.guard.is_none();
                match self.unit.pattern(pattern) {
                    Pattern::Ignore | Pattern::Bind(_) if fits_all => covered.everything = true,
                    Pattern::Ignore | Pattern::Bind(_) => {}
                    Pattern::Struct { type_, variant: Some(variant), fields } => {
                        match (enum_, self.meaning(*type_)) {
                            (None, Some(meaning)) => enum_ = Some((*type_, meaning)),
                            (Some((_, first)), Some(meaning)) if first == meaning => {}
                            _ => only_variants = false,
                        }
                        let whole =
                            fields.iter().all(|(_, p)| super::scope::irrefutable(self.unit, self.unit.pattern(*p)));
                        if fits_all && whole {
                            covered.variants.insert(self.name(*variant));
                        } else {
                            covered.partly.insert(self.name(*variant));
                        }
                    }
                    _ => only_variants = false,
                }
            }
        }
        let Some((_, meaning)) = enum_.filter(|_| only_variants && !covered.everything) else { return };
        let view = self.type_view(meaning);
        let Some(TypeView::Enum(variants)) = view.as_deref() else { return };
        let missing: Vec<String> = variants
            .iter()
            .filter(|(v, _)| !covered.variants.contains(v.as_str()))
            .map(|(v, _)| match covered.partly.contains(v.as_str()) {
                true => format!("some values of `{v}`"),
                false => format!("`{v}`"),
            })
            .collect();
        if !missing.is_empty() {
            let name = self.scope.type_name(meaning);
            let title = format!("this match over {name} misses {}", missing.join(", "));
            self.warning(at, title).help = Some("add arms for them, or `_ => …`".into());
        }
    }

    fn alternatives(&self, pattern: PatternId) -> Vec<PatternId> {
        match self.unit.pattern(pattern) {
            Pattern::Or(all) => all.iter().flat_map(|p| self.alternatives(*p)).collect(),
            _ => vec![pattern],
        }
    }

    // ---- patterns ----

    fn pattern(&mut self, id: PatternId) {
        let Pattern::Struct { type_, variant, fields } = self.unit.pattern(id) else { return };
        let span = self.unit.pattern_spans[id.index()];
        let Some(meaning) = self.meaning(*type_) else { return };
        let name = self.reference(*type_);
        let view = self.type_view(meaning);
        let (owner, declared) = match (view.as_deref(), variant) {
            (Some(TypeView::Struct(fields)), None) => (name, fields.as_slice()),
            (Some(TypeView::Enum(variants)), Some(variant)) => {
                let Some(declared) = self.variant(&name, variants, *variant, span) else { return };
                (format!("{name}.{}", self.name(*variant)), declared)
            }
            (Some(TypeView::Enum(_) | TypeView::Builtin), None) if fields.is_empty() => return,
            (Some(TypeView::Enum(_)), None) => {
                self.error(span, format!("`{name}` is an enum: name one of its variants, `{name}.variant {{ … }}`"));
                return;
            }
            (Some(TypeView::Struct(_)), Some(variant)) => {
                self.error(span, format!("struct {name} has no variants, and so no `{}`", self.name(*variant)));
                return;
            }
            (Some(_), _) => {
                self.error(span, format!("`{name}` has no fields that a pattern could name"));
                return;
            }
            (None, _) => {
                self.error(span, format!("`{name}` is not a type"));
                return;
            }
        };
        for (field, _) in fields {
            let field = self.name(*field);
            if !declared.iter().any(|d| d.name == field) {
                self.no_field(span, &owner, declared, field);
            }
        }
    }
}

/// What the arms of a match so far fit.
#[derive(Default)]
struct Covered<'a> {
    everything: bool,
    variants: FxHashSet<&'a str>,
    partly: FxHashSet<&'a str>,
}

/// The first line of a span.
fn head(unit: &Unit, span: Span) -> Span {
    let text = unit.source.text.get(span.start as usize..span.end as usize).unwrap_or_default();
    let end = text.find(['\n', '{']).unwrap_or(text.len());
    let end = text[..end].trim_end().len().max(1);
    Span { start: span.start, end: span.start + end as u32 }
}
