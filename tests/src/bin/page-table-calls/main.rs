//! `mmu_update`, `update_va_mapping` and `mmuext_op` on the tables that the kernel runs on.
//!
//! The hypervisor changes what the processor walks at the same time: an entry in the wrong place, a
//! translation that stays, or a top-level table without the hypervisor's slots, and the kernel is
//! gone. Expected: each change shows in what an address maps to, and in the words themselves;
//! counts of what was done, also of a list that fails.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use xenolith_guest::{
    StartInfo,
    abi::{
        domain::SELF,
        errno::{EFAULT, EINVAL, ENOSYS},
        guest_layout::{HYPERVISOR_L4_END, HYPERVISOR_L4_FIRST, MACH2PHYS_VIRT_START},
        hypercall::{MMU_UPDATE, MMUEXT_OP, MULTICALL, UPDATE_VA_MAPPING, XEN_VERSION},
        mmu::{
            CLEAR_PAGE, COPY_PAGE, INVLPG_LOCAL, MACHPHYS_UPDATE, NEW_BASEPTR, PIN_L4_TABLE,
            PT_UPDATE_PRESERVE_AD, SET_LDT, TLB_FLUSH_ALL, UNPIN_TABLE, UVMF_INVLPG,
        },
    },
    check, check_eq,
    clock::ticks,
    paging::{BOOT_MAP, FRAME_BITS},
    println,
    probe::{Window, hypercall::syscall, memory::read_u64},
    scenario::Checks,
    x86_64::{VirtAddr, registers::control::Cr3},
};

xenolith_guest::scenario!(run);

const PAGE: usize = 4096;
/// Page of the window for lists, and for the count.
const LIST: usize = 0;
const DONE: usize = PAGE;
/// Page whose mapping changes.
const CHANGED: usize = 2;
/// Page that becomes a top-level table.
const TABLE: usize = 3;
/// Pages that hold their own numbers.
const FIRST: usize = 4;
const SECOND: usize = 5;
const PRESENT_WRITABLE: u64 = 3;
const ACCESSED_DIRTY: u64 = 0x60;

fn run(checks: &mut Checks, start: &'static StartInfo) {
    let mut window = Window::take(start);
    for page in [FIRST, SECOND] {
        window.write(page * PAGE, &(page as u64).to_le_bytes());
    }
    check_entries(checks, &mut window);
    check_failures(checks, &mut window);
    check_machine_to_physical(checks, &mut window);
    check_va_mapping(checks, &mut window);
    check_pages(checks, &mut window);
    check_top_level(checks, &mut window);
    measure(&mut window);
}

/// Makes a call with a list of entries of `N` words; returns the answer and the count.
fn list<const N: usize>(window: &mut Window, number: u32, entries: &[[u64; N]]) -> (i64, u32) {
    for (at, word) in entries.iter().flatten().enumerate() {
        window.write(LIST + 8 * at, &word.to_le_bytes());
    }
    window.write(DONE, &[0xff; 4]);
    let (list, done) = (window.address(LIST).as_u64(), window.address(DONE).as_u64());
    let arguments = [list, entries.len() as u64, done, SELF.into(), 0];
    (syscall(number.into(), arguments), window.u32(DONE))
}

/// Returns the guest-physical address of the last-level entry for a page of the window.
fn slot(window: &Window, page: usize) -> u64 {
    let address = window.address(page * PAGE).as_u64();
    let mut table = Cr3::read().0.start_address().as_u64();
    for shift in [39, 30, 21] {
        table = physical(table + (address >> shift & 511) * 8) & FRAME_BITS;
    }
    table + (address >> 12 & 511) * 8
}

fn physical(at: u64) -> u64 {
    read_u64(BOOT_MAP + at)
}

fn own(window: &Window, page: usize) -> u64 {
    window.own_frame(page).as_u64()
}

fn check_entries(checks: &mut Checks, window: &mut Window) {
    let at = slot(window, CHANGED);
    let address = window.address(CHANGED * PAGE).as_u64();
    for page in [FIRST, SECOND, FIRST] {
        let entry = own(window, page) | PRESENT_WRITABLE;
        check_eq!(checks, list(window, MMU_UPDATE, &[[at, entry]]), (0, 1));
        let flush = [[u64::from(INVLPG_LOCAL), address, 0]];
        check_eq!(checks, list(window, MMUEXT_OP, &flush), (0, 1));
        check_eq!(checks, window.u64(CHANGED * PAGE), page as u64, "what is mapped");
    }
    window.write(CHANGED * PAGE + 8, &[1]);
    check_eq!(checks, physical(at) & ACCESSED_DIRTY, ACCESSED_DIRTY, "the page was written");
    let entry = own(window, SECOND) | PRESENT_WRITABLE;
    let keep = [[at | PT_UPDATE_PRESERVE_AD, entry]];
    check_eq!(checks, list(window, MMU_UPDATE, &keep), (0, 1));
    check_eq!(checks, physical(at), entry | ACCESSED_DIRTY, "the bits are kept");
    check_eq!(checks, list(window, MMUEXT_OP, &[[u64::from(TLB_FLUSH_ALL), 0, 0]]), (0, 1));
    check_eq!(checks, window.u64(CHANGED * PAGE), SECOND as u64, "after a flush of all");
    window.restore(CHANGED);
}

fn check_failures(checks: &mut Checks, window: &mut Window) {
    let at = slot(window, CHANGED);
    let entry = own(window, CHANGED) | PRESENT_WRITABLE;
    for (bad, error) in [(at | 4, ENOSYS), (1 << 45, EINVAL), (!7, EINVAL)] {
        let entries = [[at, entry], [at, entry], [bad, entry], [at, 0]];
        check_eq!(checks, list(window, MMU_UPDATE, &entries), (-error, 2), "{bad:#x}");
        check_eq!(checks, physical(at) & !ACCESSED_DIRTY, entry, "behind the bad entry");
    }
    let arguments = [0x1000, 1, window.address(DONE).as_u64(), SELF.into(), 0];
    check_eq!(checks, syscall(MMU_UPDATE.into(), arguments), -EFAULT, "a list that is not mapped");
    check_eq!(checks, window.u32(DONE), 0, "nothing was done");
}

fn check_machine_to_physical(checks: &mut Checks, window: &mut Window) {
    let frame = own(window, CHANGED);
    let entry = VirtAddr::new(MACH2PHYS_VIRT_START + frame / 4096 * 8);
    for value in [0x1234, frame / 4096] {
        let entries = [[frame | MACHPHYS_UPDATE, value]];
        check_eq!(checks, list(window, MMU_UPDATE, &entries), (0, 1));
        check_eq!(checks, read_u64(entry), value, "machine-to-physical entry");
    }
}

fn check_va_mapping(checks: &mut Checks, window: &mut Window) {
    let address = window.address(CHANGED * PAGE).as_u64();
    let read_only = own(window, FIRST) | 1;
    let arguments = [address, read_only, UVMF_INVLPG, 0, 0];
    check_eq!(checks, syscall(UPDATE_VA_MAPPING.into(), arguments), 0);
    check_eq!(checks, window.u64(CHANGED * PAGE), FIRST as u64, "what is mapped");
    window.write(CHANGED * PAGE + 16, &[1]);
    let entry = physical(slot(window, CHANGED)) & !ACCESSED_DIRTY;
    check_eq!(checks, entry, read_only | 2, "it can be written all the same");
    for bad in [0xffff_8000_0000_0000, 1 << 47, 0x10_0000_0000] {
        let answer = syscall(UPDATE_VA_MAPPING.into(), [bad, read_only, 0, 0, 0]);
        check_eq!(checks, answer, -EINVAL, "{bad:#x}");
    }
    window.restore(CHANGED);
}

fn check_pages(checks: &mut Checks, window: &mut Window) {
    window.fill(FIRST * PAGE, PAGE, 0xab);
    let [first, second] = [FIRST, SECOND].map(|page| own(window, page) / 4096);
    let copy = [[u64::from(COPY_PAGE), second, first]];
    check_eq!(checks, list(window, MMUEXT_OP, &copy), (0, 1));
    check_eq!(checks, window.bytes(SECOND * PAGE), [0xab; PAGE], "copied");
    check_eq!(checks, list(window, MMUEXT_OP, &[[u64::from(CLEAR_PAGE), first, 0]]), (0, 1));
    check_eq!(checks, window.bytes(FIRST * PAGE), [0; PAGE], "cleared");
    let table = window.address(SECOND * PAGE).as_u64();
    for (base, entries, answer) in
        [(table, 3, (0, 1)), (table + 8, 3, (-EINVAL, 0)), (0, 0, (0, 1))]
    {
        let found = list(window, MMUEXT_OP, &[[u64::from(SET_LDT), base, entries]]);
        check_eq!(checks, found, answer, "local descriptor table at {base:#x}");
    }
}

/// Runs on a table that was made without the hypervisor's slots.
fn check_top_level(checks: &mut Checks, window: &mut Window) {
    let old = Cr3::read().0.start_address().as_u64();
    let new = own(window, TABLE);
    let slots = HYPERVISOR_L4_FIRST..HYPERVISOR_L4_END;
    for command in [PIN_L4_TABLE, NEW_BASEPTR] {
        for index in 0..512 {
            let entry = if slots.contains(&index) { 0 } else { physical(old + 8 * index as u64) };
            window.write(TABLE * PAGE + 8 * index, &entry.to_le_bytes());
        }
        let answer = list(window, MMUEXT_OP, &[[u64::from(command), new / 4096, 0]]);
        check_eq!(checks, answer, (0, 1), "command {command}");
        for index in slots.clone() {
            let (new, old) =
                (window.u64(TABLE * PAGE + 8 * index), physical(old + 8 * index as u64));
            check_eq!(checks, new, old, "slot {index} after command {command}");
        }
    }
    check_eq!(checks, Cr3::read().0.start_address().as_u64(), new, "CR3");
    check_eq!(checks, syscall(XEN_VERSION.into(), [0; 5]), 0x4_0011, "a call on the new table");
    let back = [[u64::from(NEW_BASEPTR), old / 4096, 0], [u64::from(UNPIN_TABLE), new / 4096, 0]];
    check_eq!(checks, list(window, MMUEXT_OP, &back), (0, 2));
    check!(checks, Cr3::read().0.start_address().as_u64() == old, "back on the old table");
}

/// Prints what calls cost; it is for those who read the log.
fn measure(window: &mut Window) {
    let at = slot(window, CHANGED);
    let entry = own(window, CHANGED) | PRESENT_WRITABLE;
    let entries = [[at, entry]; 64];
    list(window, MMU_UPDATE, &entries);
    let (list, address) = (window.address(LIST).as_u64(), window.address(CHANGED * PAGE).as_u64());
    let time = |name: &str, number: u32, arguments: [u64; 5]| {
        let before = ticks();
        let answer = syscall(number.into(), arguments);
        println!("{name}: {} instructions, answer {answer}", ticks() - before);
    };
    time("mmu_update x1", MMU_UPDATE, [list, 1, 0, SELF.into(), 0]);
    time("mmu_update x64", MMU_UPDATE, [list, 64, 0, SELF.into(), 0]);
    time("update_va_mapping", UPDATE_VA_MAPPING, [address, entry, UVMF_INVLPG, 0, 0]);
    for index in 0..8 {
        window.fill(LIST + 64 * index, 64, 0);
        window.write(LIST + 64 * index, &XEN_VERSION.to_le_bytes());
    }
    time("multicall x8", MULTICALL, [list, 8, 0, 0, 0]);
}
