//! Several threads on one heap.

use super::*;
use crate::object::layout::*;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// The permanent atom that the threads share.
fn shared(thread: &mut Thread) -> Word {
    let zero = thread.alloc_slots(BOX, &[thread.root_word(Word(0))]).unwrap();
    let atom = thread.allocate_permanent(ATOM, 1, 0, |t, mut fresh| fresh.set(0, t.get(zero))).unwrap();
    thread.get(atom).word()
}

/// Adds one to the count in the box in the atom, with a new box each time.
fn increment(thread: &mut Thread, atom: Word) {
    loop {
        let mark = thread.mark();
        // SAFETY: the atom is permanent.
        let old = thread.root(unsafe { Value::from_raw(thread, atom) }.slot(0));
        let count = thread.get(old).slot(0).as_int().unwrap();
        let new = thread.root_word(Word::int(count + 1).unwrap());
        let new = thread.alloc_slots(BOX, &[new]).unwrap();
        // SAFETY: the atom is permanent.
        let atom = unsafe { Value::from_raw(thread, atom) };
        let done = thread.compare_and_swap_slot(atom, 0, thread.get(old), thread.get(new));
        thread.release(mark);
        if done {
            return;
        }
    }
}

fn contend(heap: Arc<Heap>, rounds: usize) {
    let mut main = heap.attach();
    let atom = shared(&mut main);
    main.outside(|| {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let mut thread = heap.attach();
                    let mine = thread.alloc_string("mine").unwrap();
                    for round in 0..rounds {
                        increment(&mut thread, atom);
                        match round % 64 {
                            7 => thread.collect(),
                            9 => thread.outside(std::thread::yield_now),
                            11 => assert_eq!(thread.poll(), Poll::Continue),
                            _ => {}
                        }
                    }
                    assert_eq!(thread.get(mine).str(), Some("mine"));
                });
            }
        })
    });
    main.collect();
    assert_eq!(heap.thread_count(), 1);
    // SAFETY: the atom is permanent.
    let atom = unsafe { Value::from_raw(&main, atom) };
    assert_eq!(atom.slot(0).slot(0).as_int(), Some(8 * rounds as i64));
}

#[test]
fn eight_threads_count() {
    contend(Heap::new(Options { shortest_round: 1 << 20, ..Options::default() }).unwrap(), 5_000);
}

#[test]
fn eight_threads_count_under_stress() {
    contend(Heap::new(options(Stress::Decaying, true)).unwrap(), 300);
    contend(Heap::new(options(Stress::Strict, false)).unwrap(), 100);
}

#[test]
fn threads_come_and_go_during_collections() {
    let heap = Heap::new(options(Stress::Off, true)).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut thread = heap.attach();
                while !stop.load(Ordering::Relaxed) {
                    thread.collect();
                }
            });
        }
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..300 {
                    let mut thread = heap.attach();
                    let text = thread.alloc_string("short life").unwrap();
                    thread.outside(|| std::thread::sleep(Duration::from_micros(50)));
                    assert_eq!(thread.get(text).str(), Some("short life"));
                }
                stop.store(true, Ordering::Relaxed);
            });
        }
    });
    assert_eq!(heap.thread_count(), 0);
}

#[test]
fn a_blocked_thread_does_not_hold_up_others() {
    let heap = Heap::new(Options::default()).unwrap();
    let (inside, done) = (Barrier::new(2), Barrier::new(2));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut thread = heap.attach();
            let text = thread.alloc_string("kept").unwrap();
            let before = thread.get(text).word();
            thread.outside(|| {
                inside.wait();
                done.wait();
            });
            assert_ne!(thread.get(text).word(), before);
            assert_eq!(thread.get(text).str(), Some("kept"));
        });
        let mut thread = heap.attach();
        inside.wait();
        thread.collect();
        done.wait();
    });
}

#[test]
fn interrupts_arrive_once() {
    for heap in heaps() {
        let mut thread = heap.attach();
        let interrupter = thread.interrupter();
        assert_eq!(thread.poll(), Poll::Continue);
        std::thread::spawn({
            let interrupter = interrupter.clone();
            move || interrupter.interrupt()
        })
        .join()
        .unwrap();
        thread.collect();
        assert_eq!(thread.poll(), Poll::Interrupted);
        assert_eq!(thread.poll(), Poll::Continue);
        drop(thread);
        interrupter.interrupt();
    }
}

#[test]
fn a_deep_stack_is_noticed() {
    let heap = Heap::new(Options::default()).unwrap();
    let mut thread = heap.attach();
    let (low, high) = thread.stack_bounds();
    let here = &raw const low as usize;
    assert!(low < here && here < high);
    assert!(!crate::stack::is_low());
    // SAFETY: no generated code runs here.
    unsafe { thread.set_stack_bounds(here, high) };
    assert!(crate::stack::is_low());
    assert_eq!(thread.poll(), Poll::StackOverflow);
}

/// Collections of the test below, and whether the other thread has let go of what it holds.
static COLLECTED: AtomicUsize = AtomicUsize::new(0);
static LET_GO: AtomicBool = AtomicBool::new(false);

#[test]
fn who_finds_no_room_tries_again_while_others_run() {
    /// What others let go of only after so many collections is still got.
    const LATE: usize = 5;
    let heap = Heap::new(Options { max_heap: Some(16 << 20), ..Options::default() }).unwrap();
    let hooks = Hooks {
        ended: Some(|_| {
            if COLLECTED.fetch_add(1, Ordering::SeqCst) + 1 == LATE {
                while !LET_GO.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
            }
        }),
        ..Hooks::default()
    };
    assert!(heap.set_hooks(hooks));
    let holds = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let thread = &mut *heap.attach();
            let mark = thread.mark();
            let null = thread.root_word(Word::NULL);
            let _ = thread.alloc_array(ARRAY, (12 << 20) / 8, null).unwrap();
            COLLECTED.store(0, Ordering::SeqCst);
            holds.store(true, Ordering::SeqCst);
            thread.outside(|| {
                while COLLECTED.load(Ordering::SeqCst) < LATE {
                    std::thread::yield_now();
                }
            });
            thread.release(mark);
            LET_GO.store(true, Ordering::SeqCst);
            thread.outside(|| {
                while holds.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
            });
        });
        while !holds.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        let thread = &mut *heap.attach();
        let null = thread.root_word(Word::NULL);
        let got = thread.alloc_array(ARRAY, (6 << 20) / 8, null).is_ok();
        let collected = COLLECTED.swap(LATE, Ordering::SeqCst);
        LET_GO.store(true, Ordering::SeqCst);
        holds.store(false, Ordering::SeqCst);
        assert!(got && collected > LATE, "after {collected} collections");
    });
}
