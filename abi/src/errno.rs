//! Error numbers, as positive values; a hypercall that fails returns one negated.
//!
//! Source: `xen/errno.h`.

/// The caller is not permitted to do this.
#[doc(alias = "XEN_EPERM")]
pub const EPERM: i64 = 1;

/// The named object does not exist.
#[doc(alias = "XEN_ENOENT")]
pub const ENOENT: i64 = 2;

/// There is no such domain.
#[doc(alias = "XEN_ESRCH")]
pub const ESRCH: i64 = 3;

/// A device failed.
#[doc(alias = "XEN_EIO")]
pub const EIO: i64 = 5;

/// There is no such device or address.
#[doc(alias = "XEN_ENXIO")]
pub const ENXIO: i64 = 6;

/// The argument list is too long.
#[doc(alias = "XEN_E2BIG")]
pub const E2BIG: i64 = 7;

/// The format of the image is wrong.
#[doc(alias = "XEN_ENOEXEC")]
pub const ENOEXEC: i64 = 8;

/// The descriptor is not valid.
#[doc(alias = "XEN_EBADF")]
pub const EBADF: i64 = 9;

/// There is no child.
#[doc(alias = "XEN_ECHILD")]
pub const ECHILD: i64 = 10;

/// Try again later.
#[doc(alias = "XEN_EAGAIN")]
#[doc(alias = "XEN_EWOULDBLOCK")]
pub const EAGAIN: i64 = 11;

/// Memory is exhausted.
#[doc(alias = "XEN_ENOMEM")]
pub const ENOMEM: i64 = 12;

/// Access is denied.
#[doc(alias = "XEN_EACCES")]
pub const EACCES: i64 = 13;

/// A guest address is bad.
#[doc(alias = "XEN_EFAULT")]
pub const EFAULT: i64 = 14;

/// The resource is in use.
#[doc(alias = "XEN_EBUSY")]
pub const EBUSY: i64 = 16;

/// The object exists already.
#[doc(alias = "XEN_EEXIST")]
pub const EEXIST: i64 = 17;

/// The link crosses devices.
#[doc(alias = "XEN_EXDEV")]
pub const EXDEV: i64 = 18;

/// There is no such device.
#[doc(alias = "XEN_ENODEV")]
pub const ENODEV: i64 = 19;

/// The object is not a directory.
#[doc(alias = "XEN_ENOTDIR")]
pub const ENOTDIR: i64 = 20;

/// The object is a directory.
#[doc(alias = "XEN_EISDIR")]
pub const EISDIR: i64 = 21;

/// An argument is invalid.
#[doc(alias = "XEN_EINVAL")]
pub const EINVAL: i64 = 22;

/// Too many files are open in the system.
#[doc(alias = "XEN_ENFILE")]
pub const ENFILE: i64 = 23;

/// Too many files are open.
#[doc(alias = "XEN_EMFILE")]
pub const EMFILE: i64 = 24;

/// No space is left.
#[doc(alias = "XEN_ENOSPC")]
pub const ENOSPC: i64 = 28;

/// The file system is read-only.
#[doc(alias = "XEN_EROFS")]
pub const EROFS: i64 = 30;

/// There are too many links.
#[doc(alias = "XEN_EMLINK")]
pub const EMLINK: i64 = 31;

/// The argument is outside the function's domain.
#[doc(alias = "XEN_EDOM")]
pub const EDOM: i64 = 33;

/// The result cannot be represented.
#[doc(alias = "XEN_ERANGE")]
pub const ERANGE: i64 = 34;

/// A deadlock would occur.
#[doc(alias = "XEN_EDEADLK")]
#[doc(alias = "XEN_EDEADLOCK")]
pub const EDEADLK: i64 = 35;

/// The name is too long.
#[doc(alias = "XEN_ENAMETOOLONG")]
pub const ENAMETOOLONG: i64 = 36;

/// No lock is available.
#[doc(alias = "XEN_ENOLCK")]
pub const ENOLCK: i64 = 37;

/// The operation is not implemented.
#[doc(alias = "XEN_ENOSYS")]
pub const ENOSYS: i64 = 38;

/// The directory is not empty.
#[doc(alias = "XEN_ENOTEMPTY")]
pub const ENOTEMPTY: i64 = 39;

/// No data is available.
#[doc(alias = "XEN_ENODATA")]
pub const ENODATA: i64 = 61;

/// The time has passed.
#[doc(alias = "XEN_ETIME")]
pub const ETIME: i64 = 62;

/// The message is malformed.
#[doc(alias = "XEN_EBADMSG")]
pub const EBADMSG: i64 = 74;

/// The value does not fit its type.
#[doc(alias = "XEN_EOVERFLOW")]
pub const EOVERFLOW: i64 = 75;

/// The byte sequence is illegal.
#[doc(alias = "XEN_EILSEQ")]
pub const EILSEQ: i64 = 84;

/// The object is not a socket.
#[doc(alias = "XEN_ENOTSOCK")]
pub const ENOTSOCK: i64 = 88;

/// The message is too long.
#[doc(alias = "XEN_EMSGSIZE")]
pub const EMSGSIZE: i64 = 90;

/// The operation is not supported here.
#[doc(alias = "XEN_EOPNOTSUPP")]
pub const EOPNOTSUPP: i64 = 95;

/// The address is in use.
#[doc(alias = "XEN_EADDRINUSE")]
pub const EADDRINUSE: i64 = 98;

/// The address is not available.
#[doc(alias = "XEN_EADDRNOTAVAIL")]
pub const EADDRNOTAVAIL: i64 = 99;

/// No buffer space is available.
#[doc(alias = "XEN_ENOBUFS")]
pub const ENOBUFS: i64 = 105;

/// The endpoint is connected already.
#[doc(alias = "XEN_EISCONN")]
pub const EISCONN: i64 = 106;

/// The endpoint is not connected.
#[doc(alias = "XEN_ENOTCONN")]
pub const ENOTCONN: i64 = 107;

/// The connection timed out.
#[doc(alias = "XEN_ETIMEDOUT")]
pub const ETIMEDOUT: i64 = 110;

/// The connection was refused.
#[doc(alias = "XEN_ECONNREFUSED")]
pub const ECONNREFUSED: i64 = 111;
