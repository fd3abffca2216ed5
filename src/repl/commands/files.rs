//! Files and the session: `:load`, `:reload`, `:watch`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::{Given, units};
use crate::gc::Thread;
use crate::repl::Opening;
use crate::repl::session::{Answer, Session};
use crate::runtime::load::again::{LoadedFile, again};
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
    let text = match texts::waiting(cx, |stop| texts::of_file(file, stop)) {
        Ok(Ok(text)) => text,
        Ok(Err(why)) => return Err(Answer::Error(format!("{why}\n"))),
        Err(thrown) => return Err(session.failed(cx, LoadError::Thrown(thrown))),
    };
    load_text(session, cx, file, text, arguments)
}

/// Loads a text as that of a file: as [`into_its_namespace`] does, which has read it.
pub fn load_text(
    session: &mut Session,
    cx: &mut Thread,
    file: &Path,
    text: String,
    arguments: Option<&[String]>,
) -> Result<(), Answer> {
    let name = file.to_string_lossy();
    cx.vm().loader.search_beside(file);
    if let Some(arguments) = arguments {
        cx.vm().set_arguments(arguments.to_vec());
    }
    let loaded = load::file(cx, file, &name, text, arguments.is_some(), load::Wanted::Declared);
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

// ---- :reload ----

/// `:reload`
pub fn reload(session: &mut Session, cx: &mut Thread, _: Given<'_>) -> Answer {
    let all = cx.vm().loader.loaded_files();
    match reload_changed(session, cx, &all) {
        Some(answer) => answer,
        None if all.is_empty() => Answer::Text("no file was loaded\n".into()),
        None => Answer::Text(format!("nothing has changed in {}\n", units::counted(all.len() as u64, "file"))),
    }
}

/// Loads what has changed; what is to be said of it.
fn reload_changed(session: &mut Session, cx: &mut Thread, files: &[LoadedFile]) -> Option<Answer> {
    let mut done = String::new();
    let mut failed = None;
    for file in files {
        let text = match texts::waiting(cx, |stop| texts::of_file(&file.path, stop)) {
            Ok(Ok(text)) => text,
            Ok(Err(why)) => {
                done.push_str(&format!("{why}: namespace {} stays as it is\n", file.namespace.name));
                continue;
            }
            Err(thrown) => {
                failed = Some(session.failed(cx, LoadError::Thrown(thrown)));
                break;
            }
        };
        if text == file.source.text {
            continue;
        }
        match again(cx, file, text) {
            Ok(namespace) => {
                done.push_str(&format!("loaded {} again: namespace {}\n", file.source.name, namespace.name));
                let gone = gone(cx, file);
                if !gone.is_empty() {
                    done.push_str(&format!("  no longer in the file, but still defined: {}\n", gone.join(", ")));
                }
            }
            Err(error) => {
                failed = Some(session.failed(cx, error));
                break;
            }
        }
    }
    let done = (!done.is_empty()).then_some(Answer::Text(done));
    match (done, failed) {
        (Some(done), Some(failed)) => Some(Answer::Both(Box::new(done), Box::new(failed))),
        (done, failed) => done.or(failed),
    }
}

/// What the text that a file had has defined, and its present text does not.
fn gone(cx: &Thread, file: &LoadedFile) -> Vec<String> {
    let members = file.namespace.members().into_iter();
    let stays = members.filter(|(_, binding)| {
        let place = binding.about().place;
        binding.get(cx).is_some() && place.is_some_and(|place| Arc::ptr_eq(&place.source, &file.source))
    });
    stays.map(|(name, _)| name.to_string()).collect()
}

// ---- :watch ----

/// What the files were like when they were looked at.
#[derive(Default)]
pub struct Watched(Vec<(PathBuf, Option<(SystemTime, u64)>)>);

fn look_at(files: &[LoadedFile]) -> Vec<(PathBuf, Option<(SystemTime, u64)>)> {
    let state = |path: &Path| std::fs::metadata(path).ok().and_then(|data| Some((data.modified().ok()?, data.len())));
    files.iter().map(|file| (file.path.clone(), state(&file.path))).collect()
}

/// `:watch [off]`
pub fn watch(session: &mut Session, cx: &mut Thread, given: Given<'_>) -> Answer {
    match given.text {
        "off" => {
            let was = session.watched.take();
            Answer::Text(if was.is_some() { "no file is watched any more\n" } else { "no file is watched\n" }.into())
        }
        "" => {
            let files = cx.vm().loader.loaded_files();
            session.watched = Some(Watched(look_at(&files)));
            let names: Vec<&str> = files.iter().map(|file| file.source.name.as_str()).collect();
            Answer::Text(match names.is_empty() {
                true => "watched is what will be loaded; `:watch off` ends it\n".into(),
                false => format!("watched: {}; `:watch off` ends it\n", names.join(", ")),
            })
        }
        _ => Answer::Error("write `:watch`, or `:watch off`\n".into()),
    }
}

/// Before an entry: loads again what is watched and has changed.
pub fn look(session: &mut Session, cx: &mut Thread) -> Option<Answer> {
    let before = session.watched.as_ref()?;
    let files = cx.vm().loader.loaded_files();
    let now = look_at(&files);
    // What was loaded since may have changed as well: the texts are compared.
    let changed = now.iter().any(|file| !before.0.contains(file));
    session.watched = Some(Watched(now));
    if changed { reload_changed(session, cx, &files) } else { None }
}
