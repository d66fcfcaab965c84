use super::test_space::{BASE, CR3, mapped};
use super::walk::{ACCESSED, DIRTY, climb};
use super::*;
use crate::page_map::LARGE;
use proptest::prelude::*;

#[test]
fn copies_cross_pages() {
    let mut memory = mapped(&[], &[]);
    let mut space = GuestSpace::new(&mut memory, CR3);
    let text: Vec<u8> = (0..=250).cycle().take(9000).collect();
    space.copy_out(Gva(BASE + 4000), &text).unwrap();
    let mut back = vec![0; 9000];
    space.copy_in(Gva(BASE + 4000), &mut back).unwrap();
    assert_eq!(back, text);
    assert_eq!(memory.read_word(Gpa(33 << 12)).unwrap().to_le_bytes(), text[96..104]);
}

#[test]
fn accesses_that_a_kernel_could_not_make_fault() {
    let mut memory = mapped(&[2], &[1]);
    memory.poke(0x4000 + 3 * 8, 0xdead_000f_f003);
    let mut space = GuestSpace::new(&mut memory, CR3);
    for (address, access, ok) in [
        (BASE, Access::Write, true),
        (BASE + 0x1000, Access::Read, true),
        (BASE + 0x1000, Access::Write, false),
        (BASE + 0x2000, Access::Read, false),
        (0, Access::Read, false),
        (0x8000_0000_0000, Access::Read, false),
        (HYPERVISOR_VIRT_START, Access::Read, false),
        (HYPERVISOR_VIRT_END - 1, Access::Write, false),
    ] {
        assert_eq!(space.translate(Gva(address), access).is_ok(), ok, "{address:#x} {access:?}");
    }
    assert_eq!(space.copy_in(Gva(BASE + 0x3000), &mut [0]), Err(Fault), "no such memory");
    let mut other = GuestSpace::new(&mut memory, 0x7777_0000);
    assert_eq!(other.copy_in(Gva(BASE), &mut [0]), Err(Fault), "no such tables");
}

#[test]
fn accessed_and_dirty_flags_are_set_as_the_cpu_would() {
    let mut memory = mapped(&[], &[]);
    let mut space = GuestSpace::new(&mut memory, CR3);
    space.translate(Gva(BASE), Access::Read).unwrap();
    space.translate(Gva(BASE + 0x1000), Access::Write).unwrap();
    for (slot, flags) in [
        (0x1000 + 511 * 8, ACCESSED),
        (0x2000 + 510 * 8, ACCESSED),
        (0x3000, ACCESSED),
        (0x4000, ACCESSED),
        (0x4008, ACCESSED | DIRTY),
        (0x4010, 0),
    ] {
        let found = memory.read_word(Gpa(slot)).unwrap() & (ACCESSED | DIRTY);
        assert_eq!(found, flags, "{slot:#x}");
    }
}

#[test]
fn large_pages_are_followed() {
    let mut memory = mapped(&[], &[]).with_pages(0x200, 1, true).with_pages(0x4_0000, 1, true);
    memory.poke(0x3000 + 8, 0x20_0000 | LARGE | 3);
    memory.poke(0x2000 + 511 * 8, 0x4000_0000 | LARGE | 3);
    let mut space = GuestSpace::new(&mut memory, CR3);
    let at = |space: &mut GuestSpace<'_, _>, address| space.translate(Gva(address), Access::Write);
    assert_eq!(at(&mut space, BASE + 0x20_0123), Ok(Gpa(0x20_0123)));
    assert_eq!(at(&mut space, BASE + 0x4000_0456), Ok(Gpa(0x4000_0456)));
    memory.poke(0x3000 + 8, 0x20_2000 | LARGE | 3);
    memory.poke(0x1000 + 256 * 8 + 8 * 16, 0x2000 | LARGE | 3);
    let mut space = GuestSpace::new(&mut memory, CR3);
    assert_eq!(at(&mut space, BASE + 0x20_0123), Err(Fault), "a reserved bit is set");
    assert_eq!(at(&mut space, HYPERVISOR_VIRT_END), Err(Fault), "no pages of 512 GiB");
    memory.poke(0x1000 + 256 * 8 + 8 * 16, 0x80_0000_0000 | LARGE | 3);
    let mut space = GuestSpace::new(&mut memory, CR3);
    assert_eq!(at(&mut space, HYPERVISOR_VIRT_END), Err(Fault), "not even aligned ones");
}

#[test]
fn what_lies_in_one_page_and_is_dirty_is_found_without_a_change() {
    let mut memory = mapped(&[3], &[1]);
    let mut space = GuestSpace::new(&mut memory, CR3);
    for (page, access) in [(0, Access::Write), (1, Access::Read), (2, Access::Read)] {
        space.translate(Gva(BASE + page * 0x1000), access).unwrap();
    }
    for (offset, len, found) in [
        (0xff0, 16, Some(Gpa(0x2_0ff0))),
        (0xff0, 17, None),
        (0x1000, 8, None),
        (0x2000, 8, None),
        (0x3000, 8, None),
    ] {
        assert_eq!(space.find_writable(Gva(BASE + offset), len), found, "{offset:#x}");
    }
    assert_eq!(space.find_writable(Gva(HYPERVISOR_VIRT_START), 8), None);
    let clean = memory.read_word(Gpa(0x4010)).unwrap() & DIRTY;
    assert_eq!(clean, 0, "nothing was set");
}

#[test]
fn structures_cross_pages_like_any_bytes() {
    let mut memory = mapped(&[3], &[]);
    let mut space = GuestSpace::new(&mut memory, CR3);
    let value = [0x1122_3344_5566_7788_u64, 0x99aa_bbcc_ddee_ff00, 0x0123_4567_89ab_cdef];
    for offset in [0, 0xfe8, 0xfe9, 0xfff, 0x1001] {
        space.write(Gva(BASE + offset), &value).unwrap();
        assert_eq!(space.read(Gva(BASE + offset)), Ok(value), "{offset:#x}");
    }
    assert_eq!(space.write(Gva(BASE + 0x2ff0), &value), Err(Fault));
    assert_eq!(space.read::<[u64; 3]>(Gva(BASE + 0x2ff0)), Err(Fault));
    assert_eq!(space.read(Gva(BASE + 0x2ff0)), Ok([value[0], value[1]]), "bytes before the fault");
}

proptest! {
    /// The quick way finds what the other finds without a change, except in large pages.
    #[test]
    fn both_ways_through_tables_agree(
        level in 0_u64..4, bit in 0_u32..13, flips in 0_u32..2, writes: bool, user: bool, offset in 0_u64..4096,
    ) {
        let mut memory = mapped(&[], &[]);
        let slots = [0x4000, 0x3000, 0x2000 + 510 * 8, 0x1000 + 511 * 8];
        for slot in slots {
            memory.fetch_or(Gpa(slot), ACCESSED | DIRTY | u64::from(user) << 2);
        }
        let slot = slots[usize::try_from(level).unwrap()];
        let entry = memory.read_word(Gpa(slot)).unwrap();
        memory.poke(slot, entry ^ u64::from(flips) << bit);
        let access = if writes { Access::Write } else { Access::Read };
        let privilege = if user { Privilege::User } else { Privilege::Kernel };
        let (wanted, address) = (Wanted::new(access, privilege), Gva(BASE + offset));
        let mut after = memory.clone();
        let climbed = climb(&mut after, CR3, address, wanted);
        let is_large = level != 0 && flips == 1 && 1 << bit == LARGE;
        let passes = climbed.is_ok() && after == memory && !is_large;
        prop_assert_eq!(look(&memory, CR3, address, wanted), climbed.ok().filter(|_| passes));
    }

    /// Whatever is in the tables, a walk ends and reaches only memory that exists.
    #[test]
    fn walks_of_wild_tables_end(words in proptest::collection::vec(any::<u64>(), 64), address: u64, cr3: u64) {
        let mut memory = mapped(&[], &[]);
        for (i, word) in words.into_iter().enumerate() {
            let i = u64::try_from(i).unwrap();
            memory.poke(0x1000 + (i % 4) * 0x1000 + (i * 8 * 37) % 0x1000, word);
        }
        for cr3 in [CR3, cr3] {
            let mut space = GuestSpace::new(&mut memory, cr3);
            let mut bytes = [0; 16];
            let _ = space.copy_in(Gva(address | !0 << 47), &mut bytes);
            let _ = space.copy_out(Gva(BASE | address & 0x1f_ffff), &bytes);
        }
    }
}
