//! Links the programs with `link.ld`.

use std::env::var;

fn main() {
    let directory = var("CARGO_MANIFEST_DIR").expect("cargo sets the manifest directory");
    println!("cargo::rerun-if-changed=link.ld");
    if var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none") {
        println!("cargo::rustc-link-arg-bins=-T{directory}/link.ld");
    }
}
