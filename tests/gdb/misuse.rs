//! What is asked for in a way that makes no sense, or where there is nothing to be asked for: each gets one line that says so.

use super::{assert_in_order, debug, gdb};

#[test]
fn values_in_expressions_are_numbers_and_mistakes_are_told() {
    let commands = "break twins.hr:4\nrun\npython\n\
        for c in ['p $hr(n)', 'p $hr(n) * 2', 'p $hr($hr(n))', 'p $hr()', 'p $hr(zzz)', 'p $hr(main)', 'p $hr_is(n)', 'p $hr(\"zzz\")', \
        'p $hr(0x14)', 'p $hr(0x04)', 'p !$hr(0x0c)', 'p $hr(12)', 'hr-bt x', 'hr-break', 'hr-header n']:\n    \
        try: print(c, '->', gdb.execute(c, to_string=True).strip())\n    \
        except gdb.error as problem: print(c, '->', problem)\nend\n";
    let text = debug(commands, "twins.hr");
    assert_in_order(
        &text,
        &[
            "p $hr(n) -> $1 = 3\n",
            "p $hr(n) * 2 -> $2 = 6\n",
            "p $hr($hr(n)) -> $3 = 3\n",
            "p $hr() -> write $hr(WORD)",
            "p $hr(zzz) -> No symbol \"zzz\"",
            "p $hr(main) -> $hr: no variable of this frame has this name",
            "p $hr_is(n) -> write $hr_is(",
            "p $hr(\"zzz\") -> $4 = <no longer kept>\n",
            "p $hr(0x14) -> $5 = true\n",
            "p $hr(0x04) -> $6 = null\n",
            "p !$hr(0x0c) -> $7 = 1\n",
            "p $hr(12) -> $8 = false\n",
            "hr-bt x -> hr-bt wants the number",
            "hr-break -> hr-break wants a function",
            "hr-header n -> n is no object: 3",
        ],
    );
    assert!(!text.contains("Python Exception"), "{text}");
}

/// Commands and functions with arguments of all kinds.
const ODD: &[&str] = &[
    "hr-header",
    "hr-header foo",
    "hr-header 1 2 )",
    "hr-header \"foo\"",
    "hr-header main",
    "hr-header $foo",
    "hr-header 99999999999999999999999",
    "hr-header 16",
    "hr-bt foo",
    "hr-bt -3",
    "hr-bt \u{b2}",
    "hr-locals foo",
    "hr-list foo",
    "hr-list \u{b2}",
    "hr-list 99999",
    "hr-watch foo",
    "hr-break",
    "hr-break twins.hr:4 if",
    "p $hr(1, 2)",
    "p $hr($foo)",
    "p $hr_is(1, 2)",
    "p $hr_is(1, \"a\", 3)",
    "p $hr_when()",
    "p $hr_when(9)",
    "p $hr_when(1, 2)",
];

/// Says each of them, and prints what comes back.
fn ask() -> String {
    let all: Vec<String> = ODD.iter().map(|command| format!("'{command}'")).collect();
    format!(
        "python\nfor c in [{}]:\n    try: print(c, '->', gdb.execute(c, to_string=True).strip())\n    \
        except gdb.error as problem: print(c, '->', problem)\nend\n",
        all.join(", ")
    )
}

/// Nothing of it is an exception of Python, which says where in the script it was and not what is wrong.
#[test]
fn odd_arguments_are_told_in_a_line() {
    let text = debug(&format!("break twins.hr:4\nrun\n{}", ask()), "twins.hr");
    assert_in_order(
        &text,
        &[
            "hr-header -> hr-header wants a word or a variable",
            "hr-header foo -> hr-header foo: No symbol \"foo\" in current context; the variables are d, n\n",
            "hr-header 1 2 ) -> hr-header 1 2 ): ",
            "-> hr-header \"foo\": no variable has this name here; the variables are d, n\n",
            "hr-header main -> hr-header main: ",
            "hr-header $foo -> hr-header $foo: ",
            "hr-header 16 -> 0x10: 0x10 cannot be read\n",
            "hr-bt foo -> hr-bt wants the number of functions to show, not foo\n",
            "hr-locals foo -> hr-locals shows all variables",
            "hr-list foo -> hr-list wants the number of a line, not foo\n",
            "hr-list 99999 -> twins.hr has 59 lines\n",
            "hr-watch foo -> there is no variable foo here: ",
            "hr-break -> hr-break wants a function",
            "hr-break twins.hr:4 if -> hr-break wants a condition behind if",
            "p $hr(1, 2) -> write $hr(WORD)",
            "p $hr_when() -> there is no condition: write",
            "p $hr_when(9) -> there is no condition 9: write",
        ],
    );
    assert!(!text.contains("Python") && !text.contains("invoke()"), "{text}");
}

/// Before the program runs there is nothing to show, nor is there anything without a program.
#[test]
fn without_a_program_it_is_said() {
    let harrier = super::common::harrier();
    for arguments in [&[][..], &[&*harrier.to_string_lossy()][..]] {
        let text = gdb(&ask(), arguments);
        assert!(text.matches("-> there is no Harrier program here: ").count() >= 16, "{text}");
        assert!(!text.contains("Python") && !text.contains("invoke()"), "{text}");
    }
}
