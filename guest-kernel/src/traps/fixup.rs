//! The exception table: instructions that may fault, and where the kernel continues if they do.
//!
//! An instruction registers itself where it is written, in section `.exception_table` (link.ld):
//!
//! ```text
//! u64   address of the instruction
//! u64   address of its fixup: entered with everything as it was, but RAX = vector,
//!       RDX = error code
//! ```

use core::slice;

use crate::entry::{Frame, Vector};

/// One instruction that may fault.
#[repr(C)]
struct Entry {
    instruction: u64,
    fixup: u64,
}

unsafe extern "C" {
    // Addresses from link.ld; there is nothing behind the names but the address.
    static exception_table_start: Entry;
    static exception_table_end: Entry;
}

fn table() -> &'static [Entry] {
    let (start, end) = (&raw const exception_table_start, &raw const exception_table_end);
    let bytes = end.addr() - start.addr();
    // SAFETY: link.ld puts the entries, and nothing else, between the two addresses.
    unsafe { slice::from_raw_parts(start, bytes / size_of::<Entry>()) }
}

fn find(frame: &Frame) -> Option<&'static Entry> {
    table().iter().find(|entry| entry.instruction == frame.rip)
}

/// Returns whether the kernel's instruction that faulted has a fixup.
pub(super) fn is_there(frame: &Frame) -> bool {
    !frame.is_user() && find(frame).is_some()
}

/// Continues at the fixup of the instruction that faulted, if it has one.
pub(super) fn apply(frame: &mut Frame, vector: Vector) -> bool {
    if frame.is_user() {
        return false;
    }
    let Some(entry) = find(frame) else {
        return false;
    };
    frame.rip = entry.fixup;
    frame.rax = u64::from(vector.0);
    frame.rdx = frame.error_code;
    true
}
