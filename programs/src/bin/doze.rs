//! Sleeps for an hour, in one system call.
#![no_std]
#![no_main]

use xenolith_programs::{calls::sleep, println, program};

program!(main);

const HOUR_NS: u64 = 3600 * 1_000_000_000;

fn main(_: &'static [u8]) -> u8 {
    println!("doze: for an hour");
    u8::from(sleep(HOUR_NS).is_err())
}
