//! Mutations: small wrong edits of what writes machine code, and faults of the first step put back (their mends undone), to see
//! which means of proof notice them.
//!
//! A build with the feature `mutations` makes the edit that `HARRIER_MUTATION` names; `tools/soak/mutations` goes through the table
//! and says what caught each. Without the feature [`mutated`] is the constant `false`, and nothing of all this is in the code.
//! A point stands where the edit would be made, as `if mutated(Mutation::Name) { … }`.

/// Declares the mutations, and the table of them: edits, then faults of the first step that are put back.
macro_rules! mutations {
    ($($variant:ident $name:literal $file:literal $blind:literal $wrong:literal)*;
     $($put:ident $put_name:literal $put_file:literal [$own:literal] $put_wrong:literal)*) => {
        /// A wrong edit. [`TABLE`] says what is wrong.
        #[allow(missing_docs)]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Mutation {
            $($variant,)*
            $($put,)*
        }

        /// All of them.
        pub const TABLE: &[About] = &[
            $(About { mutation: Mutation::$variant, name: $name, file: $file, blind: $blind, own: "", wrong: $wrong },)*
            $(About {
                mutation: Mutation::$put, name: $put_name, file: $put_file, blind: false, own: $own, wrong: $put_wrong,
            },)*
        ];
    };
}

/// What is known of a mutation.
#[derive(Debug)]
pub struct About {
    /// Which one.
    pub mutation: Mutation,
    /// What `HARRIER_MUTATION` calls it.
    pub name: &'static str,
    /// The file it is in, below `src`.
    pub file: &'static str,
    /// Was it among the ten that were chosen first, without a look at the verifier?
    pub blind: bool,
    /// For a fault of the first step: its own programs below `tests/lang`, which are left out when something else is to catch it.
    pub own: &'static str,
    /// What is wrong.
    pub wrong: &'static str,
}

mutations! {
    OverflowUnchecked "overflow-unchecked" "codegen/arith.rs" true
        "the sum of an Int and a constant does not look at the overflow"
    ColdSlotForgotten "cold-slot-forgotten" "codegen/safepoints.rs" true
        "the first register that a slow path saves is not in the stack map"
    DivisionClobbers "division-clobbers" "codegen/arith.rs" true
        "a division does not make the remainder's register free"
    NanIsLess "nan-is-less" "asm/x64/masm.rs" true
        "`<` of Floats is true of NaN"
    NoPoll "no-poll" "codegen/loops.rs" true
        "back-edges do not poll"
    ExitSwapped "exit-swapped" "codegen/twin.rs" true
        "an exit arrives in the twin with its latest two operands exchanged"
    HintBelieved "hint-believed" "codegen/objects.rs" true
        "where a field is read in general code, the layout of the hint is believed"
    ConstantsMeet "constants-meet" "codegen/join.rs" true
        "where ways with two constants meet, the first one's is taken"
    NotSettled "not-settled" "codegen/settled.rs" true
        "a variable without a home that a region assigns is not settled for the landing pad"
    NeverFrozen "never-frozen" "codegen/accumulators.rs" true
        "a map that grows in place is not frozen when something else reads it"
    BarrierForgotten "barrier-forgotten" "emit/store.rs" false
        "code that stores into old objects does not say so"
    SavedLost "saved-lost" "asm/x64/masm.rs" false
        "an epilogue does not restore the last of four callee-saved registers"
    SavedLostArm "saved-lost-arm64" "asm/arm64/masm.rs" false
        "the same on ARM64"
    ShiftClobbers "shift-clobbers" "asm/x64/masm.rs" false
        "a shift by a register does not give rcx back"
    ExitStubClobbers "exit-stub-clobbers" "asm/x64/stubs.rs" false
        "an exit stub does not restore the last callee-saved register"
    ArgumentNoRoot "argument-no-root" "asm/x64/stubs.rs" false
        "the last argument is no root while a first call is resolved"
    SignedIndex "signed-index" "stubs/access.rs" false
        "the stub that reads an array's element compares the index as a signed number"
    TailTooLong "tail-too-long" "stubs/access.rs" false
        "the stub that adds to a vector lets its tail get one element too many"
    RoundsDown "rounds-down" "codegen/arith.rs" false
        "a division by two rounds down"
    ShiftUnchecked "shift-unchecked" "codegen/arith.rs" false
        "a shift to the left by a constant sees only some of the bits that it loses"
    LayoutNotWidened "layout-not-widened" "codegen/loops.rs" false
        "a loop that changes the layout of a variable keeps what the header knew of it"
    FactsOfFirst "facts-of-first" "codegen/join.rs" false
        "where ways meet, what the first one knows is believed"
    SharedCopy "shared-copy" "codegen/loops.rs" false
        "a loop's own variable keeps the frame slot that it shares with others as its copy"
    AliasKept "alias-kept" "codegen/operands.rs" false
        "a pending operand still counts as the variable after an assignment"
    StepsOnDestination "steps-on-destination" "codegen/agree.rs" false
        "what steps aside of a cycle of moves may take a slot that another move has filled"
    FloatInMap "float-in-map" "codegen/safepoints.rs" false
        "a slow path enters the raw Floats that it saves into the stack map"
    NothingReserved "nothing-reserved" "codegen/generator.rs" false
        "no registers are made free before the failing way notes the state"
    FalseIsKeyword "false-is-keyword" "codegen/calls.rs" false
        "a method that is called on `false` takes it for a keyword"
    WaysConfused "ways-confused" "codegen/exceptions.rs" false
        "behind a `finally`, a `continue` goes where a `break` of the same loop went"
    ColdUncaught "cold-uncaught" "codegen/safepoints.rs" false
        "what a slow path throws passes the landing pad by"
    RedefinitionUnseen "redefinition-unseen" "codegen/inline.rs" false
        "inlined code does not ask whether the function is another one now"
    TreeTakenForTail "tree-taken-for-tail" "codegen/objects.rs" false
        "a constant index into a vector is looked up in its tail, even if it has a tree"
    ExactAsFloat "exact-as-float" "codegen/compare.rs" false
        "Ints beyond 2^53 are compared with Floats as Floats"
    SavedForgotten "saved-forgotten" "codegen/safepoints.rs" false
        "the second callee-saved register is in no stack map"
    SlotNotHeld "slot-not-held" "codegen/settled.rs" false
        "a frame slot that a landing pad expects may be given to something else"
    BoundUnasked "bound-unasked" "codegen/counters.rs" false
        "a hot loop through a range does not ask whether its limit is an Int"
    ;
    CallsAtTheEnd "calls-at-the-end" "runtime/program/entry.rs" ["functions/apply-in-tail-position"]
        "what a builtin ends in is called, and `apply` calls, where both jump"
    OpenOneByOne "open-one-by-one" "runtime/values/text/open.rs" ["printing/met-again"]
        "all values that something is inside of are compared one by one"
    ReaderAsksNoStack "reader-asks-no-stack" "reader/parser.rs" ["stack/compiled-near-the-end,stack/native-recursion"]
        "the reader does not ask how much native stack is left"
    OlderAnswerStored "older-answer-stored" "runtime/program/dispatch.rs" ["threads/extend-while-called"]
        "an answer is stored to a dispatch table that was reset since it was looked up"
    LargeFrameUnasked "large-frame-unasked" "codegen/mod.rs" ["stack/frames-beyond-the-reserve"]
        "a frame beyond the reserve is made without a question for stack"
    ZerosAreOne "zeros-are-one" "codegen/state.rs" ["numbers/join-of-zeros"]
        "states compare Float constants as numbers"
    ConcatCopies "concat-copies" "runtime/load/library.rs" ["seqs/nested-concats"]
        "`seq/concat` hands each item of its last collection on, instead of handing over to it"
    DeadInTheFrame "dead-in-the-frame" "codegen/operands.rs" ["seqs/walks-hold-nothing"]
        "what is dead is not forgotten, and so kept alive by the frame"
    IntrinsicsCallNothing "intrinsics-call-nothing" "codegen/survey.rs" ["stack/methods-called-by-intrinsics"]
        "a function whose only calls are intrinsics does not ask for stack, though they may run methods"
    SettledInTheBlock "settled-in-the-block" "codegen/exceptions.rs" ["errors/loop-in-finally"]
        "in a `finally` what its region assigns is still settled, and a loop there moves it"
    SettledInTheHandler "settled-in-the-handler" "codegen/exceptions.rs" ["errors/settled-places"]
        "in a handler what its `try` assigns is still settled, and a loop there moves it"
    SettledPlaceShared "settled-place-shared" "codegen/settled.rs" ["errors/settled-places"]
        "another variable may share the place in which one is settled"
    NanIsNoKey "nan-is-no-key" "runtime/values/equality.rs" ["maps/nan-keys"]
        "NaN is another key each time"
    AppendUnclaimed "append-unclaimed" "gc/mutator/mutate.rs" ["threads/racing-builders-and-maps"]
        "who appends to bytes claims them by a look and a store"
    MapsUnlocked "maps-unlocked" "runtime/values/collections/mutable.rs" ["threads/racing-builders-and-maps"]
        "several threads change the entries of a mutable map at once"
    RangesOfWords "ranges-of-words" "library/core/sequences.rs" ["control/ranges-of-large-ints,control/ranges-over-the-seam,control/ranges-of-any-size"]
        "`range` refuses bounds beyond 61 bits"
    GoneFieldsDropped "gone-fields-dropped" "codegen/objects.rs" ["eval/literals-of-redefined-types"]
        "a literal drops the values of fields that its struct has no more"
    BodyHeld "body-held" "runtime/program/resolve.rs" ["eval/redefined-while-running"]
        "a resolver holds the address of a body while it makes the vector of the rest arguments"
    KeywordsBare "keywords-bare" "runtime/values/text/format.rs" ["printing/reads-back"]
        "a keyword that is no name is printed as if it were one"
    SliceTakesAll "slice-takes-all" "library/core/sequences.rs" ["seqs/slice-takes-only-its-part"]
        "`slice` makes a vector of the whole collection first"
    RoomUnasked "room-unasked" "gc/mutator/mutate.rs" ["builders/text-of-a-builder-is-its-own"]
        "who appends does not ask whose the spare bytes are"
    ExitsOfOne "exits-of-one" "codegen/loops.rs" ["control/twin-leaves-by-another-way"]
        "the state behind a loop is that in which the hot version leaves"
    BaseReadLate "base-read-late" "codegen/objects.rs" ["expressions/left-to-right"]
        "an update reads the fields of its base after the values were computed"
    SharedPartsAgain "shared-parts-again" "runtime/values/text/format.rs" ["printing/met-again,printing/cycles"]
        "a vector or map that is met again inside itself is printed once more"
}

/// Is this edit made?
#[cfg(not(feature = "mutations"))]
#[inline(always)]
pub const fn mutated(_: Mutation) -> bool {
    false
}

/// Is this edit made?
///
/// # Panics
/// When `HARRIER_MUTATION` names no mutation.
#[cfg(feature = "mutations")]
pub fn mutated(mutation: Mutation) -> bool {
    use std::sync::LazyLock;
    static CHOSEN: LazyLock<Option<Mutation>> = LazyLock::new(|| {
        let name = std::env::var("HARRIER_MUTATION").ok().filter(|name| !name.is_empty())?;
        let found = TABLE.iter().find(|about| about.name == name);
        Some(found.unwrap_or_else(|| panic!("HARRIER_MUTATION: there is no mutation `{name}`")).mutation)
    });
    *CHOSEN == Some(mutation)
}
