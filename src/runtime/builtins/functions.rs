//! Builtins: functions.

use super::Args;
use crate::builtins;
use crate::gc::{Handle, Thread, Thrown};

builtins! { pub static TABLE: "core";
    /// Calls a function with the elements of an array as arguments.
    "_apply-array" (f: Function, arguments: Array) = apply_array;
}

fn apply_array(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let array = args[1];
    let list: Vec<Handle> = (0..cx.get(array).array_len()).map(|i| cx.root(cx.get(array).element(i))).collect();
    cx.call(args[0], &list)
}
