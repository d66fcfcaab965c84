//! The ports of one domain: which are in use, and how.
//!
//! The resident reads a copy of the records. Which of them have changed since they were copied is
//! kept here, so that no operation can change one behind its back.

use super::error::Error;
use super::port::Port;
use super::record::{Binding, PortRecord};
use crate::address::VcpuId;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Ports of a domain, port 0 included, which is never in use.
#[doc(alias = "EVTCHN_2L_NR_CHANNELS")]
pub const PORTS: usize = xenolith_abi::event_channel::NR_CHANNELS_2L as usize;

/// Ports that come into existence together. Xen allocates their records so, and a guest can tell
/// a free port that exists (`EVTCHNSTAT_closed`) from one that does not yet (`-EINVAL`).
const BUCKET: u32 = 64;

/// The ports of one domain. All zeros is a table without a port in use.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct PortTable {
    records: [PortRecord; PORTS],
    /// Ports in use or reserved.
    in_use: u32,
    /// Buckets that exist, without the first.
    more_buckets: u32,
    /// No port below this one is free, but for port 0.
    first_free: u32,
    /// Where a reset goes on, or 0.
    reset_at: u32,
    /// Records that have changed since [`Self::take_changes`], a bit each.
    changed: [u64; PORTS / 64],
    /// Words of `changed` that are not 0, a bit each.
    changed_words: u64,
}

impl PortTable {
    /// Returns the record of a port that exists, free or not.
    ///
    /// # Errors
    ///
    /// When no such port exists.
    #[inline]
    pub fn record(&self, port: Port) -> Result<PortRecord, Error> {
        self.slot(port).map(|slot| self.records[slot])
    }

    /// Returns how many ports are in use.
    pub fn in_use(&self) -> u32 {
        self.in_use
    }

    /// Takes the lowest free port out of circulation. It then exists, even when it is released.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(super) fn reserve(&mut self) -> Result<Port, Error> {
        self.allocate(PortRecord::new(Binding::Reserved, VcpuId(0)))
    }

    /// Binds the lowest free port.
    ///
    /// # Errors
    ///
    /// As [`Self::reserve`].
    pub(super) fn allocate(&mut self, record: PortRecord) -> Result<Port, Error> {
        let first = self.first_free.max(1);
        let number = (first..).zip(&self.records[index(first)..]);
        let free = number.into_iter().find(|(_, record)| record.binding() == Binding::Free);
        let (number, _) = free.ok_or(Error::Full)?;
        self.first_free = number;
        self.more_buckets = self.more_buckets.max(number / BUCKET);
        self.store(index(number), record);
        self.in_use += 1;
        Ok(Port(number))
    }

    /// Changes the record of a port that is in use or reserved.
    pub(super) fn set(&mut self, port: Port, record: PortRecord) {
        debug_assert_ne!(record.binding(), Binding::Free, "`release` frees ports");
        if let Ok(slot) = self.slot(port) {
            self.store(slot, record);
        }
    }

    /// Makes a port that is in use or reserved free.
    pub(super) fn release(&mut self, port: Port) {
        let Ok(slot) = self.slot(port) else { return };
        self.store(slot, PortRecord::default());
        self.in_use -= 1;
        self.first_free = self.first_free.min(port.0);
    }

    /// Calls `show` with each port whose record has changed since the last call, in ascending order.
    pub fn take_changes(&mut self, mut show: impl FnMut(Port, PortRecord)) {
        while self.changed_words != 0 {
            let word = self.changed_words.trailing_zeros();
            let bits = &mut self.changed[index(word)];
            let number = word * u64::BITS + bits.trailing_zeros();
            *bits &= *bits - 1;
            if *bits == 0 {
                self.changed_words &= self.changed_words - 1;
            }
            show(Port(number), self.records[index(number)]);
        }
    }

    /// Notes where a reset goes on, `None` when it has ended.
    pub(super) fn set_reset(&mut self, at: Option<Port>) {
        self.reset_at = at.map_or(0, |port| port.0);
    }

    /// Returns where a reset goes on, if one is in progress.
    pub(super) fn reset_at(&self) -> Option<Port> {
        (self.reset_at != 0).then_some(Port(self.reset_at))
    }

    fn store(&mut self, slot: usize, record: PortRecord) {
        self.records[slot] = record;
        self.changed[slot / 64] |= 1 << (slot % 64);
        self.changed_words |= 1 << (slot / 64);
    }

    #[inline]
    fn slot(&self, port: Port) -> Result<usize, Error> {
        let exists = port.0 / BUCKET <= self.more_buckets;
        if exists { Ok(index(port.0)) } else { Err(Error::Invalid) }
    }
}

fn index(number: u32) -> usize {
    crate::address::to_usize(u64::from(number))
}
