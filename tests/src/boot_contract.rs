//! What a kernel must find at its start, whatever its notes: the PV boot contract for ring 0.
//!
//! The order of everything in memory is Xen's (`xen/public/xen.h`, "Start-of-day memory layout"):
//! image, module unless passed by frame, p2m list unless mapped apart, start_info, xenstore page,
//! console page, page tables, boot stack, at least 512 KiB of padding up to a multiple of 4 MiB.

mod machine_state;
mod memory;

use xenolith_guest::{
    StartInfo, abi::start_info, check, check_eq, entry, paging::BOOT_MAP, scenario::Checks,
    static_pages::PAGE_BYTES,
};

/// Where the kernel's notes want the p2m list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum P2m {
    /// Behind the image, in the boot mapping.
    InBootMapping,
    /// At an address of its own (note INIT_P2M).
    At(u64),
}

/// How the kernel's notes want the boot module.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Module {
    /// There is none.
    Absent,
    /// Behind the image, in the boot mapping; so many bytes.
    InBootMapping(u64),
    /// By frame number, unmapped (note MOD_START_PFN); so many bytes.
    ByFrame(u64),
}

/// What differs between kernels.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Pages of memory.
    pub pages: u64,
    /// The p2m list.
    pub p2m: P2m,
    /// The boot module.
    pub module: Module,
}

/// Checks everything the contract promises.
pub fn check(checks: &mut Checks, start: &StartInfo, wanted: &Wanted) {
    machine_state::check_registers(checks, start);
    check_fixed_fields(checks, start, wanted);
    let layout = Layout::of(wanted);
    layout.check_fields(checks, start, wanted);
    memory::check_mapping(checks, start, &layout);
    memory::check_tables(checks, start);
    memory::check_p2m(checks, start);
    memory::check_shared_info(checks, start);
}

fn check_fixed_fields(checks: &mut Checks, start: &StartInfo, wanted: &Wanted) {
    check_eq!(checks, start.magic(), "xen-3.0-x86_64");
    check_eq!(checks, start.pages(), wanted.pages, "nr_pages");
    let flags = match wanted.module {
        Module::ByFrame(_) => start_info::SIF_MOD_START_PFN,
        Module::Absent | Module::InBootMapping(_) => 0,
    };
    check_eq!(checks, start.raw().flags, flags, "flags");
    let shared = start.shared_info();
    check!(checks, shared.is_aligned(PAGE_BYTES as u64), "shared_info is not on a page");
    check!(checks, shared.as_u64() / 4096 >= start.pages(), "shared_info is in memory");
}

/// Frame numbers of everything, computed from the contract.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    module: u64,
    p2m: u64,
    start_info: u64,
    tables: u64,
    table_count: u64,
    stack: u64,
    /// First frame that is not in the boot mapping.
    end: u64,
}

impl Layout {
    fn of(wanted: &Wanted) -> Self {
        let module = (entry::image().end - BOOT_MAP) / 4096;
        let p2m = module + pages_in_boot_mapping(wanted.module);
        let start_info = match wanted.p2m {
            P2m::InBootMapping => p2m + p2m_pages(wanted.pages),
            P2m::At(_) => p2m,
        };
        let tables = start_info + 3;
        // One table of each upper level, and of the last one as many as map all of it.
        let (mut end, mut table_count) = (1024, 5);
        while tables + table_count + 1 + 128 > end {
            end += 1024;
            table_count += 2;
        }
        Self { module, p2m, start_info, tables, table_count, stack: tables + table_count, end }
    }

    fn check_fields(&self, checks: &mut Checks, start: &StartInfo, wanted: &Wanted) {
        let address = |frame: u64| BOOT_MAP + frame * 4096;
        let raw = start.raw();
        check_eq!(checks, start.address(), address(self.start_info), "start_info");
        check_eq!(checks, raw.store_mfn, self.start_info + 1, "store_mfn");
        check_eq!(checks, raw.console_mfn, self.start_info + 2, "console.domU.mfn");
        check_eq!(checks, raw.pt_base, address(self.tables).as_u64(), "pt_base");
        check_eq!(checks, raw.nr_pt_frames, self.table_count, "nr_pt_frames");
        check_eq!(checks, entry::registers().rsp, address(self.stack + 1).as_u64(), "boot stack");
        self.check_module(checks, start, wanted.module);
        self.check_p2m_place(checks, start, wanted);
    }

    fn check_module(&self, checks: &mut Checks, start: &StartInfo, module: Module) {
        let (mod_start, bytes) = match module {
            Module::Absent => (0, 0),
            Module::InBootMapping(bytes) => ((BOOT_MAP + self.module * 4096).as_u64(), bytes),
            Module::ByFrame(bytes) => (self.end, bytes),
        };
        check_eq!(checks, start.raw().mod_start, mod_start, "mod_start");
        // Xen's tools round the length up to pages.
        check_eq!(checks, start.raw().mod_len, bytes.next_multiple_of(4096), "mod_len");
    }

    fn check_p2m_place(&self, checks: &mut Checks, start: &StartInfo, wanted: &Wanted) {
        let raw = start.raw();
        let (list, first, count) = match wanted.p2m {
            P2m::InBootMapping => ((BOOT_MAP + self.p2m * 4096).as_u64(), 0, 0),
            P2m::At(address) => {
                let module = match wanted.module {
                    Module::ByFrame(bytes) => bytes.div_ceil(4096),
                    Module::Absent | Module::InBootMapping(_) => 0,
                };
                let pages = p2m_pages(wanted.pages);
                // Its own tables: one of each upper level, for a list that starts a slot.
                (address, self.end + module, pages + 2 + pages.div_ceil(512))
            }
        };
        check_eq!(checks, raw.mfn_list, list, "mfn_list");
        check_eq!(checks, raw.first_p2m_pfn, first, "first_p2m_pfn");
        check_eq!(checks, raw.nr_p2m_frames, count, "nr_p2m_frames");
    }
}

fn pages_in_boot_mapping(module: Module) -> u64 {
    match module {
        Module::InBootMapping(bytes) => bytes.div_ceil(4096),
        Module::Absent | Module::ByFrame(_) => 0,
    }
}

fn p2m_pages(pages: u64) -> u64 {
    pages.div_ceil(512)
}
