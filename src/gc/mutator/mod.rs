//! A thread of the program, as the heap sees it (the *mutator*), and what it does with objects.
//!
//! | room | its idea |
//! | --- | --- |
//! | [`thread`] | the context, which generated code finds in a register; put together of the four below |
//! | [`buffer`], [`call`], [`stack`], [`activity`] | its allocation buffer; what calls hand over; the stack that it runs on; what it is busy with |
//! | [`attached`] | where a context lives, from when an OS thread is attached |
//! | [`waiting`] | how it waits for what others do |
//! | [`handle`], [`value`], [`held`] | how Rust code holds values, and for how long |
//! | [`alloc`], [`text`], [`mutate`], [`owners`] | making objects, texts among them; changing them; whose a node of a map is |
//! | [`natives`] | Rust objects that the heap owns |
//! | [`slow`] | what generated code and its stubs call |

pub mod activity;
pub mod alloc;
pub mod attached;
pub mod buffer;
pub mod call;
pub mod handle;
pub mod held;
pub mod mutate;
pub mod natives;
pub mod owners;
pub mod slow;
pub mod stack;
pub mod text;
pub mod thread;
pub mod value;
pub mod waiting;
