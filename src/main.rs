//! The `harrier` program: a thin shell around the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    harrier::cli::main(harrier::runtime::compile::compile)
}
