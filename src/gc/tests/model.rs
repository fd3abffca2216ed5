//! The collector against a model: random graphs of all shapes, random changes, random roots.

use super::*;
use crate::object::layout::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone, Copy, PartialEq, Debug)]
enum Model {
    Word(Word),
    Object(usize),
}

/// What the model knows of an object.
struct Object {
    layout: LayoutId,
    /// Index of the first slot, and what slots hold.
    first: usize,
    slots: Vec<Model>,
    raw: Vec<(usize, u64)>,
}

struct World {
    random: Random,
    objects: Vec<Object>,
    /// Handles and what they stand for.
    handles: Vec<(Handle, Model)>,
    permanent: Vec<(Word, usize)>,
    cells: Box<[AtomicU64; 16]>,
    cell_models: [Model; 16],
    layouts: Vec<(LayoutId, usize)>,
}

impl World {
    fn new(thread: &mut Thread, seed: u64) -> World {
        let heap = thread.heap().clone();
        let mut random = Random::new(seed);
        let mut layouts = vec![(VECTOR, 4), (ATOM, 1), (MAP, 3)];
        for slots in [0, 1, 2, 7, 40, 2000] {
            layouts.push((heap.register_layout(slots).unwrap(), slots as usize));
        }
        let cells = Box::new([const { AtomicU64::new(4) }; 16]);
        // SAFETY: the cells hold null or what was read from handles; unregistered in `check_and_end`.
        unsafe { heap.register_roots(cells.as_ptr() as usize, 16) };
        random.next();
        let null = Model::Word(Word::NULL);
        let mut world = World {
            random,
            objects: vec![],
            handles: vec![],
            permanent: vec![],
            cells,
            cell_models: [null; 16],
            layouts,
        };
        for _ in 0..5 {
            let (handle, model) = world.some_immediate(thread);
            let atom = thread.allocate_permanent(ATOM, 1, 0, |t, mut f| f.set(0, t.get(handle))).unwrap();
            world.objects.push(Object { layout: ATOM, first: 0, slots: vec![model], raw: vec![] });
            world.permanent.push((thread.get(atom).word(), world.objects.len() - 1));
        }
        world
    }

    fn some_immediate(&mut self, thread: &Thread) -> (Handle, Model) {
        let n = self.random.next();
        let word = match n % 4 {
            0 => Word::int(n as i64 >> 8).unwrap(),
            1 => Word::float((n >> 20) as f64 / 3.0).unwrap(),
            2 => Word::keyword((n >> 40) as u32),
            _ => Word::NULL,
        };
        (thread.root_word(word), Model::Word(word))
    }

    /// Something to point to.
    fn some(&mut self, thread: &Thread) -> (Handle, Model) {
        if self.handles.is_empty() || self.random.below(4) == 0 {
            return self.some_immediate(thread);
        }
        let i = self.random.below(self.handles.len());
        self.handles[i]
    }

    fn allocate(&mut self, thread: &mut Thread) {
        let count = match self.random.below(40) {
            0 => self.random.below(70_000),
            1..4 => self.random.below(3_000),
            _ => self.random.below(8),
        };
        let kind = self.random.below(9);
        let some: Vec<_> = (0..count.min(50)).map(|_| self.some(thread)).collect();
        let handles: Vec<_> = some.iter().map(|s| s.0).collect();
        let models = || some.iter().map(|s| s.1).collect::<Vec<_>>();
        let (handle, object) = match kind {
            0 => {
                let handle = thread.alloc_closure(0x1000 + count, &handles).unwrap();
                (handle, Object { layout: CLOSURE, first: 1, slots: models(), raw: vec![(0, 0x1000 + count as u64)] })
            }
            1 => {
                let text = "é".repeat(count);
                let handle = thread.alloc_string(&text).unwrap();
                assert_eq!(thread.get(handle).str(), Some(&*text));
                let raw = vec![(0, (count as u64) << 32 | (2 * count as u64))];
                (handle, Object { layout: STRING, first: 0, slots: vec![], raw })
            }
            2 => {
                let limbs: Vec<u64> = (0..count as u64).map(|i| i * 3 + 1).collect();
                let handle = thread.alloc_big_int(count % 2 == 1, &limbs).unwrap();
                let raw = limbs.iter().enumerate().map(|(i, &limb)| (i + 1, limb)).collect();
                (handle, Object { layout: BIG_INT, first: 0, slots: vec![], raw })
            }
            3 => {
                let bytes = thread.alloc_bytes(count, Room::Texts).unwrap();
                assert!(thread.append_bytes(thread.get(bytes), Room::Texts, 0, &vec![b'x'; count / 2]));
                let object = Object { layout: BYTES, first: 0, slots: vec![], raw: vec![(0, count as u64)] };
                self.objects.push(object);
                let id = self.objects.len() - 1;
                // SAFETY: these bytes are in use and ASCII.
                let handle = unsafe { thread.alloc_string_prefix(bytes, count / 2, count / 2) }.unwrap();
                let half = count as u64 / 2;
                let raw = vec![(0, half << 32 | half)];
                (handle, Object { layout: STRING_PREFIX, first: 2, slots: vec![Model::Object(id)], raw })
            }
            4 => {
                let handle = thread.alloc_float(1e-100 * (count + 1) as f64).unwrap();
                let raw = vec![(0, (1e-100 * (count + 1) as f64).to_bits())];
                (handle, Object { layout: FLOAT, first: 0, slots: vec![], raw })
            }
            5 | 6 => {
                let fill = self.some(thread);
                let handle = thread.alloc_array(NODE, count, fill.0).unwrap();
                (
                    handle,
                    Object { layout: NODE, first: 1, slots: vec![fill.1; count], raw: vec![(0, 8 * count as u64)] },
                )
            }
            _ => {
                let (layout, slots) = self.layouts[self.random.below(self.layouts.len())];
                let some: Vec<_> = (0..slots).map(|_| self.some(thread)).collect();
                let handles: Vec<_> = some.iter().map(|s| s.0).collect();
                let handle = thread.alloc_slots(layout, &handles).unwrap();
                (handle, Object { layout, first: 0, slots: some.iter().map(|s| s.1).collect(), raw: vec![] })
            }
        };
        self.objects.push(object);
        self.handles.push((handle, Model::Object(self.objects.len() - 1)));
    }

    fn mutate(&mut self, thread: &Thread) {
        let holder = self.some(thread);
        let value = self.some(thread);
        let Model::Object(id) = holder.1 else { return };
        let object = &mut self.objects[id];
        // Prefixes and closures are immutable.
        if object.slots.is_empty() || [STRING_PREFIX, CLOSURE].contains(&object.layout) {
            return;
        }
        let i = self.random.below(object.slots.len());
        object.slots[i] = value.1;
        thread.set_slot(thread.get(holder.0), object.first + i, thread.get(value.0));
    }

    fn step(&mut self, thread: &mut Thread) {
        match self.random.below(20) {
            0..8 => self.allocate(thread),
            8..15 => self.mutate(thread),
            15 => {
                let i = self.random.below(self.permanent.len());
                let (word, id) = self.permanent[i];
                let value = self.some(thread);
                self.objects[id].slots[0] = value.1;
                // SAFETY: permanent objects are always alive.
                thread.set_slot(unsafe { Value::from_raw(thread, word) }, 0, thread.get(value.0));
            }
            16 | 17 => {
                let i = self.random.below(16);
                let value = self.some(thread);
                thread.store_root(&self.cells[i], thread.get(value.0));
                self.cell_models[i] = value.1;
            }
            18 => {
                // Forget half of the handles.
                let mark = Mark(0);
                let mut kept: Vec<_> = self.handles.iter().map(|&(h, m)| (thread.get(h).word(), m)).collect();
                kept.retain(|_| self.random.below(2) == 0);
                thread.release(mark);
                // SAFETY: nothing was allocated since these words were read.
                let root = |word| thread.root(unsafe { Value::from_raw(thread, word) });
                self.handles = kept.into_iter().map(|(word, model)| (root(word), model)).collect();
            }
            _ if self.random.below(4) == 0 => thread.collect(),
            _ => thread.collect_some(),
        }
    }

    /// Compares everything that can be reached, and identities.
    fn check(&self, thread: &Thread) {
        let mut of_model: HashMap<usize, Word> = HashMap::new();
        let mut of_word: HashMap<u64, usize> = HashMap::new();
        // SAFETY: roots.
        let raw = |word| unsafe { Value::from_raw(thread, word) };
        let mut work: Vec<(Value<'_>, Model)> = Vec::new();
        work.extend(self.handles.iter().map(|&(handle, model)| (thread.get(handle), model)));
        work.extend(self.permanent.iter().map(|&(word, id)| (raw(word), Model::Object(id))));
        work.extend((0..16).map(|i| (raw(Word(self.cells[i].load(Ordering::Relaxed))), self.cell_models[i])));
        while let Some((value, model)) = work.pop() {
            let id = match model {
                Model::Word(word) => {
                    assert_eq!(value.word(), word);
                    continue;
                }
                Model::Object(id) => id,
            };
            let known = of_model.insert(id, value.word());
            assert_eq!(known.is_some(), of_word.insert(value.word().0, id).is_some());
            if let Some(word) = known {
                assert_eq!(word, value.word());
                continue;
            }
            let object = &self.objects[id];
            assert_eq!(value.layout(), object.layout);
            for (i, &slot) in object.slots.iter().enumerate() {
                work.push((value.slot(object.first + i), slot));
            }
            assert!(value.try_slot(object.first + object.slots.len()).is_none());
            for &(i, bits) in &object.raw {
                assert_eq!(value.raw(i), bits);
            }
            if object.layout == STRING {
                assert_eq!(value.str().map(|s| s.chars().filter(|&c| c == 'é').count()), value.char_count());
            }
        }
    }
}

fn run(options: Options, seed: u64, steps: usize) {
    let heap = Heap::new(options).unwrap();
    let thread = &mut *heap.attach();
    let mut world = World::new(thread, seed);
    for step in 0..steps {
        world.step(thread);
        if step % 97 == 0 {
            world.check(thread);
        }
    }
    thread.collect();
    world.check(thread);
    heap.unregister_roots(world.cells.as_ptr() as usize);
}

#[test]
fn agrees_with_the_model() {
    for collector in plans() {
        for seed in 0..60 {
            run(Options { collector, ..options(Stress::Off, seed % 3 == 0) }, seed, 600);
        }
    }
}

#[test]
fn agrees_with_the_model_in_small_heaps() {
    for collector in plans() {
        for seed in 100..130 {
            run(
                Options { collector, shortest_round: 1 << 18, verify: seed % 5 == 0, ..Options::default() },
                seed,
                2000,
            );
        }
    }
}

#[test]
fn agrees_with_the_model_under_stress() {
    for collector in plans() {
        for seed in 200..212 {
            run(Options { collector, ..options(Stress::Decaying, true) }, seed, 250);
        }
        for seed in 300..306 {
            run(Options { collector, ..options(Stress::Strict, true) }, seed, 120);
        }
    }
}
