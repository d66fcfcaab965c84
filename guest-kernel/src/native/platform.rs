//! The services of bare hardware: devices.

use super::{power, serial};
use crate::{abi::errno::ENOSYS, hypercall::Errno, platform::Platform};

pub(super) static PLATFORM: Platform = Platform {
    write: serial::write,
    read: serial::read,
    // There is nobody else.
    yield_now: core::hint::spin_loop,
    install_upcall: || Err(Errno(ENOSYS)),
    bind_virq: |_| Err(Errno(ENOSYS)),
    request_upcall: || {},
    set_timer: |_| {},
    install_vector: |_, _| Err(Errno(ENOSYS)),
    memory_map: || Err(Errno(ENOSYS)),
    shutdown: power::shutdown,
};
