//! Exceptions and NMIs in root mode.
//!
//! Interrupts are off in root mode but for the moment in which an idle CPU waits for one. An
//! exception is a fault of the hypervisor: it panics with the registers. An NMI is counted for the
//! run loop.

use super::interrupts;
use super::segments::{DOUBLE_FAULT_STACK, MACHINE_CHECK_STACK, NMI_STACK};
use core::arch::{asm, naked_asm};
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use spin::Once;
use x86_64::VirtAddr;
use x86_64::registers::control::Cr2;
use x86_64::structures::idt::InterruptDescriptorTable;

/// What lies on the stack when [`trap`] runs, lowest address first.
#[repr(C)]
#[derive(Debug)]
struct TrapFrame {
    /// r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax.
    registers: [u64; 15],
    vector: u64,
    error_code: u64,
    rip: u64,
    cs: u64,
    rflags: u64,
    rsp: u64,
    ss: u64,
}

const _: () = assert!(size_of::<TrapFrame>() == 22 * 8);

const NAMES: [&str; 15] = [
    "r15", "r14", "r13", "r12", "r11", "r10", "r9", "r8", "rdi", "rsi", "rbp", "rbx", "rdx", "rcx",
    "rax",
];
const NMI: u64 = 2;

static IDT: Once<InterruptDescriptorTable> = Once::new();
static NMIS: AtomicU64 = AtomicU64::new(0);

/// Takes the number of NMIs since the last call.
pub(crate) fn take_nmis() -> u64 {
    NMIS.swap(0, Ordering::Relaxed)
}

/// Handles an NMI that ended a guest's run, and lets further ones in.
pub(crate) fn deliver_nmi() {
    // SAFETY: the gate of vector 2 leads to the stub for NMIs, which returns by IRET.
    unsafe { asm!("int 2") };
}

/// Loads the IDT, which all CPUs share, into this one.
pub(crate) fn load() {
    IDT.call_once(build).load();
}

fn build() -> InterruptDescriptorTable {
    let mut idt = InterruptDescriptorTable::new();
    macro_rules! gates {
        ($($gate:ident),*) => {$(
            // SAFETY: the stub saves everything and knows whether the vector has an error code.
            unsafe { idt.$gate.set_handler_addr(stub_address(stubs::$gate)) };
        )*};
    }
    gates!(divide_error, debug, breakpoint, overflow, bound_range_exceeded, invalid_opcode);
    gates!(device_not_available, invalid_tss, segment_not_present, stack_segment_fault);
    gates!(general_protection_fault, page_fault, x87_floating_point, alignment_check);
    gates!(simd_floating_point, virtualization, cp_protection_exception);
    macro_rules! gates_with_stack {
        ($($gate:ident: $stack:expr),*) => {$({
            let address = stub_address(stubs::$gate);
            // SAFETY: as above.
            let options = unsafe { idt.$gate.set_handler_addr(address) };
            // SAFETY: every CPU's TSS has this stack.
            unsafe { options.set_stack_index($stack) };
        })*};
    }
    for (vector, stub) in interrupts::STUBS {
        // SAFETY: as above.
        unsafe { idt[vector].set_handler_addr(stub_address(stub)) };
    }
    gates_with_stack!(double_fault: DOUBLE_FAULT_STACK, non_maskable_interrupt: NMI_STACK,
        machine_check: MACHINE_CHECK_STACK);
    idt
}

#[expect(clippy::fn_to_numeric_cast_any, reason = "the CPU wants a linear address")]
fn stub_address(stub: unsafe extern "C" fn()) -> VirtAddr {
    VirtAddr::from_ptr(stub as *const ())
}

/// One entry point per vector: makes every frame alike, then joins the others.
pub(super) mod stubs {
    use super::{common, naked_asm};

    macro_rules! stub {
        ($($name:ident = $vector:literal $(, $code:ident)?;)*) => {$(
            #[unsafe(naked)]
            pub(in crate::cpu) unsafe extern "C" fn $name() {
                naked_asm!(stub!(@push $($code)?), "push {vector}", "jmp {common}",
                    vector = const $vector, common = sym common)
            }
        )*};
        (@push code) => { "" };
        (@push) => { "push 0" };
    }
    stub! {
        divide_error = 0;
        debug = 1;
        non_maskable_interrupt = 2;
        breakpoint = 3;
        overflow = 4;
        bound_range_exceeded = 5;
        invalid_opcode = 6;
        device_not_available = 7;
        double_fault = 8, code;
        invalid_tss = 10, code;
        segment_not_present = 11, code;
        stack_segment_fault = 12, code;
        general_protection_fault = 13, code;
        page_fault = 14, code;
        x87_floating_point = 16;
        alignment_check = 17, code;
        machine_check = 18;
        simd_floating_point = 19;
        virtualization = 20;
        cp_protection_exception = 21, code;
        timer = 0x40;
        serial = 0x41;
        spurious = 0xff;
    }
}

/// Saves the registers, calls [`trap`], restores them. What was interrupted looks like the caller.
#[unsafe(naked)]
unsafe extern "C" fn common() {
    naked_asm!(
        "push rax",
        "push rcx",
        "push rdx",
        "push rbx",
        "push rbp",
        "push rsi",
        "push rdi",
        "push r8",
        "push r9",
        "push r10",
        "push r11",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "cld",
        "mov rdi, rsp",
        "push [rsp + {rip}]",
        "push rbp",
        "mov rbp, rsp",
        "and rsp, -16",
        "call {trap}",
        "lea rsp, [rbp + 16]",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop r11",
        "pop r10",
        "pop r9",
        "pop r8",
        "pop rdi",
        "pop rsi",
        "pop rbp",
        "pop rbx",
        "pop rdx",
        "pop rcx",
        "pop rax",
        "add rsp, 16",
        "iretq",
        trap = sym trap,
        rip = const core::mem::offset_of!(TrapFrame, rip),
    )
}

extern "C" fn trap(frame: &TrapFrame) {
    if frame.vector == NMI {
        NMIS.fetch_add(1, Ordering::Relaxed);
    } else if let Ok(vector @ 32..) = u8::try_from(frame.vector) {
        interrupts::acknowledge(vector);
    } else {
        panic!("exception {} in root mode\n{frame}", frame.vector);
    }
}

impl fmt::Display for TrapFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  error code {:#x}  cr2 {:#x}  rip {:#x}  cs {:#x}  rflags {:#x}  rsp {:#x}",
            self.error_code,
            Cr2::read_raw(),
            self.rip,
            self.cs,
            self.rflags,
            self.rsp
        )?;
        for (name, value) in NAMES.iter().zip(self.registers) {
            write!(f, "  {name} {value:#x}")?;
        }
        Ok(())
    }
}
