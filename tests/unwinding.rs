//! The way from any instruction of generated code to its callers, instruction by instruction: a program is single-stepped (by the
//! processor's trap flag, and a handler of its signal in the same process, as a profiler's), and at each instruction of generated
//! code what we say of its callers is held against a shadow of the stack, which is made by watching calls alone:
//!
//! - the walk (`profile/stack.rs`) finds the true callers, for reports of faults, and for the sampler what a profile shows of them
//!   (`sample.rs`, `resolve.rs`);
//! - the unwind rows, in the form that perf gets, find the caller's frame, its return address and the registers that it keeps;
//! - bare frame pointers lose one caller at most, and only where the code map says that there is no frame.
//!
//! ARM64 has no such flag for a process itself, and the emulator none at all: there the rows are only read back
//! (`tests/gdb_images.rs`).

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[path = "common/machine.rs"]
mod machine;

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
#[test]
fn every_instruction_has_its_true_callers() {
    println!("every_instruction_has_its_true_callers is left out: no program steps itself on this machine");
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn every_instruction_has_its_true_callers() {
    stepping::test();
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod stepping {
    use std::cell::UnsafeCell;
    use std::collections::BTreeMap;
    use std::ops::Range;

    use gimli::{BaseAddresses, CfaRule, LittleEndian, Register, RegisterRule, UnwindContext, UnwindSection};
    use harrier::asm::code_map::{Function, Kind, View};
    use harrier::asm::disasm::Machine;
    use harrier::asm::masm::Frame;
    use harrier::gc::{self, Thread};
    use harrier::profile::eh_frame;
    use harrier::profile::registers::{self, Registers};
    use harrier::profile::resolve::Resolver;
    use harrier::profile::ring::Ring;
    use harrier::profile::sample::{self, Sample};
    use harrier::profile::stack::{Innermost, Interrupted, Known};
    use harrier::profile::tree::Tables;
    use harrier::runtime::load;
    use harrier::runtime::program::declare;

    use crate::machine::with_machine;

    /// Calls of all kinds: of itself, in tail position, through values, with many and with rest arguments, from Rust (a format), with
    /// a large frame; helpers, slow paths, exceptions through frames of Rust.
    const PROGRAM: &str = r#"
struct Point { x, y }
struct Named { name }
extend Named with Format { fn format(self, depth) { if self.name == "throws" { throw "format" }; let text = "<${self.name}>"; text } }
protocol Area { fn area(self) }
extend Point with Area { fn area(self) { self.x * self.y } }
fn fib(n) { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } }
fn even(n) { if n == 0 { true } else { odd(n - 1) } }
fn odd(n) { if n == 0 { false } else { even(n - 1) } }
fn many(a, b, c, d, e, f, g, h) { length([a, b, c, d, e, f, g, h]) + a }
fn rest(a, ...more) { a + length(more) }
fn less(a, b) { let d = area(a) - area(b); d < 0 }
fn fails(n) { if n == 0 { throw "deep" } else { fails(n - 1) + 1 } }
fn caught(n) { try { [fails(n)] } catch (e) { e ++ "!" } finally { area(Point { x: n, y: 1 }) } }
fn through(n) { try { length(map(fn(x) { fails(x) }, [n])) } catch (e) { 7 } }
fn shown(name) { try { to-string([Named { name }]) } catch (e) { e } finally { area(Point { x: 1, y: 1 }) } }
fn floats(n) { let mut s = 0.5; for i in range(0, n) { s = s * 1.5 + to-float(i) }; s }
fn large(n) { let mut x = 1; for i in range(1, n) { x = x * i }; x }
fn ints-then-floats(v) { let mut t = 0; for x in v { t = t + x }; t }
fn counter() { let mut n = 0; fn() { n = n + 1; n } }
fn wide(a, b) {
  let c = a + b; let d = c * 2; let e = d - a; let f = e * b; let g = f + c; let h = g - d; let i = h + e; let j = i * 3
  let k = [a, b, c, d, e, f, g, h, i, j]
  [fib(3), a, b, c, d, e, f, g, h, i, j, length(k)]
}
fn work(n) {
  let points = [Point { x: n, y: 2 }, Point { x: 1, y: 7 }, Point { x: 2, y: 2 }, Point { x: 5, y: 1 }]
  let add = fn(x) { x + n }
  let next = counter()
  next()
  [fib(11), even(9), many(1, 2, 3, 4, 5, 6, 7, 8), rest(n, 2, 3), length(sort(less, points)), caught(3), through(2), shown("n"),
   shown("throws"), floats(20), large(30), ints-then-floats([1, 2.5, n]), wide(n, 3), add(1), next(),
   apply(many, [n, 2, 3, 4, 5, 6, 7, 8]), reduce(fn(a, b) { a + b }, 0, range(0, 70)), {:a n, :b [n]}[:a], "${n}-${n + 1}",
   map(area, points)]
}
"#;

    /// The registers that functions keep, by their numbers in DWARF: rbx, rbp, r12 to r15.
    const KEPT: [(u16, &str); 6] = [(3, "rbx"), (6, "rbp"), (12, "r12"), (13, "r13"), (14, "r14"), (15, "r15")];

    /// A call that has not returned.
    #[derive(Clone, Copy)]
    struct Call {
        /// Where the return address lies, and what it is.
        at: usize,
        returns_to: usize,
        /// The registers in [`KEPT`] at the call.
        kept: [u64; 6],
    }

    /// What is known while the process is stepped.
    struct Stepping {
        known: Known,
        stack: Range<usize>,
        shadow: Vec<Call>,
        /// The instruction before: its address, and the stack pointer before it.
        last: (usize, usize),
        context: UnwindContext<usize>,
        /// The unwind rows of the parts that were met.
        rows: Vec<(Range<usize>, Vec<u8>)>,
        ring: Ring,
        resolver: Resolver,
        tables: Tables,
        steps: usize,
        /// Instructions by what there is of a frame: none, a pushed frame pointer, all.
        states: [usize; 3],
        /// At so many of them one caller is missing in the chain of frame pointers.
        lost: usize,
        /// How many instructions of each function.
        seen: BTreeMap<String, usize>,
        wrong: Vec<String>,
    }

    struct Shared(UnsafeCell<Option<Stepping>>);
    // SAFETY: only the thread that is stepped touches it.
    unsafe impl Sync for Shared {}
    static STEPPING: Shared = Shared(UnsafeCell::new(None));

    /// Sets or clears the flag that makes the processor stop after each instruction.
    fn step(on: bool) {
        // SAFETY: pushes and pops the flags, above what the compiler keeps there (it knows of the pushes).
        unsafe {
            if on {
                std::arch::asm!("pushfq", "or dword ptr [rsp], 0x100", "popfq");
            } else {
                std::arch::asm!("pushfq", "and dword ptr [rsp], 0xFFFFFEFF", "popfq");
            }
        }
    }

    extern "C" fn stepped(_signal: libc::c_int, _info: *mut libc::siginfo_t, context: *mut libc::c_void) {
        // SAFETY: only this handler uses it while the thread is stepped.
        let Some(stepping) = (unsafe { &mut *STEPPING.0.get() }) else { return };
        // SAFETY: the context of this handler.
        let (registers, named) = unsafe { (registers::walking(context), registers::named(context)) };
        let value = |name: &str| named.iter().find(|(n, _)| *n == name).map_or(0, |(_, v)| *v);
        stepping.watch(registers, KEPT.map(|(_, name)| value(name)));
    }

    impl Stepping {
        fn watch(&mut self, registers: Registers, kept: [u64; 6]) {
            let Registers { pc, sp, .. } = registers;
            let (last_pc, last_sp) = std::mem::replace(&mut self.last, (pc, sp));
            while self.shadow.last().is_some_and(|call| call.at < sp) {
                self.shadow.pop();
            }
            if sp.wrapping_add(8) == last_sp && is_call(last_pc) {
                // SAFETY: the top of this thread's stack.
                let returns_to = unsafe { *(sp as *const usize) };
                if (last_pc + 2..=last_pc + 8).contains(&returns_to) {
                    self.shadow.push(Call { at: sp, returns_to, kept });
                }
            }
            if self.known.code.contains(&pc) && self.wrong.len() < 40 {
                self.check(registers, kept);
            }
        }

        fn check(&mut self, registers: Registers, kept: [u64; 6]) {
            let Some(cx) = gc::mutator::attached::current() else { return };
            let vm = cx.vm();
            let Some(view) = vm.code_map.try_view() else { return };
            let Some(function) = view.function(registers.pc) else {
                self.wrong.push(format!("{:#x} is in no function", registers.pc));
                return;
            };
            if function.symbol() == "harrier::stub::land" {
                // An exception gives up the frames below the one that it lands in, whose frame pointer is there already.
                while self.shadow.last().is_some_and(|call| call.at < registers.fp + 8) {
                    self.shadow.pop();
                }
            }
            self.steps += 1;
            let offset = (registers.pc - function.start) as u32;
            let state = function.frame(offset);
            self.states[state as usize] += 1;
            *self.seen.entry(function.symbol().into_owned()).or_default() += 1;
            let mut complain = Vec::new();
            self.walk_from_anywhere(&view, cx, registers, &mut complain);
            self.walk_of_samples(&view, cx, registers, state, &mut complain);
            self.frame_pointers(&view, registers, state, &mut complain);
            self.unwind_rows(function, registers, kept, &mut complain);
            let place = format!("{}+{offset:#x} ({state:?})", function.symbol());
            self.wrong.extend(complain.into_iter().map(|what| format!("{place}: {what}")));
        }

        /// The callers, innermost first: where the bodies on the stack go on.
        fn truth(&self, view: &View<'_>) -> Vec<usize> {
            let all = self.shadow.iter().rev().map(|call| call.returns_to);
            all.filter(|back| view.caller(*back).is_some_and(is_body)).collect()
        }

        fn walk_from_anywhere(&self, view: &View<'_>, cx: &Thread, registers: Registers, complain: &mut Vec<String>) {
            // SAFETY: the stack of this thread.
            let here = unsafe { Interrupted::new(&self.known, registers, self.stack.clone(), cx.exit_frame()) };
            let bodies = here.calls(view).filter(|call| call.waits && is_body(call.function));
            let found: Vec<usize> = bodies.map(|call| call.pc).collect();
            let truth = self.truth(view);
            if found != truth {
                complain.push(format!("the walk finds {} instead of {}", named(view, &found), named(view, &truth)));
            }
        }

        /// What a profile would show, which tells repeated calls once.
        fn walk_of_samples(
            &mut self,
            view: &View<'_>,
            cx: &Thread,
            registers: Registers,
            state: Frame,
            complain: &mut Vec<String>,
        ) {
            let mut record = self.ring.begin(1);
            // SAFETY: the stack of this thread.
            let here = unsafe { Interrupted::new(&self.known, registers, self.stack.clone(), cx.exit_frame()) };
            sample::capture(&here, 0, &mut record);
            record.commit();
            let mut words = Vec::new();
            self.ring.drain(&mut |_, found| words.extend_from_slice(found));
            let mut once = |sample: &Sample<'_>| {
                let mut frames = self.resolver.stack(sample, view, &cx.vm().sources, &mut self.tables);
                frames.retain(|frame| {
                    !self.tables.functions[self.tables.frames[*frame as usize].function as usize]
                        .name
                        .starts_with("harrier::")
                });
                frames
            };
            let found = once(&Sample::read(&words).expect("it was captured"));
            // The instruction itself is told as if it were behind a call.
            let mut truth = vec![registers.pc as u64 + 1];
            let callers = self.shadow.iter().rev().map(|call| call.returns_to as u64);
            let mut callers: Vec<u64> =
                callers.filter(|back| view.caller(*back as usize).is_some_and(is_body)).collect();
            // The innermost one is found besides the others where there is no frame: then it may be told twice.
            let missed = state != Frame::Linked
                && self.shadow.last().is_some_and(|c| callers.first() == Some(&(c.returns_to as u64)));
            let first = if missed { Some(callers.remove(0)) } else { None };
            callers.dedup();
            truth.extend(first.into_iter().chain(callers));
            let truth =
                once(&Sample { activity: 0, innermost: Innermost::default(), addresses: &truth, is_cut: false });
            if found != truth {
                let name = |frame: &u32| {
                    let frame = self.tables.frames[*frame as usize];
                    format!("{}:{}", self.tables.functions[frame.function as usize].name, frame.line)
                };
                let names = |frames: &[u32]| frames.iter().map(name).collect::<Vec<_>>();
                complain.push(format!("a sample is {:?} instead of {:?}", names(&found), names(&truth)));
            }
        }

        /// Up to the first call from Rust: what a profiler sees that only follows frame pointers.
        fn frame_pointers(&mut self, view: &View<'_>, registers: Registers, state: Frame, complain: &mut Vec<String>) {
            let code = &self.known.code;
            let mut chain = Vec::new();
            let mut fp = registers.fp;
            while self.stack.contains(&fp) {
                // SAFETY: two words of this thread's stack.
                let (outer, back) = unsafe { (*(fp as *const usize), *((fp + 8) as *const usize)) };
                if !code.contains(&back) {
                    break;
                }
                chain.push(back);
                fp = outer;
            }
            let all = self.shadow.iter().rev().map(|call| call.returns_to);
            let truth: Vec<usize> = all.take_while(|back| code.contains(back)).collect();
            if chain == truth {
                return;
            }
            // In `enter` itself the frame pointer may be that of Rust still, or again.
            if state != Frame::Linked && truth.get(1..) == Some(&chain[..]) {
                self.lost += 1;
                return;
            }
            complain.push(format!("frame pointers: {} instead of {}", named(view, &chain), named(view, &truth)));
        }

        /// What perf gets to unwind with.
        fn unwind_rows(
            &mut self,
            function: &Function,
            registers: Registers,
            kept: [u64; 6],
            complain: &mut Vec<String>,
        ) {
            let Some(&caller) = self.shadow.last() else { return };
            if !self.rows.iter().any(|(range, _)| range.contains(&registers.pc)) {
                for (range, _) in function.parts() {
                    let (bytes, header) = eh_frame::sections(Machine::X64, function, &range).expect("rows");
                    let start = function.start + range.start as usize;
                    let rows = bytes[..bytes.len() - header].to_vec();
                    self.rows.push((start..start + range.len(), rows));
                }
            }
            let (range, bytes) =
                self.rows.iter().find(|(range, _)| range.contains(&registers.pc)).expect("it is in a part");
            let section = gimli::EhFrame::new(bytes, LittleEndian);
            let bases = BaseAddresses::default().set_eh_frame((range.start + range.len().next_multiple_of(8)) as u64);
            let found = section.unwind_info_for_address(
                &bases,
                &mut self.context,
                registers.pc as u64,
                gimli::EhFrame::cie_from_offset,
            );
            let row = match found {
                Ok(row) => row,
                Err(error) => return complain.push(format!("no unwind row: {error}")),
            };
            let CfaRule::RegisterAndOffset { register, offset } = row.cfa() else {
                return complain.push("an unwind row of another kind".into());
            };
            let base = match register {
                Register(7) => registers.sp,
                Register(6) => registers.fp,
                other => return complain.push(format!("{other:?} is the base of a frame")),
            };
            let cfa = base.wrapping_add_signed(*offset as isize);
            if cfa != caller.at + 8 {
                return complain.push(format!("the row's frame ends at {cfa:#x} instead of {:#x}", caller.at + 8));
            }
            // SAFETY: a word of a frame of this thread.
            let word = |offset: i64| unsafe { *(cfa.wrapping_add_signed(offset as isize) as *const u64) };
            match row.register(Register(16)) {
                Some(RegisterRule::Offset(offset)) if word(offset) == caller.returns_to as u64 => {}
                other => complain.push(format!("the row's return address is {other:?}")),
            }
            for (i, (number, name)) in KEPT.into_iter().enumerate() {
                let found = match row.register(Register(number)) {
                    Some(RegisterRule::Offset(offset)) => word(offset),
                    Some(RegisterRule::Undefined) if function.symbol() == "harrier::stub::land" => continue,
                    _ => kept[i],
                };
                if found != caller.kept[i] {
                    complain.push(format!("the row's {name} is {found:#x} instead of {:#x}", caller.kept[i]));
                }
            }
        }
    }

    fn is_body(function: &Function) -> bool {
        function.kind == Kind::Body
    }

    fn named(view: &View<'_>, addresses: &[usize]) -> String {
        let name = |at: &usize| match view.caller(*at) {
            Some(function) => format!("{}+{:#x}", function.symbol(), at - function.start),
            None => format!("{at:#x}"),
        };
        format!("[{}]", addresses.iter().map(name).collect::<Vec<_>>().join(", "))
    }

    /// Is the instruction a call?
    fn is_call(at: usize) -> bool {
        // SAFETY: it has just been executed, and code does not end within four bytes of a call.
        let [a, b, c, d] = unsafe { (at as *const [u8; 4]).read_unaligned() };
        let indirect = |opcode: u8, operand: u8| opcode == 0xFF && operand >> 3 & 7 == 2;
        let prefixed = a & 0xF0 == 0x40 && (b == 0xE8 || indirect(b, c));
        // Prefixes of the C library's calls through tables.
        let library = a == 0x67 && b == 0xE8 || a == 0xF2 && (indirect(b, c) || indirect(c, d));
        a == 0xE8 || indirect(a, b) || prefixed || library
    }

    pub fn test() {
        with_machine(gc::Options::default(), |cx| {
            let namespace = declare::namespace(cx, "user").expect("a namespace");
            let run = |cx: &mut Thread, text: &str| {
                load::evaluate(cx, "<test>", text, namespace).unwrap_or_else(|e| panic!("{e:?}"));
            };
            run(cx, PROGRAM);
            // Before: what is called for the first time is compiled, which is not what is looked at.
            run(cx, "work(4) work(3)");
            let vm = cx.vm();
            let (low, high) = cx.stack_bounds();
            let stepping = Stepping {
                known: Known::of(vm),
                stack: low..high,
                shadow: Vec::with_capacity(1 << 16),
                last: (0, 0),
                context: UnwindContext::new(),
                rows: Vec::new(),
                ring: Ring::new().expect("memory"),
                resolver: Resolver::default(),
                tables: Tables::default(),
                steps: 0,
                states: [0; 3],
                lost: 0,
                seen: BTreeMap::new(),
                wrong: Vec::new(),
            };
            // SAFETY: nobody steps yet; the handler has the signature that SA_SIGINFO asks for.
            unsafe {
                *STEPPING.0.get() = Some(stepping);
                let mut action = std::mem::zeroed::<libc::sigaction>();
                action.sa_sigaction = stepped as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO;
                assert_eq!(libc::sigaction(libc::SIGTRAP, &action, std::ptr::null_mut()), 0);
            }
            step(true);
            run(cx, "work(4)");
            step(false);
            // SAFETY: nobody steps any more.
            let Stepping { steps, states, lost, wrong, seen, .. } =
                unsafe { (*STEPPING.0.get()).take() }.expect("still there");
            assert!(wrong.is_empty(), "after {steps} instructions:\n{}", wrong.join("\n"));
            let [none, pushed, linked] = states;
            println!(
                "{steps} instructions of {} functions and stubs: {linked} with a frame, {none} without, {pushed} in between; at \
                 {lost} frame pointers alone lose one caller",
                seen.len()
            );
            assert!(steps >= 10_000, "only {steps} instructions");
            assert!(0 < lost && lost <= none + pushed);
            for name in ["enter", "throw", "propagate", "land"] {
                assert!(
                    seen.contains_key(&format!("harrier::stub::{name}")),
                    "{name} was not stepped through: {seen:?}"
                );
            }
        });
    }
}
