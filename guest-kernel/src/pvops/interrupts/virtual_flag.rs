//! CR4.PVI's virtual flag, VIF: what a kernel in ring 3 could have. An experiment, for scenarios
//! (`tests/src/bin/pvi`, `docs/decisions/0023-no-virtual-flag.md`): our kernels are in ring 0, where PVI does nothing.
//!
//! Whoever is below looks at VIF when an interrupt comes. If it is clear he sets VIP, the flag
//! beside it, and STI then raises a general-protection fault, at which he delivers the interrupt.

use super::BackEnd;
use crate::{irq::Flags, pvops::alternative::alternative};

/// How far VIF is above IF.
const DISTANCE: u32 = 10;

alternative! {
    disable: IrqDisable in Trial, ["cli"]
}

alternative! {
    /// No test of what waits: STI makes it.
    enable: IrqEnable in Trial, ["sti"]
}

alternative! {
    /// PUSHF shows VIF where it is, and as IF the processor's own.
    save: SaveFl in Trial,
    ["pushfq", "pop rax", "shr eax, {distance}", "and eax, {interrupt_flag}"],
    distance = const DISTANCE,
    interrupt_flag = const Flags::IF.bits(),
}

alternative! {
    /// POPF would leave VIF as it is.
    restore: RestoreFl in Trial, ["test edi, {interrupt_flag}", "je 4f", "sti", "4:"],
    interrupt_flag = const Flags::IF.bits(),
}

alternative! {
    /// HLT faults in ring 3, and whoever is below enables and waits in one step. STI before it would be
    /// served on its own, and the wait begin behind what should have ended it.
    halt: SafeHalt in Trial, ["hlt"]
}

/// The back end, which no table has: nothing else keeps it.
#[expect(clippy::fn_to_numeric_cast_any, reason = "functions of one type, as addresses")]
#[used]
static BACK_END: BackEnd = BackEnd {
    disable: disable as *const (),
    enable: enable as *const (),
    save: save as *const (),
    restore: restore as *const (),
    halt: halt as *const (),
};
