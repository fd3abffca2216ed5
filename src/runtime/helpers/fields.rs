//! Fields of values, by name.
//!
//! Owns what `object.name` means where no inline cache answers: fields that an object was made without, the fields
//! of builtin types, and the errors of reading and writing.

use crate::gc::{Handle, Thread, Thrown};
use crate::object::layout;
use crate::runtime::fault::advice;
use crate::runtime::fault::errors::{ErrorKind, function_help};
use crate::runtime::fault::explain;
use crate::runtime::fault::suggest::closest;
use crate::runtime::program::dispatch::Target;
use crate::runtime::program::instances;
use crate::runtime::program::present::{added_field, added_value};
use crate::runtime::program::types::FieldInfo;

/// Reads a field that the layout of the object does not have.
pub fn missing(cx: &mut Thread, object: Handle, name: &str) -> Result<Handle, Thrown> {
    let vm = cx.vm();
    let value = cx.get(object);
    // A type's own functions are values like all others: `map(Ball.create, sizes)`.
    if value.is(layout::TYPE)
        && let Some(type_) = instances::type_behind(value)
        && let Some((_, binding)) = vm.dispatch.associated(Target { type_: type_.id, variant: None }, name)
        && let Some(function) = binding.get(cx)
    {
        return Ok(cx.root(function));
    }
    let Some(info) = vm.types.layout(value.layout()) else { return Err(no_field(cx, object, name)) };
    // An object of an earlier declaration.
    match added_field(cx, info, name) {
        Some(added) => added_value(cx, object, added),
        None => Err(no_field(cx, object, name)),
    }
}

/// A field as a declaration has it, whatever the type's present one says: another thread may change that at any time.
pub fn declared(cx: &mut Thread, object: Handle, field: &FieldInfo) -> Result<Handle, Thrown> {
    let value = cx.get(object);
    match cx.vm().types.layout(value.layout()).and_then(|own| own.made_with(field.name)) {
        Some(slot) => Ok(cx.root(value.slot(slot))),
        None => added_value(cx, object, field),
    }
}

/// The error of a field that is not there.
#[cold]
pub fn no_field(cx: &mut Thread, object: Handle, name: &str) -> Thrown {
    let vm = cx.vm();
    let value = cx.get(object);
    let message = match vm.types.layout(value.layout()) {
        Some(info) if info.present_fields().next().is_some() && info.id >= layout::FIRST_USER_LAYOUT => {
            let fields: Vec<&str> = info.present_fields().map(|(_, f)| f.name).collect();
            let called = [info.variant, None].map(|variant| Target { type_: info.type_, variant });
            let called = called.iter().any(|target| vm.dispatch.names_of(*target).contains(&name));
            let help = match closest(name, fields.iter().copied()) {
                _ if called => format!("{name} is a function of it: call `v.{name}(…)`, or `fn(v) {{ v.{name}(…) }}`"),
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("it has {}", fields.join(", ")),
            };
            format!("{} has no field {name}; {help}", info.display_name())
        }
        _ if value.is_null() => {
            format!("null has no field {name}{}", explain::receiver(cx, name).unwrap_or_default())
        }
        _ => {
            let help = match value.layout() {
                layout::MAP => {
                    let keys = explain::keys(value, true);
                    let known = keys.iter().any(|key| key == name);
                    let meant = closest(name, keys.iter().map(String::as_str)).filter(|_| !known).unwrap_or(name);
                    format!("; m[:{meant}] reads a key")
                }
                layout::MUTABLE_MAP => format!("; m[:{name}] reads a key"),
                layout::STRING if name == "message" => "; a text that was thrown is the message itself".into(),
                layout::TYPE => {
                    let type_ = instances::type_behind(value);
                    type_.map_or(String::new(), |type_| explain::own_functions(cx, type_, name))
                }
                _ => match advice::method(value, name, 1) {
                    Some(help) => format!("; {help}"),
                    None => function_help(cx, name, 1),
                },
            };
            format!("{} has no field {name}{help}", cx.describe(object))
        }
    };
    cx.throw(ErrorKind::FieldError, message)
}

/// The error of writing a field that is not there or not `mut`.
#[cold]
pub fn cannot_set(cx: &mut Thread, object: Handle, name: &str) -> Result<Handle, Thrown> {
    let info = cx.vm().types.layout(cx.get(object).layout());
    match info {
        Some(info) if info.slot(name).is_some() && added_field(cx, info, name).is_some_and(|field| field.mutable) => {
            let message = format!(
                "this {0} was made when its field {name} was not mut: it cannot be written; {0} {{ ...old, {name}: value }} makes \
                 one that has it so",
                info.display_name()
            );
            Err(cx.throw(ErrorKind::MutabilityError, message))
        }
        Some(info) if info.slot(name).is_some() || added_field(cx, info, name).is_some() => {
            let message = format!("field {name} of {} is not mut: it cannot be written", info.display_name());
            Err(cx.throw(ErrorKind::MutabilityError, message))
        }
        _ if cx.get(object).is(layout::MAP) => {
            let help = advice::changed_copy(cx);
            Err(cx.throw(ErrorKind::MutabilityError, format!("{name}=: a Map cannot be changed; {help}")))
        }
        _ => Err(no_field(cx, object, name)),
    }
}
