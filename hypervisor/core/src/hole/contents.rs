//! What the hole's frames hold at the start: page tables, descriptors, the resident and its data.

use super::layout::{
    DATA, DESCRIPTORS, DIRECT_LEVEL_2, DIRECT_LEVEL_3, EMPTY, IDT, LARGE_PAGE, M2P_LEVEL_2,
    M2P_LEVEL_3, PORTS, READ_EXECUTE, READ_ONLY, READ_WRITE, TABLE, TEXT, TRAPS, VCPU_LEVEL_1,
    VCPU_LEVEL_2, VCPU_LEVEL_3,
};
use super::{HOLE_SLOTS, Hole, TASK_BYTES, TASK_SELECTOR};
use crate::address::{DomId, Gva, PAGE_SIZE, to_u64, to_usize};
use crate::domain_builder::guest_frames::GuestFrames;
use crate::page_map::LARGE;
use crate::resident::{self, CALLS, Header, VcpuData};
use core::mem::offset_of;
use xenolith_abi::segment::{
    FIRST_RESERVED_GDT_BYTE, FLAT_RING3_CS32, FLAT_RING3_CS64, FLAT_RING3_DS32,
};
use xenolith_abi::xenolith::{KERNEL_CS, KERNEL_SS};

/// What M2P says of frames that are nobody's memory.
pub(super) const INVALID_M2P_ENTRY: u64 = u64::MAX;

const PORTS_END: u64 = resident::PORTS + resident::PORT_BYTES;

impl Hole {
    /// Writes the contents of all frames, which must be zero, to `frames`: `code` is the resident, `header` what it says of itself,
    /// `kernel_sp` the stack with which the vCPU starts, `domain` whose hole it is.
    pub fn write(
        &self,
        frames: &mut impl GuestFrames,
        code: &[u8],
        header: &Header,
        kernel_sp: Gva,
        domain: DomId,
    ) {
        self.write_m2p(frames);
        self.write_descriptors(frames);
        self.write_group(frames);
        self.write_direct(frames);
        frames.write_bytes(self.at(TEXT), code);
        let entry = |offset: u32| self.text().0 + u64::from(offset);
        let words = [
            (offset_of!(VcpuData, mode), u64::from(resident::KERNEL)),
            (offset_of!(VcpuData, vcpu_info), self.direct(self.shared_info()).0),
            (offset_of!(VcpuData, shared_info), self.direct(self.shared_info()).0),
            (offset_of!(VcpuData, domain), u64::from(domain.0)),
            (offset_of!(VcpuData, call_end), entry(header.hypercall_tail.0)),
            (offset_of!(VcpuData, event_callback), entry(header.no_event_callback)),
            (offset_of!(VcpuData, syscall_callback), entry(header.no_callback)),
            (offset_of!(VcpuData, kernel_sp), kernel_sp.0 & !0xf),
            (offset_of!(VcpuData, task_end) - 4, u64::from(TASK_BYTES) << 48),
        ];
        for (offset, word) in words {
            frames.write_words(self.at(DATA + to_u64(offset)), 1, |_| word);
        }
        for (offset, calls) in [
            (offset_of!(VcpuData, calls), &header.calls),
            (offset_of!(VcpuData, listed_calls), &header.listed_calls),
        ] {
            let at = self.at(DATA + to_u64(offset));
            frames.write_words(at, to_u64(CALLS), |number| entry(calls[to_usize(number)]));
        }
        let at = self.at(DATA + to_u64(offset_of!(VcpuData, hole_entries)));
        frames.write_words(at, to_u64(HOLE_SLOTS), |i| self.entries()[to_usize(i)]);
    }

    /// Writes the tables and the gate for injected events.
    fn write_group(&self, frames: &mut impl GuestFrames) {
        let table = |offset| self.at(offset).0 | TABLE;
        frames.write_words(self.at(VCPU_LEVEL_3), 1, |_| table(VCPU_LEVEL_2));
        frames.write_words(self.at(VCPU_LEVEL_2), 1, |_| table(VCPU_LEVEL_1));
        let pages = (resident::TEXT + resident::MAX_TEXT_BYTES) / PAGE_SIZE;
        frames.write_words(self.at(VCPU_LEVEL_1), pages, |page| match page * PAGE_SIZE {
            0..resident::DESCRIPTORS => self.at(EMPTY).0 | READ_ONLY,
            resident::DESCRIPTORS => self.at(DESCRIPTORS).0 | READ_ONLY,
            resident::IDT => self.at(IDT).0 | READ_ONLY,
            resident::DATA => self.at(DATA).0 | READ_WRITE,
            resident::TRAPS => self.at(TRAPS).0 | READ_ONLY,
            offset @ resident::PORTS..PORTS_END => {
                self.at(PORTS + offset - resident::PORTS).0 | READ_ONLY
            }
            offset @ resident::TEXT.. => self.at(TEXT + offset - resident::TEXT).0 | READ_EXECUTE,
            _ => 0,
        });
    }

    fn write_direct(&self, frames: &mut impl GuestFrames) {
        let tables = self.direct_tables();
        frames.write_words(self.at(DIRECT_LEVEL_3), tables, |i| {
            self.at(DIRECT_LEVEL_2 + i * PAGE_SIZE).0 | TABLE
        });
        // The last page holds the beginning of the hole, above all shared_info.
        let pages = self.base.0 / LARGE_PAGE + 1;
        frames
            .write_words(self.at(DIRECT_LEVEL_2), pages, |i| (i * LARGE_PAGE) | READ_WRITE | LARGE);
    }

    fn write_m2p(&self, frames: &mut impl GuestFrames) {
        let (m2p, owned) = (self.m2p().0, self.memory_pages);
        frames.write_words(self.at(M2P_LEVEL_3), 1, |_| self.at(M2P_LEVEL_2).0 | TABLE);
        frames.write_words(self.at(M2P_LEVEL_2), self.m2p_bytes() / LARGE_PAGE, |i| {
            (m2p + i * LARGE_PAGE) | READ_ONLY | LARGE
        });
        frames.write_words(self.m2p(), self.m2p_bytes() / 8, |gfn| {
            if gfn < owned { gfn } else { INVALID_M2P_ENTRY }
        });
    }

    fn write_descriptors(&self, frames: &mut impl GuestFrames) {
        let task = self.task().0;
        let limit = u64::from(TASK_BYTES - 1);
        let task_low = limit | (task & 0xff_ffff) << 16 | 0x8b << 40 | (task >> 24 & 0xff) << 56;
        for (selector, descriptor) in [
            (FLAT_RING3_CS32, 0x00cf_fb00_0000_ffff),
            (FLAT_RING3_DS32, 0x00cf_f300_0000_ffff),
            (FLAT_RING3_CS64, 0x00af_fb00_0000_ffff),
            (TASK_SELECTOR, task_low),
            (TASK_SELECTOR + 8, task >> 32),
            (KERNEL_CS, 0x00af_9b00_0000_ffff),
            (KERNEL_SS, 0x00cf_9300_0000_ffff),
        ] {
            let offset = u64::from(selector & !7) - u64::from(FIRST_RESERVED_GDT_BYTE);
            frames.write_words(self.at(DESCRIPTORS + offset), 1, |_| descriptor);
        }
    }
}
