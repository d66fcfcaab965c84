//! Random operations on two domains, beside a model that is too simple to be wrong.

use super::super::operations;
use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
enum Step {
    AllocUnbound {
        domain: DomId,
        remote: DomId,
    },
    BindInterdomain {
        end: End,
    },
    BindVirq {
        virq: Virq,
        vcpu: VcpuId,
    },
    BindIpi {
        vcpu: VcpuId,
    },
    BindVcpu {
        port: Port,
        vcpu: VcpuId,
    },
    Close {
        port: Port,
    },
    Send {
        port: Port,
    },
    Unmask {
        port: Port,
    },
    RaiseVirq {
        virq: Virq,
        vcpu: VcpuId,
    },
    /// The guest masks a port.
    Mask {
        port: Port,
    },
    /// The guest takes all its events.
    Drain,
}

#[derive(Clone, Debug, Default)]
struct ModelDomain {
    ports: BTreeMap<u32, (Binding, VcpuId)>,
    pending: BTreeSet<u32>,
    masked: BTreeSet<u32>,
    /// The words that each vCPU has to look at.
    selected: [BTreeSet<u32>; 2],
    upcall: [bool; 2],
}

impl ModelDomain {
    fn allocate(&mut self, binding: Binding, vcpu: VcpuId) -> Port {
        let free = (1..4096).find(|port| !self.ports.contains_key(port)).unwrap();
        self.ports.insert(free, (binding, vcpu));
        Port(free)
    }

    /// Returns the vCPU that is woken.
    fn select(&mut self, port: u32) -> Option<VcpuId> {
        let vcpu = self.ports[&port].1;
        let cpu = usize::try_from(vcpu.0).unwrap();
        let woken = self.selected[cpu].insert(port / 64) && !self.upcall[cpu];
        self.upcall[cpu] |= woken;
        woken.then_some(vcpu)
    }

    fn raise(&mut self, port: u32) -> Option<VcpuId> {
        if !self.pending.insert(port) || self.masked.contains(&port) {
            return None;
        }
        self.select(port)
    }

    fn unmask(&mut self, port: u32) -> Option<VcpuId> {
        let held_back = self.masked.remove(&port) && self.pending.contains(&port);
        held_back.then(|| self.select(port)).flatten()
    }
}

/// A port, if one was made, and the vCPU to wake.
type Answer = Result<(Option<Port>, Option<(DomId, VcpuId)>), Error>;

#[derive(Debug)]
struct Model {
    domains: BTreeMap<u16, ModelDomain>,
}

impl Model {
    fn of(&mut self, domain: DomId) -> &mut ModelDomain {
        self.domains.get_mut(&domain.0).unwrap()
    }

    fn run(&mut self, caller: DomId, step: &Step) -> Answer {
        let resolve = |domain: DomId| if domain == SELF { caller } else { domain };
        let made = |port| Ok((Some(port), None));
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
            Step::Unmask { port } if !self.of(caller).ports.contains_key(&port.0) => {
                Ok((None, None))
            }
            Step::Unmask { port } => {
                Ok((None, self.of(caller).unmask(port.0).map(|v| (caller, v))))
            }
            Step::RaiseVirq { virq, vcpu } => {
                let global = ![0, 1, 7, 13].contains(&virq.0);
                let bound = self.virq(caller, virq);
                let port = bound.iter().find(|(_, on)| global || *on == vcpu);
                let woken = port.and_then(|(port, _)| self.of(caller).raise(*port));
                Ok((None, woken.map(|vcpu| (caller, vcpu))))
            }
            Step::Mask { port } => {
                self.of(caller).masked.insert(port.0);
                Ok((None, None))
            }
            Step::Drain => {
                let own = self.of(caller);
                own.pending.clear();
                own.selected = Default::default();
                own.upcall = [false; 2];
                Ok((None, None))
            }
        }
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
        Ok((Some(port), woken.map(|vcpu| (caller, vcpu))))
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
                Ok((None, None))
            }
        }
    }

    fn close(&mut self, caller: DomId, port: Port) -> Answer {
        let (binding, _) = self.of(caller).ports.remove(&port.0).ok_or(Error::Invalid)?;
        self.of(caller).pending.remove(&port.0);
        if let Binding::Interdomain(end) = binding {
            self.of(end.domain).ports.get_mut(&end.port.0).unwrap().0 = Binding::Unbound(caller);
        }
        Ok((None, None))
    }

    fn send(&mut self, caller: DomId, port: Port) -> Answer {
        let (domain, port) = match self.of(caller).ports.get(&port.0) {
            Some((Binding::Ipi, _)) => (caller, port),
            Some((Binding::Interdomain(end), _)) => (end.domain, end.port),
            Some((Binding::Unbound(_), _)) => return Ok((None, None)),
            _ => return Err(Error::Invalid),
        };
        Ok((None, self.of(domain).raise(port.0).map(|vcpu| (domain, vcpu))))
    }
}

fn run(domains: &mut TestDomains, caller: DomId, step: &Step) -> Answer {
    let woken = |notify| match notify {
        Notify::Vcpus(domain, set) => {
            let vcpus: Vec<_> = set.iter().collect();
            assert_eq!(vcpus.len(), 1, "nobody polls");
            Some((domain, vcpus[0]))
        }
        _ => None,
    };
    let made = |port| (Some(port), None);
    match *step {
        Step::AllocUnbound { domain, remote } => {
            operations::alloc_unbound(domains, caller, domain, remote).map(made)
        }
        Step::BindInterdomain { end } => operations::bind_interdomain(domains, caller, end)
            .map(|(port, notify)| (Some(port), woken(notify))),
        Step::BindVirq { virq, vcpu } => domains.of(caller).0.bind_virq(virq, vcpu).map(made),
        Step::BindIpi { vcpu } => domains.of(caller).0.bind_ipi(vcpu).map(made),
        Step::BindVcpu { port, vcpu } => {
            domains.of(caller).0.bind_vcpu(port, vcpu).map(|()| (None, None))
        }
        Step::Close { port } => operations::close(domains, caller, port).map(|()| (None, None)),
        Step::Send { port } => {
            operations::send(domains, caller, port).map(|notify| (None, woken(notify)))
        }
        Step::Unmask { port } => {
            let (channels, memory) = domains.of(caller);
            channels.unmask(memory, port).map(|notify| (None, woken(notify)))
        }
        Step::RaiseVirq { virq, vcpu } => {
            let (channels, memory) = domains.of(caller);
            Ok((None, woken(channels.raise_virq(memory, virq, vcpu))))
        }
        Step::Mask { port } => {
            let (_, memory) = domains.of(caller);
            memory.fetch_or(port.mask_at(SHARED_INFO), port.bit()).unwrap();
            Ok((None, None))
        }
        Step::Drain => {
            let (_, memory) = domains.of(caller);
            for at in [0, 8, 64, 72, Port(0).pending_at(Gpa(0)).0] {
                memory.poke(SHARED_INFO.0 + at, 0);
            }
            Ok((None, None))
        }
    }
}

/// By domain and port, the records as they were published.
type Copies = BTreeMap<u16, BTreeMap<u32, PortRecord>>;

/// Compares the first ports and all words of both domains.
fn assert_alike(domains: &mut TestDomains, model: &mut Model, copies: &mut Copies) {
    let bits = |set: &BTreeSet<u32>| set.iter().fold(0, |bits, bit| bits | 1 << bit);
    for domain in [ONE, TWO] {
        let expected = model.of(domain).clone();
        let (channels, memory) = domains.of(domain);
        for port in 0..64 {
            let record = channels.ports().record(Port(port)).unwrap();
            let bound = expected.ports.get(&port).copied().unwrap_or((Binding::Free, CPU_0));
            assert_eq!((record.binding(), record.vcpu()), bound, "{domain:?} port {port}");
        }
        let copy = copies.entry(domain.0).or_default();
        channels.publish_changes(|port, record| _ = copy.insert(port.0, record));
        for port in 0..64 {
            let shown = copy.get(&port).copied().unwrap_or_default();
            let record = channels.ports().record(Port(port)).unwrap();
            assert_eq!(shown, record, "what the resident reads, {domain:?} port {port}");
        }
        assert_eq!(channels.ports().in_use() as usize, expected.ports.len());
        assert_eq!(word(memory, Port(0).pending_at(SHARED_INFO)), bits(&expected.pending));
        assert_eq!(word(memory, Port(0).mask_at(SHARED_INFO)), bits(&expected.masked));
        for (vcpu, at) in [(0, SHARED_INFO.0), (1, SHARED_INFO.0 + 64)] {
            assert_eq!(word(memory, Gpa(at)), u64::from(expected.upcall[vcpu]));
            assert_eq!(word(memory, Gpa(at + 8)), bits(&expected.selected[vcpu]));
        }
    }
}

fn port() -> impl Strategy<Value = Port> {
    prop_oneof![20 => 0..16_u32, 1 => prop_oneof![64..70_u32, 4090..4100_u32, any::<u32>()]]
        .prop_map(Port)
}

fn small_port() -> impl Strategy<Value = Port> {
    (0..16_u32).prop_map(Port)
}

fn domain() -> impl Strategy<Value = DomId> {
    prop_oneof![3 => Just(SELF), 3 => Just(ONE), 3 => Just(TWO), 1 => Just(NOBODY)]
}

fn vcpu() -> impl Strategy<Value = VcpuId> {
    prop_oneof![8 => 0..2_u32, 1 => 2..40_u32].prop_map(VcpuId)
}

fn virq() -> impl Strategy<Value = Virq> {
    prop_oneof![4 => 0..4_u32, 1 => 0..26_u32].prop_map(Virq)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (domain(), domain()).prop_map(|(domain, remote)| Step::AllocUnbound { domain, remote }),
        4 => (domain(), port()).prop_map(|(domain, port)| Step::BindInterdomain {
            end: End { domain, port }
        }),
        2 => (virq(), vcpu()).prop_map(|(virq, vcpu)| Step::BindVirq { virq, vcpu }),
        1 => vcpu().prop_map(|vcpu| Step::BindIpi { vcpu }),
        2 => (port(), vcpu()).prop_map(|(port, vcpu)| Step::BindVcpu { port, vcpu }),
        3 => port().prop_map(|port| Step::Close { port }),
        6 => port().prop_map(|port| Step::Send { port }),
        3 => port().prop_map(|port| Step::Unmask { port }),
        2 => (virq(), (0..2_u32).prop_map(VcpuId)).prop_map(|(virq, vcpu)| Step::RaiseVirq { virq, vcpu }),
        3 => small_port().prop_map(|port| Step::Mask { port }),
        2 => Just(Step::Drain),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 512 }))]

    #[test]
    fn the_table_does_what_the_model_does(
        steps in proptest::collection::vec((prop_oneof![Just(ONE), Just(TWO)], step()), 1..60),
    ) {
        let mut domains = TestDomains::new();
        let domains_of_model = [ONE, TWO].map(|domain| (domain.0, ModelDomain::default()));
        let mut model = Model { domains: domains_of_model.into() };
        let mut copies = Copies::new();
        for (caller, step) in steps {
            let expected = model.run(caller, &step);
            prop_assert_eq!(run(&mut domains, caller, &step), expected, "{:?} {:?}", caller, step);
            assert_alike(&mut domains, &mut model, &mut copies);
        }
    }
}
