//! Links bare-metal binaries of this package with `link.ld`, and tells dependents where it is.
//!
//! A dependent's build script reads `DEP_XENOLITH_GUEST_LINKER_SCRIPT` and passes it on as
//! `-T` for its own binaries.

use std::env::var;

fn main() {
    let directory = var("CARGO_MANIFEST_DIR").expect("cargo sets the manifest directory");
    println!("cargo::rerun-if-changed=link.ld");
    println!("cargo::metadata=linker-script={directory}/link.ld");
    if var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none") {
        println!("cargo::rustc-link-arg-bins=-T{directory}/link.ld");
    }
}
