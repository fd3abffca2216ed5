//! What a word that has been begun could be.
//!
//! Owns the places in an entry and what may stand at each: a command, a path inside of a string, a member of a namespace, a field
//! or function of the value before the dot, a field of the struct whose literal is open, a key of a map, a local name, a global one.
//! Nothing is collected before it is asked for.

use std::collections::BTreeSet;
use std::path::Path;

use super::entry;
use super::values;
use crate::gc::Thread;
use crate::reader::lexer::{self, Kind, Token};
use crate::runtime::Namespace;

/// So many are offered.
const MOST: usize = 500;

/// Words of the language that are long enough to be completed.
const WORDS: [&str; 19] = [
    "binding",
    "break",
    "catch",
    "continue",
    "enum",
    "extend",
    "false",
    "finally",
    "letonce",
    "match",
    "namespace",
    "null",
    "protocol",
    "return",
    "struct",
    "throw",
    "true",
    "use",
    "while",
];

/// Where the name that ends at `end` begins: names are made of anything but white space, brackets, quotes and separators.
pub fn start_of_name(line: &str, end: usize) -> usize {
    let head = line.get(..end).unwrap_or(line);
    let other = |c: char| c.is_whitespace() || "()[]{}\"'`,;|.+*=<>&^$#@\\".contains(c);
    // `->` is a part of names.
    let ends = |i: usize, c: char| other(c) && !(c == '>' && head[..i].ends_with('-'));
    head.char_indices().rfind(|(i, c)| ends(*i, *c)).map_or(0, |(i, c)| i + c.len_utf8())
}

/// Where the word before byte `end` of an entry begins, and what it could be. The thread is one that may look at values.
pub fn complete(
    cx: &Thread,
    namespace: &'static Namespace,
    commands: &[String],
    text: &str,
    end: usize,
) -> (usize, Vec<String>) {
    let head = text.get(..end).unwrap_or(text);
    let start = start_of_name(text, end);
    let word = &head[start..];
    if head.starts_with(':') && start == 0 {
        return (start, beginning(word, commands.iter().cloned()));
    }
    if let Some(path) = path_begun(head) {
        let begun = path.rfind('/').map_or(0, |slash| slash + 1);
        return (end - path.len() + begun, files(path));
    }
    let tokens = lexer::lex(&head[..start]).tokens;
    let before = &tokens[..tokens.len() - 1];
    (start, candidates(cx, namespace, head, word, before))
}

fn candidates(cx: &Thread, namespace: &'static Namespace, head: &str, word: &str, before: &[Token]) -> Vec<String> {
    let text = |token: &Token| &head[token.start as usize..token.end as usize];
    if let [receiver @ .., dot] = before
        && dot.kind == Kind::Dot
    {
        let path = values::path_before(head, receiver);
        return beginning(word, values::at(cx, namespace, &path, values::members));
    }
    if before.last().is_some_and(|token| text(token) == "use") {
        return beginning(word, namespaces(cx));
    }
    if let Some((owner, inside)) = open_bracket(before) {
        let begins = matches!(inside.kind, Kind::OpenBrace | Kind::Comma | Kind::OpenBracket);
        let bracket = &before[owner];
        let path = values::path_before(head, &before[..owner]);
        if begins && bracket.kind == Kind::OpenBracket && word.starts_with(':') && !path.is_empty() {
            return beginning(word, values::at(cx, namespace, &path, values::keys));
        }
        if begins && bracket.kind == Kind::OpenBrace && !path.is_empty() {
            let fields = beginning(word, values::fields_of_literal(cx, namespace, &path));
            if !fields.is_empty() {
                return fields;
            }
        }
    }
    if word.is_empty() || word.starts_with(':') {
        return Vec::new();
    }
    if let Some((alias, _)) = word.split_once('/') {
        let alias_of = namespace.alias(alias).or_else(|| cx.vm().namespaces.find(alias));
        let names = alias_of.map(public).unwrap_or_default();
        let members = beginning(word, names.into_iter().map(|name| format!("{alias}/{name}")));
        if !members.is_empty() {
            return members;
        }
    }
    let locals = before.iter().filter(|token| token.kind == Kind::Ident).map(|token| text(token).to_string());
    beginning(word, locals.chain(globals(cx, namespace)))
}

/// Those that begin so, in order.
fn beginning(word: &str, names: impl IntoIterator<Item = String>) -> Vec<String> {
    let names: BTreeSet<String> = names.into_iter().filter(|name| name.starts_with(word) && name != word).collect();
    names.into_iter().take(MOST).collect()
}

fn public(namespace: &'static Namespace) -> Vec<String> {
    let members = namespace.members().into_iter();
    members.filter(|(name, b)| b.is_defined() && !name.starts_with('_')).map(|(name, _)| name.to_string()).collect()
}

/// The names that can be written without anything before them.
pub fn globals(cx: &Thread, namespace: &'static Namespace) -> impl Iterator<Item = String> {
    let core = cx.vm().namespaces.find("core").map(public).unwrap_or_default();
    let aliases = namespace.alias_names().into_iter().map(|alias| format!("{alias}/"));
    let imports = namespace.import_names().into_iter().map(str::to_string);
    let words = WORDS.iter().map(|word| (*word).to_string());
    let outer = namespace.outer().map(public).unwrap_or_default();
    public(namespace).into_iter().chain(outer).chain(core).chain(aliases).chain(imports).chain(words)
}

/// The namespaces that a `use` line can name.
fn namespaces(cx: &Thread) -> Vec<String> {
    let mut names: Vec<String> = cx.vm().namespaces.all().into_iter().map(|n| n.name.to_string()).collect();
    names.extend(cx.vm().library.parts.iter().map(|part| part.name.to_string()));
    // Those of the present folder, and of the folders in it.
    let here = sources(Path::new("."));
    for folder in here.iter().filter(|name| name.ends_with('/')) {
        names.extend(sources(Path::new(folder)).iter().map(|name| format!("{folder}{name}")));
    }
    names.extend(here);
    names.retain(|name| !name.ends_with('/'));
    names
}

fn sources(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(2000);
    let name = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let folder = !name.starts_with('.') && entry.file_type().ok()?.is_dir();
        if folder { Some(format!("{name}/")) } else { name.strip_suffix(".hr").map(str::to_string) }
    };
    entries.filter_map(name).collect()
}

/// The path in the string that is open at the end, or behind `:load`.
fn path_begun(head: &str) -> Option<&str> {
    if head.starts_with(':') {
        return head.strip_prefix(":load ").or_else(|| head.strip_prefix(":save "));
    }
    if !entry::ends_in_string(head) {
        return None;
    }
    head.rsplit_once('"').map(|(_, path)| path)
}

fn files(path: &str) -> Vec<String> {
    let (folder, name) = path
        .rsplit_once('/')
        .map_or((".", path), |(folder, name)| (if folder.is_empty() { "/" } else { folder }, name));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| {
        let text = entry.file_name().into_string().ok().filter(|n| name.starts_with('.') || !n.starts_with('.'))?;
        let is_folder = std::fs::metadata(entry.path()).is_ok_and(|data| data.is_dir());
        Some(if is_folder { text + "/" } else { text })
    });
    beginning(name, found)
}

/// The innermost bracket that is open, and the last token.
fn open_bracket(tokens: &[Token]) -> Option<(usize, &Token)> {
    let mut closed = 0;
    for (i, token) in tokens.iter().enumerate().rev() {
        match token.kind {
            kind if kind.closes() => closed += 1,
            kind if kind.opens() && closed == 0 => {
                return Some((i, tokens.last()?));
            }
            kind if kind.opens() => closed -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_name_begins() {
        for (line, start) in
            [("ma", 0), ("f(map-", 2), ("[1]|>seq/", 5), ("(a->", 1), (":h", 0), ("x :h", 2), ("1 + grö", 4), ("", 0)]
        {
            assert_eq!(start_of_name(line, line.len()), start, "{line}");
        }
    }

    #[test]
    fn paths_in_strings() {
        assert_eq!(path_begun("f(\"/tm"), Some("/tm"));
        assert_eq!(path_begun("f(\"a\" ++ \"b/"), Some("b/"));
        assert_eq!(path_begun("f(\"a\", "), None);
        assert_eq!(path_begun(":load sr"), Some("sr"));
        let folder = std::env::temp_dir().join(format!("harrier-paths-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("process")).expect("a folder");
        let path = |name: &str| folder.join(name).display().to_string();
        assert_eq!(files(&path("prox")), Vec::<String>::new());
        assert_eq!(files(&path("pro")), ["process/"]);
        std::fs::remove_dir_all(&folder).expect("its end");
    }
}
