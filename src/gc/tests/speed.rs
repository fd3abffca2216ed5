//! How fast it is. Run with `cargo test --release gc::tests::speed -- --ignored --nocapture`.

use super::*;
use std::time::Instant;

fn tree(thread: &mut Thread, layout: LayoutId, depth: u32) -> Handle {
    let mark = thread.mark();
    let null = thread.root_word(Word::NULL);
    let (left, right) =
        if depth == 0 { (null, null) } else { (tree(thread, layout, depth - 1), tree(thread, layout, depth - 1)) };
    let node = thread.allocate(layout, 2, 0, |t, mut fresh| {
        fresh.set(0, t.get(left));
        fresh.set(1, t.get(right));
    });
    thread.keep(mark, node.unwrap())
}

fn count(node: Value<'_>) -> usize {
    let left = node.slot(0);
    if left.is_null() { 1 } else { 1 + count(left) + count(node.slot(1)) }
}

/// The benchmark game's binary trees.
#[test]
#[ignore = "a measurement"]
fn binary_trees() {
    for depth in [16, 18] {
        let heap = Heap::new(Options::default()).unwrap();
        let thread = &mut *heap.attach();
        let layout = heap.register_layout(2).unwrap();
        let start = Instant::now();
        let mut nodes = 0;
        let long = tree(thread, layout, depth);
        for d in (4..=depth).step_by(2) {
            for _ in 0..1 << (depth - d + 4) {
                let mark = thread.mark();
                let t = tree(thread, layout, d);
                nodes += count(thread.get(t));
                thread.release(mark);
            }
        }
        assert_eq!(count(thread.get(long)), (2 << depth) - 1);
        let stats = heap.stats();
        println!("depth {depth}: {:?}, {nodes} nodes, {stats:?}", start.elapsed());
        println!("  {:.2} ns for each byte moved", stats.pause_total.as_nanos() as f64 / stats.moved_bytes as f64);
    }
}

/// What a collection costs that finds next to nothing.
#[test]
#[ignore = "a measurement"]
fn empty_collections() {
    for verify in [false, true] {
        let heap = Heap::new(options(Stress::Off, verify)).unwrap();
        let thread = &mut *heap.attach();
        let _kept = thread.alloc_string("kept").unwrap();
        let start = Instant::now();
        for _ in 0..10_000 {
            thread.collect();
        }
        println!("verify {verify}: {:?} for a collection", start.elapsed() / 10_000);
    }
}

/// Long loops stay feasible under stress.
#[test]
#[ignore = "a measurement"]
fn polls_under_stress() {
    let heap = Heap::new(options(Stress::Decaying, true)).unwrap();
    let thread = &mut *heap.attach();
    let start = Instant::now();
    for _ in 0..5_000_000 {
        assert_eq!(thread.poll(), Poll::Continue);
    }
    println!("five million polls: {:?}, {:?}", start.elapsed(), heap.stats());
    let start = Instant::now();
    let mark = thread.mark();
    for i in 0..5_000_000 {
        let _ = thread.alloc_slots(layout::BOX, &[thread.root_word(Word::int(i).unwrap())]).unwrap();
        thread.release(mark);
    }
    println!("five million allocations: {:?}, {:?}", start.elapsed(), heap.stats());
}

/// Deep recursions stay feasible under stress.
#[test]
#[ignore = "a measurement"]
fn deep_recursion_under_stress() {
    for options in [Options::default(), options(Stress::Decaying, false), options(Stress::Decaying, true)] {
        let start = Instant::now();
        let text = format!("{options:?}");
        machine::run(options, 1_000_000, false, |thread, _| {
            println!("{text}: {:?}, {:?}", start.elapsed(), thread.heap().stats())
        });
    }
}
