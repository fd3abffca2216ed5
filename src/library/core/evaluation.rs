//! Builtins that evaluate text, and assertions.

use crate::builtins;
use crate::gc::{Handle, Thread, Thrown};
use crate::object::Word;
use crate::object::layout::ENTRY_NAME;
use crate::runtime::Namespace;
use crate::runtime::fault::errors::{ErrorKind, is_interrupt};
use crate::runtime::fault::{stop, trace};
use crate::runtime::load::{self, LoadError, Problem};
use crate::runtime::program::builtin::Args;
use crate::runtime::program::declare;
use crate::runtime::values::foreign;
use crate::runtime::values::leaves;

builtins! { pub static TABLE: "core";
    /// Evaluates a text in the namespace of the caller; gives the value of its last expression. What it defines stays.
    /// `eval("1 + 2")` is `3`.
    "eval" (text: String) = eval;
    /// Evaluates a text in the namespace of this name.
    /// `eval-in-ns("1 + 2", "core")` is `3`.
    "eval-in-ns" (text: String, namespace: or(String, Namespace)) = eval_in_ns;
    /// Stops for somebody at the terminal to look at the program: opens a prompt among the variables of its caller, and goes on when
    /// that is told to. Where nobody is, the program says on stderr that it has passed here, once for each place. Gives `null`.
    "breakpoint" () = breakpoint;
    /// Stands before each statement of a function with stops.
    "_step" () = |cx, _| stop::statement(cx).map(|()| cx.root_word(Word::NULL)) => leaf_step;
    /// Does a function with stops stay where it calls in tail position?
    "_stays" () = |cx, _| Ok(cx.root_word(Word::bool(stop::stays(cx)))) => leaf_stays;
    /// What a function with stops gives.
    "_leaves" (value: Any) = |cx, args| stop::leaves(cx, args[0]).map(|()| args[0]) => leaf_leaves;
    /// The namespace of the code that asks.
    /// `type-of(current-namespace())` is `Namespace`.
    "current-namespace" () = current_namespace;
    /// The namespace of this name; `null` when there is none.
    /// `the-namespace("core")` is `namespace core`.
    "the-namespace" (name: String) = the_namespace;
    /// Throws an AssertError when the value is `false` or `null`; gives the value.
    /// `assert!(1 < 2)` is `true`.
    "assert!" (value: Any, message: opt(Any)) = assert;
    /// What the reader makes of `assert!` with a comparison.
    "_assert-sides!" (value: Any, sign: String, left: Any, right: Any) = assert_sides;
    /// Throws an AssertError that shows both when they are not equal.
    /// `assert-eq!(1 + 1, 2)` is `2`.
    "assert-eq!" (actual: Any, expected: Any) = assert_eq;
    /// Throws an AssertError when both are equal.
    /// `assert-ne!(1, 2)` is `1`.
    "assert-ne!" (a: Any, b: Any) = assert_ne;
    /// Throws an AssertError when the function returns; gives what it threw.
    /// `assert-throws!(fn() { throw 5 })` is `5`.
    "assert-throws!" (f: Function) = assert_throws;
}

/// The namespace of the innermost code of the language.
pub fn callers_namespace(cx: &mut Thread) -> Result<&'static Namespace, Thrown> {
    match trace::innermost_namespace(cx) {
        Some(namespace) => Ok(namespace),
        None => declare::namespace(cx, "user").map_err(|e| e.throw(cx)),
    }
}

fn eval(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let namespace = callers_namespace(cx)?;
    evaluate(cx, args[0], namespace)
}

fn eval_in_ns(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let given = cx.get(args[1]);
    let name = match given.str() {
        Some(name) => name.to_string(),
        None => given.slot(ENTRY_NAME).str().unwrap_or_default().to_string(),
    };
    let Some(namespace) = cx.vm().namespaces.find(&name) else {
        return Err(cx.throw(ErrorKind::ArgumentError, format!("eval-in-ns: there is no namespace {name}")));
    };
    evaluate(cx, args[0], namespace)
}

fn evaluate(cx: &mut Thread, text: Handle, namespace: &'static Namespace) -> Result<Handle, Thrown> {
    let text = cx.get(text).str().unwrap_or_default().to_string();
    match load::evaluate(cx, "<eval>", &text, namespace) {
        Ok(evaluated) => Ok(evaluated.value),
        Err(LoadError::Thrown(thrown)) => Err(thrown),
        Err(LoadError::Problems(problems)) => Err(throw_problems(cx, &problems)),
    }
}

/// Problems of a text as an exception.
pub fn throw_problems(cx: &mut Thread, problems: &[Problem]) -> Thrown {
    let kind = if problems.iter().any(|p| p.syntax) { ErrorKind::ParseError } else { ErrorKind::CompileError };
    let lines: Vec<String> = problems
        .iter()
        .map(|p| {
            let place = p.diagnostic.span.map(|s| p.source.line_column(s.start));
            let place = place.map_or(String::new(), |(line, column)| format!(" ({}:{line}:{column})", p.source.name));
            let help = p.diagnostic.help.as_ref().map_or(String::new(), |h| format!("; {h}"));
            format!("{}{place}{help}", p.diagnostic.title)
        })
        .collect();
    cx.throw(kind, lines.join("\n"))
}

fn leaf_step<'h>(cx: &'h Thread, _: leaves::Args<'h>) -> leaves::Answer<'h> {
    if stop::steps(cx) { None } else { leaves::null(cx) }
}

fn leaf_stays<'h>(cx: &'h Thread, _: leaves::Args<'h>) -> leaves::Answer<'h> {
    if stop::steps(cx) { None } else { leaves::bool(cx, false) }
}

fn leaf_leaves<'h>(cx: &'h Thread, [value, ..]: leaves::Args<'h>) -> leaves::Answer<'h> {
    if stop::steps(cx) { None } else { Some(value) }
}

fn breakpoint(cx: &mut Thread, _args: &Args<'_>) -> Result<Handle, Thrown> {
    stop::breakpoint(cx)?;
    Ok(cx.root_word(Word::NULL))
}

fn current_namespace(cx: &mut Thread, _args: &Args<'_>) -> Result<Handle, Thrown> {
    let namespace = callers_namespace(cx)?;
    Ok(namespace_object(cx, namespace))
}

/// The heap object of a namespace.
pub fn namespace_object(cx: &Thread, namespace: &'static Namespace) -> Handle {
    namespace.object.get(cx).map_or_else(|| cx.root_word(Word::NULL), |o| cx.root(o))
}

fn the_namespace(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    let found = cx.get(args[0]).str().and_then(|name| cx.vm().namespaces.find(name));
    Ok(found.map_or_else(|| cx.root_word(Word::NULL), |n| namespace_object(cx, n)))
}

fn assert(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    if !cx.get(args[0]).is_falsy() {
        return Ok(args[0]);
    }
    let message = match args.opt(1) {
        Some(message) => format!("assert!: {}", foreign::to_text(cx, message)?),
        None => format!("assert!: got {}", foreign::repr(cx, args[0])?),
    };
    Err(cx.throw(ErrorKind::AssertError, message))
}

fn assert_sides(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    if !cx.get(args[0]).is_falsy() {
        return Ok(args[0]);
    }
    let (left, right) = (foreign::repr(cx, args[2])?, foreign::repr(cx, args[3])?);
    let sign = cx.get(args[1]).str().unwrap_or("").to_owned();
    Err(cx.throw(ErrorKind::AssertError, format!("assert!: {left} {sign} {right} is false")))
}

fn assert_eq(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    if foreign::equal(cx, args[0], args[1])? {
        return Ok(args[0]);
    }
    let (actual, expected) = (foreign::repr(cx, args[0])?, foreign::repr(cx, args[1])?);
    Err(cx
        .throw(ErrorKind::AssertError, format!("assert-eq!: not equal\n  actual:   {actual}\n  expected: {expected}")))
}

fn assert_ne(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    if !foreign::equal(cx, args[0], args[1])? {
        return Ok(args[0]);
    }
    let value = foreign::repr(cx, args[0])?;
    Err(cx.throw(ErrorKind::AssertError, format!("assert-ne!: both are {value}")))
}

fn assert_throws(cx: &mut Thread, args: &Args<'_>) -> Result<Handle, Thrown> {
    match cx.call(args[0], &[]) {
        // As with every handler that takes whatever comes.
        Err(thrown) if is_interrupt(cx.exception()) => Err(thrown),
        Err(thrown) => Ok(cx.take_exception(thrown)),
        Ok(value) => {
            let value = foreign::repr(cx, value)?;
            Err(cx.throw(ErrorKind::AssertError, format!("assert-throws!: nothing was thrown, the value is {value}")))
        }
    }
}
