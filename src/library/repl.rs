//! Builtins by which a running program lets editors in: the namespace `repl`.

use super::core::evaluation::callers_namespace;
use crate::builtins;
use crate::gc::Thread;
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::program::builtin::Args;
use crate::runtime::values::foreign;
use crate::runtime::values::support::Outcome;
use crate::runtime::values::text::strings;

builtins! { pub static TABLE: "repl";
    /// Lets editors talk to the running program (nREPL), in the namespace of the caller: by a TCP port of this machine (0: the system
    /// chooses one), or, without argument, by a socket of the user's alone. Gives the port, or the path of the socket. The program
    /// goes on, and its end is theirs. `repl/serve(7888)`.
    "serve" (port: opt(Int)) = serve;
}

fn serve(cx: &mut Thread, args: &Args<'_>) -> Outcome {
    let port = match args.opt(0).map(|port| cx.get(port).as_int()) {
        None => None,
        Some(port) => match port.and_then(|port| u16::try_from(port).ok()) {
            Some(port) => Some(port),
            None => return Err(cx.throw(ErrorKind::ArgumentError, "serve: a port lies between 0 and 65535")),
        },
    };
    let namespace = callers_namespace(cx)?;
    let Some(serve) = cx.vm().serve.get() else {
        return Err(cx.throw(ErrorKind::IOError, "serve: this process has no server"));
    };
    match serve(cx, port, namespace) {
        Ok(place) => match place.parse() {
            Ok(port) => foreign::int(cx, port),
            Err(_) => strings::of(cx, &place),
        },
        Err(why) => Err(cx.throw(ErrorKind::IOError, format!("serve: {why}"))),
    }
}
