//! A fuzzer's bytes as what a guest does.
//!
//! ```text
//! step    0 to 7   a call: number, five values, units until it is cut (255: many)
//!         8, 9     eight bytes of memory: place, value
//!         10       four bytes of memory: place, value
//!         11       bytes of memory: place, count, the bytes
//!         12       time passes: a half word, shifted by a byte
//!         13       an entry of a page table: place, value
//!         14       the machine: what it can, what is typed, what the line takes
//!         15       an event: port or virtual interrupt
//! value   a byte whose low four bits say what the rest and the bytes behind it are
//! ```

use super::super::test_machine::{
    BEHIND_HOLE, Caller, DOMAIN, IN_HOLE, MEMORY_PAGES, MISSING, READ_ONLY,
};
use super::Args;
use crate::address::Gpa;
use crate::event_channel::{Port, PortRecord, Virq};
use crate::fuzzing::Bytes;
use crate::guest_access::test_space::{BASE, CR3};
use crate::guest_memory::GuestMemory;
use std::vec::Vec;
use xenolith_abi::domain::SELF;

/// The frame of the first page at [`BASE`].
const FIRST_FRAME: u64 = 32;

/// What a guest, or the world around it, does next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    /// A hypercall, and after how many questions it is cut.
    Call { number: u64, args: Args, units: u8 },
    /// It writes to its memory.
    Write { at: Gpa, bytes: [u8; 8], count: usize },
    /// As well, but more.
    Copy { at: Gpa, bytes: &'a [u8] },
    /// Time passes.
    Wait { ns: u64 },
    /// The machine is another one, or something is typed, or the line takes what is written.
    Machine { flags: u8, byte: u8 },
    /// Something happens: on a port, or of the kind that a virtual interrupt tells.
    Event { is_virq: bool, number: u32 },
}

impl<'a> Step<'a> {
    /// Reads the next one.
    pub(super) fn read(bytes: &mut Bytes<'a>, caller: &Caller) -> Self {
        match bytes.byte() & 15 {
            0..=7 => Self::Call {
                number: (bytes.byte() & 127).into(),
                args: core::array::from_fn(|_| value(bytes, caller)),
                units: bytes.byte(),
            },
            kind @ 8..=10 => {
                let at = place(bytes);
                let count = if kind == 10 { 4 } else { 8 };
                Self::Write { at, bytes: value(bytes, caller).to_le_bytes(), count }
            }
            11 => {
                let at = place(bytes);
                let count = bytes.byte();
                Self::Copy { at, bytes: bytes.take(count.into()) }
            }
            12 => Self::Wait { ns: u64::from(bytes.half()) << (bytes.byte() % 40) },
            13 => {
                let at = Gpa(CR3 + u64::from(bytes.half() & 0x3ff8));
                Self::Write { at, bytes: value(bytes, caller).to_le_bytes(), count: 8 }
            }
            14 => Self::Machine { flags: bytes.byte(), byte: bytes.byte() },
            _ => {
                let kind = bytes.byte();
                Self::Event { is_virq: kind & 1 != 0, number: bytes.byte().into() }
            }
        }
    }

    /// Takes a step that is no call.
    pub(super) fn take(self, caller: &mut Caller) {
        let machine = &mut caller.machine;
        match self {
            Self::Call { .. } => {}
            Self::Write { at, bytes, count } => write(caller, at, &bytes[..count]),
            Self::Copy { at, bytes } => write(caller, at, bytes),
            Self::Wait { ns } => machine.now_ns = (machine.now_ns + ns).min(1 << 62),
            Self::Machine { flags, byte } => {
                machine.can_step = flags & 1 != 0;
                caller.domain.may_step = flags & 2 != 0;
                machine.cr4 = (flags & 8).into();
                caller.domain.supervisor_mode_kernel = flags & 16 != 0;
                machine.queues.output.consume(usize::from(byte) * 64);
                (0..flags >> 5).for_each(|_| machine.queues.receive(byte));
            }
            Self::Event { is_virq, number } => {
                let Caller { vcpu, machine, .. } = caller;
                let (channels, memory) = (&mut machine.channels, &mut machine.memory);
                let is_bound =
                    |port| channels.ports().record(port).is_ok_and(PortRecord::is_in_use);
                machine.notified.push(match Port(number) {
                    _ if is_virq => channels.raise_virq(memory, Virq(number % 24), vcpu.id),
                    port if is_bound(port) => channels.set_pending(memory, port),
                    _ => return,
                });
            }
        }
    }
}

/// Writes what lies within the page.
fn write(caller: &mut Caller, at: Gpa, bytes: &[u8]) {
    let room = crate::address::to_usize(0x1000 - at.page_offset());
    caller.machine.memory.write(at, &bytes[..bytes.len().min(room)]);
}

/// Where in memory, as the CPU sees it.
fn place(bytes: &mut Bytes<'_>) -> Gpa {
    Gpa((FIRST_FRAME << 12) + u64::from(bytes.half()))
}

/// A number of the kind that calls are made with.
fn value(bytes: &mut Bytes<'_>, caller: &Caller) -> u64 {
    const PLACES: [u64; 8] =
        [MISSING, READ_ONLY, IN_HOLE, BEHIND_HOLE, BASE, BASE + 0x1_0000, 0, 1 << 47];
    let tag = bytes.byte();
    let high = u64::from(tag >> 4);
    match tag & 15 {
        0 => high,
        1 => BASE + u64::from(bytes.half()),
        2 => PLACES[usize::from(tag >> 4 & 7)].wrapping_sub(u64::from(bytes.byte()) * (high >> 3)),
        3 => bytes.byte().into(),
        4 => bytes.half().into(),
        5 => bytes.word().into(),
        6 => bytes.long(),
        7 => !high,
        8 => 1 << (bytes.byte() & 63),
        9 => u64::from(bytes.byte()) << 12 | 0x60 | high,
        10 => SELF.into(),
        11 => (caller.domain.shared_info.0 + (u64::from(bytes.byte()) << 12)) >> (high & 0xc),
        12 => DOMAIN.into(),
        13 => MEMORY_PAGES - high,
        14 => FIRST_FRAME + high,
        _ => (u64::from(bytes.half()) << 12) + BASE + high,
    }
}

/// Short programs for each way into the hypervisor: each operation of each call, with a place in
/// memory as its argument, at which there are numbers, addresses and frames in different orders.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    // Values: SELF, a page, a small count, a large one, a frame.
    let (own, page, few, many, frame) =
        (&[0x0a][..], &[0x01, 0, 8][..], &[0x20][..], &[0x04, 200, 0][..], &[0x1e][..]);
    let orders =
        [[own, page, frame, few, own], [page, many, few, own, page], [page, few, page, few, own]];
    let memory = |order: [&[u8]; 5]| -> Vec<u8> {
        let word = |(at, value): (u8, &&[u8])| [&[8, 8 * at, 0][..], value].concat();
        (0..).zip(&order).flat_map(word).collect()
    };
    let mut seeds = Vec::new();
    for number in 0..64_u8 {
        for order in orders {
            let mut program = memory(order);
            for operation in 0..16_u8 {
                // An operation and a place; a place and a count; in pieces.
                program.extend([0, number, operation << 4, 1, 0, 0, 0x10, 0x0a, 0, operation]);
                program.extend([0, number | 64, 1, 0, 0, operation << 4, 0, 0x0a, 0, 0]);
            }
            seeds.push(program);
        }
    }
    seeds
}
