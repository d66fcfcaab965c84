//! The guest library's heap: allocation, growth, reuse, alignment.
//!
//! Everything a kernel keeps in collections stands on it.
//! Expected: contents stay, memory that was freed is found again, alignment is kept.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::{boxed::Box, collections::BTreeMap, string::String, vec::Vec};

use xenolith_guest::{StartInfo, check, check_eq, scenario::Checks};

xenolith_guest::scenario!(run);

/// A value that wants a page of its own.
#[repr(align(4096))]
struct Page([u8; 4096]);

fn run(checks: &mut Checks, _: &'static StartInfo) {
    let mut numbers = Vec::new();
    (0..10_000_u64).for_each(|number| numbers.push(number * number));
    check!(checks, numbers.iter().zip(0..).all(|(&square, number)| square == number * number));

    let map: BTreeMap<_, _> =
        (0..500_u32).map(|key| (key, alloc::format!("value {key}"))).collect();
    check_eq!(checks, map.get(&499).map(String::as_str), Some("value 499"));
    drop((numbers, map));

    // Ten times what there is, if nothing that was freed came back.
    for round in 0..1000_usize {
        let page = Box::new(Page([round.to_le_bytes()[0]; 4096]));
        let address = core::ptr::from_ref(&*page).addr();
        check!(checks, address.is_multiple_of(4096), "a page at {address:#x}");
        check!(checks, page.0.iter().all(|&byte| byte == round.to_le_bytes()[0]));
        let ballast = alloc::vec![round; 1000 + round];
        check_eq!(checks, ballast.iter().sum::<usize>(), round * (1000 + round));
    }
}
