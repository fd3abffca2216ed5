//! The words and signs of the language, which are no values and so have no doc comment: what each looks like.
//!
//! Owns the one table of them. A test holds it to the reader: no reserved word is without a line.

/// A form, or several that belong together.
pub struct Form {
    /// What is asked for.
    pub names: &'static [&'static str],
    /// What it looks like and does.
    pub what: &'static str,
}

const fn form(names: &'static [&'static str], what: &'static str) -> Form {
    Form { names, what }
}

/// The form of a word or sign.
pub fn find(name: &str) -> Option<&'static Form> {
    FORMS.iter().find(|form| form.names.contains(&name))
}

/// All forms.
pub const FORMS: &[Form] = &[
    form(
        &["if", "else"],
        "if condition { a } else { b }: gives a or b; without `else`, null when the condition is false or null",
    ),
    form(
        &["match", "=>"],
        "match value { 1 => a, [x, y] if x > y => b, Point { x } => c, _ => d }: the first arm that fits",
    ),
    form(
        &["let", "mut", "dynamic"],
        "let name = value; inside of a function, `let mut name = value` can be assigned: name = other; \
         `let dynamic name = value` can be bound for the time of a block: binding (name = other) { … }",
    ),
    form(&["letonce"], "letonce name = value: keeps its value when its text is loaded again"),
    form(
        &["fn"],
        "fn name(a, b) { … }; without a name, fn(a, b) { … }; with several arities, fn name { (a) => …, (a, b) => … }",
    ),
    form(&["for", "in"], "for x in collection { … }; for [key, value] in map { … }: the last value of the body"),
    form(&["while"], "while condition { … }: the last value of the body"),
    form(
        &["loop", "break", "continue"],
        "loop { … } goes round until `break` (`break value` gives a value); `continue` begins the next turn",
    ),
    form(&["return"], "return value: leaves the function"),
    form(&["struct"], "struct Point { x, y: 0 }: made by Point { x: 1 }, changed by Point { ...p, x: 2 }"),
    form(&["enum"], "enum Shape { empty, circle { r } }: values are Shape.empty, Shape.circle { r: 1 }"),
    form(
        &["protocol"],
        "protocol Area { fn area(self) }: methods that `extend Circle with Area { … }` gives to a type",
    ),
    form(&["extend", "with"], "extend Point { fn length(self) { … } }; extend Point with Protocol { … }"),
    form(
        &["try", "catch", "finally"],
        "try { … } catch (e) { … } finally { … }: catch (Pattern { field }) takes only what fits",
    ),
    form(&["throw"], "throw value: any value can be thrown"),
    form(&["use"], "use shapes/circle as c: its names are c/name; use shapes/circle { area }"),
    form(&["export"], "export c/area: makes what another namespace defines a member of this one too"),
    form(&["namespace"], "namespace shapes/circle: the first line of the file shapes/circle.hr"),
    form(&["test"], "test \"name\" { assert!(…) }: run by `harrier test`"),
    form(&["binding"], "binding (name = value) { … }: what `let dynamic name` has declared, for the time of the block"),
    form(&["true", "false"], "true, false: the two Bools; false and null are false, all else is true"),
    form(&["null"], "null: nothing; the only value of its type, and false"),
    form(&["infinity", "nan", "NaN"], "infinity, nan: Floats; nan == nan is false, but as a key it is one value"),
    form(&["reset", "shift"], "reset { … shift(fn(k) { … }) … }: not yet in this version of Harrier"),
    form(&["perform", "handle"], "perform, handle … with …: effects are not yet in this version of Harrier"),
    form(&["async", "future"], "async, future: not yet in this version of Harrier; thread(f) and join(t) are"),
    form(&["|>"], "x |> f(a): f(x, a), x as the first argument; in a REPL entry `_ |> f` goes on with the last value"),
    form(&["|>>"], "x |>> f(a): f(a, x), x as the last argument"),
    form(&["+", "-", "*"], "a + b, a - b, a * b, -a: numbers; Ints never overflow, an Int with a Float gives a Float"),
    form(
        &["/", "%"],
        "a / b, a % b: between Ints, `/` cuts off towards zero and `%` has the sign of a; by 0 is a DivisionByZero",
    ),
    form(&["++"], "a ++ b: two texts in one"),
    form(
        &["<<", ">>", ">>>"],
        "a << n, a >> n: Ints shifted, of any size; a >>> n takes the bits of a as without a sign",
    ),
    form(
        &["&", "|", "^"],
        "a & b, a | b, a ^ b: the bits of Ints, and, or, either; in a pattern a | b fits what one of them fits",
    ),
    form(
        &["==", "!="],
        "a == b, a != b: the same value, whatever place it is in; identical?(a, b) asks for the same object",
    ),
    form(
        &["<", "<=", ">", ">="],
        "a < b, a <= b, a > b, a >= b: numbers, strings, keywords, and what implements Comparable; write a < b && b < c",
    ),
    form(
        &["&&", "||", "!"],
        "a && b, a || b, !a: null and false are false, all else is true; the operand that decides is the value",
    ),
    form(&["="], "name = value, object.field = value, array[i] = value: assigns; the value is that of the assignment"),
    form(&["."], "value.field, value.method(a), Type.function(a), Enum.variant"),
    form(&["..."], "fn f(a, ...rest), [first, ...rest] => …, Point { ...p, x: 2 }; apply(f, all) spreads arguments"),
    form(&["[", "]"], "[1, 2, 3]: a vector; v[i] is get(v, i); in a pattern [a, ...rest]"),
    form(&["{", "}"], "{:a 1, \"b\" 2}: a map; a block where one is expected; in a pattern {name, age: a}"),
    form(&["#{"], "#{1, 2}: a set"),
    form(&["\"", "${"], "\"text ${expression}\": a String with a value in it"),
    form(&[":"], ":name: a keyword; {name: pattern} in a pattern; Point { x: 1 } in a literal"),
    form(&["_"], "_: in a pattern fits anything; at the prompt, the last value"),
    form(&["//"], "// a comment, up to the end of the line; /// a doc comment, shown by :doc"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::CONTEXTUAL;

    #[test]
    fn each_word_of_the_language_is_explained() {
        let lexer = include_str!("../../reader/lexer.rs").lines().filter(|line| line.contains("=> Kind::"));
        let reserved: Vec<&str> = lexer.filter_map(|line| line.trim().strip_prefix("b\"")?.split('"').next()).collect();
        assert!(reserved.contains(&"break") && reserved.len() > 20, "{reserved:?}");
        let declarations = ["namespace", "use", "export", "struct", "enum", "protocol", "extend", "test"];
        for word in reserved.into_iter().chain(CONTEXTUAL).chain(declarations).filter(|word| *word != "assert!") {
            assert!(find(word).is_some(), "no form for `{word}`");
        }
        let all: Vec<&str> = FORMS.iter().flat_map(|form| form.names.iter().copied()).collect();
        let mut once = all.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(all.len(), once.len(), "a form that stands in the table twice");
    }
}
