//! What was sampled: a tree of calls with weights, and for each thread the order of events.
//!
//! Owns the tables of functions and frames, and the sums that reports are made of. It knows nothing of addresses or signals.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::reader::tree::Source;

/// A function, or what stands for one (`(collecting)`).
#[derive(Clone, Debug)]
pub struct FunctionInfo {
    /// Its name.
    pub name: String,
    /// The text that it stands in; none for code of the runtime.
    pub source: Option<Arc<Source>>,
    /// Which of the texts of that name it is, from 1.
    text: u32,
}

/// A text as reports tell it from others: a file by its name, however often it was read; what was typed or evaluated by what it
/// says as well, for the names of all those are the same.
struct Text(Arc<Source>);

impl Text {
    fn parts(&self) -> (&str, Option<&str>) {
        (&self.0.name, (!self.0.has_file()).then_some(&self.0.text))
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.parts() == other.parts()
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// A place in a function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Frame {
    /// The number of its function.
    pub function: u32,
    /// Its line; 0 when it has none.
    pub line: u32,
}

/// Functions and frames by number.
#[derive(Default)]
pub struct Tables {
    /// The functions.
    pub functions: Vec<FunctionInfo>,
    /// The frames.
    pub frames: Vec<Frame>,
    known_functions: FxHashMap<(String, Option<(String, u32)>), u32>,
    /// The texts, with their numbers.
    known_texts: FxHashMap<Text, u32>,
    /// How many texts of a name there are.
    texts: FxHashMap<String, u32>,
    known_frames: FxHashMap<Frame, u32>,
}

impl Tables {
    /// The number of a function: one of the same name in a file of the same name is the same, also when it was redefined.
    pub fn function(&mut self, name: &str, source: Option<&Arc<Source>>) -> u32 {
        let text = source.map_or(0, |source| self.text(source));
        let key = (name.to_string(), source.map(|s| (s.name.clone(), text)));
        let functions = &mut self.functions;
        let number = *self.known_functions.entry(key).or_insert_with(|| {
            functions.push(FunctionInfo { name: name.to_string(), source: source.cloned(), text });
            functions.len() as u32 - 1
        });
        // A file that was read again has another text: the lines of the newest are shown.
        if let Some(source) = source {
            self.functions[number as usize].source = Some(source.clone());
        }
        number
    }

    /// Which of the texts of its name it is.
    fn text(&mut self, source: &Arc<Source>) -> u32 {
        let texts = &mut self.texts;
        *self.known_texts.entry(Text(source.clone())).or_insert_with(|| {
            let count = texts.entry(source.name.clone()).or_default();
            *count += 1;
            *count
        })
    }

    /// The name of a function's text: `file.hr`, or `<eval 2>` where there are several of them.
    pub fn source_name(&self, function: &FunctionInfo) -> Option<String> {
        let name = &function.source.as_ref()?.name;
        let several = self.texts.get(name).is_some_and(|count| *count > 1);
        let inner = name.strip_suffix('>').filter(|_| several);
        Some(inner.map_or_else(|| name.clone(), |inner| format!("{inner} {}>", function.text)))
    }

    /// The number of a frame.
    pub fn frame(&mut self, frame: Frame) -> u32 {
        let frames = &mut self.frames;
        *self.known_frames.entry(frame).or_insert_with(|| {
            frames.push(frame);
            frames.len() as u32 - 1
        })
    }

    /// The function of a frame.
    pub fn function_of(&self, frame: u32) -> &FunctionInfo {
        &self.functions[self.frames[frame as usize].function as usize]
    }

    /// `file.hr:12`, when the frame has a line.
    pub fn place(&self, frame: u32) -> Option<String> {
        let line = self.frames[frame as usize].line;
        let name = self.source_name(self.function_of(frame))?;
        (line > 0).then(|| format!("{name}:{line}"))
    }
}

/// A node of the tree: a frame called from another. Node 0 is the root, and no frame.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// Who called it; the root calls itself.
    pub parent: u32,
    /// Its frame.
    pub frame: u32,
    /// The weight of the samples in which it was innermost.
    pub weight: u64,
}

/// Self and total weight.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Sum {
    /// Where it was innermost.
    pub own: u64,
    /// Where it was anywhere.
    pub total: u64,
}

/// What was sampled.
pub struct Tree {
    /// The numbers.
    pub tables: Tables,
    /// Parents stand before their children.
    pub nodes: Vec<Node>,
    children: FxHashMap<(u32, u32), u32>,
    /// By thread: nodes and weights in the order of time, equal neighbours in one.
    pub threads: std::collections::BTreeMap<u64, Vec<(u32, u64)>>,
    /// How many samples.
    pub samples: u64,
}

impl Default for Tree {
    fn default() -> Tree {
        let root = Node { parent: 0, frame: u32::MAX, weight: 0 };
        Tree {
            tables: Tables::default(),
            nodes: vec![root],
            children: FxHashMap::default(),
            threads: Default::default(),
            samples: 0,
        }
    }
}

impl Tree {
    /// Adds a sample: its frames, outermost first.
    pub fn add(&mut self, thread: u64, frames: &[u32], weight: u64) {
        self.samples += 1;
        let node = self.node(frames);
        self.note(thread, node, weight);
    }

    /// Adds what came after the last sample of a thread to that one; if there was none, to the frame that `otherwise` gives.
    pub fn add_rest(&mut self, thread: u64, weight: u64, otherwise: impl FnOnce(&mut Tables) -> u32) {
        if weight == 0 {
            return;
        }
        let node = match self.threads.get(&thread).and_then(|events| events.last()) {
            Some((node, _)) => *node,
            None => {
                let frame = otherwise(&mut self.tables);
                self.node(&[frame])
            }
        };
        self.note(thread, node, weight);
    }

    /// The node of a stack.
    fn node(&mut self, frames: &[u32]) -> u32 {
        let mut at = 0;
        for &frame in frames {
            let nodes = &mut self.nodes;
            at = *self.children.entry((at, frame)).or_insert_with(|| {
                nodes.push(Node { parent: at, frame, weight: 0 });
                nodes.len() as u32 - 1
            });
        }
        at
    }

    fn note(&mut self, thread: u64, node: u32, weight: u64) {
        self.nodes[node as usize].weight += weight;
        let events = self.threads.entry(thread).or_default();
        match events.last_mut() {
            Some(last) if last.0 == node => last.1 += weight,
            _ => events.push((node, weight)),
        }
    }

    /// The weight of all.
    pub fn weight(&self) -> u64 {
        self.nodes.iter().map(|n| n.weight).sum()
    }

    /// The frames of a node, outermost first.
    pub fn path(&self, mut node: u32) -> Vec<u32> {
        let mut frames = Vec::new();
        while node != 0 {
            frames.push(self.nodes[node as usize].frame);
            node = self.nodes[node as usize].parent;
        }
        frames.reverse();
        frames
    }

    /// By function, heaviest first.
    pub fn by_function(&self) -> Vec<(u32, Sum)> {
        self.sums(|path, _| path.last().copied(), |frame| Some(self.tables.frames[frame as usize].function))
    }

    /// By line, as one of its frames: what a line calls in the runtime counts as its own. The name of a function that spans
    /// several texts of one name is not looked at.
    pub fn by_line(&self) -> Vec<(u32, Sum)> {
        let mut first: FxHashMap<String, u32> = FxHashMap::default();
        let mut key = |frame: u32| self.tables.place(frame).map(|place| *first.entry(place).or_insert(frame));
        let keys: Vec<Option<u32>> = (0..self.tables.frames.len() as u32).map(&mut key).collect();
        let innermost =
            |path: &[u32], keyed: &dyn Fn(u32) -> Option<u32>| path.iter().rev().copied().find(|f| keyed(*f).is_some());
        self.sums(innermost, |frame| keys[frame as usize])
    }

    /// Sums by key: the own weight goes to the key of the frame that `own` chooses, the total to each key on the path once.
    fn sums(
        &self,
        own: impl Fn(&[u32], &dyn Fn(u32) -> Option<u32>) -> Option<u32>,
        key: impl Fn(u32) -> Option<u32>,
    ) -> Vec<(u32, Sum)> {
        let mut sums: FxHashMap<u32, Sum> = FxHashMap::default();
        let mut met = FxHashSet::default();
        for (node, Node { weight, .. }) in self.nodes.iter().enumerate().filter(|(_, node)| node.weight > 0) {
            let path = self.path(node as u32);
            if let Some(key) = own(&path, &key).and_then(&key) {
                sums.entry(key).or_default().own += weight;
            }
            met.clear();
            for key in path.iter().filter_map(|frame| key(*frame)) {
                if met.insert(key) {
                    sums.entry(key).or_default().total += weight;
                }
            }
        }
        let mut sums: Vec<(u32, Sum)> = sums.into_iter().collect();
        sums.sort_by_key(|(key, sum)| (std::cmp::Reverse((sum.own, sum.total)), *key));
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recursion_counts_once_and_lines_own_what_they_call() {
        let mut tree = Tree::default();
        let source = Arc::new(Source::new("a.hr", "one\ntwo\n"));
        let f = tree.tables.function("a/f", Some(&source));
        let stub = tree.tables.function("core/sort", None);
        let one = tree.tables.frame(Frame { function: f, line: 1 });
        let two = tree.tables.frame(Frame { function: f, line: 2 });
        let sort = tree.tables.frame(Frame { function: stub, line: 0 });
        tree.add(1, &[one, two, two, sort], 3);
        tree.add(1, &[one, two, two, sort], 1);
        tree.add(2, &[one], 2);
        assert_eq!(tree.weight(), 6);
        assert_eq!(tree.by_function(), [(stub, Sum { own: 4, total: 4 }), (f, Sum { own: 2, total: 6 })]);
        assert_eq!(tree.by_line(), [(two, Sum { own: 4, total: 4 }), (one, Sum { own: 2, total: 6 })]);
        assert_eq!(tree.threads[&1].len(), 1);
    }

    #[test]
    fn the_rest_of_a_thread_belongs_to_its_last_sample() {
        let mut tree = Tree::default();
        let [f, g] = ["f", "g"].map(|name| {
            let function = tree.tables.function(name, None);
            tree.tables.frame(Frame { function, line: 0 })
        });
        let nobody = |_: &mut Tables| unreachable!("there is a sample, or nothing to add");
        tree.add(1, &[f, g], 3);
        tree.add_rest(1, 2, nobody);
        tree.add_rest(2, 0, nobody);
        tree.add_rest(3, 4, |_| f);
        assert_eq!((tree.weight(), tree.samples, tree.threads.len()), (9, 1, 2));
        assert_eq!(tree.by_function()[0].1, Sum { own: 5, total: 5 });
        assert_eq!(tree.by_function()[1].1, Sum { own: 4, total: 9 });
    }

    #[test]
    fn texts_without_a_file_are_told_apart_by_what_they_say() {
        let mut tables = Tables::default();
        let mut function = |name: &str, text: &str| tables.function("user/f", Some(&Arc::new(Source::new(name, text))));
        let file = function("a.hr", "old");
        assert_eq!(function("a.hr", "new"), file);
        let alone = function("<stdin>", "a");
        let [one, again, two] = ["a", "a", "b"].map(|text| function("<eval>", text));
        assert_eq!(one, again);
        let name = |function: u32| tables.source_name(&tables.functions[function as usize]).expect("a name");
        assert_eq!([file, alone, one, two].map(name), ["a.hr", "<stdin>", "<eval 1>", "<eval 2>"]);
    }
}
