//! Greets, and tells its process number and arguments.
#![no_std]
#![no_main]

use xenolith_programs::{calls, println, program};

program!(main);

fn main(arguments: &'static [u8]) -> u8 {
    println!("hello from process {}, with \"{}\"", calls::getpid(), arguments.escape_ascii());
    0
}
