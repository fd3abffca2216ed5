//! What is wrong with the `use` lines of a unit among themselves.
//!
//! Owns the errors of names that two lines bring, and the warnings of lines that bring nothing that is used. Must not know
//! how namespaces are found.

use super::{Problem, problem};
use crate::reader::diagnostics::{Diagnostic, Severity};
use crate::reader::tree::{Name, Span, Unit, Use};
use std::sync::Arc;

/// Is there a name with this alias before it, or, without one, this name itself?
fn referenced(unit: &Unit, alias: Option<Name>, name: Option<Name>) -> bool {
    unit.globals.iter().any(|g| g.alias == alias && name.is_none_or(|name| g.name == name))
}

/// Lines that give two namespaces the same alias.
pub fn colliding(unit: &Arc<Unit>) -> Vec<Problem> {
    let mut found = Vec::new();
    for (at, line) in unit.uses.iter().enumerate() {
        let Some(first) = unit.uses[..at].iter().find(|u| u.alias == line.alias && u.path != line.path) else {
            continue;
        };
        // Who takes names in from both may not want the alias at all.
        let unwanted = !line.names.is_empty() && !first.names.is_empty() && !referenced(unit, Some(line.alias), None);
        if unwanted {
            continue;
        }
        let (alias, path) = (unit.name(line.alias), unit.name(line.path));
        let mut problem = problem(&unit.source, line.span, format!("two namespaces are called `{alias}` here"));
        problem.diagnostic.label = Some("this would hide the other one".into());
        problem.diagnostic.secondary.push((first.span, "the first one".into()));
        problem.diagnostic.help = Some(format!("give one of them another name: `use {path} as …`"));
        found.push(problem);
    }
    found
}

/// The error of a name that is taken in from two namespaces.
pub fn taken_twice(unit: &Arc<Unit>, name: &str, span: Span) -> Problem {
    let mut problem = problem(&unit.source, span, format!("`{name}` is taken in from two namespaces"));
    problem.diagnostic.help = Some("take it from one of them, and write `alias/name` for the other".into());
    problem
}

/// Lines that take in what nobody uses. A namespace of the program may be used for what its top level does.
pub fn unused(unit: &Unit, library: impl Fn(&str) -> bool) -> Vec<Diagnostic> {
    let warning = |span: Span, title: String, help: &str| {
        let mut warning = Diagnostic::new(Severity::Warning, title, Some(span));
        warning.help = Some(help.into());
        warning
    };
    let mut found = Vec::new();
    // Who evaluates text may use everything there.
    if unit.globals.iter().any(|g| unit.name(g.name) == "eval") {
        return found;
    }
    for line in &unit.uses {
        let Use { path, alias, names, span, .. } = line;
        let idle: Vec<&(Name, Span)> = names.iter().filter(|(name, _)| !referenced(unit, None, Some(*name))).collect();
        let whole = [*alias, *path].iter().any(|name| referenced(unit, Some(*name), None));
        if !whole && idle.len() == names.len() && (library(unit.name(*path)) || !names.is_empty()) {
            found.push(warning(*span, format!("nothing of {} is used", unit.name(*path)), "delete the line"));
            continue;
        }
        for (name, span) in idle {
            found.push(warning(*span, format!("`{}` is not used", unit.name(*name)), "delete it"));
        }
    }
    found
}
