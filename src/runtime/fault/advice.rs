//! What messages of faults add for who did not expect them: how to get from what came to what was meant.
//!
//! Owns the words. What they say of an operand is asked of the text ([`origin`](super::origin)); nothing here runs the program.

use super::origin;
use crate::gc::{Handle, Thread, Value};
use crate::object::layout;
use crate::runtime::program::builtin::{Builtin, Mode, kind_of, kinds};
use crate::runtime::program::entry;

/// What another function does that was called with a number of arguments it does not take.
const OTHERS: &[(&str, &[usize], &str)] = &[
    ("round", &[2], "`format-number(x, decimals)` writes so many decimals"),
    ("range", &[3], "`range-step(from, to, step)` takes steps"),
    ("split", &[1], "`words(text)` splits at blanks, `lines(text)` at line ends"),
    ("random", &[1, 2], "`random-int(max)` and `random-range(low, high)` take bounds"),
    ("map", &[3], "`zip-with(f, a, b)` goes through two collections"),
    ("sum", &[2, 3, 4], "`sum(coll)` adds what is in a collection; numbers are added by `a + b`"),
    ("log", &[2], "`log(x) / log(base)` is the logarithm to another base"),
    ("update", &[4, 5], "further arguments go into a function: `update(m, k, fn(old) { f(old, x) })`"),
    ("thread", &[2, 3], "arguments go into a function: `thread(fn() { f(x) })`"),
    ("for-each", &[1], "a loop is `for x in xs { … }`"),
    ("floor", &[2], "`floor-div(a, b)` is the quotient rounded down"),
    ("format", &[1, 3, 4, 5], "`\"x = ${x}\"` puts a value into a text, `format-number(x, decimals)` writes a number"),
    ("max-of", &[2, 3, 4], "`max(a, b)` takes the values themselves"),
    ("min-of", &[2, 3, 4], "`min(a, b)` takes the values themselves"),
    ("assoc", &[2], "`merge(m, other)` joins maps"),
    ("count", &[2], "`count(filter(f, xs))` counts those that `f` chooses"),
    ("length", &[0], "`length(coll)` takes the collection in parentheses"),
];

/// How values of a type are made, where its name was called as a function.
#[rustfmt::skip]
const MAKERS: &[(&str, &str)] = &[
    ("Int", "; `parse-int(text)` reads one, `to-int(x)` cuts the fraction off a number"),
    ("Float", "; `parse-float(text)` reads one, `to-float(x)` makes one of a number"),
    ("String", "; `to-string(x)` makes one of any value"),
    ("Keyword", "; `string->keyword(text)` makes one"),
    ("Bool", "; `x != null` is one"),
    ("Vector", "; a vector is `[1, 2]`, `vec(coll)` makes one of any collection"),
    ("Array", "; after `use mutable-array`, `mutable-array/new(n)` makes one; a vector is `[1, 2]`"),
    ("Map", "; a map is `{:name \"Ada\"}`"),
    ("Set", "; a set is `#{1, 2}`, `into-set(coll)` makes one of any collection"),
    ("Range", "; `range(from, to)` makes one"),
    ("Atom", "; `atom(value)` makes one"),
    ("Thread", "; `thread(fn() { … })` starts one"),
];

/// What to write instead of a call of a type, told by how the type is described (`Type Int`); nothing for others.
pub fn making(described: &str) -> &'static str {
    let name = described.strip_prefix("Type ").unwrap_or(described);
    MAKERS.iter().find(|(type_, _)| *type_ == name).map_or("", |(_, how)| how)
}

/// Functions that values have as methods elsewhere, with the number of arguments (the value counted) and kinds of the value that
/// tell them, and how they are written where the function of that name is another one here, or is not all that has to be said.
const METHODS: &[(&[&str], usize, u32, &str)] = &[
    (
        &["remove"],
        2,
        kinds::VECTOR,
        "`remove-at(xs, i)` gives a vector without an element, `remove(f, xs)` without those that `f` chooses",
    ),
    (&["remove"], 2, kinds::MAP, "`dissoc(m, key)` gives a map without a key"),
    (&["remove"], 2, kinds::SET, "`set-remove(s, x)` gives a set without a member"),
    (
        &["sort", "sort!"],
        1,
        kinds::VECTOR,
        "`sort(xs)` gives a sorted vector, and `xs` stays as it is: `xs = sort(xs)`",
    ),
    (
        &["reverse", "reverse!"],
        1,
        kinds::VECTOR,
        "`reverse(xs)` gives another vector, and `xs` stays as it is: `xs = reverse(xs)`",
    ),
    (&["indexOf", "index"], 2, kinds::VECTOR, "`find-index(fn(x) { x == y }, xs)` looks for a value"),
    (&["find"], 2, kinds::STRING, "`index-of(s, part)` looks for a part of a text"),
    (&["count"], 2, kinds::STRING, "`length(split(s, part)) - 1` counts a part of a text"),
    (&["count"], 2, kinds::VECTOR, "`count(filter(f, xs))` counts those that `f` chooses"),
    (&["split"], 1, kinds::STRING, "`words(s)` splits at blanks, `lines(s)` at line ends"),
    (&["join"], 2, kinds::STRING, "the collection comes first: `join(xs, separator)`"),
    (&["unwrap"], 1, !0, "this is no Result but the value itself"),
];

/// Functions that were given a value of another kind than they take, and what does take it.
const TAKERS: &[(&str, u32, &str)] = &[
    ("max", COLLECTION, "`max-of(coll)` gives the largest element"),
    ("min", COLLECTION, "`min-of(coll)` gives the smallest element"),
    (
        "format",
        kinds::STRING | kinds::FLOAT,
        "`\"${x}\"` puts a value into a text, `format-number(x, decimals)` writes a number",
    ),
];

/// What is said of a method that the value does not have.
pub fn method(value: Value<'_>, name: &str, argc: usize) -> Option<&'static str> {
    let kind = kind_of(value);
    let fits = |names: &[&str], takes, kinds| names.contains(&name) && takes == argc && kinds & kind != 0;
    let (.., help) = METHODS.iter().find(|(names, takes, kinds, _)| fits(names, *takes, *kinds))?;
    (!is_result(value)).then_some(*help)
}

const READ_OR_JOIN: &str = "`parse-int(text)` reads a number from a text; texts are joined by `++`";

const COLLECTION: u32 = kinds::VECTOR | kinds::SET | kinds::MAP | kinds::RANGE | kinds::SEQ | kinds::MUTABLE_LIST;

/// What is added to the error of an argument or operand of the wrong type: the operation as it is written, and which
/// operand (from 0) it was.
#[cold]
pub fn operand(cx: &Thread, operation: &str, index: usize, value: Handle) -> String {
    let value = cx.get(value);
    if value.is_null() {
        return origin::of_null(cx, operation, index);
    }
    let named = |default: &str| origin::name_of(cx, operation, index).unwrap_or(default.into());
    match value.layout() {
        layout::CLOSURE => format!("; `{}(…)` calls the function", named("f")),
        layout::ATOM => format!("; `deref({})` reads an atom", named("a")),
        layout::THREAD_HANDLE => format!("; `join({})` waits for a thread and gives its value", named("t")),
        _ if is_result(value) => format!("; `unwrap!({})` gives the value of a Result", named("r")),
        _ => String::new(),
    }
}

fn is_result(value: Value<'_>) -> bool {
    let info = value.thread().vm().types.layout(value.layout());
    value.layout() >= layout::FIRST_USER_LAYOUT && info.is_some_and(|info| info.display_name().starts_with("Result."))
}

/// The same for an operator with two operands, which are no numbers (or no texts).
#[cold]
pub fn operator(cx: &Thread, sign: &str, a: Handle, b: Handle) -> String {
    for (index, operand) in [a, b].into_iter().enumerate() {
        let help = self::operand(cx, sign, index, operand);
        if !help.is_empty() {
            return help;
        }
    }
    let (left, right) = (cx.get(a), cx.get(b));
    let kinds = (kind_of(left), kind_of(right));
    let joins = matches!(sign, "+" | "++");
    let help = match kinds {
        (kinds::STRING, kinds::INT | kinds::FLOAT) if sign == "+" && is_numeric(left) => READ_OR_JOIN,
        (kinds::INT | kinds::FLOAT, kinds::STRING) if sign == "+" && is_numeric(right) => READ_OR_JOIN,
        (kinds::STRING, _) if sign == "%" => "`\"${x}\"` puts a value into a text",
        (kinds::STRING, _) | (_, kinds::STRING) if sign == "+" => {
            "`++` joins texts, and `\"${x}\"` puts a value into one"
        }
        (kinds::STRING, _) | (_, kinds::STRING) if sign == "++" => "`\"${x}\"` puts a value into a text",
        (kinds::STRING, kinds::INT) if sign == "*" && !is_numeric(left) => "`repeat-string(text, n)` repeats a text",
        (kinds::INT, kinds::STRING) if sign == "*" && !is_numeric(right) => "`repeat-string(text, n)` repeats a text",
        (kinds::STRING, kinds::INT | kinds::FLOAT) | (kinds::INT | kinds::FLOAT, kinds::STRING) => {
            "`parse-int(text)` and `parse-float(text)` read a number from a text"
        }
        (kinds::VECTOR, kinds::INT) if sign == "*" => "`repeat(x, n)` gives a vector of n times x",
        (kinds::VECTOR, _) if sign == "<<" => "`push(xs, x)` gives a vector with one more element: `xs = push(xs, x)`",
        (kinds::STRING, kinds::STRING) if sign == "<<" => "`++` joins texts: `s = s ++ part`",
        (kinds::VECTOR, kinds::VECTOR) if joins => "`concat(a, b)` joins collections",
        (kinds::VECTOR, _) if joins => "`push(xs, x)` gives a vector with one more element",
        (kinds::MAP, kinds::MAP) if joins => "`merge(a, b)` joins maps",
        (kinds::SET, kinds::SET) if joins => "`set-union(a, b)` joins sets",
        (kinds::SET, kinds::SET) if sign == "-" => "`set-difference(a, b)` takes members away",
        _ => return String::new(),
    };
    format!("; {help}")
}

fn is_numeric(value: Value<'_>) -> bool {
    value.str().is_some_and(|text| text.trim().parse::<f64>().is_ok())
}

/// How to have a changed copy of a collection that was to be changed by the assignment here.
#[cold]
pub fn changed_copy(cx: &Thread) -> String {
    match origin::assigned_element(cx) {
        Some((coll, key, mutable)) => {
            let made = if mutable { String::new() } else { format!(", with `let mut {coll}`") };
            format!("assoc gives a changed copy: `{coll} = assoc({coll}, {key}, …)`{made}")
        }
        None => "assoc gives a changed copy".into(),
    }
}

/// What is added where a builtin was given an argument of the wrong type.
#[cold]
pub fn argument(cx: &Thread, builtin: &Builtin, index: usize, handles: &[Handle]) -> String {
    let Some(&got) = handles.get(index) else { return String::new() };
    let kind = kind_of(cx.get(got));
    if let Some((_, _, help)) = TAKERS.iter().find(|(name, takes, _)| *name == builtin.name && takes & kind != 0) {
        return format!("; {help}");
    }
    if fits_in_another_order(cx, builtin, index, handles) {
        return format!("; the order is `{}{}`", builtin.name, builtin.signature());
    }
    let numbers = kinds::INT | kinds::FLOAT;
    let wanted = builtin.params.get(index).map_or(0, |p| p.spec.kinds);
    if kind == kinds::STRING && wanted != 0 && wanted & !numbers == 0 && is_numeric(cx.get(got)) {
        return "; `parse-int(text)` and `parse-float(text)` read a number from a text".into();
    }
    operand(cx, builtin.name, index, got)
}

/// What is added where a function of the library that is written in Harrier was given an argument of the wrong type.
#[cold]
pub fn library_argument(cx: &Thread, who: &str, position: usize, expected: &str, got: Handle) -> String {
    let kind = kind_of(cx.get(got));
    let wants_function = expected.ends_with("Function");
    match who {
        _ if wants_function && kind == kinds::KEYWORD => {
            format!("; `fn(m) {{ m[:{}] }}` reads a key", keyword(cx.get(got)))
        }
        "reduce" | "reduce-right" if wants_function && kind & COLLECTION == 0 => {
            format!("; the order is `{who}(f, init, coll)`")
        }
        _ if expected.starts_with("a Function") && position == 1 && kind & COLLECTION != 0 => {
            format!("; `coll |>> {who}(…)` puts the collection last")
        }
        "swap!" if wants_function => "; `reset!(a, value)` puts a value into an atom".to_string(),
        _ if is_result(cx.get(got)) => operand(cx, who, position.saturating_sub(1), got),
        _ => String::new(),
    }
}

fn keyword(value: Value<'_>) -> &str {
    value.as_keyword().map_or("", |index| value.thread().vm().keywords.text(index))
}

/// What is added where a function of the library got no collection: where it stands, when there are several arguments.
#[cold]
pub fn collection(cx: &Thread, who: &str, position: usize, got: Handle) -> String {
    if is_result(cx.get(got)) {
        return operand(cx, who, position.saturating_sub(1), got);
    }
    let core = cx.vm().namespaces.find("core");
    let code = core.and_then(|core| core.member(who)).and_then(|b| b.get(cx)).and_then(entry::code_of);
    let count = |signature: &String| signature.split(',').count();
    let signature = code
        .map(crate::runtime::Code::signatures)
        .into_iter()
        .flatten()
        .find(|s| position > 1 && count(s) == position && !s.contains("..."));
    signature.map_or(String::new(), |signature| format!("; `{who}{signature}` takes it last"))
}

/// What is added where a collection that was to get a value is none: the order, if the value is one.
#[cold]
pub fn collection_first(cx: &Thread, name: &str, first: Handle, second: Handle) -> String {
    match kind_of(cx.get(second)) & COLLECTION != 0 && !cx.get(first).is_null() {
        true => format!("; the collection comes first: `{name}(coll, value)`"),
        false => operand(cx, name, 0, first),
    }
}

/// Would the arguments be of the right types if they stood in another order? The wrong one must stand where its type is asked for: a
/// parameter that takes anything says so only of a collection.
fn fits_in_another_order(cx: &Thread, builtin: &Builtin, wrong: usize, handles: &[Handle]) -> bool {
    let accepts = |i: usize, from: usize| {
        let param = builtin.params.get(i).filter(|p| p.spec.mode != Mode::Rest);
        param.is_some_and(|p| {
            let kind = kind_of(cx.get(handles[from]));
            p.spec.kinds & kind != 0 && (from != wrong || p.spec.kinds != kinds::ANY || kind & COLLECTION != 0)
        })
    };
    let orders: &[&[usize]] = match handles.len() {
        2 => &[&[1, 0]],
        3 => &[&[1, 0, 2], &[0, 2, 1], &[2, 1, 0], &[1, 2, 0], &[2, 0, 1]],
        _ => &[],
    };
    orders.iter().any(|order| order.iter().enumerate().all(|(i, from)| accepts(i, *from)))
}

/// What is added to the error of a wrong number of arguments of a function of `core`.
#[cold]
pub fn arity(name: &str, got: usize) -> String {
    let other = OTHERS.iter().find(|(function, argcs, _)| *function == name && argcs.contains(&got));
    other.map_or(String::new(), |(_, _, help)| format!("; {help}"))
}

/// What is added where a function of the program was called by one of the library with a number of arguments that it does not
/// take.
#[cold]
pub fn callback(cx: &Thread, takes: &[(usize, bool)], got: usize) -> String {
    let Some(caller) = super::trace::innermost_library_function(cx) else { return String::new() };
    let arguments = if got == 1 { "argument" } else { "arguments" };
    let pair = if takes == [(2, false)] && got == 1 { "; `fn([a, b])` takes a pair apart" } else { "" };
    format!("; `{caller}` calls it with {got} {arguments}{pair}")
}

/// The name of a function in the error of a wrong number of arguments: where it stands, when it has none.
pub fn function_name(name: &str) -> String {
    match name.rsplit_once(':') {
        Some((_, line)) if line.parse::<u32>().is_ok() => format!("the function of line {line}"),
        _ => name.to_string(),
    }
}
