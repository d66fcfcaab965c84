//! Builds the resident as a flat binary to be embedded, and links the hypervisor by its own script.

use std::path::PathBuf;
use std::process::Command;

fn main() {
    let directory = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    println!("cargo:rerun-if-changed=link.ld");
    println!("cargo:rerun-if-changed=src/boot/entry.S");
    println!("cargo:rerun-if-changed=resident");
    println!("cargo:rerun-if-changed=core/src/resident");
    println!("cargo:rerun-if-changed=core/src/emulate/forced.rs");
    println!("cargo:rerun-if-changed=core/src/event_channel/table.rs");
    println!("cargo:rerun-if-changed=../abi/src");
    println!("cargo:rustc-link-arg-bins=-T{}/link.ld", directory.display());
    println!("cargo:rustc-link-arg-bins=--no-dynamic-linker");
    println!("cargo:rustc-link-arg-bins=-zmax-page-size=4096");
    let resident = build_resident(&directory);
    println!("cargo:rustc-env=XENOLITH_RESIDENT={}", resident.display());
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("cargo sets {name} for build scripts"))
}

/// Builds package `xenolith-resident` in a target directory of its own, because cargo holds the
/// lock of the usual one, and returns the path of the binary.
fn build_resident(directory: &PathBuf) -> PathBuf {
    let target = PathBuf::from(variable("OUT_DIR")).join("resident");
    let status = Command::new(variable("CARGO"))
        .args(["rustc", "--release", "--package", "xenolith-resident"])
        .args(["--target", "x86_64-unknown-none", "--target-dir"])
        .arg(&target)
        .args(["--", "-Clink-arg=--oformat=binary"])
        .current_dir(directory)
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .expect("cargo runs, since it runs this");
    assert!(status.success(), "the resident does not build; see above");
    target.join("x86_64-unknown-none/release/xenolith-resident")
}
