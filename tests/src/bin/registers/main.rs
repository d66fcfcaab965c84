//! General-purpose registers and flags across every kind of exit.
//!
//! The hypervisor switches them by hand: one forgotten, swapped or cut to 32 bits would show only
//! here. Each instruction runs with all registers different, many times.
//! Expected: only what the instruction itself defines changes, and that to the right value.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo,
    abi::{errno::ENOSYS, hypercall, sched, version},
    check_eq,
    probe::{
        control, cpuid,
        registers::{self, Registers},
    },
    scenario::Checks,
};

xenolith_guest::scenario!(run);

/// An instruction, what its operands must be, and what it makes of the registers.
struct Case {
    name: &'static str,
    execute: fn(&mut Registers),
    operands: fn(&mut Registers),
    result: fn(&mut Registers),
}

const LOW_BYTE: u64 = 0xff;
const LOW_HALF: u64 = 0xffff_ffff;
const MSR_FS_BASE: u64 = 0xc000_0100;
const FS_BASE: u64 = 0x1234_5678_9abc;
const CR4_OSXSAVE: u64 = 1 << 18;
const VERSION_4_17: u64 = 0x4_0011;

const CASES: &[Case] = &[
    Case { name: "nop", execute: registers::nothing, operands: |_| {}, result: |_| {} },
    Case {
        name: "unknown hypercall by its stub",
        execute: registers::last_stub,
        operands: |_| {},
        result: |r| r.rax = (-ENOSYS).cast_unsigned(),
    },
    Case {
        name: "xen_version by its stub",
        execute: registers::xen_version,
        operands: |r| r.rdi &= !LOW_HALF,
        result: |r| r.rax = VERSION_4_17,
    },
    Case {
        name: "page size by its stub",
        execute: registers::xen_version,
        operands: |r| (r.rdi, r.rsi) = (r.rdi & !LOW_HALF | u64::from(version::PAGESIZE), 0),
        result: |r| r.rax = 4096,
    },
    Case {
        name: "yield by its stub",
        execute: registers::sched_op,
        operands: |r| r.rdi = r.rdi & !LOW_HALF | u64::from(sched::YIELD),
        result: |r| r.rax = 0,
    },
    Case {
        name: "unknown hypercall",
        execute: registers::syscall_keeping_rcx,
        operands: |r| r.rax |= 1 << 40,
        result: |r| (r.rax, r.r11) = ((-ENOSYS).cast_unsigned(), r.rflags),
    },
    Case {
        name: "xen_version",
        execute: registers::syscall_keeping_rcx,
        operands: |r| (r.rax, r.rdi) = (hypercall::XEN_VERSION.into(), r.rdi & !LOW_HALF),
        result: |r| (r.rax, r.r11) = (VERSION_4_17, r.rflags),
    },
    Case {
        name: "yield",
        execute: registers::syscall_keeping_rcx,
        operands: |r| (r.rax, r.rdi) = (hypercall::SCHED_OP.into(), sched::YIELD.into()),
        result: |r| (r.rax, r.r11) = (0, r.rflags),
    },
    Case { name: "WBINVD", execute: registers::wbinvd, operands: |_| {}, result: |_| {} },
    Case {
        name: "CPUID",
        execute: registers::cpuid,
        operands: |r| (r.rax, r.rcx) = (r.rax & !LOW_HALF | 1, r.rcx & !LOW_HALF),
        result: |r| {
            let leaf = cpuid::read(1, 0);
            r.rax = leaf.eax.into();
            r.rbx = leaf.ebx.into();
            r.rcx = leaf.ecx.into();
            r.rdx = leaf.edx.into();
        },
    },
    Case {
        name: "IN",
        execute: registers::in_byte,
        operands: |r| r.rdx = r.rdx & !0xffff | 0x80,
        result: |r| r.rax |= LOW_BYTE,
    },
    Case {
        name: "OUT",
        execute: registers::out_byte,
        operands: |r| r.rdx = r.rdx & !0xffff | 0x80,
        result: |_| {},
    },
    Case {
        name: "WRMSR",
        execute: registers::wrmsr,
        operands: |r| {
            r.rcx = r.rcx & !LOW_HALF | MSR_FS_BASE;
            r.rax = r.rax & !LOW_HALF | FS_BASE & LOW_HALF;
            r.rdx = r.rdx & !LOW_HALF | FS_BASE >> 32;
        },
        result: |_| {},
    },
    Case {
        name: "RDMSR",
        execute: registers::rdmsr,
        operands: |r| r.rcx = r.rcx & !LOW_HALF | MSR_FS_BASE,
        result: |r| (r.rax, r.rdx) = (FS_BASE & LOW_HALF, FS_BASE >> 32),
    },
    Case {
        name: "MOV to CR4",
        execute: registers::write_cr4,
        operands: |r| r.rax = control::cr4(),
        result: |_| {},
    },
    Case {
        name: "XSETBV",
        execute: registers::xsetbv,
        operands: |r| {
            r.rcx &= !LOW_HALF;
            r.rax = r.rax & !LOW_HALF | control::xcr0() & LOW_HALF;
            r.rdx = r.rdx & !LOW_HALF | control::xcr0() >> 32;
        },
        result: |_| {},
    },
];

fn run(checks: &mut Checks, _: &'static StartInfo) {
    let has_xcr0 = control::cr4() & CR4_OSXSAVE != 0;
    for seed in 0..200 {
        for Case { name, execute, operands, result } in CASES {
            if *name == "XSETBV" && !has_xcr0 {
                continue;
            }
            let mut wanted = Registers::pattern(seed);
            operands(&mut wanted);
            let mut found = wanted;
            execute(&mut found);
            result(&mut wanted);
            check_eq!(checks, found, wanted, "{name}, seed {seed}");
        }
    }
}
