//! Looks whether the Rust side is built with frame pointers, by which profilers walk through it: flags in the environment replace
//! those of `.cargo/config.toml`, and nobody would notice before a profile has no stacks.

fn main() {
    println!("cargo::rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(frame_pointers)");
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let kept = flags.split('\u{1f}').any(|flag| {
        let flag = flag.strip_prefix("-C").unwrap_or(flag);
        matches!(flag, "force-frame-pointers" | "force-frame-pointers=yes" | "force-frame-pointers=always")
    });
    if kept {
        println!("cargo::rustc-cfg=frame_pointers");
    } else {
        println!(
            "cargo::warning=without frame pointers stacks of profiles end in Rust: RUSTFLAGS replaces the flags of \
             .cargo/config.toml, add `-C force-frame-pointers=yes` to it"
        );
    }
}
