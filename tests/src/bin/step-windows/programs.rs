//! Code in both rings, entered by `iret` and left by exceptions and system calls: into handlers that
//! mask events and into handlers that do not, and back.

use alloc::format;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use scenarios::programs::{Ring, Stage};
use xenolith_guest::{
    abi::{callback, trap},
    entry::{Frame, Vector},
    hypercall::Errno,
    irq::Flags,
    probe::exception::{self, continue_with},
    shared_info::of_vcpu,
    traps, vcpu,
};

use crate::{
    sweep::Sweeper,
    upcalls::{self, GS_WORDS},
};

const INVALID_OPCODE: Vector = Vector(6);
const PAGE_FAULT: Vector = Vector(14);
/// The hypervisor's leaf with its signature.
const CPUID_LEAF: u64 = 0x4000_0000;
/// Where nothing is mapped.
const NOWHERE: u64 = 0x1234_5678_9000;

/// `mov r13, gs:[0]`, an instruction, `mov rbp, gs:[0]`.
macro_rules! between_loads {
    ($($byte:literal),*) => {
        &[0x65, 0x4c, 0x8b, 0x2c, 0x25, 0, 0, 0, 0, $($byte,)*
          0x65, 0x48, 0x8b, 0x2c, 0x25, 0, 0, 0, 0]
    };
}

/// A program: its name, its ring, its code.
type Program = (&'static str, Ring, &'static [u8]);

const PROGRAMS: &[Program] = &[
    ("kernel: NOP", Ring::Kernel, between_loads!(0x90)),
    ("kernel: UD2", Ring::Kernel, between_loads!(0x0f, 0x0b)),
    ("kernel: MOV RAX, [RBX]", Ring::Kernel, between_loads!(0x48, 0x8b, 0x03)),
    ("kernel: prefixed CPUID", Ring::Kernel, PREFIXED_CPUID),
    ("process: NOP", Ring::User, between_loads!(0x90)),
    ("process: UD2", Ring::User, between_loads!(0x0f, 0x0b)),
    ("process: MOV RAX, [RBX]", Ring::User, between_loads!(0x48, 0x8b, 0x03)),
    ("process: prefixed CPUID", Ring::User, PREFIXED_CPUID),
    ("process: SYSCALL", Ring::User, between_loads!(0x0f, 0x05)),
];

/// `ud2`, `xen`, `cpuid`.
const PREFIXED_CPUID: &[u8] = between_loads!(0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2);

/// CF, PF, ZF, DF and ID.
const FLAGS: u64 = 0x20_0445;

static CALLS: AtomicU64 = AtomicU64::new(0);

/// What a program leaves: registers at its end, how often its handler was called, the page fault's
/// address, whether the bases of GS are the kernel's.
type Left = (Frame, u64, u64, bool);

pub(crate) fn sweep(sweeper: &mut Sweeper<'_>, stage: &mut Stage) {
    traps::set_handler(INVALID_OPCODE, Some(|frame| go_on(frame, 2)));
    traps::set_handler(PAGE_FAULT, Some(|frame| go_on(frame, 3)));
    traps::set_system_call_handler(Some(|frame| go_on(frame, 0)));
    for (kind, trap_flags, callback_flags) in
        [("masking", trap::FLAG_MASK_EVENTS, callback::FLAG_MASK_EVENTS), ("not masking", 0, 0)]
    {
        if let Err(error) = install(trap_flags, callback_flags) {
            return sweeper.error(error);
        }
        for &(name, ring, code) in PROGRAMS {
            let start = prepared(stage, ring, code, Flags::IF);
            let loaded = run(&start).0;
            let word = GS_WORDS[usize::from(start.is_user())];
            sweeper.expect([loaded.r13, loaded.rbp] == [word; 2], format_args!("{name}: GS"));
            sweeper.sweep(&format!("{name}, handlers {kind}"), || run(&start));
        }
    }
    let start = prepared(stage, Ring::User, PROGRAMS[PROGRAMS.len() - 1].2, Flags::DISABLED);
    sweeper.sweep("process without events: SYSCALL", || run(&start));
}

fn install(trap_flags: u8, callback_flags: u16) -> Result<(), Errno> {
    for vector in [INVALID_OPCODE, PAGE_FAULT] {
        traps::install_vector(vector, trap_flags)?;
    }
    exception::install_system_call(callback_flags)
}

fn prepared(stage: &mut Stage, ring: Ring, code: &[u8], events: Flags) -> Frame {
    let mut start = stage.load(ring, code, events);
    start.rflags |= FLAGS;
    (start.rax, start.rbx, start.rcx) = (CPUID_LEAF, NOWHERE, 0);
    start
}

/// A handler: goes on `bytes` further, having changed a register.
fn go_on(frame: &mut Frame, bytes: u64) {
    assert!(CALLS.fetch_add(1, Relaxed) < 1 << 32 && bytes < 4);
    assert!(frame.error_code & !6 == 0 && upcalls::has_kernel_bases(), "handler entered: {frame}");
    frame.rip += bytes;
    frame.r12 = frame.error_code + 1;
}

fn run(start: &Frame) -> Left {
    let before = CALLS.load(Relaxed);
    let end = continue_with(start);
    let calls = CALLS.load(Relaxed) - before;
    (end, calls, of_vcpu(vcpu::current()).cr2(), upcalls::has_kernel_bases())
}
