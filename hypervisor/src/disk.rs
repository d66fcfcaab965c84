//! The contents of a domain's disk: a module of the loader, which stays where it was put.
//!
//! What the domain writes is also written to the debug console, at once, if there is one, so that it
//! can get into the file that the module was made of.

use crate::boot::DiskModule;
use crate::debug_console::DebugConsole;
use crate::memory::direct;
use log::{info, warn};
use xenolith_core::address::{Hpa, to_u64};
use xenolith_core::block::{Medium, SECTOR_BYTES};
use xenolith_core::debug_console::Record;
use xenolith_core::memory_map::Range;

/// The number of the one disk in its records.
const NUMBER: u16 = 0;

/// The disk of a domain.
#[derive(Debug)]
pub(crate) struct Disk {
    range: Range,
    read_only: bool,
    /// Whether what is written is told to the debug console.
    is_kept: bool,
}

impl Disk {
    /// Takes the contents of a module, of which there is one disk only, and logs what becomes of them.
    pub(crate) fn new(module: &DiskModule) -> Self {
        let DiskModule { range, read_only } = *module;
        let is_kept = DebugConsole::is_present();
        let access = if read_only { ", read-only" } else { "" };
        info!("disk: {} KiB{access}", range.bytes() >> 10);
        if !is_kept && !read_only {
            warn!("there is no debug console, so changes of the disk end with the domain");
        }
        Self { range, read_only, is_kept }
    }

    /// Returns where `bytes` bytes from a sector on are.
    ///
    /// # Panics
    ///
    /// When they are not on the disk.
    fn place(&self, sector: u64, bytes: usize) -> *mut u8 {
        let at = sector.checked_mul(to_u64(SECTOR_BYTES)).expect("the sector is on the disk");
        let end = at.checked_add(to_u64(bytes)).expect("the sectors are on the disk");
        assert!(end <= self.range.bytes(), "sector {sector} and {bytes} bytes are not on the disk");
        direct(Hpa(self.range.start.0 + at))
    }
}

impl Medium for Disk {
    fn sectors(&self) -> u64 {
        self.range.bytes() / to_u64(SECTOR_BYTES)
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn read(&mut self, sector: u64, into: &mut [u8]) {
        let place = self.place(sector, into.len());
        // SAFETY: the loader put the module there; its range was reserved before anything was
        // allocated, is in the direct map, and is reached through this disk alone.
        unsafe { into.as_mut_ptr().copy_from_nonoverlapping(place, into.len()) };
    }

    fn write(&mut self, sector: u64, from: &[u8]) {
        assert!(!self.read_only, "a disk that is read-only is written");
        let place = self.place(sector, from.len());
        // SAFETY: as in `read`; the direct map is writable.
        unsafe { place.copy_from_nonoverlapping(from.as_ptr(), from.len()) };
        if self.is_kept {
            DebugConsole::write_record(&Record::DiskWrite { disk: NUMBER, sector, data: from });
        }
    }
}
