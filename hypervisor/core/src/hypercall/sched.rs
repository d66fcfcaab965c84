//! `sched_op` (`xen/public/sched.h`).

use super::{Args, Call, Machine, Outcome, as_u32, finish, handle, timer};
use crate::address::{Gva, to_u64, to_usize};
use crate::event_channel::operations::within;
use crate::event_channel::{PollFor, Port, is_deliverable};
use crate::guest_access::{Fault, is_reachable};
use crate::guest_memory::GuestMemory;
use crate::shutdown::ShutdownReason;
use xenolith_abi::errno::{EFAULT, EINVAL, ENOSYS, EPERM, ESRCH};
use xenolith_abi::sched::{self, Poll, RemoteShutdown, Shutdown, Watchdog};
use zerocopy::IntoBytes;

/// Ports that may be polled at once.
const MAX_POLLED: usize = 128;
/// The byte `evtchn_upcall_mask` in the first word of `vcpu_info`.
const UPCALL_MASK: u64 = 0xff00;

pub(super) fn sched_op<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let argument = handle(args[1]);
    match as_u32(args[0]) {
        sched::YIELD => Outcome::Yield,
        sched::BLOCK => block(call),
        sched::SHUTDOWN => match call.space().read::<Shutdown>(argument) {
            Ok(Shutdown { reason }) => shutdown(call, reason),
            Err(fault) => fault.into(),
        },
        sched::POLL => poll(call, argument).unwrap_or_else(Into::into),
        sched::REMOTE_SHUTDOWN => finish(call.space().read(argument).map(|r| remote(call, r))),
        sched::SHUTDOWN_CODE => finish(call.space().read(argument).map(|code: Shutdown| {
            let code = ShutdownReason::from_number(code.reason);
            call.domain.shutdown_code.get_or_insert(code);
            0
        })),
        sched::WATCHDOG => finish(watchdog(call, argument)),
        // For the hardware domain only, whatever the argument is.
        sched::PIN_OVERRIDE => Outcome::Return(-EPERM),
        _ => Outcome::Return(-ENOSYS),
    }
}

/// A reason that was announced comes before the one that is given now.
fn shutdown<M>(call: &Call<'_, M>, reason: u32) -> Outcome {
    let given = ShutdownReason::from_number(reason);
    Outcome::Shutdown(call.domain.shutdown_code.unwrap_or(given))
}

/// Allows upcalls; without one there is to sleep.
fn block<M: Machine>(call: &mut Call<'_, M>) -> Outcome {
    let info = call.vcpu.vcpu_info;
    match call.machine.memory().fetch_and(info, !UPCALL_MASK) {
        Some(word) if is_deliverable(word & !UPCALL_MASK) => Outcome::Return(0),
        _ => Outcome::Block,
    }
}

fn poll<M: Machine>(call: &mut Call<'_, M>, argument: Gva) -> Result<Outcome, Fault> {
    let poll: Poll = call.space().read(argument)?;
    let count = to_usize(poll.nr_ports.into());
    if count > MAX_POLLED {
        return Ok(Outcome::Return(-EINVAL));
    }
    let ports = Gva(poll.ports);
    if !is_reachable(ports) {
        return Ok(Outcome::Return(-EFAULT));
    }
    let word = call.machine.memory().read_word(call.vcpu.vcpu_info);
    if word.is_some_and(is_deliverable) {
        return Ok(Outcome::Return(0));
    }
    let mut list = [0; MAX_POLLED];
    let list = &mut list[..count];
    let readable = read_ports(call, ports, list);
    let found = within(call.machine, call.domain.id, |channels, memory| {
        channels.is_any_pending(memory, &list[..readable])
    });
    match found {
        Ok(true) => return Ok(Outcome::Return(0)),
        Ok(false) if readable < count => return Err(Fault),
        Ok(false) => {}
        Err(error) => return Ok(Outcome::Return(-error.errno())),
    }
    let passed = timer::is_negative(poll.timeout) || poll.timeout <= call.machine.now_ns();
    if poll.timeout != 0 && passed {
        return Ok(Outcome::Return(0));
    }
    call.vcpu.polls_for = Some(match *list {
        [port] => PollFor::Port(Port(port)),
        _ => PollFor::Any,
    });
    Ok(Outcome::Poll { deadline_ns: (poll.timeout != 0).then_some(poll.timeout) })
}

/// Reads a list of ports, and returns how many of them could be read.
fn read_ports<M: Machine>(call: &mut Call<'_, M>, at: Gva, ports: &mut [u32]) -> usize {
    const BYTES: u64 = to_u64(size_of::<u32>());
    // All in one go, as a rule. Those in front of a bad page count.
    if call.space().copy_in(at, ports.as_mut_bytes()).is_ok() {
        return ports.len();
    }
    let each = (0..).map(|index| at.0.wrapping_add(BYTES * index)).zip(ports);
    let is_read = |(at, number): (u64, &mut u32)| {
        call.space().copy_in(Gva(at), number.as_mut_bytes()).is_ok()
    };
    each.map(is_read).take_while(|&is_read| is_read).count()
}

/// Only a privileged domain may end another, or itself in this way.
fn remote<M>(call: &Call<'_, M>, argument: RemoteShutdown) -> i64 {
    if argument.domain_id == call.domain.id.0 { -EPERM } else { -ESRCH }
}

fn watchdog<M: Machine>(call: &mut Call<'_, M>, argument: Gva) -> Result<i64, Fault> {
    let Watchdog { id, timeout } = call.space().read(argument)?;
    let now = call.machine.now_ns();
    let result = call.domain.watchdogs.set(id, timeout, now);
    if let Some(deadline) = call.domain.watchdogs.next_deadline() {
        call.machine.arm(deadline);
    }
    Ok(result)
}
