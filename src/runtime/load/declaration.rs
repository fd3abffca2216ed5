//! Declarations that are evaluated once more, with stops in them or without.
//!
//! Owns what of a text is evaluated then: nothing but the declaration, every byte of it at the place that it had. It is a redefinition
//! like any other, so what runs already ends in the code that it began in.

use std::sync::Arc;

use super::{LoadError, Origin, load_unit, read_for, syntax_problems};
use crate::gc::Thread;
use crate::reader::stops;
use crate::reader::tree::{Source, Span, Unit};
use crate::runtime::Namespace;
use crate::runtime::fault::stop;
use crate::runtime::vm::Vm;

/// Evaluates a declaration of a text once more: with stops before its statements, breakpoints at these places, or without.
pub fn declare(
    cx: &mut Thread,
    namespace: &'static Namespace,
    (source, span): (&Arc<Source>, Span),
    breakpoints: Option<&[u32]>,
) -> Result<(), LoadError> {
    let blank = |byte: u8| if byte == b'\n' { '\n' } else { ' ' };
    let mut text: String = source.text.bytes().take(span.start as usize).map(blank).collect();
    text.push_str(source.text.get(span.start as usize..span.end as usize).unwrap_or_default());
    let origin = Origin::Declaration(namespace, breakpoints);
    let unit = read_for(Arc::new(Source::new(source.name.clone(), text)), Some(namespace));
    let mut unit = unit.map_err(|errors| syntax_problems(source, &errors, origin))?;
    unit.source = source.clone();
    let mark = cx.mark();
    let declared = load_unit(cx, &Arc::new(unit), namespace, origin, None);
    cx.release(mark);
    declared.map(|_| ())
}

/// The tree with the stops that it is to have.
pub(super) fn with_stops(vm: &Vm, unit: &Arc<Unit>, origin: Origin<'_>) -> Arc<Unit> {
    let (within, breakpoints) = match origin {
        Origin::Declaration(_, Some(breakpoints)) => {
            stop::keep_variables(vm);
            (stops::declarations(unit, &|_| true), breakpoints)
        }
        _ => (stop::declarations(vm, unit), [].as_slice()),
    };
    if within.is_empty() {
        return unit.clone();
    }
    let mut with_stops = Unit::clone(unit);
    with_stops.written = Some(unit.clone());
    stops::insert(&mut with_stops, &within, breakpoints);
    Arc::new(with_stops)
}
