//! The hypervisor's image: mechanism only; what to do is decided in `xenolith-core`.
#![no_std]
#![no_main]

mod acpi;
mod backtrace;
mod block;
mod boot;
mod console;
mod cpu;
mod debug_console;
mod disk;
mod domain_memory;
mod logger;
mod memory;
mod panic;
mod power;
mod run;
mod store;
mod vmx;
