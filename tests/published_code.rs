//! Code that is published cannot be written (a child dies when it stores into it), and all of it is in the code map.

#![cfg(target_os = "linux")]

#[path = "common/machine.rs"]
mod machine;

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex};

use harrier::asm::code_map::Kind;
use harrier::asm::masm::Assembled;
use harrier::asm::memory::{CodeMemory, RANGE_BYTES};
use harrier::asm::publish::{Piece, Publisher};
use harrier::gc;
use harrier::runtime::load;
use harrier::runtime::program::declare;
use harrier::verify::{Claims, Does, Takes, Verifier};
use machine::with_machine;

/// What stands between functions.
#[cfg(target_arch = "x86_64")]
const FILLER: [u8; 1] = [0xCC];
#[cfg(not(target_arch = "x86_64"))]
const FILLER: [u8; 4] = 0xD420_0000u32.to_le_bytes();

#[test]
fn a_store_into_published_code_faults() {
    let publisher = Publisher::new(CodeMemory::reserve(RANGE_BYTES).expect("reserve"));
    let code = Assembled { code: vec![0xC3; 16], ..Assembled::default() };
    let start = publisher.publish_one(Piece::stub(&code, Kind::Stub, "ret")).expect("publish");
    let place = start as *mut u8;
    // SAFETY: code is readable.
    assert_eq!(unsafe { place.read_volatile() }, 0xC3);
    assert_eq!(child_that(|| ()).code(), Some(0));
    // SAFETY: nobody runs the code; that this faults is what is tested.
    let status = child_that(|| unsafe { place.write_volatile(0) });
    assert_eq!(status.signal(), Some(libc::SIGSEGV), "{status:?}");
}

/// How a copy of this process ends that does only this.
fn child_that(act: impl FnOnce()) -> ExitStatus {
    let no_core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let default: libc::sighandler_t = libc::SIG_DFL;
    // SAFETY: between fork and exit the child calls only what may be called there: it takes no lock and no memory.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: as above; the handler of Rust's library would look for a stack that has overflowed.
        unsafe {
            libc::setrlimit(libc::RLIMIT_CORE, &no_core);
            libc::signal(libc::SIGSEGV, default);
        }
        act();
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(0) };
    }
    assert!(child > 0, "fork: {}", std::io::Error::last_os_error());
    let mut status = 0;
    // SAFETY: waits for the child of this call.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    ExitStatus::from_raw(status)
}

/// Whatever runs is in the code map under a name: each byte of each chunk belongs to a function or is filler between two.
#[test]
fn no_code_is_unnamed() {
    with_machine(gc::Options::default(), |cx| {
        let namespace = declare::namespace(cx, "user").expect("a namespace");
        let text = "protocol Area { fn area(self) }  struct Box { side }  extend Box with Area { fn area(self) { self.side } }
            fn six(a, b, c, d, e, f) { [a, b, c, d, e, f] }
            fn all(x) { [area(x), apply(six, 1, [2, 3, 4, 5, 6]), apply(area, [x]), max(1, 2, 3, 4, 5, 6, 7), get({:a 1}, :a)] }
            try { all(Box { side: 1 }) } catch (e) { e }
            [1.5 + 2, sort([3, 1]), \"${1}\", Box { side: 2 }.area()]";
        load::evaluate(cx, "<test>", text, namespace).unwrap_or_else(|e| panic!("{e:?}"));
        let vm = cx.vm();
        let view = vm.code_map.view();
        let chunks = vm.memory.chunks();
        assert!(chunks.len() > 10, "{chunks:?}");
        for chunk in chunks {
            assert_eq!(view.chunk_range(chunk.start), Some(chunk.clone()));
            for address in chunk.step_by(FILLER.len()) {
                // SAFETY: published code is readable, and nothing is freed here.
                let bytes = unsafe { *(address as *const [u8; FILLER.len()]) };
                let named = view.function(address).is_some_and(|f| !f.name.is_empty());
                assert!(named || bytes == FILLER, "{address:#x}: {bytes:x?}");
            }
        }
        let stubs: Vec<_> = view.functions().map(|f| f.symbol().into_owned()).collect();
        for name in
            ["enter", "throw", "propagate", "resolve_entry_2", "alloc_slow", "thunks", "dispatch_area", "core/max"]
        {
            assert!(stubs.contains(&format!("harrier::stub::{name}")), "{name} is not in {stubs:#?}");
        }
        assert!(
            stubs.iter().any(|name| name == "user/six") && stubs.iter().any(|name| name == "harrier::fast::get_index")
        );
    });
}

/// The text below is verified.
const PAIR: &str = "fn pair(a, b) { fn() { [a, b] } } fn last(all) { for x in all { x } } pair(last([1]), 2)";

/// What is told of it by a verifier to which this is claimed of the stubs.
fn differences(claims: impl FnOnce(Claims) -> Claims + Send + 'static) -> String {
    let told = Arc::new(Mutex::new(String::new()));
    let all = told.clone();
    with_machine(gc::Options::default(), move |cx| {
        let vm = cx.vm();
        let tell = move |text: &str| all.lock().expect("no panic").push_str(text);
        vm.publisher.observe(Box::new(Verifier::new(claims(vm.helpers.claims()), Box::new(tell))));
        let namespace = declare::namespace(cx, "user").expect("a namespace");
        load::evaluate(cx, "<test>", PAIR, namespace).expect("a value");
    });
    told.lock().expect("no panic").clone()
}

/// False claims: what gives fresh memory is said to give a value.
fn without_fresh(mut claims: Claims) -> Claims {
    for claim in claims.values_mut().filter(|claim| claim.does == Does::Allocate) {
        claim.does = Does::Collect;
    }
    claims
}

/// All that is published comes to the verifier, and the claims matter: memory that is taken for a tagged word is no object yet.
#[test]
fn false_claims_of_stubs_are_told() {
    assert_eq!(differences(|claims| claims), "");
    let told = differences(without_fresh);
    assert!(told.contains("verify: user/pair"), "{told}");
    // Helpers that are said to take a number where they get a value.
    let told = differences(|mut claims| {
        claims.values_mut().filter(|claim| claim.takes == [Takes::Value]).for_each(|claim| claim.takes = &[Takes::Raw]);
        claims
    });
    assert!(told.contains("verify: user/last") && told.contains("the helper takes a number in "), "{told}");
}

/// Says to a copy of this test that it is the one that is to end.
const CHILD: &str = "HARRIER_TEST_FALSE_CLAIM";

/// A difference is told on stderr, the program goes on to its end, and then the status is 70, whatever it would have been. Not under
/// the emulator, where a process with threads starts no others.
#[test]
#[cfg(target_arch = "x86_64")]
fn a_difference_ends_the_process_with_its_own_status() {
    if let Some(claim) = std::env::var_os(CHILD) {
        with_machine(gc::Options::default(), move |cx| {
            let vm = cx.vm();
            let claims = vm.helpers.claims();
            harrier::cli::verify(vm, if claim == "false" { without_fresh(claims) } else { claims });
            let namespace = declare::namespace(cx, "user").expect("a namespace");
            load::evaluate(cx, "<test>", PAIR, namespace).expect("a value");
        });
        eprintln!("the program has come to its end");
        std::process::exit(harrier::runtime::system::console::finish(3, false));
    }
    let child = |claim: &str| {
        let name = "a_difference_ends_the_process_with_its_own_status";
        let mut command = std::process::Command::new(std::env::current_exe().expect("this test"));
        let output = command.args(["--exact", name, "--nocapture"]).env(CHILD, claim).output().expect("a child");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (status, told) = child("false");
    assert_eq!(status, Some(70), "{told}");
    assert!(told.contains("verify: user/pair+0x") && told.contains("\n  > "), "{told}");
    assert!(told.contains("the program has come to its end"), "{told}");
    let (status, told) = child("true");
    assert_eq!(status, Some(3), "{told}");
    assert!(!told.contains("verify:"), "{told}");
}
