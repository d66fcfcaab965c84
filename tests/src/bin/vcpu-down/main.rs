//! `VCPUOP_down` of the only vCPU.
//!
//! Expected: the domain ends, as after `shutdown` with reason poweroff; the call does not return.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use scenarios::calls::call;
use xenolith_guest::{
    StartInfo,
    abi::{hypercall::VCPU_OP, vcpu},
    println,
};

xenolith_guest::entry!(main);

fn main(_: &'static StartInfo) -> ! {
    println!("going down");
    let answer = call(VCPU_OP, [vcpu::DOWN.into(), 0, 0]);
    panic!("still up: {answer}")
}
