//! Allocation of every kind, handles, values.

use super::*;
use crate::gc::mutator::slow;
use crate::object::layout::*;

struct Counted(u32, Arc<()>);
struct Five;

impl NativeType for Counted {
    fn print(&self) -> String {
        format!("{} of {}", self.0, Arc::strong_count(&self.1))
    }
}

impl NativeType for Five {
    fn print(&self) -> String {
        "5".to_string()
    }
}

#[test]
fn every_kind_survives() {
    for heap in heaps() {
        let thread = &mut *heap.attach();
        let pair = heap.register_layout(2).unwrap();
        let empty = heap.register_layout(0).unwrap();
        let float = thread.alloc_float(1e100).unwrap();
        let tagged = thread.alloc_float(1.5).unwrap();
        let text = thread.alloc_string("Übung 🦅").unwrap();
        let big = thread.alloc_big_int(true, &[1, 2, 0x2C]).unwrap();
        let none = thread.alloc_slots(empty, &[]).unwrap();
        let both = thread.alloc_slots(pair, &[float, text]).unwrap();
        let array = thread.alloc_array(ARRAY, 3, both).unwrap();
        let hollow = thread.alloc_array(ARRAY, 0, both).unwrap();
        let closure = thread.alloc_closure(0x1234_5678, &[array, tagged]).unwrap();
        let bytes = thread.alloc_bytes(13, Room::Texts).unwrap();
        assert!(thread.append_bytes(thread.get(bytes), Room::Texts, 0, "grün".as_bytes()));
        assert!(!thread.append_bytes(thread.get(bytes), Room::Texts, 0, b"x"));
        assert!(!thread.append_bytes(thread.get(bytes), Room::Builder, 5, b"x"));
        assert!(!thread.append_bytes(thread.get(bytes), Room::Texts, 5, b"too long!"));
        // SAFETY: five bytes are in use, and are these four characters.
        let prefix = unsafe { thread.alloc_string_prefix(bytes, 5, 4) }.unwrap();
        thread.collect();
        thread.collect();
        assert_eq!(thread.get(float).as_float(), Some(1e100));
        assert!(thread.get(float).is(FLOAT) && thread.get(float).is_float());
        assert_eq!(thread.get(tagged).as_float(), Some(1.5));
        assert_eq!(thread.get(text).str(), Some("Übung 🦅"));
        assert_eq!(thread.get(text).char_count(), Some(7));
        assert_eq!(thread.get(big).big_int(), Some((true, &[1u64, 2, 0x2C][..])));
        assert_eq!(thread.get(none).layout(), empty);
        assert_eq!(thread.get(none).words(), 0);
        assert_eq!(thread.get(both).slot(1).str(), Some("Übung 🦅"));
        assert_eq!(thread.get(both).slot(0), thread.get(float));
        assert_eq!(thread.get(array).array_len(), 3);
        assert_eq!(thread.get(array).element(2), thread.get(both));
        assert_eq!(thread.get(hollow).array_len(), 0);
        assert_eq!(thread.get(closure).code(), Some(0x1234_5678));
        assert_eq!((thread.get(closure).capture_count(), thread.get(closure).layout()), (2, CLOSURE));
        assert_eq!(thread.get(closure).capture(0), thread.get(array));
        assert_eq!(thread.get(closure).capture(1).as_float(), Some(1.5));
        assert_eq!(thread.get(prefix).str(), Some("grün"));
        assert_eq!(thread.get(bytes).bytes_capacity(), Some(13));
        thread.set_string_hash(thread.get(prefix), 77);
        assert_eq!(thread.get(prefix).string_hash(), Some(77));
        assert_eq!(thread.get(text).try_slot(0), None);
        assert_eq!(thread.get(both).try_slot(2), None);
    }
}

#[test]
fn immediates_have_layouts() {
    let heap = Heap::new(Options::default()).unwrap();
    let thread = &mut *heap.attach();
    let words = [
        (Word::int(5).unwrap(), INT),
        (Word::float(0.5).unwrap(), FLOAT),
        (Word::NULL, NULL),
        (Word::TRUE, BOOL),
        (Word::FALSE, BOOL),
        (Word::keyword(7), KEYWORD),
        (Word::UNDEFINED, 0),
    ];
    for (word, layout) in words {
        assert_eq!(thread.get(thread.root_word(word)).layout(), layout);
    }
}

#[test]
fn handles_are_released_to_marks() {
    let heap = Heap::new(options(Stress::Strict, true)).unwrap();
    let thread = &mut *heap.attach();
    let first = thread.alloc_string("first").unwrap();
    let mark = thread.mark();
    for i in 0..100 {
        let _ = thread.alloc_string(&format!("{i}")).unwrap();
    }
    let last = thread.alloc_string("last").unwrap();
    let last = thread.keep(mark, last);
    thread.collect();
    assert_eq!(thread.get(first).str(), Some("first"));
    assert_eq!(thread.get(last).str(), Some("last"));
    let inner = thread.scoped(|thread| {
        let a = thread.alloc_string("a")?;
        thread.alloc_slots(BOX, &[a])
    });
    let inner = inner.unwrap();
    assert_eq!(thread.get(inner).slot(0).str(), Some("a"));
    assert_eq!(thread.mark(), Mark(mark.0 + 2));
}

#[test]
fn what_contradicts_the_layout_is_refused() {
    let refused = |f: &dyn Fn(&mut Thread)| {
        let heap = Heap::new(Options::default()).unwrap();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| f(&mut heap.attach())));
        assert!(result.is_err());
    };
    refused(&|thread| drop(thread.alloc_slots(VECTOR, &[])));
    refused(&|thread| drop(thread.allocate(999, 1, 0, |_, mut fresh| fresh.set_raw(0, 0))));
    refused(&|thread| drop(thread.allocate(ARRAY, 1, 0, |_, mut fresh| fresh.set_raw(0, 80))));
    refused(&|thread| drop(thread.allocate(BOX, 1, 0, |_, mut fresh| fresh.set_raw(0, 0x1000 | 1))));
    refused(&|thread| {
        let invalid = thread.allocate(STRING, 3, 0, |_, mut fresh| {
            fresh.set_raw(0, 1 << 32 | 1);
            fresh.set_raw(1, 0);
            fresh.set_raw(2, 0xFF);
        });
        drop(invalid)
    });
    if cfg!(debug_assertions) {
        refused(&|thread| drop(thread.allocate(BOX, 1, 0, |_, _| {})));
    }
}

#[test]
fn slots_change() {
    for heap in heaps() {
        let thread = &mut *heap.attach();
        let null = thread.root_word(Word::NULL);
        let atom = thread.alloc_slots(ATOM, &[null]).unwrap();
        let a = thread.alloc_string("a").unwrap();
        let b = thread.alloc_string("b").unwrap();
        assert!(thread.compare_and_swap_slot(thread.get(atom), 0, thread.get(null), thread.get(a)));
        assert!(!thread.compare_and_swap_slot(thread.get(atom), 0, thread.get(null), thread.get(b)));
        thread.collect();
        assert_eq!(thread.get(atom).slot(0).str(), Some("a"));
        thread.set_slot(thread.get(atom), 0, thread.get(b));
        thread.collect();
        assert_eq!(thread.get(atom).slot(0).str(), Some("b"));
    }
}

#[test]
fn natives_are_dropped_when_dead() {
    for heap in heaps() {
        let thread = &mut *heap.attach();
        let counted = Arc::new(());
        let mark = thread.mark();
        let kept = thread.alloc_native(Arc::new(Counted(1, counted.clone()))).unwrap();
        for _ in 0..10 {
            let _ = thread.alloc_native(Arc::new(Counted(2, counted.clone()))).unwrap();
        }
        let kept = thread.keep(mark, kept);
        thread.collect();
        assert_eq!(Arc::strong_count(&counted), 2);
        let native = thread.native_as::<Counted>(thread.get(kept)).unwrap();
        assert_eq!(native.0, 1);
        drop(native);
        let again = thread.alloc_native(Arc::new(Five)).unwrap();
        thread.collect();
        assert!(thread.native_as::<Five>(thread.get(again)).is_some());
        assert!(thread.native_as::<Five>(thread.get(kept)).is_none());
        thread.release(mark);
        thread.collect();
        assert_eq!(Arc::strong_count(&counted), 1);
    }
}

#[test]
fn generated_code_allocates_through_the_slow_path() {
    for heap in heaps() {
        let thread = &mut *heap.attach();
        let pointer = thread as *mut Thread;
        // SAFETY: our own thread, without any frames of generated code.
        unsafe {
            let bits = 1e100f64.to_bits();
            let boxed: Vec<_> = (0..10_000).map(|_| Word(slow::box_float(pointer, bits))).collect();
            let handles: Vec<_> = boxed.iter().map(|w| thread.push_handle(*w)).collect();
            let at = slow::allocate_slow(pointer, 16);
            *(at as *mut u64) = header(BOX, 0);
            *((at + 8) as *mut u64) = Word::TRUE.0;
            let made = thread.push_handle(Word(at | 1));
            thread.collect();
            assert!(handles.iter().all(|&h| thread.get(h).as_float() == Some(1e100)));
            assert_eq!(thread.get(made).slot(0).as_bool(), Some(true));
            assert_eq!(slow::safepoint(pointer), Poll::Continue);
        }
    }
}

#[cfg(debug_assertions)]
#[test]
#[should_panic(expected = "was released")]
fn a_checked_build_refuses_a_released_handle() {
    let heap = Heap::new(Options::default()).unwrap();
    let thread = &mut *heap.attach();
    let mark = thread.mark();
    let gone = thread.root_word(Word::TRUE);
    thread.release(mark);
    // Another one stands at its place.
    let _other = thread.root_word(Word::FALSE);
    thread.get(gone);
}

/// While a long text is copied the interrupt key is asked for.
#[test]
fn a_long_text_is_copied_in_parts() {
    for heap in heaps() {
        let thread = &mut *heap.attach();
        for length in [0, 1, 4 << 20, (4 << 20) + 3] {
            let text = "ü".repeat(length / 2) + &"x".repeat(length % 2);
            let chars = text.chars().count();
            // SAFETY: the parts of the text, and its characters.
            let made = unsafe { thread.alloc_long_string(text.len(), chars, text.as_bytes().chunks(64)) };
            let made = made.unwrap().expect("nobody has pressed a key");
            assert_eq!(thread.get(made).str(), Some(text.as_str()));
            assert_eq!(thread.get(made).char_count(), Some(chars));
        }
        // SAFETY: four bytes, as many characters.
        let four = |thread: &mut Thread| unsafe { thread.alloc_long_string(4, 4, [&b"text"[..]].into_iter()) };
        thread.interrupter().interrupt();
        assert!(four(thread).unwrap().is_none());
        assert!(thread.take_interrupt());
        assert!(four(thread).unwrap().is_some());
    }
}
