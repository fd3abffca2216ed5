//! The blocks of a function, in the words of DWARF.
//!
//! Owns what stands in what: the scopes of names that are bound more than once, the functions that are written in place of their
//! calls, and the general version of the code. A name means the variable of the innermost block, and none of the caller's in a function in
//! place; and of the places of a line a debugger keeps one for each block, so that a breakpoint is in both versions.

use gimli::write::{Address, AttributeValue, DwarfUnit, FileId, Range as CodeRange, RangeList, UnitEntryId};
use gimli::{
    DW_AT_abstract_origin, DW_AT_call_file, DW_AT_call_line, DW_AT_decl_file, DW_AT_decl_line, DW_AT_inline,
    DW_AT_low_pc, DW_AT_name, DW_AT_ranges, DW_AT_type, DW_INL_inlined, DW_TAG_formal_parameter,
    DW_TAG_inlined_subroutine, DW_TAG_label, DW_TAG_lexical_block, DW_TAG_subprogram,
};
use rustc_hash::FxHashMap;
use std::rc::Rc;

use super::debug_info::Text;
use crate::asm::code_map::{Function, Part};
use crate::asm::variables::Variable;
use crate::reader::tree::{self, FunctionId, Pattern};

/// A part of the text, from an offset to another.
pub type Scope = (u32, u32);

/// Code from an offset to another.
type Offsets = (u32, u32);

/// In a function with more of them than these, names that are bound more than once are told apart by their lines only.
const MOST_SCOPES: usize = 200;

/// The function itself and the blocks of its scopes.
pub struct Blocks {
    function: UnitEntryId,
    /// With the code of each, in the order of the text.
    scopes: Vec<(Scope, UnitEntryId, Vec<Offsets>)>,
}

impl Blocks {
    /// Adds the blocks of the scopes of names that are bound more than once. Scopes are one in the other or apart, as in the text.
    pub fn add(dwarf: &mut DwarfUnit, parent: UnitEntryId, function: &Function, variables: &[Variable]) -> Blocks {
        let mut bound: FxHashMap<u32, u32> = FxHashMap::default();
        variables.iter().for_each(|variable| *bound.entry(variable.name).or_default() += 1);
        let several = variables.iter().filter(|v| bound[&v.name] > 1 && !v.parameter && v.scope.0 < v.scope.1);
        let mut scopes: Vec<Scope> = several.map(|variable| variable.scope).collect();
        scopes.sort_by_key(|(from, to)| (*from, std::cmp::Reverse(*to)));
        scopes.dedup();
        let mut blocks = Blocks { function: parent, scopes: Vec::new() };
        if scopes.is_empty() || scopes.len() > MOST_SCOPES {
            return blocks;
        }
        let rows: Vec<(u32, u32)> =
            function.lines.places().map(|row| (row.code, function.lines.own_source(row))).collect();
        let mut around: Vec<(u32, UnitEntryId)> = Vec::new();
        for scope in scopes {
            while around.pop_if(|(end, _)| *end < scope.1).is_some() {}
            let block = dwarf.unit.add(around.last().map_or(parent, |(_, block)| *block), DW_TAG_lexical_block);
            around.push((scope.1, block));
            let code = code_of(&rows, function.size, scope);
            set_ranges(dwarf, block, function, &code);
            blocks.scopes.push((scope, block, code));
        }
        blocks
    }

    /// The block of a scope, where it has one of its own.
    pub fn of_scope(&self, scope: Scope) -> Option<UnitEntryId> {
        self.scopes.iter().find(|(other, ..)| *other == scope).map(|(_, block, _)| *block)
    }

    /// The innermost block around a place of the text.
    fn around(&self, source: u32) -> UnitEntryId {
        let inside = self.scopes.iter().rev().find(|((from, to), ..)| (*from..*to).contains(&source));
        inside.map_or(self.function, |(_, block, _)| *block)
    }

    /// Adds the general version to each block, behind all that stands in there, for debuggers give an instruction to the block
    /// that comes first.
    pub fn add_general(&self, dwarf: &mut DwarfUnit, function: &Function) {
        let general: Vec<Offsets> = function
            .parts()
            .filter(|(_, part)| *part == Part::General)
            .map(|(range, _)| (range.start, range.end))
            .collect();
        let whole = vec![(0, function.size)];
        let scopes = self.scopes.iter().map(|(_, block, code)| (*block, code));
        for (parent, code) in scopes.chain([(self.function, &whole)]) {
            let code = common(code, &general);
            let Some((first, _)) = code.first() else { continue };
            let block = dwarf.unit.add(parent, DW_TAG_lexical_block);
            set_ranges(dwarf, block, function, &code);
            // Of a block without names gdb knows nothing.
            let label = dwarf.unit.add(block, DW_TAG_label);
            let label = dwarf.unit.get_mut(label);
            label.set(DW_AT_name, AttributeValue::String("general".into()));
            let address = Address::Constant(function.start as u64 + u64::from(*first));
            label.set(DW_AT_low_pc, AttributeValue::Address(address));
        }
    }
}

/// The functions of a unit that are written in place of calls, each told once.
#[derive(Default)]
pub struct InPlace(FxHashMap<(String, u32, Option<usize>), Origin>);

/// What is the same of an arity of a function in all its places.
struct Origin {
    entry: UnitEntryId,
    parameters: Rc<[(u32, UnitEntryId)]>,
}

/// A call in whose place a function is written.
pub struct Place {
    /// Its entry.
    pub entry: UnitEntryId,
    /// What is the same of the function's parameters in all places, by where the text binds them.
    pub parameters: Rc<[(u32, UnitEntryId)]>,
}

impl InPlace {
    /// Adds to a function what is written in place of its calls: gives the places, by their numbers from 1 on.
    pub fn add(
        &mut self,
        dwarf: &mut DwarfUnit,
        blocks: &Blocks,
        function: &Function,
        from: (&Text, FileId),
        variable: Option<UnitEntryId>,
    ) -> Vec<Option<Place>> {
        let (Text { unit, .. }, file) = from;
        let mut code: Vec<Vec<Offsets>> = Vec::new();
        let rows: Vec<_> = function.lines.places().collect();
        for (index, row) in rows.iter().enumerate() {
            let end = rows.get(index + 1).map_or(function.size, |next| next.code);
            let mut inlined = row.inlined;
            while let Some(call) = function.lines.inlined(inlined) {
                code.resize(code.len().max(inlined as usize), Vec::new());
                extend(&mut code[inlined as usize - 1], row.code, end);
                inlined = call.parent;
            }
        }
        let mut places: Vec<Option<Place>> = Vec::new();
        for (number, code) in (1..).zip(&code) {
            let call = function.lines.inlined(number).filter(|_| !code.is_empty());
            places.push(call.map(|call| {
                let outer = (call.parent as usize).checked_sub(1).and_then(|outer| places.get(outer)?.as_ref());
                let parent = outer.map_or_else(|| blocks.around(call.call), |outer| outer.entry);
                let id = FunctionId(call.function);
                let own = rows.iter().filter(|row| row.inlined == number).map(|row| row.source);
                let calls = (number + 1..).map_while(|inner| function.lines.inlined(inner));
                let inner = calls.filter(|inner| inner.parent == number).map(|inner| inner.call);
                let arity = arity_at(unit.function(id), own.chain(inner));
                let origin = self.origin(dwarf, from, (id, arity), variable);
                let entry = dwarf.unit.add(parent, DW_TAG_inlined_subroutine);
                set_ranges(dwarf, entry, function, code);
                let entry_of = dwarf.unit.get_mut(entry);
                entry_of.set(DW_AT_abstract_origin, AttributeValue::UnitRef(origin.entry));
                entry_of.set(DW_AT_call_file, AttributeValue::FileIndex(Some(file)));
                let line = unit.source.line_column(call.call).0;
                entry_of.set(DW_AT_call_line, AttributeValue::Udata(line.into()));
                Place { entry, parameters: origin.parameters.clone() }
            }));
        }
        places
    }

    fn origin(
        &mut self,
        dwarf: &mut DwarfUnit,
        (Text { unit, namespace, .. }, file): (&Text, FileId),
        (id, arity): (FunctionId, Option<usize>),
        variable: Option<UnitEntryId>,
    ) -> &Origin {
        let function = unit.function(id);
        let name = unit.function_name(namespace, id).replace('\0', "");
        let line_of = |at| AttributeValue::Udata(unit.source.line_column(at).0.into());
        self.0.entry((name.clone(), id.0, arity)).or_insert_with(|| {
            let root = dwarf.unit.root();
            let origin = dwarf.unit.add(root, DW_TAG_subprogram);
            let entry = dwarf.unit.get_mut(origin);
            entry.set(DW_AT_name, AttributeValue::String(name.into()));
            entry.set(DW_AT_inline, AttributeValue::Inline(DW_INL_inlined));
            entry.set(DW_AT_decl_file, AttributeValue::FileIndex(Some(file)));
            entry.set(DW_AT_decl_line, line_of(function.span.start));
            let mut parameters = Vec::new();
            let arity = arity.and_then(|arity| function.arities.get(arity));
            for (arity, pattern) in arity.iter().flat_map(|arity| arity.params.iter().map(move |p| (arity, p))) {
                let (Pattern::Bind(var), Some(type_)) = (unit.pattern(*pattern), variable) else { continue };
                let var = &arity.vars[var.index()];
                let name = unit.name(var.name).replace('\0', "");
                let id = dwarf.unit.add(origin, DW_TAG_formal_parameter);
                parameters.push((var.span.start, id));
                let parameter = dwarf.unit.get_mut(id);
                parameter.set(DW_AT_name, AttributeValue::String(name.into()));
                parameter.set(DW_AT_type, AttributeValue::UnitRef(type_));
                parameter.set(DW_AT_decl_line, line_of(var.span.start));
            }
            Origin { entry: origin, parameters: parameters.into() }
        })
    }
}

/// Which arity of a function code is of: the one that stands at one of its places in the text.
fn arity_at(function: &tree::Function, mut places: impl Iterator<Item = u32>) -> Option<usize> {
    if function.arities.len() == 1 {
        return Some(0);
    }
    let stands = |at| function.arities.iter().position(|arity| (arity.span.start..arity.span.end).contains(&at));
    places.find_map(stands)
}

fn set_ranges(dwarf: &mut DwarfUnit, entry: UnitEntryId, function: &Function, code: &[Offsets]) {
    let base = CodeRange::BaseAddress { address: Address::Constant(function.start as u64) };
    let pairs = code.iter().map(|(begin, end)| CodeRange::OffsetPair { begin: (*begin).into(), end: (*end).into() });
    let ranges = dwarf.unit.ranges.add(RangeList([base].into_iter().chain(pairs).collect()));
    dwarf.unit.get_mut(entry).set(DW_AT_ranges, AttributeValue::RangeListRef(ranges));
}

/// The code of a scope: where the rows (offsets in code and text) are in it.
fn code_of(rows: &[(u32, u32)], size: u32, scope: Scope) -> Vec<Offsets> {
    let mut code = Vec::new();
    for (index, (start, source)) in rows.iter().enumerate() {
        if (scope.0..scope.1).contains(source) {
            extend(&mut code, *start, rows.get(index + 1).map_or(size, |next| next.0));
        }
    }
    code
}

/// Adds code behind all that there is.
fn extend(code: &mut Vec<Offsets>, start: u32, end: u32) {
    match code.last_mut() {
        _ if start == end => {}
        Some(last) if last.1 == start => last.1 = end,
        _ => code.push((start, end)),
    }
}

/// The code that is in both; each is sorted.
fn common(a: &[Offsets], b: &[Offsets]) -> Vec<Offsets> {
    let all = a.iter().flat_map(|a| b.iter().map(move |b| (a.0.max(b.0), a.1.min(b.1))));
    all.filter(|(start, end)| start < end).collect()
}
