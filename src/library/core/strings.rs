//! Builtins: strings and keywords.

use std::iter::repeat_n;

use crate::builtins;
use crate::gc::{Handle, Thread, Thrown};
use crate::object::layout;
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::program::builtin::Args;
use crate::runtime::program::keywords::Keywords;
use crate::runtime::system::threads;
use crate::runtime::values::collections::List;
use crate::runtime::values::equality::equal;
use crate::runtime::values::iterate::{self, Items};
use crate::runtime::values::leaves;
use crate::runtime::values::numbers::{Number, new_int, new_usize};
use crate::runtime::values::support::{
    Outcome, bad_bounds, bool, count, index_below, out_of_range, seqable, text, wrong_type,
};
use crate::runtime::values::text::format::{self, Style};
use crate::runtime::values::text::room;
use crate::runtime::values::text::strings::{self, MAX_BYTES};

builtins! { pub static TABLE: "core";
    /// The characters from index `from` up to but not including `to`. `substring("hello", 1, 3)` is `"el"`.
    "substring" (text: String, from: Int, to: opt(Int)) = substring => leaves::texts::substring;
    /// The text in capital letters. `uppercase("é")` is `"É"`.
    "uppercase" (text: String) = uppercase => leaves::texts::uppercase;
    /// The text in small letters. `lowercase("É")` is `"é"`.
    "lowercase" (text: String) = lowercase => leaves::texts::lowercase;
    /// The text without white space at both ends. `trim(" a ")` is `"a"`.
    "trim" (text: String) = trim => leaves::texts::trim;
    /// The text without white space at its beginning. `trim-left(" a ")` is `"a "`.
    "trim-left" (text: String) = trim_left => leaves::texts::trim_left;
    /// The text without white space at its end. `trim-right(" a ")` is `" a"`.
    "trim-right" (text: String) = trim_right => leaves::texts::trim_right;
    /// Is it empty or white space only? `blank?(" ")` is `true`.
    "blank?" (text: String) = is_blank => leaves::texts::is_blank;
    /// The lines, without their ends. `lines("a\nb")` is `["a", "b"]`.
    "lines" (text: String) -> VECTOR = lines => leaves::texts::lines;
    /// What stands between white space. `words(" a b ")` is `["a", "b"]`.
    "words" (text: String) = words => leaves::texts::words;
    /// What stands between the separators; with an empty separator the characters. `split("a,b", ",")` is `["a", "b"]`.
    "split" (text: String, separator: String) -> VECTOR = split => leaves::texts::split;
    /// Is this its beginning? `starts-with?("hello", "he")` is `true`.
    "starts-with?" (text: String, prefix: String) = starts_with => leaves::texts::starts_with;
    /// Is this its end? `ends-with?("hello", "lo")` is `true`.
    "ends-with?" (text: String, suffix: String) = ends_with => leaves::texts::ends_with;
    /// Does it occur in the text? `string-contains?("hello", "ell")` is `true`.
    "string-contains?" (text: String, part: String) = string_contains => leaves::texts::contains;
    /// The index of the first occurrence, -1 when there is none. `index-of("hello", "l")` is `2`.
    "index-of" (coll: Seqable, part: Any) = index_of => leaves::texts::index_of;
    /// The index of the last occurrence, -1 when there is none. `last-index-of("hello", "l")` is `3`.
    "last-index-of" (coll: Seqable, part: Any) = last_index_of => leaves::texts::last_index_of;
    /// The text with each occurrence replaced. `replace("a-b-c", "-", "+")` is `"a+b+c"`.
    "replace" (text: String, part: String, with: String) = replace;
    /// The text with the first occurrence replaced. `replace-first("a-b-c", "-", "+")` is `"a+b-c"`.
    "replace-first" (text: String, part: String, with: String) = replace_first;
    /// The text of a value, filled up at its beginning to a width, with spaces or with another text.
    /// `pad-left(7, 3, "0")` is `"007"`, `pad-left("ab", 4)` is `"  ab"`.
    "pad-left" (value: Any, width: Int, fill: opt(String)) = pad_left => leaves::texts::pad_left;
    /// The text of a value, filled up at its end to a width, with spaces or with another text.
    /// `pad-right("ab", 4, ".")` is `"ab.."`, `pad-right(7, 3)` is `"7  "`.
    "pad-right" (value: Any, width: Int, fill: opt(String)) = pad_right => leaves::texts::pad_right;
    /// The text n times. `repeat-string("ab", 2)` is `"abab"`.
    "repeat-string" (text: String, n: Int) = repeat_string => leaves::texts::repeat_string;
    /// The code point of the first character. `char-code("A")` is `65`.
    "char-code" (text: String) -> INT [CharCode, 1..=1] = char_code => leaves::texts::char_code;
    /// The code point of the character at an index. `char-code-at("AB", 1)` is `66`.
    "char-code-at" (text: String, index: Int) -> INT [CharCodeAt, 2..=2] = char_code_at => leaves::texts::char_code_at;
    /// The character with a code point. `char-from-code(97)` is `"a"`.
    "char-from-code" (code: Int) = char_from_code => leaves::texts::char_from_code;
    /// The characters. `chars("ab")` is `["a", "b"]`.
    "chars" (text: String) -> VECTOR = chars => leaves::texts::chars;
    /// The texts of the elements with a separator between them; of a thread (without separator): waits for it and gives its
    /// value, or throws what it threw. `join(["a", "b"], "-")` is `"a-b"`.
    "join" (coll: Any, separator: opt(String)) = join_builtin => leaves::texts::join;
    /// The text of a keyword without the colon. `keyword->string(:a)` is `"a"`.
    "keyword->string" (keyword: Keyword) = keyword_to_string => leaves::texts::keyword_to_string;
    /// The keyword with a text. `string->keyword("a")` is `:a`.
    "string->keyword" (text: String) = string_to_keyword;
}

/// Longer texts are copied in parts, between which the interrupt key is asked for …
const LONG: usize = 16 << 20;
/// … each of which takes a millisecond or two. Whole words.
const PART: usize = 4 << 20;

fn made(cx: &mut Thread, text: String) -> Outcome {
    if text.len() < LONG || text.len() > MAX_BYTES {
        return strings::of(cx, &text);
    }
    let mut chars = 0;
    for part in text.as_bytes().chunks(PART) {
        threads::glance(cx)?;
        // All bytes but those that go on with a character.
        chars += part.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    }
    // SAFETY: these are the bytes of the text, and its characters were counted.
    unsafe { long(cx, text.len(), chars, || text.as_bytes().chunks(PART)) }
}

/// A long text that is copied in parts.
///
/// # Safety
/// As for [`Thread::alloc_long_string`].
unsafe fn long<'a, I: Iterator<Item = &'a [u8]>>(
    cx: &mut Thread,
    bytes: usize,
    chars: usize,
    parts: impl Fn() -> I,
) -> Outcome {
    loop {
        // SAFETY: the caller's.
        match unsafe { cx.alloc_long_string(bytes, chars, parts()) }? {
            Some(string) => return Ok(string),
            None => threads::check_interrupt(cx)?,
        }
    }
}

fn substring(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let len = cx.get(args[0]).char_count().unwrap_or(0);
    let to = match args.opt(2) {
        Some(to) => to,
        None => new_usize(cx, len)?,
    };
    if let (Some(start), Some(end)) = (index_below(cx.get(args[1]), len + 1), index_below(cx.get(to), len + 1))
        && let Some(part) = strings::substring(cx, args[0], start, end)?
    {
        return Ok(part);
    }
    Err(bad_bounds(cx, "substring", args[1], to, "String", len))
}

fn uppercase(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    // A letter may become three.
    let most = text(cx, args, 0).len().saturating_mul(3);
    let _claim = room::claim(cx, "a text", most)?;
    let result = text(cx, args, 0).to_uppercase();
    made(cx, result)
}

fn lowercase(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let most = text(cx, args, 0).len().saturating_mul(3);
    let _claim = room::claim(cx, "a text", most)?;
    let result = text(cx, args, 0).to_lowercase();
    made(cx, result)
}

/// The part of a text that `f` gives, which must be a part of it.
fn part_of(cx: &mut Thread, string: Handle, f: impl Fn(&str) -> &str) -> Outcome {
    let whole = strings::text(cx, string);
    let part = f(whole);
    if part.len() == whole.len() {
        return Ok(string);
    }
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    let end = start + part.len();
    strings::part(cx, string, start, end)
}

fn trim(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    part_of(cx, args[0], str::trim)
}

fn trim_left(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    part_of(cx, args[0], str::trim_start)
}

fn trim_right(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    part_of(cx, args[0], str::trim_end)
}

fn is_blank(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    bool(cx, text(cx, args, 0).trim().is_empty())
}

/// A vector of parts of a text.
fn parts<'a>(cx: &mut Thread, parts: impl Iterator<Item = &'a str>) -> Outcome {
    let list = List::new(cx, 0)?;
    let mark = cx.mark();
    for part in parts {
        threads::glance(cx)?;
        let string = strings::of(cx, part)?;
        list.push(cx, string)?;
        cx.release(mark);
    }
    list.finish(cx)
}

fn lines(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    // The heap may move while the parts are made.
    let whole = room::copy(cx, args[0])?;
    parts(cx, whole.lines())
}

fn words(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let whole = room::copy(cx, args[0])?;
    parts(cx, whole.split_whitespace())
}

fn split(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let separator = room::copy(cx, args[1])?;
    if separator.is_empty() {
        return iterate::to_vector(cx, args[0]);
    }
    let whole = room::copy(cx, args[0])?;
    match separator.as_bytes() {
        // Found without the general search.
        &[byte] => parts(cx, whole.split(char::from(byte))),
        _ => parts(cx, whole.split(separator.as_str())),
    }
}

fn starts_with(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    bool(cx, text(cx, args, 0).starts_with(text(cx, args, 1)))
}

fn ends_with(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    bool(cx, text(cx, args, 0).ends_with(text(cx, args, 1)))
}

fn string_contains(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    bool(cx, text(cx, args, 0).contains(text(cx, args, 1)))
}

fn index_of(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    find(cx, "index-of", args, false)
}

fn last_index_of(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    find(cx, "last-index-of", args, true)
}

fn find(cx: &mut Thread, name: &str, args: &Args<'_>, last: bool) -> Outcome {
    let whole = cx.get(args[0]);
    if let Some(text) = whole.str() {
        let Some(part) = cx.get(args[1]).str() else { return Err(wrong_type(cx, name, 2, "a String", args[1])) };
        let found = if last { text.rfind(part) } else { text.find(part) };
        let index = found.map_or(-1, |at| strings::index(whole, at) as i64);
        return new_int(cx, index);
    }
    let coll = seqable(cx, name, args, 0)?;
    let mut items = Items::of(cx, coll)?;
    let (mut i, mut found) = (0, -1);
    while let Some(item) = items.next(cx)? {
        match equal(cx.get(item), cx.get(args[1])) {
            Ok(true) => {
                found = i;
                if !last {
                    break;
                }
            }
            Ok(false) => {}
            Err(deep) => return Err(deep.throw(cx)),
        }
        i += 1;
    }
    new_int(cx, found)
}

fn replaced(cx: &mut Thread, args: &Args<'_>, all: bool) -> Outcome {
    let (whole, part, with) = (text(cx, args, 0), text(cx, args, 1), text(cx, args, 2));
    if !part.is_empty() && !whole.contains(part) {
        return Ok(args[0]);
    }
    // How long it can get at most.
    let times = if !all { 1 } else { whole.len() / part.len().max(1) + 1 };
    let mut most = with.len().saturating_mul(times).saturating_add(whole.len());
    if most > BLOCK {
        let times = if all { whole.matches(part).count() } else { 1 };
        most = with.len().saturating_mul(times).saturating_add(whole.len());
        if most > MAX_BYTES {
            return Err(strings::too_long(cx));
        }
    }
    if most <= BLOCK {
        let result = strings::replace(whole, part, with, all);
        return made(cx, result);
    }
    let mut result = room::text(cx, most)?;
    let (whole, part, with) = (room::copy(cx, args[0])?, room::copy(cx, args[1])?, room::copy(cx, args[2])?);
    let (mut done, times) = (0, if all { usize::MAX } else { 1 });
    for (at, _) in whole.match_indices(&part).take(times) {
        threads::glance(cx)?;
        result.push_str(&whole[done..at]);
        result.push_str(&with);
        done = at + part.len();
    }
    result.push_str(&whole[done..]);
    made(cx, result)
}

fn replace(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    replaced(cx, args, true)
}

fn replace_first(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    replaced(cx, args, false)
}

fn padded(cx: &mut Thread, name: &str, args: &Args<'_>, left: bool) -> Outcome {
    let whole = match cx.get(args[0]).str() {
        Some(_) => args[0],
        None => {
            let shown = format::to_text(cx, args[0], Style::Display)?;
            strings::of(cx, &shown)?
        }
    };
    let len = cx.get(whole).char_count().unwrap_or(0);
    let missing = count(cx, args[1]).saturating_sub(len);
    if missing == 0 {
        return Ok(whole);
    }
    let fill = args.opt(2).map_or(" ", |fill| cx.get(fill).str().unwrap_or(""));
    if fill.is_empty() {
        return Err(cx.throw(ErrorKind::ArgumentError, format!("{name}: argument 3 must not be empty")));
    }
    if missing.saturating_mul(4) > MAX_BYTES {
        return Err(strings::too_long(cx));
    }
    let widest = fill.chars().map(char::len_utf8).max().unwrap_or(1);
    let most = missing.saturating_mul(widest).saturating_add(strings::text(cx, whole).len());
    let mut result = room::text(cx, most)?;
    let (fill, whole) = (args.opt(2).map_or(" ", |fill| strings::text(cx, fill)), strings::text(cx, whole));
    let padding = fill.chars().cycle().take(missing);
    if left {
        result.extend(padding);
        result.push_str(whole);
    } else {
        result.push_str(whole);
        result.extend(padding);
    }
    made(cx, result)
}

fn pad_left(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    padded(cx, "pad-left", args, true)
}

fn pad_right(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    padded(cx, "pad-right", args, false)
}

/// Bytes of text that are made at once.
const BLOCK: usize = 1 << 20;

fn repeat_string(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let negative = matches!(Number::of(cx.get(args[1])), Some(Number::Int(i)) if i < 0)
        || matches!(Number::of(cx.get(args[1])), Some(Number::Big(true, _)));
    if negative {
        let message = format!("repeat-string: argument 2 must not be negative, got {}", cx.describe(args[1]));
        return Err(cx.throw(ErrorKind::ArgumentError, message));
    }
    let n = count(cx, args[1]);
    let whole = text(cx, args, 0);
    let bytes = whole.len().saturating_mul(n);
    if bytes > MAX_BYTES {
        return Err(strings::too_long(cx));
    }
    let (whole, chars) = (room::copy(cx, args[0])?, cx.get(args[0]).char_count().unwrap_or(0));
    let _claim = room::claim(cx, "a text", bytes.min(LONG))?;
    if bytes < LONG {
        return strings::of(cx, &whole.repeat(n));
    }
    if whole.len() > PART / 8 {
        let mut result = room::text(cx, bytes)?;
        for _ in 0..n {
            threads::glance(cx)?;
            result.push_str(&whole);
        }
        return made(cx, result);
    }
    // Some parts, which are whole words, and what is left.
    let part = whole.repeat((PART / whole.len()).next_multiple_of(8));
    let (parts, rest) = (bytes / part.len(), &part.as_bytes()[..bytes % part.len()]);
    // SAFETY: the parts are the text `n` times over.
    unsafe { long(cx, bytes, chars * n, || repeat_n(part.as_bytes(), parts).chain([rest])) }
}

fn char_code(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    match text(cx, args, 0).chars().next() {
        Some(c) => new_int(cx, i64::from(u32::from(c))),
        None => Err(cx.throw(ErrorKind::ArgumentError, "char-code: the String is empty")),
    }
}

fn char_code_at(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let len = cx.get(args[0]).char_count().unwrap_or(0);
    match index_below(cx.get(args[1]), len).and_then(|i| strings::char_at(cx.get(args[0]), i)) {
        Some(c) => new_int(cx, i64::from(u32::from(c))),
        None => Err(out_of_range(cx, "char-code-at", args[1], "String", len)),
    }
}

fn char_from_code(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let code = cx.get(args[0]).as_int().and_then(|i| u32::try_from(i).ok());
    match code.and_then(char::from_u32) {
        Some(c) => strings::of_char(cx, c),
        None => {
            let message = format!("char-from-code: there is no character with the code {}", cx.describe(args[0]));
            Err(cx.throw(ErrorKind::ArgumentError, message))
        }
    }
}

fn chars(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    iterate::to_vector(cx, args[0])
}

fn join_builtin(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    match args.opt(1) {
        Some(separator) => {
            let coll = seqable(cx, "join", args, 0)?;
            join(cx, coll, separator)
        }
        None if cx.get(args[0]).is(layout::THREAD_HANDLE) => threads::join(cx, args[0]),
        None => {
            let coll = seqable(cx, "join", args, 0)?;
            let nothing = cx.alloc_string("")?;
            join(cx, coll, nothing)
        }
    }
}

fn keyword_to_string(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let name = cx.vm().keywords.text(cx.get(args[0]).as_keyword().unwrap_or(0));
    strings::of(cx, name)
}

fn string_to_keyword(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let text = text(cx, args, 0).to_owned();
    let keyword = Keywords::made(cx, &text)?;
    Ok(cx.root_word(keyword))
}

/// The texts of the elements with a separator between them: `join(coll, separator)`.
pub fn join(cx: &mut Thread, coll: Handle, separator: Handle) -> Outcome {
    iterate::expect_room(cx, coll)?;
    let separator = room::copy(cx, separator)?;
    let mut out = String::new();
    let mut items = Items::of(cx, coll)?;
    let mut first = true;
    while let Some(item) = items.next(cx)? {
        room::make(cx, &mut out, separator.len())?;
        if !std::mem::take(&mut first) {
            out.push_str(&separator);
        }
        append_text(cx, &mut out, item)?;
    }
    made(cx, out)
}

/// Appends a value as `to-string` gives it.
pub fn append_text(cx: &mut Thread, out: &mut String, value: Handle) -> Result<(), Thrown> {
    format::append(cx, out, value, Style::Display)
}
