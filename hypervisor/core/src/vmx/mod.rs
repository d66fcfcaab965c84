//! Intel VMX as data: fields, capabilities, exit reasons. The instructions are in the hypervisor.

pub mod capability;
pub mod controls;
pub mod exit_reason;
pub mod field;
pub mod qualification;
