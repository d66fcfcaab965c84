//! A console whose guest writes any indices and bytes to its page, and on which anything is typed.

use super::{ConsoleQueues, ConsoleRing, INPUT_BYTES, OUTPUT_BYTES};
use crate::address::Gpa;
use crate::fuzzing::Bytes;
use crate::guest_memory::{GuestMemory, TestMemory};
use core::mem::offset_of;
use std::vec::Vec;
use xenolith_abi::console::ConsoleInterface;

/// The console's page, between two that the guest does not have.
const FRAME: u64 = 3;
const PAGE: u64 = FRAME << 12;
const IN_CONS: usize = offset_of!(ConsoleInterface, in_cons);
const IN_PROD: usize = offset_of!(ConsoleInterface, in_prod);
const OUT_CONS: usize = offset_of!(ConsoleInterface, out_cons);
const OUT_PROD: usize = offset_of!(ConsoleInterface, out_prod);

/// Does to a console what the bytes say.
pub(crate) fn run(bytes: &[u8]) {
    let mut bytes = Bytes::new(bytes);
    let mut queues = ConsoleQueues { ring: Some(ConsoleRing::new(Gpa(PAGE))), ..<_>::default() };
    let mut memory = TestMemory::default().with_pages(FRAME, 1, true);
    while !bytes.is_empty() {
        match bytes.byte() % 9 {
            0 => {
                // Anywhere, or near one that is there: a ring is full or overfull by a little.
                let which = bytes.byte();
                let at = |which: u8| [IN_CONS, IN_PROD, OUT_CONS, OUT_PROD][usize::from(which % 4)];
                let value = match which & 4 {
                    0 => bytes.word(),
                    _ => index(&memory, at(which >> 3)).wrapping_add(bytes.half().into()),
                };
                memory.store_u32(Gpa(PAGE + place(at(which))), value);
            }
            1 => {
                let at = u64::from(bytes.half() & 0xfff);
                let count = usize::from(bytes.byte()).min(usize::from(0x1000 - bytes_of(at)));
                memory.write(Gpa(PAGE + at), bytes.take(count));
            }
            2 => produce(&mut bytes, &mut memory),
            3 => queues.detach_ring(),
            4 => queues.output.consume(bytes.half().into()),
            5 => (0..bytes.byte()).for_each(|_| queues.receive(bytes.byte())),
            6 => {
                let count = usize::from(bytes.half()).min(queues.room());
                let text: Vec<u8> = bytes.take(count).to_vec();
                let room = queues.output.room();
                queues.write(&text);
                assert!(room - queues.output.room() >= text.len(), "what room promises fits");
            }
            7 if bytes.byte().is_multiple_of(8) => memory.hide(FRAME),
            7 => memory.show(FRAME),
            _ => serve(&mut queues, &mut memory),
        }
        assert!(queues.unread() <= INPUT_BYTES && queues.room() <= OUTPUT_BYTES);
    }
}

fn place(offset: usize) -> u64 {
    crate::address::to_u64(offset)
}

fn bytes_of(at: u64) -> u16 {
    u16::try_from(at).expect("within a page")
}

fn index(memory: &TestMemory, at: usize) -> u32 {
    let mut bytes = [0; 4];
    memory.read(Gpa(PAGE + place(at)), &mut bytes);
    u32::from_le_bytes(bytes)
}

/// Produces as a guest does that keeps to the rules, or nearly.
fn produce(bytes: &mut Bytes<'_>, memory: &mut TestMemory) {
    let producer = index(memory, OUT_PROD).wrapping_add(bytes.byte().into());
    memory.store_u32(Gpa(PAGE + place(OUT_PROD)), producer);
}

/// Has the ring served, which moves the hypervisor's own indices only, and by no more than there is.
fn serve(queues: &mut ConsoleQueues, memory: &mut TestMemory) {
    let read = |memory: &TestMemory| [IN_CONS, OUT_PROD].map(|at| index(memory, at));
    let (guests, consumer) = (read(memory), index(memory, OUT_CONS));
    let (room, before) = (queues.output.room(), memory.clone());
    let told = queues.ring_event(memory);
    assert!(told || *memory == before, "a change that nobody is told of");
    assert_eq!(read(memory), guests, "the guest's indices are the guest's");
    let taken = index(memory, OUT_CONS).wrapping_sub(consumer);
    assert_eq!(room - queues.output.room(), crate::address::to_usize(taken.into()));
    assert!(taken <= guests[1].wrapping_sub(consumer), "more than there was");
}

/// Output and input through the ring, and indices that are nonsense.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let write = [1, 0, 4, 5, b'h', b'e', b'l', b'l', b'\n', 2, 5, 8];
    let typed = [5, 6, b'a', 1, 1, 1, b'q', b'b', 8];
    let far = [0, 2, 0xf0, 0xff, 0xff, 0xff, 0, 3, 0xf8, 0xff, 0xff, 0xff, 8];
    let nonsense = [0, 3, 0, 0, 0, 0x80, 8, 0, 4 | 3 | 2 << 3, 1, 8, 8];
    let line = [6, 3, 0, b'x', b'\n', b'y', 4, 2, 0, 3, 7, 0, 8, 7, 1];
    let parts = [&write[..], &typed, &far, &nonsense, &line];
    (0..parts.len()).map(|first| [parts[first], &write, &typed, &far].concat()).collect()
}
