//! Why code leaves the version of a loop that is written for what was foreseen.

/// Why a hot region is left for good, or a function that is written in place is called after all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum SideExit {
    /// An operand is no inline Int, or the result would be none.
    Arithmetic,
    /// An operand is no Float.
    Float,
    /// Two values are compared that have other types.
    Comparison,
    /// An object has another layout than was foreseen.
    Layout,
    /// A collection is another one than was foreseen, or has no such element.
    Element,
    /// A variable has another type before a loop than the loop was written for.
    Entry,
    /// A type that is matched, or made, was declared anew.
    Outdated,
    /// The name of a function that is written in place stands for another one.
    Redefined,
    /// A function that is written in place takes a way that was not foreseen.
    Inlined,
}

impl SideExit {
    /// All reasons, in the order of their numbers, each with what users are told of it.
    pub const ALL: [(SideExit, &str); 9] = {
        use SideExit::*;
        [
            (Arithmetic, "side exit: no small Int, or a result that is none"),
            (Float, "side exit: no Float"),
            (Comparison, "side exit: compared are other types"),
            (Layout, "side exit: another type of object"),
            (Element, "side exit: another type of collection, or an index out of range"),
            (Entry, "side exit: a loop begins with other types"),
            (Outdated, "side exit: a type was declared anew"),
            (Redefined, "side exit: a function was redefined"),
            (Inlined, "side exit: an unlikely way through a function in place"),
        ]
    };
}
