//! Nothing that is fed to `harrier` ends it by a signal or a panic: texts, programs, pipes, limits.
//!
//! Every case runs the program as a process with a limit of time, and says what status it must end with.

#![cfg(unix)]

mod common;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The time that one case may take, with room for a slow machine.
const LIMIT: Duration = Duration::from_secs(120);

/// How a process ended.
struct Outcome {
    status: i32,
    out: String,
    err: String,
}

/// A file with a program, which goes when the value goes.
struct File(PathBuf);

impl File {
    fn new(text: &[u8]) -> File {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("harrier-hostile-{}-{number}.hr", std::process::id()));
        std::fs::write(&path, text).expect("a file");
        File(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

fn command(options: &[&str], file: &File) -> Command {
    let mut command = Command::new(common::harrier());
    command.args(options).arg(&file.0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Reads all of a pipe in a thread of its own.
fn drain(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _all = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for the end, and looks at how it came.
fn finish(name: &str, mut child: Child) -> Outcome {
    let (out, err) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let limit = Instant::now() + common::patient(LIMIT);
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if Instant::now() > limit {
            child.kill().expect("kill");
            child.wait().expect("the end");
            panic!("{name}: it does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let (out, err) = (out.join().expect("stdout"), err.join().expect("stderr"));
    let shown: String = err.chars().take(2000).collect();
    assert_eq!(status.signal(), None, "{name}: died by a signal\n{shown}");
    assert!(!err.contains("panicked") && !err.contains("internal error"), "{name}: {shown}");
    Outcome { status: status.code().expect("a status"), out, err }
}

fn run(name: &str, options: &[&str], text: &[u8]) -> Outcome {
    let file = File::new(text);
    finish(name, command(options, &file).spawn().expect("harrier"))
}

/// Runs a program that must end with the status.
fn ends(name: &str, text: impl AsRef<[u8]>, status: i32) -> Outcome {
    let outcome = run(name, &[], text.as_ref());
    assert_eq!(outcome.status, status, "{name}: {}", outcome.err.chars().take(2000).collect::<String>());
    outcome
}

/// Runs a program that must print the text.
fn prints(name: &str, options: &[&str], text: &str, expected: &str) {
    let Outcome { status, out, err } = run(name, options, text.as_bytes());
    let err: String = err.chars().take(2000).collect();
    assert_eq!((status, out.as_str()), (0, expected), "{name}: {err}");
}

fn listed(count: usize, mut item: impl FnMut(usize) -> String) -> String {
    (0..count).map(&mut item).collect::<Vec<_>>().join(", ")
}

// ---- texts ----

#[test]
fn texts_that_are_no_programs() {
    ends("empty", "", 0);
    ends("only a mark", "\u{FEFF}", 0);
    ends("only line feeds", "\n".repeat(100_000), 0);
    ends("zeros", [0u8; 300], 1);
    ends("garbage", (0..10_000u32).map(|i| (i.wrapping_mul(i).wrapping_mul(31) >> 3) as u8).collect::<Vec<_>>(), 2);
    let garbage: Vec<u8> = (0..10_000u32).map(|i| 32 + ((i * 7919 + i * i * 31) % 95) as u8).collect();
    ends("garbage in ASCII", garbage, 1);
}

#[test]
fn long_lines() {
    let x = "x".repeat(1 << 20);
    prints("string", &[], &format!("println(length(\"{x}\"))"), "1048576\n");
    prints("name", &[], &format!("let {x} = 5 println({x})"), "5\n");
    prints("comment", &[], &format!("// {x}"), "");
    prints("literal", &[], &format!("println(count([{}]))", listed(150_000, |i| i.to_string())), "150000\n");
    prints("chain", &[], &format!("println(1{})", " + 1".repeat(1 << 16)), "65537\n");
}

#[test]
fn nested_text() {
    const BRACKETS: &[(&str, &str)] = &[
        ("[", "]"),
        ("(", ")"),
        ("#{", "}"),
        ("{:a ", "}"),
        ("f(", ")"),
        ("fn() { ", " }"),
        ("if true { ", " }"),
        ("match 1 { 1 => ", " }"),
        ("try { ", " } catch (e) { 0 }"),
        ("\"${", "}\""),
        ("1 + (", ")"),
        ("while false { ", " }"),
        ("return ", ""),
    ];
    for (open, close) in BRACKETS {
        for deep in [250, 10_000] {
            let head = format!("fn f(x) {{ x }}  fn main() {{ let y = {}1", open.repeat(deep));
            let outcome = ends(open, format!("{head}{} println(y) }}", close.repeat(deep)), 1);
            assert!(outcome.err.contains("nested too deeply"), "{open}: {}", outcome.err);
            ends(open, &head, 1);
        }
    }
    for (open, close) in [("[", "]"), ("f(", ")"), ("{:a ", "}"), ("1 + (", ")"), ("\"${", "}\"")] {
        let text =
            format!("fn f(x) {{ x }}  fn main() {{ let y = {}1{} println(0) }}", open.repeat(240), close.repeat(240));
        prints(open, &[], &text, "0\n");
    }
}

#[test]
fn large_literals() {
    let f = "fn f(x) { x }  fn main()";
    let all = listed(10_000, |i| format!("f({i})"));
    prints("vector", &[], &format!("{f} {{ let v = [{all}] println(count(v), v[9999]) }}"), "10000 9999\n");
    prints("set", &[], &format!("{f} {{ println(count(#{{{all}}})) }}"), "10000\n");
    let all = listed(10_000, |i| format!("(f({i})) f({})", i + 1));
    prints("map", &[], &format!("{f} {{ let m = {{{all}}} println(count(m), m[9999]) }}"), "10000 10000\n");
    let all: String = (0..10_000).map(|i| format!("${{f({})}}", i % 10)).collect();
    prints("string", &[], &format!("{f} {{ println(length(\"{all}\")) }}"), "10000\n");
}

#[test]
fn calls_with_many_arguments() {
    let mut text = String::from("fn many(...xs) { [count(xs), sum(xs)] }\nfn two(a, b) { a + b }\n");
    let mut main = String::new();
    for n in (0..=20).chain((25..=240).step_by(5)).chain(241..=250) {
        let arguments = listed(n, |i| i.to_string());
        let params = listed(n, |i| format!("a{i}"));
        let sum = if n == 0 { "0".into() } else { params.replace(", ", " + ") };
        writeln!(text, "fn call{n}(f) {{ f({arguments}) }}\nfn take{n}({params}) {{ [{n}, {sum}] }}").expect("a text");
        let total = n * n.saturating_sub(1) / 2;
        let two = if n == 2 { "1" } else { ":arity" };
        writeln!(main, "assert-eq!(call{n}(many), [{n}, {total}])  assert-eq!(call{n}(take{n}), [{n}, {total}])")
            .expect("a text");
        writeln!(main, "assert-eq!(try {{ call{n}(two) }} catch (SystemError.ArityError {{ }}) {{ :arity }}, {two})")
            .expect("a text");
    }
    prints("calls", &[], &format!("{text}fn main() {{ {main} println(\"ok\") }}"), "ok\n");
    // One more by the pipe, two more by a pipe into a method.
    let all = listed(250, |i| i.to_string());
    let piped = format!(
        "fn many(...xs) {{ count(xs) }}  struct P {{ }}  extend P {{ fn go(self, ...xs) {{ count(xs) }} }}
         fn main() {{ println(1 |> many({all}), 1 |> (P {{ }}).go({all}), (P {{ }}).go({all})) }}"
    );
    prints("piped", &[], &piped, "251 251 250\n");
    for n in [251, 256, 257, 300, 1000] {
        let all = listed(n, |i| i.to_string());
        let outcome = ends("too many", format!("fn main() {{ let f = fn(...xs) {{ xs }} println(f({all})) }}"), 1);
        assert!(outcome.err.contains("a call with more than 250 arguments"), "{}", outcome.err);
        let outcome = ends("too many", format!("fn f({}) {{ 0 }}", listed(n, |i| format!("a{i}"))), 1);
        assert!(outcome.err.contains("more than 250 parameters"), "{}", outcome.err);
        prints("applied", &[], &format!("println(count(apply(fn(...xs) {{ xs }}, range(0, {n}))))"), &format!("{n}\n"));
    }
}

// ---- programs ----

#[test]
fn deep_recursion() {
    const CAUGHT: &str = r#"
struct S { x }
extend S with Format { fn format(self, d) { "<" ++ to-string(self) ++ ">" } }
extend S with Comparable { fn compare-to(self, o) { compare(self, o) + 1 } }
fn deep(n) { 1 + deep(n + 1) }
fn ends(x) { if x == 0 { 0 } else { 1 + ends(x - 1) } }
fn cleans(x) { try { 1 + cleans(x) } finally { ends(x) } }
fn what(f) { print(try { f() } catch (SystemError.StackOverflow { }) { :o }, "") }
fn main() {
    for i in range(0, 10) { what(fn() { deep(0) }) }
    what(fn() { to-string(S { x: 1 }) })
    what(fn() { S { x: 1 } < S { x: 2 } })
    what(fn() { sort([S { x: 1 }, S { x: 2 }]) })
    let mut f = null
    f = fn(x) { 1 + sum(map(f, [x])) }
    what(fn() { f(1) })
    fn sorts(x) { sort-with(fn(a, b) { sorts(x) }, [1, 2, 3]) }
    what(fn() { sorts(1) })
    what(fn() { eval("fn _ev(x) { 1 + eval(\"_ev(1)\") }  _ev(1)") })
    what(fn() { cleans(100) })
    for t in map(fn(i) { thread(fn() { deep(i) }) }, range(0, 4)) { what(fn() { join(t) }) }
    println()
}
"#;
    prints("caught", &[], CAUGHT, &format!("{}\n", ":o ".repeat(21)));
    let outcome = ends("uncaught", "fn deep(n) { 1 + deep(n + 1) }  fn main() { deep(0) }", 1);
    assert!(outcome.err.contains("StackOverflow") && outcome.err.len() < 4000, "{}", outcome.err);
}

#[test]
fn deep_values() {
    const DEEP: &str = r#"
struct L { next }
fn nest(n) { let mut v = [] for i in range(0, n) { v = [v] } v }
fn main() {
    let a = nest(100000)
    let b = nest(100000)
    println(length(to-string(a)), length(repr(a)), a == b, contains?(#{a}, b), {(a) 1}[b], length(json-encode(a)))
    println(set-contains?(into-set(concat(range(0, 100), [a])), b), try { throw a } catch (e) { e == b })
    println(json-decode(repeat-string("[", 100001) ++ repeat-string("]", 100001)) == a)
    println(try { eval(repeat-string("[", 100000)) } catch (SystemError.ParseError { }) { :parse })
    gc()
    let mut l = null
    let mut m = null
    let mut k = null
    let mut s = null
    // Maps take more of the stack, above all in a debug build.
    for i in range(0, 20000) { l = L { next: l } m = {:a m} k = {(k) 1} s = #{s} }
    println(length(to-string(l)), l == L { ...l }, length(to-string(m)), m == {:a m[:a]}, length(to-string(s)), count(k))
    gc()
    throw a
}
"#;
    let outcome = ends("deep", DEEP, 1);
    let expected = "200002 200002 true true 1 200002\ntrue true\ntrue\n:parse\n240004 true 100004 true 60004 1\n";
    assert_eq!(outcome.out, expected);
}

#[test]
fn values_that_hold_themselves() {
    const CYCLES: &str = r#"
use mutable-array as array
struct Node { mut next, mut other }
fn node() { let a = Node { next: null, other: 1 } a.next = a a }
fn main() {
    let a = node()
    let b = node()
    println(a, a == a, a == b, count(#{a, b}), {(a) 1}[a])
    let x = array/new-array(3)
    x[0] = x
    x[1] = [x, a]
    println(x, x == x)
    let at = atom(null)
    reset!(at, [at, {(at) at}])
    println(at, at == at)
    println(try { json-encode(a) } catch (e) { :json }, try { json-encode(x) } catch (e) { :json })
    throw a
}
"#;
    let outcome = ends("cycles", CYCLES, 1);
    let lines: Vec<&str> = outcome.out.lines().collect();
    assert_eq!(lines.len(), 4, "{}", outcome.out);
    assert!(lines[0].starts_with("Node { next: …, other: 1 } true "), "{}", lines[0]);
    assert_eq!(lines[1], "array[…, […, Node { next: …, other: 1 }], null] true");
    assert_eq!(lines[3], ":json :json");
}

#[test]
fn throwing_in_odd_places() {
    const THROWS: &str = r#"
struct F { x }
extend F with Format { fn format(self, d) { throw :format } }
struct F2 { x }
extend F2 with Format { fn format(self, d) { 5 } }
struct C { x }
extend C with Comparable { fn compare-to(self, o) { throw :compare } }
struct C2 { x }
extend C2 with Comparable { fn compare-to(self, o) { "no number" } }
struct H { x }
extend H with Hashable { fn hash-of(self) { throw :hash } }
struct D { x: throw :default }
struct S { x }
extend S with Seqable { fn seq(self) { throw :seq } }
let dynamic dyn = 1
fn what(f) { print(try { f() :nothing } catch (e) { if keyword?(e) { e } else { e.message |> fn(m) { :error } } }, "") }
fn main() {
    what(fn() { to-string(F { x: 1 }) })
    what(fn() { println([1, F { x: 1 }]) })
    what(fn() { "${F { x: 1 }}" })
    what(fn() { to-string(F2 { x: 1 }) })
    what(fn() { C { x: 1 } < C { x: 2 } })
    what(fn() { sort([C { x: 1 }, C { x: 2 }, C { x: 3 }]) })
    what(fn() { sort([C2 { x: 1 }, C2 { x: 2 }]) })
    what(fn() { hash-of(H { x: 1 }) })
    what(fn() { D { } })
    what(fn() { try { 1 } finally { throw :finally } })
    what(fn() { try { throw :a } finally { throw :b } })
    what(fn() { try { throw :a } catch (e) { throw :c } finally { 1 } })
    what(fn() { binding (dyn = throw :binding) { 1 } })
    what(fn() { for x in (S { x: 1 }) { x } })
    what(fn() { swap!(atom(1), fn(x) { throw :swap }) })
    what(fn() { join(thread(fn() { throw :thread })) })
    what(fn() { match 5 { x if throw :guard => 1 } })
    what(fn() { fn f() { try { return 1 } finally { throw :return } } f() })
    what(fn() { while true { try { break } finally { throw :break } } })
    println(dyn)
    throw F { x: 1 }
}
"#;
    let outcome = ends("throws", THROWS, 1);
    let expected = ":format :format :format :error :compare :compare :error :hash :default :finally :b :c :binding :seq :swap \
                    :thread :guard :return :break 1\n";
    assert_eq!(outcome.out, expected);
}

// ---- memory and threads ----

const BOMBS: &str = r#"
let kept = atom([])
fn strings() { let mut s = "x" while true { s = s ++ s } }
fn vectors() { let mut v = [] while true { v = push(v, [v, 1.5]) } }
fn bigs() { let mut n = 3 while true { n = n * n } }
fn closures() { let mut f = fn() { 0 } while true { let g = f f = fn() { g } } }
fn maps() { let mut m = {} let mut i = 0 while true { m = assoc(m, "k${i}", i) i = i + 1 } }
fn repeats() { repeat-string("abc", 1000000000) }
fn ranges() { vec(range(0, 1000000000000)) }
fn pads() { pad-left("x", 1 << 40, "y") }
fn shifts() { 1 << 4000000000 }
fn atoms() { while true { swap!(kept, push, [1, 2, 3]) } }
"#;

#[test]
fn memory_that_runs_out() {
    let names = ["strings", "vectors", "bigs", "closures", "maps", "repeats", "ranges", "pads", "shifts", "atoms"];
    for name in names {
        let outcome = run(name, &["--max-heap=16m"], format!("{BOMBS}fn main() {{ {name}() }}").as_bytes());
        assert_eq!(outcome.status, 1, "{name}: {}", outcome.err);
        assert!(outcome.err.contains("OutOfMemory"), "{name}: {}", outcome.err);
    }
    let all = names.join(", ");
    let caught = format!(
        "{BOMBS}fn safely(f) {{ try {{ f() }} catch (SystemError.OutOfMemory {{ }}) {{ :m }} }}
         fn main() {{
             for f in [{all}] {{ print(safely(f), \"\") }}
             reset!(kept, null)
             // All are ready before the first takes what memory there is.
             let go = atom(false)
             let ready = fn(f) {{ thread(fn() {{ while !deref(go) {{ sleep(1) }} f() }}) }}
             let joins = map(fn(f) {{ let t = ready(f) fn() {{ join(t) }} }}, [vectors, closures, maps])
             reset!(go, true)
             for wait in joins {{ print(safely(wait), \"\") }}
             println(count(vec(range(0, 1000))))
         }}"
    );
    prints("caught", &["--max-heap=16m"], &caught, &format!("{}1000\n", ":m ".repeat(names.len() + 3)));
}

#[test]
fn threads_that_share() {
    const SWAPS: &str = r#"
let a = atom([])
fn main() {
    let ts = map(fn(t) {
        thread(fn() { for i in range(0, 100) { swap!(a, fn(v) { push(v, "${t}-${i}") }) } t })
    }, range(0, 8))
    println(sum(map(join, ts)), count(deref(a)), count(into-set(deref(a))))
}
"#;
    prints("swaps", &["--gc-always", "--gc-verify"], SWAPS, "28 800 800\n");
    ends("exit", "fn main() { thread(fn() { sleep(20) exit(3) })  while true { } }", 3);
    ends("exit of a sleeper", "fn main() { thread(fn() { sleep(20) exit(3) })  sleep(1000000) }", 3);
}

// ---- pipes and signals ----

#[test]
fn pipes_that_close() {
    // `| head -1`
    let file = File::new(b"fn main() { let mut i = 0 while true { println(\"line\", i) i = i + 1 } }");
    let mut child = command(&[], &file).spawn().expect("harrier");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
    assert_eq!(line, "line 0\n");
    let outcome = finish("head", child);
    assert_eq!((outcome.status, outcome.err.as_str()), (0, ""));
    // No stdin, no stdout, neither, no stderr.
    let file = File::new(b"use io\nfn main() { println(read-line(), io/read-line(), io/read-all()) }");
    let ended = "null Result.Ok { value: null } Result.Ok { value: \"\" }\n";
    for closed in [&[0][..], &[1], &[0, 1], &[0, 1, 2], &[2]] {
        let mut command = command(&[], &file);
        // SAFETY: only closes, which may be done between fork and exec.
        unsafe {
            command.pre_exec(move || {
                closed.iter().for_each(|fd| {
                    libc::close(*fd);
                });
                Ok(())
            })
        };
        let outcome = finish("closed", command.spawn().expect("harrier"));
        assert_eq!(outcome.status, 0, "without {closed:?}: {}", outcome.err);
        assert_eq!(outcome.out, if closed.contains(&1) { "" } else { ended }, "without {closed:?}");
    }
    // A program that comes in pieces.
    let mut child = Command::new(common::harrier());
    let child = child.arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().expect("harrier");
    let mut stdin = child.stdin.take().expect("stdin");
    for piece in ["fn main() { print", "ln(\"h\u{e9}\")", " }\n"] {
        stdin.write_all(piece.as_bytes()).expect("a piece");
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(stdin);
    let outcome = finish("pieces", child);
    assert_eq!((outcome.status, outcome.out.as_str()), (0, "h\u{e9}\n"));
}

#[test]
fn the_interrupt_key() {
    let loops = [
        ("fn main() { eprintln(1) while true { } }", 130, ""),
        ("fn f(n) { f(n + 1) }  fn main() { eprintln(1) f(0) }", 130, ""),
        ("fn main() { eprintln(1) sleep(1000000) }", 130, ""),
        // The last builtin of a program, which does not look for the key.
        ("fn main() { eprintln(1) replace(repeat-string(\"a\", 60000000), \"a\", \"bb\") }", 130, ""),
        ("eprintln(1)\nreplace(repeat-string(\"a\", 60000000), \"a\", \"bb\")", 130, ""),
        ("fn main() { eprintln(1) join(thread(fn() { while true { } })) }", 130, ""),
        ("fn main() { eprintln(1) try { while true { } } finally { println(:cleaned) } }", 130, ":cleaned\n"),
        ("fn main() { eprintln(1) try { while true { } } catch (e) { println(:caught) } }", 130, ""),
        ("fn main() { eprintln(1) try { while true { } } catch (_) { println(:caught) } }", 130, ""),
        ("fn main() { eprintln(1) try { while true { } } catch (Interrupt { }) { println(:caught) } }", 0, ":caught\n"),
        ("fn main() { eprintln(1) try { while true { } } catch (Interrupt { } | _) { println(:all) } }", 0, ":all\n"),
    ];
    for (text, status, out) in loops {
        let file = File::new(text.as_bytes());
        let mut child = command(&[], &file).spawn().expect("harrier");
        let mut first = [0];
        child.stderr.as_mut().expect("stderr").read_exact(&mut first).expect("it runs");
        std::thread::sleep(Duration::from_millis(100));
        // SAFETY: a signal to a child of ours that has not been waited for.
        unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGINT) };
        let outcome = finish(text, child);
        assert_eq!((outcome.status, outcome.out.as_str()), (status, out), "{text}: {}", outcome.err);
    }
}
