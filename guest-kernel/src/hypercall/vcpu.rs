//! `vcpu_op`: timers, records and states of a vCPU.

use core::ptr;

use x86_64::{PhysAddr, VirtAddr};
use xenolith_abi::{hypercall, vcpu as abi};
use zerocopy::FromZeros;

use super::{Errno, address_of, call};
use crate::{static_pages::PAGE_BYTES, time::SystemTime, vcpu::VcpuId};

pub use abi::RunstateInfo;

/// Makes sub-call `command` for a vCPU.
///
/// # Safety
///
/// `argument` must point to what `command` takes, or be null if it takes nothing.
unsafe fn operate<T>(command: u32, vcpu: VcpuId, argument: *const T) -> Result<u64, Errno> {
    let arguments = [command.into(), vcpu.number().into(), address_of(argument)];
    // SAFETY: the call touches nothing but its argument, by the caller's promise.
    unsafe { call::<{ hypercall::VCPU_OP }>(arguments) }
}

/// Returns whether a vCPU runs (`VCPUOP_is_up`).
///
/// # Errors
///
/// `ENOENT` without such a vCPU.
pub fn is_up(vcpu: VcpuId) -> Result<bool, Errno> {
    // SAFETY: the sub-call takes no argument.
    unsafe { operate(abi::IS_UP, vcpu, ptr::null::<()>()) }.map(|up| up != 0)
}

/// Starts the periodic timer: VIRQ_TIMER every `period_ns` (`VCPUOP_set_periodic_timer`).
///
/// # Errors
///
/// `EINVAL` for a period below a millisecond.
pub fn set_periodic_timer(vcpu: VcpuId, period_ns: u64) -> Result<(), Errno> {
    let argument = abi::SetPeriodicTimer { period_ns };
    // SAFETY: the sub-call reads this argument.
    unsafe { operate(abi::SET_PERIODIC_TIMER, vcpu, &raw const argument) }.map(drop)
}

/// Stops the periodic timer (`VCPUOP_stop_periodic_timer`).
///
/// # Errors
///
/// None are documented.
pub fn stop_periodic_timer(vcpu: VcpuId) -> Result<(), Errno> {
    // SAFETY: the sub-call takes no argument.
    unsafe { operate(abi::STOP_PERIODIC_TIMER, vcpu, ptr::null::<()>()) }.map(drop)
}

/// What becomes of a deadline that has passed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Past {
    /// The timer expires at once.
    ExpiresAtOnce,
    /// It is an error, `ETIME` (`VCPU_SSHOTTMR_future`).
    IsAnError,
}

/// Starts the one-shot timer (`VCPUOP_set_singleshot_timer`).
///
/// # Errors
///
/// `EINVAL` for another vCPU than the caller's; `ETIME` as asked for.
pub fn set_singleshot_timer(vcpu: VcpuId, deadline: SystemTime, past: Past) -> Result<(), Errno> {
    let flags = match past {
        Past::ExpiresAtOnce => 0,
        Past::IsAnError => abi::SSHOTTMR_FUTURE,
    };
    let argument = abi::SetSingleshotTimer { timeout_abs_ns: deadline.ns(), flags, padding: 0 };
    // SAFETY: the sub-call reads this argument.
    unsafe { operate(abi::SET_SINGLESHOT_TIMER, vcpu, &raw const argument) }.map(drop)
}

/// Stops the one-shot timer (`VCPUOP_stop_singleshot_timer`).
///
/// # Errors
///
/// `EINVAL` for another vCPU than the caller's.
pub fn stop_singleshot_timer(vcpu: VcpuId) -> Result<(), Errno> {
    // SAFETY: the sub-call takes no argument.
    unsafe { operate(abi::STOP_SINGLESHOT_TIMER, vcpu, ptr::null::<()>()) }.map(drop)
}

/// Sends a non-maskable interrupt (`VCPUOP_send_nmi`).
///
/// # Errors
///
/// `ENOENT` without such a vCPU.
pub fn send_nmi(vcpu: VcpuId) -> Result<(), Errno> {
    // SAFETY: the sub-call takes no argument.
    unsafe { operate(abi::SEND_NMI, vcpu, ptr::null::<()>()) }.map(drop)
}

/// Returns how long a vCPU was in which state (`VCPUOP_get_runstate_info`).
///
/// # Errors
///
/// `ENOENT` without such a vCPU.
pub fn runstate(vcpu: VcpuId) -> Result<RunstateInfo, Errno> {
    let mut info = RunstateInfo::new_zeroed();
    // SAFETY: the sub-call fills this argument.
    unsafe { operate(abi::GET_RUNSTATE_INFO, vcpu, &raw mut info) }?;
    Ok(info)
}

/// Has the hypervisor keep a [`RunstateInfo`] at an address
/// (`VCPUOP_register_runstate_memory_area`).
///
/// # Errors
///
/// `EFAULT` for an address that it cannot write.
///
/// # Safety
///
/// The hypervisor writes there from then on, at any time.
pub unsafe fn register_runstate_area(vcpu: VcpuId, area: VirtAddr) -> Result<(), Errno> {
    let argument = abi::RegisterRunstateMemoryArea { address: area.as_u64() };
    // SAFETY: the sub-call reads this argument; the caller gives the area.
    unsafe { operate(abi::REGISTER_RUNSTATE_MEMORY_AREA, vcpu, &raw const argument) }.map(drop)
}

/// Has the hypervisor keep a second time record (`VCPUOP_register_vcpu_time_memory_area`).
///
/// # Errors
///
/// `EFAULT` for an address that it cannot write.
///
/// # Safety
///
/// The hypervisor writes there from then on, at any time.
pub unsafe fn register_time_area(vcpu: VcpuId, area: VirtAddr) -> Result<(), Errno> {
    let argument = abi::RegisterTimeMemoryArea { address: area.as_u64() };
    // SAFETY: the sub-call reads this argument; the caller gives the area.
    unsafe { operate(abi::REGISTER_VCPU_TIME_MEMORY_AREA, vcpu, &raw const argument) }.map(drop)
}

/// Has the hypervisor move a vCPU's record out of the shared page (`VCPUOP_register_vcpu_info`).
///
/// A kernel calls [`crate::shared_info::relocate`], which also looks there from then on.
///
/// # Errors
///
/// `EBUSY` the second time, `EINVAL` for a record that crosses the end of its page or a bad frame.
///
/// # Safety
///
/// The hypervisor writes there from then on, at any time.
pub unsafe fn register_info(vcpu: VcpuId, frame: PhysAddr, offset: u32) -> Result<(), Errno> {
    let mfn = frame.as_u64() / PAGE_BYTES as u64;
    let argument = abi::RegisterVcpuInfo { mfn, offset, rsvd: 0 };
    // SAFETY: the sub-call reads this argument; the caller gives the record's place.
    unsafe { operate(abi::REGISTER_VCPU_INFO, vcpu, &raw const argument) }.map(drop)
}
