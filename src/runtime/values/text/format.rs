//! Printing values.
//!
//! Owns the printed form of every builtin type and of structs and variants; a type's own `Format` is asked first, at every
//! depth. Time and space are linear in what is printed.
//!
//! A value inside itself prints `…`, also where a `Format` of the program's own stands between: a thread knows what it is inside
//! of. Everything is held by handles, as user code may run between any two elements.

use std::cell::RefCell;

use rustc_hash::FxHashMap;

use super::open::Open;
use super::{builder, room};
use crate::gc::{Handle, Thread, Thrown, Value};
use crate::mutations::{Mutation, mutated};
use crate::object::layout::{self, FIRST_USER_LAYOUT};
use crate::object::{LayoutId, Word};
use crate::reader;
use crate::runtime::program::errors::ErrorKind;
use crate::runtime::program::methods::Method;
use crate::runtime::program::present;
use crate::runtime::system::{apart, threads};
use crate::runtime::values::collections::view::{Slots, field};
use crate::runtime::values::collections::{List, mutable, set, vector};
use crate::runtime::values::iterate::Items;
use crate::runtime::values::numbers::{self, Number};

/// How the text of a value reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// As `to-string` and `println` give it: a String is its text.
    Display,
    /// As `repr` gives it: a String is quoted.
    Readable,
}

/// The text of a value.
pub fn to_text(cx: &mut Thread, value: Handle, style: Style) -> Result<String, Thrown> {
    let mut out = String::new();
    append(cx, &mut out, value, style)?;
    Ok(out)
}

/// Appends the text of a value.
pub fn append(cx: &mut Thread, out: &mut String, value: Handle, style: Style) -> Result<(), Thrown> {
    make_room(cx, out, value)?;
    if let Some(text) = cx.get(value).str()
        && !Method::Format.is_extended(cx.get(value))
    {
        match style {
            Style::Display => out.push_str(text),
            Style::Readable => quote(out, text),
        }
        return Ok(());
    }
    // Only a value with elements needs to know more than its own type.
    if !Method::Format.is_extended(cx.get(value)) && scalar(out, cx.get(value), 0) {
        return Ok(());
    }
    let mut printer = Printer::new(style);
    let mark = cx.mark();
    let result = printer.write(cx, out, value, 0);
    cx.release(mark);
    result
}

/// Room for the text that a value is, quoted or not; of any other value for what is written of it beside its elements.
fn make_room(cx: &mut Thread, out: &mut String, value: Handle) -> Result<(), Thrown> {
    let v = cx.get(value);
    // Control characters begin with these bytes: see [`quote`].
    let escaped = |b: u8| b < b' ' || matches!(b, b'"' | b'\\' | b'$' | 0x7F | 0xC2);
    let quoted = |text: &str| room::escaped_length(text, 3, escaped);
    let bytes = match v.layout() {
        layout::STRING | layout::STRING_PREFIX => v.str().map_or(0, quoted),
        // What is no text becomes U+FFFD, which is three bytes long.
        layout::STRING_BUILDER => builder::contents(v).len().saturating_mul(4),
        _ if v.word().is_int() => return Ok(()),
        _ => 0,
    };
    room::make(cx, out, bytes)
}

/// What the builtin `format(v, depth)` gives: the form of a value whose type's own `Format` is not asked.
pub fn format(cx: &mut Thread, value: Handle, depth: i64) -> Result<String, Thrown> {
    let mut out = String::new();
    make_room(cx, &mut out, value)?;
    let mark = cx.mark();
    let result = Printer::new(Style::Display).write_builtin(cx, &mut out, value, depth);
    cx.release(mark);
    result.map(|()| out)
}

thread_local! {
    /// What this thread is writing.
    static OPEN: RefCell<Open> = RefCell::default();
}

/// As long as it lives we are inside of a value.
struct Inside;

impl Inside {
    fn of(cx: &Thread, value: Handle) -> Option<Inside> {
        OPEN.with_borrow_mut(|open| open.enter(cx, value)).then(|| Inside)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        OPEN.with_borrow_mut(Open::leave);
    }
}

struct Printer {
    style: Style,
    /// Which layouts have a `Format` of their own.
    extended: FxHashMap<LayoutId, bool>,
}

impl Printer {
    fn new(style: Style) -> Printer {
        Printer { style, extended: FxHashMap::default() }
    }

    fn extended(&mut self, cx: &Thread, value: Handle) -> bool {
        let layout = cx.get(value).layout();
        *self.extended.entry(layout).or_insert_with(|| Method::Format.extends(cx.vm(), layout))
    }

    fn write(&mut self, cx: &mut Thread, out: &mut String, value: Handle, depth: i64) -> Result<(), Thrown> {
        threads::glance(cx)?;
        make_room(cx, out, value)?;
        if self.extended(cx, value) {
            return self.write_own(cx, out, value, depth);
        }
        self.write_builtin(cx, out, value, depth)
    }

    /// By the type's own `Format`. On its own, as [`big`] is: what is nested deeply keeps a frame for each level of the functions between,
    /// and what only these two need would be in it.
    #[inline(never)]
    fn write_own(&mut self, cx: &mut Thread, out: &mut String, value: Handle, depth: i64) -> Result<(), Thrown> {
        let depth = cx.root_word(Word::int(depth).unwrap_or(Word::NULL));
        let result = Method::Format.call(cx, &[value, depth])?;
        make_room(cx, out, result)?;
        match cx.get(result).str() {
            Some(text) => {
                out.push_str(text);
                Ok(())
            }
            None => {
                let message = format!("format: must give a String, gave {}", cx.describe(result));
                Err(cx.throw(ErrorKind::TypeError, message))
            }
        }
    }

    fn write_builtin(&mut self, cx: &mut Thread, out: &mut String, value: Handle, depth: i64) -> Result<(), Thrown> {
        let v = cx.get(value);
        if scalar(out, v, depth) {
            return Ok(());
        }
        if v.is(layout::BIG_INT) {
            return big(cx, out, value);
        }
        cx.check_native_stack()?;
        let again =
            mutated(Mutation::SharedPartsAgain) && matches!(cx.get(value).layout(), layout::VECTOR | layout::MAP);
        let inside = Inside::of(cx, value);
        if inside.is_none() && !again {
            out.push('…');
            return Ok(());
        }
        self.compound(cx, out, value, depth)
    }

    fn compound(&mut self, cx: &mut Thread, out: &mut String, value: Handle, depth: i64) -> Result<(), Thrown> {
        let v = cx.get(value);
        match v.layout() {
            layout::VECTOR => {
                let n = vector::len(v);
                self.list(cx, out, ["[", "]"], n, depth, |cx, i| vector::get(cx.get(value), i))
            }
            layout::ARRAY | layout::NODE => {
                let n = Slots::of(v).len();
                self.list(cx, out, ["array[", "]"], n, depth, |cx, i| Some(Slots::of(cx.get(value)).get(i)))
            }
            layout::MUTABLE_LIST => {
                let n = List::view(v).1;
                self.list(cx, out, ["mutable-list[", "]"], n, depth, |cx, i| {
                    let (slots, n) = List::view(cx.get(value));
                    (i < n).then(|| slots.get(i))
                })
            }
            layout::MAP => self.entries(cx, out, "{", value, depth),
            layout::MUTABLE_MAP => {
                let map = mutable::whole(cx, value)?;
                self.entries(cx, out, "mutable-map{", map, depth)
            }
            layout::SET => {
                debug_assert!(set::map_of(v).is(layout::MAP));
                self.items(cx, out, "#{", "}", value, depth)
            }
            layout::MUTABLE_SET => self.items(cx, out, "mutable-set{", "}", value, depth),
            layout::SEQ => self.items(cx, out, "seq[", "]", value, depth),
            layout::ATOM => {
                out.push_str("Atom { value: ");
                let inner = cx.root(field(v, layout::ATOM, layout::ATOM_VALUE));
                self.write(cx, out, inner, depth + 1)?;
                out.push_str(" }");
                Ok(())
            }
            l if l >= FIRST_USER_LAYOUT => self.fields(cx, out, value, depth),
            _ => {
                out.push_str("internal object");
                Ok(())
            }
        }
    }

    fn list(
        &mut self,
        cx: &mut Thread,
        out: &mut String,
        brackets: [&str; 2],
        n: usize,
        depth: i64,
        get: impl for<'h> Fn(&'h Thread, usize) -> Option<Value<'h>>,
    ) -> Result<(), Thrown> {
        let [open, close] = brackets;
        out.push_str(open);
        for i in 0..n {
            let Some(element) = get(cx, i) else { break };
            if i > 0 {
                out.push_str(", ");
            }
            let mark = cx.mark();
            let element = cx.root(element);
            self.write(cx, out, element, depth + 1)?;
            cx.release(mark);
        }
        out.push_str(close);
        Ok(())
    }

    fn items(
        &mut self,
        cx: &mut Thread,
        out: &mut String,
        open: &str,
        close: &str,
        coll: Handle,
        depth: i64,
    ) -> Result<(), Thrown> {
        out.push_str(open);
        let mut items = Items::of(cx, coll)?;
        let mut first = true;
        while let Some(item) = items.next(cx)? {
            if !std::mem::take(&mut first) {
                out.push_str(", ");
            }
            self.write(cx, out, item, depth + 1)?;
        }
        out.push_str(close);
        Ok(())
    }

    fn entries(
        &mut self,
        cx: &mut Thread,
        out: &mut String,
        open: &str,
        map: Handle,
        depth: i64,
    ) -> Result<(), Thrown> {
        out.push_str(open);
        let mut items = Items::of(cx, map)?;
        let mut first = true;
        while let Some(entry) = items.next(cx)? {
            if !std::mem::take(&mut first) {
                out.push_str(", ");
            }
            for i in 0..2 {
                let part = vector::get(cx.get(entry), i).map(|part| cx.root(part));
                if i > 0 {
                    out.push(' ');
                }
                let Some(part) = part else { continue };
                let parentheses = i == 0 && self.style == Style::Readable && is_computed(cx.get(part));
                out.push_str(if parentheses { "(" } else { "" });
                self.write(cx, out, part, depth + 1)?;
                out.push_str(if parentheses { ")" } else { "" });
            }
        }
        out.push('}');
        Ok(())
    }

    fn fields(&mut self, cx: &mut Thread, out: &mut String, value: Handle, depth: i64) -> Result<(), Thrown> {
        let Some(info) = cx.vm().types.layout(cx.get(value).layout()) else {
            out.push_str("internal object");
            return Ok(());
        };
        out.push_str(info.type_name);
        if let Some(variant) = info.variant {
            out.push('.');
            out.push_str(variant);
        }
        let mut any = false;
        for shown in present::shown(cx.get(value), info) {
            let mark = cx.mark();
            let Some(inner) = shown.value(cx.get(value)).map(|inner| cx.root(inner)) else { continue };
            out.push_str(if any { ", " } else { " { " });
            any = true;
            out.push_str(shown.field.name);
            out.push_str(": ");
            self.write(cx, out, inner, depth + 1)?;
            cx.release(mark);
        }
        if any {
            out.push_str(" }");
        } else if self.style == Style::Readable && info.variant.is_none() {
            // The name alone is the type.
            out.push_str(" { }");
        }
        Ok(())
    }
}

/// Writes an Int that takes long.
#[inline(never)]
fn big(cx: &mut Thread, out: &mut String, value: Handle) -> Result<(), Thrown> {
    let Some(Number::Big(negative, limbs)) = Number::of(cx.get(value)) else { return Ok(()) };
    let (number, limbs) = (numbers::big(negative, limbs), limbs.len());
    let digits = limbs.saturating_mul(20);
    room::make(cx, out, digits)?;
    let _claim = room::claim(cx, "an Int as text", numbers::demand::of_digits(limbs))?;
    out.push_str(&apart::compute(cx, move || number.to_string())?);
    Ok(())
}

/// Is it a value that is written like a call or a name, which no key of a map may be without parentheses?
fn is_computed(value: Value<'_>) -> bool {
    matches!(value.layout(), layout::RANGE | layout::TYPE | layout::PROTOCOL)
}

/// Appends the text of a value without elements; false when it has some, or takes long.
fn scalar(out: &mut String, value: Value<'_>, depth: i64) -> bool {
    let vm = value.thread().vm();
    if let Some(number) = Number::of(value) {
        if numbers::is_lengthy(number) {
            return false;
        }
        write_number(out, number);
        return true;
    }
    let index = || value.slot(layout::ENTRY_INDEX).as_int().and_then(|i| u32::try_from(i).ok());
    match value.layout() {
        layout::NULL => out.push_str("null"),
        layout::BOOL => out.push_str(if value.word() == Word::TRUE { "true" } else { "false" }),
        layout::KEYWORD => {
            write_keyword(out, vm.keywords.text(value.as_keyword().unwrap_or_default()));
        }
        layout::STRING | layout::STRING_PREFIX => {
            let text = value.str().unwrap_or("");
            if depth == 0 { out.push_str(text) } else { quote(out, text) }
        }
        layout::RANGE => {
            let step = field(value, layout::RANGE, layout::RANGE_STEP);
            let n = if step.as_int() == Some(1) { 2 } else { 3 };
            out.push_str(if n == 2 { "range" } else { "range-step" });
            for i in 0..n {
                out.push_str(if i == 0 { "(" } else { ", " });
                if let Some(number) = Number::of(field(value, layout::RANGE, i)) {
                    write_number(out, number);
                }
            }
            out.push(')');
        }
        layout::CLOSURE => {
            out.push_str("fn ");
            out.push_str(crate::runtime::program::entry::code_of(value).map_or("?", |code| &code.name));
        }
        layout::TYPE | layout::PROTOCOL => {
            out.push_str(index().and_then(|i| vm.types.find(i)).map_or("?", |t| t.name));
        }
        layout::NAMESPACE => {
            out.push_str("namespace ");
            out.push_str(index().and_then(|i| vm.namespaces.by_index(i)).map_or("?", |n| n.name));
        }
        layout::STRING_BUILDER => {
            let text = String::from_utf8_lossy(builder::contents(value));
            if depth == 0 {
                out.push_str(&text);
            } else {
                out.push_str("string-builder[");
                quote(out, &text);
                out.push(']');
            }
        }
        layout::THREAD_HANDLE => out.push_str("thread"),
        layout::NATIVE => {
            out.push_str(&native(value));
        }
        l if l >= FIRST_USER_LAYOUT => return false,
        layout::VECTOR | layout::MAP | layout::SET | layout::ARRAY | layout::NODE | layout::ATOM | layout::SEQ => {
            return false;
        }
        layout::MUTABLE_LIST | layout::MUTABLE_MAP | layout::MUTABLE_SET => return false,
        _ => out.push_str("internal object"),
    }
    true
}

/// What a NATIVE is.
pub fn native(value: Value<'_>) -> String {
    value.thread().native(value).map_or("native object".to_string(), |native| native.print())
}

/// Appends the text of a number.
pub fn write_number(out: &mut String, number: Number<'_>) {
    match number {
        Number::Int(i) => write_int(out, i),
        Number::Big(negative, limbs) => out.push_str(&numbers::big(negative, limbs).to_string()),
        Number::Float(f) => numbers::float::write(out, f),
    }
}

/// Appends the digits of an Int.
pub fn write_int(out: &mut String, i: i64) {
    out.push_str(itoa::Buffer::new().format(i));
}

/// Appends a keyword: `:name`, or `:"…"` where its text is no name.
pub fn write_keyword(out: &mut String, text: &str) {
    out.push(':');
    if reader::is_name(text) || mutated(Mutation::KeywordsBare) { out.push_str(text) } else { quote(out, text) }
}

/// Appends a text as the reader would read it.
pub fn quote(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_control() || matches!(c, '"' | '\\' | '$')) {
        out.push_str(&rest[..at]);
        let mut chars = rest[at..].chars();
        let c = chars.next().unwrap_or('\0');
        rest = chars.as_str();
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0' => out.push_str("\\0"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '$' if rest.starts_with('{') => out.push_str("\\$"),
            '$' => out.push('$'),
            // Control characters all lie below U+00A0.
            c => out.push_str(&format!("\\x{:02X}", c as u32)),
        }
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting() {
        for (text, quoted) in [
            ("plain", "\"plain\""),
            ("a\"b\n\t\\", "\"a\\\"b\\n\\t\\\\\""),
            ("$x ${y}", "\"$x \\${y}\""),
            ("\u{1}\u{7f}\u{85}\0", "\"\\x01\\x7F\\x85\\0\""),
            ("日😀", "\"日😀\""),
        ] {
            let mut out = String::new();
            quote(&mut out, text);
            assert_eq!(out, quoted);
        }
    }

    #[test]
    fn ints() {
        for i in [0, 1, -1, 10, 1234567890, i64::MAX, i64::MIN] {
            let mut out = String::new();
            write_int(&mut out, i);
            assert_eq!(out, i.to_string());
        }
    }
}
