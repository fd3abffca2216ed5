//! What `--jitdump` writes is what was published, while functions are defined anew, code is freed and addresses are used again,
//! and many threads publish.

#[path = "common/dump.rs"]
mod dump;
#[path = "common/machine.rs"]
mod machine;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use harrier::asm::Host;
use harrier::asm::code_map::{Function, Kind, Part};
use harrier::asm::masm::MacroAssembler;
use harrier::asm::publish::{Observer, Piece};
use harrier::gc::{self, Thread};
use harrier::profile;
use harrier::runtime::load;
use harrier::runtime::program::declare;
use machine::with_machine;

/// What was published.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    name: String,
    code: Vec<u8>,
    lines: bool,
    /// The end of its chunk.
    chunk: u64,
}

#[derive(Clone, Default)]
struct Witness(Arc<Mutex<BTreeMap<u64, Vec<Seen>>>>);

impl Observer for Witness {
    fn published(&self, chunk: &Range<usize>, functions: &[Function]) {
        let mut seen = self.0.lock().expect("lock");
        for function in functions {
            for (range, part) in function.parts() {
                let start = function.start + range.start as usize;
                let suffix = match part {
                    Part::Hot => "",
                    Part::Cold => " [cold]",
                    Part::General => " [general]",
                };
                // SAFETY: an observer may read the code.
                let code = unsafe { std::slice::from_raw_parts(start as *const u8, range.len()) }.to_vec();
                let lines = function.lines.at(range.start).is_some();
                let name = format!("{}{suffix}", function.symbol());
                seen.entry(start as u64).or_default().push(Seen { name, code, lines, chunk: chunk.end as u64 });
            }
        }
    }

    fn freed(&self, _chunk: &Range<usize>, _functions: &[Function]) {}
}

/// A folder of the test's own.
fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("harrier-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir(&path).expect("a folder");
    path
}

fn say(cx: &mut Thread, text: &str) {
    let mark = cx.mark();
    let namespace = declare::namespace(cx, "user").expect("a namespace");
    load::evaluate(cx, "<test>", text, namespace).unwrap_or_else(|e| panic!("{text}: {e:?}"));
    cx.release(mark);
}

#[test]
fn the_dump_is_what_was_published() {
    const PUBLICATIONS: usize = 20_000;
    let folder = folder("jitdump");
    let file = folder.join(format!("jit-{}.dump", std::process::id()));
    let witness = Witness::default();
    let told = witness.clone();
    let dumped = folder.clone();
    with_machine(gc::Options::default(), move |cx| {
        let vm = cx.vm();
        vm.publisher.observe(Box::new(witness));
        profile::start_jitdump(vm, &dumped).expect("a dump");
        assert!(profile::start_jitdump(vm, &dumped).is_err_and(|e| e.to_string().contains("exists already")));
        for i in 0..300 {
            say(cx, &format!("fn f(n) {{\n  let g = fn(x) {{ [x, n, {i}] }}\n  apply(g, [1.5 + {i}])\n}}\nf({i})"));
        }
        cx.vm().reclaim.search(cx);
        // A storm: eight threads publish, and free half of it at once.
        let left = AtomicUsize::new(PUBLICATIONS);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let left = &left;
                scope.spawn(move || {
                    let mut turn = 0;
                    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok() {
                        turn += 1;
                        let mut asm = Host::new();
                        let prologue = asm.prologue(turn as u8 & 15);
                        asm.set_frame_size(prologue, 32);
                        (0..turn % 400).for_each(|n| asm.mov_imm(Host::RESULT, n));
                        asm.epilogue(turn as u8 & 15);
                        asm.ret();
                        let code = asm.finish().expect("code");
                        let piece = |n: u32| Piece::stub(&code, Kind::Stub, format!("{thread}.{turn}.{n}"));
                        let published = vm.publisher.publish(vec![piece(0), piece(1), piece(2)]).expect("published");
                        if turn % 2 == 0 {
                            // SAFETY: nobody runs in it.
                            unsafe { vm.publisher.free(published.chunk, &published.range) }.expect("freed");
                        }
                    }
                });
            }
        });
        profile::jitdump::finish();
    });
    let dump = dump::read(&std::fs::read(&file).expect("the dump"));
    assert_eq!((dump.pid, dump.closed), (std::process::id(), true));
    assert_eq!(dump.machine, if cfg!(target_arch = "aarch64") { 183 } else { 62 });
    let mut pieces: BTreeMap<u64, Vec<&dump::Load>> = BTreeMap::new();
    dump.loads.iter().for_each(|load| pieces.entry(load.address).or_default().push(load));
    let seen = told.0.lock().expect("lock");
    assert!(seen.values().map(Vec::len).sum::<usize>() > 3 * PUBLICATIONS);
    assert!(seen.values().any(|at| at.len() > 1), "addresses are used again");
    assert_eq!(pieces.len(), seen.len());
    let mut with_rows = 0;
    for (address, seen) in seen.iter() {
        let pieces = pieces.get(address).map_or(&[][..], Vec::as_slice);
        assert_eq!(pieces.len(), seen.len(), "{address:#x}: {:?}", seen.iter().map(|s| &s.name).collect::<Vec<_>>());
        for (piece, seen) in pieces.iter().zip(seen) {
            assert_eq!((&piece.name, piece.code == seen.code), (&seen.name, true), "{address:#x}");
            assert_eq!(!piece.lines.is_empty(), seen.lines, "{}", seen.name);
            with_rows += usize::from(!piece.unwind.is_empty());
            let end = address + piece.code.len().next_multiple_of(8) as u64 + piece.mapped;
            assert!(piece.mapped == 0 || end <= seen.chunk, "{} reaches into the next chunk", seen.name);
        }
    }
    assert!(with_rows * 100 > dump.loads.len() * 99, "{with_rows} of {} have unwind rows", dump.loads.len());
    let user: Vec<_> = dump.loads.iter().filter(|load| load.name == "user/f").collect();
    assert!(user.len() >= 300, "{}", user.len());
    let lines: Vec<u32> = user[7].lines.iter().map(|line| line.line).collect();
    assert!(lines.contains(&2) && lines.contains(&3), "{lines:?}");
    std::fs::remove_dir_all(folder).expect("removed");
}
