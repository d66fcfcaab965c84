//! Offsets of the hole's frames from its base, and entries of the tables that map them.

use crate::resident;

pub(super) const LARGE_PAGE: u64 = 2 << 20;
pub(super) const SHARED_INFO: u64 = 0;
pub(super) const EMPTY: u64 = 0x1000;
pub(super) const DESCRIPTORS: u64 = 0x2000;
pub(super) const IDT: u64 = 0x3000;
pub(super) const TRAPS: u64 = 0x4000;
pub(super) const PORTS: u64 = 0x5000;
pub(super) const DATA: u64 = PORTS + resident::PORT_BYTES;
pub(super) const M2P_LEVEL_3: u64 = DATA + 0x1000;
pub(super) const M2P_LEVEL_2: u64 = M2P_LEVEL_3 + 0x1000;
pub(super) const VCPU_LEVEL_3: u64 = M2P_LEVEL_3 + 0x2000;
pub(super) const VCPU_LEVEL_2: u64 = M2P_LEVEL_3 + 0x3000;
pub(super) const VCPU_LEVEL_1: u64 = M2P_LEVEL_3 + 0x4000;
pub(super) const DIRECT_LEVEL_3: u64 = M2P_LEVEL_3 + 0x5000;
pub(super) const TEXT: u64 = M2P_LEVEL_3 + 0x6000;
pub(super) const DIRECT_LEVEL_2: u64 = TEXT + resident::MAX_TEXT_BYTES;

pub(super) const PRESENT: u64 = 1 << 0;
pub(super) const WRITABLE: u64 = 1 << 1;
pub(super) const ACCESSED_DIRTY: u64 = 0x60;
pub(super) const NO_EXECUTE: u64 = 1 << 63;
/// A table whose pages are supervisor pages.
pub(super) const TABLE: u64 = PRESENT | WRITABLE | ACCESSED_DIRTY;
/// A page that can only be read.
pub(super) const READ_ONLY: u64 = PRESENT | ACCESSED_DIRTY | NO_EXECUTE;
/// A page of data.
pub(super) const READ_WRITE: u64 = READ_ONLY | WRITABLE;
/// A page of code.
pub(super) const READ_EXECUTE: u64 = PRESENT | ACCESSED_DIRTY;
