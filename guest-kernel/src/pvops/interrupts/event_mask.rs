//! The event mask, a byte of the vCPU's record (`vcpu_info`): what a kernel has under Xenolith.
//!
//! `docs/interrupt-flag.md` says what the operations have to do. Alternatives have the record's address in
//! their instructions, which costs nothing; functions of the table are in `anywhere`.

mod anywhere;

use core::mem::offset_of;

use xenolith_abi::shared_info::VcpuInfo;

use super::BackEnd;
use crate::{
    irq::Flags,
    pvops::{
        alternative::{alternative, in_record, to_outside},
        calls,
    },
};

const MASK: usize = offset_of!(VcpuInfo, evtchn_upcall_mask);
const PENDING: usize = offset_of!(VcpuInfo, evtchn_upcall_pending);

alternative! {
    disable: IrqDisable in Xenolith,
    ["mov byte ptr [{mask}], 1", in_record!(1)],
    mask = const MASK,
}

alternative! {
    enable: IrqEnable in Xenolith,
    [
        "mov byte ptr [{mask}], 0", in_record!(1),
        "cmp byte ptr [{pending}], 0", in_record!(1),
        "je 4f",
        "call {force_upcall}", to_outside!(),
        "4:",
    ],
    mask = const MASK,
    pending = const PENDING,
    force_upcall = sym anywhere::force_upcall,
}

alternative! {
    /// The comparison borrows if the mask is zero, and only then.
    save: SaveFl in Xenolith,
    [
        "cmp byte ptr [{mask}], 1", in_record!(1),
        "sbb eax, eax",
        "and eax, {interrupt_flag}",
    ],
    mask = const MASK,
    interrupt_flag = const Flags::IF.bits(),
}

alternative! {
    restore: RestoreFl in Xenolith,
    [
        "test edi, {interrupt_flag}",
        "je 4f",
        "mov byte ptr [{mask}], 0", in_record!(1),
        "cmp byte ptr [{pending}], 0", in_record!(1),
        "je 4f",
        "call {force_upcall}", to_outside!(),
        "4:",
    ],
    mask = const MASK,
    pending = const PENDING,
    interrupt_flag = const Flags::IF.bits(),
    force_upcall = sym anywhere::force_upcall,
}

alternative! {
    ordinary halt: SafeHalt in Xenolith, ["call {block}", to_outside!()],
    block = sym calls::safe_halt,
}

/// The back end.
#[expect(clippy::fn_to_numeric_cast_any, reason = "functions of several types, as addresses")]
pub(in crate::pvops) const BACK_END: BackEnd = BackEnd {
    disable: anywhere::disable as *const (),
    enable: anywhere::enable as *const (),
    save: anywhere::save as *const (),
    restore: anywhere::restore as *const (),
    halt: calls::safe_halt as *const (),
};

/// Alternatives that are no functions of the table: nothing else keeps them.
#[used]
static TEMPLATES: [unsafe extern "C" fn(); 5] = [disable, enable, save, restore, halt];
