//! Why an operation on event channels was refused.

use xenolith_abi::errno;

/// A reason; each stands for one error number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Error {
    /// There is no such domain.
    NoDomain,
    /// There is no such vCPU.
    NoVcpu,
    /// The port or the interrupt does not exist, or is not in a state for this.
    Invalid,
    /// The virtual interrupt has a port on this vCPU already.
    Bound,
    /// All ports are in use.
    Full,
    /// The domain may not do this to another one.
    Denied,
    /// A reset is in progress, or none is.
    Busy,
    /// Ports were bound during the reset.
    Again,
}

impl Error {
    /// Returns the error number, a positive one (`xen/public/errno.h`).
    pub const fn errno(self) -> i64 {
        match self {
            Self::NoDomain => errno::ESRCH,
            Self::NoVcpu => errno::ENOENT,
            Self::Invalid => errno::EINVAL,
            Self::Bound => errno::EEXIST,
            Self::Full => errno::ENOSPC,
            Self::Denied => errno::EPERM,
            Self::Busy => errno::EBUSY,
            Self::Again => errno::EAGAIN,
        }
    }
}
