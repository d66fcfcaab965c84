//! What may happen to two domains, at random.

use super::super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(super) enum Step {
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
    BindService(Service),
    RaiseService(Service),
    ConnectService {
        port: Port,
        service: Service,
    },
    DisconnectService(Service),
    Status {
        end: End,
    },
    /// A poll looks at a port.
    IsPending {
        port: Port,
    },
    BeginPoll {
        vcpu: VcpuId,
        what: PollFor,
    },
    EndPoll {
        vcpu: VcpuId,
    },
    MoveInfo {
        vcpu: VcpuId,
    },
    Reset {
        domain: DomId,
    },
    /// The guest masks a port.
    Mask {
        port: Port,
    },
    /// The guest takes all its events.
    Drain,
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

/// Domain 0 is not there, but the hypervisor connects to what waits for it.
fn remote() -> impl Strategy<Value = DomId> {
    prop_oneof![3 => domain(), 1 => Just(DomId(0))]
}

fn vcpu() -> impl Strategy<Value = VcpuId> {
    prop_oneof![8 => 0..2_u32, 1 => 2..40_u32].prop_map(VcpuId)
}

fn virq() -> impl Strategy<Value = Virq> {
    prop_oneof![4 => 0..4_u32, 1 => 0..26_u32].prop_map(Virq)
}

fn service() -> impl Strategy<Value = Service> {
    prop_oneof![Just(Service::Console), Just(Service::Store), Just(Service::Block)]
}

fn own_vcpu() -> impl Strategy<Value = VcpuId> {
    prop_oneof![Just(CPU_0), Just(CPU_1)]
}

fn poll() -> impl Strategy<Value = PollFor> {
    prop_oneof![Just(PollFor::Any), (1..16_u32).prop_map(|port| PollFor::Port(Port(port)))]
}

/// Returns any step, the common ones more often.
pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (domain(), remote()).prop_map(|(domain, remote)| Step::AllocUnbound { domain, remote }),
        4 => (domain(), port()).prop_map(|(domain, port)| Step::BindInterdomain {
            end: End { domain, port }
        }),
        2 => (virq(), vcpu()).prop_map(|(virq, vcpu)| Step::BindVirq { virq, vcpu }),
        1 => vcpu().prop_map(|vcpu| Step::BindIpi { vcpu }),
        2 => (port(), vcpu()).prop_map(|(port, vcpu)| Step::BindVcpu { port, vcpu }),
        3 => port().prop_map(|port| Step::Close { port }),
        6 => port().prop_map(|port| Step::Send { port }),
        3 => port().prop_map(|port| Step::Unmask { port }),
        2 => (virq(), own_vcpu()).prop_map(|(virq, vcpu)| Step::RaiseVirq { virq, vcpu }),
        1 => service().prop_map(Step::BindService),
        2 => service().prop_map(Step::RaiseService),
        2 => (port(), service()).prop_map(|(port, service)| Step::ConnectService { port, service }),
        1 => service().prop_map(Step::DisconnectService),
        1 => (domain(), port()).prop_map(|(domain, port)| Step::Status { end: End { domain, port } }),
        2 => port().prop_map(|port| Step::IsPending { port }),
        3 => (own_vcpu(), poll()).prop_map(|(vcpu, what)| Step::BeginPoll { vcpu, what }),
        1 => own_vcpu().prop_map(|vcpu| Step::EndPoll { vcpu }),
        1 => own_vcpu().prop_map(|vcpu| Step::MoveInfo { vcpu }),
        1 => domain().prop_map(|domain| Step::Reset { domain }),
        3 => small_port().prop_map(|port| Step::Mask { port }),
        2 => Just(Step::Drain),
    ]
}
