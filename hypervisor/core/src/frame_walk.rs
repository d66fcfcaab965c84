//! Return addresses of a stack, by the records that functions with frame pointers leave on it.
//!
//! ```text
//! rbp → caller's rbp, 0 in the first function
//!       address to return to
//! ```
//! How a record is read is the caller's business, who knows which memory is a stack: what is found
//! in it may be anything, if the stack is damaged or somebody else's.

/// Return addresses that are looked for, at most: a damaged chain may lead in a circle.
pub const MAX_FRAMES: usize = 32;

/// The words of a frame record: the caller's RBP and the return address.
pub type Record = [u64; 2];

/// Returns the return addresses, innermost first, of the function whose RBP is `rbp`; `read` reads
/// the record at an address that is a multiple of 8, or says that there is none.
pub fn walk(rbp: u64, mut read: impl FnMut(u64) -> Option<Record>) -> impl Iterator<Item = u64> {
    let mut at = rbp;
    let next = move || {
        if at == 0 || !at.is_multiple_of(8) {
            return None;
        }
        let [caller, address] = read(at)?;
        at = caller;
        (address != 0).then_some(address)
    };
    core::iter::from_fn(next).take(MAX_FRAMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stack at 0x1000: records at 0x1000, 0x1010 and so on.
    fn of(records: &[Record], rbp: u64) -> Vec<u64> {
        let read = |at: u64| {
            let index = usize::try_from(at.checked_sub(0x1000)? / 16).ok()?;
            records.get(index).copied()
        };
        walk(rbp, read).collect()
    }

    #[test]
    fn a_chain_ends_at_the_first_function() {
        let records = [[0x1020, 11], [0x9999, 99], [0x1030, 22], [0, 33]];
        assert_eq!(of(&records, 0x1000), [11, 22, 33]);
        assert_eq!(of(&records, 0), []);
    }

    #[test]
    fn a_damaged_chain_ends() {
        assert_eq!(of(&[[0x1001, 11]], 0x1000), [11]);
        assert_eq!(of(&[[0x5000, 11]], 0x1000), [11]);
        assert_eq!(of(&[[0x1010, 11], [0x1020, 0]], 0x1000), [11]);
        assert_eq!(of(&[[0x1000, 11]], 0x1000), [11; MAX_FRAMES]);
        assert_eq!(of(&[[0, 11]], u64::MAX), []);
    }
}
