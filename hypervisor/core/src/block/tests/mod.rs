//! The device as a guest meets it: through the store, its ring and its grants.

mod connection;
mod mistakes;
mod model;
mod requests;

use super::test_front_end::*;
use super::*;
use crate::address::{Gpa, to_u64};
use crate::event_channel::{Binding, Port, Service};
use crate::guest_memory::GuestMemory;
use xenolith_abi::block::*;
use xenolith_abi::grant::{GTF_PERMIT_ACCESS, GTF_READING, GTF_READONLY, GTF_WRITING};
use zerocopy::IntoBytes;
