//! `memory_op` (`xen/public/memory.h`): questions here, changes in the modules below.

mod exchange;
mod frames;
mod reservation;

use super::{Args, Call, Machine, Outcome, finish, handle};
use crate::address::{DomId, Gpa, Gva, PAGE_SIZE, to_u64};
use crate::guest_access::Fault;
use crate::guest_memory::GuestMemory;
use core::mem::offset_of;
use xenolith_abi::errno::{EACCES, EINVAL, ENOSYS, ESRCH};
use xenolith_abi::guest_layout::{MACH2PHYS_VIRT_END, MACH2PHYS_VIRT_START};
use xenolith_abi::memory::RemoveFromPhysmap;
use xenolith_abi::memory::{self, AddToPhysmap, E820Entry, MachphysMapping, MemoryMap};
use xenolith_abi::shared_info::{ArchSharedInfo, SharedInfo};

/// Where `shared_info` has the number of frames that the domain uses.
const MAX_PFN_OFFSET: u64 =
    to_u64(offset_of!(SharedInfo, arch) + offset_of!(ArchSharedInfo, max_pfn));
/// The sub-operation is in these bits; those above count extents done before a continuation.
const COMMAND_BITS: u32 = 6;

pub(super) fn memory_op<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let first_extent = args[0] >> COMMAND_BITS;
    let command = super::as_u32(args[0] & ((1 << COMMAND_BITS) - 1));
    let argument = handle(args[1]);
    finish(match command {
        memory::INCREASE_RESERVATION | memory::DECREASE_RESERVATION | memory::POPULATE_PHYSMAP => {
            return reservation::change(call, args, command);
        }
        memory::EXCHANGE => return exchange::exchange(call, args),
        memory::ADD_TO_PHYSMAP => add_to_physmap(call, argument),
        memory::REMOVE_FROM_PHYSMAP if first_extent == 0 => remove_from_physmap(call, argument),
        memory::MAXIMUM_RAM_PAGE
        | memory::CURRENT_RESERVATION
        | memory::MAXIMUM_RESERVATION
        | memory::MAXIMUM_GPFN
        | memory::REMOVE_FROM_PHYSMAP
            if first_extent != 0 =>
        {
            Ok(-EINVAL)
        }
        // What belongs to the architecture Xen looks up with all bits, and does not find it then.
        memory::MEMORY_MAP | memory::MACHPHYS_MAPPING if first_extent != 0 => Ok(-ENOSYS),
        memory::MAXIMUM_RAM_PAGE => Ok(to_result(call.domain.max_gfn)),
        memory::CURRENT_RESERVATION => {
            let pages = call.machine.frames().owned();
            of_domain(call, argument, |_| pages)
        }
        memory::MAXIMUM_RESERVATION => of_domain(call, argument, |d| d.max_pages),
        memory::MAXIMUM_GPFN => {
            let highest = highest_pfn(call);
            of_domain(call, argument, |_| highest)
        }
        memory::MEMORY_MAP => memory_map(call, argument),
        memory::MACHPHYS_MAPPING => {
            let mapping = MachphysMapping {
                v_start: MACH2PHYS_VIRT_START,
                v_end: MACH2PHYS_VIRT_END,
                max_mfn: call.domain.max_gfn - 1,
            };
            call.space().write(argument, &mapping).map(|()| 0)
        }
        _ => Ok(-ENOSYS),
    })
}

/// Answers `question` for the domain that the argument names, which can only be the caller.
fn of_domain<M: Machine>(
    call: &mut Call<'_, M>,
    argument: Gva,
    question: impl FnOnce(&crate::domain::Domain) -> u64,
) -> Result<i64, Fault> {
    let named: u16 = call.space().read(argument)?;
    Ok(if is_caller(call, named) { to_result(question(call.domain)) } else { -ESRCH })
}

/// Returns whether a number names the calling domain.
fn is_caller<M>(call: &Call<'_, M>, named: u16) -> bool {
    named == xenolith_abi::domain::SELF || DomId(named) == call.domain.id
}

/// What a frame number stands for is not for the guest to say, as for every domain of this kind.
fn add_to_physmap<M: Machine>(call: &mut Call<'_, M>, argument: Gva) -> Result<i64, Fault> {
    let wanted: AddToPhysmap = call.space().read(argument)?;
    Ok(match wanted.space {
        memory::MAPSPACE_GMFN_FOREIGN => -ENOSYS,
        _ if !is_caller(call, wanted.domid) => -ESRCH,
        _ => -EACCES,
    })
}

fn remove_from_physmap<M: Machine>(call: &mut Call<'_, M>, argument: Gva) -> Result<i64, Fault> {
    let wanted: RemoveFromPhysmap = call.space().read(argument)?;
    Ok(if is_caller(call, wanted.domid) { -EACCES } else { -ESRCH })
}

/// Returns the highest frame number that the domain says it uses, in its `shared_info`.
fn highest_pfn<M: Machine>(call: &mut Call<'_, M>) -> u64 {
    let at = call.domain.shared_info.0 + MAX_PFN_OFFSET;
    let count = call.machine.memory().read_word(Gpa(at)).unwrap_or(0);
    // The count is the guest's claim; all it can do is be shown to the guest again.
    count.saturating_sub(1).min(i64::MAX.unsigned_abs())
}

/// Writes the memory map: one entry, all of the domain's memory.
fn memory_map<M: Machine>(call: &mut Call<'_, M>, argument: Gva) -> Result<i64, Fault> {
    let mut map: MemoryMap = call.space().read(argument)?;
    let entry =
        E820Entry { addr: 0, size: call.domain.memory_pages * PAGE_SIZE, type_: memory::E820_RAM };
    map.nr_entries = map.nr_entries.min(1);
    if map.nr_entries == 1 {
        call.space().write(Gva(map.buffer), &entry)?;
    }
    call.space().write(argument, &map)?;
    Ok(0)
}

fn to_result(count: u64) -> i64 {
    i64::try_from(count).expect("a count of pages is below 2^52")
}
