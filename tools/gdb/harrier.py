"""Harrier for gdb: frames, values and objects of a Harrier program, in a process or in its core file.

    (gdb) source tools/gdb/harrier.py       (or: harrier --gdb-script > harrier.py)
    (gdb) bt                                Harrier functions with their names and lines, between the frames of Rust
    (gdb) hr-bt                             the Harrier functions alone, with their arguments
    (gdb) hr-locals                         the variables of the selected frame
    (gdb) hr-list                           the text around where the selected frame is, as the program has it
    (gdb) p $hr($rsi)                       a value, as `repr` would print it
    (gdb) break f.hr:9 if $hr(n) > 5        numbers are compared as such
    (gdb) hr-watch total                    stops where a variable has got another value
    (gdb) hr-break shapes/is-round?         a breakpoint on a function or a line, whatever signs its name has
    (gdb) hr-header 0x7fff12345679          the header of an object

Nothing is called in the program: all is read from its memory. Where things lie is said by the program itself, in the list
behind the symbol `harrier_facts` (src/profile/facts.rs). What is read may be anything, for a program is looked at when
something is wrong with it: every walk has a bound, and what does not make sense is shown in angle brackets.
"""

import bisect
import struct

import gdb
import gdb.unwinder
from gdb.FrameDecorator import FrameDecorator

VERSION = 6
# How much of a value is printed.
MOST_DEPTH = 8
MOST_ELEMENTS = 100
MOST_CHARACTERS = 1000
MOST_OBJECTS = 2000
# Of a value in a line of a backtrace.
MOST_IN_LINE = 60
MASK = (1 << 64) - 1


def is_name(text):
    """Can it be written as a name (docs/language.md 2)?"""
    if not text[:1].isidentifier():
        return False
    at = 0
    while at < len(text):
        c = text[at]
        if c == "-":
            at += 2 if text[at + 1 : at + 2] == ">" else 1
            if not text[at : at + 1].isidentifier() or text[at] == "_":
                return False
        elif c in "?!":
            return at + 1 == len(text)
        elif not ("a" + c).isidentifier():
            return False
        at += 1
    return True


class Garbage(Exception):
    """Something in memory that cannot be what it is taken for."""


# ---- memory ----


def read(address, length):
    if length == 0:
        return b""
    if not 0 < address <= MASK - length:
        raise Garbage(f"{address:#x}")
    try:
        return bytes(gdb.selected_inferior().read_memory(address, length))
    except gdb.MemoryError:
        raise Garbage(f"{address:#x} cannot be read") from None


def words(address, count):
    return struct.unpack(f"<{count}Q", read(address, 8 * count))


def word(address):
    return words(address, 1)[0]


def half(address):
    return struct.unpack("<I", read(address, 4))[0]


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def address_of(symbol):
    """Where a symbol is; gdb.error when there is none."""
    language = gdb.parameter("language")
    gdb.execute("set language c", to_string=True)
    try:
        return int(gdb.parse_and_eval("&" + symbol))
    finally:
        gdb.execute("set language " + language, to_string=True)


# ---- what the program says of itself ----


class Program:
    """The facts of a process, and what is found by them."""

    def __init__(self, at):
        self.at = at
        self.facts = {}
        for i in range(1000):
            name, length, value = words(at + 24 * i, 3)
            if name == 0:
                break
            self.facts[read(name, min(length, 100)).decode()] = value
        if self.facts.get("version") != VERSION:
            raise Garbage(f"this is harrier.py for version {VERSION} of the facts, not {self.facts.get('version')}")
        self.layouts = {v: k for k, v in self.facts.items() if k.isupper()}
        self.functions = {}

    def __getitem__(self, name):
        return self.facts[name]

    def list(self, at):
        """Address and length of a Vec."""
        return word(at + self["vec.pointer"]), word(at + self["vec.length"])

    def text(self, at, string="str"):
        """A &str or Box<str>; of a String or Cow with `vec` and `cow`."""
        pointer, length = word(at + self[string + ".pointer"]), word(at + self[string + ".length"])
        return read(pointer, min(length, 4096)).decode("utf-8", "replace")

    def entry(self, table, index):
        """An element of a Vec of pointers; 0 where there is none."""
        pointer, length = self.list(self[table])
        return word(pointer + 8 * index) if index < length else 0

    def keyword(self, index):
        pointer, length = self.list(self["keywords"])
        return self.text(pointer + 16 * index) if index < length else "?"

    def named(self, table, index, field):
        at = self.entry(table, index)
        return self.text(at + self[field]) if at else "?"

    def function(self, pc):
        """The function that contains an address."""
        if not self["code.start"] <= pc < self["code.end"]:
            return None
        if pc not in self.functions:
            try:
                self.functions[pc] = self.find_function(pc)
            except (Garbage, UnicodeError):
                return None
        return self.functions[pc]

    def find_function(self, pc):
        pages, count = self.list(self["map.pages"])
        page = (pc - self["code.start"]) >> 12
        index = half(pages + 4 * page) if page < count else 0
        if index == 0:
            return None
        chunk = self.list(self["map.chunks"])[0] + self["chunk.size"] * (index - 1)
        at, count = self.list(chunk + self["chunk.functions"])
        size = self["function.size"]
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            if word(at + size * middle + self["function.start"]) <= pc:
                low = middle + 1
            else:
                high = middle
        if low == 0:
            return None
        function = Function(self, at + size * (low - 1))
        return function if pc < function.end else None


class Function:
    """A piece of published code."""

    KINDS = ["", "harrier::stub::", "harrier::fast::"]

    def __init__(self, program, at):
        self.program = program
        self.start = word(at + program["function.start"])
        self.end = self.start + half(at + program["function.bytes"])
        self.saved = read(at + program["function.saved"], 1)[0]
        self.kind = read(at + program["function.kind"], 1)[0]
        self.own_name = program.text(at + program["function.name"], "cow")
        self.name = (self.KINDS[self.kind] if self.kind < len(self.KINDS) else "") + self.own_name
        self.number = half(at + program["function.source"])
        self.frames = self.array(at + program["function.frames"], 4)
        self.lines = at + program["function.lines"]
        self.variables = at + program["function.variables"]
        self.rows = None

    def array(self, at, size):
        """The bytes of a boxed slice of elements of this size."""
        pointer, length = word(at + self.program["str.pointer"]), word(at + self.program["str.length"])
        return read(pointer, min(size * length, 1 << 24))

    NONE, PUSHED, LINKED = range(3)

    def changes(self):
        """Where the frame changes: offsets, and what there is of it from there on."""
        return [(change >> 2, change & 3) for change in struct.unpack(f"<{len(self.frames) // 4}I", self.frames)]

    def frame_at(self, pc):
        state = self.NONE
        for offset, now in self.changes():
            if offset > pc - self.start:
                break
            state = now
        return state

    def saved_registers(self, machine, pc):
        """The registers that are below the frame pointer, in their order."""
        enter = self.kind == 1 and self.own_name in ("enter", "propagate")
        saved = 0b1111 if enter else self.saved
        names = [name for i, name in enumerate(machine.saved) if saved >> i & 1]
        if enter:
            names.append(machine.context)
        linked = next((offset for offset, now in self.changes() if now == self.LINKED), 0)
        done = linked + machine.saving(saved, enter)
        # What begins in a frame (`throw`, `propagate`) finds them saved.
        return names if linked == 0 or linked > 16 or pc - self.start >= done else []

    def line_at(self, pc):
        """File and line of the instruction at an address, when they are known."""
        try:
            if self.rows is None:
                self.rows = list(self.unpacked())
                self.text = Source(self.program, self.number) if self.rows else None
            low, high = 0, len(self.rows)
            while low < high:
                middle = (low + high) // 2
                if self.rows[middle][0] <= pc - self.start:
                    low = middle + 1
                else:
                    high = middle
            return (self.text.name, self.text.line(self.rows[low - 1][1])) if low else None
        except (Garbage, UnicodeError):
            return None

    def unpacked(self):
        """The rows of src/asm/lines.rs: offsets in code and in the function's own text, which for a function that is written in
        place of its call is that of the call."""
        packed = Packed(self.array(self.lines + self.program["lines.bytes"], 1))
        calls = self.array(self.lines + self.program["lines.inlined"], 12)
        calls = list(struct.iter_unpack("<III", calls[: len(calls) // 12 * 12]))
        code, source, inlined = 0, 0, 0
        while packed:
            step = packed.number()
            distance = packed.number() & 0xFFFFFFFF
            distance = distance >> 1 ^ -(distance & 1)
            packed.number()  # how much of the text
            if step & 1:
                inlined = packed.number()
            code += step >> 1
            source = (source + distance) & 0xFFFFFFFF
            own, call = source, inlined
            for _ in range(len(calls)):
                if 0 < call <= len(calls):
                    _, own, call = calls[call - 1]
            yield code, own

    def variable_numbers(self):
        """The names of all its variables."""
        packed = Packed(self.array(self.variables + self.program["variables.bytes"], 1))
        found = [Variable.unpacked(packed) for _ in range(packed.number() - 1)] if packed else []
        return [variable.number for variable in found if not variable.in_place]

    def variables_at(self, pc):
        """The parameters, and the variables that have been somewhere before an address, each with its place there, by
        src/asm/variables.rs; None when nobody wanted the table."""
        packed = Packed(self.array(self.variables + self.program["variables.bytes"], 1))
        if not packed:
            return None
        found = [Variable.unpacked(packed) for _ in range(packed.number() - 1)]
        code, known = 0, True
        while packed:
            code += packed.number()
            if code > pc - self.start:
                break
            key = packed.number()
            if key < 2:
                known = key == 1
                continue
            variable = found[(key >> 3) - 1]
            variable.seen = True
            variable.kind = key & 7
            variable.detail = packed.number() if variable.kind else 0
        source = Source(self.program, self.number)
        for variable in found:
            variable.name = source.variable_name(variable.number)
            variable.line = source.line(variable.source)
            if not known:
                variable.kind = 0
        return [v for v in found if (v.parameter or v.seen) and not v.in_place]


class Packed:
    """Numbers in as few bytes as they take: seven bits to a byte, the lowest first."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def __bool__(self):
        return self.at < len(self.data)

    def number(self):
        n, shift = 0, 0
        while True:
            if self.at >= len(self.data):
                raise Garbage("a table that ends too early")
            byte = self.data[self.at]
            self.at += 1
            n |= (byte & 127) << shift
            if byte < 128:
                return n
            shift += 7


class Variable:
    """A variable of a function, and where it is."""

    NOWHERE, REGISTER, FLOAT, SLOT, FLOAT_SLOT, WORD, FLOAT_BITS, CELL = range(8)

    def __init__(self, what, source):
        self.number = what >> 3
        # Of a function that is written in place of its call: gdb knows in which frame it is.
        self.in_place = bool(what & 4)
        self.parameter = bool(what & 2)
        self.boxed = bool(what & 1)
        self.source = source
        self.seen = False
        self.kind = self.NOWHERE
        self.detail = 0

    @staticmethod
    def unpacked(packed):
        what = packed.number()
        if what & 4:
            packed.number()
        source, scope = packed.number(), packed.number()
        if scope:
            packed.number()
        return Variable(what, source)

    def value(self, frame, function):
        """A word, a Float, or None when it is not kept."""
        machine = Machine.of(frame.architecture())
        if self.kind == self.NOWHERE:
            return None
        if self.kind == self.FLOAT:
            return machine.float_in(frame, self.detail)
        if self.kind == self.FLOAT_BITS:
            return struct.unpack("<d", struct.pack("<Q", self.detail))[0]
        if self.kind in (self.SLOT, self.FLOAT_SLOT):
            below = bin(function.saved).count("1") + 1 + self.detail
            at = (as_word(frame.read_register(machine.fp)) - 8 * below) & MASK
            if self.kind == self.FLOAT_SLOT:
                return struct.unpack("<d", read(at, 8))[0]
            value = word(at)
        elif self.kind == self.REGISTER:
            value = as_word(frame.read_register(machine.general[self.detail]))
        elif self.kind == self.CELL:
            value = word(self.detail)
        else:
            value = self.detail
        if self.boxed:
            return word(Header(function.program, value & ~7).address + 8)
        return value


class Source:
    """The text that a function was compiled from."""

    def __init__(self, program, number):
        at, count = program.list(program["sources"])
        if not 0 < number <= count:
            raise Garbage("a text that is not known")
        unit = word(at + program["text.size"] * (number - 1) + program["text.unit"])
        unit = word(unit + program["arc.data"] + program["linked.unit"])
        source = word(unit + program["arc.data"] + program["unit.source"]) + program["arc.data"]
        self.name = program.text(source + program["source.name"], "vec")
        self.program = program
        self.names = program.list(unit + program["arc.data"] + program["unit.names"])
        self.text = program.list(source + program["source.text"])
        starts, count = program.list(source + program["source.line_starts"])
        count = min(count, 1 << 22)
        self.starts = struct.unpack(f"<{count}I", read(starts, 4 * count))

    def variable_name(self, number):
        pointer, length = self.names
        if number >= length:
            raise Garbage("a name that is not known")
        at, length = words(pointer + 16 * number, 2)
        return read(at + self.program["arc.data"], min(length, 4096)).decode("utf-8", "replace")

    def line(self, offset):
        return bisect.bisect_right(self.starts, offset)

    def lines(self, first, last):
        """The texts of lines with their numbers, as far as there are such."""
        at, length = self.text
        ends = list(self.starts[1:]) + [length]
        for number in range(max(first, 1), min(last, len(self.starts)) + 1):
            start, end = self.starts[number - 1], ends[number - 1]
            if start > end or end > length:
                raise Garbage("a line that is not in its text")
            yield number, read(at + start, min(end - start, MOST_CHARACTERS)).decode("utf-8", "replace").rstrip("\r\n")


class Programs:
    """The program that is looked at. What it says of itself stays; what it consists of is asked for anew after it has run."""

    def __init__(self):
        self.present = None
        self.reason = "nothing was looked at yet"
        self.fresh = False
        self.busy = False
        gdb.events.cont.connect(lambda _: self.ran())
        gdb.events.memory_changed.connect(lambda _: self.ran())
        gdb.events.exited.connect(lambda _: self.forget())
        gdb.events.new_objfile.connect(self.loaded)

    def ran(self):
        self.fresh = False

    def forget(self):
        self.present = None
        self.fresh = False

    def loaded(self, event):
        # Code that was compiled just now says nothing new of the program.
        if not (event.new_objfile.filename or "").startswith("<< JIT"):
            self.forget()

    def get(self):
        if not self.fresh and not self.busy:
            self.busy = True
            try:
                self.look()
                # What is not there yet is looked for again.
                self.fresh = self.present is not None
            finally:
                self.busy = False
        return self.present

    def look(self):
        try:
            # Asked each time: between two programs, and before the first runs, the symbol is somewhere else.
            at = word(address_of("harrier_facts"))
            if at == 0:
                self.present = None
                self.reason = "it does not run"
            elif self.present is None or self.present.at != at:
                self.present = Program(at)
            else:
                self.present.functions.clear()
        except (gdb.error, Garbage, UnicodeError) as problem:
            self.present = None
            self.reason = str(problem)


programs = Programs()


def program():
    found = programs.get()
    if found is None:
        raise gdb.GdbError(f"there is no Harrier program here: {programs.reason}")
    return found


# ---- values ----


class Printer:
    """Prints one value, with bounds for everything."""

    ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0", '"': '\\"', "\\": "\\\\"}

    def __init__(self, program, depth=MOST_DEPTH):
        self.program = program
        self.most_depth = depth
        self.objects = MOST_OBJECTS
        self.open = []

    def text(self, value):
        try:
            return self.any(value & MASK)
        except RecursionError:
            return "…"

    def any(self, value):
        try:
            return self.of(value)
        except Garbage as problem:
            return f"<{value:#x}: {problem}>"

    def of(self, value):
        tag = value & 7
        if tag == 0:
            return str(signed(value) >> 3)
        if value & 2:
            return number(float_of(value))
        if tag == 4:
            return self.immediate(value)
        address = value & ~7
        if address in self.open:
            return "…"
        if len(self.open) >= self.most_depth:
            return "…"
        self.objects -= 1
        if self.objects < 0:
            return "…"
        self.open.append(address)
        try:
            return self.object(address)
        finally:
            self.open.pop()

    def immediate(self, value):
        known = {0x04: "null", 0x0C: "false", 0x14: "true", 0x1C: "<thrown>", 0x24: "<undefined>", 0x2C: "<poison>"}
        if value in known:
            return known[value]
        if value & 0xFF == 0x3C:
            return self.key(self.program.keyword(value >> 8))
        raise Garbage("no value")

    def key(self, text):
        return ":" + (text if is_name(text) else self.quote(text))

    def quote(self, text, more=False):
        out = []
        for i, c in enumerate(text):
            if c in self.ESCAPES:
                out.append(self.ESCAPES[c])
            elif c == "$" and text[i + 1 : i + 2] == "{":
                out.append("\\$")
            elif c < " " or "\x7f" <= c < "\xa0":
                out.append(f"\\x{ord(c):02X}")
            else:
                out.append(c)
        return '"' + "".join(out) + '"' + ("…" if more else "")

    def object(self, address):
        header = Header(self.program, address)
        name = header.name
        form = getattr(self, "of_" + name.lower(), None) if name else None
        if form is not None:
            return form(header.address, header)
        if header.layout >= self.program["first_user_layout"]:
            return self.fields(header.address, header)
        if name is None or name in ("INT", "NULL", "BOOL", "KEYWORD"):
            raise Garbage(f"no object: its header is {header.word:#x}")
        return f"<internal {name.lower()} {address:#x}>"

    # Each of these gets the address of an object of the layout that its name says.

    def slots(self, at):
        """The first slot of an ARRAY or NODE, and how many there are."""
        n = word(at + 8)
        if n & 7 or n >> 3 > 1 << 40:
            raise Garbage("a length that is none")
        return at + 16, n >> 3

    def count(self, at, i):
        n = word(at + 8 + 8 * i)
        if n & 7:
            raise Garbage("a count that is no Int")
        return n >> 3

    def pointer(self, at, i, *layouts):
        """The object in a slot, which is of one of these layouts."""
        value = word(at + 8 + 8 * i)
        if value & 7 != 1:
            raise Garbage(f"slot {i} is {value:#x} and not a {' or '.join(layouts)}")
        header = Header(self.program, value & ~7)
        if header.name not in layouts:
            raise Garbage(f"slot {i} is a {header.name} and not a {' or '.join(layouts)}")
        return header.address

    def sequence(self, values, n, brackets):
        """`values` gives at least the first of n values."""
        out = []
        for value in values:
            if len(out) >= min(n, MOST_ELEMENTS) or self.objects < 0:
                break
            out.append(self.any(value))
        if len(out) < n:
            out.append(f"… {n - len(out)} more")
        return brackets[0] + ", ".join(out) + brackets[1]

    def of_float(self, at, _):
        return number(struct.unpack("<d", read(at + 8, 8))[0])

    def of_big_int(self, at, _):
        first = word(at + 8)
        limbs = first & (1 << 63) - 1
        if limbs > 10_000:
            return f"<Int of {limbs} words>"
        value = sum(limb << 64 * i for i, limb in enumerate(words(at + 16, limbs)))
        return ("-" if first >> 63 else "") + decimal(value)

    def of_string(self, at, _):
        return self.characters(at + 24, word(at + 8) & 0xFFFFFFFF)

    def of_string_prefix(self, at, _):
        return self.characters(self.pointer(at, 2, "BYTES") + 24, word(at + 8) & 0xFFFFFFFF)

    def characters(self, at, n):
        text = read(at, min(n, MOST_CHARACTERS)).decode("utf-8", "replace")
        return self.quote(text, n > MOST_CHARACTERS)

    def of_bytes(self, at, _):
        return f"<internal bytes, {word(at + 16) & (1 << 63) - 1} of {word(at + 8)} in use>"

    def of_string_builder(self, at, _):
        buffer = self.pointer(at, 0, "BYTES")
        return f"string-builder[{self.characters(buffer + 24, word(buffer + 16) & (1 << 63) - 1)}]"

    def of_array(self, at, _):
        first, n = self.slots(at)
        return self.sequence((word(first + 8 * i) for i in range(n)), n, ("array[", "]"))

    of_node = of_array

    def of_vector(self, at, _):
        n = self.count(at, 0)
        return self.sequence(self.vector(at, n, 0), n, "[]")

    def vector(self, at, n, start):
        shape = self.count(at, 1)
        shift, skip = shape & 0xFF, shape >> 8
        tail, in_tail = self.slots(self.pointer(at, 3, "NODE"))
        for i in range(start, n):
            if i >= n - in_tail:
                yield word(tail + 8 * (i - (n - in_tail)))
                continue
            index, level = i + skip, shift
            node = self.pointer(at, 2, "NODE")
            while True:
                first, length = self.slots(node)
                digit = index >> level & 31
                if digit >= length or level > 64:
                    raise Garbage("a vector whose tree is too small")
                if level == 0:
                    yield word(first + 8 * digit)
                    break
                node = self.pointer(node, 1 + digit, "NODE")
                level -= 5

    def of_mutable_list(self, at, _):
        first, room = self.slots(self.pointer(at, 0, "NODE", "ARRAY"))
        n = min(word(first + 8 * (room - 1)) >> 3, room - 1) if room else 0
        return self.sequence((word(first + 8 * i) for i in range(n)), n, ("mutable-list[", "]"))

    def of_map(self, at, _, name="{"):
        n = self.count(at, 0)
        out = []
        for key, value in self.entries(at):
            if len(out) >= min(n, MOST_ELEMENTS) or self.objects < 0:
                break
            shown = self.any(key)
            if self.is_computed(key):
                shown = f"({shown})"
            out.append(f"{shown} {self.any(value)}")
        if len(out) < n:
            out.append(f"… {n - len(out)} more")
        return name + ", ".join(out) + "}"

    def is_computed(self, key):
        """Is it written like a call or a name, which no key may be without parentheses?"""
        try:
            return key & 7 == 1 and Header(self.program, key & ~7).name in ("RANGE", "TYPE", "PROTOCOL")
        except Garbage:
            return False

    def entries(self, at):
        root = self.pointer(at, 1, "NODE", "MAP_NODE", "GROUP_NODE", "COLLISION_NODE")
        nodes = [root]
        seen = 0
        while nodes and seen < 4 * MOST_ELEMENTS:
            node = nodes.pop()
            seen += 1
            header = Header(self.program, node)
            first, n = self.slots(header.address)
            if header.name == "GROUP_NODE":
                bits = word(first) >> 3 | word(first + 8) >> 3 << 32
                base = signed(word(first + 16)) >> 3 << 6
                present = [i for i in range(64) if bits >> i & 1][: max(0, n - 3)]
                for i, bit in enumerate(present):
                    yield (base | bit) << 3 & MASK, word(first + 24 + 8 * i)
                continue
            start, entries, children = 0, n // 2, 0
            if header.name == "MAP_NODE":
                bitmap = word(first) >> 3
                start = 1
                entries = bin(bitmap & 0xFFFF).count("1")
                children = bin(bitmap >> 16).count("1")
                if 1 + 2 * entries + children > n:
                    raise Garbage("a node of a map that is too small")
            for i in range(entries):
                yield words(first + 8 * (start + 2 * i), 2)
            below = words(first + 8 * (start + 2 * entries), children)
            if any(child & 7 != 1 for child in below):
                raise Garbage("a node of a map with a child that is none")
            nodes.extend(child & ~7 for child in reversed(below))

    def of_mutable_map(self, at, _):
        return self.of_map(self.pointer(at, 0, "MAP"), None, "mutable-map{")

    def of_mutable_set(self, at, _):
        inner = self.pointer(at, 0, "MAP")
        return self.sequence((key for key, _ in self.entries(inner)), self.count(inner, 0), ("mutable-set{", "}"))

    def of_set(self, at, _):
        inner = self.pointer(at, 0, "MAP")
        return self.sequence((key for key, _ in self.entries(inner)), self.count(inner, 0), ("#{", "}"))

    def of_atom(self, at, _):
        return f"Atom {{ value: {self.any(word(at + 8))} }}"

    def of_box(self, at, _):
        return self.any(word(at + 8))

    def of_range(self, at, _):
        start, end, step = words(at + 8, 3)
        if step == 1 << 3:
            return f"range({self.any(start)}, {self.any(end)})"
        return f"range-step({self.any(start)}, {self.any(end)}, {self.any(step)})"

    def of_closure(self, at, _):
        return "fn " + self.program.text(word(at + 8) + self.program["code.name"])

    def of_type(self, at, _):
        return self.program.named("types", self.count(at, 0), "type.name")

    of_protocol = of_type

    def of_namespace(self, at, _):
        return "namespace " + self.program.named("namespaces", self.count(at, 0), "namespace.name")

    def of_native(self, at, _):
        return f"native object {self.count(at, 0)}"

    def of_thread_handle(self, _at, _):
        return "thread"

    def of_seq(self, at, _):
        index = self.count(at, 2)
        source = word(at + 8)
        header = Header(self.program, source & ~7)
        if header.name == "VECTOR":
            n = self.count(header.address, 0)
            return self.sequence(self.vector(header.address, n, index), n - index, ("seq[", "]"))
        if header.name in ("ARRAY", "NODE"):
            first, n = self.slots(header.address)
            return self.sequence((word(first + 8 * i) for i in range(index, n)), n - index, ("seq[", "]"))
        return f"seq of {self.any(source)} from {index}"

    def fields(self, at, header):
        layout = self.program.entry("layouts", header.layout)
        if not layout:
            raise Garbage(f"no object: its header is {header.word:#x}")
        p = self.program
        name = p.text(layout + p["layout.type_name"])
        variant = ""
        if word(layout + p["layout.variant"] + p["str.pointer"]):
            variant = p.text(layout + p["layout.variant"])
        first, n = p.list(layout + p["layout.fields"])
        removed = word(layout + p["layout.removed"] + p["str.pointer"])
        out = []
        for i in range(min(n, MOST_ELEMENTS)):
            if read(removed + i, 1) == b"\0":
                field = p.text(first + p["field.size"] * i + p["field.name"])
                out.append(f"{field}: {self.any(word(at + 8 + 8 * i))}")
        if n > MOST_ELEMENTS:
            out.append(f"… {n - MOST_ELEMENTS} more")
        name = f"{name}.{variant}" if variant else name
        return f"{name} {{ {', '.join(out)} }}" if out else name + ("" if variant else " { }")


class Header:
    """The header of an object, behind the new address when a collection has just moved it."""

    def __init__(self, program, address):
        self.program = program
        self.moved = 0
        self.address = address
        self.word = word(address)
        while self.word & 1 and self.moved < 4:
            self.moved += 1
            self.address = self.word & ~7
            self.word = word(self.address)
        if self.word & 1:
            raise Garbage("a header that leads nowhere")
        self.layout = (self.word & 0xFFFFFFFF) >> 1
        self.flags = self.word >> 32 & 0xFF
        self.count = self.word >> 40
        self.name = program.layouts.get(self.layout)


def number(f):
    """A Float as Harrier writes it."""
    if f != f:
        return "NaN"
    if f in (float("inf"), float("-inf")):
        return "infinity" if f > 0 else "-infinity"
    sign = "-" if repr(f).startswith("-") else ""
    digits, _, exponent = repr(abs(f)).partition("e")
    whole, _, fraction = digits.partition(".")
    point = len(whole) + int(exponent or 0)
    digits = whole + fraction
    point -= len(digits) - len(digits.lstrip("0"))
    digits = digits.strip("0")
    if not digits:
        return sign + "0.0"
    if -5 < point <= 16:
        if point <= 0:
            return f"{sign}0.{'0' * -point}{digits}"
        return f"{sign}{digits[:point].ljust(point, '0')}.{digits[point:] or '0'}"
    rest = "." + digits[1:] if digits[1:] else ""
    return f"{sign}{digits[0]}{rest}e{point - 1}"


def decimal(value):
    """Python refuses to write very long numbers."""
    try:
        return str(value)
    except ValueError:
        return hex(value)


def show(value, depth=MOST_DEPTH):
    return Printer(program(), depth).text(value)


# Names of types, casts and symbols are read in the language of the frame that is looked at, Rust at times: none is asked for by
# name but in C.
def word_type():
    return gdb.selected_inferior().architecture().integer_type(64, False)


def as_word(value):
    """The word in a gdb value: a number, a pointer, raw bytes of eight, or a variable."""
    try:
        if value.type.code == gdb.TYPE_CODE_STRUCT and value.type.name == "harrier_variable":
            value = value["word"]
        return int(value) & MASK
    except gdb.error:
        if value.type.sizeof != 8 or value.type.code == gdb.TYPE_CODE_VOID:
            what = "nothing" if value.type.code == gdb.TYPE_CODE_VOID else f"of {value.type.sizeof} bytes"
            raise Garbage(f"a word has 8 bytes, and this is {what}") from None
        return int(value.cast(word_type())) & MASK


# What is shown has types that nothing else here has, so that the printer knows them: each is what stands here, with qualifiers.
# Numbers are numbers, so that conditions can compare them; what is neither a number nor a truth value is the word.
class Shown:
    """The types of what is shown, by their texts."""

    @staticmethod
    def integer(bits, signed):
        return gdb.selected_inferior().architecture().integer_type(bits, signed)

    @staticmethod
    def word():
        return Shown.integer(64, False).volatile()

    @staticmethod
    def int():
        return Shown.integer(64, True).volatile()

    @staticmethod
    def bool():
        return Shown.integer(8, False).volatile()

    @staticmethod
    def null():
        return Shown.integer(8, True).volatile()

    @staticmethod
    def float():
        return gdb.Value(0.0).type.volatile()

    @staticmethod
    def nothing():
        # Of the qualifiers that a type was given before gdb keeps none.
        return gdb.Value(0.0).type.const()

    @staticmethod
    def kind(value):
        """The name of the type that a gdb value has, if it is one of these."""
        text = str(value.type)
        names = ("word", "int", "bool", "null", "float", "nothing")
        return next((name for name in names if str(getattr(Shown, name)()) == text), None)


def shown(value):
    """The gdb value for a word, a Float or None. Of what is not kept only `!=` is true."""
    if value is None:
        return gdb.Value(float("nan")).cast(Shown.nothing())
    if isinstance(value, float):
        return gdb.Value(value).cast(Shown.float())
    if value & 7 == 0:
        return gdb.Value(signed(value) >> 3).cast(Shown.int())
    if value & 2:
        return gdb.Value(float_of(value)).cast(Shown.float())
    if value in (0x0C, 0x14):
        return gdb.Value(int(value == 0x14)).cast(Shown.bool())
    if value == 0x04:
        return gdb.Value(0).cast(Shown.null())
    return gdb.Value(value).cast(Shown.word())


def float_of(value):
    """The Float in a word."""
    bits = (value - 3) & MASK
    return struct.unpack("<d", struct.pack("<Q", (bits >> 4 | bits << 60) & MASK))[0]


def meant(value):
    """The word, Float or None that a gdb value stands for: a word of the program, a variable, its name as a string, or what $hr
    has given."""
    code = value.type.strip_typedefs().code
    if code in (gdb.TYPE_CODE_ARRAY, gdb.TYPE_CODE_STRING):
        return variable_named(value.string())
    if code == gdb.TYPE_CODE_FUNC:
        raise Garbage("no variable of this frame has this name, but a function of Rust")
    if code == gdb.TYPE_CODE_STRUCT and value.type.name == "harrier_variable":
        if not value["raw"].is_optimized_out:
            return float(value["raw"])
        return None if value["word"].is_optimized_out else int(value["word"]) & MASK
    if value.is_optimized_out:
        return None
    kind = Shown.kind(value)
    if kind == "nothing":
        return None
    if kind == "float" or code == gdb.TYPE_CODE_FLT:
        return float(value)
    if kind == "int":
        return int(value) << 3 & MASK
    if kind in ("bool", "null"):
        return 0x04 if kind == "null" else 0x14 if int(value) else 0x0C
    return as_word(value)


def variable_named(name):
    """What the variable of this name holds in the selected frame; None when it is not kept, or there is none."""
    frame = gdb.selected_frame()
    try:
        return meant(frame.read_var(name))
    except (gdb.error, ValueError):
        pass
    function = function_of(frame)
    found = variables_of(frame, function) if function else None
    values = [value for variable, value in found or [] if variable.name == name]
    return values[-1] if values else None


class Hr(gdb.Function):
    """$hr(WORD), $hr(NAME) or $hr("NAME"): the Harrier value in a word, or in a variable; the quotes are for names with signs. Ints,
    Floats, true and false are numbers in conditions (`break f.hr:9 if $hr(n) > 5`); of what is not kept only `!=` is
    true."""

    def __init__(self):
        super().__init__("hr")

    def invoke(self, value=None, *more):
        if value is None or more:
            raise gdb.GdbError('write $hr(WORD), as in $hr($rsi), or $hr("NAME") for a variable')
        try:
            return shown(meant(value))
        except (Garbage, gdb.error, UnicodeError) as problem:
            raise gdb.GdbError(f"$hr: {problem}") from None


class HrIs(gdb.Function):
    """$hr_is(NAME, "TEXT"): is this what `repr` prints of the value, or the text of a String? For conditions: `break f.hr:9 if
    $hr_is(name, "disc")`."""

    def __init__(self):
        super().__init__("hr_is")

    def invoke(self, value=None, text=None, *more):
        if text is None or more:
            raise gdb.GdbError('write $hr_is(NAME, "TEXT")')
        try:
            found, text = meant(value), text.string()
            if found is None:
                return False
            printed = text_of(found)
            return printed == text or printed == Printer(None).quote(text)
        except (Garbage, gdb.error, UnicodeError) as problem:
            raise gdb.GdbError(f"$hr_is: {problem}") from None


class ValuePrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        # Of a variable in the debug information of --gdb one half is there: see src/profile/variables.rs.
        return text_of(meant(self.value))


NOT_KEPT = "<no longer kept>"


def value_printer(value):
    kind = value.type
    if kind.code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_BOOL, gdb.TYPE_CODE_CHAR, gdb.TYPE_CODE_FLT):
        known = Shown.kind(value) is not None
    else:
        known = kind.code == gdb.TYPE_CODE_STRUCT and kind.name == "harrier_variable"
    return ValuePrinter(value) if known else None


# ---- frames ----


class Machine:
    """The registers of a machine."""

    def __init__(self, name):
        self.x64 = name.startswith("i386:x86-64")
        if self.x64:
            self.pc, self.sp, self.fp, self.context = "rip", "rsp", "rbp", "r15"
            self.saved = ["rbx", "r12", "r13", "r14"]
            self.kept = ["r12", "r13", "r14", "r15", "rbx"]
            self.general = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"] + [f"r{i}" for i in range(8, 16)]
        else:
            self.pc, self.sp, self.fp, self.context = "pc", "sp", "x29", "x28"
            self.saved = ["x19", "x20", "x21", "x22"]
            self.kept = [f"x{i}" for i in range(19, 29)]
            self.general = [f"x{i}" for i in range(31)]

    def float_in(self, frame, number):
        """The Float in a float register."""
        if self.x64:
            return float(frame.read_register(f"xmm{number}")["v2_double"][0])
        return float(frame.read_register(f"v{number}")["d"]["f"][0])

    def saving(self, saved, enter):
        """Bytes of the instructions that save registers, behind those that link the frame: as in src/profile/unwind.rs."""
        others = bin(saved >> 1).count("1") + enter
        if self.x64:
            return (saved & 1) + 2 * others
        return 4 * (2 + (bin(saved).count("1") + 1) // 2 + enter)

    @staticmethod
    def of(architecture):
        name = architecture.name()
        return Machine(name) if name.startswith(("i386:x86-64", "aarch64")) else None


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class Unwinder(gdb.unwinder.Unwinder):
    """From a frame of Harrier code to its caller."""

    def __init__(self):
        super().__init__("harrier")

    def __call__(self, pending):
        found = programs.get()
        machine = Machine.of(pending.architecture()) if found else None
        if machine is None:
            return None
        pc = as_word(pending.read_register(machine.pc))
        if not found["code.start"] <= pc < found["code.end"]:
            return None
        # A frame that waits for a call may wait at its very end.
        function = found.function(pc) or found.function(pc - 1)
        if function is None:
            return None
        try:
            return self.unwind(pending, machine, function, pc)
        except (Garbage, gdb.error):
            return None

    def unwind(self, pending, machine, function, pc):
        sp = as_word(pending.read_register(machine.sp))
        fp = as_word(pending.read_register(machine.fp))
        state = function.frame_at(pc)
        registers = {}
        if state == Function.NONE:
            # The caller's frame pointer is in its register, and the return address where the call has left it.
            cfa = sp + 8 if machine.x64 else sp
            back = word(sp) if machine.x64 else as_word(pending.read_register("x30"))
            registers[machine.fp] = fp
        elif state == Function.PUSHED:
            cfa = sp + 16
            registers[machine.fp], back = words(sp, 2)
        else:
            cfa = fp + 16
            registers[machine.fp], back = words(fp, 2)
            for i, name in enumerate(function.saved_registers(machine, pc)):
                registers[name] = word(fp - 8 * (i + 1))
        info = pending.create_unwind_info(FrameId(gdb.Value(cfa), gdb.Value(function.start)))
        registers[machine.pc] = back
        registers[machine.sp] = cfa
        kind = word_type()
        for name in set(machine.kept) | set(registers):
            value = gdb.Value(registers[name]).cast(kind) if name in registers else pending.read_register(name)
            info.add_saved_register(name, self.typed(pending, name, value))
        return info

    @staticmethod
    def typed(pending, name, value):
        return value.cast(pending.read_register(name).type)


class Names:
    """Shows frames of Harrier code with their names and lines."""

    def __init__(self):
        self.name = "harrier"
        self.priority = 100
        self.enabled = True
        gdb.frame_filters[self.name] = self

    def filter(self, frames):
        return map(self.decorate, frames)

    @staticmethod
    def decorate(frame):
        function = function_of(frame.inferior_frame())
        if function is None:
            return frame
        return (InPlaceDecorator if in_place(frame.inferior_frame()) else Decorator)(frame, function)


def function_of(frame):
    """The Harrier function of a frame."""
    found = programs.get()
    if found is None or not frame.is_valid():
        return None
    pc = frame.pc()
    if not found["code.start"] <= pc < found["code.end"]:
        return None
    return found.function(pc) or found.function(pc - 1)


def in_place(frame):
    """Is it a call in whose place the function is written? The registers are those of the function around it."""
    return frame.type() == gdb.INLINE_FRAME


def newest(frame):
    """Was the frame interrupted where it is, and does not wait for a call?"""
    newer = frame.newer()
    while newer is not None and in_place(newer):
        newer = newer.newer()
    return newer is None or newer.type() == gdb.SIGTRAMP_FRAME


def instruction(frame):
    """The address of the instruction that a frame is at: the call, where it waits for one."""
    return frame.pc() if newest(frame) else frame.pc() - 1


def place_of(frame, function):
    """File and line of a frame, when they are known. Where gdb knows the line it is gdb's, so that all say the same: the instruction to
    which a call returns may be told for the line of the call, though the next line begins there."""
    place = function.line_at(instruction(frame))
    sal = frame.find_sal() if place else None
    return (place[0], sal.line) if sal and sal.symtab and sal.line else place


def variables_of(frame, function):
    """The variables of a frame that have been seen so far, with their values; None when nothing is known of them."""
    try:
        if in_place(frame):
            return list(variables_in_place(frame))
        found = function.variables_at(instruction(frame)) if function.kind == 0 else None
        return None if found is None else [(variable, value_of(variable, frame, function)) for variable in found]
    except (Garbage, UnicodeError, IndexError, RuntimeError):
        return None


def variables_in_place(frame):
    """Those of a function that is written in place of its call, as gdb knows them."""
    block = frame.block()
    while block is not None:
        for symbol in block:
            if symbol.is_argument or symbol.is_variable:
                value = meant(symbol.value(frame))
                if symbol.is_argument or value is not None:
                    yield InPlace(symbol), value
        if block.function is not None:
            return
        block = block.superblock


class InPlace:
    """A variable of a function in place."""

    def __init__(self, symbol):
        self.name = symbol.name
        self.line = symbol.line
        self.parameter = symbol.is_argument


def value_of(variable, frame, function):
    try:
        return variable.value(frame, function)
    except (Garbage, gdb.error):
        return None


class Argument:
    """An argument as frame filters want it."""

    def __init__(self, name, value):
        self.name = name
        self.given = value

    def symbol(self):
        return self.name

    def value(self):
        return shown(self.given)


class InPlaceDecorator(FrameDecorator):
    """A function that is written in place of its call: gdb knows its name and its line."""

    def __init__(self, frame, function):
        super().__init__(frame)
        self.harrier = function

    def frame_args(self):
        return self.variables(True)

    def frame_locals(self):
        return self.variables(False)

    def variables(self, parameters):
        found = variables_of(self.inferior_frame(), self.harrier)
        return found and [Argument(v.name, value) for v, value in found if v.parameter == parameters]


class Decorator(InPlaceDecorator):
    """A function of Harrier: it knows itself."""

    def __init__(self, frame, function):
        super().__init__(frame, function)
        self.place = place_of(self.inferior_frame(), function)

    def function(self):
        return self.harrier.name

    def filename(self):
        return self.place[0] if self.place else None

    def line(self):
        return self.place[1] if self.place else None


# ---- commands ----


# What may be wrong with what is asked for and with what is read; everything else is a mistake in this file.
MISUSE = (Garbage, gdb.error, UnicodeError, ValueError, OverflowError, IndexError, RuntimeError, struct.error)


class Command(gdb.Command):
    """A command whose failure is a line that says what it is."""

    def __init__(self, name, kind):
        super().__init__(name, kind)
        self.name = name

    def invoke(self, argument, _):
        try:
            self.run(argument.strip())
        except gdb.GdbError:
            raise
        except MISUSE as problem:
            raise gdb.GdbError(f"{self.name}: {problem}") from None

    def run(self, argument):
        raise NotImplementedError

    def number(self, argument, what):
        """A number that was given, or None."""
        if argument and not (argument.isascii() and argument.isdigit()):
            raise gdb.GdbError(f"{self.name} wants {what}, not {argument}")
        return int(argument) if argument else None


def variables_here():
    """The variables of the selected frame; None when nothing is known of them."""
    frame = gdb.selected_frame()
    function = function_of(frame)
    found = variables_of(frame, function) if function else None
    return None if found is None else [variable for variable, _ in found]


def names_here():
    """The variables of the selected frame, as they are told to somebody who has named another."""
    function = function_of(gdb.selected_frame())
    if function is None or function.kind != 0:
        return "the selected frame is none of a Harrier function"
    found = variables_here()
    if found is None:
        return UNTOLD
    names = sorted({variable.name for variable in found})
    return f"the variables are {', '.join(names)}" if names else "there are no variables"


class HeaderCommand(Command):
    """hr-header WORD: the header of the object that a word points to, or that is in a variable: `hr-header $rsi`,
    `hr-header points`."""

    def __init__(self):
        super().__init__("hr-header", gdb.COMMAND_DATA)

    def run(self, argument):
        found = program()
        if not argument:
            raise gdb.GdbError("hr-header wants a word or a variable: hr-header $rsi, hr-header points")
        value, is_number = self.asked(argument)
        if not isinstance(value, int):
            raise gdb.GdbError(f"{argument} is no object: {text_of(value)}")
        if value & 7 == 4 or value & 2 or value & 7 == 0 and not is_number:
            raise gdb.GdbError(f"{argument} is no object: {show(value)}")
        try:
            header = Header(found, value & ~7)
        except Garbage as problem:
            raise gdb.GdbError(f"{value:#x}: {problem}") from None
        name = header.name
        if name is None:
            layout = found.entry("layouts", header.layout) if header.layout >= found["first_user_layout"] else 0
            name = found.text(layout + found["layout.type_name"]) if layout else "none"
        moved = f", moved to {header.address:#x}" if header.moved else ""
        print(f"{header.address:#x}: layout {header.layout} ({name}), flags {header.flags:#x}, count {header.count}{moved}")

    @staticmethod
    def asked(argument):
        """What an expression or the name of a variable stands for, and whether it is a number, which may be a bare address."""
        try:
            # Names of Harrier may have signs that C takes for others.
            name = argument.strip('"')
            value = variable_named(name) if is_name(name) else None
            if value is not None:
                return value, False
            if name != argument and name not in [v.name for v in variables_here() or []]:
                raise Garbage("no variable has this name here")
            value = gdb.parse_and_eval(argument)
            is_number = value.type.strip_typedefs().code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_PTR)
            return meant(value), is_number and Shown.kind(value) is None
        except (Garbage, gdb.error) as problem:
            raise gdb.GdbError(f"hr-header {argument}: {str(problem).rstrip('.')}; {names_here()}") from None


def frames():
    """The frames of the selected thread from the selected one outwards, as many as there are; each with gdb's number of it."""
    frame, number = gdb.selected_frame(), 0
    newer = frame.newer()
    while newer is not None:
        newer, number = newer.newer(), number + 1
    while frame is not None and frame.is_valid():
        yield frame, number
        try:
            frame, number = frame.older(), number + 1
        except gdb.error:
            return


UNTOLD = "the program was started without --gdb, which keeps where variables are"


def text_of(value):
    """A value, or that it is not kept."""
    if value is None:
        return NOT_KEPT
    return number(value) if isinstance(value, float) else show(value)


class Backtrace(Command):
    """hr-bt [COUNT]: the Harrier functions on the stack, innermost first, with their arguments. The numbers are those of `bt` and
    `frame`."""

    def __init__(self):
        super().__init__("hr-bt", gdb.COMMAND_STACK)

    def run(self, argument):
        program()
        most = self.number(argument, "the number of functions to show")
        most = 100 if most is None else most
        shown = rust = untold = 0
        for frame, number in frames():
            function = function_of(frame)
            if function is None or function.kind != 0:
                rust += function is None
                continue
            if shown == most:
                print("(more frames follow)")
                return
            if rust and shown:
                print(f"    (through {rust} frames of Rust)")
            rust = 0
            if in_place(frame):
                name, how, sal = frame.name(), " in place", frame.find_sal()
                place = (sal.symtab.filename, sal.line) if sal.symtab else None
            else:
                name, how, place = function.name, "", place_of(frame, function)
            where = f" at {place[0]}:{place[1]}" if place else ""
            found = variables_of(frame, function)
            untold += found is None
            arguments = [f"{v.name} = {self.short(value)}" for v, value in found or [] if v.parameter]
            print(f"#{number:<3} {name} ({', '.join(arguments)}){how}{where}")
            shown += 1
        if untold:
            print(f"(no arguments are shown: {UNTOLD})")
        if shown == 0:
            print("no Harrier function is on the stack of this thread")

    @staticmethod
    def short(value):
        text = text_of(value)
        return text if len(text) <= MOST_IN_LINE else text[:MOST_IN_LINE] + "…"


class Locals(Command):
    """hr-locals: the variables of the selected frame, parameters and captured ones included."""

    def __init__(self):
        super().__init__("hr-locals", gdb.COMMAND_STACK)

    def run(self, argument):
        program()
        if argument:
            raise gdb.GdbError(f"hr-locals shows all variables and wants no argument: write p {argument} for one")
        frame = gdb.selected_frame()
        function = function_of(frame)
        if function is None or function.kind != 0:
            raise gdb.GdbError("the selected frame is none of a Harrier function")
        found = variables_of(frame, function)
        if found is None:
            raise gdb.GdbError(f"no variables are known here: {UNTOLD}")
        names = [variable.name for variable, _ in found]
        for variable, value in found:
            which = f" (line {variable.line})" if names.count(variable.name) > 1 else ""
            print(f"{variable.name}{which} = {text_of(value)}")
        if not found:
            print("no variables")


class List(Command):
    """hr-list [LINE]: ten lines around where the selected frame is, or around another line of its text. It is the text that the program
    has in memory: of the library, of what was evaluated, and of entries of the REPL there are no files."""

    def __init__(self):
        super().__init__("hr-list", gdb.COMMAND_FILES)

    def run(self, argument):
        found, frame = program(), gdb.selected_frame()
        wanted = self.number(argument, "the number of a line")
        function = function_of(frame)
        place = place_of(frame, function) if function else None
        if place is None:
            raise gdb.GdbError("the selected frame is none of a Harrier function")
        here = frame.find_sal().line if in_place(frame) else place[1]
        middle = here if wanted is None else wanted
        try:
            source = Source(found, function.number)
            count = len(source.starts) - (source.starts[-1:] == (source.text[1],))
            if middle - 5 > count:
                raise gdb.GdbError(f"{source.name} has {count} lines")
            for number, text in source.lines(middle - 5, middle + 4):
                print(f"{'=>' if number == here else '  '} {number}\t{text}")
        except Garbage as problem:
            raise gdb.GdbError(f"the text cannot be read: {problem}") from None


def in_c(expression):
    """Is an expression true in the selected frame, read in C?"""
    language = gdb.parameter("language")
    gdb.execute("set language c", to_string=True)
    try:
        return bool(gdb.parse_and_eval(expression))
    finally:
        gdb.execute(f"set language {language}", to_string=True)


class HrWhen(gdb.Function):
    """$hr_when(N): the condition of a breakpoint, see below. Which one it stands for is told when it is made."""

    def __init__(self):
        super().__init__("hr_when")
        # Who loads this file again keeps them.
        gdb.harrier_conditions = self.conditions = getattr(gdb, "harrier_conditions", [])
        gdb.events.breakpoint_created.connect(self.look)
        gdb.events.breakpoint_modified.connect(self.look)

    def look(self, breakpoint):
        # Where Rust is the language, as it is before the program runs, gdb asks the program for memory for the texts of a condition
        # when it looks whether that is true: it calls the program from where the breakpoint is, and loses it.
        condition = breakpoint.condition
        if condition and '"' in condition and "$hr" in condition:
            if condition not in self.conditions:
                self.conditions.append(condition)
            short = f"$hr_when({self.conditions.index(condition)})"
            breakpoint.condition = short
            print(f"(the condition of breakpoint {breakpoint.number} is {short}: {condition})")

    def invoke(self, number=None, *more):
        try:
            which = -1 if number is None or more else int(number)
        except gdb.error:
            which = -1
        if not 0 <= which < len(self.conditions):
            of_it = f" {which}" if which >= 0 else ""
            raise gdb.GdbError(f"there is no condition{of_it}: write a condition itself, with $hr(NAME)")
        return in_c(self.conditions[which])


class Stop(gdb.Breakpoint):
    """A breakpoint whose condition is read in the frame at which it is, in C."""

    def __init__(self, condition, **place):
        super().__init__(**place)
        self.when = condition

    def stop(self):
        if not self.when:
            return True
        try:
            return in_c(self.when)
        except (gdb.error, gdb.GdbError) as problem:
            print(f"the condition of breakpoint {self.number}, {self.when}: {problem}")
            return True


class Watch(Command):
    """hr-watch [NAME]: stops where a variable of the selected frame has got another value, and when its function has ended. It is looked
    at where lines begin (gdb's `watch` loses a variable that is not kept for a moment). Without a name it ends."""

    def __init__(self):
        super().__init__("hr-watch", gdb.COMMAND_BREAKPOINTS)
        self.stops = []
        gdb.events.stop.connect(lambda _: self.tidy())
        gdb.events.exited.connect(lambda _: self.tidy(True))

    def tidy(self, all=False):
        """Breakpoints cannot go while they are being looked at."""
        for stop in self.stops:
            if (all or stop.watched.ended) and stop.is_valid():
                stop.delete()
        self.stops = [stop for stop in self.stops if stop.is_valid()]

    def run(self, argument):
        program()
        name = argument.strip('"')
        if not name:
            return self.tidy(True)
        frame = gdb.selected_frame()
        function = function_of(frame)
        if function is None or function.kind != 0:
            raise gdb.GdbError("the selected frame is none that has variables of Harrier")
        if in_place(frame):
            raise gdb.GdbError("a function in place of its call changes no variable: watch one of its caller (up)")
        found = variables_of(frame, function)
        if found is None:
            raise gdb.GdbError(f"no variables are known here: {UNTOLD}")
        watched = Watched(name, frame, function)
        if name not in watched.names():
            raise gdb.GdbError(f"there is no variable {name} here: {', '.join(watched.names()) or 'none at all'}")
        self.stops += [WatchStop(at, watched) for at in watched.places()]
        back = frame.older()
        if back is not None:
            self.stops.append(WatchStop(back.pc(), watched))
        print(f"{name} = {watched.seen}")


class Watched:
    """A variable of a frame, with the value that it had."""

    def __init__(self, name, frame, function):
        self.name = name
        self.function = function
        self.machine = Machine.of(frame.architecture())
        self.fp = as_word(frame.read_register(self.machine.fp))
        self.thread = gdb.selected_thread().ptid
        self.ended = False
        self.seen = text_of(self.value(frame))

    def names(self):
        source = Source(self.function.program, self.function.number)
        return sorted({source.variable_name(number) for number in self.function.variable_numbers()})

    def value(self, frame):
        values = [value for variable, value in variables_of(frame, self.function) or [] if variable.name == self.name]
        return next((value for value in reversed(values) if value is not None), None)

    def places(self):
        """Where lines begin, behind the prologue."""
        last = None
        for code, _ in list(self.function.unpacked()):
            at = self.function.start + code
            line = self.function.line_at(at)
            if line != last and self.function.frame_at(at) == Function.LINKED:
                yield at
            last = line

    def changed(self, frame):
        """Is there something to stop for?"""
        if self.ended or gdb.selected_thread().ptid != self.thread:
            return False
        if not self.function.start <= frame.pc() < self.function.end:
            # Where the caller goes on.
            self.ended = as_word(frame.read_register(self.machine.sp)) > self.fp
            if self.ended:
                print(f"({self.name} was {self.seen}: {self.function.name} has ended)")
            return self.ended
        if as_word(frame.read_register(self.machine.fp)) != self.fp:
            return False
        value = self.value(frame)
        if value is None or text_of(value) == self.seen:
            return False
        print(f"{self.name} = {text_of(value)}, was {self.seen}")
        self.seen = text_of(value)
        return True


class WatchStop(gdb.Breakpoint):
    def __init__(self, at, watched):
        super().__init__(f"*{at:#x}", internal=True)
        self.watched = watched

    def stop(self):
        return self.watched.changed(gdb.newest_frame())


def is_told():
    """Does the program describe its code to debuggers? One that has not begun may do so."""
    try:
        # The first entry of the list.
        return programs.get() is None or word(address_of("__jit_debug_descriptor") + 16) != 0
    except (gdb.error, Garbage):
        return True


NOT_TOLD = "the program was started without --gdb: gdb knows none of its functions and lines, and will not stop there"


def look_at_pending(breakpoint):
    if breakpoint.pending and not is_told():
        print(f"({NOT_TOLD})")


class Break(Command):
    """hr-break FUNCTION|FILE:LINE [if CONDITION]: a breakpoint, also where there is no code yet, on names with any signs:
    `hr-break numbers/is-prime? if $hr(n) > 5`."""

    def __init__(self):
        super().__init__("hr-break", gdb.COMMAND_BREAKPOINTS)

    def run(self, argument):
        place, wanted, condition = (argument + " ").partition(" if ")
        place, condition = place.strip().strip("'"), condition.strip()
        if wanted and not condition:
            raise gdb.GdbError("hr-break wants a condition behind if: hr-break numbers/is-prime? if $hr(n) > 5")
        if not place:
            raise gdb.GdbError("hr-break wants a function (shapes/area) or a line (shapes.hr:12)")
        if not is_told():
            raise gdb.GdbError(NOT_TOLD)
        file, _, line = place.rpartition(":")
        if file and line.isdigit():
            Stop(condition, source=file, line=int(line))
        else:
            Stop(condition, function=place)


# What was loaded before is replaced.
gdb.pretty_printers[:] = [p for p in gdb.pretty_printers if getattr(p, "__name__", "") != "value_printer"]
gdb.pretty_printers.append(value_printer)
gdb.unwinder.register_unwinder(None, Unwinder(), replace=True)
Names()
gdb.events.breakpoint_created.connect(look_at_pending)
Hr()
HrIs()
HrWhen()
HeaderCommand()
Break()
Watch()
List()
Backtrace()
Locals()
# What finds a function at its first call is no place for `step` to stop in.
if "src/runtime/program/resolve.rs" not in gdb.execute("info skip", to_string=True):
    gdb.execute("skip -gfi */src/runtime/program/resolve.rs", to_string=True)
