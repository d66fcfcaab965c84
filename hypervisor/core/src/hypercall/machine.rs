//! What handlers need of the machine.

use super::{FpuUse, OwnState, SegmentBase};
use crate::address::{Gfn, Gpa, Gva};
use crate::console::ConsoleQueues;
use crate::event_channel::Domains;
use crate::frame_set::FrameSet;
use crate::time::Clock;

/// Where the CPU goes on, and on which stack.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EntryPoint {
    /// The instruction.
    pub rip: Gva,
    /// The end of the stack.
    pub rsp: Gva,
}

/// What handlers need of the machine; and through it of the domains, of which one is the caller's.
pub trait Machine: Domains + OwnState {
    /// Runs `action` on the domain's console, after moving what the line takes and gives.
    fn with_console<R>(&mut self, action: impl FnOnce(&mut ConsoleQueues) -> R) -> R;

    /// Returns which frames of its memory the domain has.
    fn frames(&mut self) -> &mut FrameSet;

    /// Writes `count` words, word n as `word(n)`, to the hole from `at` on, within what it has of
    /// one kind.
    fn publish_words(&mut self, at: Gpa, count: u64, word: impl Fn(u64) -> u64);

    /// Takes `count` frames out of the guest's physical memory; it does not reach them any more.
    fn unmap_frames(&mut self, start: Gfn, count: u64);

    /// Puts `count` frames that were unmapped, and have been scrubbed, where they were.
    fn map_frames(&mut self, start: Gfn, count: u64);

    /// Fills a frame that is not mapped with zeros.
    fn scrub(&mut self, gfn: Gfn);

    /// Drops what the CPU has cached of the domain's address spaces, after the hole has changed.
    fn flush(&mut self);

    /// Takes the bits of `handled` to be the exceptions that the calling vCPU handles itself.
    fn set_handled(&mut self, handled: u32);

    /// Has SYSENTER lead the calling vCPU to `entry`, or be #GP without one.
    fn set_sysenter(&mut self, entry: Option<EntryPoint>);

    /// Returns the domain's clock.
    fn clock(&self) -> Clock;

    /// Returns the system time in nanoseconds.
    fn now_ns(&self) -> u64;

    /// Sees to it that at `deadline_ns`, which may have passed, what is due then is looked for: a
    /// timer of the vCPU or of its domain has been set. What was asked for before stays.
    fn arm(&mut self, deadline_ns: u64);

    /// Makes an NMI pending for the calling vCPU.
    fn send_nmi(&mut self);

    /// Sets what the next use of the x87 or vector unit does.
    fn set_fpu_use(&mut self, fpu: FpuUse);

    /// Sets a base address, which is canonical. The vCPU is in its kernel.
    fn set_segment_base(&mut self, base: SegmentBase, address: Gva);

    /// Returns CR4 as the calling vCPU sees it.
    fn cr4(&self) -> u64;

    /// Returns debug register `number`, one of 0 to 3, 6 and 7.
    fn debug_register(&self, number: u8) -> u64;

    /// Sets debug register `number`, one of 0 to 3, 6 and 7, to a value that it can have.
    fn set_debug_register(&mut self, number: u8, value: u64);

    /// Logs a line about the caller.
    fn log(&mut self, line: core::fmt::Arguments<'_>);

    /// Returns the exits of the calling vCPU so far, by reason.
    fn exit_counts(&self) -> &[u64];

    /// Makes the calling vCPU exit after `ticks` of the TSC that it runs. Returns false if the CPU
    /// cannot.
    fn begin_steps(&mut self, ticks: u32) -> bool;

    /// Lets the calling vCPU run without such an exit.
    fn end_steps(&mut self);
}
