//! The stack the kernel's main function runs on.
//!
//! ```text
//! low   guard page   unmapped before main runs: overflow is a page fault, not silent damage
//!       ...          the stack
//! high  top          BYTES above the start
//! ```

use crate::static_pages::{PAGE_BYTES, StaticPages};

/// Pages of the stack, its guard page included.
const PAGES: usize = 17;

/// Bytes from the lowest address of the guard page to the top of the stack.
pub(crate) const BYTES: usize = PAGES * PAGE_BYTES;

pub(crate) static BOOT: StaticPages<PAGES> = StaticPages::new();
