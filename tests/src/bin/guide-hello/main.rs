//! A kernel that says hello and powers off.
#![no_std]
#![no_main]

use xenolith_guest::{StartInfo, hypercall::sched::ShutdownReason, platform, println};

xenolith_guest::entry!(main);

fn main(start: &'static StartInfo) -> ! {
    println!("hello from {} pages of memory", start.pages());
    platform::shutdown(ShutdownReason::POWEROFF)
}
