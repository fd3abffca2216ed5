//! A machine in the test's own process.

use harrier::gc::{self, Thread};
use harrier::runtime::{Vm, compile, load};

/// Runs something with a machine of its own on a stack as large as the program's.
pub fn with_machine(options: gc::Options, run: impl FnOnce(&mut Thread) + Send + 'static) {
    let all = move || {
        let mut cx = Vm::start(options, compile::compile, harrier::library::LIBRARY).expect("a machine");
        load::core(&mut cx).expect("core");
        run(&mut cx);
    };
    std::thread::Builder::new().stack_size(64 << 20).spawn(all).expect("a thread").join().expect("no panic");
}
