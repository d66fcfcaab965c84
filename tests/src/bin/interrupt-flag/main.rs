//! The flag that is not a flag: `docs/interrupt-flag.md`, statement by statement.
//!
//! Code that asks `save_fl` for AC got an answer once, before a mask stood in for IF, and no longer
//! does: a check for SMAP must read the processor's flags. And a `restore_fl` that looked at more
//! than IF would act on what other flags happen to be.
//! Expected: IF or 0 whatever the mask byte and the processor's flags are; AC and the processor's
//! IF only in the native flags.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::Relaxed;

use xenolith_guest::{
    StartInfo, check, check_eq,
    irq::{self, Flags},
    probe::{flags, instruction},
    scenario::Checks,
    shared_info::{VcpuWords, shared_info},
};

xenolith_guest::scenario!(run);

/// `X86_EFLAGS_IF`, spelt out.
const IF: u64 = 0x200;

fn run(checks: &mut Checks, _: &'static StartInfo) {
    let words = shared_info().vcpu(0);
    check_eq!(checks, words.upcall_mask().load(Relaxed), 1, "events are disabled at the start");
    check_save(checks, words);
    check_restore(checks, words);
    check_pairs(checks, words);
    check_native_flags(checks);
}

fn check_save(checks: &mut Checks, words: VcpuWords) {
    for mask in 0..=u8::MAX {
        words.upcall_mask().store(mask, Relaxed);
        let expected = if mask == 0 { IF } else { 0 };
        check_eq!(checks, irq::save_fl().bits(), expected, "mask {mask:#x}");
    }
}

fn check_restore(checks: &mut Checks, words: VcpuWords) {
    for bit in 0..64 {
        irq::irq_disable();
        irq::restore_fl(Flags::from_bits(1 << bit));
        let mask = words.upcall_mask().load(Relaxed);
        check_eq!(checks, mask == 0, 1 << bit == IF, "bit {bit} alone");
        irq::irq_disable();
        irq::restore_fl(Flags::from_bits(!(1 << bit)));
        let mask = words.upcall_mask().load(Relaxed);
        check_eq!(checks, mask == 0, 1 << bit != IF, "all but bit {bit}");
    }
    // To restore "disabled" is to do nothing: not even to the value of the mask.
    words.upcall_mask().store(0xa5, Relaxed);
    irq::restore_fl(Flags::DISABLED);
    check_eq!(checks, words.upcall_mask().load(Relaxed), 0xa5);
}

fn check_pairs(checks: &mut Checks, words: VcpuWords) {
    for before in [Flags::IF, Flags::DISABLED] {
        irq::irq_disable();
        irq::restore_fl(before);
        let (outer, inner) = (irq::disable_for_now(), irq::disable_for_now());
        check!(checks, !irq::save_fl().is_enabled());
        drop(inner);
        check!(checks, !irq::save_fl().is_enabled(), "the inner guard does not enable");
        drop(outer);
        check_eq!(checks, irq::save_fl(), before);
    }
    irq::irq_enable();
    check_eq!(checks, words.upcall_mask().load(Relaxed), 0);
}

/// Neither world shows in the other.
fn check_native_flags(checks: &mut Checks) {
    for events in [Flags::IF, Flags::DISABLED] {
        irq::irq_disable();
        irq::restore_fl(events);
        flags::set(flags::AC);
        check!(checks, irq::native_save_flags() & flags::AC != 0, "AC shows in the native flags");
        check_eq!(checks, irq::save_fl(), events, "AC does not show in save_fl");
        let guard = irq::disable_for_now();
        check!(checks, irq::native_save_flags() & flags::AC != 0, "disabling leaves AC");
        drop(guard);
        check!(checks, irq::native_save_flags() & flags::AC != 0, "restoring leaves AC");
        flags::clear(flags::AC);
        check_eq!(checks, irq::native_save_flags() & flags::AC, 0);
        flags::clear(IF);
        check_eq!(checks, irq::native_save_flags() & IF, 0, "the processor's IF can be cleared");
        check_eq!(checks, irq::save_fl(), events, "the processor's IF does not show in save_fl");
        instruction::cli_sti();
        check_eq!(checks, irq::save_fl(), events, "CLI and STI change nothing");
    }
}
