//! The model: what each step does, told with maps and sets.

use super::steps::Step;
use super::*;

#[derive(Clone, Debug, Default)]
pub(super) struct ModelDomain {
    pub(super) ports: BTreeMap<u32, (Binding, VcpuId)>,
    pub(super) pending: BTreeSet<u32>,
    pub(super) masked: BTreeSet<u32>,
    /// The words that each vCPU has to look at.
    pub(super) selected: [BTreeSet<u32>; 2],
    pub(super) upcall: [bool; 2],
    pub(super) polls: [Option<PollFor>; 2],
    services: BTreeMap<u32, u32>,
}

impl ModelDomain {
    fn allocate(&mut self, binding: Binding, vcpu: VcpuId) -> Port {
        let free = (1..4096).find(|port| !self.ports.contains_key(port)).unwrap();
        self.ports.insert(free, (binding, vcpu));
        Port(free)
    }

    /// Returns the vCPU that is woken, if it is.
    fn select(&mut self, port: u32) -> VcpuSet {
        let vcpu = self.ports[&port].1;
        let is_new = self.selected[index(vcpu)].insert(port / 64);
        if is_new { self.mark(vcpu) } else { VcpuSet::EMPTY }
    }

    fn mark(&mut self, vcpu: VcpuId) -> VcpuSet {
        if std::mem::replace(&mut self.upcall[index(vcpu)], true) {
            return VcpuSet::EMPTY;
        }
        self.polls[index(vcpu)] = None;
        VcpuSet::EMPTY.with(vcpu)
    }

    fn raise(&mut self, port: u32) -> VcpuSet {
        let mut woken = VcpuSet::EMPTY;
        if !self.pending.insert(port) {
            return woken;
        }
        for vcpu in [CPU_0, CPU_1] {
            let poll = &mut self.polls[index(vcpu)];
            if poll
                .take_if(|what| [PollFor::Any, PollFor::Port(Port(port))].contains(what))
                .is_some()
            {
                woken = woken.with(vcpu);
            }
        }
        if self.masked.contains(&port) {
            return woken;
        }
        self.select(port).iter().fold(woken, VcpuSet::with)
    }

    fn unmask(&mut self, port: u32) -> VcpuSet {
        let held_back = self.masked.remove(&port) && self.pending.contains(&port);
        if held_back { self.select(port) } else { VcpuSet::EMPTY }
    }
}

pub(super) fn index(vcpu: VcpuId) -> usize {
    usize::try_from(vcpu.0).unwrap()
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) domains: BTreeMap<u16, ModelDomain>,
}

impl Model {
    pub(super) fn of(&mut self, domain: DomId) -> &mut ModelDomain {
        self.domains.get_mut(&domain.0).unwrap()
    }

    pub(super) fn run(&mut self, caller: DomId, step: &Step) -> Answer {
        let resolve = |domain: DomId| if domain == SELF { caller } else { domain };
        let made = |port| Ok((Some(port), Notify::Nobody));
        let told = |woken| Ok((None, Notify::vcpus(caller, woken)));
        match *step {
            Step::AllocUnbound { domain, remote } => match resolve(domain) {
                NOBODY => Err(Error::NoDomain),
                own if own == caller => {
                    made(self.of(own).allocate(Binding::Unbound(resolve(remote)), CPU_0))
                }
                _ => Err(Error::Denied),
            },
            Step::BindInterdomain { end } => {
                let end = End { domain: resolve(end.domain), ..end };
                self.connect(caller, end)
            }
            Step::BindVirq { virq, vcpu } => {
                let global = ![0, 1, 7, 13].contains(&virq.0);
                let bound_on = |(_, on): &(u32, VcpuId)| global || *on == vcpu;
                match () {
                    () if virq.0 > 23 || (global && vcpu != CPU_0) => Err(Error::Invalid),
                    () if vcpu.0 > 1 => Err(Error::NoVcpu),
                    () if self.virq(caller, virq).iter().any(bound_on) => Err(Error::Bound),
                    () => made(self.of(caller).allocate(Binding::Virq(virq), vcpu)),
                }
            }
            Step::BindIpi { vcpu } if vcpu.0 > 1 => Err(Error::NoVcpu),
            Step::BindIpi { vcpu } => made(self.of(caller).allocate(Binding::Ipi, vcpu)),
            Step::BindVcpu { port, vcpu } => self.bind_vcpu(caller, port, vcpu),
            Step::Close { port } => self.close(caller, port),
            Step::Send { port } => self.send(caller, port),
            Step::Unmask { port } if port.0 >= 64 => Err(Error::Invalid),
            Step::Unmask { port } if !self.has(caller, port) => DONE,
            Step::Unmask { port } => told(self.of(caller).unmask(port.0)),
            Step::RaiseVirq { virq, vcpu } => {
                let global = ![0, 1, 7, 13].contains(&virq.0);
                let bound = self.virq(caller, virq);
                let port = bound.iter().find(|(_, on)| global || *on == vcpu);
                told(port.map_or(VcpuSet::EMPTY, |(port, _)| self.of(caller).raise(*port)))
            }
            Step::BindService(service) => {
                let port = self.of(caller).allocate(Binding::Service(service), CPU_0);
                self.of(caller).services.insert(service as u32, port.0);
                made(port)
            }
            Step::RaiseService(service) => {
                let port = self.of(caller).services.get(&(service as u32)).copied();
                told(port.map_or(VcpuSet::EMPTY, |port| self.of(caller).raise(port)))
            }
            Step::ConnectService { port, service } => self.connect_service(caller, port, service),
            Step::DisconnectService(service) => {
                self.disconnect_service(caller, service);
                DONE
            }
            Step::Status { end } => match resolve(end.domain) {
                NOBODY => Err(Error::NoDomain),
                _ if end.port.0 >= 64 => Err(Error::Invalid),
                own if own == caller => DONE,
                _ => Err(Error::Denied),
            },
            Step::IsPending { port } if !self.has(caller, port) => Err(Error::Invalid),
            Step::IsPending { port } => {
                made(Port(u32::from(self.of(caller).pending.contains(&port.0))))
            }
            Step::BeginPoll { vcpu, what } => {
                self.of(caller).polls[index(vcpu)] = Some(what);
                DONE
            }
            Step::EndPoll { vcpu } => {
                self.of(caller).polls[index(vcpu)] = None;
                DONE
            }
            Step::MoveInfo { vcpu } => {
                self.of(caller).selected[index(vcpu)] = (0..64).collect();
                told(self.of(caller).mark(vcpu))
            }
            Step::Reset { domain } => match resolve(domain) {
                NOBODY => Err(Error::NoDomain),
                own if own == caller => {
                    let ports: Vec<_> = self.of(caller).ports.keys().copied().collect();
                    for port in ports {
                        let _ = self.close(caller, Port(port)).unwrap();
                    }
                    DONE
                }
                _ => Err(Error::Denied),
            },
            Step::Mask { port } => {
                self.of(caller).masked.insert(port.0);
                DONE
            }
            Step::Drain => {
                let own = self.of(caller);
                own.pending.clear();
                own.selected = Default::default();
                own.upcall = [false; 2];
                DONE
            }
        }
    }

    fn has(&mut self, domain: DomId, port: Port) -> bool {
        self.of(domain).ports.contains_key(&port.0)
    }

    fn virq(&mut self, domain: DomId, virq: Virq) -> Vec<(u32, VcpuId)> {
        let ports = &self.of(domain).ports;
        let bound = ports.iter().filter(|(_, bound)| bound.0 == Binding::Virq(virq));
        bound.map(|(port, bound)| (*port, bound.1)).collect()
    }

    fn connect(&mut self, caller: DomId, end: End) -> Answer {
        if end.domain == NOBODY {
            return Err(Error::NoDomain);
        }
        match self.of(end.domain).ports.get(&end.port.0) {
            Some((Binding::Unbound(domain), _)) if *domain == caller => {}
            _ => return Err(Error::Invalid),
        }
        let port = self.of(caller).allocate(Binding::Interdomain(end), CPU_0);
        let back = Binding::Interdomain(End { domain: caller, port });
        self.of(end.domain).ports.get_mut(&end.port.0).unwrap().0 = back;
        let woken = self.of(caller).raise(port.0);
        Ok((Some(port), Notify::vcpus(caller, woken)))
    }

    fn connect_service(&mut self, caller: DomId, port: Port, service: Service) -> Answer {
        match self.of(caller).ports.get(&port.0) {
            Some((Binding::Unbound(DomId(0)), _)) => {}
            _ => return Err(Error::Invalid),
        }
        self.disconnect_service(caller, service);
        self.of(caller).services.insert(service as u32, port.0);
        self.of(caller).ports.get_mut(&port.0).unwrap().0 = Binding::Service(service);
        DONE
    }

    fn disconnect_service(&mut self, caller: DomId, service: Service) {
        let own = self.of(caller);
        if let Some(port) = own.services.remove(&(service as u32)) {
            own.ports.get_mut(&port).unwrap().0 = Binding::Unbound(DomId(0));
        }
    }

    fn bind_vcpu(&mut self, caller: DomId, port: Port, vcpu: VcpuId) -> Answer {
        if vcpu.0 > 1 {
            return Err(Error::NoVcpu);
        }
        match self.of(caller).ports.get_mut(&port.0) {
            None | Some((Binding::Ipi | Binding::Virq(Virq(0 | 1 | 7 | 13)), _)) => {
                Err(Error::Invalid)
            }
            Some(bound) => {
                bound.1 = vcpu;
                DONE
            }
        }
    }

    fn close(&mut self, caller: DomId, port: Port) -> Answer {
        let own = self.of(caller);
        let (binding, _) = own.ports.remove(&port.0).ok_or(Error::Invalid)?;
        own.pending.remove(&port.0);
        own.services.retain(|_, at| *at != port.0);
        if let Binding::Interdomain(end) = binding {
            self.of(end.domain).ports.get_mut(&end.port.0).unwrap().0 = Binding::Unbound(caller);
        }
        DONE
    }

    fn send(&mut self, caller: DomId, port: Port) -> Answer {
        let (domain, port) = match self.of(caller).ports.get(&port.0) {
            Some((Binding::Ipi, _)) => (caller, port),
            Some((Binding::Interdomain(end), _)) => (end.domain, end.port),
            Some((Binding::Service(service), _)) => {
                return Ok((None, Notify::Service(caller, *service)));
            }
            Some((Binding::Unbound(_), _)) => return DONE,
            _ => return Err(Error::Invalid),
        };
        Ok((None, Notify::vcpus(domain, self.of(domain).raise(port.0))))
    }
}
