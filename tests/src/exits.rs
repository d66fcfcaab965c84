//! Ways to leave the container and come back with nothing changed.

use xenolith_guest::{
    abi::{hypercall, sched},
    probe::{cpuid, hypercall::vmcall, port},
};

/// A way to leave the container.
pub type Exit = (&'static str, fn());

/// Leaves once in every way.
pub fn take_all() {
    for (_, exit) in ALL {
        exit();
    }
}

/// Every way that a guest may leave and come back.
pub const ALL: &[Exit] = &[
    ("hypercall", || {
        vmcall(hypercall::XEN_VERSION.into(), [0; 5]);
    }),
    ("unknown hypercall", || {
        vmcall(0xdead, [0; 5]);
    }),
    ("yield", || {
        vmcall(hypercall::SCHED_OP.into(), [sched::YIELD.into(), 0, 0, 0, 0]);
    }),
    ("console", || {
        vmcall(hypercall::CONSOLE_IO.into(), [0; 5]);
    }),
    ("CPUID", || {
        cpuid::read(0, 0);
    }),
    ("port read", || {
        port::read::<u32>(0xcfc);
    }),
    ("port write", || port::write::<u8>(0x80, 0)),
];
