//! `xen_version` (`xen/public/version.h`).

use super::{Args, Call, Machine, Outcome, as_u32, finish, handle};
use crate::address::Gva;
use crate::guest_access::Fault;
use xenolith_abi::errno::{EINVAL, ENOSYS, EPERM};
use xenolith_abi::guest_layout::HYPERVISOR_VIRT_START;
use xenolith_abi::version::{self, CompileInfo, FeatureInfo, PlatformParameters};
use zerocopy::FromZeros;

/// Major version in the upper half: the interface is that of Xen 4.17.
pub const VERSION: i64 = (4 << 16) + 17;
const EXTRA_VERSION: &str = ".0-xenolith";
const CAPABILITIES: &str = "xen-3.0-x86_64 ";
const PAGE_SIZE: i64 = 4096;
/// What an ordinary domain reads in place of what it may not know.
const DENIED: &[u8] = b"<denied>\0";

pub(super) fn xen_version<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let to = handle(args[1]);
    finish(match as_u32(args[0]) {
        version::VERSION => Ok(VERSION),
        version::EXTRAVERSION => call.space().write(to, &padded::<16>(EXTRA_VERSION)).map(|()| 0),
        version::COMPILE_INFO => call.space().write(to, &compile_info()).map(|()| 0),
        version::CAPABILITIES => call.space().write(to, &padded::<1024>(CAPABILITIES)).map(|()| 0),
        version::CHANGESET => {
            call.space().write(to, &padded::<64>(env!("CARGO_PKG_VERSION"))).map(|()| 0)
        }
        version::PLATFORM_PARAMETERS => {
            let parameters = PlatformParameters { virt_start: HYPERVISOR_VIRT_START };
            call.space().write(to, &parameters).map(|()| 0)
        }
        version::GET_FEATURES => features(call, to),
        version::PAGESIZE if to == Gva(0) => Ok(PAGE_SIZE),
        version::PAGESIZE => Ok(-EINVAL),
        version::GUEST_HANDLE => {
            let mut uuid = [0; 16];
            uuid[14..].copy_from_slice(&call.domain.id.0.to_be_bytes());
            call.space().write(to, &uuid).map(|()| 0)
        }
        version::COMMANDLINE => call.space().copy_out(to, DENIED).map(|()| 0),
        version::BUILD_ID => Ok(-EPERM),
        _ => Ok(-ENOSYS),
    })
}

fn features<M: Machine>(call: &mut Call<'_, M>, at: Gva) -> Result<i64, Fault> {
    let mut info: FeatureInfo = call.space().read(at)?;
    if info.submap_idx != 0 {
        return Ok(-EINVAL);
    }
    info.submap = call.domain.features();
    call.space().write(at, &info)?;
    Ok(0)
}

fn compile_info() -> CompileInfo {
    let mut info = CompileInfo::new_zeroed();
    info.compiler = padded("rustc");
    info.compile_by = padded("xenolith");
    info.compile_domain = padded("xenolith");
    info.compile_date = padded("unknown");
    info
}

/// Returns `text` followed by zeros; one that is too long is cut and still terminated.
pub(super) fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let len = text.len().min(N - 1);
    bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
    bytes
}
