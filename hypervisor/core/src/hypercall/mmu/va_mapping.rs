//! `update_va_mapping`: the last-level entry that maps an address.

use super::super::{Args, Outcome, OwnState, as_u32};
use super::{Owner, Refusal, Tables, owner};
use crate::address::Gva;
use crate::guest_memory::GuestMemory;
use xenolith_abi::errno::{EFAULT, EINVAL, EPERM};
use xenolith_abi::guest_layout::HYPERVISOR_VIRT_END;
use xenolith_abi::mmu::{UVMF_ALL, UVMF_FLUSHTYPE_MASK, UVMF_INVLPG, UVMF_LOCAL, UVMF_TLB_FLUSH};

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
/// The page that processes call for the time, which kernels do not write to.
const VSYSCALL: u64 = 0xffff_ffff_ff60_0000;

pub(in super::super) fn update_va_mapping<S: OwnState>(
    tables: &mut Tables<'_, S>,
    args: &Args,
) -> Outcome {
    let [address, entry, flags, ..] = *args;
    finish(update(tables, Gva(address), entry, flags))
}

pub(in super::super) fn update_va_mapping_otherdomain<S: OwnState>(
    tables: &mut Tables<'_, S>,
    args: &Args,
) -> Outcome {
    let [address, entry, flags, domain, _] = *args;
    let [low, high, ..] = as_u32(domain).to_le_bytes();
    finish(owner(u16::from_le_bytes([low, high])).and_then(|owner| match owner {
        Owner::Caller => update(tables, Gva(address), entry, flags),
        Owner::Devices => Err(Refusal(EPERM)),
    }))
}

fn finish(result: Result<(), Refusal>) -> Outcome {
    Outcome::Return(match result {
        Ok(()) => 0,
        Err(Refusal(error)) => -error,
    })
}

fn update<S: OwnState>(
    tables: &mut Tables<'_, S>,
    address: Gva,
    entry: u64,
    flags: u64,
) -> Result<(), Refusal> {
    let slot = tables.state.space().last_level_slot(address).ok_or(Refusal(EINVAL))?;
    let entry = writable_table(address, entry);
    tables.state.memory().replace_word(slot, entry, 0).ok_or(Refusal(EINVAL))?;
    let kind = flags & UVMF_FLUSHTYPE_MASK;
    if kind != UVMF_TLB_FLUSH && kind != UVMF_INVLPG {
        return Ok(());
    }
    let concerns_caller = match flags & !UVMF_FLUSHTYPE_MASK {
        UVMF_LOCAL | UVMF_ALL => true,
        bitmap => tables.names_caller(Gva(bitmap)).map_err(|_| Refusal(EFAULT))?,
    };
    match kind {
        UVMF_TLB_FLUSH if concerns_caller => tables.state.flush_translations(),
        UVMF_INVLPG if concerns_caller => tables.state.flush_page(address),
        _ => {}
    }
    Ok(())
}

/// Makes a mapping of the kernel's half writable. Kernels map their page tables read-only by this
/// call, and on Xen go on to store to them: Xen emulates each store. Here nothing has to be
/// emulated if the mapping is writable.
const fn writable_table(address: Gva, entry: u64) -> u64 {
    let is_kernel = address.0 >= HYPERVISOR_VIRT_END && address.page_base().0 != VSYSCALL;
    if is_kernel && entry & PRESENT != 0 { entry | WRITABLE } else { entry }
}
