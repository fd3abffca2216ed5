//! What people write who come from elsewhere, and how Harrier writes it.
//!
//! Owns the one table of foreign words and signs. It is asked only where something is wrong already: where a word is
//! followed by what cannot follow a name ([`word`]), where a name is unknown ([`word`], asked by the loader, and by the
//! errors of methods that are not there), and where a token cannot stand ([`sign`]). So each of these words can be a name
//! of the program. Must not know of the parser or of what names mean.

/// Words, each with how Harrier writes what is meant. Where several rows have a word, the first is taken that fits the place.
const WORDS: &[(&[&str], Place, &str)] = &[
    // Declarations.
    (&["def", "define"], Any, "a function is `fn name(a, b) { … }`, a value `let name = 1`"),
    (
        &["function", "fun", "func", "defn", "defun", "sub", "proc"],
        Any,
        "a function is `fn name(a, b) { … }`; without a name, `fn(a, b) { … }`",
    ),
    (&["lambda"], Any, "a function without a name is `fn(x) { … }`"),
    (
        &["type interface"],
        Any,
        "`protocol Area { fn area(self) }` declares methods; `extend Circle with Area { … }` gives them to a type",
    ),
    (&["throw new"], Any, "any value can be thrown: `throw \"message\"`, or a struct of your own"),
    (
        &["class"],
        Any,
        "data is `struct Point { x, y }`; functions of it stand in `extend Point { fn area(self) { … } }`",
    ),
    (&["record", "data", "defrecord", "deftype", "typedef"], Before, "data is `struct Point { x, y }`"),
    (
        &["interface", "trait", "defprotocol"],
        Before,
        "`protocol Area { fn area(self) }` declares methods; `extend Circle with Area { … }` gives them to a type",
    ),
    (
        &["extends"],
        Before,
        "types have no parents: give the struct the fields of the other one, or a field that holds it",
    ),
    (
        &["impl", "implements"],
        Before,
        "functions of a type stand in `extend Circle { … }`, those of a protocol in `extend Circle with Area { … }`; \
         one without a receiver is called by `Circle.create(1)`",
    ),
    (&["type"], Before, "`struct Point { x, y }` and `enum Color { red, green }` declare types"),
    (
        &["mod"],
        First,
        "`use helpers` at the top of a file takes helpers.hr into view; its functions are `helpers/function`",
    ),
    (
        &["import", "from", "require", "include", "using"],
        Any,
        "`use name` at the top of a file takes a namespace into view; its functions are `name/function`",
    ),
    (
        &["package", "module", "ns", "defmodule"],
        Before,
        "`namespace name` at the top of a file names it; without that line it is called as the file",
    ),
    (
        &["var", "const", "val", "final", "auto", "local", "def-"],
        Any,
        "write `let x = 1`; in a function, `let mut x = 1` for a variable that is assigned again",
    ),
    (
        &["pub", "public", "private", "protected", "static", "abstract"],
        Before,
        "leave it out: all names can be used elsewhere; one that begins with `_` is private by convention",
    ),
    (
        &["int", "string", "float", "double", "bool", "boolean", "char", "long", "void"],
        Before,
        "variables have no types: `let x = 1`",
    ),
    // Branches and loops.
    (&["elif", "elsif", "elseif"], Any, "write `else if c { … }`"),
    (
        &["switch", "case", "cond"],
        Any,
        "a choice among values is `match x { 1 => \"one\", 2 | 3 => \"some\", _ => \"many\" }`",
    ),
    (&["when"], Any, "write `if c { … }`; a choice among values is `match x { 1 => \"one\", _ => \"many\" }`"),
    (&["default", "otherwise"], Any, "the last arm of a `match`, for all other values, is `_ => …`"),
    (&["unless", "if-not", "when-not"], Any, "write `if !c { … }`"),
    (&["until"], Any, "write `while !c { … }`"),
    (&["dotimes"], Before, "write `for i in range(n) { … }`"),
    (
        &["if-let", "when-let", "if-some", "when-some"],
        Before,
        "write `let x = …` on a line before, and `if x != null { … }`",
    ),
    (&["move"], Before, "a function without a name is `fn(x) { … }`, and keeps what it uses"),
    (&["foreach", "each", "doseq"], Any, "write `for x in xs { … }`"),
    (&["do |"], Any, "write `for x in xs { … }`; a function as an argument is `for-each(fn(x) { … }, xs)`"),
    (&["do", "begin"], Any, "a block is `{ … }`; a loop that is left by `break` is `loop { … }`"),
    (&["then"], Any, "the body stands in braces: `if c { a } else { b }`"),
    (&["end"], Any, "a block ends with `}`"),
    (&["pass"], Any, "a block that does nothing is `{ }`"),
    (&["recur"], Any, "a call in the last place is a jump: call the function by its name"),
    (&["fallthrough"], Any, "an arm goes on into no other: `1 | 2 => \"some\"`"),
    (&["throws"], Before, "what a function throws is not declared: leave it out"),
    (&["goto"], Any, "a loop is `while c { … }` or `loop { … }`, left by `break`"),
    // Operators and values.
    (&["and"], Any, "write `a && b`"),
    (&["or"], Any, "write `a || b`"),
    (&["not"], Before, "write `!x`, or `not(x)`"),
    (
        &["is"],
        Before,
        "`a == b` compares by structure, `identical?(a, b)` by identity, `instance-of(v, Type)` asks for a type",
    ),
    (
        &["mod", "div", "rem", "quot", "remainder", "quotient", "divmod"],
        Any,
        "the remainder is `a % b`, the quotient `a / b`; rounded down they are `modulo(a, b)` and `floor-div(a, b)`",
    ),
    (&["as"], Before, "values are not cast: `to-int(x)`, `to-float(x)` and `to-string(x)` convert"),
    (&["nil", "None", "undefined", "NULL", "Nil", "nothing", "nullptr"], Any, "write `null`"),
    (&["True", "TRUE", "#t"], Any, "write `true`"),
    (&["False", "FALSE", "#f"], Any, "write `false`"),
    (&["new"], Any, "a struct is made by naming its fields: `Point { x: 1, y: 2 }`"),
    (&["this"], Any, "a method names its receiver, usually `self`: `fn area(self) { self.radius }`"),
    (&["self"], Unknown, "a method names its receiver as its first parameter: `fn area(self) { self.radius }`"),
    (&["super"], Any, "types have no parents: call the other function by its name"),
    (&["Some", "Just"], Any, "there is no wrapper: the value itself, or `null`"),
    (&["Ok"], Unknown, "write `ok(value)`"),
    (&["Err"], Unknown, "write `err(error)`"),
    (
        &["await", "go", "spawn"],
        Any,
        "work beside this is `thread(fn() { … })`; `join(t)` waits for it and gives its value",
    ),
    (&["yield"], Before, "a lazy sequence is `seq/lazy(fn() { … })`"),
    (
        &["yield"],
        Unknown,
        "a block is a parameter like any other: `fn twice(f) { f() f() }`, called by `twice(fn() { … })`",
    ),
    (
        &["future", "promise", "async", "Promise", "Future", "start-thread"],
        Unknown,
        "work beside this is `thread(fn() { … })`; `join(t)` waits for it and gives its value",
    ),
    (
        &["defmacro", "macro"],
        Before,
        "there are no macros: a function takes what is to be done as a function, `fn() { … }`",
    ),
    (
        &["global", "nonlocal"],
        Before,
        "state that is shared stands in an atom: `let total = atom(0)`, `swap!(total, fn(n) { n + 1 })`",
    ),
    (
        &["ref", "volatile", "mutex", "Mutex", "lock", "synchronized"],
        Unknown,
        "state that is shared stands in an atom: `let total = atom(0)`, `swap!(total, fn(n) { n + 1 })`; there are no locks",
    ),
    (&["with"], Before, "`with-open(resource, fn(r) { … })` closes the resource on every way out"),
    // Errors.
    (&["raise"], Any, "write `throw value`"),
    (&["except", "rescue"], Any, "write `try { … } catch (e) { … }`"),
    (&["ensure", "defer"], Any, "what must happen on every way out is `try { … } finally { … }`"),
    (&["assert"], Any, "write `assert!(condition)`"),
    (
        &["fail", "panic", "panic!", "todo!", "unimplemented!", "unreachable!", "die", "abort"],
        Unknown,
        "write `throw \"message\"`",
    ),
    (
        &["error", "Error", "Exception", "RuntimeError", "ValueError", "ex-info", "errors"],
        Unknown,
        "any value can be thrown: `throw \"message\"`, a map, or a struct of your own",
    ),
    // Functions.
    (&["p", "pp"], Before, "`println(a, b)` prints values with spaces between"),
    (
        &[
            "printf", "sprintf", "echo", "puts", "putStrLn", "println!", "print!", "console", "fmt", "System", "cout",
            "say", "display",
        ],
        Any,
        "`println(a, b)` prints values with spaces between; `\"${x}\"` puts a value into a text",
    ),
    (
        &["dbg!", "dbg", "var_dump", "print_r", "pprint", "inspect"],
        Unknown,
        "`println(repr(x))` prints a value as it is written in a program, `eprintln(x)` prints to the error stream",
    ),
    (&["format!"], Unknown, "a text with values in it is `\"x = ${x}\"`"),
    (&["vec!"], Unknown, "a vector is `[1, 2, 3]`"),
    (&["typeof", "class-of", "getClass"], Any, "write `type-of(x)`, or `instance-of(x, Type)`"),
    (&["isinstance", "instanceof", "is_a?", "kind_of?"], Any, "write `instance-of(x, Type)`"),
    (&["len", "size", "strlen", "sizeof", "cap"], Any, "write `length(x)`"),
    (&["str", "String", "toString", "to_s", "itoa"], Unknown, "write `to-string(x)`, or `\"${x}\"` in a text"),
    (
        &[
            "i32", "i64", "u8", "u32", "u64", "usize", "f64", "bool", "boolean", "int", "float", "str", "string",
            "char", "double", "long", "number", "any", "list", "dict", "Integer", "Number",
        ],
        Type,
        "fields and parameters have no types: `struct Point { x, y }`; `x: 0` gives a default",
    ),
    (
        &["i32", "i64", "u8", "u32", "u64", "usize", "f64"],
        Unknown,
        "there is one type of whole numbers, `Int`, and one of others, `Float`; `to-int(x)` and `to-float(x)` convert",
    ),
    (
        &["int", "Integer", "atoi", "to_i", "Number"],
        Unknown,
        "`parse-int(text)` reads an Int from a text, `to-int(x)` cuts the fraction off a number",
    ),
    (&["float", "to_f"], Unknown, "`parse-float(text)` reads a Float from a text, `to-float(x)` makes one of a number"),
    (
        &["append", "add", "array_push", "table"],
        Unknown,
        "`push(xs, x)` gives a vector with one more element; the old one stays as it is: `xs = push(xs, x)`",
    ),
    (
        &["dict", "hash", "hashmap", "HashMap", "Map", "Hash", "Object", "hash-map", "array-map"],
        Unknown,
        "a map is `{:name \"Ada\", :age 36}`; `keys(m)` and `vals(m)` take it apart",
    ),
    (
        &["list", "tuple", "array", "Array", "ArrayList", "Vec"],
        Unknown,
        "a vector is `[1, 2, 3]`; `vec(c)` makes one of any collection",
    ),
    (&["set", "Set", "HashSet", "hash-set"], Unknown, "a set is `#{1, 2}`; `into-set(c)` makes one of any collection"),
    (
        &["input", "gets", "raw_input", "prompt", "scanf", "readline"],
        Unknown,
        "`read-line()` reads a line of standard input, `null` at its end",
    ),
    (
        &[
            "open",
            "slurp",
            "read-file",
            "read-text",
            "readFile",
            "read_file",
            "readlines",
            "read-lines",
            "File",
            "fs",
            "os",
        ],
        Unknown,
        "after `use io`, `unwrap!(io/read-file(path))` is the text of a file, `io/write-file(path, text)` writes one, and \
         `io/open(path)` opens one to be read line by line",
    ),
    (
        &["make"],
        Unknown,
        "a map is `{}`, a vector `[]`; an array that changes is `mutable-array/new-array(n)`, after `use mutable-array`",
    ),
    (
        &["strconv"],
        Unknown,
        "`to-string(x)` makes a text of anything, `parse-int(text)` and `parse-float(text)` read numbers",
    ),
    (
        &["chan", "channel", "queue", "Queue"],
        Unknown,
        "there are no channels: `join(thread(f))` waits for what `f` gives, and an atom is shared",
    ),
    (&["help"], Unknown, "`doc(f)` gives what a function does; the REPL has `:help`"),
    (&["quit", "bye"], Unknown, "`exit()` ends the program; the REPL has `:quit`"),
    (&["gsub", "replaceAll", "replace_all", "str_replace"], Unknown, "write `replace(s, part, other)`"),
    (&["toFixed", "to_fixed", "toPrecision"], Unknown, "`format-number(x, decimals)` writes so many decimals"),
    (&["charAt", "char_at"], Unknown, "`s[i]` is the character at an index, `char-code-at(s, i)` its number"),
    (
        &["splice"],
        Unknown,
        "`remove-at(xs, i)` gives a vector without an element, `concat(take(i, xs), drop(j, xs))` one without a part",
    ),
    (
        &["insert"],
        Unknown,
        "`concat(take(i, xs), [x], drop(i, xs))` gives a vector with `x` at `i`, `assoc(m, key, value)` a map with an entry",
    ),
    (
        &["pop", "shift"],
        Unknown,
        "nothing is taken out of a vector: `last(xs)` and `butlast(xs)` are its end and what stands before, `xs[0]` and \
         `rest(xs)` its beginning and what follows",
    ),
    (&["put"], Unknown, "`assoc(m, key, value)` gives a map with an entry, a vector with an element replaced"),
    (&["head", "car"], Unknown, "write `first-of(xs)`, or `xs[0]`"),
    (&["tail", "cdr"], Unknown, "write `rest(xs)`"),
    (&["unshift", "prepend", "cons"], Unknown, "`concat([x], xs)` puts an element in front"),
    (&["extend", "addAll"], Unknown, "`concat(xs, ys)` joins collections"),
    (
        &["isdigit", "isnumeric", "is_numeric", "isdecimal"],
        Unknown,
        "`parse-int(s) != null` asks whether a text is a number",
    ),
    (
        &["isset", "has_key", "has_key?", "hasOwnProperty", "containsKey", "array_key_exists"],
        Unknown,
        "`contains?(m, key)` asks whether a key is there; `m[key]` of one that is not gives `null`",
    ),
    (
        &["in_array", "contains", "has", "include?", "member?"],
        Unknown,
        "`includes?(xs, x)` asks for a value, `contains?(m, key)` for a key, `string-contains?(s, part)` for a part of a text",
    ),
    (&["explode"], Unknown, "write `split(text, separator)`"),
    (&["implode"], Unknown, "write `join(xs, separator)`"),
    (
        &["datetime", "Date", "date", "strftime", "LocalDate", "Time", "time", "now", "clock", "performance"],
        Unknown,
        "`time-now()` is the time in nanoseconds since the start of 1970; the library has no calendar",
    ),
    (
        &["rand", "randint", "rand-int", "Random"],
        Unknown,
        "write `random()`, `random-int(max)`, `random-range(low, high)`",
    ),
    (&["env", "getenv", "environ", "ENV"], Unknown, "write `io/environment(name)`, after `use io`"),
    (&["product"], Unknown, "write `reduce(fn(a, b) { a * b }, 1, xs)`"),
    (&["avg", "mean", "average"], Unknown, "write `sum(xs) / length(xs)`"),
    (&["unzip"], Unknown, "write `apply(zip, pairs)`"),
    (
        &["regex", "Regex", "RegExp", "regexp", "re", "re-find", "re-matches", "re-seq"],
        Unknown,
        "there are no regular expressions: `split`, `replace`, `index-of`, `starts-with?` and `string-contains?` take texts",
    ),
    (&["ord", "codePointAt", "charCodeAt"], Unknown, "write `char-code(s)`, or `char-code-at(s, i)`"),
    (&["chr", "fromCharCode", "char"], Unknown, "write `char-from-code(n)`"),
    (&["hex", "oct", "bin"], Unknown, "write `format-number(n, :hex)`; `:octal` and `:binary` as well"),
    (&["isNaN"], Unknown, "write `nan?(x)`"),
    (&["capitalize"], Unknown, "write `uppercase(substring(s, 0, 1)) ++ substring(s, 1)`"),
    (&["sorted"], Unknown, "write `sort(xs)`"),
    (&["reversed"], Unknown, "write `reverse(xs)`"),
    (&["fold", "foldl", "inject", "reduce-left", "aggregate"], Unknown, "write `reduce(f, init, xs)`"),
    (
        &["setTimeout", "setInterval"],
        Unknown,
        "`thread(fn() { sleep(ms) f() })` calls a function later, beside the rest; `sleep(ms)` alone waits",
    ),
    (&["__name__"], Unknown, "leave the line out: the `main` of the file that is run is called by itself"),
    (&["equals", "eql", "isEqual", "strcmp"], Unknown, "write `a == b`, which compares what is inside"),
    (&["fetch", "getOrDefault"], Unknown, "`m[key]` reads a key, `get(m, key, default)` with a default"),
    (&["times", "upto"], Unknown, "write `for i in range(n) { … }`"),
    (&["is_null", "isNull", "is_none"], Unknown, "write `x == null`"),
    (&["substr", "mid"], Unknown, "`substring(s, from, to)` ends before `to`, `slice(c, from, to)` too"),
    (&["select", "findAll", "grep"], Unknown, "write `filter(f, xs)`"),
    (&["reject"], Unknown, "write `remove(f, xs)`"),
    (&["flat"], Unknown, "write `flatten(xs)`"),
    (&["push_str"], Unknown, "texts are joined by `++`: `s = s ++ part`"),
    (&["call", "invoke"], Unknown, "a function is called by `f(x)`"),
    (&["parse"], Unknown, "`parse-int(text)` and `parse-float(text)` read numbers, `json-decode(text)` reads JSON"),
    (
        &["StringBuilder", "StringBuffer"],
        Unknown,
        "texts are joined by `++`, the parts of a vector by `join(parts, \"\")`; `string-builder` has what grows in place",
    ),
    (&["strings", "string"], Unknown, "the functions of texts need no prefix: `uppercase(s)`, `split(s, sep)`"),
    (&["foldr"], Unknown, "write `reduce-right(f, init, xs)`"),
    (&["some", "exists"], Unknown, "write `any?(f, xs)`"),
    (&["every", "every?"], Unknown, "write `all?(f, xs)`"),
    (&["any", "all"], Unknown, "write `any?(f, xs)` and `all?(f, xs)`"),
    (&["inc", "dec"], Unknown, "write `x + 1` and `x - 1`"),
    (
        &["del", "delete", "discard"],
        Any,
        "`dissoc(m, key)` gives a map without the key, `remove-at(xs, i)` a vector without the element",
    ),
    (&["upper", "upcase", "toUpperCase", "to_upper", "to_uppercase"], Unknown, "write `uppercase(s)`"),
    (&["lower", "downcase", "toLowerCase", "to_lower", "to_lowercase"], Unknown, "write `lowercase(s)`"),
    (&["strip"], Unknown, "write `trim(s)`"),
    (&["indexOf", "index"], Unknown, "write `index-of(s, part)`"),
    (&["Math", "math"], Unknown, "the functions of mathematics need no prefix: `floor(x)`, `sqrt(x)`, `PI`"),
    (&["JSON", "json"], Unknown, "write `json-encode(v)` and `json-decode(text)`"),
    (&["items", "entries", "iteritems"], Unknown, "a map gives its entries itself: `for [k, v] in m { … }`"),
    (&["values"], Unknown, "write `vals(m)`"),
    (
        &["sys", "process", "argv", "args", "ARGV"],
        Unknown,
        "`fn main(args)` gets the arguments, `exit(n)` ends the program",
    ),
    (
        &["collect", "iter", "into_iter", "to_list", "list*"],
        Unknown,
        "`map`, `filter` and their like take any collection and give a vector",
    ),
    (&["unwrap_or"], Unknown, "write `unwrap-or(result, default)`"),
    (&["clone", "copy"], Unknown, "values do not change, so nothing is copied: use the value itself"),
    // Functions that types have elsewhere.
    (&["new", "create", "make"], OfType, "a struct is made by naming its fields: `Point { x: 1, y: 2 }`"),
    (
        &["from", "of", "fromEntries"],
        OfType,
        "`vec(c)` makes a vector of any collection, `into-set(c)` a set, `into({}, pairs)` a map, `to-string(x)` a text",
    ),
    (
        &["values", "variants", "cases"],
        OfType,
        "`reflect/variants(Type)` lists the variants of an enum, after `use reflect`",
    ),
    // Namespaces.
    (
        &["math", "Math", "cmath"],
        Module,
        "delete the line: the functions of mathematics are in view everywhere, `sqrt(x)`, `floor(x)`, `PI`",
    ),
    (&["json", "JSON"], Module, "delete the line: `json-encode(v)` and `json-decode(text)` are in view everywhere"),
    (
        &["string", "strings", "str", "text"],
        Module,
        "delete the line: the functions of texts are in view everywhere, `uppercase(s)`, `split(s, sep)`",
    ),
    (
        &["random", "rand"],
        Module,
        "delete the line: `random()`, `random-int(max)` and `shuffle(xs)` are in view everywhere",
    ),
    (&["time", "datetime"], Module, "delete the line: `time-now()` gives nanoseconds, `sleep(ms)` waits"),
    (
        &["collections", "itertools", "functools", "list", "lists", "sort"],
        Module,
        "delete the line: `map`, `filter`, `reduce`, `sort` and their like are in view everywhere",
    ),
    (&["sys", "process"], Module, "delete the line: `fn main(args)` gets the arguments, `exit(n)` ends the program"),
    (&["os", "fs", "path", "file", "files"], Module, "files are read and written by `io`: `use io`"),
    (&["fmt", "std", "stdio"], Module, "delete the line: `println(a, b)` is in view everywhere"),
    (
        &["thread", "threading", "sync"],
        Module,
        "delete the line: `thread(f)`, `join(t)` and `atom(v)` are in view everywhere",
    ),
];

/// How a loop is written.
pub const LOOP: &str = "write `for x in xs { … }`; to count, `for i in range(10) { … }`";

/// A block behind a method, which is a function among the arguments here.
pub const BLOCK: &str = "a function as an argument is `for-each(fn(x) { … }, xs)`; a loop is `for x in xs { … }`, or \
                         `for i in range(n) { … }`";

/// Signs and words where a token cannot stand: the text from there on (or with the sign before it), a piece of what the
/// grammar expected, and how Harrier writes it. The first row that fits is taken.
const SIGNS: &[(&[&str], &[&str], &str)] = &[
    (&["->"], &["body of the function"], "what a function gives is not declared: leave the `->` and the type out"),
    (
        &[":"],
        &["body of the function"],
        "what a function gives is not declared: its body follows the parameters, `fn f(x) { … }`",
    ),
    (&["("], &["body of the function"], "what a function gives is not declared; several values are a vector, `[a, b]`"),
    (&["=>"], &["body of the function"], "the body of a function stands in braces: `fn(x) { x + 1 }`"),
    (
        &["["],
        &["body of `loop`"],
        "a loop has no variables: `let mut i = n` before it; or a function that calls itself in the last place",
    ),
    (&[""], &["body of the function"], "the body of a function stands in braces: `fn f(x) { x + 1 }`"),
    (
        &["in"],
        &["`,` or", "an expression", "`{`"],
        "`includes?(xs, x)` asks whether a value is there, `contains?(m, k)` whether a key is",
    ),
    (&["("], &["body of `try`"], "`with-open(resource, fn(r) { … })` closes the resource on every way out"),
    (
        &[","],
        &["body of `if`", "body of `while`"],
        "several values are taken apart on a line before: `let [a, b] = f()`",
    ),
    (&[""], &["body of"], "the body stands in braces: `if c { a } else { b }`, `while c { … }`, `for x in xs { … }`"),
    (&["->", ":"], &["`=>`"], "an arm is `pattern => value`"),
    (&[","], &["`=>`"], "several values of one arm are `1 | 2 => value`; several arms stand one below the other"),
    (
        &["("],
        &["`=>`"],
        "a pattern names fields: `Point { x, y }`, `Result.Ok { value }`; there is no `Some`: match the value itself, and `null`",
    ),
    (
        &["=>", "="],
        &["the value of the key"],
        "a map is written `{:key value, \"key\" value}`, with nothing but space after the key",
    ),
    (&["|"], &["a key"], "a function as an argument is `for-each(fn(x) { … }, xs)`; a loop is `for x in xs { … }`"),
    (&[","], &["a pattern or `]`"], "what is not needed is called `_`: `let [_, b] = xs`"),
    (
        &["&self", "&mut"],
        &["a parameter"],
        "a method names its receiver without a sign: `fn area(self) { self.radius }`",
    ),
    (&["*"], &["a parameter"], "the rest of the arguments is `...rest`, a vector"),
    (&["&"], &["a parameter"], "the rest of the arguments is `...rest`, a vector; there are no references"),
    (&["<"], &["the parameters"], "types have no parameters, and parameters no types: `fn f(x) { … }`"),
    (
        &["<"],
        &["the fields of"],
        "types have no parents: give the struct the fields of the other one, or a field that holds it",
    ),
    (&["="], &["a new line or"], "a field is given by `name: value`"),
    (&[":"], &["`=` and a value"], "variables have no types: `let x = 1`"),
    (&["=", ":="], &["`in`"], LOOP),
    (
        &["<", "<=", ">", ">=", "!=", "=="],
        &["`in`"],
        "a loop with a condition is `while c { … }`; to count, `for i in range(10) { … }`",
    ),
    (&[":="], &[""], "write `let x = 1`; in a function, `let mut x = 1` for a variable that is assigned again"),
    (&[","], &["`=` and a value"], "several values are taken apart as a vector: `let [a, b] = [1, 2]`"),
    (&[","], &["`in`"], "a pattern takes pairs apart: `for [i, x] in enumerate(xs) { … }`, `for [k, v] in m { … }`"),
    (&["let"], &["a pattern"], LOOP),
    (&["in"], &["`)`"], "write `for x in xs { … }`, without parentheses"),
    (
        &["fn", "let"],
        &["a name to export"],
        "leave `export` out: all names can be used elsewhere; `export alias/name` hands on what another namespace has",
    ),
    (&["mut"], &["an expression"], "write `let mut x = 1`"),
    (&["for"], &["`]`", "`)`"], "`map(fn(x) { x * 2 }, xs)` gives the results as a vector, `filter(f, xs)` chooses"),
    (&[":"], &["`]`"], "a part is `slice(xs, from, to)`; `take(n, xs)` and `drop(n, xs)` cut an end"),
    (&["=>"], &[""], "a function is `fn(x) { x + 1 }`; `=>` stands in the arms of a `match`"),
    (
        &["->"],
        &[""],
        "a function is `fn(x) { x + 1 }`, a field `value.name`; `x |> f(a)` hands a value on as the first argument, \
         `xs |>> map(f)` as the last",
    ),
    (&["->>"], &[""], "`xs |>> map(f)` hands a value on as the last argument, `x |> f(a)` as the first"),
    (
        &["<-"],
        &["an expression"],
        "there are no channels: `join(thread(f))` waits for what `f` gives, and an atom is shared",
    ),
    (&["<<"], &["an expression"], "a string between plain quotes may go over lines"),
    (&["%w"], &["an expression"], "a vector of texts is `[\"a\", \"b\"]`, or `words(\"a b\")`"),
    (
        &["/"],
        &["an expression"],
        "there are no literals of patterns: `string-contains?(s, part)`, `index-of(s, part)` search a text",
    ),
    (&["&:"], &["an expression"], "a function is `fn(x) { uppercase(x) }`, or its name: `map(uppercase, xs)`"),
    (&["|"], &["an expression"], "a function is `fn(x) { x + 1 }`"),
    (&["||"], &["an expression"], "a function without parameters is `fn() { … }`"),
    (&["**"], &[""], "a power is `pow(x, 2)`"),
    (&["<>"], &[""], "write `a != b`"),
    (
        &["::"],
        &["the end of the line"],
        "the words of a namespace are joined by `/`: `use shapes/circle`; what is built in is in view without `use`",
    ),
    (
        &["[:"],
        &["an expression"],
        "a part is `slice(xs, from, to)`; backwards is `reverse(xs)`, for a text `join(reverse(chars(s)), \"\")`",
    ),
    (
        &["::"],
        &[""],
        "a variant is `Enum.variant`, a function of a type `Type.f(…)`, a name of another namespace `name/function`",
    ),
    (&["<=>"], &[""], "`compare(a, b)` gives a negative number, 0 or a positive one"),
    (&["&."], &["an expression"], "ask for it first: `if x != null { x.name }`; `get-in(m, [:a, :b])` goes into maps"),
    (&["++"], &["an expression"], "write `i = i + 1`"),
    (&["&"], &["an expression"], "there are no references: use the value itself"),
    (
        &["*"],
        &["an expression"],
        "there are no pointers: use the value itself; many arguments are passed by `apply(f, args)`",
    ),
    (
        &["..."],
        &["an expression", "`)`", "`]`"],
        "`apply(f, a, args)` passes the elements of a vector as arguments, `concat(xs, ys)` joins vectors",
    ),
    (
        &["let"],
        &["an expression"],
        "a `let` is a statement of its own, `let x = 1`, on a line before; `if let` is `let x = …` and `if x != null { … }`, \
         or a `match`",
    ),
];

/// Where a word may be asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// A row for every place.
    Any,
    /// In front of what cannot follow a name, and where no word can stand.
    Before,
    /// As `Before`, at the beginning of a line.
    First,
    /// Alone, as a name that nobody knows.
    Unknown,
    /// As `Unknown`, behind a colon: where a type stands elsewhere.
    Type,
    /// As the name of a namespace that is not there.
    Module,
    /// As a function of a type that has none of that name: `Type.word(…)`.
    OfType,
}
use Place::{Any, Before, First, Module, OfType, Type, Unknown};

/// How Harrier writes what the word means elsewhere.
pub fn word(word: &str, place: Place) -> Option<&'static str> {
    let fits = |row: Place| match place {
        Module | OfType => row == place,
        First => matches!(row, Any | Before | First),
        Type => matches!(row, Any | Unknown | Type),
        _ => row == Any || row == place,
    };
    WORDS.iter().find(|(words, row, _)| fits(*row) && words.contains(&word)).map(|(_, _, help)| *help)
}

/// How Harrier writes what is meant by a sign where the grammar `expected` something else. `texts`: the sign as it may be
/// read, with a sign that touches it before or behind, the longest first.
pub fn sign(texts: &[&str], expected: &str) -> Option<&'static str> {
    let row = |text: &str| {
        SIGNS
            .iter()
            .find(|(signs, pieces, _)| signs.contains(&text) && pieces.iter().any(|piece| expected.contains(piece)))
    };
    texts.iter().find_map(|text| row(text)).or_else(|| row("")).map(|(_, _, help)| *help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_one_row_for_a_place() {
        let mut seen = Vec::new();
        for (words, place, help) in WORDS {
            assert!(!help.is_empty());
            for word in *words {
                for one in [Before, Unknown] {
                    if *place == Any || *place == one {
                        assert!(!seen.contains(&(*word, one)), "`{word}` stands twice for {one:?}");
                        seen.push((*word, one));
                    }
                }
            }
        }
    }

    #[test]
    fn words_by_place() {
        assert!(word("int", Before).is_some_and(|help| help.contains("let x")));
        assert!(word("int", Unknown).is_some_and(|help| help.contains("parse-int")));
        assert!(word("int", Type).is_some_and(|help| help.contains("no types")));
        assert!(word("mod", First).is_some_and(|help| help.contains("use")));
        assert!(word("mod", Before).is_some_and(|help| help.contains("%")));
        assert_eq!(word("def", Module), None);
        assert_eq!(word("self", Before), None);
        assert_eq!(word("total", Unknown), None);
    }

    #[test]
    fn signs_by_what_was_expected() {
        assert!(
            sign(&["->", "-"], "`{` and the body of the function").is_some_and(|help| help.contains("not declared"))
        );
        assert!(sign(&[":"], "`=>`").is_some_and(|help| help.contains("arm")));
        assert!(sign(&["x"], "`{` and the body of `if`").is_some_and(|help| help.contains("braces")));
        assert_eq!(sign(&[":"], "a pattern"), None);
    }
}
