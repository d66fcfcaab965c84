//! Links the kernel with the linker script of the guest library.

use std::env::var;

fn main() {
    let script = var("DEP_XENOLITH_GUEST_LINKER_SCRIPT").expect("the guest library exports it");
    println!("cargo::rerun-if-changed={script}");
    println!("cargo::rustc-link-arg-bins=-T{script}");
}
