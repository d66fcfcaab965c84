//! A machine for tests of hypercalls: one domain, one vCPU, memory with known gaps.
//!
//! ```text
//! BASE + 0x0000   16 pages, of which MISSING is not mapped and READ_ONLY not writable
//! IN_HOLE         the same pages, where hypercalls must not reach them
//! BEHIND_HOLE     the same pages, right behind the hole
//! ```

use super::{
    Args, Call, EntryPoint, FpuUse, Machine, Outcome, OwnState, SegmentBase, at_once, dispatch,
};
use crate::address::{DomId, Gfn, Gpa, Gva, VcpuId, to_u64};
use crate::console::ConsoleQueues;
use crate::domain::Domain;
use crate::event_channel::{Domains, EventChannels, Notify};
use crate::frame_set::FrameSet;
use crate::guest_access::GuestSpace;
use crate::guest_access::test_space::{BASE, CR3, mapped};
use crate::guest_memory::TestMemory;
use crate::resident::Header;
use crate::time::{Clock, Scale};
use crate::vcpu::VcpuState;
use std::collections::BTreeSet;
use xenolith_abi::guest_layout::{HYPERVISOR_VIRT_END, HYPERVISOR_VIRT_START};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes};

/// Pages of memory that the domain is said to have.
pub(super) const MEMORY_PAGES: u64 = 48;
/// The domain's number.
pub(super) const DOMAIN: u16 = 7;
/// The page that is not mapped.
pub(super) const MISSING: u64 = BASE + 5 * 0x1000;
/// The page that cannot be written.
pub(super) const READ_ONLY: u64 = BASE + 9 * 0x1000;
/// Where the pages are in the hole.
pub(super) const IN_HOLE: u64 = HYPERVISOR_VIRT_START + (510 << 30);
/// Where the pages are behind the hole.
pub(super) const BEHIND_HOLE: u64 = HYPERVISOR_VIRT_END + (510 << 30);

/// What was dropped of the caller's translations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Flush {
    All,
    Page(Gva),
    /// All, since another table was loaded.
    Table(Gpa),
}

/// What handlers see of the machine.
#[derive(Debug)]
pub(super) struct TestMachine {
    pub(super) memory: TestMemory,
    pub(super) channels: Box<EventChannels>,
    /// What was to be notified, in order.
    pub(super) notified: Vec<Notify>,
    pub(super) queues: ConsoleQueues,
    pub(super) exits: Vec<u64>,
    /// What was published, in order.
    pub(super) published: Vec<(Gpa, Vec<u8>)>,
    /// How often translations were dropped.
    pub(super) flushes: usize,
    /// The last exceptions that were said to be handled.
    pub(super) handled: Option<u32>,
    /// The system time.
    pub(super) now_ns: u64,
    /// The deadlines that were armed, in order.
    pub(super) armed: Vec<u64>,
    /// Where SYSENTER leads.
    pub(super) sysenter: Option<EntryPoint>,
    /// NMIs that were sent.
    pub(super) nmis: u32,
    pub(super) cr4: u64,
    /// The last setting of the floating-point unit.
    pub(super) fpu: Option<FpuUse>,
    /// The base addresses that were set, in order.
    pub(super) bases: Vec<(SegmentBase, Gva)>,
    pub(super) cr3: u64,
    /// What was dropped of the caller's translations, in order.
    pub(super) flushed: Vec<Flush>,
    /// The last local descriptor table.
    pub(super) ldt: Option<(Gva, u16)>,
    pub(super) frames: FrameSet,
    /// Frames that the guest does not reach.
    pub(super) unmapped: BTreeSet<u64>,
    /// How often it is denied that a call had better be cut.
    pub(super) units: u32,
    /// Questions until one single time it is said so.
    pub(super) cut_at: Option<u32>,
    /// The debug registers.
    pub(super) debug: [u64; 8],
    /// Whether ticks can be counted, and those that are.
    pub(super) can_step: bool,
    pub(super) ticks: Option<u32>,
    /// What was logged.
    pub(super) logged: Vec<String>,
}

impl Domains for TestMachine {
    type SharedMemory = TestMemory;

    fn with_channels<R>(
        &mut self,
        domain: DomId,
        action: impl FnOnce(&mut EventChannels, &mut TestMemory) -> R,
    ) -> Option<R> {
        (domain == self.channels.domain()).then(|| action(&mut self.channels, &mut self.memory))
    }

    fn channels(&self, domain: DomId) -> Option<&EventChannels> {
        (domain == self.channels.domain()).then_some(&self.channels)
    }

    fn notify(&mut self, notify: Notify) {
        self.notified.push(notify);
    }
}

impl OwnState for TestMachine {
    type Memory = TestMemory;

    fn memory(&mut self) -> &mut TestMemory {
        &mut self.memory
    }

    fn cr3(&self) -> u64 {
        self.cr3
    }

    fn load_cr3(&mut self, table: Gpa) {
        self.cr3 = table.0;
        self.flushed.push(Flush::Table(table));
    }

    fn flush_translations(&mut self) {
        self.flushed.push(Flush::All);
    }

    fn flush_page(&mut self, address: Gva) {
        self.flushed.push(Flush::Page(address));
    }

    fn load_ldt(&mut self, base: Gva, entries: u16) {
        self.ldt = Some((base, entries));
    }

    fn publish(&mut self, at: Gpa, bytes: &[u8]) {
        assert!(at.page_offset() + to_u64(bytes.len()) <= 4096, "it crosses a page");
        self.published.push((at, bytes.to_vec()));
    }

    fn preempt(&mut self) -> bool {
        let cut = self.units == 0 || self.cut_at == Some(0);
        self.units = self.units.saturating_sub(1);
        self.cut_at = self.cut_at.and_then(|questions| questions.checked_sub(1));
        cut
    }
}

impl Machine for TestMachine {
    fn with_console<R>(&mut self, action: impl FnOnce(&mut ConsoleQueues) -> R) -> R {
        action(&mut self.queues)
    }

    fn flush(&mut self) {
        self.flushes += 1;
    }

    fn set_handled(&mut self, handled: u32) {
        self.handled = Some(handled);
    }

    fn clock(&self) -> Clock {
        let scale = Scale::from_khz(1_000_000).expect("a usual frequency");
        Clock { tsc: 5, system_time_ns: 0, scale }
    }

    fn now_ns(&self) -> u64 {
        self.now_ns
    }

    fn arm(&mut self, deadline_ns: u64) {
        self.armed.push(deadline_ns);
    }

    fn set_sysenter(&mut self, entry: Option<EntryPoint>) {
        self.sysenter = entry;
    }

    fn send_nmi(&mut self) {
        self.nmis += 1;
    }

    fn frames(&mut self) -> &mut FrameSet {
        &mut self.frames
    }

    fn publish_words(&mut self, at: Gpa, count: u64, word: impl Fn(u64) -> u64) {
        let words: Vec<u64> = (0..count).map(word).collect();
        self.published.push((at, words.as_bytes().to_vec()));
    }

    fn unmap_frames(&mut self, start: Gfn, count: u64) {
        for gfn in start.0..start.0 + count {
            self.unmapped.insert(gfn);
            self.memory.hide(gfn);
        }
    }

    fn map_frames(&mut self, start: Gfn, count: u64) {
        for gfn in start.0..start.0 + count {
            self.unmapped.remove(&gfn);
            self.memory.show(gfn);
        }
    }

    fn scrub(&mut self, gfn: Gfn) {
        assert!(self.unmapped.contains(&gfn.0), "{gfn:?} is mapped");
        self.memory.zero_hidden(gfn.0);
    }

    fn set_fpu_use(&mut self, fpu: FpuUse) {
        self.fpu = Some(fpu);
    }

    fn set_segment_base(&mut self, base: SegmentBase, address: Gva) {
        self.bases.push((base, address));
    }

    fn cr4(&self) -> u64 {
        self.cr4
    }

    fn debug_register(&self, number: u8) -> u64 {
        self.debug[usize::from(number)]
    }

    fn set_debug_register(&mut self, number: u8, value: u64) {
        self.debug[usize::from(number)] = value;
    }

    fn log(&mut self, line: std::fmt::Arguments<'_>) {
        self.logged.push(line.to_string());
    }

    fn exit_counts(&self) -> &[u64] {
        &self.exits
    }

    fn begin_steps(&mut self, ticks: u32) -> bool {
        self.ticks = self.can_step.then_some(ticks);
        self.can_step
    }

    fn end_steps(&mut self) {
        self.ticks = None;
    }
}

/// A domain that makes calls.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) domain: Domain,
    pub(super) vcpu: VcpuState,
    pub(super) machine: TestMachine,
}

impl Caller {
    pub(super) fn new() -> Self {
        let domain = Domain::new(DomId(DOMAIN), MEMORY_PAGES, Header::example());
        let page = |address: u64| (address - BASE) >> 12;
        let shared = domain.shared_info.gfn().0;
        let mut memory = mapped(&[page(MISSING)], &[page(READ_ONLY)]).with_pages(shared, 1, true);
        for address in [IN_HOLE, BEHIND_HOLE] {
            memory.poke(CR3 + 8 * (address >> 39 & 511), 0x2003);
        }
        let vcpu = VcpuState::new(VcpuId(0), &domain.hole);
        let mut channels = Box::new(EventChannels::new_zeroed());
        channels.start(domain.id, domain.shared_info, 1);
        let queues = ConsoleQueues::new();
        let exits = (100..180).collect();
        let machine = TestMachine {
            memory,
            channels,
            notified: Vec::new(),
            queues,
            exits,
            published: Vec::new(),
            flushes: 0,
            handled: None,
            now_ns: 0,
            armed: Vec::new(),
            sysenter: None,
            nmis: 0,
            cr4: 0,
            fpu: None,
            bases: Vec::new(),
            cr3: CR3,
            flushed: Vec::new(),
            ldt: None,
            units: u32::MAX,
            cut_at: None,
            frames: FrameSet::example(MEMORY_PAGES),
            unmapped: BTreeSet::new(),
            debug: [0; 8],
            can_step: true,
            ticks: None,
            logged: Vec::new(),
        };
        Self { domain, vcpu, machine }
    }

    /// Makes a call; arguments that are not given hold rubbish.
    pub(super) fn call(&mut self, number: impl Into<u64>, given: &[u64]) -> Outcome {
        let mut args: Args = [0xbad0_bad0_bad0_bad0; 5];
        args[..given.len()].copy_from_slice(given);
        self.call_all(number.into(), &args)
    }

    /// Makes a call with all arguments.
    pub(super) fn call_all(&mut self, number: u64, args: &Args) -> Outcome {
        let Self { domain, vcpu, machine } = self;
        let outcome = dispatch(&mut Call { domain, vcpu, machine }, number, args);
        if let Some(value) = at_once(number, args[0]) {
            assert_eq!(outcome, Outcome::Return(value), "the short cut agrees");
        }
        outcome
    }

    /// Makes a call that is cut after each `units` denials, again and again until it returns.
    /// Returns its result and in how many pieces it was done.
    pub(super) fn call_in_pieces(
        &mut self,
        number: impl Into<u64>,
        args: &Args,
        units: u32,
    ) -> (i64, usize) {
        let number = number.into();
        let mut args = *args;
        for pieces in 1..100_000 {
            self.machine.units = units;
            let outcome = self.call_all(number, &args);
            self.machine.units = u32::MAX;
            args = match outcome {
                Outcome::Return(value) => return (value, pieces),
                Outcome::Continue(left) if number & 64 == 0 => left,
                Outcome::Again(left) if number & 64 != 0 => left,
                other => panic!("{other:?} after {pieces} pieces"),
            };
        }
        panic!("it does not end")
    }

    /// Returns the word that was published last at an address.
    pub(super) fn published_word(&self, at: Gpa) -> Option<u64> {
        let words = |(start, bytes): &(Gpa, Vec<u8>)| {
            let offset = usize::try_from(at.0.checked_sub(start.0)?).ok()?;
            let word = bytes.get(offset..)?.first_chunk()?;
            Some(u64::from_le_bytes(*word))
        };
        self.machine.published.iter().rev().find_map(words)
    }

    /// Returns the address space.
    pub(super) fn space(&mut self) -> GuestSpace<'_, TestMemory> {
        self.machine.space()
    }

    /// Stores a value in guest memory.
    pub(super) fn put<T: IntoBytes + Immutable + ?Sized>(&mut self, at: u64, value: &T) {
        self.space().copy_out(Gva(at), value.as_bytes()).expect("it is mapped");
    }

    /// Reads a value from guest memory.
    pub(super) fn take<T: FromBytes + IntoBytes>(&mut self, at: u64) -> T {
        self.space().read(Gva(at)).expect("it is mapped")
    }

    /// Maps page `page` of the pages at `BASE` to nothing.
    pub(super) fn unmap(&mut self, address: u64) {
        self.machine.memory.poke(0x4000 + ((address - BASE) >> 12) * 8, 0);
    }
}
