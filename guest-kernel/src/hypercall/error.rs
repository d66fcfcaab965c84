//! Errors that the hypervisor answers with.

use core::fmt;

use xenolith_abi::errno;

/// A Xen error number, positive as in `xen/public/errno.h`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Errno(pub i64);

/// The lowest result that is an error; one below it is a value with its top bit set.
const MOST_NEGATIVE: i64 = -4095;

impl Errno {
    /// Tells an error from a value in what a hypercall left in RAX.
    ///
    /// # Errors
    ///
    /// The error number, if it is one.
    pub fn check(result: u64) -> Result<u64, Self> {
        match result.cast_signed() {
            error @ MOST_NEGATIVE..0 => Err(Self(-error)),
            _ => Ok(result),
        }
    }

    /// Returns the name of the error, where this library knows it.
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(number, _)| *number == self.0).map(|&(_, name)| name)
    }
}

/// The errors that the calls in this library meet.
const NAMES: &[(i64, &str)] = &[
    (errno::EPERM, "EPERM"),
    (errno::ENOENT, "ENOENT"),
    (errno::ESRCH, "ESRCH"),
    (errno::E2BIG, "E2BIG"),
    (errno::EAGAIN, "EAGAIN"),
    (errno::ENOMEM, "ENOMEM"),
    (errno::EACCES, "EACCES"),
    (errno::EFAULT, "EFAULT"),
    (errno::EBUSY, "EBUSY"),
    (errno::EEXIST, "EEXIST"),
    (errno::EINVAL, "EINVAL"),
    (errno::ENOSYS, "ENOSYS"),
];

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "error {}", self.0),
        }
    }
}

impl core::error::Error for Errno {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_small_negative_results_are_errors() {
        assert_eq!(Errno::check(0), Ok(0));
        assert_eq!(Errno::check(38), Ok(38));
        assert_eq!(Errno::check((-38_i64).cast_unsigned()), Err(Errno(errno::ENOSYS)));
        assert_eq!(Errno::check((-4095_i64).cast_unsigned()), Err(Errno(4095)));
        let address = 0xffff_8000_0000_0000;
        assert_eq!(Errno::check(address), Ok(address));
    }

    #[test]
    fn errors_print_their_names() {
        assert_eq!(Errno(errno::EFAULT).to_string(), "EFAULT");
        assert_eq!(Errno(4000).to_string(), "error 4000");
    }
}
