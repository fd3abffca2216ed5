//! Who has the standard streams of a thread in place of the process: a client of the REPL's server.
//!
//! Owns the dynamic variable that says so. Threads start with the bindings of their creator (see [`crate::runtime::values::dynamic`]): so what is
//! printed on behalf of a client reaches it, whoever prints it. Must not know how clients are talked to.

use std::io;
use std::ops::Deref;
use std::sync::Arc;

use super::descriptor::Stop;
use super::streams::Standard;
use super::threads;
use crate::gc::{NativeType, Thread, Thrown, Value};
use crate::object::Word;
use crate::runtime::program::binding::BindingKind;
use crate::runtime::program::declare::{self, DeclareError};
use crate::runtime::values::collections::map;
use crate::runtime::values::dynamic;

/// The variable, a member of `core`. Programs cannot name it.
const VARIABLE: &str = "_client";

/// A client.
pub trait Client: Send + Sync {
    /// Takes a text for one of its streams, and does not wait. When the client has gone, the text goes nowhere.
    fn push(&self, to: Standard, text: &[u8]);
    /// Waits until what was taken is on its way.
    fn flush(&self, stop: Stop<'_>) -> io::Result<()>;
    /// The next line of its input, with its end; none at the end.
    fn line(&self, stop: Stop<'_>) -> io::Result<Option<Vec<u8>>>;
    /// All that is left of its input.
    fn all(&self, stop: Stop<'_>) -> io::Result<Vec<u8>>;
}

/// A client, as the variable holds it.
pub struct Served(Arc<dyn Client>);

impl NativeType for Served {
    fn print(&self) -> String {
        "client".to_string()
    }
}

impl Deref for Served {
    type Target = dyn Client;
    fn deref(&self) -> &(dyn Client + 'static) {
        &*self.0
    }
}

/// Makes the variable, whose value is no client. Before the first call of [`serve`].
pub fn prepare(cx: &mut Thread) -> Result<(), Thrown> {
    let core = declare::namespace(cx, "core").map_err(|error| error.throw(cx))?;
    let binding = core.intern(cx.vm(), VARIABLE).map_err(|error| DeclareError::from(error).throw(cx))?;
    let null = cx.root_word(Word::NULL);
    binding.define(cx, cx.get(null));
    binding.set_kind(BindingKind::Dynamic);
    Ok(())
}

/// The calling thread, and those that it starts, work for this client from now on.
pub fn serve(cx: &mut Thread, client: Arc<dyn Client>) -> Result<(), Thrown> {
    let core = declare::namespace(cx, "core").map_err(|error| error.throw(cx))?;
    let binding = core.intern(cx.vm(), VARIABLE).map_err(|error| DeclareError::from(error).throw(cx))?;
    let native = cx.alloc_native(Arc::new(Served(client)))?;
    dynamic::bind(cx, binding, native).map(|_nobody_before| ())
}

/// The client that the thread works for.
pub fn of(cx: &Thread) -> Option<Arc<Served>> {
    let bindings = cx.dynamic();
    if bindings.is_null() {
        return None;
    }
    let binding = cx.vm().namespaces.find("core")?.member(VARIABLE)?;
    let key = Value::immediate(cx, Word::int(i64::from(binding.index))?)?;
    cx.native_as(map::get(bindings, key).ok()??)
}

/// Writes to the client of this thread; none where there is none.
pub fn write(cx: &mut Thread, to: Standard, text: &[u8]) -> Option<Result<io::Result<()>, Thrown>> {
    let client = of(cx)?;
    client.push(to, text);
    Some(threads::waiting(cx, |stop| client.flush(stop)))
}
