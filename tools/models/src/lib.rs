//! Models of the pieces of Harrier that work without locks: the same operations on shared words, in the same order and with the
//! same orderings as the code that each file names, with little else. loom goes through the orders in which threads can come, and through
//! what a load may see in each.
//!
//! The code itself is not compiled here: it lives among heap, collector and locks. Who changes it changes its model. Each model has a
//! twin that leaves one thing out, and must fail: a model that cannot fail shows nothing.
#![cfg(test)]

mod append;
mod dependents;
mod elements;
mod publish;
mod ring;

use loom::sync::Arc;
use loom::thread;

/// Goes through what threads may do, with so many changes from one to another where none has to be.
fn explore(switches: usize, f: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(switches);
    model.check(f);
}

/// Each thread does one thing with what they share; then what must hold at the end is asked.
fn together<W: Send + Sync + 'static>(
    shared: impl Fn() -> W + Sync + Send + 'static,
    acts: &'static [fn(&W)],
    end: fn(&W),
) -> impl Fn() + Sync + Send + 'static {
    move || {
        let shared = Arc::new(shared());
        let started: Vec<_> = acts
            .iter()
            .map(|act| {
                let shared = shared.clone();
                thread::spawn(move || act(&shared))
            })
            .collect();
        started.into_iter().for_each(|thread| thread.join().unwrap());
        end(&shared);
    }
}
