//! Control registers and selectors.

use core::arch::asm;

use x86_64::registers::{
    control::{Cr0, Cr2, Cr3, Cr4},
    segmentation::{CS, DS, ES, FS, GS, SS, Segment},
    xcontrol::XCr0,
};

/// Returns CR0.
pub fn cr0() -> u64 {
    Cr0::read_raw()
}

/// Returns CR2.
pub fn cr2() -> u64 {
    Cr2::read_raw()
}

/// Returns CR3.
pub fn cr3() -> u64 {
    Cr3::read().0.start_address().as_u64()
}

/// Returns CR4.
pub fn cr4() -> u64 {
    Cr4::read_raw()
}

/// Returns LDTR.
pub fn ldtr() -> u16 {
    let selector;
    // SAFETY: see the module `probe`; the instruction reads a selector.
    unsafe {
        asm!("sldt {:x}", out(reg) selector, options(nomem, nostack, preserves_flags));
    }
    selector
}

/// Returns the task register.
pub fn task_register() -> u16 {
    let selector;
    // SAFETY: see the module `probe`; the instruction reads a selector.
    unsafe {
        asm!("str {:x}", out(reg) selector, options(nomem, nostack, preserves_flags));
    }
    selector
}

/// Returns XCR0.
pub fn xcr0() -> u64 {
    XCr0::read_raw()
}

/// Writes CR0.
pub fn write_cr0(value: u64) {
    // SAFETY: see the module `probe`; scenarios keep paging and protection on, or want the end.
    unsafe { Cr0::write_raw(value) }
}

/// Writes CR3.
pub fn write_cr3(value: u64) {
    // SAFETY: see the module `probe`; scenarios give tables that map the kernel, or want the end.
    unsafe {
        asm!("mov cr3, {}", in(reg) value, options(nostack, preserves_flags));
    }
}

/// Writes CR4.
pub fn write_cr4(value: u64) {
    // SAFETY: see the module `probe`; scenarios keep PAE on, or want the end.
    unsafe { Cr4::write_raw(value) }
}

/// Writes XCR0.
pub fn write_xcr0(value: u64) {
    // SAFETY: see the module `probe`; compiled code uses no extended state.
    unsafe { XCr0::write_raw(value) }
}

/// Returns the selectors of CS, SS, DS, ES, FS and GS.
pub fn selectors() -> [u16; 6] {
    [
        CS::get_reg().0,
        SS::get_reg().0,
        DS::get_reg().0,
        ES::get_reg().0,
        FS::get_reg().0,
        GS::get_reg().0,
    ]
}
