//! Elements of a mutable list and their count, which lie in one NODE: `List::push` and `List::pop`
//! (`src/runtime/values/collections/mutable.rs`); machine code reads them in the same order.
//!
//! What must hold: what the count covers has been put there. What threads that change it at once do to each other may be lost.

use crate::explore;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

/// What a place holds into which nothing was put.
const HOLE: usize = 0;

struct Node {
    count: AtomicUsize,
    elements: Vec<AtomicUsize>,
}

impl Node {
    fn of_one() -> Node {
        Node { count: AtomicUsize::new(1), elements: [1, HOLE, HOLE].map(AtomicUsize::new).into() }
    }

    fn push(&self, element: usize, count_first: bool) {
        let count = self.count.load(Ordering::Acquire);
        if count_first {
            self.count.store(count + 1, Ordering::Release);
        }
        self.elements[count].store(element, Ordering::Release);
        if !count_first {
            self.count.store(count + 1, Ordering::Release);
        }
    }

    fn pop(&self) {
        let Some(last) = self.count.load(Ordering::Acquire).checked_sub(1) else { return };
        // The place gets the element below, for it must not become a hole; the first keeps its own.
        if last > 0 {
            let below = self.elements[last - 1].load(Ordering::Acquire);
            self.elements[last].store(below, Ordering::Release);
        }
        self.count.store(last, Ordering::Release);
    }

    fn assert_whole(&self) {
        let count = self.count.load(Ordering::Acquire);
        for element in &self.elements[..count] {
            assert_ne!(element.load(Ordering::Acquire), HOLE, "there is a hole");
        }
    }
}

fn changing(count_first: bool) -> impl Fn() + Sync + Send {
    move || {
        let node = Arc::new(Node::of_one());
        let acts: [fn(&Node, bool); 3] =
            [|node, first| node.push(2, first), |node, _| node.pop(), |node, _| node.assert_whole()];
        let started = acts.map(|act| {
            let node = node.clone();
            thread::spawn(move || act(&node, count_first))
        });
        started.into_iter().for_each(|thread| thread.join().unwrap());
        node.assert_whole();
    }
}

#[test]
fn what_the_count_covers_was_put_there() {
    explore(3, changing(false));
}

#[test]
#[should_panic(expected = "there is a hole")]
fn a_count_before_its_element_covers_a_hole() {
    explore(3, changing(true));
}
