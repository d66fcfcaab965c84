//! IN, OUT, INS and OUTS: no domain has a port. Reads give all ones, writes go nowhere.

use super::Exception;
use crate::address::{Gva, PAGE_SIZE};
use crate::guest_access::{Access, Fault, GuestSpace};
use crate::guest_memory::GuestMemory;

/// Bytes that one exit of a string instruction moves at most.
const MAX_BYTES: u64 = 4096;

/// Returns rax after an IN of `bytes` (1, 2 or 4) bytes: as on hardware, 32 bits clear the rest.
pub const fn read(rax: u64, bytes: u8) -> u64 {
    match bytes {
        1 => rax | 0xff,
        2 => rax | 0xffff,
        _ => 0xffff_ffff,
    }
}

/// The registers of a string instruction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StringAccess {
    /// 1, 2 or 4.
    pub bytes: u8,
    /// Whether it is INS.
    pub input: bool,
    /// Whether it has a REP prefix; if not, `count` does not matter.
    pub repeated: bool,
    /// Whether RFLAGS.DF is set.
    pub backwards: bool,
    /// Bits of `count` and `index` that count: 32 of them with an address-size prefix.
    pub address_mask: u64,
    /// rcx.
    pub count: u64,
    /// rdi for INS, rsi for OUTS.
    pub index: u64,
}

/// Registers after part of a string instruction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StringProgress {
    /// rcx.
    pub count: u64,
    /// rdi or rsi.
    pub index: u64,
    /// Whether the instruction is finished; if not it is to be executed again.
    pub finished: bool,
}

impl StringAccess {
    /// Moves a bounded number of elements: INS stores all ones, OUTS reads nothing.
    ///
    /// # Errors
    ///
    /// #PF when memory that INS stores to cannot be written; elements before it have been.
    pub fn step<M: GuestMemory>(
        self,
        space: &mut GuestSpace<'_, M>,
    ) -> Result<StringProgress, Exception> {
        let size = u64::from(self.bytes);
        let total = if self.repeated { self.count & self.address_mask } else { 1 };
        let now = total.min(MAX_BYTES / size);
        let mut index = self.index & self.address_mask;
        for _ in 0..now {
            if self.input {
                let ones = [0xff; 4];
                let element = &ones[..usize::from(self.bytes)];
                space
                    .copy_out(Gva(index), element)
                    .map_err(|Fault| store_fault(space, Gva(index), size))?;
            }
            let next =
                if self.backwards { index.wrapping_sub(size) } else { index.wrapping_add(size) };
            index = next & self.address_mask;
        }
        let count = if self.repeated { total - now } else { self.count };
        Ok(StringProgress { count, index, finished: now == total })
    }
}

/// Returns the #PF of a store of `bytes` bytes at `at`, which is of the first page that refuses.
fn store_fault<M: GuestMemory>(space: &mut GuestSpace<'_, M>, at: Gva, bytes: u64) -> Exception {
    let second = Gva(at.page_base().0.wrapping_add(PAGE_SIZE));
    let crosses = at.page_offset() + bytes > PAGE_SIZE;
    let first_refuses = space.translate(at, Access::Write).is_err();
    let address = if crosses && !first_refuses { second } else { at };
    Exception::write_fault(address, space.privilege())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest_access::Privilege;
    use crate::guest_access::test_space::{BASE, CR3, mapped};

    #[test]
    fn reads_are_all_ones_in_their_width() {
        assert_eq!(read(0x1122_3344_5566_7788, 1), 0x1122_3344_5566_77ff);
        assert_eq!(read(0x1122_3344_5566_7788, 2), 0x1122_3344_5566_ffff);
        assert_eq!(read(0x1122_3344_5566_7788, 4), 0xffff_ffff);
    }

    const INS: StringAccess = StringAccess {
        bytes: 2,
        input: true,
        repeated: true,
        backwards: false,
        address_mask: u64::MAX,
        count: 5000,
        index: BASE,
    };

    #[test]
    fn long_strings_take_several_steps() {
        let mut memory = mapped(&[], &[]);
        let mut space = GuestSpace::new(&mut memory, CR3);
        let first = INS.step(&mut space).unwrap();
        assert_eq!(first, StringProgress { count: 2952, index: BASE + 4096, finished: false });
        let mut bytes = [0; 4098];
        space.copy_in(Gva(BASE), &mut bytes).unwrap();
        assert!(bytes[..4096].iter().all(|b| *b == 0xff) && bytes[4096..] == [0, 0]);
    }

    #[test]
    fn single_and_backward_elements() {
        let mut memory = mapped(&[], &[]);
        let mut space = GuestSpace::new(&mut memory, CR3);
        let single = StringAccess { repeated: false, backwards: true, index: BASE + 8, ..INS };
        let end = single.step(&mut space).unwrap();
        assert_eq!(end, StringProgress { count: 5000, index: BASE + 6, finished: true });
        let none = StringAccess { count: 0, ..INS };
        assert!(none.step(&mut space).unwrap().finished);
    }

    #[test]
    fn an_address_size_prefix_cuts_to_32_bits() {
        let mut memory = mapped(&[], &[]);
        let mut space = GuestSpace::new(&mut memory, CR3);
        let outs = StringAccess {
            input: false,
            address_mask: 0xffff_ffff,
            count: 0x1_0000_0003,
            index: 0x1_ffff_fffe,
            ..INS
        };
        let end = outs.step(&mut space).unwrap();
        assert_eq!(end, StringProgress { count: 0, index: 4, finished: true });
    }

    #[test]
    fn a_process_stores_only_to_its_own_pages() {
        let mut memory = mapped(&[], &[]);
        let mut space = GuestSpace::new(&mut memory, CR3).with_privilege(Privilege::User);
        let fault = Exception::write_fault(Gva(BASE), Privilege::User);
        assert_eq!((INS.step(&mut space), fault.error_code), (Err(fault), Some(6)));
        assert!(INS.step(&mut GuestSpace::new(&mut memory, CR3)).is_ok());
    }

    #[test]
    fn a_store_across_pages_faults_at_the_page_that_refuses() {
        for (missing, index, at) in [
            (1, BASE + 0xfff, BASE + 0x1000),
            (0, BASE + 0xfff, BASE + 0xfff),
            (1, BASE + 0x1000, BASE + 0x1000),
            (1, BASE + 0x1001, BASE + 0x1001),
        ] {
            let mut memory = mapped(&[missing], &[]);
            let mut space = GuestSpace::new(&mut memory, CR3);
            let fault = Exception::write_fault(Gva(at), Privilege::Kernel);
            assert_eq!(StringAccess { index, ..INS }.step(&mut space), Err(fault), "{index:#x}");
        }
    }

    #[test]
    fn output_touches_no_memory_and_input_faults() {
        let mut memory = mapped(&[], &[0]);
        let mut space = GuestSpace::new(&mut memory, CR3);
        let fault = |privilege| Err(Exception::write_fault(Gva(BASE), privilege));
        assert_eq!(INS.step(&mut space), fault(Privilege::Kernel));
        let outs = StringAccess { input: false, index: 0x1234, count: 7, ..INS };
        assert!(outs.step(&mut space).unwrap().finished);
    }
}
