//! Tables whose copies share what they have in common.
//!
//! The generator keeps a state for each way that is still to be written, and these states are nearly the same. A table is a
//! persistent radix tree: a copy costs nothing, a change costs the way to one leaf, and what two tables differ in is found
//! without looking at what they share. So a function costs memory and time in proportion to what happens in it, however many
//! variables live. Each node has a summary of what is in it, so that entries of a kind are found without looking at others.

use std::rc::Rc;

/// Small, because most functions have few variables: a state of one that is changed costs a copy of a leaf.
const BITS: u32 = 2;
const WIDTH: usize = 1 << BITS;

/// What is kept in a table.
pub trait Entry: Clone + std::fmt::Debug {
    /// What a node says of its entries. The default is said of none.
    type Summary: Copy + Default + std::fmt::Debug;

    /// What is said of this one alone.
    fn summary(&self) -> Self::Summary;

    /// What is said of two groups.
    fn both(a: Self::Summary, b: Self::Summary) -> Self::Summary;
}

#[derive(Clone, Debug)]
enum Children<T: Entry> {
    /// The entries, by the lowest bits of their keys.
    Leaf([Option<T>; WIDTH]),
    Inner([Option<Rc<Node<T>>>; WIDTH]),
}

#[derive(Clone, Debug)]
struct Node<T: Entry> {
    summary: T::Summary,
    children: Children<T>,
}

/// Entries by number.
#[derive(Clone, Debug)]
pub struct Table<T: Entry> {
    root: Option<Rc<Node<T>>>,
    /// The number of levels above the leaves.
    height: u32,
}

fn index(key: u32, level: u32) -> usize {
    (key >> (BITS * level)) as usize % WIDTH
}

impl<T: Entry> Node<T> {
    fn empty(level: u32) -> Node<T> {
        let children =
            if level == 0 { Children::Leaf(Default::default()) } else { Children::Inner(Default::default()) };
        Node { summary: T::Summary::default(), children }
    }

    fn is_empty(&self) -> bool {
        match &self.children {
            Children::Leaf(entries) => entries.iter().all(Option::is_none),
            Children::Inner(children) => children.iter().all(Option::is_none),
        }
    }

    /// Puts an entry in.
    #[inline]
    fn put(node: &mut Rc<Node<T>>, level: u32, key: u32, entry: &T) {
        let Node { summary, children } = Rc::make_mut(node);
        match children {
            Children::Leaf(entries) => {
                let place = &mut entries[index(key, 0)];
                let was_there = place.is_some();
                *place = Some(entry.clone());
                *summary = if was_there { Node::said_of(entries) } else { T::both(*summary, entry.summary()) };
            }
            Children::Inner(children) => {
                let child = &mut children[index(key, level)];
                let below = child.get_or_insert_with(|| Rc::new(Node::empty(level - 1)));
                Node::put(below, level - 1, key, entry);
                *summary = Node::said_of_all(children);
            }
        }
    }

    /// Takes an entry out that is there.
    fn remove(node: &mut Rc<Node<T>>, level: u32, key: u32) {
        let Node { summary, children } = Rc::make_mut(node);
        match children {
            Children::Leaf(entries) => {
                entries[index(key, 0)] = None;
                *summary = Node::said_of(entries);
            }
            Children::Inner(children) => {
                let place = &mut children[index(key, level)];
                if let Some(child) = place {
                    Node::remove(child, level - 1, key);
                    if child.is_empty() {
                        *place = None;
                    }
                }
                *summary = Node::said_of_all(children);
            }
        }
    }

    fn said_of(entries: &[Option<T>; WIDTH]) -> T::Summary {
        entries.iter().flatten().map(T::summary).fold(T::Summary::default(), T::both)
    }

    fn said_of_all(children: &[Option<Rc<Node<T>>>; WIDTH]) -> T::Summary {
        children.iter().flatten().map(|child| child.summary).fold(T::Summary::default(), T::both)
    }

    /// `prefix`: the bits of the keys above this node's.
    fn each_where(&self, prefix: u32, wanted: &impl Fn(T::Summary) -> bool, f: &mut impl FnMut(u32)) {
        if !wanted(self.summary) {
            return;
        }
        match &self.children {
            Children::Leaf(entries) => {
                present(prefix, entries).filter(|(_, e)| wanted(e.summary())).for_each(|(key, _)| f(key));
            }
            Children::Inner(children) => {
                present(prefix, children).for_each(|(prefix, child)| child.each_where(prefix, wanted, f));
            }
        }
    }

    fn each<'a>(&'a self, prefix: u32, f: &mut impl FnMut(u32, &'a T)) {
        match &self.children {
            Children::Leaf(entries) => present(prefix, entries).for_each(|(key, entry)| f(key, entry)),
            Children::Inner(children) => present(prefix, children).for_each(|(prefix, child)| child.each(prefix, f)),
        }
    }
}

/// What is there below a node, each with its bits appended to those of the node.
fn present<T>(prefix: u32, below: &[Option<T>; WIDTH]) -> impl Iterator<Item = (u32, &T)> {
    (prefix << BITS..).zip(below).filter_map(|(key, entry)| Some((key, entry.as_ref()?)))
}

/// The keys under which two trees of the same height may have different entries.
fn differing<T: Entry>(prefix: u32, a: Option<&Rc<Node<T>>>, b: Option<&Rc<Node<T>>>, f: &mut impl FnMut(u32)) {
    let (a, b) = match (a, b) {
        (Some(a), Some(b)) if !Rc::ptr_eq(a, b) => (a, b),
        (Some(one), None) | (None, Some(one)) => return one.each(prefix, &mut |key, _| f(key)),
        _ => return,
    };
    for (i, prefix) in (prefix << BITS..).take(WIDTH).enumerate() {
        match (&a.children, &b.children) {
            (Children::Inner(a), Children::Inner(b)) => differing(prefix, a[i].as_ref(), b[i].as_ref(), f),
            (Children::Leaf(a), Children::Leaf(b)) if a[i].is_none() && b[i].is_none() => {}
            // Of the same height: both are leaves.
            _ => f(prefix),
        }
    }
}

impl<T: Entry> Default for Table<T> {
    fn default() -> Self {
        Table { root: None, height: 0 }
    }
}

impl<T: Entry> Table<T> {
    /// The entry of a key.
    pub fn get(&self, key: u32) -> Option<&T> {
        if u64::from(key) >> (BITS * (self.height + 1)) != 0 {
            return None;
        }
        let mut node = self.root.as_ref()?;
        let mut level = self.height;
        loop {
            match &node.children {
                Children::Leaf(entries) => return entries[index(key, 0)].as_ref(),
                Children::Inner(children) => node = children[index(key, level)].as_ref()?,
            }
            level -= 1;
        }
    }

    /// The entry of a key, to be changed.
    pub fn get_mut(&mut self, key: u32) -> Option<&mut T>
    where
        T: Entry<Summary = ()>,
    {
        self.get(key)?;
        let mut node = self.root.as_mut()?;
        let mut level = self.height;
        loop {
            match &mut Rc::make_mut(node).children {
                Children::Leaf(entries) => return entries[index(key, 0)].as_mut(),
                Children::Inner(children) => node = children[index(key, level)].as_mut()?,
            }
            level -= 1;
        }
    }

    /// Gives a key an entry.
    pub fn put(&mut self, key: u32, entry: &T) {
        while u64::from(key) >> (BITS * (self.height + 1)) != 0 {
            self.grow();
        }
        let root = self.root.get_or_insert_with(|| Rc::new(Node::empty(self.height)));
        Node::put(root, self.height, key, entry);
    }

    /// Takes the entry of a key out.
    pub fn remove(&mut self, key: u32) {
        // A table that does not have it goes on sharing.
        if self.get(key).is_some()
            && let Some(root) = &mut self.root
        {
            Node::remove(root, self.height, key);
        }
    }

    fn grow(&mut self) {
        self.height += 1;
        if let Some(root) = self.root.take() {
            let summary = root.summary;
            let mut children: [Option<Rc<Node<T>>>; WIDTH] = Default::default();
            children[0] = Some(root);
            self.root = Some(Rc::new(Node { summary, children: Children::Inner(children) }));
        }
    }

    /// Does something for the key of every entry of which `wanted` holds, ascending; it holds of a group if it holds of one of it.
    pub fn each_where(&self, wanted: &impl Fn(T::Summary) -> bool, f: &mut impl FnMut(u32)) {
        if let Some(root) = &self.root {
            root.each_where(0, wanted, f);
        }
    }

    /// The keys, ascending, of entries of which `wanted` holds.
    pub fn keys_where(&self, wanted: impl Fn(T::Summary) -> bool) -> Vec<u32> {
        let mut keys = Vec::new();
        self.each_where(&wanted, &mut |key| keys.push(key));
        keys
    }

    /// Does something for every entry, by ascending keys.
    pub fn each<'a>(&'a self, mut f: impl FnMut(u32, &'a T)) {
        if let Some(root) = &self.root {
            root.each(0, &mut f);
        }
    }

    /// Every entry, by ascending keys.
    pub fn entries(&self) -> Vec<(u32, &T)> {
        let mut entries = Vec::new();
        self.each(|key, entry| entries.push((key, entry)));
        entries
    }

    /// Does something for every key, ascending, under which the two may have different entries.
    pub fn differing(&self, other: &Table<T>, f: &mut impl FnMut(u32)) {
        let (mut a, mut b) = (self.clone(), other.clone());
        while a.height < b.height {
            a.grow();
        }
        while b.height < a.height {
            b.grow();
        }
        differing(0, a.root.as_ref(), b.root.as_ref(), f);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Entry for u32 {
        type Summary = u32;
        fn summary(&self) -> u32 {
            *self
        }
        fn both(a: u32, b: u32) -> u32 {
            a | b
        }
    }

    #[test]
    fn a_table_is_like_a_map() {
        let mut table = Table::default();
        let mut model = std::collections::BTreeMap::new();
        let mut seed = 7u32;
        for step in 0..20_000u32 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let key = (seed >> 8) % if step % 3 == 0 { 40 } else { 5000 };
            if seed % 5 < 2 {
                table.remove(key);
                model.remove(&key);
            } else {
                table.put(key, &step);
                model.insert(key, step);
            }
            assert_eq!(table.get(key), model.get(&key));
        }
        assert!(table.entries().into_iter().eq(model.iter().map(|(k, v)| (*k, v))));
        let odd: Vec<u32> = model.iter().filter(|(_, v)| **v % 2 == 1).map(|(k, _)| *k).collect();
        assert_eq!(table.keys_where(|s| s % 2 == 1), odd);
        for key in model.keys() {
            table.remove(*key);
        }
        assert!(table.entries().is_empty());
        assert_eq!(table.get(u32::MAX), None);
    }

    #[test]
    fn copies_differ_in_what_was_changed() {
        let mut a = Table::default();
        for key in 0..10_000 {
            a.put(key, &key);
        }
        let mut b = a.clone();
        b.put(777, &1);
        b.put(70_000, &2);
        let mut keys = Vec::new();
        a.differing(&b, &mut |key| keys.push(key));
        assert!(keys.contains(&777) && keys.contains(&70_000) && keys.len() <= 2 * WIDTH, "{keys:?}");
        assert!(keys.is_sorted());
    }
}
