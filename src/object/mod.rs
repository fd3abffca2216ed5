//! What a word says, and how objects lie.
//!
//! Owns the tags, the layouts with the names of their slots, the table of shapes, and the hash that texts keep. Knows neither
//! threads nor where in memory objects are, so that whoever writes or reads machine code may use it as the collector does.
//!
//! | file | its idea |
//! | --- | --- |
//! | [`word`] | one value as one word |
//! | [`layout`] | how objects of each kind lie: the only place that says so |
//! | [`shapes`] | the table of all layouts, those of programs among them: which words are tagged, and how many there are |
//! | [`collections`] | how large collections are made of nodes |
//! | [`hash`] | the hash of words and bytes |

pub mod collections;
pub mod hash;
pub mod layout;
pub mod shapes;
pub mod word;

pub use layout::LayoutId;
pub use word::Word;
