//! `console_io` (`xen/public/xen.h`).

use super::{Args, Call, Machine, Outcome, as_u32, handle};
use crate::address::{Gva, to_u64};
use crate::guest_access::Fault;
use xenolith_abi::console;
use xenolith_abi::errno::{E2BIG, EFAULT, ENOSYS};

/// Bytes that are copied at a time, which is how many a fault at most keeps back.
const CHUNK_BYTES: usize = 127;

pub(super) fn console_io<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let [command, count, buffer, ..] = *args;
    match as_u32(command) {
        console::WRITE => write(call, args, as_u32(count), handle(buffer)),
        console::READ if as_u32(count) > i32::MAX.unsigned_abs() => Outcome::Return(-E2BIG),
        console::READ => read(call, as_u32(count), handle(buffer)),
        _ => Outcome::Return(-ENOSYS),
    }
}

/// Queues `count` bytes; cut when the queue is full, too.
fn write<M: Machine>(call: &mut Call<'_, M>, args: &Args, count: u32, buffer: Gva) -> Outcome {
    let mut rest = count;
    let mut at = buffer.0;
    while rest != 0 {
        let mut chunk = [0; CHUNK_BYTES];
        let len = chunk.len().min(crate::address::to_usize(u64::from(rest)));
        let chunk = &mut chunk[..len];
        if let Err(fault) = call.space().copy_in(Gva(at), chunk) {
            return fault.into();
        }
        let is_queued = call.machine.with_console(|queues| {
            let has_room = queues.room() >= len;
            if has_room {
                queues.write(chunk);
            }
            has_room
        });
        if !is_queued {
            break;
        }
        at = at.wrapping_add(to_u64(len));
        rest -= u32::try_from(len).expect("a chunk is short");
        if rest != 0 && call.machine.preempt() {
            break;
        }
    }
    if rest == 0 {
        return Outcome::Return(0);
    }
    let [command, .., fourth, fifth] = *args;
    Outcome::Continue([command, u64::from(rest), at, fourth, fifth])
}

/// Copies what is there, at most `count` bytes and no more than were there at first, and returns
/// how many they were. Input that is the ring's is not there.
fn read<M: Machine>(call: &mut Call<'_, M>, count: u32, buffer: Gva) -> Outcome {
    let mut done = 0;
    let there = call.machine.with_console(|queues| queues.unread());
    let count = count.min(u32::try_from(there).expect("the queue is short"));
    while done < count {
        let mut chunk = [0; CHUNK_BYTES];
        let want = chunk.len().min(crate::address::to_usize(u64::from(count - done)));
        let len = call.machine.with_console(|queues| {
            let front = queues.input.front();
            let len = front.len().min(want);
            chunk[..len].copy_from_slice(&front[..len]);
            len
        });
        if len == 0 {
            break;
        }
        let to = Gva(buffer.0.wrapping_add(u64::from(done)));
        if let Err(Fault) = call.space().copy_out(to, &chunk[..len]) {
            return Outcome::Return(-EFAULT);
        }
        call.machine.with_console(|queues| queues.input.consume(len));
        done += u32::try_from(len).expect("a chunk is short");
    }
    Outcome::Return(i64::from(done))
}
