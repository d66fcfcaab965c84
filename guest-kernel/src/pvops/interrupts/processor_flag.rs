//! The processor's own flag, IF: what a bare kernel has.

use super::BackEnd;
use crate::{irq::Flags, pvops::alternative::alternative};

alternative! {
    disable: IrqDisable in Native, ["cli"]
}

alternative! {
    enable: IrqEnable in Native, ["sti"]
}

alternative! {
    save: SaveFl in Native, ["pushfq", "pop rax", "and eax, {interrupt_flag}"],
    interrupt_flag = const Flags::IF.bits(),
}

alternative! {
    /// A branch and STI: POPF would load every flag, and is slower on every processor.
    restore: RestoreFl in Native, ["test edi, {interrupt_flag}", "je 4f", "sti", "4:"],
    interrupt_flag = const Flags::IF.bits(),
}

alternative! {
    /// No interrupt comes between the two.
    halt: SafeHalt in Native, ["sti", "hlt"]
}

/// The back end.
#[expect(clippy::fn_to_numeric_cast_any, reason = "functions of one type, as addresses")]
pub(in crate::pvops) const BACK_END: BackEnd = BackEnd {
    disable: disable as *const (),
    enable: enable as *const (),
    save: save as *const (),
    restore: restore as *const (),
    halt: halt as *const (),
};
