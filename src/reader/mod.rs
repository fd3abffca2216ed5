//! Text to tree: lexer, parser, scopes, syntax errors.
//!
//! Owns the grammar. Knows nothing of files, namespaces, code or values: what it needs to know of its surroundings
//! (which aliases are in view) is handed in as data, and every name that is not a local stays a [`tree::GlobalRef`]
//! for the loader to resolve. `harrier run --dump=tree` prints what comes out of here.

pub mod tree;
