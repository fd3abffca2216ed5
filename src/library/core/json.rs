//! Builtins: JSON.

use crate::builtins;
use crate::gc::{Thread, Value};
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::program::builtin::Args;
use crate::runtime::values::support::{Outcome, index_below, text};
use crate::runtime::values::text::{json, strings};

builtins! { pub static TABLE: "core";
    /// The JSON text of a value; keywords are written as strings. It is compact, or has a line for each entry, indented by so
    /// many spaces (0 to 16). `json-encode({:a [1, null]})` is `"{\"a\":[1,null]}"`, `json-encode([1], 2)` is `"[\n  1\n]"`.
    "json-encode" (value: Any, indent: opt(Int)) = encode;
    /// The value of a JSON text; objects become maps with keyword keys, or with Strings when asked for `:string-keys`.
    /// `json-decode("{\"a\": 1}")` is `{:a 1}`, `json-decode("{\"a\": 1}", :string-keys)` is `{"a" 1}`.
    "json-decode" (text: String, keys: opt(Keyword)) = decode;
}

/// Nobody reads what stands further to the right.
const MOST_INDENT: usize = 16;

fn is_string_keys(value: Value<'_>) -> bool {
    value.as_keyword().is_some_and(|index| value.thread().vm().keywords.text(index) == "string-keys")
}

fn encode(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let indent = match args.opt(1) {
        None => None,
        Some(indent) => match index_below(cx.get(indent), MOST_INDENT + 1) {
            None => {
                let got = cx.describe(indent);
                let message = format!("json-encode: the indent must be 0 to {MOST_INDENT} spaces, got {got}");
                return Err(cx.throw(ErrorKind::ArgumentError, message));
            }
            known => known,
        },
    };
    let text = json::encode(cx, args[0], indent)?;
    strings::of(cx, &text)
}

fn decode(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let string_keys = match args.opt(1) {
        None => false,
        Some(keys) if is_string_keys(cx.get(keys)) => true,
        Some(keys) => {
            let message = format!("json-decode: argument 2 must be :string-keys, got {}", cx.describe(keys));
            return Err(cx.throw(ErrorKind::ArgumentError, message));
        }
    };
    let text = text(cx, args, 0).to_owned();
    json::decode(cx, &text, string_keys)
}
