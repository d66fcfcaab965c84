//! `set_trap_table`: a guest's handlers of exceptions and software interrupts.

use super::{Args, Call, Machine, Outcome, handle};
use crate::address::{Gva, to_u64};
use crate::hole;
use crate::resident::{EVENT_VECTOR, Trap};
use xenolith_abi::errno::EINVAL;
use xenolith_abi::trap::{FLAG_DPL_MASK, FLAG_MASK_EVENTS, TrapInfo};
use zerocopy::IntoBytes;

pub(super) fn set_trap_table<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    if args[0] == 0 {
        clear(call);
        return Outcome::Return(0);
    }
    let mut at = args[0];
    loop {
        let entry: TrapInfo = match call.space().read(handle(at)) {
            Ok(entry) => entry,
            Err(fault) => return fault.into(),
        };
        if entry.address == 0 {
            return Outcome::Return(0);
        }
        if !Gva(entry.address).is_canonical() {
            return Outcome::Return(-EINVAL);
        }
        set(call, entry.vector, entry.address, entry.flags);
        at = at.wrapping_add(to_u64(size_of::<TrapInfo>()));
        if call.machine.preempt() {
            let [_, rest @ ..] = *args;
            return Outcome::Continue([at, rest[0], rest[1], rest[2], rest[3]]);
        }
    }
}

/// Takes all handlers away, table by table: vector by vector is longer than an event may wait.
fn clear<M: Machine>(call: &mut Call<'_, M>) {
    const VECTORS: u64 = 256;
    const TRAP_WORDS: u64 = to_u64(size_of::<Trap>() / 8);
    const GATE_WORDS: u64 = hole::GATE_BYTES / 8;
    let here = call.domain.hole;
    call.machine.publish_words(here.trap(0), VECTORS * TRAP_WORDS, |_| 0);
    // All gates but one.
    let below = u64::from(EVENT_VECTOR);
    call.machine.publish_words(here.gate(0), below * GATE_WORDS, |_| 0);
    let above = VECTORS - below - 1;
    call.machine.publish_words(here.gate(EVENT_VECTOR + 1), above * GATE_WORDS, |_| 0);
    call.vcpu.handled = 0;
    call.machine.set_handled(0);
}

/// Makes `handler` the handler of `vector`, with flags of `trap_info`; 0 takes it away.
pub(super) fn set<M: Machine>(call: &mut Call<'_, M>, vector: u8, handler: u64, flags: u8) {
    let here = &call.domain.hole;
    let header = &call.domain.resident;
    let entry = Gva(here.text().0
        + u64::from(header.vectors)
        + u64::from(vector) * u64::from(header.vector_stride));
    let gate = if handler == 0 { [0; 2] } else { hole::gate(entry, flags & FLAG_DPL_MASK) };
    call.machine.publish(here.trap(vector), Trap::new(handler, flags).as_bytes());
    if vector != EVENT_VECTOR {
        call.machine.publish(here.gate(vector), gate.as_bytes());
    }
    if vector < 32 {
        let bit = 1 << vector;
        let others = call.vcpu.handled & !bit;
        call.vcpu.handled = if handler == 0 { others } else { others | bit };
        call.machine.set_handled(call.vcpu.handled);
    }
}

/// Makes `address` the handler of NMIs; 0 takes it away. Events are masked there.
pub(super) fn set_nmi<M: Machine>(call: &mut Call<'_, M>, address: u64) {
    const NMI: u8 = 2;
    set(call, NMI, address, FLAG_MASK_EVENTS);
}
