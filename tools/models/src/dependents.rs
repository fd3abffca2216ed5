//! Compiling a function that takes something for granted, and changing what it takes for granted: `Binding::depend`, `Binding::define`,
//! `Code::publish` and `Code::forget_bodies` (`src/runtime/program`), `forget_dependencies` and `ahead` (`src/runtime/compile`).
//!
//! What must hold in the end: the body that the function has was made for the value that the binding has, and the binding knows of the
//! function. Else a later definition would leave the body as it is.

use crate::{explore, together};
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};

/// What is left out in a twin.
#[derive(Clone, Copy, PartialEq)]
enum Without {
    Nothing,
    /// What it depends on is forgotten behind the count.
    Order,
    /// The value is looked at before the binding knows.
    SecondLook,
    /// A body that was compiled ahead goes by the count at the time when it is taken.
    CountOfItsOwn,
}

struct World {
    without: Without,
    /// The binding's value, and who is to be told: here there is one function, which depends or does not.
    value: AtomicUsize,
    dependents: Mutex<bool>,
    /// The function's own list of who remembers it.
    depends_on: Mutex<bool>,
    /// A body made for the value v is v + 1.
    body: AtomicUsize,
    resets: AtomicU32,
    /// What was compiled ahead, with the count before it was.
    ahead: Mutex<Option<(usize, u32)>>,
}

impl World {
    fn new(without: Without) -> World {
        World {
            without,
            value: AtomicUsize::new(0),
            dependents: Mutex::new(false),
            depends_on: Mutex::new(false),
            body: AtomicUsize::new(0),
            resets: AtomicU32::new(0),
            ahead: Mutex::new(None),
        }
    }

    fn depend(&self) {
        if !std::mem::replace(&mut *self.dependents.lock().unwrap(), true) {
            *self.depends_on.lock().unwrap() = true;
        }
    }

    fn generate(&self) -> usize {
        if self.without == Without::SecondLook {
            let value = self.value.load(Ordering::Acquire);
            self.depend();
            return value + 1;
        }
        self.depend();
        self.value.load(Ordering::Acquire) + 1
    }

    /// A first call.
    fn call(&self) {
        let now = self.resets.load(Ordering::SeqCst);
        let ahead = self.ahead.lock().unwrap().take();
        if let Some((body, resets)) = ahead {
            let resets = if self.without == Without::CountOfItsOwn { now } else { resets };
            self.publish(body, resets);
            return;
        }
        let body = self.generate();
        self.publish(body, now);
    }

    /// A thread that calls another function compiles this one ahead.
    fn compile_ahead(&self) {
        let resets = self.resets.load(Ordering::SeqCst);
        let body = self.generate();
        let mut ahead = self.ahead.lock().unwrap();
        if self.resets.load(Ordering::SeqCst) == resets {
            *ahead = Some((body, resets));
        }
    }

    fn publish(&self, body: usize, resets: u32) {
        if self.body.compare_exchange(0, body, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return;
        }
        fence(Ordering::SeqCst);
        if self.body.load(Ordering::Acquire) != body || self.resets.load(Ordering::SeqCst) != resets {
            self.reset();
        }
    }

    fn define(&self, value: usize) {
        self.value.store(value, Ordering::Release);
        if *self.dependents.lock().unwrap() {
            self.reset();
        }
    }

    fn forget_dependencies(&self) {
        if std::mem::replace(&mut *self.depends_on.lock().unwrap(), false) {
            *self.dependents.lock().unwrap() = false;
        }
    }

    fn reset(&self) {
        if self.without != Without::Order {
            self.forget_dependencies();
        }
        self.resets.fetch_add(1, Ordering::SeqCst);
        *self.ahead.lock().unwrap() = None;
        if self.without == Without::Order {
            self.forget_dependencies();
        }
        // (An exchange: of stores that nothing orders loom takes either for the later one, also where an exchange has come in between.)
        self.body.swap(0, Ordering::AcqRel);
        fence(Ordering::SeqCst);
    }

    fn assert_of_today(&self) {
        let ahead = self.ahead.lock().unwrap().map(|(body, _)| body);
        let value = self.value.load(Ordering::Acquire);
        let knows = *self.dependents.lock().unwrap();
        for body in [ahead.unwrap_or(0), self.body.load(Ordering::Acquire)].into_iter().filter(|body| *body != 0) {
            assert!(
                body == value + 1 && knows,
                "a body for {} is left, the value is {value}, known: {knows}",
                body - 1
            );
        }
    }
}

/// What each thread does.
fn threads(without: Without, acts: &'static [fn(&World)]) -> impl Fn() + Sync + Send {
    together(move || World::new(without), acts, World::assert_of_today)
}

const CALL: fn(&World) = |world| world.call();
const AHEAD: fn(&World) = |world| world.compile_ahead();
const DEFINE: fn(&World) = |world| world.define(1);
const DEFINE_TWICE: fn(&World) = |world| {
    world.define(1);
    world.define(2);
};
const RESET: fn(&World) = |world| world.reset();

#[test]
fn a_body_is_made_while_the_name_gets_another_value() {
    explore(4, threads(Without::Nothing, &[CALL, DEFINE_TWICE]));
}

#[test]
fn something_else_makes_it_forget_its_bodies_meanwhile() {
    explore(3, threads(Without::Nothing, &[CALL, DEFINE, RESET]));
}

#[test]
fn two_threads_make_bodies() {
    explore(2, threads(Without::Nothing, &[CALL, CALL, DEFINE_TWICE]));
}

#[test]
fn a_body_is_made_ahead() {
    explore(3, threads(Without::Nothing, &[AHEAD, CALL, DEFINE]));
}

#[test]
#[should_panic(expected = "a body for")]
fn dependencies_forgotten_behind_the_count() {
    explore(3, threads(Without::Order, &[CALL, DEFINE, RESET]));
}

#[test]
#[should_panic(expected = "a body for")]
fn looked_at_before_the_binding_knows() {
    explore(3, threads(Without::SecondLook, &[CALL, DEFINE]));
}

#[test]
#[should_panic(expected = "a body for")]
fn made_ahead_and_taken_by_the_count_of_now() {
    explore(3, threads(Without::CountOfItsOwn, &[AHEAD, CALL, DEFINE]));
}
