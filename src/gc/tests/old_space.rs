//! The old space: what is free between the living is used again, and what is in pieces is put together.

use super::*;
use crate::object::layout::*;

fn heap(collector: CollectorKind, verify: bool) -> Arc<Heap> {
    Heap::new(Options { collector, verify, ..Options::default() }).unwrap()
}

/// A list of arrays of so many elements, each with a text of its own at its end; the arrays by their place in the list.
fn arrays(thread: &mut Thread, count: usize, len: usize) -> Handle {
    let null = thread.root_word(Word::NULL);
    let list = thread.alloc_array(ARRAY, count, null).unwrap();
    for i in 0..count {
        let mark = thread.mark();
        let array = thread.alloc_array(ARRAY, len, null).unwrap();
        let text = thread.alloc_string(&format!("text {i}")).unwrap();
        thread.set_slot(thread.get(array), ARRAY_ELEMENTS + len - 1, thread.get(text));
        thread.set_slot(thread.get(list), ARRAY_ELEMENTS + i, thread.get(array));
        thread.release(mark);
    }
    list
}

/// Lets go of all but one in `n`.
fn thin_out(thread: &mut Thread, list: Handle, n: usize) {
    let len = thread.get(list).array_len();
    let null = thread.root_word(Word::NULL);
    for i in (0..len).filter(|i| i % n != 0) {
        thread.set_slot(thread.get(list), ARRAY_ELEMENTS + i, thread.get(null));
    }
}

fn check(thread: &Thread, list: Handle, len: usize) {
    let count = thread.get(list).array_len();
    for i in 0..count {
        let array = thread.get(list).element(i);
        if array.word().is_pointer() {
            assert_eq!(array.array_len(), len);
            assert_eq!(array.element(len - 1).str(), Some(format!("text {i}").as_str()));
        }
    }
}

/// Elements of arrays that are small, that are not and lie across blocks, and that fill most of some blocks.
const LENGTHS: [usize; 4] = [3, 200, 3_000, 20_000];

#[test]
fn nothing_moves_under_mark_sweep() {
    for len in LENGTHS {
        let heap = heap(CollectorKind::MarkSweep, true);
        let thread = &mut *heap.attach();
        let list = arrays(thread, 60, len);
        let place = |thread: &Thread, i: usize| thread.get(list).element(i).word();
        let before: Vec<Word> = (0..60).step_by(3).map(|i| place(thread, i)).collect();
        thin_out(thread, list, 3);
        for _ in 0..3 {
            thread.collect();
            let _ = arrays(thread, 20, len);
            assert!((0..60).step_by(3).map(|i| place(thread, i)).eq(before.iter().copied()));
            check(thread, list, len);
        }
    }
}

#[test]
fn what_is_free_between_the_living_is_used_again() {
    // What is longer than a block lies between whole blocks, which go back.
    for len in &LENGTHS[..3] {
        let len = *len;
        let heap = heap(CollectorKind::MarkSweep, false);
        let thread = &mut *heap.attach();
        let count = (8 << 20) / (8 * len + 64);
        let list = arrays(thread, count, len);
        thin_out(thread, list, 2);
        thread.collect();
        let blocks = heap.with_spaces(|spaces| spaces.pool.in_use());
        let mark = thread.mark();
        let others = arrays(thread, count / 4, len);
        let more = heap.with_spaces(|spaces| spaces.pool.in_use()) - blocks;
        assert!(more <= 34, "{more} blocks more for arrays of {len}");
        check(thread, others, len);
        check(thread, list, len);
        thread.release(mark);
        thread.collect();
        check(thread, list, len);
    }
}

#[test]
fn sparse_blocks_are_given_up() {
    for verify in [false, true] {
        let heap = heap(CollectorKind::Generational, verify);
        let thread = &mut *heap.attach();
        let list = arrays(thread, 20_000, 30);
        thread.collect();
        let full = heap.with_spaces(|spaces| spaces.old.blocks);
        thin_out(thread, list, 20);
        // The first finds out which blocks are sparse.
        for _ in 0..3 {
            thread.collect();
        }
        let (blocks, bytes) = heap.with_spaces(|spaces| (spaces.old.blocks, spaces.old.bytes));
        assert!(blocks * 4 < full, "{blocks} of {full} blocks for {bytes} bytes");
        check(thread, list, 30);
    }
}

#[test]
fn all_plans_take_up_blocks_that_are_empty() {
    for collector in plans() {
        let heap = heap(collector, false);
        let thread = &mut *heap.attach();
        for len in LENGTHS {
            let mark = thread.mark();
            let list = arrays(thread, (6 << 20) / (8 * len + 64), len);
            thread.collect();
            check(thread, list, len);
            thread.release(mark);
            thread.collect();
            heap.with_spaces(|spaces| assert_eq!((spaces.used(), spaces.old.blocks), (0, 0)));
        }
    }
}
