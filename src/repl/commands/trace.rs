//! Functions that tell of their calls (`:trace`), and where an expression spends its time (`:profile`).
//!
//! A function is traced by giving its name another one, which calls it: whoever calls by the name goes through it. The original
//! is kept, as a member of a namespace of our own; when the name gets a new definition that one is traced from the next entry on.
//!
//! The sessions of a thread trace together: what was traced at a breakpoint is told off at the prompt, and the other way round.
//!
//! Invariant: nothing is kept of a function that is not traced any more.

use std::cell::RefCell;

use super::{Given, lookup, search};
use crate::gc::{Thread, Value};
use crate::object::Word;
use crate::profile::{What, report, sampler};
use crate::repl::session::{Answer, Session};
use crate::runtime::load::{self, LoadError};
use crate::runtime::program::binding::{Binding, BindingKind};
use crate::runtime::program::declare::{self, DeclareError};

/// Where the originals are kept.
const NAMESPACE: &str = "repl-trace";

/// Gives a function that tells of the calls of another one. `depth` is that of traced calls in traced calls.
const WRAPPER: &str = r#"
let dynamic _depth = 0
fn _traced(name, f) {
    fn _call(...args) {
        let margin = repeat-string("  ", min(_depth, 20))
        let margin = if _depth > 20 { "${margin}[${_depth}] " } else { margin }
        let call = "${margin}${name}(${join(map(fn(arg) { _brief(arg) }, args), ", ")})"
        eprintln(call)
        try {
            let value = binding (_depth = _depth + 1) { apply(f, args) }
            eprintln("${call} = ${_brief(value)}")
            value
        } catch (error) {
            eprintln("${call} threw ${_brief(error)}")
            throw error
        }
    }
    _call
}
"#;

thread_local! {
    /// The functions that tell of their calls.
    static TRACED: RefCell<Vec<Traced>> = const { RefCell::new(Vec::new()) };
}

/// A function that is traced.
struct Traced {
    binding: &'static Binding,
    /// Holds the function that tells.
    wrapper: &'static Binding,
    /// Holds the function as it was.
    original: &'static Binding,
}

/// `:trace [NAME]`
pub fn trace(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    if given.text.is_empty() {
        let names: Vec<String> =
            TRACED.with_borrow(|all| all.iter().map(|traced| traced.binding.qualified()).collect());
        return Answer::Text(match names.is_empty() {
            true => "no function is traced\n".into(),
            false => format!("traced: {}\n", names.join(", ")),
        });
    }
    let Some(binding) = lookup::binding(session.namespace(), cx, given.text) else {
        return search::nothing(session, cx, given.text);
    };
    let name = binding.qualified();
    if is_traced(cx, binding) {
        return Answer::Text(format!("{name} is traced already\n"));
    }
    if binding.namespace.is_library() {
        return Answer::Error(format!(
            "{name} is of the library, which calls it for its own ends: it cannot be traced\n"
        ));
    }
    if !binding.get(cx).is_some_and(|value| value.is_function()) || binding.kind() == BindingKind::Dynamic {
        return Answer::Error(format!("{name} is not a function\n"));
    }
    match begin(cx, binding) {
        Ok(traced) => {
            TRACED.with_borrow_mut(|all| all.push(traced));
            Answer::Text(format!("{name} is traced; `:untrace {}` ends it\n", given.text))
        }
        Err(error) => session.failed(cx, error),
    }
}

/// Is it, by whichever session?
fn is_traced(cx: &Thread, binding: &Binding) -> bool {
    let ours = TRACED.with_borrow(|all| all.iter().any(|traced| std::ptr::eq(traced.binding, binding)));
    let wrapper = cx.vm().namespaces.find(NAMESPACE).and_then(|kept| kept.member(&cell_of(binding, "traced")));
    ours || wrapper.and_then(|wrapper| wrapper.get(cx)).is_some_and(|wrapper| binding.get(cx) == Some(wrapper))
}

/// The name under which something of a function is kept.
fn cell_of(binding: &Binding, what: &str) -> String {
    format!("_{} {what}", binding.qualified())
}

fn begin(cx: &mut Thread, binding: &'static Binding) -> Result<Traced, LoadError> {
    let namespace = declare::namespace(cx, NAMESPACE).map_err(|e| LoadError::Thrown(e.throw(cx)))?;
    if namespace.member("_traced").is_none() {
        let _function = load::evaluate_as_library(cx, NAMESPACE, WRAPPER, namespace)?;
    }
    let mut cell = |what: &str| {
        let made = namespace.intern(cx.vm(), &cell_of(binding, what));
        made.map_err(|e| LoadError::Thrown(DeclareError::from(e).throw(cx)))
    };
    let traced = Traced { binding, wrapper: cell("traced")?, original: cell("original")? };
    wrap(cx, &traced)?;
    Ok(traced)
}

/// Puts the function that tells in the place of the present one.
fn wrap(cx: &mut Thread, traced: &Traced) -> Result<(), LoadError> {
    let Some(function) = traced.binding.get(cx) else { return Ok(()) };
    let function = cx.root(function);
    let Some(make) = traced.wrapper.namespace.member("_traced").and_then(|make| make.get(cx)) else { return Ok(()) };
    let make = cx.root(make);
    let name = cx.alloc_string(traced.binding.name)?;
    let wrapper = cx.call(make, &[name, function])?;
    traced.original.define(cx, cx.get(function));
    traced.wrapper.define(cx, cx.get(wrapper));
    traced.binding.define(cx, cx.get(wrapper));
    Ok(())
}

/// Is the name given to something else than the function that tells?
fn is_redefined(cx: &Thread, traced: &Traced) -> bool {
    traced.binding.get(cx) != traced.wrapper.get(cx)
}

/// Keeps those of which `stays` is true, and nothing of the others.
fn retain(cx: &mut Thread, mut stays: impl FnMut(&mut Thread, &Traced) -> bool) {
    let mut all = TRACED.take();
    all.retain(|traced| {
        let stays = stays(cx, traced);
        if !stays {
            let null = cx.root_word(Word::NULL);
            for cell in [traced.wrapper, traced.original] {
                cell.define(cx, cx.get(null));
            }
        }
        stays
    });
    TRACED.set(all);
}

/// After an entry: what was defined anew is traced again; what is no function any more is not.
pub fn follow(cx: &mut Thread) {
    retain(cx, |cx, traced| {
        let is_function = |cx: &Thread| traced.binding.get(cx).is_some_and(|value| value.is_function());
        !is_redefined(cx, traced) || is_function(cx) && wrap(cx, traced).is_ok()
    });
}

/// The function that a traced name stood for.
pub fn original<'h>(cx: &'h Thread, binding: &Binding) -> Option<Value<'h>> {
    TRACED.with_borrow(|all| {
        let traced = all.iter().find(|traced| std::ptr::eq(traced.binding, binding));
        traced.filter(|traced| !is_redefined(cx, traced)).and_then(|traced| traced.original.get(cx))
    })
}

/// `:untrace [NAME]`
pub fn untrace(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    let wanted = match given.text {
        "" => None,
        name => match lookup::binding(session.namespace(), cx, name) {
            Some(binding) => Some(binding),
            None => return search::nothing(session, cx, name),
        },
    };
    let mut text = end(cx, wanted);
    if text.is_empty() {
        text.push_str(&match wanted {
            Some(binding) => format!("{} is not traced\n", binding.qualified()),
            None => "no function is traced\n".to_string(),
        });
    }
    Answer::Text(text)
}

/// The thread of a session ends: whoever calls the functions is told nothing any more.
pub fn end_all(cx: &mut Thread) {
    end(cx, None);
}

/// Gives one name, or all, the functions back; says so.
fn end(cx: &mut Thread, wanted: Option<&Binding>) -> String {
    let mut text = String::new();
    retain(cx, |cx, traced| {
        if wanted.is_some_and(|binding| !std::ptr::eq(binding, traced.binding)) {
            return true;
        }
        if !is_redefined(cx, traced)
            && let Some(original) = traced.original.get(cx)
        {
            let original = cx.root(original);
            traced.binding.define(cx, cx.get(original));
        }
        text.push_str(&format!("{} is not traced any more\n", traced.binding.qualified()));
        false
    });
    text
}

/// `:profile EXPR`
pub fn profile(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    match sampler::start(cx, What::Time) {
        Ok(true) => {}
        Ok(false) => return Answer::Error("a profile is being taken already; there is one at a time\n".into()),
        Err(why) => return Answer::Error(format!("cannot profile: {why}\n")),
    }
    let evaluated = session.run(cx, given.text);
    let profile = sampler::stop(What::Time);
    let answer = session.answer(cx, evaluated, given.text);
    match (answer, profile) {
        (answer, Some(profile)) => Answer::Both(Box::new(answer), Box::new(Answer::Text(report::table(&profile)))),
        (answer, None) => answer,
    }
}
