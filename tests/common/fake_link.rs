//! A [`Link`] without a running system behind it: code can be generated for any machine on any host.
//!
//! Every name gets an address of its own in a made-up range, the same in every run, and listings show the names. A unit's own
//! functions, structs and enums are known, as are the functions of `core` that the generator writes inline; every other name
//! is a builtin function.
#![allow(dead_code)] // Each test crate uses its part.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use harrier::asm::code_map::Function;
use harrier::asm::disasm::{self, Listing, Machine};
use harrier::asm::lines::Row;
use harrier::asm::masm::{AbsoluteFixup, MacroAssembler};
use harrier::asm::{arm64, x64};
use harrier::codegen::facts::Seen;
use harrier::codegen::link::*;
use harrier::codegen::trials::Trials;
use harrier::codegen::{Generated, generate};
use harrier::object::Word;
use harrier::object::layout::{FIRST_USER_LAYOUT, LayoutId};
use harrier::reader::tree::*;
use harrier::runtime::helpers;
use harrier::verify;

/// Where the code is said to lie.
const PLACE: usize = 0x7000_0000;
const FIRST_CODE: usize = 0x7100_0000;
const FIRST_CELL: usize = 0x7800_0000;
/// The distance of two things that have addresses.
const STEP: usize = 0x40;

/// Reads a text that has no errors.
pub fn read(name: &str, text: &str) -> Unit {
    let source = Arc::new(Source::new(name, text));
    harrier::reader::read(source, &Default::default()).unwrap_or_else(|errors| panic!("{name}: {errors:#?}"))
}

/// A struct or a variant of the unit.
struct Shape {
    type_: String,
    variant: Option<String>,
    layout: LayoutId,
    fields: Vec<(String, bool, bool)>,
}

/// The link.
pub struct FakeLink<'a> {
    unit: &'a Unit,
    shapes: Vec<Shape>,
    addresses: HashMap<String, usize>,
    names: BTreeMap<usize, String>,
    keywords: u32,
    next_code: usize,
    next_cell: usize,
    /// What the generator is to try.
    pub trials: Trials,
    /// Are stores into old objects remembered?
    pub remembers: bool,
}

impl<'a> FakeLink<'a> {
    /// A link for the functions of a unit.
    pub fn new(unit: &'a Unit) -> FakeLink<'a> {
        let mut shapes = Vec::new();
        let fields = |fields: &[Field]| {
            fields.iter().map(|f| (unit.name(f.name).to_string(), f.mutable, f.default.is_some())).collect()
        };
        let mut next = FIRST_USER_LAYOUT;
        let mut layout = || {
            next += 1;
            next - 1
        };
        for item in &unit.items {
            match item {
                Item::Struct { name, fields: own, .. } => shapes.push(Shape {
                    type_: unit.name(*name).into(),
                    variant: None,
                    layout: layout(),
                    fields: fields(own),
                }),
                Item::Enum { name, variants, .. } => {
                    for variant in variants {
                        shapes.push(Shape {
                            type_: unit.name(*name).into(),
                            variant: Some(unit.name(variant.name).into()),
                            layout: layout(),
                            fields: fields(&variant.fields),
                        });
                    }
                }
                _ => {}
            }
        }
        FakeLink {
            unit,
            shapes,
            addresses: HashMap::new(),
            names: BTreeMap::new(),
            keywords: 0,
            next_code: FIRST_CODE,
            next_cell: FIRST_CELL,
            trials: Trials::default(),
            remembers: false,
        }
    }

    fn address(&mut self, name: String, code: bool) -> usize {
        if let Some(&address) = self.addresses.get(&name) {
            return address;
        }
        let next = if code { &mut self.next_code } else { &mut self.next_cell };
        let address = *next;
        *next += STEP;
        self.addresses.insert(name.clone(), address);
        self.names.insert(address, name);
        address
    }

    fn cell(&mut self, name: String) -> usize {
        self.address(name, false)
    }

    fn global_name(&self, global: GlobalId) -> String {
        let global = self.unit.globals[global.index()];
        let name = self.unit.name(global.name);
        match global.alias {
            Some(alias) => format!("{}/{name}", self.unit.name(alias)),
            None => name.to_string(),
        }
    }

    fn shape(&self, layout: LayoutId) -> Option<&Shape> {
        self.shapes.iter().find(|s| s.layout == layout)
    }

    fn is_own(&self, wanted: &str) -> bool {
        self.unit.items.iter().any(|item| match item {
            Item::Function { name, .. } => self.unit.name(*name) == wanted,
            Item::Let { names, .. } => names.iter().any(|(name, _)| self.unit.name(*name) == wanted),
            _ => false,
        })
    }

    /// A hint written as `Int`, `Float`, `Other` or `Point(Float, Float)`.
    pub fn parse_hint(&self, text: &str) -> Seen {
        let (name, rest) = text.split_once('(').unwrap_or((text, ""));
        match name.trim() {
            "Int" => Seen::Int,
            "Float" => Seen::Float,
            "Other" => Seen::Other,
            "String" => Seen::Object(harrier::object::layout::STRING, Vec::new()),
            "Array" => {
                let element = rest.trim_end_matches(')');
                Seen::Object(harrier::object::layout::ARRAY, vec![self.parse_hint(element)])
            }
            name => match self.shapes.iter().find(|s| s.type_ == name || s.variant.as_deref() == Some(name)) {
                Some(shape) => {
                    let fields = rest.trim_end_matches(')').split(',').filter(|f| !f.trim().is_empty());
                    Seen::Object(shape.layout, fields.map(|f| self.parse_hint(f)).collect())
                }
                None => Seen::None,
            },
        }
    }

    /// Generates one arity and lists it, source lines between the instructions, on demand also where variables are.
    pub fn listing<M: Target>(
        &mut self,
        function: FunctionId,
        arity: usize,
        hints: &[Seen],
        with_variables: bool,
    ) -> String {
        let unit = self.unit;
        let generated = generate::<M>(self, unit, function, arity, hints).expect("the code is in reach");
        let Generated { mut code, lines, variables, saved, .. } = generated;
        for fixup in &code.absolute {
            assert!(M::apply(&mut code.code, PLACE, fixup), "{:?} is out of reach", self.names.get(&fixup.target));
        }
        let mut comments: Vec<(u32, String)> = code.comments.clone();
        let mut places: Vec<(u32, String)> = Vec::new();
        for Row { code: at, source, .. } in lines {
            let line = unit.source.line_column(source).0;
            let start = unit.source.line_starts[line as usize - 1] as usize;
            let text = unit.source.text[start..].lines().next().unwrap_or("").trim();
            places.push((at, format!("{line}: {text}")));
        }
        // A line is said once where its nodes follow each other.
        places.dedup_by(|next, last| next.1 == last.1);
        comments.extend(places);
        if with_variables {
            let name = |name: u32| unit.names[name as usize].to_string();
            comments.extend(disasm::variables(M::MACHINE, &variables, saved, &name));
        }
        comments.sort_by_key(|(at, _)| *at);
        let names = |address: u64| self.names.get(&(address as usize)).cloned();
        let listing = Listing {
            machine: M::MACHINE,
            code: &code.code,
            address: PLACE as u64,
            comments: &comments,
            names: &names,
            offsets: false,
        };
        listing.text()
    }
}

impl FakeLink<'_> {
    /// Generates one arity and verifies it: the differences that are found, with the listing around them. None: no code comes of it.
    pub fn differences<M: Target>(&mut self, function: FunctionId, arity: usize, hints: &[Seen]) -> Option<String> {
        let unit = self.unit;
        let generated = generate::<M>(self, unit, function, arity, hints).ok()?;
        let Generated { mut code, saved, arguments, frame_bytes, safepoints, .. } = generated;
        for fixup in &code.absolute {
            assert!(M::apply(&mut code.code, PLACE, fixup), "{:?} is out of reach", self.names.get(&fixup.target));
        }
        let name = format!("{}: function {}/{arity}", unit.source.name, function.0);
        let function = Function {
            name: name.into(),
            start: PLACE,
            size: code.code.len() as u32,
            saved,
            arguments,
            frame_bytes,
            safepoints,
            frames: code.frames.into(),
            ..Function::default()
        };
        let (box_float, look_up) = (self.box_float_stub(), self.look_up());
        let mut claims = helpers::claims(|helper| self.helper(helper), box_float, look_up);
        claims.extend(self.remember_stub().map(|stub| (stub, helpers::REMEMBERS)));
        let known = |address: u64| address as usize == PLACE || self.names.contains_key(&(address as usize));
        let found = verify::check(M::MACHINE, &function, &code.code, &claims, &known);
        let names = |address: u64| self.names.get(&(address as usize)).cloned();
        Some(verify::report(M::MACHINE, &function, &code.code, &found, &names))
    }
}

/// A machine for which listings can be made.
pub trait Target: MacroAssembler {
    /// Which.
    const MACHINE: Machine;
    /// Puts an absolute reference into the code.
    fn apply(code: &mut [u8], place: usize, fixup: &AbsoluteFixup) -> bool;
}

impl Target for x64::X64 {
    const MACHINE: Machine = Machine::X64;
    fn apply(code: &mut [u8], place: usize, fixup: &AbsoluteFixup) -> bool {
        x64::apply_absolute(code, place, fixup)
    }
}

impl Target for arm64::Arm64 {
    const MACHINE: Machine = Machine::Arm64;
    fn apply(code: &mut [u8], place: usize, fixup: &AbsoluteFixup) -> bool {
        arm64::apply_absolute(code, place, fixup)
    }
}

impl Link for FakeLink<'_> {
    fn helper(&mut self, helper: Helper) -> usize {
        self.address(format!("{helper:?}"), true)
    }

    fn box_float_stub(&mut self) -> usize {
        self.address("box_float".into(), true)
    }

    fn remember_stub(&mut self) -> Option<usize> {
        self.remembers.then(|| self.address("remember".into(), true))
    }

    fn look_up(&mut self) -> usize {
        self.address("look_up".into(), false)
    }

    fn characters(&mut self) -> Option<usize> {
        Some(self.cell("characters".into()))
    }

    fn literal(&mut self, literal: &Literal<'_>) -> usize {
        self.cell(shown(literal))
    }

    fn keyword(&mut self, _name: &str) -> Word {
        self.keywords += 1;
        Word::keyword(self.keywords)
    }

    fn site(&mut self, field: &str) -> usize {
        let number = self.addresses.keys().filter(|name| name.starts_with("site ")).count() + 1;
        self.cell(format!("site {number} .{field}"))
    }

    fn global(&mut self, global: GlobalId) -> Option<Global> {
        let name = self.global_name(global);
        let own = self.is_own(&name);
        let intrinsic = match name.as_str() {
            _ if own => None,
            "to-float" => Some(Intrinsic::ToFloat),
            "sqrt" => Some(Intrinsic::Sqrt),
            "length" => Some(Intrinsic::Length),
            "range" => Some(Intrinsic::Range),
            "get" => Some(Intrinsic::Get),
            "not" => Some(Intrinsic::Not),
            "even?" => Some(Intrinsic::Even),
            _ => None,
        };
        let binding = self.cell(format!("binding {name}"));
        let kind = intrinsic.map_or(GlobalKind::Plain, GlobalKind::Intrinsic);
        let collection = match name.as_str() {
            _ if own => None,
            "get" => Some(CollectionCall::Index),
            "contains?" => Some(CollectionCall::Contains),
            "assoc" => Some(CollectionCall::Assoc),
            "dissoc" => Some(CollectionCall::Dissoc),
            "update" => Some(CollectionCall::Update),
            _ => None,
        };
        let quiet = intrinsic.is_some_and(|i| !matches!(i, Intrinsic::Length | Intrinsic::Get));
        Some(Global { binding, kind, builtin: !own, quiet, collection, shows: !own && name == "breakpoint" })
    }

    fn updated(&mut self) -> Global {
        let binding = self.cell("binding _updated".into());
        Global { binding, kind: GlobalKind::Plain, builtin: false, quiet: false, collection: None, shows: false }
    }

    fn own_binding(&mut self, name: &str) -> usize {
        self.cell(format!("binding {name}"))
    }

    fn link_cell(&mut self, binding: usize, arguments: usize) -> Option<usize> {
        let name = self.names.get(&binding)?.strip_prefix("binding ")?.to_string();
        Some(self.cell(format!("{name}/{arguments}")))
    }

    fn inlinable(&mut self, binding: usize, arguments: usize) -> Option<Inlinable> {
        let name = self.names.get(&binding)?.strip_prefix("binding ")?.to_string();
        let unit = self.unit;
        let function = unit.items.iter().find_map(|item| match item {
            Item::Function { name: own, function, .. } if unit.name(*own) == name => Some(*function),
            _ => None,
        })?;
        let arities = &unit.function(function).arities;
        let arity = arities.iter().position(|a| a.rest.is_none() && a.params.len() == arguments)?;
        Some(Inlinable { function, arity })
    }

    fn revision(&mut self) -> (usize, i32) {
        (self.cell("revision".into()), 1)
    }

    fn relies_on(&mut self, _binding: usize, _arguments: usize, _found: Inlinable) -> bool {
        true
    }

    fn method_table(&mut self, _binding: usize, _arguments: usize) -> Option<usize> {
        None
    }

    fn builtin_entries(&mut self, _binding: usize, _arguments: usize) -> Option<[usize; 2]> {
        None
    }

    fn selector_receivers(&mut self, name: &str) -> Receivers {
        if name.len() % 2 == 1 { [FIRST_USER_LAYOUT + 6, FIRST_USER_LAYOUT + 5, 0, 0] } else { Receivers::default() }
    }

    fn selector_table(&mut self, name: &str, arguments: usize) -> usize {
        self.cell(format!("table .{name}/{arguments}"))
    }

    fn builtin_extended(&self) -> bool {
        false
    }

    fn is_interrupt(&mut self, global: GlobalId) -> bool {
        self.global_name(global) == "Interrupt"
    }

    fn struct_type(&mut self, global: GlobalId, variant: Option<&str>) -> Option<StructType> {
        let name = self.global_name(global);
        let index = self.shapes.iter().position(|s| s.type_ == name && s.variant.as_deref() == variant)?;
        let shape = &self.shapes[index];
        let fields = shape.fields.clone();
        let layout = shape.layout;
        let title = format!("{name}.{}", variant.unwrap_or_default());
        let singleton = (variant.is_some() && fields.is_empty()).then(|| self.cell(title.clone()));
        let fields = fields
            .into_iter()
            .map(|(name, mutable, default)| {
                let default = default.then(|| self.cell(format!("default of {title}.{name}")));
                FieldType { name, mutable, default }
            })
            .collect();
        let outdated = self.cell(format!("{title} is outdated"));
        let declarations = (self.cell(format!("declarations of {name}")), 1);
        Some(StructType { layout, outdated, declarations, redefined: false, fields, singleton })
    }

    fn field_names(&mut self, names: &str) -> (usize, usize) {
        (self.cell(format!("names {names}")), names.len())
    }

    fn slot_of(&mut self, layout: LayoutId, field: &str) -> Option<(u32, bool)> {
        let fields = &self.shape(layout)?.fields;
        let slot = fields.iter().position(|(name, ..)| name == field)?;
        Some((slot as u32, fields[slot].1))
    }

    fn guess_layout(&mut self, field: &str) -> Option<LayoutId> {
        let mut with = self.shapes.iter().filter(|s| s.fields.iter().any(|(name, ..)| name == field));
        let first = with.next()?;
        with.next().is_none().then_some(first.layout)
    }

    fn code(&mut self, function: FunctionId) -> usize {
        self.cell(format!("code of function {}", function.0))
    }

    fn closure_cell(&mut self, function: FunctionId) -> usize {
        self.cell(format!("function {}", function.0))
    }

    fn seen(&mut self, _binding: usize) -> Seen {
        Seen::None
    }

    fn captured(&mut self, _index: u32) -> Seen {
        Seen::None
    }

    fn trials(&self) -> Trials {
        self.trials
    }

    fn notes(&self) -> bool {
        true
    }

    fn variables(&self) -> bool {
        true
    }
}

/// A literal as listings name its cell.
fn shown(literal: &Literal<'_>) -> String {
    match literal {
        Literal::Word(word) => format!("{:#x}", word.0),
        Literal::Float(bits) => f64::from_bits(*bits).to_string(),
        Literal::String(text) => format!("{text:?}"),
        Literal::BigInt(digits) => digits.to_string(),
        Literal::Vector(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
    }
}
