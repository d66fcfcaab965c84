//! The shortest ways into a kernel and back, for measuring them.
//!
//! The handlers are a few instructions each: they do what a handler must do so that the next round is
//! like the last, and return by the `iret` hypercall. Whoever takes them over for measuring has no
//! other handlers for these causes.

use core::{
    arch::{asm, naked_asm},
    sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, Ordering::Relaxed},
};

use x86_64::VirtAddr;

use crate::{
    abi::{
        event_channel,
        guest_context::VGCF_IN_SYSCALL,
        hypercall::{self, EVENT_CHANNEL_OP, IRET, XEN_VERSION},
        segment::{FLAT_USER_CS64, FLAT_USER_SS64},
        trap::TrapInfo,
        xenolith::{KERNEL_CS, KERNEL_SS},
    },
    events::Port,
    hypercall::{
        Errno, call,
        callback::{self, Kind},
        task, trap,
    },
    shared_info::{SharedInfo, shared_info},
    static_pages::StaticPages,
};

/// Where `vcpu_info` begins and `evtchn_pending` is.
static VCPU_INFO: AtomicPtr<AtomicU8> = AtomicPtr::new(core::ptr::null_mut());
static PENDING: AtomicPtr<AtomicU64> = AtomicPtr::new(core::ptr::null_mut());

/// The stack for entries from processes ends where its second page begins.
static STACK: StaticPages<2> = StaticPages::new();

/// Returns from a handler: rcx and r11 as in the frame, whose next word is RIP.
macro_rules! leave {
    ($($before:literal,)*) => {
        naked_asm!(
            $($before,)*
            "pop rcx", "pop r11",
            "push {flags}", "push rcx", "push r11", "push rax",
            "mov eax, {iret}", "syscall",
            flags = const 0, iret = const IRET,
        )
    };
}

/// Goes on behind the two bytes of UD2.
#[unsafe(naked)]
unsafe extern "C" fn invalid_opcode() {
    leave!("add qword ptr [rsp + 16], 2",)
}

/// Goes on behind the three bytes of a load, whatever it has raised.
#[unsafe(naked)]
unsafe extern "C" fn page_fault() {
    naked_asm!(
        "pop rcx", "pop r11", "add rsp, 8", "add qword ptr [rsp], 3",
        "push 0", "push rcx", "push r11", "push rax",
        "mov eax, {iret}", "syscall",
        iret = const IRET,
    )
}

/// Takes the one event that there is.
#[unsafe(naked)]
unsafe extern "C" fn event() {
    naked_asm!(
        "mov rcx, [rip + {info}]",
        "mov byte ptr [rcx], 0",
        "mov qword ptr [rcx + 8], 0",
        "mov rcx, [rip + {pending}]",
        "mov qword ptr [rcx], 0",
        "pop rcx", "pop r11",
        "push 0", "push rcx", "push r11", "push rax",
        "mov eax, {iret}", "syscall",
        info = sym VCPU_INFO, pending = sym PENDING, iret = const IRET,
    )
}

/// Returns to a process as SYSRET would.
#[unsafe(naked)]
unsafe extern "C" fn system_call() {
    naked_asm!(
        "pop rcx", "pop r11",
        "push {flags}", "push rcx", "push r11", "push rax",
        "mov eax, {iret}", "syscall",
        flags = const VGCF_IN_SYSCALL, iret = const IRET,
    )
}

/// Ends [`in_process`]: #BP on the kernel's stack, behind which is what was interrupted.
#[unsafe(naked)]
unsafe extern "C" fn breakpoint() {
    naked_asm!("mov rsp, [rip + {kernel}]", "ret", kernel = sym KERNEL_RSP)
}

static KERNEL_RSP: AtomicU64 = AtomicU64::new(0);

#[expect(clippy::fn_to_numeric_cast_any, reason = "the hypervisor is told the address")]
fn address(handler: unsafe extern "C" fn()) -> VirtAddr {
    VirtAddr::from_ptr(handler as *const u8)
}

/// Takes over #UD, #BP, #NP, #SS, #GP, #PF, events and system calls.
///
/// # Errors
///
/// The hypervisor's.
pub fn install() -> Result<(), Errno> {
    let words: SharedInfo = shared_info();
    VCPU_INFO.store(core::ptr::from_ref(words.vcpu(0).upcall_pending()).cast_mut(), Relaxed);
    PENDING.store(core::ptr::from_ref(words.pending(0)).cast_mut(), Relaxed);
    let entry = |vector, flags, handler| TrapInfo {
        vector,
        flags,
        cs: KERNEL_CS,
        padding: 0,
        address: address(handler).as_u64(),
    };
    let end = TrapInfo { vector: 0, flags: 0, cs: 0, padding: 0, address: 0 };
    let table = [
        entry(3, 3, breakpoint),
        entry(6, 0, invalid_opcode),
        entry(11, 0, page_fault),
        entry(12, 0, page_fault),
        entry(13, 0, page_fault),
        entry(14, 0, page_fault),
        end,
    ];
    // SAFETY: the handlers end in an `iret` hypercall, with everything as it was.
    unsafe { trap::set_table(&table) }?;
    // SAFETY: likewise.
    unsafe { callback::register(Kind::Event, address(event)) }?;
    // SAFETY: likewise.
    unsafe { callback::register(Kind::Syscall, address(system_call)) }?;
    // SAFETY: nothing else uses the stack.
    unsafe { task::stack_switch(STACK.page(1)) }
}

/// Sets the stack for entries from processes, as [`install`] did.
pub fn stack_switch() {
    let stack = STACK.page(1);
    // SAFETY: see the module `probe`; it is the stack that is set already.
    let _ = unsafe { call::<{ hypercall::STACK_SWITCH }>([KERNEL_SS.into(), stack.as_u64(), 0]) };
}

/// #UD and back.
pub fn undefined() {
    // SAFETY: see the module `probe`; the handler goes on behind the instruction.
    unsafe { asm!("ud2") }
}

/// #PF of a load from where nothing is, and back.
pub fn load_of_nothing() {
    // SAFETY: see the module `probe`; the handler goes on behind the load.
    unsafe { asm!("mov rax, [rcx]", in("rcx") 0x1234_5678_9000_u64, out("rax") _) }
}

/// `iret` from the kernel to itself.
pub fn iret() {
    // SAFETY: see the module `probe`; the frame continues behind the call, on the same stack.
    unsafe {
        asm!(
            "mov rcx, rsp",
            "lea rax, [rip + 2f]",
            "push {ss}", "push rcx", "push 0x202", "push {cs}", "push rax",
            "push 0", "push rcx", "push r11", "push rax",
            "mov eax, {iret}", "syscall",
            "2:",
            ss = const KERNEL_SS, cs = const KERNEL_CS, iret = const IRET,
            out("rax") _, out("rcx") _,
        );
    }
}

/// Sets `pending` and `masked` ports below 64 and whether an upcall waits for the first of them.
pub fn set_words(pending: u64, masked: u64, upcall: bool) {
    let vcpu = shared_info().vcpu(0);
    shared_info().pending(0).store(pending, Relaxed);
    shared_info().mask(0).store(masked, Relaxed);
    vcpu.pending_selector().store(upcall.into(), Relaxed);
    vcpu.upcall_pending().store(upcall.into(), Relaxed);
}

/// Allows upcalls by a store, and makes the hypercall behind which one that waits comes.
pub fn allow_and_call() {
    // SAFETY: see the module `probe`; the call answers its version.
    unsafe {
        asm!("mov rcx, [rip + {info}]", "mov byte ptr [rcx + 1], 0", "syscall",
            info = sym VCPU_INFO, inout("rax") u64::from(XEN_VERSION) => _, in("rdi") 0,
            out("rcx") _, out("r11") _);
    }
}

/// Makes `event_channel_op` for a port by SYSCALL.
pub fn port_operation(operation: u32, port: Port) {
    let argument = event_channel::Send { port: port.0 };
    // SAFETY: see the module `probe`; the call reads the argument.
    unsafe {
        asm!("syscall", inout("rax") u64::from(EVENT_CHANNEL_OP) => _,
            in("rdi") u64::from(operation), in("rsi") &raw const argument, out("rcx") _,
            out("r11") _);
    }
}

/// Runs code in ring 3, with a count in R14, until it executes INT3; returns R13.
///
/// The pages of code and stack must be a process's.
pub fn in_process(code: VirtAddr, stack: VirtAddr, count: u64) -> u64 {
    let sum;
    // SAFETY: see the module `probe`; the process changes registers only, and INT3 leads behind
    // the call, on this stack.
    unsafe {
        asm!(
            "push rbx", "push rbp",
            "lea rax, [rip + 2f]", "push rax", "mov [rip + {kernel}], rsp",
            "push {ss}", "push rsi", "push 0x202", "push {cs}", "push rdi",
            "push 0", "push 0", "push 0", "push 0",
            "mov eax, {iret}", "syscall",
            "2:", "pop rbp", "pop rbx",
            kernel = sym KERNEL_RSP, ss = const FLAT_USER_SS64, cs = const FLAT_USER_CS64,
            iret = const IRET, in("rdi") code.as_u64(), in("rsi") stack.as_u64(),
            inout("r14") count => _, inout("r13") 0_u64 => sum, out("r12") _, out("r15") _,
            clobber_abi("C"),
        );
    }
    sum
}
