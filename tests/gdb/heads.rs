//! Breakpoints on lines that have no code of their own: heads of functions that are in place of their calls, lines of one arity.

use super::{assert_in_order, debug};

/// Where a breakpoint on each of these lines of `heads.hr` stops: function, line, and what these variables are there.
fn stops(line: u32, names: &str) -> Vec<String> {
    let look = format!(
        "while gdb.selected_inferior().pid:\n    frame = gdb.selected_frame()\n    \
        shown = [text_of(variable_named(name)) for name in '{names}'.split()]\n    \
        print('SEEN', frame.name().split('/')[1], frame.find_sal().line, *shown)\n    \
        gdb.execute('continue', to_string=True)\n"
    );
    let text = debug(&format!("break heads.hr:{line}\nrun\npython\n{look}end\n"), "heads.hr");
    assert!(!text.contains("Python Exception") && !text.contains("Error in"), "{text}");
    text.lines().filter_map(|line| line.strip_prefix("SEEN ")).map(str::to_string).collect()
}

/// The function has no code but in its callers: who stops at its head is at its first line there.
#[test]
fn the_head_of_a_function_in_place_is_where_it_begins() {
    assert_eq!(stops(11, "x"), ["twice 14 1", "twice 14 2"]);
    // So are its lines without code.
    assert_eq!(stops(12, "x"), ["twice 14 1", "twice 14 2"]);
    // All arities, as often as they are called.
    assert_eq!(stops(17, "w"), ["area 19 1", "area 23 10", "area 19 2", "area 23 10"]);
}

/// A line stands for the next one of its own arity.
#[test]
fn a_line_of_an_arity_is_met_in_that_arity() {
    assert_eq!(stops(18, "w"), ["area 19 1", "area 19 2"]);
    assert_eq!(stops(21, "h"), ["area 23 1", "area 23 2"]);
    assert_eq!(stops(22, "w h"), ["area 23 10 1", "area 23 10 2"]);
    assert_eq!(stops(29, "n"), ["factorial 30 3"]);
    assert_eq!(stops(32, "n done"), ["factorial 33 3 1", "factorial 33 2 3", "factorial 33 1 6", "factorial 33 0 6"]);
    assert_eq!(stops(28, "n")[0], "factorial 30 3");
}

/// The parameters of an arity in place have names also where they are kept nowhere, and their order.
#[test]
fn parameters_of_arities_in_place_have_names() {
    let text = debug("break heads.hr:42\nrun\nbt 1\nhr-bt 1\n", "heads.hr");
    let wanted =
        ["#0  heads/only (a=<no longer kept>, b=2) at heads.hr:42", "#0   heads/only (a = <no longer kept>, b = 2)"];
    assert_in_order(&text, &wanted);
}
