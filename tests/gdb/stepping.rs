//! Steps of gdb from line to line, into functions, over calls and out of them.

use super::{assert_in_order, debug};

/// Who steps over what throws stops where that is caught.
#[test]
fn a_step_ends_where_the_exception_is_caught() {
    for (from, steps) in [("23 if $hr(n) == 3", "next"), ("23 if $hr(n) == 3", "step"), ("31 if $hr(n) == 3", "next")] {
        let text = debug(&format!("break twins.hr:{from}\nrun\necho [{steps}]\\n\n{steps}\nbt 1\nnext\n"), "twins.hr");
        let wanted =
            [&format!("[{steps}]") as &str, "#0", "twins/careful (", ") at twins.hr:32", "33\t    result = 0 - 1"];
        assert_in_order(&text, &wanted);
    }
}

/// `step` goes into a function at its first call, whatever finds it: the name's cell, what packs rest arguments, a method's table, the
/// function's own entry, `apply`.
#[test]
fn a_step_goes_into_a_function_at_its_first_call() {
    let commands = "break steps.hr:53\nrun\nstep\nbt 2\nfinish\nadvance 54\nstep\nbt 2\nfinish\nadvance 56\nstep\nbt 2\nfinish\n\
        tbreak steps.hr:36\ncontinue\nstep\nbt 2\nfinish\ntbreak steps.hr:59\ncontinue\nstep\nbt 1\n";
    let text = debug(commands, "steps.hr");
    assert_in_order(
        &text,
        &[
            "53\t  let a = leaf(1)",
            "#0  steps/leaf (x=1) at steps.hr:11",
            "#1  ",
            "steps/main () at steps.hr:53",
            "54\t  let b = add-all(a, 2, 3)",
            "#0  steps/add-all (first=2, rest=[2, 3]) at steps.hr:17",
            "#1  ",
            "steps/main () at steps.hr:54",
            "56\t  let c = shape.area()",
            "#0  steps/area (self=Square { side: 4 }) at steps.hr:6",
            "#1  ",
            "steps/main () at steps.hr:56",
            "36\t  let y = f(x)",
            ") at steps.hr:58",
            "#1  ",
            "steps/call (",
            ") at steps.hr:36",
            "59\t  let f = apply(factorial, [4])",
            "#0  steps/factorial (n=4) at steps.hr:28",
        ],
    );
    assert!(!text.contains("harrier::stub::thunks ()") && !text.contains("resolve_"), "{text}");
}

/// Nor does a call in tail position lead anybody into a stub, be it the first of its function or not.
#[test]
fn a_step_over_a_call_in_tail_position_ends_in_the_function() {
    let calls = [(24, "leaf(a)", "leaf (x=2) at steps.hr:11"), (49, "spin(n)", "spin (n=0) at steps.hr:4")];
    for (step, (line, call, function)) in ["next", "step"].into_iter().flat_map(|step| calls.map(|call| (step, call))) {
        let text = debug(&format!("break steps.hr:{line}\nrun\n{step}\n{step}\nbt 2\n"), "steps.hr");
        let (call, function) = (format!("{line}\t  {call}"), format!("#0  steps/{function}"));
        assert_in_order(&text, &[&call, &function, "#1  ", "steps/main ()"]);
    }
}

/// Who steps out of a function that has called itself is in the turn before.
#[test]
fn a_step_out_of_a_recursion_ends_in_the_turn_before() {
    let commands = "break steps.hr:32 if $hr(n) == 2\nrun\nbt 2\nnext\nbt 1\nnext\nbt 1\nnext\nbt 1\n";
    let text = debug(commands, "steps.hr");
    assert_in_order(
        &text,
        &[
            "steps/factorial (n=2) at steps.hr:32",
            "32\t  n * rest",
            "#0  steps/factorial (n=3) at steps.hr:32",
            "32\t  n * rest",
            "#0  steps/factorial (n=4) at steps.hr:32",
            "#0  steps/main () at steps.hr:60",
        ],
    );
}

/// Each `next` ends in the same turn, or in the one before when that has ended.
#[test]
fn a_next_stays_in_its_turn_or_goes_to_the_one_before() {
    let walk = "\
def turns():
    return [function_of(f).name for f, _ in frames() if (function_of(f) or f) is not f and function_of(f).kind == 0]
for at in ('3', '4 if $hr(n) == 2', '9 if $hr(n) == 3', '14 if $hr(n) == 2', '18 if $hr(n) == 1', '21 if $hr(n) == 0', '32', '35',
           '45 if $hr(n) == 3', '47 if $hr(n) == 0'):
    gdb.execute('tbreak turns.hr:' + at, to_string=True)
    gdb.execute('continue' if gdb.selected_inferior().pid else 'run', to_string=True)
    now = turns()
    print('FROM', at, len(now))
    for _ in range(40):
        before, line = now, gdb.selected_frame().find_sal().line
        gdb.execute('next', to_string=True)
        now = turns()
        stays = len(before) - 1 <= len(now) <= len(before) and before[len(before) - len(now) + 1:] == now[1:]
        print('GOES' if stays else 'LEAVES ITS TURN', before[0], line, 'to', now[0], gdb.selected_frame().find_sal().line)
        if len(now) == 1: break
";
    let text = debug(&format!("python\n{walk}end\n"), "turns.hr");
    assert!(!text.contains("LEAVES ITS TURN") && !text.contains("Error"), "{text}");
    assert_eq!(text.matches("FROM").count(), 10, "{text}");
    assert!(text.matches("GOES").count() > 40, "{text}");
}

/// Where a function ends that the caller has called in the midst of its last line it is there.
#[test]
fn a_finish_ends_in_the_line_of_the_call() {
    let text = debug("break turns.hr:3 if $hr(n) == 0\nrun\nfinish\nbt 1\nhr-bt 2\n", "turns.hr");
    assert_in_order(
        &text,
        &[
            " in turns/factorial (n=...) at ./turns.hr:4\n4\t  n * factorial(n - 1)\n",
            " in turns/factorial (n=<no longer kept>) at turns.hr:4",
            "#0   turns/factorial (n = <no longer kept>) at turns.hr:4",
        ],
    );
}
