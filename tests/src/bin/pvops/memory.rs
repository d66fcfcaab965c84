//! Operations on page tables, and who may write to what.

use scenarios::programs::Stage;
use xenolith_guest::{
    check, check_eq,
    entry::{Vector, image},
    paging::FRAME_BITS,
    probe::{Window, exception, pvops as probe},
    pvops::{self, Op},
    scenario::Checks,
    traps::probe_read,
    x86_64::{VirtAddr, registers::control::Cr3, structures::paging::PageTableFlags as Flags},
};

use crate::tally::Tally;

/// An address without a page.
const NOWHERE: VirtAddr = VirtAddr::new_truncate(0x1234_5678_9abc);

/// Error code of a write in the kernel to a page that is there.
const WRITE: u64 = 3;

/// Page-table entries and flushes.
pub(crate) fn check_paging(checks: &mut Checks, tally: &mut Tally, window: &mut Window) {
    let root = Cr3::read().0.start_address().as_u64();
    check_eq!(checks, pvops::read_cr3() & FRAME_BITS, root, "read_cr3");
    probe::reload_cr3();
    check_eq!(checks, pvops::read_cr3() & FRAME_BITS, root, "write_cr3");
    for value in [0, 0x123, u64::MAX, 0x8000_0000_0000_1067] {
        check_eq!(checks, pvops::make_pte(value), value, "make_pte");
        check_eq!(checks, pvops::pte_val(value), value, "pte_val");
        let mut word = !value;
        probe::set_pte(&mut word, value);
        check_eq!(checks, word, value, "set_pte");
    }
    check_flush(checks, window, "write_cr3", |_| probe::reload_cr3());
    check_flush(checks, window, "flush_tlb", |_| pvops::flush_tlb());
    check_flush(checks, window, "flush_tlb_one", pvops::flush_tlb_one);
    let fault = probe_read::<u64>(NOWHERE).map_err(|fault| fault.cr2);
    check_eq!(checks, fault, Err(NOWHERE.as_u64()), "a fault's address");
    check_eq!(checks, pvops::read_cr2(), NOWHERE.as_u64(), "read_cr2");
    tally.covers(&[Op::ReadCr2, Op::ReadCr3, Op::WriteCr3, Op::FlushTlb, Op::FlushTlbOne]);
    tally.covers(&[Op::MakePte, Op::PteVal, Op::SetPte]);
}

/// Behind a flush, a page shows its new frame.
fn check_flush(checks: &mut Checks, window: &mut Window, name: &str, flush: fn(VirtAddr)) {
    const PAGE: usize = Stage::FREE;
    const OFFSET: usize = PAGE * 4096;
    for (page, content) in [(PAGE, 1), (PAGE + 1, 2)] {
        window.restore(page);
        window.write(page * 4096, &[content]);
    }
    let (entry, other) = (window.entry(PAGE), window.own_frame(PAGE + 1));
    check_eq!(checks, window.bytes::<1>(OFFSET), [1], "{name}: the old frame");
    probe::replace_without_flush(&entry, other.as_u64() | Window::DATA.bits());
    flush(window.address(OFFSET));
    check_eq!(checks, window.bytes::<1>(OFFSET), [2], "{name}: the new frame");
    window.restore(PAGE);
}

/// Sites and the table cannot be written, and no page can be written and executed.
pub(crate) fn check_protection(checks: &mut Checks, window: &Window) {
    let sites = pvops::sites();
    let some = [sites[0], sites[sites.len() / 2], sites[sites.len() - 1]];
    for address in some.map(|site| VirtAddr::new(site.address)).into_iter().chain([probe::table()])
    {
        let old: u8 = probe_read(address).unwrap_or(0);
        let fault = exception::write(address, !old).expect_err("a write goes through");
        check_eq!(checks, (fault.vector, fault.error_code), (Vector(14), WRITE), "{address:?}");
        check_eq!(checks, fault.cr2, address.as_u64());
        check_eq!(checks, probe_read(address), Ok(old), "{address:?} is as it was");
    }
    let space = window.space();
    // Where code is written and executed on purpose.
    let of_window = window.address(0)..window.address(Window::BYTES);
    let mut page = image().start;
    while page < image().end {
        let flags = space.leaf(page).map_or(Flags::empty(), |leaf| leaf.flags());
        let is_both = flags.contains(Flags::WRITABLE) && !flags.contains(Flags::NO_EXECUTE);
        check!(
            checks,
            !is_both || of_window.contains(&page),
            "{page:?} can be written and executed"
        );
        page += 4096_u64;
    }
}
