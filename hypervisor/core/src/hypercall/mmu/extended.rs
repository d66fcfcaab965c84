//! `mmuext_op`: everything about page tables that is not an entry.

use super::super::{Args, Outcome, OwnState, as_u32};
use super::batch::Batch;
use super::{Owner, Refusal, Tables, owner};
use crate::address::{Gfn, Gpa, Gva, PAGE_SIZE, to_u64};
use crate::guest_access::is_reachable;
use crate::guest_memory::GuestMemory;
use xenolith_abi::errno::{EACCES, EFAULT, EINVAL, ENOSYS, EOPNOTSUPP, EPERM};
use xenolith_abi::mmu::{self as abi, MmuextOp};

/// Entries of a local descriptor table, at most.
const MAX_LDT_ENTRIES: u16 = 8192;

pub(in super::super) fn mmuext_op<S: OwnState>(tables: &mut Tables<'_, S>, args: &Args) -> Outcome {
    let batch = match Batch::new(tables.state, args) {
        Ok(batch) => batch,
        Err(outcome) => return outcome,
    };
    let [low, high, ..] = batch.domain.to_le_bytes();
    match owner(u16::from_le_bytes([low, high])) {
        Ok(Owner::Caller) => batch.run(tables, to_u64(size_of::<MmuextOp>()), operation),
        Ok(Owner::Devices) => Outcome::Return(-EPERM),
        Err(Refusal(error)) => Outcome::Return(-error),
    }
}

fn operation<S: OwnState>(tables: &mut Tables<'_, S>, at: Gva) -> Result<(), Refusal> {
    let MmuextOp { cmd, arg1, arg2, .. } =
        tables.state.space().read(at).map_err(|_| Refusal(EFAULT))?;
    let frame = Gfn(arg1);
    match cmd {
        abi::PIN_L1_TABLE | abi::PIN_L2_TABLE | abi::PIN_L3_TABLE | abi::UNPIN_TABLE => {
            tables.frame(frame).map(|_| ())
        }
        abi::PIN_L4_TABLE => tables.top_level(frame).map(|_| ()),
        abi::NEW_BASEPTR => {
            let table = tables.top_level(frame)?;
            tables.state.load_cr3(table);
            Ok(())
        }
        // Processes run on the kernel's table, which the user bits keep them out of.
        abi::NEW_USER_BASEPTR if arg1 == 0 => Ok(()),
        abi::NEW_USER_BASEPTR => tables.top_level(frame).map(|_| ()),
        abi::TLB_FLUSH_LOCAL..=abi::INVLPG_ALL => flush(tables, cmd, Gva(arg1), Gva(arg2)),
        // For domains with devices only.
        abi::FLUSH_CACHE => Err(Refusal(EACCES)),
        abi::FLUSH_CACHE_GLOBAL => Err(Refusal(EINVAL)),
        abi::SET_LDT => set_ldt(tables, Gva(arg1), as_u32(arg2)),
        abi::CLEAR_PAGE => clear(tables, frame),
        abi::COPY_PAGE => copy(tables, frame, Gfn(arg2)),
        abi::MARK_SUPER | abi::UNMARK_SUPER => Err(Refusal(EOPNOTSUPP)),
        _ => Err(Refusal(ENOSYS)),
    }
}

fn flush<S: OwnState>(
    tables: &mut Tables<'_, S>,
    command: u32,
    address: Gva,
    bitmap: Gva,
) -> Result<(), Refusal> {
    let of_a_set = matches!(command, abi::TLB_FLUSH_MULTI | abi::INVLPG_MULTI);
    if of_a_set && !tables.names_caller(bitmap).map_err(|_| Refusal(EINVAL))? {
        return Ok(());
    }
    match command {
        abi::TLB_FLUSH_LOCAL | abi::TLB_FLUSH_MULTI | abi::TLB_FLUSH_ALL => {
            tables.state.flush_translations();
        }
        _ => tables.state.flush_page(address),
    }
    Ok(())
}

fn set_ldt<S: OwnState>(
    tables: &mut Tables<'_, S>,
    base: Gva,
    entries: u32,
) -> Result<(), Refusal> {
    let base = if entries == 0 { Gva(0) } else { base };
    let entries = u16::try_from(entries).map_err(|_| Refusal(EINVAL))?;
    if !base.is_aligned(PAGE_SIZE) || !is_reachable(base) || entries > MAX_LDT_ENTRIES {
        return Err(Refusal(EINVAL));
    }
    tables.state.load_ldt(base, entries);
    Ok(())
}

/// Bytes of a page that are moved at a time: few times for a page, and little to have on the stack.
const CHUNK_BYTES: usize = 1024;

fn clear<S: OwnState>(tables: &mut Tables<'_, S>, frame: Gfn) -> Result<(), Refusal> {
    let to = tables.frame(frame)?;
    for offset in (0..PAGE_SIZE).step_by(CHUNK_BYTES) {
        store(tables, Gpa(to.0 + offset), &[0; CHUNK_BYTES])?;
    }
    Ok(())
}

fn copy<S: OwnState>(tables: &mut Tables<'_, S>, to: Gfn, from: Gfn) -> Result<(), Refusal> {
    let (from, to) = (tables.frame(from)?, tables.frame(to)?);
    let mut chunk = [0; CHUNK_BYTES];
    for offset in (0..PAGE_SIZE).step_by(CHUNK_BYTES) {
        if !tables.state.memory().read(Gpa(from.0 + offset), &mut chunk) {
            return Err(Refusal(EINVAL));
        }
        store(tables, Gpa(to.0 + offset), &chunk)?;
    }
    Ok(())
}

fn store<S: OwnState>(tables: &mut Tables<'_, S>, at: Gpa, bytes: &[u8]) -> Result<(), Refusal> {
    if tables.state.memory().write(at, bytes) { Ok(()) } else { Err(Refusal(EINVAL)) }
}
