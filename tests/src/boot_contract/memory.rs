//! Page tables, p2m list and shared page as the kernel finds them.

use core::sync::atomic::Ordering::Relaxed;

use xenolith_guest::{
    StartInfo, check, check_eq, entry,
    paging::{AddressSpace, BOOT_MAP, FRAME_BITS, Level},
    scenario::Checks,
    shared_info::shared_info,
    x86_64::{VirtAddr, structures::paging::PageTableFlags as Flags},
};

use super::Layout;

/// Flags an entry of the boot mapping has: a supervisor's page, writable.
const PAGE: Flags = Flags::PRESENT.union(Flags::WRITABLE);

/// Checks that the boot mapping is the identity from frame 0 up to its end and no further.
///
/// The image is left out: the kernel has changed its access and the frame of one page.
pub(super) fn check_mapping(checks: &mut Checks, start: &StartInfo, layout: &Layout) {
    let space = AddressSpace::of_boot(start);
    let mut wrong = 0;
    for frame in 0..layout.end {
        let address = BOOT_MAP + frame * 4096;
        if entry::image().contains(&address) {
            continue;
        }
        let leaf = space.leaf(address).ok();
        let good = leaf.is_some_and(|leaf| {
            let flags = leaf.flags() & (PAGE | Flags::USER_ACCESSIBLE | Flags::NO_EXECUTE);
            leaf.level() == Level::One && leaf.load() & FRAME_BITS == frame * 4096 && flags == PAGE
        });
        wrong += u64::from(!good);
    }
    check_eq!(checks, wrong, 0, "pages of the boot mapping that are not as they should be");
    let end = BOOT_MAP + layout.end * 4096;
    check!(checks, space.leaf(end).is_err(), "the boot mapping goes on behind its end");
}

/// Checks the order of the tables: top level first, then one of each level, then the last ones.
pub(super) fn check_tables(checks: &mut Checks, start: &StartInfo) {
    let space = AddressSpace::of_boot(start);
    let tables = start.page_tables();
    let first = (tables.start - BOOT_MAP) / 4096;
    for (level, frame) in [Level::Four, Level::Three].into_iter().zip(first + 1..) {
        let entry = space.entry(BOOT_MAP, level).map(|entry| entry.load() & FRAME_BITS);
        check_eq!(checks, entry, Ok(frame * 4096), "table below {level:?}");
    }
    let last_tables = start.raw().nr_pt_frames.saturating_sub(3);
    for index in 0..last_tables {
        let address = BOOT_MAP + index * 512 * 4096;
        let entry = space.entry(address, Level::Two).map(|entry| entry.load() & FRAME_BITS);
        check_eq!(checks, entry, Ok((first + 3 + index) * 4096), "last-level table {index}");
    }
    let null = space.leaf(VirtAddr::zero());
    check!(checks, null.is_err(), "address 0 is mapped");
}

/// Checks that every frame of memory is its own machine frame.
pub(super) fn check_p2m(checks: &mut Checks, start: &StartInfo) {
    let wrong = start.p2m().iter().zip(0..).filter(|&(&machine, frame)| machine != frame).count();
    check_eq!(checks, wrong, 0, "entries of the p2m list that are not their own frame");
}

/// Checks that nothing is pending, and that no vCPU takes upcalls yet.
pub(super) fn check_shared_info(checks: &mut Checks, start: &StartInfo) {
    let place = AddressSpace::of_boot(start).translate(shared_info().address());
    check_eq!(checks, place, Ok(start.shared_info()), "mapping of shared_info");
    for index in 0..32 {
        let vcpu = shared_info().vcpu(index);
        check_eq!(checks, vcpu.upcall_mask().load(Relaxed), 1, "upcall mask of vCPU {index}");
        check_eq!(checks, vcpu.upcall_pending().load(Relaxed), 0, "pending of vCPU {index}");
        check_eq!(checks, vcpu.pending_selector().load(Relaxed), 0, "selector of vCPU {index}");
    }
    let ports = (0..64).map(|word| {
        shared_info().pending(word).load(Relaxed) | shared_info().mask(word).load(Relaxed)
    });
    check!(checks, ports.fold(0, |all, word| all | word) == 0, "a port is pending or masked");
}
