//! Uses so many kilobytes of stack as the argument says: it grows as far as its limit.
#![no_std]
#![no_main]

use core::hint::black_box;

use xenolith_programs::{println, program};

program!(main);

fn main(kilobytes: &'static [u8]) -> u8 {
    let kilobytes = kilobytes.iter().fold(0, |all, digit| all * 10 + u64::from(digit - b'0'));
    println!("deep: {}", descend(kilobytes));
    0
}

#[inline(never)]
fn descend(kilobytes: u64) -> u64 {
    if kilobytes == 0 {
        return 0;
    }
    let mut frame = [kilobytes; 128];
    black_box(&mut frame);
    descend(kilobytes - 1) + frame[127] - kilobytes + 1
}
