//! Weak references, weak maps and finalizers against a model.

use super::*;
use crate::gc::trace::weak::Weak;
use crate::object::layout::*;
use std::collections::{BTreeMap, BTreeSet};

/// So many things are held strongly at once, at most.
const HELD: usize = 12;
const MAPS: usize = 3;

/// What the model knows: things by number, each with at most one other that it leads to.
#[derive(Default)]
struct Model {
    leads_to: Vec<Option<usize>>,
    held: [Option<usize>; HELD],
    references: Vec<usize>,
    maps: [BTreeMap<usize, usize>; MAPS],
    /// By what is called when a thing is dead.
    finalizers: BTreeSet<usize>,
}

impl Model {
    fn living(&self) -> BTreeSet<usize> {
        let mut living = BTreeSet::new();
        let mut todo: Vec<usize> = self.held.iter().flatten().copied().collect();
        loop {
            while let Some(thing) = todo.pop() {
                if living.insert(thing) {
                    todo.extend(self.leads_to[thing]);
                }
            }
            let entries = self.maps.iter().flatten();
            todo.extend(entries.filter(|(key, value)| living.contains(key) && !living.contains(value)).map(|e| *e.1));
            if todo.is_empty() {
                return living;
            }
        }
    }
}

struct Test<'a> {
    thread: &'a mut Thread,
    model: Model,
    /// An ARRAY of what is held, one of weak references, and the maps.
    held: Handle,
    references: Handle,
    maps: [Handle; MAPS],
}

/// The number of a thing.
fn number(thing: Value<'_>) -> usize {
    thing.element(0).as_int().unwrap() as usize
}

impl Test<'_> {
    fn weak(&self, native: Handle) -> Arc<Weak> {
        self.thread.native_as(self.thread.get(native)).unwrap()
    }

    fn thing(&mut self, big: bool) -> Handle {
        let number = self.model.leads_to.len();
        self.model.leads_to.push(None);
        let null = self.thread.root_word(Word::NULL);
        let thing = self.thread.alloc_array(ARRAY, if big { 40_000 } else { 2 }, null).unwrap();
        let number = self.thread.root_word(Word::int(number as i64).unwrap());
        self.set(thing, 0, number);
        thing
    }

    fn set(&self, array: Handle, element: usize, value: Handle) {
        self.thread.set_slot(self.thread.get(array), ARRAY_ELEMENTS + element, self.thread.get(value));
    }

    fn held(&self, random: &mut Random) -> Option<Handle> {
        let thing = self.thread.get(self.held).element(random.below(HELD));
        thing.word().is_pointer().then(|| self.thread.root(thing))
    }

    fn step(&mut self, random: &mut Random) {
        let mark = self.thread.mark();
        let (a, b) = (self.held(random), self.held(random));
        match (random.below(12), a, b) {
            (0..3, ..) => {
                let thing = self.thing(random.below(20) == 0);
                let place = random.below(HELD);
                self.set(self.held, place, thing);
                self.model.held[place] = Some(self.model.leads_to.len() - 1);
            }
            (3, ..) => {
                let place = random.below(HELD);
                let null = self.thread.root_word(Word::NULL);
                self.set(self.held, place, null);
                self.model.held[place] = None;
            }
            (4, Some(a), Some(b)) => {
                self.set(a, 1, b);
                let (a, b) = (number(self.thread.get(a)), number(self.thread.get(b)));
                self.model.leads_to[a] = Some(b);
            }
            (5 | 6, Some(a), _) if self.model.references.len() < 200 => {
                let reference = self.thread.alloc_weak_reference(a).unwrap();
                self.set(self.references, self.model.references.len(), reference);
                self.model.references.push(number(self.thread.get(a)));
            }
            (7..10, Some(a), Some(b)) => {
                let map = random.below(MAPS);
                let weak = self.weak(self.maps[map]);
                self.thread.weak_put(&weak, self.thread.get(a), self.thread.get(b));
                let (a, b) = (number(self.thread.get(a)), number(self.thread.get(b)));
                self.model.maps[map].insert(a, b);
            }
            (10, Some(a), _) => {
                let map = random.below(MAPS);
                let weak = self.weak(self.maps[map]);
                self.thread.weak_remove(&weak, self.thread.get(a));
                self.model.maps[map].remove(&number(self.thread.get(a)));
            }
            (11, Some(a), _) => {
                let thing = number(self.thread.get(a));
                if self.model.finalizers.insert(thing) {
                    let name = self.thread.root_word(Word::int(thing as i64).unwrap());
                    let function = self.thread.alloc_slots(ATOM, &[name]).unwrap();
                    self.thread.add_finalizer(self.thread.get(a), self.thread.get(function));
                }
            }
            _ => {}
        }
        self.thread.release(mark);
    }

    /// Compares. After a collection of the young what is dead may still be there; what lives must be in any case.
    fn check(&mut self, everything: bool) {
        let mark = self.thread.mark();
        let living = self.model.living();
        for (i, thing) in self.model.references.iter().enumerate() {
            let native = self.thread.root(self.thread.get(self.references).element(i));
            let found = self.thread.weak_value(&self.weak(native)).map(|value| number(self.thread.get(value)));
            assert!(found.is_none_or(|found| found == *thing), "another thing");
            assert!(found.is_some() == living.contains(thing) || found.is_some() && !everything, "thing {thing}");
        }
        while let Some(function) = self.thread.take_ready_finalizer() {
            let thing = self.thread.get(function).slot(ATOM_VALUE).as_int().unwrap() as usize;
            assert!(self.model.finalizers.remove(&thing) && !living.contains(&thing), "finalizer of {thing}");
        }
        assert!(!everything || self.model.finalizers.iter().all(|thing| living.contains(thing)), "not called");
        for map in 0..MAPS {
            let weak = self.weak(self.maps[map]);
            let entries = &mut self.model.maps[map];
            for place in 0..HELD {
                let key = self.thread.get(self.held).element(place);
                if key.word().is_pointer() {
                    let found = self.thread.weak_get(&weak, key).map(number);
                    assert_eq!(found, entries.get(&number(key)).copied(), "what key {} has", number(key));
                }
            }
            if everything {
                entries.retain(|key, _| living.contains(key));
                assert_eq!(self.thread.weak_count(&weak), entries.len(), "entries");
            }
        }
        self.thread.release(mark);
    }
}

fn run(collector: CollectorKind, stress: Stress, seed: u64, steps: usize) {
    let heap = Heap::new(Options { collector, ..options(stress, true) }).unwrap();
    let thread = &mut *heap.attach();
    let null = thread.root_word(Word::NULL);
    let held = thread.alloc_array(ARRAY, HELD, null).unwrap();
    let references = thread.alloc_array(ARRAY, 200, null).unwrap();
    let maps = [(); MAPS].map(|()| thread.alloc_weak_map().unwrap());
    let mut test = Test { thread, model: Model::default(), held, references, maps };
    let mut random = Random::new(seed);
    for _ in 0..steps {
        test.step(&mut random);
        match random.below(40) {
            0 => {
                test.thread.collect();
                test.check(true);
            }
            1..4 => {
                test.thread.collect_some();
                test.check(false);
            }
            _ => {}
        }
    }
    assert_eq!(heap.weaks_len(), test.model.references.len() + MAPS + test.model.finalizers.len());
}

#[test]
fn weak_things_behave_like_the_model() {
    for collector in plans() {
        for seed in 1..60 {
            run(collector, Stress::Off, seed, 600);
        }
        for seed in 100..104 {
            run(collector, Stress::Strict, seed, 150);
        }
    }
}

#[test]
fn what_nobody_holds_gives_its_place_back() {
    for collector in plans() {
        let heap = Heap::new(Options { collector, ..options(Stress::Off, true) }).unwrap();
        let thread = &mut *heap.attach();
        let key = thread.alloc_string("key").unwrap();
        for _ in 0..1000 {
            let mark = thread.mark();
            let reference = thread.alloc_weak_reference(key).unwrap();
            let map = thread.alloc_weak_map().unwrap();
            let weak = thread.native_as::<Weak>(thread.get(map)).unwrap();
            thread.weak_put(&weak, thread.get(key), thread.get(reference));
            thread.release(mark);
        }
        thread.collect();
        assert_eq!(heap.weaks_len(), 0);
    }
}
