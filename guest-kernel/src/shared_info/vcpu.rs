//! The words of one vCPU (`vcpu_info`), in the shared page or wherever the kernel has moved them.

use core::{
    mem::offset_of,
    sync::atomic::{AtomicI8, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed},
};

use x86_64::VirtAddr;
use xenolith_abi::{
    shared_info::{ArchVcpuInfo, VcpuInfo},
    time::VcpuTimeInfo,
};

/// The words of one vCPU.
#[derive(Clone, Copy, Debug)]
pub struct VcpuWords {
    upcall_pending: &'static AtomicU8,
    upcall_mask: &'static AtomicU8,
    pending_selector: &'static AtomicU64,
    cr2: &'static AtomicU64,
    time: TimeWords,
}

/// The time record of one vCPU (`vcpu_time_info`).
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "described in `abi::time`")]
pub struct TimeWords {
    pub version: &'static AtomicU32,
    pub tsc_timestamp: &'static AtomicU64,
    pub system_time: &'static AtomicU64,
    pub tsc_to_system_mul: &'static AtomicU32,
    pub tsc_shift: &'static AtomicI8,
    pub flags: &'static AtomicU8,
}

/// Returns the atomic at an offset into a record.
macro_rules! word {
    ($record:expr, $atomic:ident, $offset:expr) => {{
        let record: *mut VcpuInfo = $record;
        // SAFETY: the caller of `at` promises that the record is there and holds only atomics.
        unsafe { $atomic::from_ptr(record.wrapping_byte_add($offset).cast()) }
    }};
}

impl VcpuWords {
    /// Returns the words of the record at an address.
    ///
    /// # Safety
    ///
    /// A record must stay mapped there for good, and be accessed as atomics only.
    #[inline]
    pub(super) unsafe fn at(record: *mut VcpuInfo) -> Self {
        let cr2 = offset_of!(VcpuInfo, arch) + offset_of!(ArchVcpuInfo, cr2);
        let pending = offset_of!(VcpuInfo, evtchn_upcall_pending);
        let selector = offset_of!(VcpuInfo, evtchn_pending_sel);
        Self {
            upcall_pending: word!(record, AtomicU8, pending),
            upcall_mask: word!(record, AtomicU8, offset_of!(VcpuInfo, evtchn_upcall_mask)),
            pending_selector: word!(record, AtomicU64, selector),
            cr2: word!(record, AtomicU64, cr2),
            // SAFETY: the caller's promise covers the time record inside.
            time: unsafe { TimeWords::of_record(record) },
        }
    }

    /// Returns where the record is.
    pub fn address(self) -> VirtAddr {
        VirtAddr::from_ptr(self.upcall_pending)
    }

    /// Returns the byte that says whether an upcall is due.
    pub fn upcall_pending(self) -> &'static AtomicU8 {
        self.upcall_pending
    }

    /// Returns the byte that holds upcalls off.
    pub fn upcall_mask(self) -> &'static AtomicU8 {
        self.upcall_mask
    }

    /// Returns the word that says which words of the bitmap to look at.
    pub fn pending_selector(self) -> &'static AtomicU64 {
        self.pending_selector
    }

    /// Returns the address of the last page fault.
    pub fn cr2(self) -> u64 {
        self.cr2.load(Relaxed)
    }

    /// Returns the time record.
    pub fn time(self) -> TimeWords {
        self.time
    }
}

impl TimeWords {
    /// Returns the time record inside a vCPU's record.
    ///
    /// # Safety
    ///
    /// As for [`VcpuWords::at`].
    #[inline]
    unsafe fn of_record(record: *mut VcpuInfo) -> Self {
        macro_rules! time {
            ($atomic:ident, $field:ident) => {
                word!(
                    record,
                    $atomic,
                    offset_of!(VcpuInfo, time) + offset_of!(VcpuTimeInfo, $field)
                )
            };
        }
        Self {
            version: time!(AtomicU32, version),
            tsc_timestamp: time!(AtomicU64, tsc_timestamp),
            system_time: time!(AtomicU64, system_time),
            tsc_to_system_mul: time!(AtomicU32, tsc_to_system_mul),
            tsc_shift: time!(AtomicI8, tsc_shift),
            flags: time!(AtomicU8, flags),
        }
    }
}

// `VcpuWords::address` takes the first word for the record.
const _: () = assert!(offset_of!(VcpuInfo, evtchn_upcall_pending) == 0);
