//! What functions became: `:disasm`, `:dump`.

use super::lookup::{self, Thing};
use super::{Given, search, trace};
use crate::gc::Thread;
use crate::reader;
use crate::repl::session::{Answer, Session};
use crate::runtime::Code;
use crate::runtime::compile::dump;
use crate::runtime::program::entry::code_of;

/// `:disasm NAME`, `:disasm CALL`
pub fn disasm(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    // A call is made first, so that the function is compiled for such arguments.
    let name = match given.text.split_once('(') {
        None => given.text,
        Some((name, _)) => {
            let evaluated = session.run(cx, given.text);
            if evaluated.is_err() {
                return session.answer(cx, evaluated, given.text);
            }
            name.trim()
        }
    };
    of_functions(session, cx, name, |cx, code| dump::of_function(cx, code).ok_or(NOT_COMPILED))
}

const NOT_COMPILED: &str = "it has not been called yet, or only in place, inside of other functions; its code is made at the first \
     call, for what it is given then: call it, or write `:disasm f(1, 2)`";

/// `:dump tree NAME`, `:dump maps NAME`, `:dump asm NAME`
pub fn dump(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    let (what, name) = given.text.split_once(char::is_whitespace).unwrap_or((given.text, ""));
    let name = name.trim();
    match what {
        _ if name.is_empty() => {
            Answer::Error("write `:dump tree NAME`, `:dump maps NAME` or `:dump asm NAME`\n".into())
        }
        "tree" => of_functions(session, cx, name, |_, code| {
            let (unit, function) = code.function().ok_or(NO_TREE)?;
            Ok(reader::dump_function(&unit.unit, function))
        }),
        "maps" => of_functions(session, cx, name, |cx, code| dump::maps_of_function(cx, code).ok_or(NOT_COMPILED)),
        "asm" => of_functions(session, cx, name, |cx, code| dump::of_function(cx, code).ok_or(NOT_COMPILED)),
        _ => Answer::Error(format!("there is no dump of {what}: write `:dump tree {name}`, or maps, or asm\n")),
    }
}

const NO_TREE: &str = "it has no tree";

/// What is shown of the functions that a name stands for.
fn of_functions(
    session: &mut Session,
    cx: &mut Thread,
    name: &str,
    show: fn(&Thread, &'static Code) -> Result<String, &'static str>,
) -> Answer {
    let things = lookup::find(session.namespace(), cx, name);
    if things.is_empty() {
        return search::nothing(session, cx, name);
    }
    let mut text = String::new();
    for thing in &things {
        let code = match thing {
            Thing::Binding(binding) => trace::original(cx, binding).or_else(|| binding.get(cx)).and_then(code_of),
            Thing::Function(_, code) => Some(code.code()),
            Thing::Method(method) => method.default(),
            _ => None,
        };
        match code {
            Some(code) if code.builtin().is_some() => {
                text.push_str(&format!("{} is a builtin: it is written in Rust\n", code.name));
            }
            Some(code) if code.function().is_none() => {
                text.push_str(&format!(
                    "{} is a method: its code is that of the types, as in `Point.area`\n",
                    code.name
                ));
            }
            Some(code) => match show(cx, code) {
                Ok(shown) => text.push_str(&shown),
                Err(why) => text.push_str(&format!("there is nothing to show of {}: {why}\n", code.name)),
            },
            None => text.push_str(&format!("{name} is not a function\n")),
        }
    }
    Answer::Text(text)
}
