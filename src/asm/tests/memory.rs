//! Code memory: protection, reuse, limits.

use super::*;
use crate::asm::memory::{ChunkId, FUNCTION_ALIGN, MemoryError};

fn constant(n: i64) -> Assembled {
    let mut masm = Host::new();
    masm.mov_imm(Host::RESULT, n);
    masm.ret();
    masm.finish().expect("finish")
}

/// The protections that the system reports for the pages of the range.
fn protections(memory: &CodeMemory) -> Vec<(usize, usize, String)> {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("maps");
    let number = |text: &str| usize::from_str_radix(text, 16).expect("address");
    maps.lines()
        .filter_map(|line| {
            let (range, rest) = line.split_once(' ')?;
            let (start, end) = range.split_once('-')?;
            let (start, end) = (number(start), number(end));
            (start < memory.range().end && end > memory.range().start).then(|| (start, end, rest[..4].to_string()))
        })
        .collect()
}

#[test]
fn never_writable_and_executable() {
    let memory = CodeMemory::reserve(RANGE_BYTES).expect("reserve");
    let code = constant(1);
    let mut chunks = Vec::new();
    for _ in 0..20 {
        chunks.push(memory.publish_with_room(&[&code], 0).expect("publish"));
        memory.alloc_data(100, 8).expect("data");
        for (start, _, protection) in protections(&memory) {
            assert!(!(protection.contains('w') && protection.contains('x')), "{start:#x} {protection}");
        }
    }
    let held = |address: usize| {
        protections(&memory).into_iter().find(|(s, e, _)| (*s..*e).contains(&address)).expect("page").2
    };
    for chunk in &chunks {
        assert_eq!(held(chunk.starts[0]), "r-xp");
    }
    // SAFETY: nobody runs in it.
    unsafe { memory.free_chunk(chunks[3].chunk) }.expect("free");
    assert_eq!(held(chunks[3].range.start), "---p");
}

#[test]
fn several_functions_in_a_chunk() {
    let rig = Rig::new(1, 0);
    let codes: Vec<_> = (0..500).map(constant).collect();
    let published = rig.memory.publish_with_room(&codes.iter().collect::<Vec<_>>(), 0).expect("publish");
    let mut ctx = Ctx::new();
    for (i, &start) in published.starts.iter().enumerate() {
        assert_eq!(start % FUNCTION_ALIGN, 0);
        assert!(published.range.contains(&start));
        assert_eq!((rig.enter)(&mut *ctx, start, 0, [0; 5].as_ptr()), i as u64);
    }
}

#[test]
fn address_space_is_used_again() {
    let memory = CodeMemory::reserve(RANGE_BYTES).expect("reserve");
    let mut random = Random(77);
    let mut held = Vec::new();
    let mut highest = 0;
    for round in 0..3000 {
        let size = random.below(5 * 4096);
        let code = Assembled { code: vec![0xCC; size], ..Assembled::default() };
        let published = memory.publish_with_room(&[&code], 0).expect("publish");
        highest = highest.max(published.range.end);
        held.push(published);
        if round > 50 {
            let victim = held.swap_remove(random.below(held.len()));
            // SAFETY: nobody runs in it.
            unsafe { memory.free_chunk(victim.chunk) }.expect("free");
        }
        let mut ranges: Vec<_> = held.iter().map(|p| p.range.clone()).collect();
        ranges.sort_by_key(|r| r.start);
        assert!(ranges.windows(2).all(|w| w[0].end <= w[1].start), "chunks overlap");
    }
    assert!(highest - memory.range().start < 4 << 20, "{:#x} bytes of addresses", highest - memory.range().start);
    assert_eq!(memory.stats().chunks, held.len());
    for published in held {
        // SAFETY: nobody runs in it.
        unsafe { memory.free_chunk(published.chunk) }.expect("free");
    }
    assert_eq!((memory.stats().chunks, memory.stats().code_bytes), (0, 0));
    // SAFETY: there is no such chunk, which is what is asked.
    assert!(matches!(unsafe { memory.free_chunk(ChunkId(5)) }, Err(MemoryError::NoSuchChunk(_))));
}

#[test]
fn too_much() {
    let memory = CodeMemory::reserve(RANGE_BYTES).expect("reserve");
    assert!(matches!(memory.alloc_data(3 << 30, 8), Err(MemoryError::Exhausted("data"))));
    assert!(matches!(memory.alloc_data(usize::MAX, 8), Err(MemoryError::Exhausted("data"))));
    let far = Assembled {
        code: vec![0; 64],
        absolute: vec![AbsoluteFixup { at: 0, kind: 0, target: 1 << 60 }],
        ..Assembled::default()
    };
    assert!(matches!(memory.publish_with_room(&[&far], 0), Err(MemoryError::OutOfReach { .. })));
    assert_eq!(memory.stats().chunks, 0);
    let good = memory.publish_with_room(&[&constant(1)], 0).expect("the pages of a failure are used again");
    assert_eq!(good.range.start, memory.range().start);
}

#[test]
fn code_and_data_share_the_range() {
    let memory = CodeMemory::reserve(RANGE_BYTES).expect("reserve");
    let code = memory.publish_with_room(&[&constant(1)], 0).expect("code");
    let step = 16 << 20;
    // None of the pages is touched.
    let lowest = std::iter::from_fn(|| memory.alloc_data(step, 4096).ok()).last().expect("data").as_ptr() as usize;
    assert!(lowest - code.range.end < step, "{:#x} bytes are left", lowest - code.range.end);
    let free = std::iter::from_fn(|| memory.publish_with_room(&[&constant(2)], 0).ok().map(|p| p.range)).take(10_000);
    let last = free.last().expect("there is some room between them");
    assert!(last.end <= lowest, "code in the data");
    assert!(matches!(memory.publish_with_room(&[&constant(3)], 0), Err(MemoryError::Exhausted("code"))));
    assert!(matches!(memory.alloc_data(step, 4096), Err(MemoryError::Exhausted("data"))));
}

#[test]
fn data_is_zero_and_aligned() {
    let memory = CodeMemory::reserve(RANGE_BYTES).expect("reserve");
    let mut random = Random(5);
    let mut held: Vec<(NonNull<u8>, usize, usize)> = Vec::new();
    use std::ptr::NonNull;
    for _ in 0..5000 {
        let (bytes, align) = (random.below(600), 1 << random.below(8));
        let block = memory.alloc_data(bytes, align).expect("data");
        assert_eq!(block.as_ptr() as usize % align, 0);
        assert!(memory.range().contains(&(block.as_ptr() as usize)));
        // SAFETY: the block has this many bytes and is ours.
        let content = unsafe { std::slice::from_raw_parts_mut(block.as_ptr(), bytes) };
        assert!(content.iter().all(|b| *b == 0));
        content.fill(0xEE);
        held.push((block, bytes, align));
        if held.len() > 100 {
            let (block, bytes, align) = held.swap_remove(random.below(held.len()));
            // SAFETY: it came from here.
            unsafe { memory.free_data(block, bytes, align) };
        }
    }
    for (block, bytes, _) in held {
        // SAFETY: the block has this many bytes and is ours.
        let content = unsafe { std::slice::from_raw_parts(block.as_ptr(), bytes) };
        assert!(content.iter().all(|b| *b == 0xEE), "blocks overlap");
    }
}

#[test]
fn from_several_threads() {
    let rig = Rig::new(1, 0);
    std::thread::scope(|scope| {
        for n in 0..4i64 {
            let rig = &rig;
            scope.spawn(move || {
                let mut ctx = Ctx::new();
                for i in 0..300 {
                    assert_eq!(rig.call(&mut ctx, &constant(n * 1000 + i), 0, [0; 5]), (n * 1000 + i) as u64);
                }
            });
        }
    });
}
