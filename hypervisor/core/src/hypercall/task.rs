//! What a kernel asks for when it changes tasks: `stack_switch`, `fpu_taskswitch` and
//! `set_segment_base`. The resident serves them; here they are entries of a list of calls.

use super::{Args, Call, Machine, Outcome, as_u32, publish_data};
use crate::address::Gva;
use crate::resident::VcpuData;
use core::mem::offset_of;
use xenolith_abi::errno::{EINVAL, ENOSYS};
use xenolith_abi::segment::{SEGBASE_FS, SEGBASE_GS_KERNEL, SEGBASE_GS_USER, SEGBASE_GS_USER_SEL};

/// A base address that a kernel sets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SegmentBase {
    /// That of FS.
    Fs,
    /// That of GS while the kernel runs.
    KernelGs,
    /// That of GS while a process runs.
    UserGs,
}

/// What the next use of the x87 or vector unit does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FpuUse {
    /// It goes ahead.
    Allowed,
    /// It is an exception (CR0.TS).
    Trapped,
}

pub(super) fn stack_switch<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    publish_data(call, offset_of!(VcpuData, kernel_sp), args[1] & !0xf);
    Outcome::Return(0)
}

pub(super) fn fpu_taskswitch<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    call.machine.set_fpu_use(match as_u32(args[0]) {
        0 => FpuUse::Allowed,
        _ => FpuUse::Trapped,
    });
    Outcome::Return(0)
}

pub(super) fn set_segment_base<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let base = match as_u32(args[0]) {
        SEGBASE_FS => SegmentBase::Fs,
        SEGBASE_GS_USER => SegmentBase::UserGs,
        SEGBASE_GS_KERNEL => SegmentBase::KernelGs,
        // Loading a selector takes the CPU in the guest's state.
        SEGBASE_GS_USER_SEL => return Outcome::Return(-ENOSYS),
        _ => return Outcome::Return(-EINVAL),
    };
    let address = Gva(args[1]);
    if !address.is_canonical() {
        return Outcome::Return(-EINVAL);
    }
    call.machine.set_segment_base(base, address);
    Outcome::Return(0)
}
