//! `callback_op`, `set_callbacks` and `nmi_op`: entry points of a guest kernel.

use super::{Args, Call, EntryPoint, Machine, Outcome, as_u32, finish, handle, publish_data, trap};
use crate::address::Gva;
use crate::guest_access::Fault;
use crate::resident::VcpuData;
use crate::vcpu::Callback;
use core::mem::offset_of;
use xenolith_abi::callback::{self as abi, Register, Unregister};
use xenolith_abi::errno::{EINVAL, ENOSYS};
use xenolith_abi::nmi;

pub(super) fn callback_op<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let argument = handle(args[1]);
    finish(match as_u32(args[0]) {
        abi::REGISTER => call.space().read::<Register>(argument).map(|r| register(call, &r)),
        abi::UNREGISTER => call.space().read::<Unregister>(argument).map(|u| match u.type_ {
            abi::TYPE_NMI => {
                trap::set_nmi(call, 0);
                0
            }
            abi::TYPE_EVENT
            | abi::TYPE_FAILSAFE
            | abi::TYPE_SYSCALL
            | abi::TYPE_SYSENTER
            | abi::TYPE_SYSCALL32 => -EINVAL,
            _ => -ENOSYS,
        }),
        _ => Ok(-ENOSYS),
    })
}

fn register<M: Machine>(call: &mut Call<'_, M>, argument: &Register) -> i64 {
    if !Gva(argument.address).is_canonical() {
        return -EINVAL;
    }
    let masks_events = argument.flags & abi::FLAG_MASK_EVENTS != 0;
    let callback = Callback { address: argument.address, masks_events };
    match argument.type_ {
        abi::TYPE_EVENT => set_event(call, argument.address),
        abi::TYPE_FAILSAFE => call.vcpu.failsafe = callback,
        abi::TYPE_SYSCALL => set_syscall(call, callback),
        // Processors with VMX have no SYSCALL in compatibility mode: it is never called, as on Xen.
        abi::TYPE_SYSCALL32 => {}
        abi::TYPE_SYSENTER => set_sysenter(call, callback),
        abi::TYPE_NMI => trap::set_nmi(call, argument.address),
        _ => return -ENOSYS,
    }
    0
}

/// Registers three callbacks at once: for events, failsafe and system calls. As on Xen, each counts
/// for itself, and one that is refused is passed over in silence.
pub(super) fn set_callbacks<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let [event, failsafe, syscall, ..] = *args;
    for (type_, address) in
        [(abi::TYPE_EVENT, event), (abi::TYPE_FAILSAFE, failsafe), (abi::TYPE_SYSCALL, syscall)]
    {
        register(call, &Register { type_, flags: 0, padding: 0, address });
    }
    Outcome::Return(0)
}

pub(super) fn nmi_op<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    finish(match as_u32(args[0]) {
        nmi::REGISTER_CALLBACK => {
            call.space().read::<nmi::Callback>(handle(args[1])).map(|argument| {
                if !Gva(argument.handler_address).is_canonical() {
                    return -EINVAL;
                }
                trap::set_nmi(call, argument.handler_address);
                0
            })
        }
        nmi::UNREGISTER_CALLBACK => {
            trap::set_nmi(call, 0);
            Ok::<_, Fault>(0)
        }
        _ => Ok(-ENOSYS),
    })
}

fn set_event<M: Machine>(call: &mut Call<'_, M>, address: u64) {
    call.vcpu.event = Callback { address, masks_events: true };
    let header = &call.domain.resident;
    let nowhere = header.no_event_callback;
    let report = header.event_report.filter(|_| address != 0);
    let entry = report.map_or(address, |at| call.domain.hole.text().0 + u64::from(at));
    publish_entry(call, offset_of!(VcpuData, event_callback), entry, nowhere);
}

/// Writes where the resident is to enter the guest; for 0, the offset in the resident of the VMCALL
/// that reports that there is no callback.
fn publish_entry<M: Machine>(call: &mut Call<'_, M>, offset: usize, address: u64, nowhere: u32) {
    let report = call.domain.hole.text().0 + u64::from(nowhere);
    publish_data(call, offset, if address == 0 { report } else { address });
}

fn set_syscall<M: Machine>(call: &mut Call<'_, M>, callback: Callback) {
    call.vcpu.syscall = callback;
    let nowhere = call.domain.resident.no_callback;
    publish_entry(call, offset_of!(VcpuData, syscall_callback), callback.address, nowhere);
    let masks = u64::from(callback.masks_events);
    publish_data(call, offset_of!(VcpuData, syscall_masks_events), masks);
}

/// SYSENTER of a guest without a callback is #GP, which is what the CPU makes of it by itself.
fn set_sysenter<M: Machine>(call: &mut Call<'_, M>, callback: Callback) {
    let masks = u64::from(callback.masks_events);
    publish_data(call, offset_of!(VcpuData, sysenter_callback), callback.address);
    publish_data(call, offset_of!(VcpuData, sysenter_masks_events), masks);
    let hole = &call.domain.hole;
    let entry = Gva(hole.text().0 + u64::from(call.domain.resident.sysenter));
    let target = EntryPoint { rip: entry, rsp: hole.fault_stack() };
    call.machine.set_sysenter((callback.address != 0).then_some(target));
}
