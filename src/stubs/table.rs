//! Which stubs there are, and where.
//!
//! Owns the addresses of `enter`, `throw` and `propagate`, the resolvers behind unresolved entries, the exit stubs through
//! which generated code calls C functions, the stubs of builtins, and the thunks. What the resolvers decide is in
//! `runtime/program/resolve.rs`.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::code::{CONFIG, count_and_jump, counted, dispatcher_code, jump_code};
use super::{ENTRIES, MANY, Outside};
use crate::asm::code_map::{Function, Kind};
use crate::asm::masm::{ARG_REGS, Assembled, MacroAssembler, TooFar};
use crate::asm::memory::MemoryError;
use crate::asm::publish::{Piece, Publisher};
use crate::asm::stubs::{Counter, THUNK_STRIDE};
use crate::asm::{Host, host};
use crate::gc::Thread;
use crate::locks::{Mutex, lock};
use crate::object::Word;

/// The C functions behind stubs that are there from the start, and who counts calls.
#[derive(Clone, Copy, Debug)]
pub struct Functions {
    /// Says where an exception lands.
    pub unwind: usize,
    /// Resolves an entry of a code record.
    pub entry: usize,
    /// Resolves a thunk.
    pub thunk: usize,
    /// Finds the body that takes packed arguments.
    pub packed: usize,
    /// Finds what a builtin that ends in a call calls, by its number of arguments.
    pub apply: usize,
    /// The same for 6 or more.
    pub apply_many: usize,
    /// What an exit stub of this name tells of its calls.
    pub counter: fn(&str) -> Option<Counter>,
}

/// A function of the runtime that code calls with arguments that are counted.
pub trait Row: 'static {
    /// Its name in the code map.
    fn symbol(&self) -> String;
    /// The C function.
    fn address(&self) -> usize;
    /// May it be called with so many arguments?
    fn takes(&self, argc: usize) -> bool;
    /// Does it end in a call of one of its arguments, which code can jump to?
    fn jumps(&self) -> bool;
    /// The code in front of it for so many arguments, where it has some; `otherwise` is what is done without.
    fn in_front<M: MacroAssembler>(
        &self,
        argc: usize,
        outside: Outside,
        otherwise: impl FnOnce(&mut M),
    ) -> Option<Result<Assembled, TooFar>>;
    /// The rows that get their stubs together with it: the table that it is in.
    fn table(&'static self) -> Option<&'static [&'static Self]>;
}

/// The C function behind `enter`.
pub type Enter = unsafe extern "C" fn(*mut Thread, usize, Word, *const [Word; 5]) -> Word;

const THUNKS_PER_BLOCK: u32 = 256;

/// The stubs. What a thunk resolves is a `K`.
pub struct Stubs<K> {
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
    thunks: Mutex<Thunks<K>>,
    builtins: Mutex<FxHashMap<(usize, u32), usize>>,
    /// By stub and number of arguments: see [`Stubs::counted_builtin`].
    counted: Mutex<FxHashMap<(usize, usize), usize>>,
    /// By parameters before the rest and number of arguments: see [`Stubs::packing`].
    packing: Mutex<FxHashMap<(usize, usize), usize>>,
    outside: Outside,
    functions: Functions,
}

struct Thunks<K> {
    kinds: Vec<K>,
    blocks: Vec<usize>,
    shared: FxHashMap<(u32, u32), usize>,
}

impl<K> Default for Thunks<K> {
    fn default() -> Thunks<K> {
        Thunks { kinds: Vec::new(), blocks: Vec::new(), shared: FxHashMap::default() }
    }
}

impl<K: Copy> Stubs<K> {
    /// Makes what every machine needs. `many` is what the thunk of calls with 6 or more arguments resolves.
    pub fn new(
        publisher: &Publisher,
        outside: Outside,
        functions: Functions,
        many: K,
    ) -> Result<Stubs<K>, MemoryError> {
        let core = host::stubs::core(&CONFIG, functions.unwind).map_err(refused)?;
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
        let resolver = |function, argc| host::stubs::resolve_stub(&CONFIG, throw, function, argc).map_err(refused);
        for n in 0..MANY as u32 {
            resolvers.push((format!("resolve_entry_{n}"), resolver(functions.entry, Some(n))?));
        }
        resolvers.push(("resolve_thunk".into(), resolver(functions.thunk, None)?));
        resolvers.push(("resolve_packed".into(), resolver(functions.packed, None)?));
        let mut give = Host::new();
        give.mov(Host::RESULT, Host::ARGS[0]);
        give.ret();
        resolvers.push(("give".into(), give.finish().map_err(refused)?));
        resolvers.push(("jump".into(), jump_code::<Host>().map_err(refused)?));
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
            functions,
        };
        let many = stubs.thunk(publisher, many)?;
        let entry_resolvers = std::array::from_fn(|n| if n == MANY { many } else { starts[n] });
        Ok(Stubs { entry_resolvers, ..stubs })
    }

    /// The address of a thunk.
    pub fn thunk(&self, publisher: &Publisher, kind: K) -> Result<usize, MemoryError> {
        self.new_thunk(publisher, &mut lock(&self.thunks), kind)
    }

    /// The address of a thunk that is made once for each key: who asks again is given the same.
    pub fn shared_thunk(&self, publisher: &Publisher, key: (u32, u32), kind: K) -> Result<usize, MemoryError> {
        let mut thunks = lock(&self.thunks);
        if let Some(&known) = thunks.shared.get(&key) {
            return Ok(known);
        }
        let address = self.new_thunk(publisher, &mut thunks, kind)?;
        thunks.shared.insert(key, address);
        Ok(address)
    }

    fn new_thunk(&self, publisher: &Publisher, thunks: &mut Thunks<K>, kind: K) -> Result<usize, MemoryError> {
        let n = thunks.kinds.len() as u32;
        if n.is_multiple_of(THUNKS_PER_BLOCK) {
            let block = host::stubs::thunk_block(n, THUNKS_PER_BLOCK, self.thunk_resolver)
                .map_err(|_| MemoryError::Exhausted("thunk"))?;
            thunks.blocks.push(publisher.publish_one(Piece::stub(&block, Kind::Stub, "thunks"))?);
        }
        thunks.kinds.push(kind);
        Ok(thunks.blocks[(n / THUNKS_PER_BLOCK) as usize] + (n % THUNKS_PER_BLOCK * THUNK_STRIDE) as usize)
    }

    /// What a thunk resolves.
    pub fn thunk_kind(&self, n: u32) -> Option<K> {
        lock(&self.thunks).kinds.get(n as usize).copied()
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
        host::stubs::exit_stub(&CONFIG, self.throw, function, (self.functions.counter)(name)).map_err(refused)
    }

    /// The code that calls a builtin with `argc` arguments (6: with `arg_count` arguments). The builtins of a file get their
    /// stubs together.
    pub fn builtin<R: Row>(
        &self,
        publisher: &Publisher,
        builtin: &'static R,
        argc: usize,
    ) -> Result<usize, MemoryError> {
        let key = (builtin.address(), argc.min(MANY) as u32);
        if let Some(&stub) = lock(&self.builtins).get(&key) {
            return Ok(stub);
        }
        let one = [builtin];
        let group: &[&'static R] = builtin.table().unwrap_or(&one);
        let exits = self.exits(publisher, group.iter().map(|b| (b.symbol(), b.address())))?;
        let mut keys = Vec::new();
        let mut codes = Vec::new();
        let mut ends = exits.clone();
        for (builtin, end) in group.iter().copied().zip(&mut ends).filter(|(builtin, _)| builtin.jumps()) {
            *end = self.ending_in_call(publisher, builtin, *end, &mut keys, &mut codes)?;
        }
        for (builtin, &exit) in group.iter().copied().zip(&exits).filter(|(builtin, _)| !builtin.jumps()) {
            for argc in (0..MANY).filter(|&n| builtin.takes(n)) {
                keys.push((builtin.address(), argc as u32));
                codes.push((builtin.symbol(), self.builtin_code(builtin, argc, exit)?));
            }
        }
        let starts = publish(publisher, Kind::Fast, &codes)?;
        let mut builtins = lock(&self.builtins);
        builtins.extend(keys.into_iter().zip(starts));
        for (builtin, &end) in group.iter().zip(&ends) {
            builtins.insert((builtin.address(), MANY as u32), end);
        }
        builtins.get(&key).copied().ok_or(MemoryError::Exhausted("builtin"))
    }

    /// The code of a builtin that ends in a call: a jump to the function, found by machine code or by a resolver. Gives that
    /// for 6 or more arguments.
    fn ending_in_call<R: Row>(
        &self,
        publisher: &Publisher,
        builtin: &'static R,
        exit: usize,
        keys: &mut Vec<(usize, u32)>,
        codes: &mut Vec<(String, Assembled)>,
    ) -> Result<usize, MemoryError> {
        let resolver = |function, argc| host::stubs::resolve_stub(&CONFIG, self.throw, function, argc);
        // One argument is one too few: the builtin says so.
        let mut resolvers = vec![resolver(self.functions.apply_many, None)];
        resolvers.extend((2..MANY as u32).map(|argc| resolver(self.functions.apply, Some(argc))));
        let resolvers: Vec<(String, Assembled)> = resolvers
            .into_iter()
            .map(|code| Ok((builtin.symbol(), code.map_err(refused)?)))
            .collect::<Result<_, MemoryError>>()?;
        let starts = publish(publisher, Kind::Stub, &resolvers)?;
        for argc in (0..MANY).filter(|&argc| builtin.takes(argc)) {
            keys.push((builtin.address(), argc as u32));
            let code = match argc {
                0 | 1 => self.builtin_code(builtin, argc, exit)?,
                _ => {
                    let otherwise = |masm: &mut Host| masm.jump_code(starts[argc - 1]);
                    let code = builtin.in_front(argc, self.outside, otherwise).unwrap_or_else(|| {
                        let mut masm = Host::new();
                        masm.jump_code(starts[argc - 1]);
                        masm.finish()
                    });
                    code.map_err(refused)?.going_on()
                }
            };
            codes.push((builtin.symbol(), code));
        }
        Ok(starts[0])
    }

    /// What calls a builtin with `argc` arguments.
    fn builtin_code<R: Row>(&self, builtin: &R, argc: usize, exit: usize) -> Result<Assembled, MemoryError> {
        match builtin.in_front(argc, self.outside, |masm: &mut Host| count_and_jump(masm, argc as i32, exit)) {
            Some(code) => code.map_err(refused),
            None => counted(argc as i32, exit),
        }
    }

    /// Code that sets the number of arguments, 6 or more, and goes to a builtin.
    pub fn counted_builtin<R: Row>(
        &self,
        publisher: &Publisher,
        builtin: &'static R,
        argc: usize,
    ) -> Result<usize, MemoryError> {
        let stub = self.builtin(publisher, builtin, argc)?;
        let mut counted_stubs = lock(&self.counted);
        if let Some(&known) = counted_stubs.get(&(stub, argc)) {
            return Ok(known);
        }
        let code = counted(argc as i32, stub)?;
        let made = publisher.publish_one(Piece::stub(&code, Kind::Fast, builtin.symbol()))?;
        counted_stubs.insert((stub, argc), made);
        Ok(made)
    }

    /// The entry for `argc` arguments of a function with so many parameters and a rest; none where they have no registers.
    pub fn packing(&self, publisher: &Publisher, params: usize, argc: usize) -> Result<Option<usize>, MemoryError> {
        if argc >= MANY || params >= ARG_REGS {
            return Ok(None);
        }
        if let Some(&known) = lock(&self.packing).get(&(params, argc)) {
            return Ok(Some(known));
        }
        let code = super::packing::<Host>(params, argc, self.outside, self.entry_resolvers[argc]);
        let code = code.map_err(refused)?;
        let made = publisher.publish_one(Piece::stub(&code, Kind::Fast, format!("pack_rest_{params}_{argc}")))?;
        lock(&self.packing).insert((params, argc), made);
        Ok(Some(made))
    }

    /// Code that jumps through the dispatch table in a cell, by the layout of the first argument.
    pub fn dispatcher(&self, publisher: &Publisher, cell: usize, name: &str) -> Result<usize, MemoryError> {
        let code = dispatcher_code::<Host>(cell).map_err(refused)?;
        publisher.publish_one(Piece::stub(&code, Kind::Stub, format!("dispatch_{name}")))
    }
}

/// Publishes named stubs of a kind in one chunk.
pub fn publish(publisher: &Publisher, kind: Kind, codes: &[(String, Assembled)]) -> Result<Vec<usize>, MemoryError> {
    let pieces = codes.iter().map(|(name, code)| Piece::stub(code, kind, name.clone())).collect();
    Ok(publisher.publish(pieces)?.starts)
}

/// What becomes of code that does not assemble.
pub(super) fn refused(_: TooFar) -> MemoryError {
    MemoryError::Exhausted("stub")
}
