//! Why code leaves the version of a loop that is written for what was foreseen.

/// Why a hot region is left for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum SideExit {
    /// An operand is no inline Int, or the result would be none.
    Arithmetic,
    /// An operand is no Float.
    Float,
    /// Two values are compared that have other types.
    Comparison,
    /// An object has another layout than was foreseen, or it has no such element.
    Layout,
    /// A variable has another type before a loop than the loop was written for.
    Entry,
    /// The name of a function that is written in place stands for another one.
    Redefined,
    /// A function that is written in place takes a way that was not foreseen.
    Inlined,
}

impl SideExit {
    /// All reasons, in the order of their numbers.
    pub const ALL: [SideExit; 7] = {
        use SideExit::*;
        [Arithmetic, Float, Comparison, Layout, Entry, Redefined, Inlined]
    };

    /// The name under which they are counted.
    pub fn name(self) -> &'static str {
        match self {
            SideExit::Arithmetic => "side exit: no small Int, or a result that is none",
            SideExit::Float => "side exit: no Float",
            SideExit::Comparison => "side exit: compared are other types",
            SideExit::Layout => "side exit: another type of object, or an index out of range",
            SideExit::Entry => "side exit: a loop begins with other types",
            SideExit::Redefined => "side exit: a function was redefined",
            SideExit::Inlined => "side exit: an unlikely way through a function in place",
        }
    }
}
