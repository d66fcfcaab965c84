//! The checks of system calls' arguments: numbers of a process, until they are found to make sense.

use core::ops::Range;

use xenolith_system_calls::{
    EBADF, EFAULT, EINVAL, ENOMEM, MAP_BYTES, MAP_WRITE, USER_END, USER_START,
};

use super::regions::{Access, PAGE};

/// An error number, positive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Error(pub i64);

/// A result of a system call.
pub type Answer = Result<u64, Error>;

/// Returns what RAX is to be.
pub fn word(answer: Answer) -> u64 {
    answer.unwrap_or_else(|Error(number)| (-number).cast_unsigned())
}

/// Checks that bytes lie in the addresses of processes; what is mapped there is another question.
///
/// # Errors
///
/// `EFAULT`.
pub fn bytes(address: u64, bytes: u64) -> Result<Range<u64>, Error> {
    let end = address.checked_add(bytes).filter(|&end| end <= USER_END);
    let end = end.filter(|_| address >= USER_START || bytes == 0).ok_or(Error(EFAULT))?;
    Ok(address..end)
}

/// Checks how many bytes a text has, which is copied.
///
/// # Errors
///
/// `too_long`.
pub fn length(bytes: u64, most: usize, too_long: i64) -> Result<usize, Error> {
    let bytes = usize::try_from(bytes).ok().filter(|&bytes| bytes <= most);
    bytes.ok_or(Error(too_long))
}

/// Checks what is to be mapped; returns the bytes of whole pages.
///
/// # Errors
///
/// `EINVAL`, `ENOMEM`.
pub fn map(bytes: u64, flags: u64) -> Result<(u64, Access), Error> {
    let access = match flags {
        0 => Access::Read,
        MAP_WRITE => Access::Write,
        _ => return Err(Error(EINVAL)),
    };
    match bytes {
        0 => Err(Error(EINVAL)),
        1..=MAP_BYTES => Ok((bytes.next_multiple_of(PAGE), access)),
        _ => Err(Error(ENOMEM)),
    }
}

/// Checks what is to be unmapped; returns whole pages, of whatever addresses.
///
/// # Errors
///
/// `EINVAL`.
pub fn unmap(address: u64, bytes: u64) -> Result<Range<u64>, Error> {
    let end = address.checked_add(bytes).and_then(|end| end.checked_next_multiple_of(PAGE));
    let pages = address..end.ok_or(Error(EINVAL))?;
    if pages.start.is_multiple_of(PAGE) && bytes != 0 { Ok(pages) } else { Err(Error(EINVAL)) }
}

/// Checks an address that need not be mapped, nor even be a process's first or last byte.
///
/// # Errors
///
/// `EINVAL`.
pub fn base(address: u64) -> Result<u64, Error> {
    if address < USER_END { Ok(address) } else { Err(Error(EINVAL)) }
}

/// Returns which of a process's files of the ramdisk a number means.
///
/// # Errors
///
/// `EBADF` for the console's.
pub fn file(number: u64) -> Result<usize, Error> {
    let index = number.checked_sub(xenolith_system_calls::ERRORS + 1);
    index.and_then(|index| usize::try_from(index).ok()).ok_or(Error(EBADF))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FAULT: Result<Range<u64>, Error> = Err(Error(EFAULT));
    const INVALID: Error = Error(EINVAL);

    #[test]
    fn pointers_stay_in_user_space() {
        assert_eq!(bytes(USER_START, 1), Ok(USER_START..USER_START + 1));
        assert_eq!(bytes(USER_END - 1, 1), Ok(USER_END - 1..USER_END));
        assert_eq!(bytes(0, 0), Ok(0..0));
        for (address, count) in [
            (0, 1),
            (USER_START - 1, 2),
            (USER_END - 1, 2),
            (USER_END, 1),
            (u64::MAX, 1),
            (u64::MAX, 0),
            (1 << 47, 0),
            (USER_START, u64::MAX),
            (0xffff_8000_0000_0000, 8),
            (0xffff_ffff_8010_0000, 8),
        ] {
            assert_eq!(bytes(address, count), FAULT, "{address:#x} {count:#x}");
        }
    }

    #[test]
    fn sizes_and_flags_are_checked() {
        assert_eq!(map(1, 0), Ok((PAGE, Access::Read)));
        assert_eq!(map(MAP_BYTES, MAP_WRITE), Ok((MAP_BYTES, Access::Write)));
        assert_eq!(map(0, 0), Err(INVALID));
        assert_eq!(map(1, 2), Err(INVALID));
        for bytes in [MAP_BYTES + 1, u64::MAX] {
            assert_eq!(map(bytes, 0), Err(Error(ENOMEM)));
        }
        assert_eq!(unmap(PAGE, 1), Ok(PAGE..2 * PAGE));
        for (address, bytes) in [(PAGE, 0), (PAGE + 1, PAGE), (PAGE, u64::MAX), (!(PAGE - 1), 1)] {
            assert_eq!(unmap(address, bytes), Err(INVALID), "{address:#x} {bytes:#x}");
        }
        assert_eq!((length(5, 5, 7), length(6, 5, 7)), (Ok(5), Err(Error(7))));
        assert_eq!(length(u64::MAX, 5, 7), Err(Error(7)));
        assert_eq!([0, 2, 3, 10].map(file), [Err(Error(EBADF)), Err(Error(EBADF)), Ok(0), Ok(7)]);
        assert_eq!((base(0), base(USER_END)), (Ok(0), Err(INVALID)));
    }

    #[test]
    fn an_error_is_a_negative_word() {
        assert_eq!(word(Ok(5)), 5);
        assert_eq!(word(Err(Error(EFAULT))).cast_signed(), -14);
    }

    proptest! {
        #[test]
        fn no_range_leaves_user_space(address in any::<u64>(), count in any::<u64>()) {
            if let Ok(range) = bytes(address, count) {
                prop_assert!(range.end <= USER_END && range.end - range.start == count);
                prop_assert!(range.is_empty() || range.start >= USER_START);
            }
            if let Ok(pages) = unmap(address, count) {
                prop_assert!(pages.start % PAGE == 0 && pages.end % PAGE == 0);
                prop_assert!(pages.start == address && pages.end - pages.start >= count);
            }
        }
    }
}
