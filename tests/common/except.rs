//! Which programs are left out of a run.

use std::path::Path;

/// Is a program left out? `HARRIER_EXCEPT` has texts with commas between them, of which its path contains one: who asks what else would
/// have found a fault (`tools/soak/mutations`) leaves out the programs that were written for it.
pub fn is_left_out(path: &Path) -> bool {
    let except = std::env::var("HARRIER_EXCEPT").unwrap_or_default();
    let path = path.to_string_lossy();
    except.split(',').any(|text| !text.is_empty() && path.contains(text))
}
