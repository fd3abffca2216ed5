//! The call of a program's `main`.

use super::LoadError;
use crate::gc::{Handle, Thread};
use crate::runtime::Namespace;
use crate::runtime::fault::{tail_calls, trace};
use crate::runtime::program::entry;
use crate::runtime::values::foreign;

/// Calls the `main` of a program, if there is one, with the arguments if it wants them.
pub fn call_main(cx: &mut Thread, namespace: &'static Namespace, arguments: &[String]) -> Result<(), LoadError> {
    let Some(main) = namespace.member("main").and_then(|b| b.get(cx)).filter(|v| v.is_function()) else {
        return Ok(());
    };
    let main = cx.root(main);
    let code = entry::code_of(cx.get(main));
    let body = code.and_then(tail_calls::body);
    let takes_arguments = code.is_some_and(|code| code.accepts(1));
    let mut list: Vec<Handle> = Vec::new();
    if takes_arguments {
        let mut words = Vec::new();
        for argument in arguments {
            words.push(cx.alloc_string(argument)?);
        }
        list.push(foreign::vector_of(cx, &words)?);
    }
    let outcome = cx.call(main, &list).map(|_| ());
    if let (Err(_), Some(body)) = (&outcome, body) {
        trace::leaves(cx, &body);
    }
    Ok(outcome?)
}
