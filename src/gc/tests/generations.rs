//! What is young becomes old; old objects are remembered when they are stored to.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::object::layout::*;

fn heap(verify: bool) -> Arc<Heap> {
    Heap::new(Options { collector: CollectorKind::Generational, verify, ..Options::default() }).unwrap()
}

/// An array of so many nulls that has become old.
fn old_array(thread: &mut Thread, len: usize) -> Handle {
    let null = thread.root_word(Word::NULL);
    let array = thread.alloc_array(ARRAY, len, null).unwrap();
    thread.collect_some();
    thread.collect_some();
    array
}

/// Stores a new text to an element of an array that may be old, which alone knows it.
fn store_text(thread: &mut Thread, array: Handle, i: usize, text: &str) {
    let mark = thread.mark();
    let text = thread.alloc_string(text).unwrap();
    thread.set_slot(thread.get(array), ARRAY_ELEMENTS + i, thread.get(text));
    thread.release(mark);
}

fn text_at(thread: &Thread, array: Handle, i: usize) -> Option<&str> {
    thread.get(array).element(i).str()
}

fn header(thread: &Thread, object: Handle) -> u64 {
    thread.get(object).header_word().unwrap()
}

/// Does it lie among the old?
fn is_old(thread: &Thread, object: Handle) -> bool {
    thread.space_of(thread.get(object)).contains("among the old")
}

/// Lengths that lie among the old, and of middling size, and in the large space.
const LENGTHS: [usize; 3] = [6, 5_000, 100_000];

#[test]
fn what_survives_twice_is_old() {
    let heap = heap(true);
    let thread = &mut *heap.attach();
    let text = thread.alloc_string("hawk").unwrap();
    assert!(!is_old(thread, text));
    thread.collect_some();
    assert!(!is_old(thread, text), "it has survived once");
    thread.collect_some();
    assert!(is_old(thread, text));
    let place = thread.get(text).word();
    thread.collect_some();
    assert_eq!(thread.get(text).word(), place, "what is old stays");
    thread.collect();
    assert_ne!(thread.get(text).word(), place, "when everything is collected, everything moves");
    assert_eq!(thread.get(text).str(), Some("hawk"));
}

#[test]
fn what_an_old_object_alone_leads_to_lives() {
    for len in LENGTHS {
        let heap = heap(true);
        let thread = &mut *heap.attach();
        let array = old_array(thread, len);
        // Each is young at one collection, aged at the next, and is old then: the array must be remembered in between.
        for round in 0..10 {
            store_text(thread, array, round % 5, "kite");
            store_text(thread, array, len - 1, "the last");
            for _ in 0..round % 4 {
                thread.collect_some();
                assert_eq!(text_at(thread, array, round % 5), Some("kite"));
                assert_eq!(text_at(thread, array, len - 1), Some("the last"));
            }
        }
    }
}

#[test]
fn what_leads_to_nothing_young_is_forgotten() {
    for len in LENGTHS {
        let heap = heap(true);
        let thread = &mut *heap.attach();
        let array = old_array(thread, len);
        let flags = |thread: &Thread| header(thread, array) & (OLD | LISTED);
        assert_eq!(flags(thread), OLD);
        store_text(thread, array, 3, "kite");
        let remembered = if len < 1000 { 0 } else { OLD | LISTED };
        assert_eq!(flags(thread), remembered);
        thread.collect_some();
        assert_eq!(flags(thread), remembered, "the text is aged");
        thread.collect_some();
        assert_eq!(flags(thread), OLD, "the text is old");
        // An immediate makes no difference.
        thread.set_slot(thread.get(array), ARRAY_ELEMENTS, thread.get(thread.root_word(Word::TRUE)));
        assert_eq!(flags(thread), OLD);
    }
}

#[test]
fn what_a_thread_remembered_outlives_it() {
    let heap = heap(true);
    let thread = &mut *heap.attach();
    let array = old_array(thread, 5);
    let word = thread.get(array).word();
    thread.outside(|| {
        let stores = || {
            let thread = &mut *heap.attach();
            // SAFETY: the other thread keeps the array alive, and it is old, so that it stays where it is.
            let array = thread.root(unsafe { Value::from_raw(thread, word) });
            store_text(thread, array, 0, "from another thread");
        };
        std::thread::scope(|scope| scope.spawn(stores).join().unwrap());
    });
    thread.collect_some();
    assert_eq!(text_at(thread, array, 0), Some("from another thread"));
}

#[test]
fn an_old_array_may_be_cut() {
    let heap = heap(true);
    let thread = &mut *heap.attach();
    let array = old_array(thread, 20);
    let behind = thread.alloc_string("behind").unwrap();
    thread.cut_array(thread.get(array), 3);
    store_text(thread, array, 2, "in what is left");
    // The verifier goes over what is old before and after.
    for _ in 0..3 {
        thread.collect_some();
    }
    assert_eq!(text_at(thread, array, 2), Some("in what is left"));
    assert_eq!(thread.get(behind).str(), Some("behind"));
}

/// Of words outside of the heap, and of permanent objects, a collection of the young looks at those alone that were written.
#[test]
fn what_roots_and_permanent_objects_alone_lead_to_lives() {
    let heap = heap(true);
    let thread = &mut *heap.attach();
    let cells = Box::new([const { AtomicU64::new(Word::NULL.0) }; 2]);
    // SAFETY: the words hold values, and are unregistered below.
    unsafe { heap.register_roots(cells.as_ptr() as usize, cells.len()) };
    let null = thread.root_word(Word::NULL);
    let atom = thread.allocate_permanent(ATOM, 1, 0, |t, mut fresh| fresh.set(0, t.get(null))).unwrap();
    for round in 0..10 {
        let mark = thread.mark();
        let text = thread.alloc_string(&format!("kestrel {round}")).unwrap();
        thread.store_root(&cells[round % 2], thread.get(text));
        thread.set_slot(thread.get(atom), 0, thread.get(text));
        thread.release(mark);
        for _ in 0..round % 4 {
            thread.collect_some();
            // SAFETY: a registered root, read just now.
            let of_root = unsafe { Value::from_raw(thread, Word(cells[round % 2].load(Ordering::Relaxed))) };
            for text in [of_root.str(), thread.get(atom).slot(0).str()] {
                assert_eq!(text, Some(format!("kestrel {round}").as_str()));
            }
        }
    }
    heap.unregister_roots(cells.as_ptr() as usize);
}

#[test]
fn verification_finds_a_root_that_is_not_listed() {
    let heap = heap(true);
    let thread = &mut *heap.attach();
    let cell = Box::new(AtomicU64::new(Word::NULL.0));
    // SAFETY: the word holds values, and is unregistered below.
    unsafe { heap.register_roots(&raw const *cell as usize, 1) };
    thread.collect_some();
    let text = thread.alloc_string("kite").unwrap();
    cell.store(thread.get(text).word().0, Ordering::Relaxed);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| thread.collect_some()));
    heap.unregister_roots(&raw const *cell as usize);
    assert!(caught.is_err());
}

#[test]
fn verification_finds_a_store_without_barrier() {
    for len in LENGTHS {
        let ends_well = |with_barrier: bool| {
            let heap = heap(true);
            let thread = &mut *heap.attach();
            let array = old_array(thread, len);
            let text = thread.alloc_string("kite").unwrap();
            if with_barrier {
                thread.set_slot(thread.get(array), ARRAY_ELEMENTS + 1, thread.get(text));
            } else {
                let slot = thread.get(array).word().address() + slot_offset(ARRAY_ELEMENTS + 1);
                // SAFETY: an element of an array that nobody else uses.
                unsafe { *(slot as *mut u64) = thread.get(text).word().0 };
            }
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| thread.collect_some())).is_ok()
        };
        assert!(ends_well(true));
        assert!(!ends_well(false), "an array of {len}");
    }
}

#[test]
fn garbage_among_the_old_is_found() {
    let heap = heap(false);
    let thread = &mut *heap.attach();
    let array = old_array(thread, 5);
    // Each text becomes old, and is dropped then.
    for round in 0..400 {
        store_text(thread, array, 0, &"x".repeat(100_000));
        thread.collect_some();
        thread.collect_some();
        assert!(heap.stats().used_bytes < 24 << 20, "round {round}: {:?}", heap.stats());
    }
    assert!(heap.stats().full.count > 1);
}

#[test]
fn locks_and_flags_do_not_meet() {
    let heap = heap(true);
    let thread = &mut *heap.attach();
    let null = thread.root_word(Word::NULL);
    let map = thread.alloc_slots(MUTABLE_MAP, &[null]).unwrap();
    for _ in 0..3 {
        let value = thread.get(map);
        assert!(thread.try_lock(value) && !thread.try_lock(value));
        thread.unlock(value);
        let flags = header(thread, map) & OLD;
        assert_eq!(flags != 0, is_old(thread, map));
        thread.collect_some();
    }
}

#[test]
fn what_natives_hold_is_given_back_though_they_are_old() {
    let heap = heap(false);
    let thread = &mut *heap.attach();
    struct Held;
    impl NativeType for Held {
        fn print(&self) -> String {
            "held".to_string()
        }
    }
    let held = Arc::new(Held);
    for _ in 0..400 {
        let mark = thread.mark();
        let _ = thread.alloc_native(held.clone()).unwrap();
        // It is old when it dies, and natives take no room that would cause a collection of everything.
        thread.collect_some();
        thread.collect_some();
        thread.release(mark);
    }
    assert!(Arc::strong_count(&held) < 200, "{}", Arc::strong_count(&held));
}
