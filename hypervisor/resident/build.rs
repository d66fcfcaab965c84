//! Links the resident as a flat binary by its own script.

fn main() {
    let directory = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it for build scripts");
    println!("cargo:rerun-if-changed=link.ld");
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rustc-link-arg-bins=-T{directory}/link.ld");
    println!("cargo:rustc-link-arg-bins=--no-dynamic-linker");
}
