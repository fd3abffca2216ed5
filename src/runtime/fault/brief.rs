//! Values in messages: a short readable form that runs no user code and allocates nothing in the heap.
//!
//! Owns the form of scalars; collections and structs show their first few elements. The language's own printing is
//! `runtime/text`'s.

use crate::gc::Value;
use crate::object::layout;
use crate::reader::diagnostics::visible;
use crate::runtime::program::entry;
use crate::runtime::program::methods::Method;
use crate::runtime::program::present;
use crate::runtime::values::collections::{map, set, vector};
use crate::runtime::values::numbers;
use crate::runtime::values::text::format;

const DEPTH: usize = 3;
const ELEMENTS: usize = 8;

/// Elements between brackets, with their keys in front if they have any.
fn list<'h>(
    out: &mut String,
    open: &str,
    elements: impl Iterator<Item = (Option<Value<'h>>, Value<'h>)>,
    close: &str,
    (depth, most): (usize, usize),
) {
    out.push_str(open);
    for (i, (key, element)) in elements.enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        if i == ELEMENTS {
            out.push('…');
            break;
        }
        if let Some(key) = key {
            write(out, key, (depth + 1, most));
            out.push(' ');
        }
        write(out, element, (depth + 1, most));
    }
    out.push_str(close);
}

/// The short form of a value.
pub fn brief(value: Value<'_>) -> String {
    brief_within(value, usize::MAX)
}

/// The short form of a value, of which a text or a number is at most about so many bytes, and all of it little more.
pub fn brief_within(value: Value<'_>, most: usize) -> String {
    let mut out = String::new();
    write(&mut out, value, (0, most));
    out
}

fn write(out: &mut String, value: Value<'_>, (depth, most): (usize, usize)) {
    let vm = value.thread().vm();
    if depth > DEPTH || out.len() >= most {
        out.push('…');
        return;
    }
    match value.layout() {
        layout::INT => out.push_str(&value.as_int().unwrap_or_default().to_string()),
        layout::NULL => out.push_str("null"),
        layout::BOOL => out.push_str(if value.as_bool() == Some(true) { "true" } else { "false" }),
        layout::KEYWORD => {
            format::write_keyword(out, vm.keywords.text(value.as_keyword().unwrap_or_default()));
        }
        layout::FLOAT => out.push_str(&value.as_float().map(numbers::float::to_text).unwrap_or_default()),
        layout::BIG_INT => {
            if let Some((_, limbs)) = value.big_int().filter(|(_, limbs)| limbs.len() > most / 16) {
                out.push_str(&format!("an Int of {} words", limbs.len()));
            } else if let Some((negative, limbs)) = value.big_int() {
                out.push_str(&numbers::big(negative, limbs).to_string());
            }
        }
        layout::STRING | layout::STRING_PREFIX => {
            let mut quoted = String::new();
            let text = value.str().unwrap_or_default();
            let start = start_of(text, most);
            format::quote(&mut quoted, start);
            out.push_str(&visible(&quoted));
            if start.len() < text.len() {
                out.push('…');
            }
        }
        layout::CLOSURE => {
            out.push_str("fn ");
            if let Some(code) = entry::code_of(value) {
                out.push_str(&code.name);
            }
        }
        layout::ARRAY | layout::NODE => {
            let elements = (0..value.array_len()).map(|i| (None, value.element(i)));
            list(out, "array[", elements, "]", (depth, most));
        }
        layout::VECTOR => list(out, "[", vector::iter(value).map(|v| (None, v)), "]", (depth, most)),
        layout::MAP => list(out, "{", map::iter(value).map(|(k, v)| (Some(k), v)), "}", (depth, most)),
        layout::SET => list(out, "#{", set::iter(value).map(|v| (None, v)), "}", (depth, most)),
        layout::TYPE | layout::PROTOCOL => {
            let index = value.slot(layout::ENTRY_INDEX).as_int().unwrap_or(-1);
            out.push_str(u32::try_from(index).ok().and_then(|i| vm.types.find(i)).map_or("?", |t| t.name));
        }
        layout::NAMESPACE => {
            let index = value.slot(layout::ENTRY_INDEX).as_int().unwrap_or(-1);
            out.push_str("namespace ");
            out.push_str(u32::try_from(index).ok().and_then(|i| vm.namespaces.by_index(i)).map_or("?", |n| n.name));
        }
        layout::NATIVE => {
            out.push_str(&format::native(value));
        }
        // What is inside is nobody's business: such a value prints in a way of its own.
        id if id >= layout::FIRST_USER_LAYOUT && Method::Format.is_extended(value) => {
            out.push_str(&vm.types.layout(id).map(|info| info.display_name().to_string()).unwrap_or_default());
        }
        id => match vm.types.layout(id) {
            Some(info) if id >= layout::FIRST_USER_LAYOUT => {
                out.push_str(&info.display_name());
                let mut any = false;
                let parts = present::shown(value, info).filter_map(|s| Some((s.field.name, s.value(value)?)));
                for (name, inner) in parts {
                    out.push_str(if any { ", " } else { " { " });
                    any = true;
                    out.push_str(name);
                    out.push_str(": ");
                    write(out, inner, (depth + 1, most));
                }
                if any {
                    out.push_str(" }");
                }
            }
            Some(info) => out.push_str(info.type_name),
            None => out.push_str("internal object"),
        },
    }
}

/// The start of a text, at most so many bytes of it.
pub fn start_of(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}
