//! A step into ring 3 and back: user code runs until it makes a system call or raises an exception.
//!
//! Enough for tests, and the seed of processes: [`run`] loads all registers from a frame, and
//! returns the frame that the hypervisor built when user mode was left. Running that frame again
//! resumes. Events are delivered meanwhile as the frame's RFLAGS say.

use x86_64::VirtAddr;

use crate::{
    abi::segment::{FLAT_USER_CS64, FLAT_USER_SS64},
    entry::{self, Cause, Frame},
    hypercall::Errno,
    irq::Flags,
    platform,
    static_pages::StaticPages,
    tasks, traps,
};

/// Where the kernel is entered from user mode; the lowest page stays free as a guard.
static ENTRY_STACK: StaticPages<5> = StaticPages::new();

/// RFLAGS of a fresh program: the bit that is always one.
const RFLAGS: u64 = 2;

/// Returns the end of the stack on which the kernel is entered from user mode.
pub fn entry_stack() -> VirtAddr {
    ENTRY_STACK.page(0) + ENTRY_STACK.bytes() as u64
}

/// Sets the stack and the entry for what comes from user mode. Exceptions are installed apart
/// ([`traps::install`]).
///
/// # Errors
///
/// `ENOSYS` under a hypervisor without system calls.
pub fn install() -> Result<(), Errno> {
    (platform::current().install_user)(entry_stack())
}

/// Returns a frame that starts a program with events enabled and all other registers zero.
pub fn program(code: VirtAddr, stack: VirtAddr) -> Frame {
    Frame {
        rip: code.as_u64(),
        cs: FLAT_USER_CS64.into(),
        rflags: RFLAGS | Flags::IF.bits(),
        rsp: stack.as_u64(),
        ss: FLAT_USER_SS64.into(),
        ..Frame::default()
    }
}

/// Continues in ring 3 with the registers of `frame`, until user mode is left; returns why, and
/// leaves the registers in `frame`.
///
/// The selectors are those of user mode, whatever the frame has. Causes with a handler of their own
/// go to the handler and do not end this.
///
/// # Panics
///
/// If user mode was not entered: the hypervisor refused the frame.
pub fn run(frame: &mut Frame) -> Cause {
    frame.cs = FLAT_USER_CS64.into();
    frame.ss = FLAT_USER_SS64.into();
    // SAFETY: ring 3 reaches only pages of users, in which Rust keeps nothing.
    let caught = unsafe { run_raw(frame) };
    *frame = caught;
    assert!(frame.is_user(), "user mode was not entered: {:?}\n{frame}", frame.cause());
    frame.cause()
}

/// Continues with the registers of any frame; returns those at the next exception or system call.
///
/// # Panics
///
/// If the hypervisor comes back without either.
///
/// # Safety
///
/// With a frame of the kernel's own privilege, whatever it makes the kernel do.
pub unsafe fn run_raw(frame: &Frame) -> Frame {
    extern "C" fn start(frame: *mut ()) {
        // SAFETY: `run_raw` gives a frame that its caller answers for.
        unsafe { entry::continue_with(frame.cast_const().cast()) }
    }
    let mut frame = *frame;
    loop {
        let argument: *const Frame = &raw const frame;
        // SAFETY: `start` holds nothing and changes nothing itself.
        let caught = unsafe { traps::catch(start, argument.cast_mut().cast()) };
        frame = caught.expect("`continue_with` does not return");
        if frame.cause() != Cause::Event {
            return frame;
        }
        // An upcall left the process because another task shall run.
        tasks::schedule();
    }
}
