//! The assembler that knows objects: what codegen and stubs write alike.
//!
//! Owns the way by which words get into objects, and how code asks what they are. Knows objects, the assembler, the offsets of the
//! context of a thread, and what the collector asks of a store; not the language, and not where the code that it calls lies: who
//! writes code tells it ([`Emit`]).
//!
//! | file | its idea |
//! | --- | --- |
//! | [`objects`] | what a word is, what an object is, and room for another one |
//! | [`store`] | each store of a word into an object, and what the collector wants with it |
//! | [`vectors`] | where the elements of a persistent vector lie |

pub mod exits;
pub mod objects;
pub mod store;
pub mod vectors;

pub use store::{At, Emit, Holds, Missed, Store, Stored};
