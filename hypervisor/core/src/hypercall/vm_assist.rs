//! `vm_assist` (`xen/public/xen.h`): remembers what a domain asks for.

use super::{Args, Call, Machine, Outcome, as_u32};
use xenolith_abi::errno::{EINVAL, ENOSYS};
use xenolith_abi::vm_assist as abi;

/// The types that Xen knows for a 64-bit PV domain.
const VALID: u64 = 1 << abi::TYPE_4GB_SEGMENTS
    | 1 << abi::TYPE_4GB_SEGMENTS_NOTIFY
    | 1 << abi::TYPE_WRITABLE_PAGETABLES
    | 1 << abi::TYPE_PAE_EXTENDED_CR3
    | 1 << abi::TYPE_ARCHITECTURAL_IOPL
    | 1 << abi::TYPE_RUNSTATE_UPDATE_FLAG
    | 1 << abi::TYPE_M2P_STRICT;

pub(super) fn vm_assist<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let bit = 1u64.checked_shl(as_u32(args[1])).unwrap_or(0);
    if bit & VALID == 0 {
        return Outcome::Return(-EINVAL);
    }
    match as_u32(args[0]) {
        abi::CMD_ENABLE => call.domain.assists |= bit,
        abi::CMD_DISABLE => call.domain.assists &= !bit,
        _ => return Outcome::Return(-ENOSYS),
    }
    Outcome::Return(0)
}
