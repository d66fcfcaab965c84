//! Vector registers up to 512 bits, and masks: kept while other processes run, and over signals whose
//! handlers use them too.

use std::arch::{asm, is_x86_feature_detected};

use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use crate::checks::Checks;
use crate::processes::end_of_child;

/// Runs all. A processor without AVX-512 has nothing to keep.
pub(crate) fn run(checks: &mut Checks) {
    if !is_x86_feature_detected!("avx512f") {
        println!("there is no AVX-512");
        return;
    }
    let end = end_of_child(|| {
        let action = SigAction::new(SigHandler::Handler(spoil), SaFlags::empty(), SigSet::empty());
        // SAFETY: the handler calls nothing.
        unsafe { sigaction(Signal::SIGUSR1, &action) }.expect("the signal can be handled");
        // SAFETY: the processor has what it takes.
        let own = || (1..=100).all(|round| unsafe { is_kept(round) });
        let others = end_of_child(|| u8::from(own()));
        u8::from(own() && others == 1)
    });
    checks.check(end == 1, &format!("512-bit registers and masks are kept: {end}"));
}

extern "C" fn spoil(_: libc::c_int) {
    // SAFETY: the processor has what it takes.
    unsafe { spoil_registers() };
}

#[target_feature(enable = "avx512f")]
unsafe fn spoil_registers() {
    // SAFETY: the registers are declared.
    unsafe {
        asm!("vpternlogd zmm7, zmm7, zmm7, 0xff", "vpternlogd zmm31, zmm31, zmm31, 0xff",
            "kxnorw k3, k3, k3", out("zmm7") _, out("zmm31") _, out("k3") _,
            options(nomem, nostack));
    }
}

/// Whether a value stays in registers while the process waits, and is sent a signal.
#[target_feature(enable = "avx512f")]
unsafe fn is_kept(value: u64) -> bool {
    let mut found = [0_u64; 16];
    let mask: u32;
    let process = u64::from(std::process::id());
    // SAFETY: the calls change rax, rcx and r11; all registers are declared, and what is written is
    // as long as two of them.
    unsafe {
        asm!("vpbroadcastq zmm7, {value}", "vpbroadcastq zmm31, {value}", "kmovw k3, {value:e}",
            "mov eax, 24", "syscall",
            "mov eax, 62", "syscall",
            "vmovdqu64 [{to}], zmm7", "vmovdqu64 [{to} + 64], zmm31", "kmovw {mask:e}, k3",
            value = in(reg) value, to = in(reg) found.as_mut_ptr(), mask = out(reg) mask,
            in("rdi") process, in("rsi") libc::SIGUSR1, out("rax") _, out("rcx") _, out("r11") _,
            out("zmm7") _, out("zmm31") _, out("k3") _);
    }
    found == [value; 16] && u64::from(mask) == value
}
