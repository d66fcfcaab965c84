//! Prints a file of the ramdisk.
#![no_std]
#![no_main]

use xenolith_programs::{
    calls::{open, read, write},
    numbers::OUTPUT,
    println, program,
};

program!(main);

fn main(name: &'static [u8]) -> u8 {
    let Ok(file) = open(name) else {
        println!("cat: {}: no such file", name.escape_ascii());
        return 1;
    };
    let mut buffer = [0; 256];
    while let Ok(bytes @ 1..) = read(file, &mut buffer) {
        let bytes = usize::try_from(bytes).unwrap_or(0);
        if write(OUTPUT, &buffer[..bytes]).is_err() {
            return 1;
        }
    }
    0
}
