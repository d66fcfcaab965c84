//! `event_channel_op` (`xen/public/event_channel.h`): arguments of the operations on ports.
//!
//! The FIFO operations do not exist: a guest that asks for them falls back to two levels.

use super::{Args, Call, Machine, Outcome, as_u32, finish, handle};
use crate::address::{DomId, VcpuId};
use crate::event_channel::operations::{self, Progress, Reset, within};
use crate::event_channel::{Binding, End, Error, Port, Virq};
use xenolith_abi::errno::ENOSYS;
use xenolith_abi::event_channel::{self as abi, AllocUnbound, BindInterdomain, BindIpi, BindPirq};
use xenolith_abi::event_channel::{BindVcpu, BindVirq, Close, Send, Status, Unmask};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// A reset that goes on; guests have no use for it, but see the same number on Xen.
#[doc(alias = "EVTCHNOP_reset_cont")]
const RESET_CONTINUED: u32 = 14;
/// Physical interrupts that an ordinary domain may name without having one: as on Xen on a machine
/// whose I/O APIC has 24 inputs.
const PIRQS: u32 = 24 + 32;

pub(super) fn event_channel_op<M: Machine>(call: &mut Call<'_, M>, args: &Args) -> Outcome {
    let operation: fn(&mut Call<'_, M>, &Args) -> Outcome = match as_u32(args[0]) {
        abi::ALLOC_UNBOUND => |call, args| exchange(call, args, alloc_unbound),
        abi::BIND_INTERDOMAIN => |call, args| exchange(call, args, bind_interdomain),
        abi::BIND_VIRQ => |call, args| exchange(call, args, bind_virq),
        abi::BIND_IPI => |call, args| exchange(call, args, bind_ipi),
        abi::BIND_PIRQ => |call, args| exchange(call, args, bind_pirq),
        abi::STATUS => |call, args| exchange(call, args, status),
        abi::BIND_VCPU => |call, args| take(call, args, bind_vcpu),
        abi::CLOSE => |call, args| take(call, args, close),
        abi::SEND => |call, args| take(call, args, send),
        abi::UNMASK => |call, args| take(call, args, unmask),
        abi::RESET => |call, args| reset(call, args, Reset::Begin),
        RESET_CONTINUED => |call, args| reset(call, args, Reset::Resume),
        _ => return Outcome::Return(-ENOSYS),
    };
    operation(call, args)
}

/// Reads the argument, and writes it back after an operation that succeeded; where it cannot be
/// written, the operation has been done.
fn exchange<M: Machine, T: FromBytes + IntoBytes + Immutable>(
    call: &mut Call<'_, M>,
    args: &Args,
    operation: impl FnOnce(&mut Call<'_, M>, &mut T) -> Result<(), Error>,
) -> Outcome {
    let mut argument = T::new_zeroed();
    let place = match call.borrow(handle(args[1]), &mut argument) {
        Ok(place) => place,
        Err(fault) => return fault.into(),
    };
    if let Err(error) = operation(call, &mut argument) {
        return Outcome::Return(-error.errno());
    }
    finish(call.give_back(&place, &argument).map(|()| 0))
}

/// Reads the argument of an operation that gives nothing back.
fn take<M: Machine, T: FromBytes + IntoBytes>(
    call: &mut Call<'_, M>,
    args: &Args,
    operation: impl FnOnce(&mut Call<'_, M>, T) -> Result<(), Error>,
) -> Outcome {
    match call.space().read(handle(args[1])) {
        Ok(argument) => {
            Outcome::Return(operation(call, argument).map_or_else(|error| -error.errno(), |()| 0))
        }
        Err(fault) => fault.into(),
    }
}

fn alloc_unbound<M: Machine>(
    call: &mut Call<'_, M>,
    argument: &mut AllocUnbound,
) -> Result<(), Error> {
    let [domain, remote] = [argument.dom, argument.remote_dom].map(DomId);
    let port = operations::alloc_unbound(call.machine, call.domain.id, domain, remote)?;
    argument.port = port.0;
    Ok(())
}

fn bind_interdomain<M: Machine>(
    call: &mut Call<'_, M>,
    argument: &mut BindInterdomain,
) -> Result<(), Error> {
    let remote = End { domain: DomId(argument.remote_dom), port: Port(argument.remote_port) };
    let (port, notify) = operations::bind_interdomain(call.machine, call.domain.id, remote)?;
    call.machine.notify(notify);
    argument.local_port = port.0;
    Ok(())
}

fn bind_virq<M: Machine>(call: &mut Call<'_, M>, argument: &mut BindVirq) -> Result<(), Error> {
    let (virq, vcpu) = (Virq(argument.virq), VcpuId(argument.vcpu));
    let port = within(call.machine, call.domain.id, |channels, _| channels.bind_virq(virq, vcpu))?;
    argument.port = port.0;
    Ok(())
}

fn bind_ipi<M: Machine>(call: &mut Call<'_, M>, argument: &mut BindIpi) -> Result<(), Error> {
    let vcpu = VcpuId(argument.vcpu);
    let port = within(call.machine, call.domain.id, |channels, _| channels.bind_ipi(vcpu))?;
    argument.port = port.0;
    Ok(())
}

fn bind_pirq<M: Machine>(_: &mut Call<'_, M>, argument: &mut BindPirq) -> Result<(), Error> {
    Err(if argument.pirq < PIRQS { Error::Denied } else { Error::Invalid })
}

fn bind_vcpu<M: Machine>(call: &mut Call<'_, M>, argument: BindVcpu) -> Result<(), Error> {
    let (port, vcpu) = (Port(argument.port), VcpuId(argument.vcpu));
    within(call.machine, call.domain.id, |channels, _| channels.bind_vcpu(port, vcpu))
}

fn close<M: Machine>(call: &mut Call<'_, M>, argument: Close) -> Result<(), Error> {
    operations::close(call.machine, call.domain.id, Port(argument.port))
}

fn send<M: Machine>(call: &mut Call<'_, M>, argument: Send) -> Result<(), Error> {
    let notify = operations::send(call.machine, call.domain.id, Port(argument.port))?;
    call.machine.notify(notify);
    Ok(())
}

fn unmask<M: Machine>(call: &mut Call<'_, M>, argument: Unmask) -> Result<(), Error> {
    let port = Port(argument.port);
    let notify =
        within(call.machine, call.domain.id, |channels, memory| channels.unmask(memory, port))?;
    call.machine.notify(notify);
    Ok(())
}

/// Fills in the state; what has no meaning in it stays as the guest had it.
fn status<M: Machine>(call: &mut Call<'_, M>, argument: &mut Status) -> Result<(), Error> {
    let (domain, port) = (DomId(argument.dom), Port(argument.port));
    let record = operations::status(call.machine, call.domain.id, domain, port)?;
    let [first, second] = &mut argument.detail;
    let mut set_domain = |domain: DomId| *first = *first & !0xffff | u32::from(domain.0);
    argument.status = match record.binding() {
        Binding::Free | Binding::Reserved => abi::STATUS_CLOSED,
        Binding::Unbound(domain) => {
            set_domain(domain);
            abi::STATUS_UNBOUND
        }
        Binding::Interdomain(end) => {
            set_domain(end.domain);
            *second = end.port.0;
            abi::STATUS_INTERDOMAIN
        }
        Binding::Service(service) => {
            set_domain(service.end().domain);
            *second = service.end().port.0;
            abi::STATUS_INTERDOMAIN
        }
        Binding::Virq(virq) => {
            *first = virq.0;
            abi::STATUS_VIRQ
        }
        Binding::Ipi => abi::STATUS_IPI,
    };
    argument.vcpu = record.vcpu().0;
    Ok(())
}

fn reset<M: Machine>(call: &mut Call<'_, M>, args: &Args, reset: Reset) -> Outcome {
    let argument: abi::Reset = match call.space().read(handle(args[1])) {
        Ok(argument) => argument,
        Err(fault) => return fault.into(),
    };
    let domain = DomId(argument.dom);
    let mut reset = reset;
    loop {
        match operations::reset(call.machine, call.domain.id, domain, reset) {
            Ok(Progress::Done) => return Outcome::Return(0),
            Ok(Progress::Unfinished) if call.machine.preempt() => {
                let mut left = *args;
                left[0] = u64::from(RESET_CONTINUED);
                return Outcome::Continue(left);
            }
            Ok(Progress::Unfinished) => reset = Reset::Resume,
            Err(error) => return Outcome::Return(-error.errno()),
        }
    }
}
