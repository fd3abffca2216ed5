//! Builtins: JSON.

use super::Args;
use super::support::{Outcome, text};
use crate::builtins;
use crate::gc::Thread;
use crate::runtime::text::{json, strings};

builtins! { pub static TABLE: "core";
    /// The compact JSON text of a value; keywords are written as strings. `json-encode({:a [1, null]})` is `"{\"a\":[1,null]}"`.
    "json-encode" (value: Any) = encode;
    /// The value of a JSON text; objects become maps with keyword keys. `json-decode("[1, 2.0]")` is `[1, 2.0]`.
    "json-decode" (text: String) = decode;
}

fn encode(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let text = json::encode(cx, args[0])?;
    strings::of(cx, &text)
}

fn decode(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let text = text(cx, args, 0).to_owned();
    json::decode(cx, &text)
}
