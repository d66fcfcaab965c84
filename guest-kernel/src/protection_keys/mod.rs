//! Protection keys of supervisor pages (PKS): whether a task may read or write the pages that have a key
//! is said by a register of the task, without a change of page tables (SDM 3A, "Protection Keys").
//!
//! Every page has key 0 at first, which is never closed. A kernel takes a [`Key`] with [`allocate`], gives
//! it to pages ([`AddressSpace::set_key`](crate::paging::AddressSpace::set_key)) and has each task say
//! what it needs ([`Key::set_access`]). To begin with, nobody has access.
//!
//! Exceptions and interrupts take the access away for as long as they last: a handler does not have it
//! because it happened to interrupt somebody who does. What was interrupted had it is in the
//! [`Auxiliary`](crate::entry::Auxiliary) state of the entry. System calls leave it, since they are the
//! task's own doing. The processors of bare machines may have this; domains of Xenolith do not.

#[cfg(target_os = "none")]
mod machine;
mod pkrs;

#[cfg(target_os = "none")]
pub(crate) use machine::{SavedPkrs, enable, enter, exit};
#[cfg(target_os = "none")]
pub use machine::{allocate, current, is_offered};
pub use pkrs::{Access, Key, Pkrs, Unavailable};
