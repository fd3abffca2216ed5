//! Vectors, maps and sets against the standard library's, as random sequences of operations.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{List, map, marks, mutable, replacing, set, vector};
use crate::gc::{Handle, Thread, Value};
use crate::runtime::testing::{int, int_entries, ints, text, under_stress, with_machine};

fn check_vector(cx: &mut Thread, ops: &[(u8, i64, usize)]) {
    let mut model: Vec<i64> = Vec::new();
    let mut v = vector::empty(cx).expect("memory");
    let mut old = Vec::new();
    for &(op, value, at) in ops {
        let x = int(cx, value);
        match op {
            0..=4 => {
                v = vector::push(cx, v, x).expect("memory");
                model.push(value);
            }
            5 | 6 if !model.is_empty() => {
                let i = at % model.len();
                v = vector::assoc(cx, v, i, x).expect("memory");
                model[i] = value;
            }
            7 if !model.is_empty() => {
                v = vector::pop(cx, v).expect("memory");
                model.pop();
            }
            8 => {
                v = vector::concat(cx, v, v).expect("memory");
                model.extend_from_within(..);
                if model.len() > 3000 {
                    v = vector::slice(cx, v, 100, 1500).expect("memory");
                    model = model[100..1500].to_vec();
                }
            }
            9 => {
                let (a, b) = (at % (model.len() + 1), (at / 7) % (model.len() + 1));
                v = vector::slice(cx, v, a.min(b), a.max(b)).expect("memory");
                model = model[a.min(b)..a.max(b)].to_vec();
            }
            10 => {
                let from = (at % 70).min(model.len());
                v = vector::slice(cx, v, from, model.len()).expect("memory");
                model.drain(..from);
            }
            11 => {
                let to = model.len() - (at % 70).min(model.len());
                v = vector::slice(cx, v, 0, to).expect("memory");
                model.truncate(to);
            }
            12 if model.len() < 3000 => {
                let more: Vec<i64> = (0..1100).map(|i| value.wrapping_add(i) >> 8).collect();
                let handles: Vec<_> = more.iter().map(|n| int(cx, *n)).collect();
                let array = cx.alloc_array_of(crate::object::layout::ARRAY, &handles).expect("memory");
                let part = vector::from_array(cx, array, more.len()).expect("memory");
                v = vector::concat(cx, v, part).expect("memory");
                model.extend(more);
            }
            _ => {}
        }
        if op % 3 == 0 {
            old.push((v, model.clone()));
        }
    }
    old.push((v, model));
    for (v, model) in old {
        assert_eq!(vector::len(cx.get(v)), model.len());
        assert!(model.len() > vector::WIDTH || cx.get(v).slot(2).is_null(), "few elements are all in the tail");
        assert_eq!(ints(cx, v), model);
        for i in (0..model.len()).step_by(17) {
            assert_eq!(vector::get(cx.get(v), i).and_then(|x| x.as_int()), Some(model[i]));
        }
        assert!(vector::get(cx.get(v), model.len()).is_none());
    }
}

fn check_map(cx: &mut Thread, ops: &[(u8, i64, i64)]) {
    let mut model: BTreeMap<i64, i64> = BTreeMap::new();
    let mut m = map::empty(cx).expect("memory");
    let mutable = mutable::new_map(cx).expect("memory");
    let mut old = Vec::new();
    for &(op, key, value) in ops {
        let (k, v) = (int(cx, key), int(cx, value));
        match op {
            0..=5 => {
                m = map::assoc(cx, m, k, v).expect("memory");
                mutable::put(cx, mutable, k, v).expect("memory");
                model.insert(key, value);
            }
            6..=8 => {
                m = map::dissoc(cx, m, k).expect("memory");
                mutable::remove(cx, mutable, k).expect("memory");
                model.remove(&key);
            }
            _ => {
                let snapshot = mutable::to_map(cx, mutable).expect("memory");
                old.push((m, model.clone()));
                old.push((snapshot, model.clone()));
            }
        }
    }
    let snapshot = mutable::to_map(cx, mutable).expect("memory");
    old.push((m, model.clone()));
    old.push((snapshot, model));
    for (m, model) in old {
        assert_eq!(map::len(cx.get(m)), model.len());
        assert_eq!(int_entries(cx, m), model.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>());
        for (key, value) in &model {
            let k = int(cx, *key);
            let found = map::get(cx.get(m), cx.get(k)).expect("not deep");
            assert_eq!(found.and_then(|v| v.as_int()), Some(*value));
        }
        let missing = int(cx, 1 << 40);
        assert!(map::get(cx.get(m), cx.get(missing)).expect("not deep").is_none());
    }
}

/// Keys that are Ints or the Floats that equal them, halves among them.
fn check_mixed(cx: &mut Thread, ops: &[(u8, i64, bool)]) {
    let mut model: BTreeMap<i64, (i64, bool)> = BTreeMap::new();
    let mut m = map::empty(cx).expect("memory");
    let key = |cx: &mut Thread, n: i64, float: bool| {
        if float { cx.alloc_float(n as f64).expect("memory") } else { int(cx, n) }
    };
    for (i, &(op, n, float)) in ops.iter().enumerate() {
        let k = key(cx, n, float);
        if op < 6 {
            let v = int(cx, i as i64);
            m = map::assoc(cx, m, k, v).expect("memory");
            // The key that came first stays.
            let known = model.get(&n).map_or(float, |&(_, float)| float);
            model.insert(n, (i as i64, known));
        } else {
            m = map::dissoc(cx, m, k).expect("memory");
            model.remove(&n);
        }
    }
    assert_eq!(map::len(cx.get(m)), model.len());
    let mut stored: Vec<_> = map::iter(cx.get(m))
        .map(|(k, v)| (k.as_float().map_or(k.as_int(), |f| Some(f as i64)), (v.as_int(), k.is_float())))
        .collect();
    stored.sort_unstable();
    assert_eq!(stored, model.iter().map(|(n, &(v, float))| (Some(*n), (Some(v), float))).collect::<Vec<_>>());
    for n in 0..90 {
        for float in [false, true] {
            let k = key(cx, n, float);
            let found = map::get(cx.get(m), cx.get(k)).expect("not deep").and_then(|v| v.as_int());
            assert_eq!(found, model.get(&n).map(|&(v, _)| v), "{n} {float}");
        }
        let half = cx.alloc_float(n as f64 + 0.5).expect("memory");
        assert!(map::get(cx.get(m), cx.get(half)).expect("not deep").is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn vectors(ops in vec((prop_oneof![16 => 0..9u8, 1 => 9..10u8, 9 => 10..13u8], any::<i32>().prop_map(i64::from), any::<usize>()), 0..400)) {
        with_machine(|cx| check_vector(cx, &ops));
    }

    #[test]
    fn maps(ops in vec((0..10u8, prop_oneof![0..600i64, (0..60i64).prop_map(|n| n * 1_000_003)], any::<i32>().prop_map(i64::from)), 0..900)) {
        with_machine(|cx| check_map(cx, &ops));
    }

    #[test]
    fn ints_and_floats_are_the_same_keys(ops in vec((0..8u8, 0..90i64, any::<bool>()), 0..400)) {
        with_machine(|cx| check_mixed(cx, &ops));
    }

    #[test]
    fn small_maps(ops in vec((0..10u8, 0..14i64, 0..4i64), 0..120)) {
        with_machine(|cx| check_map(cx, &ops));
    }
}

#[test]
fn vectors_move() {
    let ops: Vec<_> =
        (0..140).map(|i: usize| ([0, 1, 2, 5, 8, 7, 0, 9, 3, 3][i % 10], i as i64, i * 31 + 100)).collect();
    under_stress(|cx| check_vector(cx, &ops));
}

#[test]
fn maps_move() {
    let ops: Vec<_> = (0..150).map(|i: i64| ([0, 1, 2, 6, 3, 4, 9, 7][i as usize % 8], i * 7 % 40, i)).collect();
    under_stress(|cx| check_map(cx, &ops));
}

#[test]
fn equal_hashes_collide_and_stay_apart() {
    // The hash of a mutable list is that of its length.
    fn key(cx: &mut Thread, i: i64) -> Handle {
        let (list, i) = (List::new(cx, 1).expect("memory"), int(cx, i));
        list.push(cx, i).expect("memory");
        list.0
    }
    with_machine(|cx| {
        let mut m = map::empty(cx).expect("memory");
        for i in 0..30 {
            let (key, i) = (key(cx, i), int(cx, i));
            m = map::assoc(cx, m, key, i).expect("memory");
        }
        assert_eq!(map::len(cx.get(m)), 30);
        assert_eq!(map::iter(cx.get(m)).count(), 30);
        let (known, unknown) = (key(cx, 7), key(cx, 30));
        assert_eq!(map::get(cx.get(m), cx.get(known)).expect("not deep").and_then(Value::as_int), Some(7));
        assert!(map::get(cx.get(m), cx.get(unknown)).expect("not deep").is_none());
    });
}

#[test]
fn nan_is_one_key() {
    with_machine(|cx| {
        let mut m = map::empty(cx).expect("memory");
        for (i, bits) in [f64::NAN.to_bits(), 0xFFF8_0000_0000_0001, 0x7FF0_0000_0000_0001].into_iter().enumerate() {
            let (nan, i) = (cx.alloc_float(f64::from_bits(bits)).expect("memory"), int(cx, i as i64));
            m = map::assoc(cx, m, nan, i).expect("memory");
        }
        assert_eq!(map::len(cx.get(m)), 1);
        let nan = cx.alloc_float(-f64::NAN).expect("memory");
        assert_eq!(map::get(cx.get(m), cx.get(nan)).expect("not deep").and_then(Value::as_int), Some(2));
    });
}

#[test]
fn small_maps_keep_the_order_of_insertion() {
    with_machine(|cx| {
        let mut m = map::empty(cx).expect("memory");
        for key in [5, 3, 8, 1, 9, 2, 7, 4] {
            let k = int(cx, key);
            m = map::assoc(cx, m, k, k).expect("memory");
        }
        assert_eq!(text(cx, m), "{5 5, 3 3, 8 8, 1 1, 9 9, 2 2, 7 7, 4 4}");
        let (k, v) = (int(cx, 8), int(cx, 0));
        let changed = map::assoc(cx, m, k, v).expect("memory");
        let less = map::dissoc(cx, changed, k).expect("memory");
        assert_eq!(text(cx, changed), "{5 5, 3 3, 8 0, 1 1, 9 9, 2 2, 7 7, 4 4}");
        assert_eq!(text(cx, less), "{5 5, 3 3, 1 1, 9 9, 2 2, 7 7, 4 4}");
    });
}

#[test]
fn sets_hold_members_once() {
    with_machine(|cx| {
        let mut s = set::empty(cx).expect("memory");
        for i in 0..100 {
            let i = int(cx, i % 40);
            s = set::add(cx, s, i).expect("memory");
        }
        assert_eq!(set::len(cx.get(s)), 40);
        let one = cx.alloc_float(1.0).expect("memory");
        assert_eq!(set::contains(cx.get(s), cx.get(one)), Ok(true));
        for i in 0..39 {
            let i = int(cx, i);
            s = set::remove(cx, s, i).expect("memory");
        }
        assert_eq!(text(cx, s), "#{39}");
    });
}

#[test]
fn lists_grow_and_shrink() {
    under_stress(|cx| {
        let list = List::new(cx, 0).expect("memory");
        for i in 0..70 {
            let i = int(cx, i);
            list.push(cx, i).expect("memory");
        }
        assert_eq!(list.pop(cx).and_then(|h| cx.get(h).as_int()), Some(69));
        let snapshot = list.to_vector(cx).expect("memory");
        let x = int(cx, -1);
        list.set(cx, 0, x);
        list.set(cx, 40, x);
        assert_eq!(ints(cx, snapshot), (0..69).collect::<Vec<_>>());
        let finished = list.finish(cx).expect("memory");
        assert_eq!(ints(cx, finished)[40], -1);
        assert!(list.is_empty(cx) && list.pop(cx).is_none());
    });
}

/// Owners of nodes begin anew when they are few: nobody's map is changed by who gets a number that was another's.
#[test]
fn owners_come_back() {
    with_machine(|cx| {
        let entries: Vec<Handle> = (0..3000).flat_map(|i| [int(cx, i), int(cx, i)]).collect();
        let shared = map::of(cx, &entries).expect("memory");
        let mutable = mutable::new_map(cx).expect("memory");
        let builder = map::Builder::new(cx).expect("memory");
        let put = |cx: &mut Thread, i: i64, v: i64| {
            let (key, value) = (int(cx, i), int(cx, v));
            mutable::put(cx, mutable, key, value).expect("memory");
            builder.put(cx, key, value).expect("memory");
        };
        (0..3000).for_each(|i| put(cx, i, i));
        let given = mutable::to_map(cx, mutable).expect("memory");
        for round in 0..4 {
            (0..300).for_each(|i| put(cx, i * 7, i * 7));
            cx.heap().owners().use_up(5 << 20);
            cx.collect();
            // As many as there were before, each begun with nodes that had an owner.
            for i in 0..200 {
                let mark = cx.mark();
                for base in [shared, given, builder.map()] {
                    let other = map::Builder::from(cx, base).expect("memory");
                    let (key, value) = (int(cx, i * 15 + round), int(cx, -1));
                    other.put(cx, key, value).expect("memory");
                    let again = mutable::new_map(cx).expect("memory");
                    assert!(mutable::fill(cx, again, base).expect("memory"));
                    mutable::put(cx, again, key, value).expect("memory");
                }
                cx.release(mark);
            }
            for map in [shared, given, builder.map()] {
                let wrong = map::iter(cx.get(map)).filter(|(k, v)| k != v).count();
                assert_eq!((map::len(cx.get(map)), wrong), (3000, 0), "round {round}");
            }
            let wrong = map::iter(mutable::map_of(cx.get(mutable))).filter(|(k, v)| k != v).count();
            assert_eq!(wrong, 0, "round {round}");
            assert_ne!(cx.heap().owners().take(), super::trie::SHARED, "round {round}");
        }
    });
}

/// The same of vectors: those that were changed in place before, and then given to others, stay as they were.
#[test]
fn owners_of_vectors_come_back() {
    with_machine(|cx| {
        let elements: Vec<Handle> = (0..3000).map(|i| int(cx, i)).collect();
        let base = vector::of(cx, &elements).expect("memory");
        let mut given: Vec<(Handle, Vec<i64>)> = vec![(base, (0..3000).collect())];
        for round in 0..4 {
            for k in 0..20 {
                let (first, mut expected) = given[k as usize % given.len()].clone();
                let mut v = first;
                for i in 0..60 {
                    let at = (i * 49 + k) as usize % 3000;
                    let value = int(cx, -round - k);
                    let changed = replacing::assoc(cx.get(v), at, cx.get(value)).map(|new| cx.root(new));
                    v = match changed {
                        Some(new) => new,
                        None => vector::assoc(cx, v, at, value).expect("memory"),
                    };
                    expected[at] = -round - k;
                    if i % 20 == 10 && k % 5 == 0 {
                        cx.heap().owners().use_up(5 << 20);
                        cx.collect();
                    }
                }
                marks::freeze(cx, cx.get(v));
                given.push((v, expected));
            }
            for (v, expected) in &given {
                let wrong = vector::iter(cx.get(*v)).zip(expected).filter(|(x, e)| x.as_int() != Some(**e)).count();
                assert_eq!(wrong, 0, "round {round}");
            }
        }
    });
}
