//! The registers of a process that the kernel does not use: x87, SSE, AVX and AVX-512 as far as the
//! processor has them, the selectors of data segments, and the base of FS.
//!
//! They are saved when a process loses the processor and loaded when it gets it back, always: a
//! kernel task in between leaves them alone. The base of GS needs none of this, because no process can
//! change it.

use alloc::alloc::{alloc_zeroed, dealloc};
use core::{
    alloc::Layout,
    arch::asm,
    cell::Cell,
    ptr::NonNull,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use x86_64::{
    VirtAddr,
    instructions::segmentation::{DS, ES, FS, GS, Segment},
    registers::{
        model_specific::FsBase,
        xcontrol::{XCr0, XCr0Flags},
    },
    structures::gdt::SegmentSelector,
};

use super::machine;
use crate::pvops;

/// Bytes of what FXSAVE saves.
const LEGACY_BYTES: usize = 512;

/// Bytes of the area: set by [`install`], and larger than this if the processor has XSAVE.
static BYTES: AtomicUsize = AtomicUsize::new(LEGACY_BYTES);

/// Bit of CPUID leaf 1, ECX: the processor has XSAVE.
const XSAVE: u32 = 1 << 26;

/// Control word and MXCSR of a fresh process: every exception masked (SDM 1, "x87 FPU", "SSE").
const CONTROL_WORD: u16 = 0x37f;
const MXCSR: u32 = 0x1f80;
const MXCSR_OFFSET: usize = 24;

/// Turns on all registers that the processor has, and finds how much room they take.
pub(super) fn install() {
    if pvops::cpuid(1, 0).ecx & XSAVE == 0 {
        return;
    }
    machine::enable_xsave();
    let offered = XCr0Flags::from_bits_truncate(pvops::cpuid(0xd, 0).eax.into());
    let avx = XCr0Flags::X87 | XCr0Flags::SSE | XCr0Flags::AVX;
    let avx512 = avx | XCr0Flags::OPMASK | XCr0Flags::ZMM_HI256 | XCr0Flags::HI16_ZMM;
    let wanted = [avx512, avx].into_iter().find(|&all| offered.contains(all));
    // SAFETY: the kernel uses none of these registers, and the processor offers them.
    unsafe { XCr0::write(wanted.unwrap_or(XCr0Flags::X87 | XCr0Flags::SSE)) };
    let bytes = usize::try_from(pvops::cpuid(0xd, 0).ebx).unwrap_or(LEGACY_BYTES);
    BYTES.store(bytes, Relaxed);
}

fn has_xsave() -> bool {
    BYTES.load(Relaxed) > LEGACY_BYTES
}

/// The registers of one process while it does not run.
#[derive(Debug)]
pub(super) struct Extended {
    area: NonNull<u8>,
    layout: Layout,
    /// DS, ES, FS, GS.
    selectors: Cell<[SegmentSelector; 4]>,
    fs_base: Cell<u64>,
}

// SAFETY: the area belongs to the process; it is saved and loaded with events disabled, by the one
// vCPU that there is.
unsafe impl Send for Extended {}
// SAFETY: likewise.
unsafe impl Sync for Extended {}

impl Extended {
    /// Returns the registers of a fresh process, if the heap has room.
    pub(super) fn new() -> Option<Self> {
        let layout = Layout::from_size_align(BYTES.load(Relaxed), 64).ok()?;
        // SAFETY: the layout has a size.
        let area = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        // SAFETY: the area begins with the control word.
        unsafe { area.cast().write(CONTROL_WORD) };
        // SAFETY: the area is larger than that.
        let mxcsr = unsafe { area.add(MXCSR_OFFSET) };
        // SAFETY: MXCSR is in the area, and aligned as that is.
        unsafe { mxcsr.cast().write(MXCSR) };
        let selectors = Cell::new([SegmentSelector::NULL; 4]);
        Some(Self { area, layout, selectors, fs_base: Cell::new(0) })
    }

    /// Saves the registers of the process that has run.
    pub(super) fn save(&self) {
        self.selectors.set([DS::get_reg(), ES::get_reg(), FS::get_reg(), GS::get_reg()]);
        self.fs_base.set(FsBase::read().as_u64());
        let area = self.area.as_ptr();
        if has_xsave() {
            // SAFETY: the area is as large as CPUID says, and aligned.
            unsafe {
                asm!("xsave64 [{}]", in(reg) area, in("eax") !0, in("edx") !0, options(nostack));
            }
        } else {
            // SAFETY: likewise.
            unsafe {
                asm!("fxsave64 [{}]", in(reg) area, options(nostack));
            }
        }
    }

    /// Loads the registers of the process that will run.
    pub(super) fn load(&self) {
        load_selectors(self.selectors.get());
        // Behind the selector, which brings a base of its own.
        FsBase::write(VirtAddr::new_truncate(self.fs_base.get()));
        let area = self.area.as_ptr();
        if has_xsave() {
            // SAFETY: the area holds what `new` or `save` has left there; the kernel uses none of
            // these registers.
            unsafe {
                asm!("xrstor64 [{}]", in(reg) area, in("eax") !0, in("edx") !0, options(nostack));
            }
        } else {
            // SAFETY: likewise.
            unsafe {
                asm!("fxrstor64 [{}]", in(reg) area, options(nostack));
            }
        }
    }
}

/// Loads the selectors of a process, with events disabled.
fn load_selectors([ds, es, fs, gs]: [SegmentSelector; 4]) {
    // SAFETY: the kernel uses no data segment; what a process could load the kernel can load.
    unsafe { DS::set_reg(ds) };
    // SAFETY: likewise.
    unsafe { ES::set_reg(es) };
    // SAFETY: likewise.
    unsafe { FS::set_reg(fs) };
    // SAFETY: the base that goes with the selector is the process's, and exchanged again below.
    unsafe { pvops::swapgs() };
    // SAFETY: likewise; nothing is reached by GS in between.
    unsafe { GS::set_reg(gs) };
    // SAFETY: the kernel's is back.
    unsafe { pvops::swapgs() };
}

impl Drop for Extended {
    fn drop(&mut self) {
        // SAFETY: `new` took it with the same layout.
        unsafe { dealloc(self.area.as_ptr(), self.layout) }
    }
}
