//! The hand-written code of this machine, at its places in code memory.
//!
//! Owns the addresses of `enter`, `throw` and `propagate`, the resolvers behind unresolved entries, the exit stubs through
//! which generated code calls C functions, the stubs of builtins, and the thunks. The code itself is in `asm/<machine>/stubs.rs`;
//! what the resolvers decide is in `runtime/program/resolve.rs`.

pub mod fast;

use crate::runtime::fault::trace;
use crate::runtime::program::dispatch;
use crate::runtime::program::resolve;
use std::ops::Range;

use rustc_hash::FxHashMap;

use super::builtins::{Builtin, TABLES};
use crate::runtime::program::binding::Binding;
use crate::runtime::program::code::{ENTRIES, MANY};

use super::vm::StartError;
use crate::asm::code_map::{Function, Kind};
use crate::asm::masm::{ARG_REGS, Assembled, MacroAssembler, Mem};
use crate::asm::memory::MemoryError;
use crate::asm::publish::{Piece, Publisher};
use crate::asm::stubs::{LandingConfig, StubConfig, THUNK_STRIDE};
use crate::asm::{Host, host};
use crate::gc::Thread;
use crate::gc::thread as context;
use crate::locks::Mutex;
use crate::object::Word;
use crate::object::layout;
use crate::profile::stats;

/// What a thunk resolves.
#[derive(Clone, Copy, Debug)]
pub enum Thunk {
    /// A function value is called with 6 or more arguments.
    Many,
    /// The link cell of a binding for this number of arguments.
    Link(&'static Binding, u32),
    /// An unresolved entry of a dispatch table.
    Dispatch(u32),
    /// `v.name(…)` where the layout has a field of that name: (table, slot).
    FieldCall(u32, u32),
}

/// Where the fields are that the stubs touch.
pub const CONFIG: StubConfig = StubConfig {
    exit_frame: context::OFFSET_EXIT_FRAME,
    arg_spill: context::OFFSET_ARG_SPILL,
    closure: context::OFFSET_CLOSURE_SPILL,
    spilled: context::OFFSET_SPILLED,
    arg_count: context::OFFSET_ARG_COUNT,
    exception: context::OFFSET_EXCEPTION,
    no_exception: Word::UNDEFINED.0 as i32,
    landing: LandingConfig {
        pc: context::OFFSET_LANDING,
        sp: context::OFFSET_LANDING + 8,
        fp: context::OFFSET_LANDING + 16,
        saved: context::OFFSET_LANDING + 24,
    },
};

/// The C function behind `enter`.
pub type Enter = unsafe extern "C" fn(*mut Thread, usize, Word, *const [Word; 5]) -> Word;

const THUNKS_PER_BLOCK: u32 = 256;

/// The stubs.
pub struct Stubs {
    /// From Rust into generated code.
    pub enter: usize,
    /// The return address by which `enter`'s frame is known.
    pub entry_return: usize,
    /// The landing place that leaves through an `enter` frame.
    pub propagate: usize,
    /// Throws the exception in the context, from an exit frame.
    pub throw: usize,
    /// The piece of code that these four are in.
    pub core: Range<usize>,
    /// Where unresolved entries of code records go.
    pub entry_resolvers: [usize; ENTRIES],
    /// Behind `packed` of code records without a body for it.
    pub packed_resolver: usize,
    thunk_resolver: usize,
    /// Gives the first argument.
    pub give: usize,
    /// Carries out a jump: see [`Thread::jump_to`].
    pub jump: usize,
    thunks: Mutex<Thunks>,
    builtins: Mutex<FxHashMap<(usize, u32), usize>>,
    /// By stub and number of arguments: see [`Stubs::counted_builtin`].
    counted: Mutex<FxHashMap<(usize, usize), usize>>,
    /// By parameters before the rest and number of arguments: see [`Stubs::packing`].
    packing: Mutex<FxHashMap<(usize, usize), usize>>,
    outside: fast::Outside,
}

#[derive(Default)]
struct Thunks {
    kinds: Vec<Thunk>,
    blocks: Vec<usize>,
    field_calls: FxHashMap<(u32, u32), usize>,
}

impl Stubs {
    /// Makes what every machine needs.
    pub(super) fn new(publisher: &Publisher, outside: fast::Outside) -> Result<Stubs, StartError> {
        let core = host::stubs::core(&CONFIG, trace::unwind as *const () as usize)?;
        let part = |start: u32, name: &'static str| {
            // All but the last are in a frame that has saved all registers: that of `enter`, or an exit frame.
            let saved = if name == "land" { 0 } else { 0b1111 };
            Function { name: name.into(), kind: Kind::Stub, start: start as usize, saved, ..Function::default() }
        };
        let starts = [(core.enter, "enter"), (core.propagate, "propagate"), (core.throw, "throw"), (core.land, "land")];
        let parts = starts.map(|(start, name)| part(start, name)).into();
        let at = publisher.publish_one(Piece::parts(&core.code, parts))?;
        let throw = at + core.throw as usize;
        let mut resolvers: Vec<(String, Assembled)> = Vec::new();
        let (entry, thunk) = (resolve::entry as *const () as usize, resolve::thunk as *const () as usize);
        for n in 0..MANY as u32 {
            let code = host::stubs::resolve_stub(&CONFIG, throw, entry, Some(n))?;
            resolvers.push((format!("resolve_entry_{n}"), code));
        }
        resolvers.push(("resolve_thunk".into(), host::stubs::resolve_stub(&CONFIG, throw, thunk, None)?));
        let packed = resolve::call_packed as *const () as usize;
        resolvers.push(("resolve_packed".into(), host::stubs::resolve_stub(&CONFIG, throw, packed, None)?));
        let mut give = Host::new();
        give.mov(Host::RESULT, Host::ARGS[0]);
        give.ret();
        resolvers.push(("give".into(), give.finish()?));
        resolvers.push(("jump".into(), jump_code::<Host>()?));
        let starts = publish(publisher, Kind::Stub, &resolvers)?;
        let stubs = Stubs {
            enter: at + core.enter as usize,
            entry_return: at + core.entry_return as usize,
            propagate: at + core.propagate as usize,
            throw,
            core: at..at + core.code.code.len(),
            entry_resolvers: [0; ENTRIES],
            thunk_resolver: starts[MANY],
            packed_resolver: starts[MANY + 1],
            give: starts[MANY + 2],
            jump: starts[MANY + 3],
            thunks: Mutex::default(),
            builtins: Mutex::default(),
            counted: Mutex::default(),
            packing: Mutex::default(),
            outside,
        };
        let many = stubs.thunk(publisher, Thunk::Many)?;
        let entry_resolvers = std::array::from_fn(|n| if n == MANY { many } else { starts[n] });
        Ok(Stubs { entry_resolvers, ..stubs })
    }

    /// The address of a thunk.
    pub fn thunk(&self, publisher: &Publisher, kind: Thunk) -> Result<usize, MemoryError> {
        let mut thunks = super::lock(&self.thunks);
        if let Thunk::FieldCall(table, slot) = kind
            && let Some(&known) = thunks.field_calls.get(&(table, slot))
        {
            return Ok(known);
        }
        let n = thunks.kinds.len() as u32;
        if n.is_multiple_of(THUNKS_PER_BLOCK) {
            let block = host::stubs::thunk_block(n, THUNKS_PER_BLOCK, self.thunk_resolver)
                .map_err(|_| MemoryError::Exhausted("thunk"))?;
            thunks.blocks.push(publisher.publish_one(Piece::stub(&block, Kind::Stub, "thunks"))?);
        }
        thunks.kinds.push(kind);
        let address = thunks.blocks[(n / THUNKS_PER_BLOCK) as usize] + (n % THUNKS_PER_BLOCK * THUNK_STRIDE) as usize;
        if let Thunk::FieldCall(table, slot) = kind {
            // Tables are reset and ask again.
            thunks.field_calls.insert((table, slot), address);
        }
        Ok(address)
    }

    /// What a thunk resolves.
    pub fn thunk_kind(&self, n: u32) -> Option<Thunk> {
        super::lock(&self.thunks).kinds.get(n as usize).copied()
    }

    /// Exit stubs of C functions `extern "C" fn(ctx, a0, …, a4) -> u64`, each with a name.
    pub fn exits(
        &self,
        publisher: &Publisher,
        functions: impl Iterator<Item = (String, usize)>,
    ) -> Result<Vec<usize>, MemoryError> {
        let codes = functions
            .map(|(name, function)| Ok((name.clone(), self.exit_code(&name, function)?)))
            .collect::<Result<Vec<_>, MemoryError>>()?;
        publish(publisher, Kind::Stub, &codes)
    }

    fn exit_code(&self, name: &str, function: usize) -> Result<Assembled, MemoryError> {
        host::stubs::exit_stub(&CONFIG, self.throw, function, stats::counter(name))
            .map_err(|_| MemoryError::Exhausted("stub"))
    }

    /// The code that calls a builtin with `argc` arguments (6: with `arg_count` arguments). The builtins of a file get their
    /// stubs together.
    pub fn builtin(&self, publisher: &Publisher, builtin: &'static Builtin, argc: usize) -> Result<usize, MemoryError> {
        let key = (builtin.entry as usize, argc.min(MANY) as u32);
        if let Some(&stub) = super::lock(&self.builtins).get(&key) {
            return Ok(stub);
        }
        let table = TABLES.iter().find(|t| t.iter().any(|b| std::ptr::eq(*b, builtin)));
        let one = [builtin];
        let group: &[&'static Builtin] = table.copied().unwrap_or(&one);
        let exits = self.exits(publisher, group.iter().map(|b| (b.full_name(), b.entry as usize)))?;
        let mut keys = Vec::new();
        let mut codes = Vec::new();
        let mut ends = exits.clone();
        for (builtin, end) in group.iter().zip(&mut ends).filter(|(builtin, _)| builtin.ends_in_call()) {
            *end = self.ending_in_call(publisher, builtin, *end, &mut keys, &mut codes)?;
        }
        for (builtin, &exit) in group.iter().zip(&exits).filter(|(builtin, _)| !builtin.ends_in_call()) {
            for argc in (0..MANY).filter(|&n| builtin.accepts(n)) {
                keys.push((builtin.entry as usize, argc as u32));
                codes.push((builtin.full_name(), self.builtin_code(builtin, argc, exit)?));
            }
        }
        let starts = publish(publisher, Kind::Fast, &codes)?;
        let mut builtins = super::lock(&self.builtins);
        builtins.extend(keys.into_iter().zip(starts));
        for (builtin, &end) in group.iter().zip(&ends) {
            builtins.insert((builtin.entry as usize, MANY as u32), end);
        }
        builtins.get(&key).copied().ok_or(MemoryError::Exhausted("builtin"))
    }

    /// The code of a builtin that ends in a call: a jump to the function, found by machine code or by a resolver. Gives that
    /// for 6 or more arguments.
    fn ending_in_call(
        &self,
        publisher: &Publisher,
        builtin: &'static Builtin,
        exit: usize,
        keys: &mut Vec<(usize, u32)>,
        codes: &mut Vec<(String, Assembled)>,
    ) -> Result<usize, MemoryError> {
        use crate::runtime::program::resolve::{apply, apply_many};
        let resolver = |function, argc| host::stubs::resolve_stub(&CONFIG, self.throw, function, argc);
        // One argument is one too few: the builtin says so.
        let mut resolvers = vec![resolver(apply_many as *const () as usize, None)];
        resolvers.extend((2..MANY as u32).map(|argc| resolver(apply as *const () as usize, Some(argc))));
        let resolvers: Vec<(String, Assembled)> = resolvers
            .into_iter()
            .map(|code| Ok((builtin.full_name(), code.map_err(|_| MemoryError::Exhausted("stub"))?)))
            .collect::<Result<_, MemoryError>>()?;
        let starts = publish(publisher, Kind::Stub, &resolvers)?;
        for argc in (0..MANY).filter(|&argc| builtin.accepts(argc)) {
            keys.push((builtin.entry as usize, argc as u32));
            let code = match argc {
                0 | 1 => self.builtin_code(builtin, argc, exit)?,
                _ => {
                    let otherwise = |masm: &mut Host| masm.jump_code(starts[argc - 1]);
                    let code = fast::builtin::<Host>(builtin, argc, self.outside, otherwise).unwrap_or_else(|| {
                        let mut masm = Host::new();
                        masm.jump_code(starts[argc - 1]);
                        masm.finish()
                    });
                    code.map_err(|_| MemoryError::Exhausted("stub"))?.going_on()
                }
            };
            codes.push((builtin.full_name(), code));
        }
        Ok(starts[0])
    }

    /// What calls a builtin with `argc` arguments.
    fn builtin_code(&self, builtin: &Builtin, argc: usize, exit: usize) -> Result<Assembled, MemoryError> {
        match fast::builtin::<Host>(builtin, argc, self.outside, |masm| count_and_jump(masm, argc as i32, exit)) {
            Some(code) => code.map_err(|_| MemoryError::Exhausted("stub")),
            None => counted(argc as i32, exit),
        }
    }

    /// Code that sets the number of arguments, 6 or more, and goes to a builtin.
    pub fn counted_builtin(
        &self,
        publisher: &Publisher,
        builtin: &'static Builtin,
        argc: usize,
    ) -> Result<usize, MemoryError> {
        let stub = self.builtin(publisher, builtin, argc)?;
        let mut counted_stubs = super::lock(&self.counted);
        if let Some(&known) = counted_stubs.get(&(stub, argc)) {
            return Ok(known);
        }
        let code = counted(argc as i32, stub)?;
        let made = publisher.publish_one(Piece::stub(&code, Kind::Fast, builtin.full_name()))?;
        counted_stubs.insert((stub, argc), made);
        Ok(made)
    }

    /// The entry for `argc` arguments of a function with so many parameters and a rest; none where they have no registers.
    pub fn packing(&self, publisher: &Publisher, params: usize, argc: usize) -> Result<Option<usize>, MemoryError> {
        if argc >= MANY || params >= ARG_REGS {
            return Ok(None);
        }
        if let Some(&known) = super::lock(&self.packing).get(&(params, argc)) {
            return Ok(Some(known));
        }
        let code = fast::packing::<Host>(params, argc, self.outside, self.entry_resolvers[argc]);
        let code = code.map_err(|_| MemoryError::Exhausted("stub"))?;
        let made = publisher.publish_one(Piece::stub(&code, Kind::Fast, format!("pack_rest_{params}_{argc}")))?;
        super::lock(&self.packing).insert((params, argc), made);
        Ok(Some(made))
    }

    /// Code that jumps through a dispatch table by the layout of the first argument.
    pub fn dispatcher(&self, publisher: &Publisher, table: &dispatch::Table) -> Result<usize, MemoryError> {
        let code = dispatcher_code::<Host>(table.cell()).map_err(|_| MemoryError::Exhausted("stub"))?;
        publisher.publish_one(Piece::stub(&code, Kind::Stub, format!("dispatch_{}", table.name())))
    }
}

/// Publishes named stubs of a kind in one chunk.
pub(super) fn publish(
    publisher: &Publisher,
    kind: Kind,
    codes: &[(String, Assembled)],
) -> Result<Vec<usize>, MemoryError> {
    let pieces = codes.iter().map(|(name, code)| Piece::stub(code, kind, name.clone())).collect();
    Ok(publisher.publish(pieces)?.starts)
}

/// Gives up the present frame, whose caller's registers are in place, and goes where the context says, with what is spilled.
fn jump_code<M: MacroAssembler>() -> Result<Assembled, crate::asm::masm::TooFar> {
    let mut masm = M::new();
    masm.store_imm(Mem::at(M::CTX, CONFIG.spilled), 0);
    masm.load(M::CLOSURE, Mem::at(M::CTX, CONFIG.closure));
    for (i, arg) in M::ARGS.into_iter().enumerate() {
        masm.load(arg, Mem::at(M::CTX, CONFIG.arg_spill + 8 * i as i32));
    }
    masm.epilogue(0);
    let target = M::CALLER_SAVED.iter().copied().find(|r| *r != M::CLOSURE && !M::ARGS.contains(r));
    let target = target.unwrap_or(M::RESULT);
    masm.load(target, Mem::at(M::CTX, context::OFFSET_JUMP));
    masm.store_imm(Mem::at(M::CTX, context::OFFSET_JUMP), 0);
    masm.jump_reg(target);
    masm.finish()
}

/// Stores the number of arguments and jumps on.
fn counted(argc: i32, exit: usize) -> Result<Assembled, MemoryError> {
    let mut masm = Host::new();
    count_and_jump(&mut masm, argc, exit);
    masm.finish().map_err(|_| MemoryError::Exhausted("stub"))
}

fn count_and_jump<M: MacroAssembler>(masm: &mut M, argc: i32, exit: usize) {
    masm.store_imm(Mem::at(M::CTX, CONFIG.arg_count), argc);
    masm.jump_code(exit);
}

/// On entry: the arguments of a call. Clobbers RESULT and one caller-saved register that carries no argument.
fn dispatcher_code<M: MacroAssembler>(cell: usize) -> Result<Assembled, crate::asm::masm::TooFar> {
    use crate::asm::masm::Cond;
    use crate::object::word;
    let mut masm = M::new();
    let value = M::ARGS[0];
    let low = M::RESULT;
    let table = M::CALLER_SAVED
        .iter()
        .copied()
        .find(|r| *r != low && *r != M::CLOSURE && !M::ARGS.contains(r))
        .unwrap_or(M::CLOSURE);
    let (go, immediate, function) = (masm.label(), masm.label(), masm.label());
    masm.alu_imm(crate::asm::masm::Alu::And, low, value, word::TAG_MASK as i64);
    masm.compare_imm(low, word::TAG_OBJECT as i64);
    masm.branch(Cond::NotEqual, immediate);
    masm.load32(low, Mem::at(value, layout::HEADER_DISP));
    masm.bind(go);
    masm.load_cell(table, cell);
    masm.jump_mem(Mem::indexed(table, low, 2, 0));

    masm.bind(immediate);
    masm.compare_imm(low, word::TAG_FUNCTION as i64);
    masm.branch(Cond::Equal, function);
    let class = |masm: &mut M, layout: u32, test: &mut dyn FnMut(&mut M, crate::asm::masm::Label)| {
        let next = masm.label();
        test(masm, next);
        masm.mov_imm(low, layout::header_low(layout) as i64);
        masm.jump(go);
        masm.bind(next);
    };
    class(&mut masm, layout::INT, &mut |masm, next| {
        masm.compare_imm(low, 0);
        masm.branch(Cond::NotEqual, next);
    });
    class(&mut masm, layout::FLOAT, &mut |masm, next| {
        masm.test_imm(value, word::FLOAT_BIT as i64);
        masm.branch(Cond::Equal, next);
    });
    class(&mut masm, layout::NULL, &mut |masm, next| {
        masm.compare_imm(value, Word::NULL.0 as i64);
        masm.branch(Cond::NotEqual, next);
    });
    class(&mut masm, layout::BOOL, &mut |masm, next| {
        let bool_ = masm.label();
        masm.compare_imm(value, Word::TRUE.0 as i64);
        masm.branch(Cond::Equal, bool_);
        masm.compare_imm(value, Word::FALSE.0 as i64);
        masm.branch(Cond::NotEqual, next);
        masm.bind(bool_);
    });
    masm.mov_imm(low, layout::header_low(layout::KEYWORD) as i64);
    masm.jump(go);
    masm.bind(function);
    masm.mov_imm(low, layout::header_low(layout::CLOSURE) as i64);
    masm.jump(go);
    Ok(masm.finish()?.going_on())
}
