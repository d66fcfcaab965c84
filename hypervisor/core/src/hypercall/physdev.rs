//! `physdev_op`: what a domain without devices may ask for.
//!
//! Ports read as all ones and swallow what is written, for kernel and processes: the level and the
//! bitmap are checked and remembered only.

use super::{Args, Call, Machine, Outcome, as_u32, finish, handle};
use crate::address::Gva;
use crate::guest_access::is_reachable;
use crate::vcpu::PortRights;
use xenolith_abi::errno::{EINVAL, ENOSYS};
use xenolith_abi::physdev::{self as abi, Eoi, SetIobitmap, SetIopl};

const PORTS: u32 = 0x1_0000;

pub(super) fn physdev_op<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let argument = handle(args[1]);
    finish(match as_u32(args[0]) {
        abi::SET_IOPL => call.space().read(argument).map(|level: SetIopl| match level.iopl {
            level @ 0..=3 => {
                call.vcpu.port_rights.level = level;
                0
            }
            _ => -EINVAL,
        }),
        abi::SET_IOBITMAP => call.space().read(argument).map(|map: SetIobitmap| {
            if map.nr_ports > PORTS || !is_reachable(Gva(map.bitmap)) {
                return -EINVAL;
            }
            let level = call.vcpu.port_rights.level;
            let (bitmap, ports) = (Gva(map.bitmap), map.nr_ports);
            call.vcpu.port_rights = PortRights { level, bitmap, ports };
            0
        }),
        // No domain has an interrupt to end.
        abi::EOI => call.space().read::<Eoi>(argument).map(|_| -EINVAL),
        _ => Ok(-ENOSYS),
    })
}
