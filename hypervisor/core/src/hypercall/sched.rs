//! `sched_op` (`xen/public/sched.h`).

use super::{Args, Call, Machine, Outcome, as_u32, handle};
use crate::shutdown::ShutdownReason;
use xenolith_abi::errno::ENOSYS;
use xenolith_abi::sched::{self, Shutdown};

pub(super) fn sched_op<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    match as_u32(args[0]) {
        sched::YIELD => Outcome::Yield,
        sched::SHUTDOWN => match call.space().read::<Shutdown>(handle(args[1])) {
            Ok(argument) => Outcome::Shutdown(ShutdownReason::from_number(argument.reason)),
            Err(fault) => fault.into(),
        },
        _ => Outcome::Return(-ENOSYS),
    }
}
