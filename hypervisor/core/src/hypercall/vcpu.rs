//! `vcpu_op` (`xen/public/vcpu.h`): records, timers and state of vCPUs.
//!
//! There is one vCPU, which runs: the operations that start others find none to start.

use super::{Args, Call, Machine, Outcome, as_u32, finish, handle, publish_data, timer};
use crate::address::{Gfn, Gpa, Gva, PAGE_SIZE, to_u64};
use crate::guest_access::{Fault, is_reachable};
use crate::resident::VcpuData;
use crate::runstate::write_area;
use crate::shutdown::ShutdownReason;
use crate::time::write_record;
use core::mem::offset_of;
use xenolith_abi::errno::{EACCES, EBUSY, EEXIST, EFAULT, EINVAL, ENOENT, ENOSYS, ENXIO};
use xenolith_abi::shared_info::VcpuInfo;
use xenolith_abi::vcpu::{
    self as abi, RegisterRunstateMemoryArea, RegisterTimeMemoryArea, RegisterVcpuInfo,
};

/// The one vCPU is up, or it would not ask.
const IS_UP: i64 = 1;

/// Answers [`abi::IS_UP`].
#[inline]
pub(super) fn is_up<M>(call: &Call<'_, M>, vcpu: u32) -> i64 {
    if vcpu == call.vcpu.id.0 { IS_UP } else { -ENOENT }
}

pub(super) fn vcpu_op<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let [command, vcpu, argument, ..] = *args;
    if as_u32(vcpu) != call.vcpu.id.0 {
        return Outcome::Return(-ENOENT);
    }
    finish(match as_u32(command) {
        // Its first state is read before it is found to have one.
        abi::INITIALISE => call
            .space()
            .read::<xenolith_abi::guest_context::VcpuGuestContext>(handle(argument))
            .map(|_| -EEXIST),
        abi::UP => Ok(0),
        abi::DOWN => return last_down(call),
        abi::IS_UP => Ok(IS_UP),
        abi::GET_RUNSTATE_INFO => {
            let info = call.vcpu.runstate.at(call.machine.now_ns());
            call.space().write(handle(argument), &info).map(|()| 0)
        }
        abi::REGISTER_RUNSTATE_MEMORY_AREA => register_runstate(call, handle(argument)),
        abi::REGISTER_VCPU_TIME_MEMORY_AREA => register_time(call, handle(argument)),
        abi::REGISTER_VCPU_INFO => {
            call.space().read(handle(argument)).map(|place| register_info(call, &place))
        }
        abi::SET_PERIODIC_TIMER => timer::set_periodic(call, handle(argument)),
        abi::STOP_PERIODIC_TIMER => Ok(timer::stop_periodic(call)),
        abi::SET_SINGLESHOT_TIMER => timer::set_single(call, handle(argument)),
        abi::STOP_SINGLESHOT_TIMER => Ok(timer::stop_single(call)),
        abi::SEND_NMI if argument != 0 => Ok(-EINVAL),
        abi::SEND_NMI => {
            call.machine.send_nmi();
            Ok(0)
        }
        // Only for vCPUs that are bound to one CPU for good.
        abi::PHYSID => Ok(-EINVAL),
        _ => Ok(-ENOSYS),
    })
}

/// The last vCPU that goes down takes the domain with it.
fn last_down<M: Machine>(call: &mut Call<'_, M>) -> Outcome {
    Outcome::Shutdown(call.domain.shutdown_code.unwrap_or(ShutdownReason::Poweroff))
}

fn register_runstate<M: Machine>(call: &mut Call<'_, M>, argument: Gva) -> Result<i64, Fault> {
    let area: RegisterRunstateMemoryArea = call.space().read(argument)?;
    let at = Gva(area.address);
    if !is_reachable(at) {
        return Ok(-EFAULT);
    }
    call.vcpu.runstate_area = Some(at);
    let info = call.vcpu.runstate.record();
    // As on Xen it is no error when there is nothing to write to, now or later.
    let update = call.domain.runstate_update();
    let _ = write_area(&mut call.space(), at, &info, update);
    Ok(0)
}

fn register_time<M: Machine>(call: &mut Call<'_, M>, argument: Gva) -> Result<i64, Fault> {
    let area: RegisterTimeMemoryArea = call.space().read(argument)?;
    let at = Gva(area.address);
    if !is_reachable(at) {
        return Ok(-EFAULT);
    }
    call.vcpu.time_area = Some(at);
    write_time_area(call);
    Ok(0)
}

/// Writes the second time record, if there is one that can be written.
fn write_time_area<M: Machine>(call: &mut Call<'_, M>) {
    use crate::guest_access::Access::Write;
    let clock = call.machine.clock();
    let Some(at) = call.vcpu.time_area else { return };
    let size = to_u64(size_of::<xenolith_abi::time::VcpuTimeInfo>());
    if at.page_offset() > PAGE_SIZE - size {
        // Nobody can map half a record; it goes out as it is, without the protocol.
        let _ = call.space().write(at, &clock.record(0));
    } else if let Ok(place) = call.space().translate(at, Write) {
        write_record(call.machine.memory(), place, &clock);
    }
}

fn register_info<M: Machine>(call: &mut Call<'_, M>, place: &RegisterVcpuInfo) -> i64 {
    let offset = u64::from(place.offset);
    let last = PAGE_SIZE - to_u64(size_of::<VcpuInfo>());
    if offset > last || !offset.is_multiple_of(8) {
        return -ENXIO;
    }
    if call.vcpu.info_registered {
        return -EBUSY;
    }
    let owned = place.mfn < call.domain.memory_pages;
    let address = Gfn(place.mfn).gpa().and_then(|page| page.checked_add(offset));
    let Some(at) = address.filter(|_| owned) else { return -EINVAL };
    if move_info(call, at) { 0 } else { -EACCES }
}

/// Moves the record to `to`. Lest an event be lost, every word is selected and an upcall pending.
fn move_info<M: Machine>(call: &mut Call<'_, M>, to: Gpa) -> bool {
    let vcpu = call.vcpu.id;
    let moved = call.machine.with_channels(call.domain.id, |channels, memory| {
        channels.move_vcpu_info(memory, vcpu, to)
    });
    let Some(Some(notify)) = moved else { return false };
    call.machine.notify(notify);
    call.vcpu.vcpu_info = to;
    call.vcpu.info_registered = true;
    let direct = call.domain.hole.direct(to).0;
    publish_data(call, offset_of!(VcpuData, vcpu_info), direct);
    true
}
