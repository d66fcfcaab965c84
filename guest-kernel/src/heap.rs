//! The heap: a fixed piece of the image, given out by Talc.
//!
//! Its own file because the lock belongs to it: an upcall that allocates never interrupts an
//! allocation.

use talc::{TalcLock, source::Claim};

use crate::{irq::RawEventsOffLock, static_pages::StaticPages};

/// Pages of the heap (1 MiB).
const PAGES: usize = 256;

static MEMORY: StaticPages<PAGES> = StaticPages::new();

#[global_allocator]
static HEAP: TalcLock<RawEventsOffLock, Claim> = TalcLock::new(SOURCE);

// SAFETY: the memory is static, and nothing but the one allocator that takes it touches it.
const SOURCE: Claim = unsafe { Claim::new(MEMORY.as_ptr(), MEMORY.bytes()) };
