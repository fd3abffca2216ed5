//! Builtins: the namespace `byte-buffer`, and the native type of what it makes: all that there is of either, but for the row in `mod.rs`.

use std::any::Any;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

use super::io::{ok, with_file};
use crate::builtins;
use crate::gc::{Claim, Handle, NativeType, Thread, Thrown};

use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::program::builtin::specs::native;
use crate::runtime::program::builtin::{Args, Spec};
use crate::runtime::system::streams::Mode;
use crate::runtime::values::collections::vector;
use crate::runtime::values::numbers::{new_int, new_usize};
use crate::runtime::values::support::{Outcome, bad_bounds, index_below, null, out_of_range, wrong_type};
use crate::runtime::values::text::{room, strings};
use crate::runtime::values::{foreign, iterate};

/// So many bytes are shown.
const MOST_SHOWN: usize = 32;

const BYTES: Spec = native("byte buffer (`byte-buffer/new(n)` makes one)");

/// Bytes that can be changed, as many as there were at first, by any thread. They lie outside of the heap, and count against its limit.
struct Bytes {
    content: Box<[AtomicU8]>,
    _claim: Claim,
}

impl Bytes {
    fn get(&self, i: usize) -> u8 {
        self.content[i].load(Relaxed)
    }

    fn iter(&self) -> impl Iterator<Item = u8> {
        self.content.iter().map(|byte| byte.load(Relaxed))
    }
}

impl NativeType for Bytes {
    fn print(&self) -> String {
        let mut text = format!("byte-buffer[{}:", self.content.len());
        for byte in self.iter().take(MOST_SHOWN) {
            // A String takes whatever is written.
            let _ = write!(text, " {byte:02x}");
        }
        text + if self.content.len() > MOST_SHOWN { " …]" } else { "]" }
    }

    fn equals(&self, other: &dyn NativeType) -> bool {
        let other: &dyn Any = other;
        other.downcast_ref::<Bytes>().is_some_and(|other| self.iter().eq(other.iter()))
    }

    fn hash(&self) -> Option<u64> {
        Some(self.content.len() as u64)
    }
}

builtins! { pub static TABLE: "byte-buffer";
    /// So many bytes, all 0: they can be changed.
    /// `byte-buffer/count(byte-buffer/new(3))` is `3`.
    "new" (n: Int) = new;
    /// Bytes of Ints from 0 to 255.
    /// `byte-buffer/to-vec(byte-buffer/of([1, 255]))` is `[1, 255]`.
    "of" (values: Seqable) = of;
    /// The bytes of a text in UTF-8.
    /// `byte-buffer/to-vec(byte-buffer/of-text("é"))` is `[195, 169]`.
    "of-text" (text: String) = of_text;
    /// How many.
    /// `byte-buffer/count(byte-buffer/of-text("é"))` is `2`.
    "count" (bytes: BYTES) = count;
    /// The byte at an index, an Int from 0 to 255; `default` when there is none.
    /// `byte-buffer/get(byte-buffer/of([7, 8]), 1)` is `8`.
    "get" (bytes: BYTES, index: Int, default: opt(Any)) = get;
    /// Stores a byte; gives the bytes.
    /// `byte-buffer/set!(byte-buffer/new(2), 1, 9)` is `byte-buffer/of([0, 9])`.
    "set!" (bytes: BYTES, index: Int, value: Int) = set;
    /// A copy of the bytes from one index to another, which does not belong to it.
    /// `byte-buffer/slice(byte-buffer/of([1, 2, 3]), 1, 3)` is `byte-buffer/of([2, 3])`.
    "slice" (bytes: BYTES, from: Int, to: opt(Int)) = slice;
    /// New bytes: those of each, one behind the other.
    /// `byte-buffer/concat(byte-buffer/of([1]), byte-buffer/of([2]))` is `byte-buffer/of([1, 2])`.
    "concat" (bytes: rest(BYTES)) = concat;
    /// A vector of Ints.
    /// `byte-buffer/to-vec(byte-buffer/new(2))` is `[0, 0]`.
    "to-vec" (bytes: BYTES) = to_vec;
    /// The text that the bytes are in UTF-8; `null` when they are none.
    /// `byte-buffer/to-text(byte-buffer/of([72, 105]))` is `"Hi"`.
    "to-text" (bytes: BYTES) = to_text;
    /// All bytes of a file, as a Result.
    /// `ok?(byte-buffer/read("/no/such/file"))` is `false`.
    "read" (path: String) = read;
    /// Writes a file of these bytes, instead of what was there; a Result with its path.
    /// `ok?(byte-buffer/write("/no/such/file", byte-buffer/new(1)))` is `false`.
    "write" (path: String, bytes: BYTES) = write;
}

fn value_of(cx: &mut Thread, content: Vec<u8>, claim: Claim) -> Outcome {
    // In place: both are of one size.
    let content = content.into_iter().map(AtomicU8::new).collect();
    cx.alloc_native(Arc::new(Bytes { content, _claim: claim }))
}

/// Room for so many bytes.
fn room_for(cx: &mut Thread, n: usize) -> Result<(Vec<u8>, Claim), Thrown> {
    let mut content = Vec::new();
    match cx.claim(n).filter(|_| content.try_reserve_exact(n).is_ok()) {
        Some(claim) => Ok((content, claim)),
        None => Err(room::does_not_fit(cx, "a byte buffer", n)),
    }
}

/// A value of at most `n` bytes, which somebody puts there.
fn made(cx: &mut Thread, n: usize, put: impl FnOnce(&mut Vec<u8>)) -> Outcome {
    let (mut content, claim) = room_for(cx, n)?;
    put(&mut content);
    value_of(cx, content, claim)
}

/// A copy of all bytes, for what may take long.
fn copy_of(cx: &mut Thread, bytes: &Bytes) -> Result<(Vec<u8>, Claim), Thrown> {
    let len = bytes.content.len();
    let (mut content, claim) = room_for(cx, len)?;
    content.extend(bytes.iter());
    Ok((content, claim))
}

fn argument(cx: &mut Thread, name: &str, args: &Args<'_>, i: usize) -> Result<Arc<Bytes>, Thrown> {
    let value = args.all()[i];
    cx.native_as::<Bytes>(cx.get(value)).ok_or_else(|| wrong_type(cx, name, i + 1, "a byte buffer", value))
}

/// The error of what is no byte.
fn no_byte(cx: &mut Thread, name: &str, value: Handle) -> Thrown {
    let message = format!("{name}: a byte is an Int from 0 to 255, got {}", cx.describe(value));
    cx.throw(ErrorKind::ArgumentError, message)
}

fn new(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let Some(n) = cx.get(args[0]).as_int().and_then(|n| usize::try_from(n).ok()) else {
        let message = format!("new: the number must not be negative or huge, got {}", cx.describe(args[0]));
        return Err(cx.throw(ErrorKind::ArgumentError, message));
    };
    made(cx, n, |content| content.resize(n, 0))
}

fn of(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let values = iterate::to_vector(cx, args[0])?;
    let n = vector::len(cx.get(values));
    let (mut content, claim) = room_for(cx, n)?;
    for i in 0..n {
        let value = vector::get(cx.get(values), i);
        match value.and_then(|value| u8::try_from(value.as_int()?).ok()) {
            Some(byte) => content.push(byte),
            None => {
                let value = value.map_or(args[0], |value| cx.root(value));
                return Err(no_byte(cx, "of", value));
            }
        }
    }
    value_of(cx, content, claim)
}

fn of_text(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let n = strings::text(cx, args[0]).len();
    let (mut content, claim) = room_for(cx, n)?;
    content.extend_from_slice(strings::text(cx, args[0]).as_bytes());
    value_of(cx, content, claim)
}

fn count(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let n = argument(cx, "count", args, 0)?.content.len();
    new_usize(cx, n)
}

fn get(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let bytes = argument(cx, "get", args, 0)?;
    let len = bytes.content.len();
    match (index_below(cx.get(args[1]), len), args.opt(2)) {
        (Some(index), _) => new_int(cx, bytes.get(index).into()),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(out_of_range(cx, "byte-buffer/get", args[1], "byte buffer", len)),
    }
}

fn set(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let bytes = argument(cx, "set!", args, 0)?;
    let Some(value) = cx.get(args[2]).as_int().and_then(|i| u8::try_from(i).ok()) else {
        return Err(no_byte(cx, "set!", args[2]));
    };
    let len = bytes.content.len();
    let Some(index) = index_below(cx.get(args[1]), len) else {
        return Err(out_of_range(cx, "set!", args[1], "byte buffer", len));
    };
    bytes.content[index].store(value, Relaxed);
    Ok(args[0])
}

fn slice(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let bytes = argument(cx, "slice", args, 0)?;
    let len = bytes.content.len();
    let end = match args.opt(2) {
        Some(to) => to,
        None => new_usize(cx, len)?,
    };
    let (from, to) = (index_below(cx.get(args[1]), len + 1), index_below(cx.get(end), len + 1));
    let (Some(from), Some(to)) = (from, to.filter(|to| from.is_some_and(|from| from <= *to))) else {
        return Err(bad_bounds(cx, "slice", args[1], end, "byte buffer", len));
    };
    made(cx, to - from, |content| content.extend((from..to).map(|i| bytes.get(i))))
}

fn concat(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let mut parts = Vec::new();
    let mut n = 0usize;
    for i in 0..args.all().len() {
        let part = argument(cx, "concat", args, i)?;
        n = n.saturating_add(part.content.len());
        parts.push(part);
    }
    made(cx, n, |content| parts.iter().for_each(|part| content.extend(part.iter())))
}

fn to_vec(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let bytes = argument(cx, "to-vec", args, 0)?;
    let (content, _claim) = copy_of(cx, &bytes)?;
    let mut elements = Vec::new();
    for byte in content {
        let element = new_int(cx, byte.into())?;
        cx.keep_in(&mut elements, element)?;
    }
    foreign::vector_of(cx, &elements)
}

fn to_text(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let bytes = argument(cx, "to-text", args, 0)?;
    let (content, _claim) = copy_of(cx, &bytes)?;
    match std::str::from_utf8(&content) {
        Ok(text) => strings::of(cx, text),
        Err(_) => null(cx),
    }
}

fn read(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    match with_file(cx, "read", args[0], Mode::Read, |cx, stream| stream.read_all(cx))? {
        Ok((_, content)) => {
            let Some(claim) = cx.claim(content.len()) else {
                return Err(room::does_not_fit(cx, "a byte buffer", content.len()));
            };
            let bytes = value_of(cx, content, claim)?;
            ok(cx, bytes)
        }
        Err(error) => Ok(error),
    }
}

fn write(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let bytes = argument(cx, "write", args, 1)?;
    let (content, _claim) = copy_of(cx, &bytes)?;
    match with_file(cx, "write", args[0], Mode::Write, |cx, stream| stream.write(cx, &content))? {
        Ok(_) => ok(cx, args[0]),
        Err(error) => Ok(error),
    }
}
