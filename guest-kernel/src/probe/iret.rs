//! The `iret` hypercall in ways in which this library does not make it.

use core::{
    arch::{asm, naked_asm},
    mem::offset_of,
};

use x86_64::VirtAddr;

use super::exception::catch;
use crate::{
    abi::{
        guest_context::VGCF_IN_SYSCALL,
        hypercall,
        trap::IretContext,
        xenolith::{KERNEL_CS, KERNEL_SS},
    },
    entry::{Frame, load_registers},
    traps,
};

/// Continues with the registers of any frame as the answer to a system call (`VGCF_in_syscall`);
/// returns those at the next exception or system call.
///
/// # Panics
///
/// If the hypercall returns.
pub fn answer_system_call(frame: &Frame) -> Frame {
    extern "C" fn start(frame: *mut ()) {
        // SAFETY: see the module `probe`; the argument is the frame below.
        unsafe { leave_in_syscall(frame.cast_const().cast()) }
    }
    let argument: *const Frame = frame;
    // SAFETY: `start` holds nothing and changes nothing itself.
    let caught = unsafe { traps::catch(start, argument.cast_mut().cast()) };
    caught.expect("the hypercall does not return")
}

/// Makes the hypercall with RSP anywhere; returns the registers at the exception in which it ends.
pub fn at(rsp: VirtAddr) -> Option<Frame> {
    catch(|| {
        // SAFETY: see the module `probe`; whoever catches brings the stack back.
        unsafe {
            asm!("mov rsp, {rsp}", "syscall", "ud2", rsp = in(reg) rsp.as_u64(),
                in("rax") u64::from(hypercall::IRET), options(noreturn))
        }
    })
}

/// Makes the hypercall by a list of `count` calls that ends with it, and goes on here with `rflags`;
/// returns the address at which that is.
pub fn by_list(list: VirtAddr, count: u64, rflags: u64) -> VirtAddr {
    let target: u64;
    // SAFETY: see the module `probe`; the stack is as before behind the target.
    unsafe {
        asm!(
            "mov {rsp}, rsp",
            "lea {target}, [rip + 2f]",
            "push {ss}", "push {rsp}", "push {rflags}", "push {cs}", "push {target}",
            "push 0", "push 0", "push 0", "push 0",
            "syscall",
            "ud2",
            "2:",
            rsp = out(reg) _,
            target = out(reg) target,
            ss = const KERNEL_SS,
            cs = const KERNEL_CS,
            rflags = in(reg) rflags,
            in("rdi") list.as_u64(),
            in("rsi") count,
            inout("rax") u64::from(hypercall::MULTICALL) => _,
            out("rcx") _,
            out("r11") _,
        );
    }
    VirtAddr::new(target)
}

/// The way back that `entry` has, on a copy of the frame, with the flag in the hypercall's frame.
#[unsafe(naked)]
unsafe extern "C" fn leave_in_syscall(_frame: *const Frame) -> ! {
    naked_asm!(
        "sub rsp, {bytes}",
        "mov rsi, rdi",
        "mov rdi, rsp",
        "mov ecx, {words}",
        "cld",
        "rep movsq",
        load_registers!(),
        "mov rcx, [rsp + {frame_rcx}]",
        "mov r11, [rsp + {frame_r11}]",
        "mov [rsp + {rax}], rax",
        "mov [rsp + {r11}], r11",
        "mov [rsp + {rcx}], rcx",
        "mov qword ptr [rsp + {flags}], {in_syscall}",
        "mov eax, {iret}",
        "syscall",
        "ud2",
        bytes = const size_of::<Frame>(),
        words = const size_of::<Frame>() / 8,
        frame_rcx = const offset_of!(Frame, rcx) - offset_of!(Frame, cause),
        frame_r11 = const offset_of!(Frame, r11) - offset_of!(Frame, cause),
        rax = const offset_of!(IretContext, rax),
        r11 = const offset_of!(IretContext, r11),
        rcx = const offset_of!(IretContext, rcx),
        flags = const offset_of!(IretContext, flags),
        in_syscall = const VGCF_IN_SYSCALL,
        iret = const hypercall::IRET,
    )
}
