//! Builtins: process.

use crate::builtins;

builtins! { pub static TABLE: "core"; }
