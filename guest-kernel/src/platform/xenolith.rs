//! The services under a hypervisor: hypercalls.

use x86_64::VirtAddr;

use super::Platform;
use crate::{
    abi::{domain::SELF, trap, xenolith::KERNEL_CS},
    entry::{self, Vector},
    hypercall::{
        Errno, callback, console,
        event_channel::{self, Virq},
        memory, sched, task, timer,
        trap::set_table,
    },
    vcpu,
};

pub(super) static PLATFORM: Platform = Platform {
    write: console::write,
    read: console::read,
    yield_now: || {
        // It has no way to fail.
        let _ = sched::yield_now();
    },
    install_upcall,
    bind_virq: |virq: Virq| event_channel::bind_virq(virq, vcpu::current()),
    port_status: |port| event_channel::status(SELF, port),
    // Whoever enables events looks whether an upcall is due, and asks for it.
    request_upcall: || {},
    set_timer: |deadline| {
        // The call has no way to fail; without a timer there is no alarm to wait for.
        let _ = timer::set(Some(deadline));
    },
    install_vector,
    install_user,
    set_user_stack,
    install_process_calls,
    memory_map: memory::memory_map,
    shutdown: sched::shutdown,
};

fn install_upcall() -> Result<(), Errno> {
    // SAFETY: the entry saves and restores everything and ends in an `iret` hypercall.
    unsafe { callback::register(callback::Kind::Event, entry::upcall_address()) }
}

fn set_user_stack(stack: VirtAddr) {
    // SAFETY: the stack is given for this, and what enters on it leaves it before the next step
    // into user mode.
    unsafe { task::stack_switch(stack) }.expect("the call has no errors");
}

fn install_user(stack: VirtAddr) -> Result<(), Errno> {
    set_user_stack(stack);
    // SAFETY: the entry saves everything and ends in an `iret` hypercall.
    unsafe { callback::register(callback::Kind::Syscall, entry::syscall_address()) }
}

fn install_process_calls() -> Result<(), Errno> {
    // SAFETY: the entry saves what Rust does not, and ends in an `iret` hypercall.
    unsafe { callback::register(callback::Kind::Syscall, entry::process_call_address()) }
}

fn install_vector(vector: Vector, flags: u8) -> Result<(), Errno> {
    let address = entry::vector_address(vector).as_u64();
    let entry = trap::TrapInfo { vector: vector.0, flags, cs: KERNEL_CS, padding: 0, address };
    let end = trap::TrapInfo { vector: 0, flags: 0, cs: 0, padding: 0, address: 0 };
    // SAFETY: the entry saves and restores everything and ends in an `iret` hypercall.
    unsafe { set_table(&[entry, end]) }
}
