//! Calling something that may end in an exception or a system call, and getting back either way.

use core::{
    arch::naked_asm,
    mem::offset_of,
    ptr,
    sync::atomic::{AtomicPtr, Ordering::Relaxed},
};

use crate::{
    abi::xenolith::{KERNEL_CS, KERNEL_SS},
    entry::Frame,
    irq,
};

/// Where to go back to.
#[repr(C)]
struct Point {
    rsp: u64,
    rip: u64,
    /// RFLAGS to go back with: events as they were.
    rflags: u64,
    /// Filled when an exception comes.
    caught: Frame,
}

/// The innermost point of the running task; one for each vCPU, when kernels have several.
static INNERMOST: AtomicPtr<Point> = AtomicPtr::new(ptr::null_mut());

/// RFLAGS with nothing set but the bit that is always one.
const RFLAGS: u64 = 2;

/// Calls `function` with `argument`; returns the registers at the exception or system call that
/// ended it, or `None` if it returned.
///
/// Events are afterwards as they were before. Only causes without a handler of their own end here.
///
/// # Safety
///
/// `function` may be left at any instruction: nothing it changes may depend on its going on, and
/// what it holds is not dropped.
pub unsafe fn catch(function: extern "C" fn(*mut ()), argument: *mut ()) -> Option<Frame> {
    let rflags = RFLAGS | irq::save_fl().bits();
    let mut point = Point { rsp: 0, rip: 0, rflags, caught: Frame::default() };
    let point = &raw mut point;
    let outer = INNERMOST.swap(point, Relaxed);
    // SAFETY: the point outlives the call, and the caller accepts that it is left anywhere.
    let caught = unsafe { call_with_point(function, argument, point) };
    INNERMOST.store(outer, Relaxed);
    if caught == 0 {
        return None;
    }
    // SAFETY: the point is still there, and `deliver` has filled it.
    Some(unsafe { (*point).caught })
}

/// Puts the point of another task in place, with events disabled; returns that of the running one.
pub(crate) fn exchange_point(point: *mut ()) -> *mut () {
    INNERMOST.swap(point.cast(), Relaxed).cast()
}

/// Ends the call under the innermost point with the registers of its exception, if there is one.
pub(super) fn deliver(frame: &mut Frame) -> bool {
    let point = INNERMOST.load(Relaxed);
    if point.is_null() {
        return false;
    }
    // SAFETY: the point is that of a `catch` which has not returned, and which does not touch it
    // before it is continued.
    let point = unsafe { &mut *point };
    point.caught = *frame;
    frame.rip = point.rip;
    frame.rsp = point.rsp;
    frame.rflags = point.rflags;
    frame.cs = KERNEL_CS.into();
    frame.ss = KERNEL_SS.into();
    true
}

/// Calls `function`; returns 0 behind it, or 1 when continued at the point.
#[unsafe(naked)]
unsafe extern "C" fn call_with_point(
    _function: extern "C" fn(*mut ()),
    _argument: *mut (),
    _point: *mut Point,
) -> u64 {
    naked_asm!(
        "push rbx", "push rbp", "push r12", "push r13", "push r14", "push r15",
        "sub rsp, 8",
        "mov [rdx + {rsp}], rsp",
        "lea rax, [rip + 2f]",
        "mov [rdx + {rip}], rax",
        "mov rax, rdi",
        "mov rdi, rsi",
        "call rax",
        "xor eax, eax",
        "jmp 3f",
        "2: mov eax, 1",
        "3: add rsp, 8",
        "pop r15", "pop r14", "pop r13", "pop r12", "pop rbp", "pop rbx",
        "ret",
        rsp = const offset_of!(Point, rsp),
        rip = const offset_of!(Point, rip),
    )
}
