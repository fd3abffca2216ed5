//! Files and the session: `:load`.

use std::path::Path;

use super::Given;
use crate::gc::Thread;
use crate::repl::Opening;
use crate::repl::session::{Answer, Session};
use crate::runtime::load::{self, LoadError, texts};

/// `:load FILE`: runs it, and goes to its namespace.
pub fn load(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    match into_its_namespace(session, cx, Path::new(given.text), None) {
        Ok(()) => Answer::Text(format!("{}\n", session.namespace().name)),
        Err(answer) => answer,
    }
}

/// What a conversation begins with: a file that is loaded, or run as a program.
pub fn open(session: &mut Session, cx: &mut Thread, opening: &Opening) -> Answer {
    let arguments = opening.arguments.as_deref();
    into_its_namespace(session, cx, &opening.file, arguments).err().unwrap_or(Answer::Nothing)
}

/// Loads a file, and calls its `main` where there are arguments for it. What it has defined stays in view when it fails then.
fn into_its_namespace(
    session: &mut Session,
    cx: &mut Thread,
    file: &Path,
    arguments: Option<&[String]>,
) -> Result<(), Answer> {
    let name = file.to_string_lossy();
    let text = match texts::waiting(cx, |stop| texts::of_file(file, stop)) {
        Ok(Ok(text)) => text,
        Ok(Err(why)) => return Err(Answer::Error(format!("{why}\n"))),
        Err(thrown) => return Err(session.failed(cx, LoadError::Thrown(thrown))),
    };
    cx.vm().loader.search_beside(file);
    let loaded = match arguments {
        Some(arguments) => {
            cx.vm().set_arguments(arguments.to_vec());
            load::program(cx, file, &name, text)
        }
        None => load::file(cx, file, &name, text),
    };
    if matches!(loaded, Err(LoadError::Thrown(_))) {
        // Whoever looks for the reason wants to be where it happened.
        let all = cx.vm().namespaces.all();
        let here = all.into_iter().find(|n| n.source().is_some_and(|source| source.name == name));
        session.namespace = here.unwrap_or(session.namespace);
    }
    let run = loaded.and_then(|namespace| {
        session.namespace = namespace;
        arguments.map_or(Ok(()), |arguments| load::call_main(cx, namespace, arguments))
    });
    run.map_err(|error| session.failed(cx, error))
}
