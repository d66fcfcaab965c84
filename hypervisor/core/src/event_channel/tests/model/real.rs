//! The steps, done to the domains that are tested.

use super::super::super::operations;
use super::steps::Step;
use super::*;

/// Does a step for `caller`.
pub(super) fn run(domains: &mut TestDomains, caller: DomId, step: &Step) -> Answer {
    let made = |port| (Some(port), Notify::Nobody);
    let told = |notify| (None, notify);
    let (channels, memory) = domains.of(caller);
    match *step {
        Step::AllocUnbound { domain, remote } => {
            operations::alloc_unbound(domains, caller, domain, remote).map(made)
        }
        Step::BindInterdomain { end } => operations::bind_interdomain(domains, caller, end)
            .map(|(port, notify)| (Some(port), notify)),
        Step::BindVirq { virq, vcpu } => channels.bind_virq(virq, vcpu).map(made),
        Step::BindIpi { vcpu } => channels.bind_ipi(vcpu).map(made),
        Step::BindVcpu { port, vcpu } => channels.bind_vcpu(port, vcpu).and(DONE),
        Step::Close { port } => operations::close(domains, caller, port).and(DONE),
        Step::Send { port } => operations::send(domains, caller, port).map(told),
        Step::Unmask { port } => channels.unmask(memory, port).map(told),
        Step::RaiseVirq { virq, vcpu } => Ok(told(channels.raise_virq(memory, virq, vcpu))),
        Step::BindService(service) => channels.bind_service(service).map(made),
        Step::RaiseService(service) => Ok(told(channels.raise_service(memory, service))),
        Step::ConnectService { port, service } => channels.connect_service(port, service).and(DONE),
        Step::DisconnectService(service) => {
            channels.disconnect_service(service);
            DONE
        }
        Step::Status { end: End { domain, port } } => {
            operations::status(domains, caller, domain, port).and(DONE)
        }
        Step::IsPending { port } => {
            channels.is_any_pending(memory, &[port.0]).map(|is| made(Port(u32::from(is))))
        }
        Step::BeginPoll { vcpu, what } => {
            channels.begin_poll(vcpu, what);
            DONE
        }
        Step::EndPoll { vcpu } => {
            channels.end_poll(vcpu);
            DONE
        }
        Step::MoveInfo { vcpu } => {
            let to = Gpa(0x6000 + 64 * u64::from(vcpu.0));
            Ok(told(channels.move_vcpu_info(memory, vcpu, to).unwrap()))
        }
        Step::Reset { domain } => {
            let progress = operations::reset(domains, caller, domain, operations::Reset::Begin)?;
            assert_eq!(progress, operations::Progress::Done, "few ports take one piece");
            DONE
        }
        Step::Mask { port } => {
            memory.fetch_or(port.mask_at(SHARED_INFO), port.bit()).unwrap();
            DONE
        }
        Step::Drain => {
            let infos = [CPU_0, CPU_1].map(|vcpu| channels.vcpu_info(vcpu).0);
            for at in infos.into_iter().flat_map(|at| [at, at + 8]) {
                memory.poke(at, 0);
            }
            memory.poke(Port(0).pending_at(SHARED_INFO).0, 0);
            DONE
        }
    }
}
