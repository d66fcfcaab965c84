//! Event channels: the ports of each domain, and how an event reaches a vCPU.
//!
//! [`EventChannels`] is all that the hypervisor knows of one domain's events. [`operations`] are
//! what a guest asks for; they may touch two domains, which they reach through [`Domains`], one at
//! a time. [`SharedWords`] is the protocol over the words that hypervisor and guest both change.
//! Nothing here wakes a vCPU: what is to be done is in the [`Notify`] that comes back.

mod binding;
mod channels;
mod delivery;
mod domains;
mod error;
mod notify;
pub mod operations;
mod poll;
mod port;
mod record;
mod shared_words;
mod table;

pub use channels::{EventChannels, MAX_VCPUS};
pub use domains::Domains;
pub use error::Error;
pub use notify::{Notify, VcpuSet};
pub use poll::PollFor;
pub use port::{End, Port, Service, Virq};
pub use record::{Binding, PortRecord};
pub use shared_words::{Raised, SharedWords, is_deliverable};
pub use table::{PORTS, PortTable};

#[cfg(test)]
mod tests;
