//! `:inspect`: a value as the heap has it.

use super::{Given, units};
use crate::gc::{Handle, Thread, Value};
use crate::object::Word;
use crate::object::layout::{self, Shape};
use crate::repl::session::{Answer, Session};
use crate::runtime::fault::brief;
use crate::runtime::program::entry::code_of;
use crate::runtime::program::instances::type_behind;

/// So many slots are shown.
const SLOTS: usize = 32;
/// So much of the value in each.
const BRIEF: usize = 60;

/// `:inspect EXPR`
pub fn inspect(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    match session.run(cx, given.text) {
        Ok(evaluated) => Answer::Text(report(cx, evaluated.value)),
        error => session.answer(cx, error, given.text),
    }
}

fn report(cx: &mut Thread, value: Handle) -> String {
    let extent = cx.extent(value);
    let value = cx.get(value);
    let word = value.word();
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut row = |name: &str, what: String| rows.push((name.to_string(), what));
    row("value", brief::brief_within(value, 200));
    row("type", type_name(value));
    row("layout", layout_name(value));
    row("word", format!("{:#018x}, {}", word.0, tag(word)));
    row("space", cx.space_of(value).to_string());
    if let Some(header) = value.header_word() {
        row("header", header_text(header));
        row("size", units::bytes(extent.own as f64));
        let all = |objects: usize, bytes: usize| {
            format!("{} in {}", units::bytes(bytes as f64), units::counted(objects as u64, "object"))
        };
        row("reaches", all(extent.reached, extent.reached_bytes));
        row("retains", format!("{} that only it keeps alive", all(extent.retained, extent.retained_bytes)));
        slots(cx, value, &mut rows);
    }
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    rows.iter().map(|(name, what)| format!("  {name:<width$}  {what}\n")).collect()
}

fn type_name(value: Value<'_>) -> String {
    let vm = value.thread().vm();
    if let Some(type_) = type_behind(value) {
        return format!("{}, the type {}/{}", vm.types.name_of(value), type_.namespace, type_.name);
    }
    match vm.types.type_of(value) {
        Some(type_) => format!("{}/{}", type_.namespace, type_.name),
        None => "none: an object of the runtime".into(),
    }
}

fn layout_name(value: Value<'_>) -> String {
    let id = value.layout();
    if let Some((_, name, shape)) = layout::FIXED.iter().find(|(fixed, ..)| *fixed == id) {
        let shape = match shape {
            Shape::None => "no object".to_string(),
            Shape::Slots(n) => units::counted(u64::from(*n), "slot"),
            Shape::Raw(n) => format!("{} that hold no value", units::counted(u64::from(*n), "word")),
            Shape::Array => "a length, then as many slots".into(),
            Shape::Closure => "the address of its code, then what it captures".into(),
            Shape::String => "numbers of characters and bytes, hash, bytes".into(),
            Shape::Prefix => "numbers of characters and bytes, hash, whose bytes".into(),
            Shape::Bytes => "room, bytes in use, bytes".into(),
            Shape::BigInt => "sign and number of limbs, limbs".into(),
        };
        return format!("{id}, {name}: {shape}");
    }
    match value.thread().vm().types.layout(id) {
        Some(info) => {
            let fields: Vec<&str> = info.fields.iter().map(|field| field.name).collect();
            let old = if info.is_outdated() { "; an old one: the type was declared anew since" } else { "" };
            format!("{id}, {} {{ {} }}{old}", info.display_name(), fields.join(", "))
        }
        None => id.to_string(),
    }
}

fn tag(word: Word) -> &'static str {
    match word {
        w if w.is_function() => "a pointer with the tag of functions",
        w if w.is_pointer() => "a pointer with the tag of objects",
        w if w.as_int().is_some() => "an Int of 61 bits, shifted left by 3",
        w if w.is_tagged_float() => "a Float, its bits turned and with a tag",
        w if w.is_keyword() => "an immediate: a keyword's number",
        _ => "an immediate",
    }
}

/// `63..40 count | 39..32 flags | 31..1 layout id | 0`
fn header_text(header: u64) -> String {
    let (layout, count) = (layout::header_layout(header), layout::header_count(header));
    format!("{header:#018x}: count {count}, flags {:#04x}, layout {layout}", header >> 32 & 0xff)
}

/// What the slots of an object hold.
fn slots(cx: &Thread, value: Value<'_>, rows: &mut Vec<(String, String)>) {
    let vm = cx.vm();
    let id = value.layout();
    let short = |value: Value<'_>| brief::brief_within(value, BRIEF);
    let names = vm.types.layout(id).filter(|_| id >= layout::FIRST_USER_LAYOUT);
    let name = |i: usize| match names.and_then(|info| info.fields.get(i)) {
        Some(field) => format!(".{}", field.name),
        None => format!("slot {i}"),
    };
    let all: Vec<Value<'_>> = match cx.heap().shapes().shape(id) {
        Shape::Slots(n) => (0..n as usize).map(|i| value.slot(i)).collect(),
        Shape::Array => (0..value.array_len()).map(|i| value.element(i)).collect(),
        Shape::Closure => {
            if let Some(code) = code_of(value) {
                rows.push(("code".into(), code.name.to_string()));
            }
            let all: Vec<Value<'_>> = (0..value.capture_count()).map(|i| value.capture(i)).collect();
            rows.extend(all.iter().enumerate().map(|(i, captured)| (format!("capture {i}"), short(*captured))));
            return;
        }
        Shape::None | Shape::Raw(_) | Shape::String | Shape::Prefix | Shape::Bytes | Shape::BigInt => return,
    };
    rows.extend(all.iter().take(SLOTS).enumerate().map(|(i, slot)| (name(i), short(*slot))));
    if all.len() > SLOTS {
        rows.push(("…".into(), format!("{} more", all.len() - SLOTS)));
    }
}
