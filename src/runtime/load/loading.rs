//! Who loads what: one thread loads a namespace, and others that use it wait until its top level has run.
//!
//! Owns the table of what is being loaded and of who waits for it, and the rule by which nobody waits in a circle. Must not know how
//! a namespace is found or loaded.
//!
//! Invariant: a wait that would close a circle (of threads that wait for what the others load, or `join` one another) is never
//! begun, or ends within a slice: who would wait sees the namespace as far as it is, as the thread does that loads it.

use std::path::PathBuf;
use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::gc::{Thread, Thrown};
use crate::locks::{Condvar, Mutex, MutexGuard};
use crate::runtime::Namespace;
use crate::runtime::fault::errors::ErrorKind;
use crate::runtime::system::descriptor::SLICE;
use crate::runtime::system::threads::{self, Threads};

/// What is loaded once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// The file at this absolute path.
    File(PathBuf),
    /// A namespace of the standard library.
    Library(&'static str),
}

/// What is being loaded, and who waits for it.
#[derive(Debug, Default)]
pub struct Loading {
    state: Mutex<State>,
    /// Something is loaded, has failed, or has declared what it declares.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    claims: FxHashMap<Key, Claim>,
    /// By the waiting thread.
    waits: FxHashMap<u64, Wait>,
}

#[derive(Debug)]
struct Claim {
    /// Who loads it.
    thread: u64,
    /// What it becomes, once that is known.
    namespace: Option<&'static Namespace>,
    /// Its declarations are made: what it still does is to run its top level.
    declared: bool,
}

#[derive(Debug)]
struct Wait {
    key: Key,
    /// The namespaces whose `use` lines led to the wait, from the first on.
    chain: Vec<String>,
}

/// How somebody wants a namespace.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// When its top level has run.
    Loaded,
    /// When its declarations are made: whoever types must not have to wait for a top level that runs as long as the program.
    Declared,
}

/// What comes of a claim.
pub enum Claimed<'a> {
    /// It is there, or as far as it can be waited for.
    There(&'static Namespace),
    /// It is for the caller to load, while it holds this.
    Ours(Ours<'a>),
    /// The `use` lines of what several threads load form this circle: the first name is the last one, too.
    Circle(Vec<String>),
}

/// The right to load something. Who waits goes on when it is dropped, also by a panic.
pub struct Ours<'a> {
    loading: &'a Loading,
    key: Key,
}

impl Drop for Ours<'_> {
    fn drop(&mut self) {
        self.loading.lock().claims.remove(&self.key);
        self.loading.changed.notify_all();
    }
}

impl Loading {
    fn lock(&self) -> MutexGuard<'_, State> {
        crate::runtime::lock(&self.state)
    }

    /// Gives what `loaded` gives when nobody loads it, and else waits. `chain` are the namespaces whose `use` lines led here.
    pub fn claim(
        &self,
        cx: &mut Thread,
        key: &Key,
        chain: &[String],
        wanted: Wanted,
        loaded: impl Fn() -> Option<&'static Namespace>,
    ) -> Result<Claimed<'_>, Thrown> {
        let (me, joins) = (cx.id(), &cx.vm().threads);
        loop {
            let mut state = self.lock();
            match state.outlook(me, key, chain, wanted, joins) {
                Outlook::Free => {
                    // Under the lock: nobody else has begun to load it since.
                    if let Some(namespace) = loaded() {
                        return Ok(Claimed::There(namespace));
                    }
                    state.claims.insert(key.clone(), Claim { thread: me, namespace: None, declared: false });
                    return Ok(Claimed::Ours(Ours { loading: self, key: key.clone() }));
                }
                Outlook::There(namespace) => return Ok(Claimed::There(namespace)),
                Outlook::Circle(names) => return Ok(Claimed::Circle(names)),
                Outlook::Wait => {}
            }
            state.waits.insert(me, Wait { key: key.clone(), chain: chain.to_vec() });
            drop(state);
            let waited = threads::waiting(cx, |stop| {
                let mut state = self.lock();
                while matches!(state.outlook(me, key, chain, wanted, joins), Outlook::Wait) {
                    if let Some(error) = stop() {
                        return Err(error);
                    }
                    state = self.changed.wait_timeout(state, Duration::from_millis(SLICE));
                }
                Ok(())
            });
            self.lock().waits.remove(&me);
            if let Err(error) = waited? {
                // Only who calls the wait off gives an error, and that is thrown.
                return Err(cx.throw(ErrorKind::InternalError, error.to_string()));
            }
        }
    }

    /// What is being loaded becomes this namespace.
    pub fn becomes(&self, key: &Key, namespace: &'static Namespace) {
        if let Some(claim) = self.lock().claims.get_mut(key) {
            claim.namespace = Some(namespace);
        }
    }

    /// All that this thread's claim to a namespace declares is declared: the top level begins.
    pub fn declared(&self, cx: &Thread, namespace: &'static Namespace) {
        let mut state = self.lock();
        let is_it = |claim: &Claim| {
            claim.thread == cx.id() && claim.namespace.is_some_and(|becomes| std::ptr::eq(becomes, namespace))
        };
        if let Some(claim) = state.claims.values_mut().find(|claim| is_it(claim)) {
            claim.declared = true;
            drop(state);
            self.changed.notify_all();
        }
    }
}

/// What a thread finds that wants something.
enum Outlook {
    Free,
    There(&'static Namespace),
    Circle(Vec<String>),
    Wait,
}

impl State {
    fn outlook(&self, me: u64, key: &Key, chain: &[String], wanted: Wanted, joins: &Threads) -> Outlook {
        let Some(claim) = self.claims.get(key) else { return Outlook::Free };
        let Some(namespace) = claim.namespace else { return Outlook::Wait };
        // Its own top level asks for it, or evaluates a text that does.
        if claim.thread == me || wanted == Wanted::Declared && claim.declared {
            return Outlook::There(namespace);
        }
        let Some(keys) = self.way_back(me, key, joins) else { return Outlook::Wait };
        self.names_of_circle(&keys, chain).map_or(Outlook::There(namespace), Outlook::Circle)
    }

    /// When the thread that loads `key` waits, perhaps through others, for this one: what is waited for, beginning with `key`.
    fn way_back(&self, me: u64, key: &Key, joins: &Threads) -> Option<Vec<(Key, u64)>> {
        let mut thread = self.claims.get(key)?.thread;
        let mut keys = vec![(key.clone(), thread)];
        let mut seen = vec![thread];
        while thread != me {
            thread = match self.waits.get(&thread) {
                Some(wait) => {
                    let owner = self.claims.get(&wait.key)?.thread;
                    keys.push((wait.key.clone(), owner));
                    owner
                }
                None => joins.joined_by(thread)?,
            };
            if seen.contains(&thread) {
                // Others go in a circle, and find that out themselves.
                return None;
            }
            seen.push(thread);
        }
        Some(keys)
    }

    /// The namespaces of a circle in which every wait is that of a `use` line; none when a `join` or a text that is evaluated
    /// is part of it.
    fn names_of_circle(&self, keys: &[(Key, u64)], chain: &[String]) -> Option<Vec<String>> {
        let name = |key: &Key| Some(self.claims.get(key)?.namespace?.name);
        // Each thread's chain from what the one before waits for down to where it waits itself.
        let from = |chain: &[String], name: &str| {
            let at = chain.iter().position(|link| link == name)?;
            Some(chain[at..].to_vec())
        };
        let first = name(&keys.last()?.0)?;
        let mut names = from(chain, first)?;
        for pair in keys.windows(2) {
            let (key, thread) = &pair[0];
            names.extend(from(&self.waits.get(thread)?.chain, name(key)?)?);
        }
        names.push(first.to_string());
        Some(names)
    }
}
