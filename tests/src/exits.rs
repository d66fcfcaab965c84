//! Ways to leave the kernel, most of them also the container, and come back with nothing changed.

use xenolith_guest::{
    abi::{hypercall, sched, version},
    probe::{cpuid, hypercall::syscall, port},
};

/// A way to leave.
pub type Exit = (&'static str, fn());

/// Leaves once in every way.
pub fn take_all() {
    for (_, exit) in ALL {
        exit();
    }
}

/// Every way that a guest may leave and come back; the resident alone answers the first.
pub const ALL: &[Exit] = &[
    ("hypercall to the resident", || {
        syscall(hypercall::XEN_VERSION.into(), [version::VERSION.into(), 0, 0, 0, 0]);
    }),
    ("hypercall", || {
        syscall(hypercall::XEN_VERSION.into(), [version::PAGESIZE.into(), 0, 0, 0, 0]);
    }),
    ("unknown hypercall", || {
        syscall(0xdead, [0; 5]);
    }),
    ("yield", || {
        syscall(hypercall::SCHED_OP.into(), [sched::YIELD.into(), 0, 0, 0, 0]);
    }),
    ("console", || {
        syscall(hypercall::CONSOLE_IO.into(), [0; 5]);
    }),
    ("CPUID", || {
        cpuid::read(0, 0);
    }),
    ("port read", || {
        port::read::<u32>(0xcfc);
    }),
    ("port write", || port::write::<u8>(0x80, 0)),
];
