//! `mmu_update`: entries of page tables, and of the machine-to-physical table.

use super::super::{Args, Outcome, OwnState};
use super::batch::Batch;
use super::{Owner, Refusal, Tables, owner};
use crate::address::{DomId, Gpa, Gva, to_u64};
use crate::guest_memory::GuestMemory;
use xenolith_abi::errno::{EFAULT, EINVAL, ENOSYS, EPERM, ESRCH};
use xenolith_abi::mmu::{
    MACHPHYS_UPDATE, MmuUpdate, NORMAL_PT_UPDATE, PT_UPDATE_NO_TRANSLATE, PT_UPDATE_PRESERVE_AD,
};

/// The bits of an address that say what to do.
const COMMAND: u64 = 7;
const PRESENT: u64 = 1 << 0;
const ACCESSED_DIRTY: u64 = 0x60;

pub(in super::super) fn mmu_update<S: OwnState>(
    tables: &mut Tables<'_, S>,
    args: &Args,
) -> Outcome {
    let batch = match Batch::new(tables.state, args) {
        Ok(batch) => batch,
        Err(outcome) => return outcome,
    };
    // The upper half names whose page tables are meant, plus 1; the lower half whose memory.
    let [a, b, c, d] = batch.domain.to_le_bytes();
    let (memory, pages) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
    if pages != 0 && DomId(pages - 1) != tables.domain {
        return Outcome::Return(-ESRCH);
    }
    let owner = match owner(memory) {
        Ok(owner) => owner,
        Err(Refusal(error)) => return batch.end(tables.state, 0, -error),
    };
    batch.run(tables, to_u64(size_of::<MmuUpdate>()), |tables, at| update(tables, at, owner))
}

fn update<S: OwnState>(tables: &mut Tables<'_, S>, at: Gva, owner: Owner) -> Result<(), Refusal> {
    let MmuUpdate { ptr, val } = tables.state.space().read(at).map_err(|_| Refusal(EFAULT))?;
    let place = Gpa(ptr & !COMMAND);
    match ptr & COMMAND {
        NORMAL_PT_UPDATE | PT_UPDATE_NO_TRANSLATE => set_entry(tables, place, val, 0, owner),
        PT_UPDATE_PRESERVE_AD => set_entry(tables, place, val, ACCESSED_DIRTY, owner),
        MACHPHYS_UPDATE => set_machine_to_physical(tables, place, val, owner),
        _ => Err(Refusal(ENOSYS)),
    }
}

/// Stores an entry, with the bits `kept` of the old one.
fn set_entry<S: OwnState>(
    tables: &mut Tables<'_, S>,
    at: Gpa,
    entry: u64,
    kept: u64,
    owner: Owner,
) -> Result<(), Refusal> {
    if owner == Owner::Devices && entry & PRESENT != 0 {
        return Err(Refusal(EPERM));
    }
    match tables.state.memory().replace_word(at, entry, kept) {
        Some(_) => Ok(()),
        None => Err(Refusal(EINVAL)),
    }
}

fn set_machine_to_physical<S: OwnState>(
    tables: &mut Tables<'_, S>,
    at: Gpa,
    frame: u64,
    owner: Owner,
) -> Result<(), Refusal> {
    let gfn = at.gfn();
    if owner == Owner::Devices {
        return Err(Refusal(EINVAL));
    }
    tables.frame(gfn)?;
    let entry = tables.hole.m2p_entry(gfn).ok_or(Refusal(EINVAL))?;
    tables.state.publish(entry, &frame.to_le_bytes());
    Ok(())
}
