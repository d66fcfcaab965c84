//! Why a request fails.

use xenolith_abi::xenstore as abi;

/// What a request fails with; `xen/io/xs_wire.h` has the names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Error {
    /// The request makes no sense.
    Invalid,
    /// The caller has no right to the node.
    Denied,
    /// The watch is there already.
    Exists,
    /// There is no such node, watch or transaction.
    NotFound,
    /// A bound has been reached.
    NoSpace,
    /// There are too many watches, or the answer does not fit into a message.
    TooBig,
    /// There is no such request.
    Unknown,
    /// There are no transactions within transactions.
    Busy,
    /// The tree has changed since the transaction was started.
    Again,
    /// Only the owner could do so, and not everything.
    NotPermitted,
}

impl Error {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Invalid,
        Self::Denied,
        Self::Exists,
        Self::NotFound,
        Self::NoSpace,
        Self::TooBig,
        Self::Unknown,
        Self::Busy,
        Self::Again,
        Self::NotPermitted,
    ];

    /// Returns the name by which the reply tells it.
    pub const fn name(self) -> &'static [u8] {
        match self {
            Self::Invalid => abi::ERROR_NAME_EINVAL,
            Self::Denied => abi::ERROR_NAME_EACCES,
            Self::Exists => abi::ERROR_NAME_EEXIST,
            Self::NotFound => abi::ERROR_NAME_ENOENT,
            Self::NoSpace => abi::ERROR_NAME_ENOSPC,
            Self::TooBig => abi::ERROR_NAME_E2BIG,
            Self::Unknown => abi::ERROR_NAME_ENOSYS,
            Self::Busy => abi::ERROR_NAME_EBUSY,
            Self::Again => abi::ERROR_NAME_EAGAIN,
            Self::NotPermitted => abi::ERROR_NAME_EPERM,
        }
    }
}
