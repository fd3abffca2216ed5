//! Builtins: types.

use super::Args;
use crate::builtins;
use crate::gc::{Handle, Thread, Thrown};

use crate::gc::{Word, layout};

builtins! { pub static TABLE: "core";
    /// Are both the very same object?
    "identical?" (a: Any, b: Any) = identical;
    /// Is it a function?
    "function?" (x: Any) = is_function;
}

fn identical(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    Ok(cx.root_word(Word::bool(cx.get(args[0]) == cx.get(args[1]))))
}

fn is_function(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    Ok(cx.root_word(Word::bool(cx.get(args[0]).layout() == layout::CLOSURE)))
}
