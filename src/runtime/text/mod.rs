//! Text: strings, string builders, printing, output, JSON.

pub mod builder;
pub mod format;
pub mod json;
pub mod output;
pub mod strings;

use std::sync::OnceLock;

use super::roots::RootCell;

/// Values that all threads of a machine share.
#[derive(Default, Debug)]
pub struct Shared {
    /// The array of the 128 one-character ASCII strings.
    pub(super) ascii: OnceLock<&'static RootCell>,
}
