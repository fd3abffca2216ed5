//! Builtins: introspection.

use crate::builtins;

builtins! { pub static TABLE: "reflect"; }
