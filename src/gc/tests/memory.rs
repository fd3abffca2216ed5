//! Growth, limits, large objects.

use super::*;
use crate::object::layout::*;
use crate::object::word::TAG_OBJECT;

fn limited(bytes: usize) -> Arc<Heap> {
    let heap = Heap::new(Options { max_heap: Some(bytes), ..Options::default() }).unwrap();
    let hooks = Hooks {
        out_of_memory: |thread| {
            let error = thread.alloc_string("out of memory").expect("the reserve suffices");
            let filler = thread.alloc_array(ARRAY, 1000, error).expect("the reserve suffices");
            let error = thread.get(filler).element(0);
            Thrown::set(thread, thread.root(error))
        },
        ..Hooks::default()
    };
    assert!(heap.set_hooks(hooks));
    heap
}

#[test]
fn a_full_heap_throws_and_recovers() {
    for per_object in [3, 100, 3_000, 50_000, 500_000] {
        let heap = limited(16 << 20);
        let thread = &mut *heap.attach();
        for _ in 0..3 {
            let mark = thread.mark();
            let null = thread.root_word(Word::NULL);
            let mut list = null;
            let mut bytes = 0;
            let thrown = loop {
                match thread.alloc_array(NODE, per_object, list) {
                    Ok(node) => list = thread.keep(mark, node),
                    Err(thrown) => break thrown,
                }
                bytes += 8 * (per_object + 2);
                assert!(bytes <= 16 << 20);
            };
            assert!(bytes > 6 << 20, "{bytes} bytes of {per_object} words");
            let error = thread.take_exception(thrown);
            assert_eq!(thread.get(error).str(), Some("out of memory"));
            thread.release(mark);
        }
    }
}

#[test]
fn absurd_sizes_throw() {
    let heap = limited(16 << 20);
    let thread = &mut *heap.attach();
    let null = thread.root_word(Word::NULL);
    for len in [1 << 24, 1 << 40, 1 << 60, usize::MAX / 8, usize::MAX] {
        let thrown = thread.alloc_array(ARRAY, len, null).unwrap_err();
        assert_eq!(thread.get(thread.take_exception(thrown)).str(), Some("out of memory"));
        let thrown = thread.alloc_bytes(len, Room::Texts).unwrap_err();
        assert_eq!(thread.get(thread.take_exception(thrown)).str(), Some("out of memory"));
    }
}

#[test]
fn garbage_does_not_make_the_heap_grow() {
    let heap = Heap::new(Options { shortest_round: 4 << 20, ..Options::default() }).unwrap();
    let thread = &mut *heap.attach();
    for round in 0..400_000u32 {
        let mark = thread.mark();
        let size = if round % 1000 == 0 { 40_000 } else { round as usize % 200 };
        let null = thread.root_word(Word::NULL);
        let _ = thread.alloc_array(ARRAY, size, null).unwrap();
        thread.release(mark);
    }
    let stats = heap.stats();
    assert!(stats.collections() > 40, "{stats:?}");
    assert!(stats.resident_bytes < 16 << 20, "{stats:?}");
    assert!(stats.allocated_bytes > 400 << 20, "{stats:?}");
}

#[test]
fn memory_goes_back_to_the_system() {
    let heap = Heap::new(Options { shortest_round: 4 << 20, ..Options::default() }).unwrap();
    let thread = &mut *heap.attach();
    let mark = thread.mark();
    let mut list = thread.root_word(Word::NULL);
    for _ in 0..1_000_000 {
        let pair = thread.alloc_slots(SEQ, &[list, list, list]).unwrap();
        list = thread.keep(mark, pair);
    }
    assert!(heap.stats().resident_bytes > 24 << 20);
    thread.release(mark);
    thread.collect();
    let stats = heap.stats();
    assert!(stats.resident_bytes < 10 << 20, "{stats:?}");
    assert_eq!(stats.live_bytes, 0);
}

#[test]
fn large_objects_stay_and_die() {
    for heap in heaps() {
        let thread = &mut *heap.attach();
        let mark = thread.mark();
        let text = thread.alloc_string("inside").unwrap();
        let array = thread.alloc_array(ARRAY, 200_000, text).unwrap();
        let before = thread.get(array).word();
        thread.collect();
        assert!(heap.stressed() || thread.get(array).word() == before);
        assert!(thread.get(array).element(199_999).str() == Some("inside"));
        // A cycle through a large object.
        let boxed = thread.alloc_slots(BOX, &[array]).unwrap();
        thread.set_slot(thread.get(array), 1, thread.get(boxed));
        thread.collect();
        assert_eq!(thread.get(array).element(0).slot(0), thread.get(array));
        assert!(heap.stats().used_bytes > 1_600_000);
        thread.release(mark);
        thread.collect();
        assert_eq!(heap.stats().used_bytes, 0);
    }
}

#[test]
fn permanent_objects_are_roots() {
    for heap in heaps() {
        let thread = &mut *heap.attach();
        let mark = thread.mark();
        let mut addresses = Vec::new();
        for i in 0..2_000 {
            let text = thread.alloc_string(&format!("value {i}")).unwrap();
            let atom = thread.allocate_permanent(ATOM, 1, 0, |t, mut fresh| fresh.set(0, t.get(text))).unwrap();
            addresses.push(thread.get(atom).word());
            thread.release(mark);
        }
        let name = thread.alloc_permanent_string("x").unwrap();
        thread.collect();
        assert_eq!(thread.get(name).str(), Some("x"));
        for (i, &word) in addresses.iter().enumerate() {
            // SAFETY: permanent objects are always alive.
            let atom = unsafe { Value::from_raw(thread, word) };
            assert_eq!(atom.slot(0).str(), Some(format!("value {i}").as_str()));
        }
    }
}

#[test]
fn what_copies_leave_of_a_block_is_the_next_buffer() {
    let heap = Heap::new(Options { collector: CollectorKind::Compacting, ..Options::default() }).unwrap();
    let thread = &mut *heap.attach();
    let text = thread.alloc_string("here").unwrap();
    thread.collect();
    let used = heap.stats().used_bytes;
    let other = thread.alloc_string("there").unwrap();
    assert_eq!(heap.stats().used_bytes, used);
    thread.collect();
    assert_eq!((thread.get(text).str(), thread.get(other).str()), (Some("here"), Some("there")));
    assert_eq!(heap.stats().used_bytes, used);
}

#[test]
fn verification_finds_permanent_objects_that_were_changed() {
    let ends_well = |change: &dyn Fn(usize)| {
        let heap = Heap::new(options(Stress::Off, true)).unwrap();
        let thread = &mut *heap.attach();
        let null = thread.root_word(Word::NULL);
        let mut atom = || thread.allocate_permanent(ATOM, 1, 0, |t, mut fresh| fresh.set(0, t.get(null))).unwrap();
        let (first, _second) = (atom(), atom());
        let address = thread.get(first).word().address();
        // The first collection marks them.
        thread.collect();
        change(address);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| thread.collect())).is_ok()
    };
    let store = |at: usize, word: u64| {
        // SAFETY: a word of a permanent object that nobody else uses.
        unsafe { *(at as *mut u64) = word }
    };
    assert!(ends_well(&|_| {}));
    // Another size, though the header is valid; a header that is not; a pointer that leads beside an object; no value.
    assert!(!ends_well(&|at| store(at, u64::from(VECTOR) << 1)));
    assert!(!ends_well(&|at| store(at, u64::from(INT) << 1)));
    assert!(!ends_well(&|at| store(at + 8, (at + 8) as u64 | TAG_OBJECT)));
    assert!(!ends_well(&|at| store(at + 8, Word::POISON.0)));
}

#[test]
fn verification_finds_what_is_wrong() {
    let broken = |word: u64| {
        let heap = Heap::new(options(Stress::Off, true)).unwrap();
        let cell = Box::new(std::sync::atomic::AtomicU64::new(word));
        // SAFETY: deliberately not: the word is no value.
        unsafe { heap.register_roots(&raw const *cell as usize, 1) };
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| heap.attach().collect()));
        heap.unregister_roots(&raw const *cell as usize);
        caught.is_err()
    };
    assert!(!broken(Word::NULL.0));
    assert!(!broken(Word::UNDEFINED.0));
    assert!(broken(Word::POISON.0));
    assert!(broken(Word::THROWN.0));
}

#[test]
fn each_byte_that_is_allocated_is_counted_once() {
    let heap = Heap::new(Options { shortest_round: 1 << 20, ..Options::default() }).unwrap();
    let thread = &mut *heap.attach();
    let before = thread.allocated_bytes();
    let mut expected = 0;
    for round in 0..60_000usize {
        let mark = thread.mark();
        let size = match round {
            _ if round % 1000 == 0 => 100_000,
            _ if round % 100 == 0 => 5_000,
            _ => round % 200,
        };
        let null = thread.root_word(Word::NULL);
        let _ = thread.alloc_array(ARRAY, size, null).unwrap();
        // Header and length.
        expected += 8 * (size as u64 + 2);
        thread.release(mark);
    }
    assert!(heap.stats().collections() > 5);
    assert_eq!(thread.allocated_bytes() - before, expected);
}

#[test]
fn what_hangs_on_an_object() {
    let heap = Heap::new(Options::default()).unwrap();
    let thread = &mut *heap.attach();
    let null = thread.root_word(Word::NULL);
    let shared = thread.alloc_array(ARRAY, 10, null).unwrap();
    let mark = thread.mark();
    let own = thread.alloc_array(ARRAY, 20, null).unwrap();
    let whole = thread.alloc_array_of(ARRAY, &[shared, own, own]).unwrap();
    let whole_value = thread.get(whole).word();
    // Only the whole holds the part that is its own.
    thread.release(mark);
    // SAFETY: nothing has collected since.
    let whole = thread.root(unsafe { Value::from_raw(thread, whole_value) });
    let extent = thread.extent(whole);
    assert_eq!((extent.own, extent.reached, extent.reached_bytes), (40, 3, 40 + 96 + 176));
    assert_eq!((extent.retained, extent.retained_bytes), (2, 40 + 176));
    let small = thread.root_word(Word::NULL);
    assert_eq!(thread.extent(small), Default::default());
}

#[test]
fn verification_finds_bytes_that_have_changed() {
    let ends_well = |at: usize| {
        let heap = Heap::new(options(Stress::Off, true)).unwrap();
        let thread = &mut *heap.attach();
        let bytes = thread.alloc_bytes(32, crate::gc::Room::Builder).unwrap();
        assert!(thread.append_bytes(thread.get(bytes), crate::gc::Room::Builder, 0, b"a hawk and"));
        // SAFETY: six bytes of text are in use.
        let text = unsafe { thread.alloc_string_prefix(bytes, 6, 6) }.unwrap();
        thread.collect();
        let first = thread.get(bytes).word().address() + slot_offset(2);
        // SAFETY: a byte of an object that nobody else uses.
        unsafe { *((first + at) as *mut u8) = b'!' };
        let ends_well = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| thread.collect())).is_ok();
        assert!(!ends_well || thread.get(text).str() == Some("a hawk"));
        ends_well
    };
    assert!(ends_well(6), "what is behind the text is not the text's");
    assert!(!ends_well(2));
}
