//! Intel VMX: the mechanism by which a vCPU runs. What it means is decided in `xenolith-core`.

mod debug;
mod emulation;
mod events;
mod exceptions;
mod exits;
mod fresh;
mod hypercalls;
mod instructions;
mod machine;
mod monitor_trap;
mod nmi;
mod preemption;
mod resident_calls;
mod root;
mod services;
mod setup;
mod state;
mod switch;
mod time;
mod trace;
mod vcpu;
mod vmcs;
mod xsavec;

pub(crate) use root::VmxRoot;
pub(crate) use setup::Initial;
pub(crate) use vcpu::{End, Vcpu};
