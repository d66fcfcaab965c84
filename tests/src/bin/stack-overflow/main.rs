//! A kernel that recurses without end: the guard page ends it before it writes over its data.
//!
//! Without the guard page the stack would grow into whatever lies below.
//! Expected: a page fault, which is the domain's crash; no verdict.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{StartInfo, println};

xenolith_guest::entry!(main);

#[expect(unconditional_recursion, reason = "what is tested")]
fn fall(depth: u64) -> u64 {
    let ballast = core::hint::black_box([depth; 32]);
    fall(depth + 1) + ballast[7]
}

fn main(_: &'static StartInfo) -> ! {
    println!("falling");
    panic!("landed at {}", fall(0))
}
