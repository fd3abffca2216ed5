//! The code map.

use super::*;
use crate::asm::code_map::*;
use crate::asm::lines::{Lines, Row};
use crate::asm::memory::Published;
use crate::asm::publish::{Observer, Piece, Publisher};
use std::ops::Range;

fn blank(size: usize) -> Assembled {
    Assembled { code: vec![0xCC; size], ..Assembled::default() }
}

fn function(name: &str, start: usize, size: u32) -> Function {
    Function { name: name.to_string().into(), start, size, ..Function::default() }
}

#[test]
fn slot_sets_of_all_sizes() {
    let mut random = Random(99);
    for round in 0..2000 {
        let mut expected = Vec::new();
        let mut sets = SlotSets::default();
        let infos: Vec<_> = (0..random.below(20))
            .map(|i| {
                let limit = [5, 23, 24, 64, 65, 300, 3000][random.below(7)];
                let mut slots: Vec<u32> = (0..random.below(30)).map(|_| random.below(limit) as u32).collect();
                let set: SlotSet = slots.iter().copied().collect();
                let info = SafepointInfo {
                    return_offset: 10 * i as u32 + 5,
                    live_saved: random.below(256) as u8,
                    slots: sets.pack(&set),
                    handler: (random.below(3) == 0).then_some(random.below(10000) as u32),
                    tail: random.below(3) == 0,
                };
                slots.sort();
                slots.dedup();
                assert!((0..3000).all(|slot| set.contains(slot) == slots.binary_search(&slot).is_ok()));
                expected.push((info.return_offset, info.live_saved, slots, info.handler, info.tail));
                info
            })
            .collect();
        let mut shuffled = infos;
        if round % 2 == 0 {
            shuffled.reverse();
        }
        let packed = Safepoints::new(shuffled, sets);
        assert_eq!(packed.len(), expected.len());
        for (offset, live, slots, handler, tail) in &expected {
            let point = packed.find(*offset).expect("safepoint");
            assert_eq!(point.live_saved(), *live);
            assert_eq!(point.slots().collect::<Vec<_>>(), *slots);
            assert_eq!((point.handler(), point.is_tail()), (*handler, *tail));
            assert!(packed.find(offset + 1).is_none());
        }
        let all: Vec<_> = packed.iter().map(|(offset, _)| offset).collect();
        assert_eq!(all, expected.iter().map(|e| e.0).collect::<Vec<_>>());
    }
}

/// So many safepoints, each with these slots.
fn safepoints(number: u32, slots: impl Fn(u32) -> Range<u32>) -> Safepoints {
    let mut sets = SlotSets::default();
    let info = |i| (i, sets.pack(&slots(i).collect()));
    let packed: Vec<_> = (0..number).map(info).collect();
    let infos = packed.into_iter();
    Safepoints::new(infos.map(|(i, slots)| SafepointInfo { return_offset: i, slots, ..SafepointInfo::default() }), sets)
}

#[test]
fn equal_sets_are_stored_once() {
    let memory = CodeMemory::reserve(RANGE_BYTES).expect("reserve");
    let map = CodeMap::new(&memory);
    let published = memory.publish_with_room(&[&blank(4096)], 0).expect("publish");
    let mut f = function("f", published.starts[0], 4096);
    f.safepoints = safepoints(1000, |_| 20..200);
    map.register(&published, vec![f]);
    assert_eq!(map.view().safepoint_bytes(), 8 * 1000 + 4 * (1 + (1 + 1) + (1 + 2 * 4)));
}

#[test]
fn sets_share_what_they_have_in_common() {
    let memory = CodeMemory::reserve(RANGE_BYTES).expect("reserve");
    let map = CodeMap::new(&memory);
    let published = memory.publish_with_room(&[&blank(4096)], 0).expect("publish");
    let mut f = function("f", published.starts[0], 4096);
    // As in a function with 4000 variables that are defined one after the other.
    f.safepoints = safepoints(4000, |i| 0..i);
    assert!(f.safepoints.find(3000).is_some_and(|point| point.slots().eq(0..3000)));
    map.register(&published, vec![f]);
    assert!(map.view().safepoint_bytes() < 4000 * 150);
}

#[test]
fn addresses_and_functions() {
    let memory = CodeMemory::reserve(RANGE_BYTES).expect("reserve");
    let map = CodeMap::new(&memory);
    let mut random = Random(3);
    let mut held: Vec<Published> = Vec::new();
    for round in 0..300 {
        let codes: Vec<_> = (0..1 + random.below(9)).map(|_| blank(1 + random.below(3000))).collect();
        let published = memory.publish_with_room(&codes.iter().collect::<Vec<_>>(), 0).expect("publish");
        let functions = published
            .starts
            .iter()
            .zip(&codes)
            .map(|(&start, code)| function(&format!("f{start}"), start, code.code.len() as u32))
            .collect();
        map.register(&published, functions);
        for (&start, code) in published.starts.iter().zip(&codes) {
            let view = map.view();
            for address in [start, start + code.code.len() - 1] {
                assert_eq!(view.function(address).expect("function").name, format!("f{start}"));
            }
            let end = start + code.code.len();
            assert_eq!(view.caller(end).expect("caller").name, format!("f{start}"));
            assert!(view.function(end).is_none_or(|f| f.start == end));
            assert_eq!(view.chunk_range(start), Some(published.range.clone()));
        }
        held.push(published);
        if round % 2 == 0 {
            let gone = held.swap_remove(random.below(held.len()));
            assert_eq!(map.unregister(&gone.range).len(), gone.starts.len());
            assert!(map.unregister(&gone.range).is_empty());
            assert!(gone.starts.iter().all(|&start| map.view().function(start).is_none()));
            // SAFETY: nobody runs in it.
            unsafe { memory.free_chunk(gone.chunk) }.expect("free");
        }
    }
    let view = map.view();
    for address in [0, 1, memory.range().start - 1, memory.range().end, usize::MAX, memory.range().end - 1] {
        assert!(view.function(address).is_none() && view.safepoint(address).is_none());
    }
}

#[test]
fn lines_and_frames() {
    let mut f = function("f", 1000, 100);
    let row = |(code, source)| Row { code, source, length: 0, inlined: 0 };
    f.lines = Lines::new(&[(10, 1), (20, 3), (50, 4)].map(row), &[]);
    let at = |address| f.source_before(address);
    assert_eq!([at(0), at(1000), at(1010), at(1011)], [None, None, None, Some(1)]);
    assert_eq!([at(1020), at(1021), at(1050), at(1051), at(1100)], [Some(1), Some(3), Some(3), Some(4), Some(4)]);
    f.saved = 0b1010;
    assert_eq!(
        [f.saved_offset(0), f.saved_offset(1), f.saved_offset(2), f.saved_offset(3)],
        [None, Some(-8), None, Some(-16)]
    );
    assert_eq!([f.slot_offset(0), f.slot_offset(3)], [-24, -48]);
    assert_eq!(saved_offset(0xFF, 7), Some(-64));
}

#[test]
fn readers_and_writers_at_once() {
    let memory = CodeMemory::reserve(RANGE_BYTES).expect("reserve");
    let map = CodeMap::new(&memory);
    let published = memory.publish_with_room(&[&blank(64)], 0).expect("publish");
    map.register(&published, vec![function("stays", published.starts[0], 64)]);
    let address = published.starts[0] + 7;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    assert_eq!(map.view().function(address).expect("function").name, "stays");
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..500 {
                let published = memory.publish_with_room(&[&blank(9000)], 0).expect("publish");
                map.register(&published, vec![function("goes", published.starts[0], 9000)]);
                map.unregister(&published.range);
                // SAFETY: nobody runs in it.
                unsafe { memory.free_chunk(published.chunk) }.expect("free");
            }
        });
    });
}

#[test]
fn names_and_parts() {
    let mut f = function("area", 1000, 100);
    assert_eq!((f.symbol().as_ref(), f.parts().collect::<Vec<_>>()), ("area", vec![(0..100, Part::Hot)]));
    f.parts = [(60, Part::Cold), (80, Part::General)].into();
    let parts = [(0..60, Part::Hot), (60..80, Part::Cold), (80..100, Part::General)];
    assert_eq!(f.parts().collect::<Vec<_>>(), parts);
    assert_eq!([f.part(0), f.part(59), f.part(60), f.part(99)], [Part::Hot, Part::Hot, Part::Cold, Part::General]);
    f.kind = Kind::Stub;
    assert_eq!(f.symbol(), "harrier::stub::area");
}

/// What an observer was told: starts and names.
#[derive(Default)]
struct Notes(std::sync::Arc<std::sync::Mutex<Vec<(bool, usize, String)>>>);

impl Observer for Notes {
    fn published(&self, chunk: &std::ops::Range<usize>, functions: &[Function]) {
        self.note(true, chunk, functions);
    }

    fn freed(&self, chunk: &std::ops::Range<usize>, functions: &[Function]) {
        self.note(false, chunk, functions);
    }
}

impl Notes {
    fn note(&self, published: bool, chunk: &std::ops::Range<usize>, functions: &[Function]) {
        let notes = functions.iter().inspect(|f| assert!(chunk.contains(&f.start) && f.range().end <= chunk.end));
        self.0.lock().expect("lock").extend(notes.map(|f| (published, f.start, f.symbol().to_string())));
    }
}

#[test]
fn observers_learn_of_all_code() {
    let publisher = Publisher::new(CodeMemory::reserve(RANGE_BYTES).expect("reserve"));
    let early = publisher.publish_one(Piece::stub(&blank(10), Kind::Stub, "early")).expect("publish");
    let notes = Notes::default();
    let told = notes.0.clone();
    publisher.observe(Box::new(notes));
    let code = blank(100);
    let parts = vec![function("a", 0, 0), function("b", 40, 0)];
    let published = publisher.publish(vec![Piece::parts(&code, parts)]).expect("publish");
    let start = published.starts[0];
    for (address, name) in [(start, "a"), (start + 39, "a"), (start + 40, "b"), (start + 99, "b")] {
        assert_eq!(publisher.map().view().function(address).map(Function::symbol).as_deref(), Some(name));
    }
    // SAFETY: nobody runs in it.
    unsafe { publisher.free(published.chunk, &published.range) }.expect("free");
    assert!(publisher.map().view().function(start).is_none());
    let expected = [
        (true, early, "harrier::stub::early"),
        (true, start, "a"),
        (true, start + 40, "b"),
        (false, start, "a"),
        (false, start + 40, "b"),
    ];
    let expected = expected.map(|(published, at, name)| (published, at, name.to_string()));
    assert_eq!(*told.lock().expect("lock"), expected);
}
