//! Where the variables of the program live, by range of code.
//!
//! Owns the packed table of a function: its variables, and rows, each of which says from which code offset on a variable is
//! somewhere else. A row holds from its offset on until the next row of the same variable; in between there may be stretches in
//! which nothing is told of any variable, since values are on their way from one place to another. A variable that is nowhere is
//! no longer kept, or not yet. It does not know what a word means, nor texts: names are numbers of the unit.

use super::lines::{get, put};
use rustc_hash::FxHashMap;

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// Not kept.
    Nowhere,
    /// A general register, by the machine's number: a tagged word.
    Reg(u8),
    /// A float register, by the machine's number: a raw float.
    Float(u8),
    /// A frame slot (see [`super::code_map::slot_offset`]): a tagged word.
    Slot(u32),
    /// A frame slot: a raw float.
    FloatSlot(u32),
    /// It is this word.
    Word(u64),
    /// It is the float with these bits.
    FloatBits(u64),
    /// A data cell at this address: a tagged word.
    Cell(usize),
}

/// What changes at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing is told from here on.
    Unknown,
    /// The same from the next instruction on: before this one everything is still where it was.
    Moving,
    /// What the rows say is true again.
    Known,
    /// A variable, by its index, is there.
    At(u32, Home),
    /// A variable is nowhere from the next instruction on.
    Dying(u32),
}

/// From an offset on something is otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Offset in the code.
    pub code: u32,
    /// What.
    pub change: Change,
}

/// A variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The number of its name in the unit.
    pub name: u32,
    /// Where the text binds it.
    pub source: u32,
    /// Where in the text its name means it, behind `source`; empty: in the whole function.
    pub scope: (u32, u32),
    /// It gets its value from the caller.
    pub parameter: bool,
    /// The value is a box in which the variable's value is.
    pub boxed: bool,
    /// 0, or of which function that is written in place of its call it is a variable: as in [`super::lines::Row::inlined`].
    pub in_place: u32,
}

/// A variable is somewhere from one offset to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// Its index.
    pub variable: u32,
    /// The first offset.
    pub from: u32,
    /// The offset behind the last.
    pub to: u32,
    /// Where.
    pub home: Home,
}

/// The table of a function.
#[derive(Debug, Default, Clone)]
pub struct Variables {
    /// The number of variables, plus one; the variables; the rows. Empty when the table was not wanted.
    bytes: Box<[u8]>,
}

impl Variables {
    /// For readers of memory.
    pub const OFFSET_OF_BYTES: usize = std::mem::offset_of!(Variables, bytes);

    /// Packs rows in the order in which they were noted, by ascending offsets: of those at one offset the last counts. An
    /// instruction has a byte at least, so that what holds from the next one on holds from the next offset on.
    pub fn new(variables: &[Variable], rows: &[Row]) -> Variables {
        let mut bytes = Vec::with_capacity(3 * rows.len() + 4 * variables.len() + 1);
        put(&mut bytes, variables.len() as u64 + 1);
        for variable in variables {
            let in_place = variable.in_place != 0;
            let what = u64::from(in_place) << 2 | u64::from(variable.parameter) << 1 | u64::from(variable.boxed);
            put(&mut bytes, u64::from(variable.name) << 3 | what);
            if in_place {
                put(&mut bytes, u64::from(variable.in_place));
            }
            put(&mut bytes, u64::from(variable.source));
            let (from, to) = variable.scope;
            put(&mut bytes, u64::from(to.saturating_sub(from)));
            if from < to {
                put(&mut bytes, u64::from(from - variable.source));
            }
        }
        let mut homes = vec![Home::Nowhere; variables.len()];
        let (mut known, mut last) = (true, 0);
        let mut row = |code: u32, change: Change| {
            let (key, detail) = match change {
                Change::Unknown | Change::Known => (u64::from(change == Change::Known), None),
                Change::At(variable, home) => match homes.get_mut(variable as usize).filter(|place| **place != home) {
                    Some(place) => {
                        *place = home;
                        let (kind, detail) = home.parts();
                        (u64::from(variable + 1) << 3 | kind, (kind != 0).then_some(detail))
                    }
                    None => return,
                },
                Change::Moving | Change::Dying(_) => return,
            };
            put(&mut bytes, u64::from(code - last));
            put(&mut bytes, key);
            if let Some(detail) = detail {
                put(&mut bytes, detail);
            }
            last = code;
        };
        let mut moved: Vec<(u32, Change)> = Vec::new();
        for here in rows.chunk_by(|a, b| a.code == b.code) {
            let code = here[0].code;
            let (mut now, mut next) = (known, known);
            for Row { change, .. } in here {
                match *change {
                    Change::Unknown => (now, next) = (false, false),
                    Change::Moving => next = false,
                    Change::Known => (now, next) = (true, true),
                    Change::At(variable, _) => {
                        moved.retain(|(other, _)| *other != variable);
                        moved.push((variable, *change));
                    }
                    Change::Dying(variable) => moved.push((variable, *change)),
                }
            }
            if now != known {
                row(code, if now { Change::Known } else { Change::Unknown });
            }
            let dying = |change: &Change| matches!(change, Change::Dying(_));
            moved.iter().filter(|(_, change)| !dying(change)).for_each(|(_, change)| row(code, *change));
            if next != now {
                row(code + 1, Change::Unknown);
            }
            moved.iter().filter(|(_, c)| dying(c)).for_each(|(var, _)| row(code + 1, Change::At(*var, Home::Nowhere)));
            moved.clear();
            known = next;
        }
        Variables { bytes: bytes.into() }
    }

    /// Was the table wanted?
    pub fn is_kept(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// The variables of the function, and those of what is written in place of its calls.
    pub fn list(&self) -> Vec<Variable> {
        self.head().0
    }

    fn head(&self) -> (Vec<Variable>, usize) {
        let mut at = 0;
        let mut next = || get(&self.bytes, &mut at).unwrap_or(0);
        let count = next().saturating_sub(1);
        let one = |_| {
            let name = next();
            let in_place = if name & 4 != 0 { next() as u32 } else { 0 };
            let (source, length) = (next() as u32, next() as u32);
            let from = if length == 0 { 0 } else { source + next() as u32 };
            let scope = (from, from + length);
            let (parameter, boxed) = (name & 2 != 0, name & 1 != 0);
            Variable { name: (name >> 3) as u32, source, scope, parameter, boxed, in_place }
        };
        ((0..count).map(one).collect(), at)
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        let (mut at, mut code) = (self.head().1, 0);
        std::iter::from_fn(move || {
            code += get(&self.bytes, &mut at)? as u32;
            let key = get(&self.bytes, &mut at)?;
            let change = match key {
                0 => Change::Unknown,
                1 => Change::Known,
                _ => {
                    let detail = if key & 7 == 0 { 0 } else { get(&self.bytes, &mut at)? };
                    Change::At((key >> 3) as u32 - 1, Home::of(key & 7, detail))
                }
            };
            Some(Row { code, change })
        })
    }

    /// The variables of the function that names mean at a place of the text, each with its home at an offset of the code. Of what is
    /// captured only what is kept: nothing else says whether it has been used yet.
    pub fn visible(&self, code: u32, source: u32) -> Vec<(Variable, Home)> {
        let all = self.list();
        let mut homes = vec![Home::Nowhere; all.len()];
        let mut known = true;
        for Row { change, .. } in self.rows().take_while(|row| row.code <= code) {
            match change {
                Change::Unknown => known = false,
                Change::Known => known = true,
                Change::At(variable, home) => homes[variable as usize] = home,
                Change::Moving | Change::Dying(_) => {}
            }
        }
        let mut meant: FxHashMap<u32, usize> = FxHashMap::default();
        for (index, variable) in all.iter().enumerate().filter(|(_, variable)| variable.in_place == 0) {
            let (from, to) = variable.scope;
            let in_view = if from < to { (from..to).contains(&source) } else { homes[index] != Home::Nowhere };
            if in_view {
                let innermost = meant.entry(variable.name).or_insert(index);
                if all[*innermost].scope.0 <= from {
                    *innermost = index;
                }
            }
        }
        let mut meant: Vec<usize> = meant.into_values().collect();
        meant.sort_unstable();
        meant.into_iter().map(|index| (all[index], if known { homes[index] } else { Home::Nowhere })).collect()
    }

    /// Where each variable is from when to when, in a function with so many bytes of code; by ascending starts.
    pub fn stays(&self, end: u32) -> Vec<Stay> {
        let mut out = Vec::new();
        let mut present: Vec<(Home, u32)> = vec![(Home::Nowhere, 0); self.list().len()];
        let mut known = true;
        let mut close = |variable: usize, (home, from): (Home, u32), to: u32| {
            if home != Home::Nowhere && from < to {
                out.push(Stay { variable: variable as u32, from, to, home });
            }
        };
        for Row { code, change } in self.rows() {
            match change {
                Change::At(variable, home) => {
                    let Some(place) = present.get_mut(variable as usize) else { continue };
                    let was = std::mem::replace(place, (home, code));
                    if known {
                        close(variable as usize, was, code);
                    }
                }
                Change::Moving | Change::Dying(_) => {}
                Change::Unknown if known => {
                    known = false;
                    present.iter().enumerate().for_each(|(variable, was)| close(variable, *was, code));
                }
                Change::Unknown => {}
                Change::Known => {
                    known = true;
                    present.iter_mut().for_each(|(_, from)| *from = code);
                }
            }
        }
        if known {
            present.iter().enumerate().for_each(|(variable, was)| close(variable, *was, end));
        }
        out.sort_by_key(|stay| stay.from);
        out
    }
}

impl Home {
    /// The kind, which is no zero but for [`Home::Nowhere`], and what belongs to it.
    fn parts(self) -> (u64, u64) {
        match self {
            Home::Nowhere => (0, 0),
            Home::Reg(r) => (1, r.into()),
            Home::Float(r) => (2, r.into()),
            Home::Slot(slot) => (3, slot.into()),
            Home::FloatSlot(slot) => (4, slot.into()),
            Home::Word(word) => (5, word),
            Home::FloatBits(bits) => (6, bits),
            Home::Cell(address) => (7, address as u64),
        }
    }

    fn of(kind: u64, detail: u64) -> Home {
        match kind {
            1 => Home::Reg(detail as u8),
            2 => Home::Float(detail as u8),
            3 => Home::Slot(detail as u32),
            4 => Home::FloatSlot(detail as u32),
            5 => Home::Word(detail),
            6 => Home::FloatBits(detail),
            7 => Home::Cell(detail as usize),
            _ => Home::Nowhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(code: u32, variable: u32, home: Home) -> Row {
        change(code, Change::At(variable, home))
    }

    fn change(code: u32, change: Change) -> Row {
        Row { code, change }
    }

    fn stay(variable: u32, from: u32, to: u32, home: Home) -> Stay {
        Stay { variable, from, to, home }
    }

    const TWO: [Variable; 2] = [
        Variable { name: 300, source: 7, scope: (0, 0), parameter: true, boxed: false, in_place: 0 },
        Variable { name: 0, source: 100_000, scope: (100_010, 200_000), parameter: false, boxed: true, in_place: 200 },
    ];

    #[test]
    fn rows_come_back() {
        let homes = [
            Home::Reg(3),
            Home::Float(15),
            Home::Slot(60_000),
            Home::FloatSlot(1),
            Home::Word(u64::MAX),
            Home::FloatBits(1.5f64.to_bits()),
            Home::Cell(1 << 46),
            Home::Nowhere,
        ];
        let rows: Vec<Row> = homes.iter().enumerate().map(|(i, home)| at(9 * i as u32, i as u32 % 2, *home)).collect();
        let table = Variables::new(&TWO, &rows);
        assert_eq!(table.list(), TWO);
        assert_eq!(table.rows().collect::<Vec<_>>(), rows);
        assert!(table.is_kept() && Variables::new(&[], &[]).is_kept() && !Variables::default().is_kept());
        assert_eq!(Variables::default().list(), []);
    }

    #[test]
    fn the_last_at_an_offset_counts() {
        let rows = [
            at(4, 0, Home::Reg(1)),
            at(4, 0, Home::Slot(1)),
            change(4, Change::Unknown),
            change(4, Change::Known),
            at(8, 0, Home::Reg(2)),
            at(8, 0, Home::Slot(1)),
        ];
        assert_eq!(Variables::new(&TWO, &rows).rows().collect::<Vec<_>>(), [at(4, 0, Home::Slot(1))]);
    }

    #[test]
    fn what_dies_or_moves_is_there_up_to_the_next_instruction() {
        let rows = [
            at(4, 0, Home::Reg(1)),
            at(4, 1, Home::Reg(2)),
            change(8, Change::Dying(0)),
            change(12, Change::Moving),
            change(12, Change::Known),
            change(16, Change::Dying(1)),
            at(16, 1, Home::Reg(2)),
            change(17, Change::Moving),
            change(20, Change::Known),
            change(20, Change::Dying(1)),
            at(21, 1, Home::Reg(5)),
        ];
        assert_eq!(
            Variables::new(&TWO, &rows).stays(30),
            [
                stay(0, 4, 9, Home::Reg(1)),
                stay(1, 4, 18, Home::Reg(2)),
                stay(1, 20, 21, Home::Reg(2)),
                stay(1, 21, 30, Home::Reg(5)),
            ]
        );
    }

    #[test]
    fn a_name_means_the_innermost_variable_in_view() {
        let one = |name, source, scope| Variable { name, source, scope, parameter: false, boxed: false, in_place: 0 };
        let in_place = Variable { in_place: 1, ..one(5, 2, (0, 0)) };
        let all = [
            one(1, 5, (10, 100)),
            one(1, 30, (35, 60)),
            one(2, 2, (0, 0)),
            one(3, 3, (0, 0)),
            one(4, 70, (75, 90)),
            in_place,
        ];
        let rows = [
            at(0, 0, Home::Reg(1)),
            at(0, 2, Home::Slot(1)),
            at(0, 5, Home::Slot(1)),
            at(4, 1, Home::Slot(2)),
            change(8, Change::Unknown),
            change(12, Change::Known),
            at(16, 0, Home::Nowhere),
        ];
        let table = Variables::new(&all, &rows);
        let visible = |code, source| -> Vec<(u32, u32, Home)> {
            table.visible(code, source).into_iter().map(|(v, home)| (v.name, v.source, home)).collect()
        };
        assert_eq!(visible(4, 20), [(1, 5, Home::Reg(1)), (2, 2, Home::Slot(1))]);
        assert_eq!(visible(4, 40), [(1, 30, Home::Slot(2)), (2, 2, Home::Slot(1))]);
        assert_eq!(visible(9, 40), [(1, 30, Home::Nowhere), (2, 2, Home::Nowhere)]);
        assert_eq!(visible(20, 80), [(1, 5, Home::Nowhere), (2, 2, Home::Slot(1)), (4, 70, Home::Nowhere)]);
    }

    #[test]
    fn nothing_is_told_where_values_move() {
        let rows = [
            at(4, 0, Home::Reg(1)),
            at(6, 1, Home::Reg(2)),
            change(10, Change::Unknown),
            at(14, 0, Home::Slot(1)),
            change(20, Change::Known),
            at(30, 1, Home::Nowhere),
        ];
        assert_eq!(
            Variables::new(&TWO, &rows).stays(40),
            [
                stay(0, 4, 10, Home::Reg(1)),
                stay(1, 6, 10, Home::Reg(2)),
                stay(1, 20, 30, Home::Reg(2)),
                stay(0, 20, 40, Home::Slot(1)),
            ]
        );
    }
}
