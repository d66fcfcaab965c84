//! Keeps the processor busy for so many million rounds, or for ever, and makes no system call
//! meanwhile.
#![no_std]
#![no_main]

use xenolith_programs::{println, program};

program!(main);

fn main(millions: &'static [u8]) -> u8 {
    let rounds = millions.iter().fold(0, |all, digit| all * 10 + u64::from(digit - b'0'));
    let mut left = rounds * 1_000_000;
    if rounds == 0 {
        println!("spin: for ever");
    }
    loop {
        core::hint::spin_loop();
        if rounds != 0 {
            left -= 1;
            if left == 0 {
                println!("spin: done");
                return 0;
            }
        }
    }
}
