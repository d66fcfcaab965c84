//! `set_debugreg` and `get_debugreg`.

use super::{Args, Call, Machine, Outcome, as_u32};
use crate::address::Gva;
use crate::guest_access::is_reachable;
use xenolith_abi::errno::{EINVAL, ENODEV, EPERM};

/// CR4: registers 4 and 5 are none, and breakpoints may be at ports.
const DEBUGGING_EXTENSIONS: u64 = 1 << 3;
/// DR6: bits that are always set, and one that never is (SDM 3B, "Debug Status Register").
const STATUS_SET: u64 = 0xffff_0ff0;
const STATUS_CLEAR: u64 = 1 << 12;
/// DR7: bits that can be set, one that always is, and general detect.
const CONTROL_FREE: u64 = 0xffff_23ff;
const CONTROL_SET: u64 = 1 << 10;
const GENERAL_DETECT: u64 = 1 << 13;
/// DR7: the enabling bits of the breakpoints.
const ENABLED: u64 = 0xff;

pub(super) fn set_debugreg<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let [register, value, ..] = *args;
    let result = match known(call, as_u32(register)) {
        None => Err(ENODEV),
        Some(number @ 6) => status(value).map(|value| (number, value)),
        Some(number @ 7) => control(call, value).map(|value| (number, value)),
        Some(_) if !is_reachable(Gva(value)) => Err(EPERM),
        Some(number) => Ok((number, value)),
    };
    Outcome::Return(match result {
        Ok((number, value)) => {
            call.machine.set_debug_register(number, value);
            0
        }
        Err(error) => -error,
    })
}

/// The value itself is what is returned: what looks like an error may be an address.
pub(super) fn get_debugreg<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    Outcome::Return(match known(call, as_u32(args[0])) {
        Some(number) => call.machine.debug_register(number).cast_signed(),
        None => -ENODEV,
    })
}

/// Returns which register a number means: 4 and 5 mean others, or none.
fn known<M: Machine>(call: &Call<'_, M>, register: u32) -> Option<u8> {
    let aliased = call.machine.cr4() & DEBUGGING_EXTENSIONS == 0;
    match register {
        4 if aliased => Some(6),
        5 if aliased => Some(7),
        0..=3 | 6 | 7 => u8::try_from(register).ok(),
        _ => None,
    }
}

fn status(value: u64) -> Result<u64, i64> {
    u32::try_from(value).map_err(|_| EINVAL)?;
    Ok((value | STATUS_SET) & !STATUS_CLEAR)
}

fn control<M: Machine>(call: &Call<'_, M>, value: u64) -> Result<u64, i64> {
    u32::try_from(value).map_err(|_| EINVAL)?;
    let value = value & CONTROL_FREE | CONTROL_SET;
    let at_port = (0..4).any(|i| value >> (16 + 4 * i) & 3 == 2);
    let refused = value & ENABLED != 0 && at_port;
    if value & GENERAL_DETECT != 0 || (refused && call.machine.cr4() & DEBUGGING_EXTENSIONS == 0) {
        return Err(EPERM);
    }
    Ok(value)
}
