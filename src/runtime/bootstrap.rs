//! What is there before any Harrier code: `core` with the builtin types, the native enums and protocols, and the builtins.
//!
//! Owns the lists of native enums and protocols. Builtins list themselves.

use rustc_hash::FxHashMap;

use super::vm::StartError;
use crate::gc::Thread;
use crate::runtime::fault::errors::{ERROR_FIELDS, ErrorKind, INTERRUPT};
use crate::runtime::program::code::{Code, CodeSource};
use crate::runtime::program::declare::{self, DeclareError, VariantDeclaration};
use crate::runtime::program::keywords::intern;
use crate::runtime::program::library::Part;
use crate::runtime::program::types::{BUILTIN_TYPES, FieldInfo, UNNAMED_TYPES};
use crate::runtime::system::streams::{Standard, Stream};

/// A method: name, the parameters of each arity, doc.
type MethodRow = (&'static str, &'static [&'static str], &'static str);

/// The core protocols: name, doc, methods. The builtin of the same name in
/// `core` (with `_method:` in front when the name itself is no builtin) serves the builtin types.
#[rustfmt::skip]
pub const PROTOCOLS: &[(&str, &str, &[MethodRow])] = &[
    ("Format", "How a value is printed.", &[("format", &["self, depth"], "The printed form of a value; depth 0 is the outermost level. `format(\"a\", 1)` is `\"\\\"a\\\"\"`.")]),
    ("Indexed", "What can be indexed.", &[("get", &["self, key", "self, key, default"], "The element at an index or key; `null` or the default where a map has no such key. `get({:a 1}, :a)` is `1`, `get({:a 1}, :b, 0)` is `0`.")]),
    ("Length", "What has a length.", &[("length", &["self"], "The number of elements or characters. `length(\"abc\")` is `3`.")]),
    ("Push", "What takes a value at its end.", &[("push", &["self, value"], "The collection with a value added at its end. `push([1], 2)` is `[1, 2]`.")]),
    ("Conj", "What takes a value where that is cheap.", &[("conj", &["self, value"], "The collection with a value added where that is natural for it. `conj(#{1}, 2)` is `#{1, 2}`.")]),
    ("Associable", "What relates keys to values.", &[("assoc", &["self, key, value"], "The collection with a key related to a value. `assoc({:a 1}, :b, 2)` is `{:a 1, :b 2}`.")]),
    ("Keys", "What has keys.", &[("keys", &["self"], "The keys of a map, in its order. `keys({:a 1, :b 2})` is `[:a, :b]`.")]),
    ("Seqable", "What can be gone through.", &[("seq", &["self"], "A seq over the elements, `null` when there are none. `first(seq([7, 8]))` is `7`, `seq([])` is `null`.")]),
    ("Seq", "A position in a sequence.", &[("first", &["self"], "The element at this position. `first(seq([7, 8]))` is `7`."), ("next", &["self"], "The seq after this position, `null` at the end. `first(next(seq([7, 8])))` is `8`, `next(seq([7]))` is `null`.")]),
    ("Contains", "What can be asked for a key, index or member.", &[("contains?", &["self, key"], "Is there such an index, key, member or substring? `contains?({:a 1}, :a)` is `true`, `contains?([5, 6], 5)` is `false`.")]),
    ("Comparable", "What has an order.", &[("compare-to", &["self, other"], "Negative, 0 or positive: self is less, equal or greater. `compare-to(1, 2)` is `-1`.")]),
    ("Closeable", "What has to be closed.", &[("close", &["self"], "Closes it. `close(stream)`; `with-open` does it by itself.")]),
    ("Writer", "Where text can be written.", &[("write", &["self, text"], "Writes a text. `to-string(write(new-string-buffer(), \"a\"))` is `\"a\"`.")]),
    ("Hashable", "What has a hash of its own.", &[("hash-of", &["self"], "An Int that is the same for equal values. `hash-of(1) == hash-of(1.0)` is `true`.")]),
];

fn field(name: &str) -> FieldInfo {
    FieldInfo { name: intern(name), mutable: false, default: None, constant: None, doc: None }
}

/// Sets everything up.
pub(super) fn bootstrap(cx: &mut Thread) -> Result<(), StartError> {
    cx.vm().dispatch.cover(&cx.vm().memory, crate::object::layout::FIRST_USER_LAYOUT)?;
    let mark = cx.mark();
    let result = declare_all(cx);
    cx.release(mark);
    Ok(result?)
}

fn declare_all(cx: &mut Thread) -> Result<(), DeclareError> {
    let core = declare::namespace(cx, "core")?;
    for (name, layouts) in BUILTIN_TYPES {
        declare::builtin_type(cx, core, name, layouts, !UNNAMED_TYPES.contains(name))?;
    }
    let errors: Vec<VariantDeclaration> = ErrorKind::ALL
        .iter()
        .map(|kind| VariantDeclaration {
            name: kind.name().to_string(),
            fields: ERROR_FIELDS.map(field).into(),
            doc: None,
        })
        .collect();
    let info = declare::enumeration(cx, core, "SystemError", errors, Some("The faults of the runtime.".into()), None)?;
    let layouts: FxHashMap<ErrorKind, u32> =
        ErrorKind::ALL.iter().filter_map(|kind| Some((*kind, info.variant(kind.name())?.layout))).collect();
    cx.vm().types.set_error_layouts(layouts);
    let fields = ERROR_FIELDS.map(field).into();
    let doc = "What the interrupt key throws. A handler takes it only when its pattern names it.";
    let info = declare::structure(cx, core, INTERRUPT, fields, Some(doc.into()), None)?;
    info.layout().into_iter().for_each(|layout| cx.vm().types.set_interrupt_layout(layout));
    let results = vec![
        VariantDeclaration { name: "Ok".into(), fields: vec![field("value")], doc: None },
        VariantDeclaration { name: "Err".into(), fields: vec![field("error")], doc: None },
    ];
    declare::enumeration(cx, core, "Result", results, Some("What succeeded or failed.".into()), None)?;
    builtins(cx)?;
    streams(cx)?;
    protocols(cx)
}

/// Binds all builtins.
fn builtins(cx: &mut Thread) -> Result<(), DeclareError> {
    let vm = cx.vm();
    for builtin in vm.library.parts.iter().flat_map(Part::builtins) {
        let mark = cx.mark();
        let namespace = declare::namespace(cx, builtin.namespace)?;
        namespace.set_native();
        let name = format!("{}/{}", builtin.namespace, builtin.name);
        let code = Code::new(vm, name, CodeSource::Builtin(builtin), Vec::new(), 0)?;
        // They are never freed: each collection would move them all.
        let function = cx.alloc_permanent_closure(code.address())?;
        let binding = namespace.intern(vm, builtin.name)?;
        binding.set_about(Some(builtin.doc.into()), None, None);
        binding.define(cx, cx.get(function));
        cx.release(mark);
    }
    Ok(())
}

/// Binds the standard streams, and `out`, the dynamic variable that printing writes to.
fn streams(cx: &mut Thread) -> Result<(), DeclareError> {
    let vm = cx.vm();
    let io = declare::namespace(cx, "io")?;
    let core = declare::namespace(cx, "core")?;
    for (name, doc, which) in [
        ("stdin", "Standard input.", Standard::In),
        ("stderr", "Standard error.", Standard::Err),
        ("stdout", "Standard output.", Standard::Out),
    ] {
        let mark = cx.mark();
        let stream = cx.alloc_native(Stream::standard(which))?;
        let binding = io.intern(vm, name)?;
        binding.set_about(Some(doc.into()), None, None);
        binding.define(cx, cx.get(stream));
        if which == Standard::Out {
            let out = core.intern(vm, "out")?;
            out.set_about(Some("The Writer that `print` and `println` write to.".into()), None, None);
            out.define(cx, cx.get(stream));
            out.set_kind(crate::runtime::program::binding::BindingKind::Dynamic);
        }
        cx.release(mark);
    }
    Ok(())
}

/// Declares the core protocols; a builtin of a method's name becomes its implementation for builtin types, and the method
/// takes its place in `core`.
fn protocols(cx: &mut Thread) -> Result<(), DeclareError> {
    let core = declare::namespace(cx, "core")?;
    for &(name, doc, methods) in PROTOCOLS {
        let protocol = declare::protocol(cx, core, name, Some(doc.into()), None)?;
        for &(method, signatures, doc) in methods {
            let builtin = cx.vm().library.builtin("core", method);
            let takes: Vec<_> = signatures.iter().map(|s| (s.split(',').count(), false)).collect();
            let info = declare::method(cx, core, protocol, method, &takes, Some(doc.into()), None)?;
            info.set_signatures(signatures.iter().map(|s| format!("({s})")).collect());
            if let Some(builtin) = builtin {
                info.set_builtin(builtin);
            }
        }
    }
    Ok(())
}
