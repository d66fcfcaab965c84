//! Hypercalls as functions: registers and state in, [`Outcome`] out.
//!
//! Arguments are as wide as Xen's C declarations make them: what Xen takes as `unsigned int` is cut
//! to 32 bits here too.

mod callback;
mod console;
mod debug_register;
mod descriptor;
mod event_channel;
mod exchange;
mod grant;
mod memory;
mod mmu;
mod multicall;
pub mod names;
mod own_state;
mod physdev;
mod sched;
mod task;
mod timer;
mod trap;
pub mod unsupported;
mod vcpu;
mod version;
mod vm_assist;
mod xenolith;

pub use own_state::OwnState;
pub use task::{FpuUse, SegmentBase};
pub use version::VERSION as XEN_VERSION;

use crate::address::{Gfn, Gpa, Gva, to_u64};
use crate::console::ConsoleQueues;
use crate::domain::Domain;
use crate::event_channel::Domains;
use crate::frame_set::FrameSet;
use crate::guest_access::{Fault, GuestSpace};
use crate::shutdown::ShutdownReason;
use crate::time::Clock;
use crate::vcpu::VcpuState;
use xenolith_abi::errno::{EFAULT, ENOSYS};
use xenolith_abi::hypercall;

/// The argument registers rdi, rsi, rdx, r10, r8.
pub type Args = [u64; 5];

/// What is to be done with the vCPU that made the call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Put the value into rax and go on behind the instruction.
    Return(i64),
    /// Write the argument registers back and leave rip on the instruction: there is more to do.
    Continue(Args),
    /// Write the argument registers back, -EAGAIN into rax, and go on behind the instruction: there
    /// is more to do, and the caller wants to know.
    Again(Args),
    /// [`Self::Continue`] or [`Self::Again`], after what an entry of a list asked for.
    Pause(Pause, Then),
    /// Make the `iret` hypercall, which is the resident's.
    Iret,
    /// Return 0, after others had a chance to run.
    Yield,
    /// Return 0 once an upcall is pending. Upcalls are allowed, and none was pending.
    Block,
    /// Return 0 once a port that the vCPU polls for ([`VcpuState::polls_for`]) has an event, an
    /// upcall is pending and allowed, or the time has come.
    Poll {
        /// System time in nanoseconds, later than now; `None` for no limit.
        deadline_ns: Option<u64>,
    },
    /// End the domain.
    Shutdown(ShutdownReason),
}

/// What a vCPU waits for before it goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pause {
    /// As [`Outcome::Yield`].
    Yield,
    /// As [`Outcome::Block`].
    Block,
    /// As [`Outcome::Poll`].
    Poll {
        /// System time in nanoseconds; `None` for no limit.
        deadline_ns: Option<u64>,
    },
}

/// How a vCPU goes on after a [`Pause`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Then {
    /// As [`Outcome::Continue`].
    Continue(Args),
    /// As [`Outcome::Again`].
    Again(Args),
}

impl Outcome {
    /// Tells the caller that there is more to do, where the call would have been restarted.
    const fn without_restart(&mut self) {
        match *self {
            Self::Continue(args) => *self = Self::Again(args),
            Self::Pause(pause, Then::Continue(args)) => {
                *self = Self::Pause(pause, Then::Again(args));
            }
            _ => {}
        }
    }
}

impl From<Fault> for Outcome {
    fn from(_: Fault) -> Self {
        Self::Return(-EFAULT)
    }
}

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

/// The state a handler works on: the caller's domain, and the machine.
#[derive(Debug)]
pub struct Call<'a, M> {
    /// The calling domain.
    pub domain: &'a mut Domain,
    /// The calling vCPU.
    pub vcpu: &'a mut VcpuState,
    /// The machine.
    pub machine: &'a mut M,
}

impl<M: Machine> Call<'_, M> {
    /// Returns the caller's address space.
    fn space(&mut self) -> GuestSpace<'_, M::Memory> {
        self.machine.space()
    }

    /// Returns the caller as requests about page tables see it.
    fn tables(&mut self) -> mmu::Tables<'_, M> {
        mmu::Tables { state: self.machine, hole: &self.domain.hole, domain: self.domain.id }
    }
}

/// The numbers that have a handler, a bit each.
const KNOWN: u64 = 1 << hypercall::XEN_VERSION
    | 1 << hypercall::STACK_SWITCH
    | 1 << hypercall::FPU_TASKSWITCH
    | 1 << hypercall::SET_SEGMENT_BASE
    | 1 << hypercall::MULTICALL
    | 1 << hypercall::GRANT_TABLE_OP
    | 1 << hypercall::MMU_UPDATE
    | 1 << hypercall::UPDATE_VA_MAPPING
    | 1 << hypercall::UPDATE_VA_MAPPING_OTHERDOMAIN
    | 1 << hypercall::MMUEXT_OP
    | 1 << hypercall::CONSOLE_IO
    | 1 << hypercall::SCHED_OP
    | 1 << hypercall::MEMORY_OP
    | 1 << hypercall::VM_ASSIST
    | 1 << hypercall::SET_TRAP_TABLE
    | 1 << hypercall::SET_GDT
    | 1 << hypercall::SET_CALLBACKS
    | 1 << hypercall::SET_DEBUGREG
    | 1 << hypercall::GET_DEBUGREG
    | 1 << hypercall::UPDATE_DESCRIPTOR
    | 1 << hypercall::SET_TIMER_OP
    | 1 << hypercall::VCPU_OP
    | 1 << hypercall::PHYSDEV_OP
    | 1 << hypercall::CALLBACK_OP
    | 1 << hypercall::NMI_OP
    | 1 << hypercall::EVENT_CHANNEL_OP
    | 1 << xenolith_abi::xenolith::OP;

/// The bit of a number by which a caller asks for [`Outcome::Again`] in place of
/// [`Outcome::Continue`].
const NO_RESTART: u64 = xenolith_abi::xenolith::NO_RESTART as u64;
const _: () = assert!(NO_RESTART == 64, "the bit above all numbers");

/// Returns the answer of calls that need neither domain nor machine: unknown numbers, and the
/// version, which guests ask for when all they want is to enter the hypervisor.
#[inline]
pub const fn at_once(number: u64, first_argument: u64) -> Option<i64> {
    let number = number & !NO_RESTART;
    if number >= 64 || KNOWN >> number & 1 == 0 {
        return Some(-ENOSYS);
    }
    let asks_version = number == hypercall::XEN_VERSION as u64
        && as_u32(first_argument) == xenolith_abi::version::VERSION;
    if asks_version { Some(version::VERSION) } else { None }
}

/// Returns whether [`at_once`] or [`in_brief`] may have an answer.
#[inline]
pub const fn is_short(number: u64) -> bool {
    const BRIEF: u64 = 1 << hypercall::SET_TIMER_OP | 1 << hypercall::VCPU_OP;
    const SHORT: u64 = !KNOWN | 1 << hypercall::XEN_VERSION | BRIEF;
    let number = number & !NO_RESTART;
    number >= 64 || SHORT >> number & 1 != 0
}

/// Runs a call that is so short and so frequent that it is worth a way of its own, past all that
/// [`dispatch`] needs; `None` for any other.
#[inline]
pub fn in_brief<M: Machine>(
    call: &mut Call<'_, M>,
    number: u64,
    arguments: [u64; 2],
) -> Option<i64> {
    const SET_TIMER_OP: u64 = hypercall::SET_TIMER_OP as u64;
    const VCPU_OP: u64 = hypercall::VCPU_OP as u64;
    let [first, second] = arguments;
    match number {
        SET_TIMER_OP => Some(timer::set_timer_op(call, first)),
        VCPU_OP if as_u32(first) == xenolith_abi::vcpu::IS_UP => {
            Some(vcpu::is_up(call, as_u32(second)))
        }
        _ => None,
    }
}

/// Runs hypercall `number`; an unknown one is `-ENOSYS`.
pub fn dispatch<M: Machine>(call: &mut Call<'_, M>, number: u64, args: &Args) -> Outcome {
    match at_once(number, args[0]) {
        Some(value) => {
            if unsupported::is_refusal(value) {
                unsupported::log(call, number, args, value);
            }
            Outcome::Return(value)
        }
        None => serve(call, args, number),
    }
}

/// Runs hypercall `number`, for which [`at_once`] has no answer.
#[inline]
pub fn serve<M: Machine>(call: &mut Call<'_, M>, args: &Args, number: u64) -> Outcome {
    let Some(handler) = handler(as_u32(number & !NO_RESTART)) else {
        return Outcome::Return(-ENOSYS);
    };
    let mut outcome = handler(call, args);
    if let Outcome::Return(value) = outcome
        && unsupported::is_refusal(value)
    {
        unsupported::log(call, number, args, value);
    }
    if number & NO_RESTART != 0 {
        outcome.without_restart();
    }
    outcome
}

/// What makes a hypercall.
type Handler<M> = fn(&mut Call<'_, M>, &Args) -> Outcome;

/// Returns what makes hypercall `number`. A function and not its result: so all are called through
/// one table, and none is made part of its caller, with a stack for the variables of all.
#[inline]
fn handler<M: Machine>(number: u32) -> Option<Handler<M>> {
    Some(match number {
        hypercall::XEN_VERSION => version::xen_version,
        hypercall::STACK_SWITCH => task::stack_switch,
        hypercall::FPU_TASKSWITCH => task::fpu_taskswitch,
        hypercall::SET_SEGMENT_BASE => task::set_segment_base,
        hypercall::MULTICALL => multicall::multicall,
        hypercall::GRANT_TABLE_OP => grant::grant_table_op,
        hypercall::MMU_UPDATE => |call, args| mmu::mmu_update(&mut call.tables(), args),
        hypercall::MMUEXT_OP => |call, args| mmu::mmuext_op(&mut call.tables(), args),
        hypercall::UPDATE_VA_MAPPING => {
            |call, args| mmu::update_va_mapping(&mut call.tables(), args)
        }
        hypercall::UPDATE_VA_MAPPING_OTHERDOMAIN => {
            |call, args| mmu::update_va_mapping_otherdomain(&mut call.tables(), args)
        }
        hypercall::CONSOLE_IO => console::console_io,
        hypercall::SCHED_OP => sched::sched_op,
        hypercall::MEMORY_OP => memory::memory_op,
        hypercall::SET_TRAP_TABLE => trap::set_trap_table,
        hypercall::SET_GDT => descriptor::set_gdt,
        hypercall::UPDATE_DESCRIPTOR => descriptor::update_descriptor,
        hypercall::SET_DEBUGREG => debug_register::set_debugreg,
        hypercall::GET_DEBUGREG => debug_register::get_debugreg,
        hypercall::SET_TIMER_OP => |call, args| Outcome::Return(timer::set_timer_op(call, args[0])),
        hypercall::VCPU_OP => vcpu::vcpu_op,
        hypercall::PHYSDEV_OP => physdev::physdev_op,
        hypercall::SET_CALLBACKS => callback::set_callbacks,
        hypercall::CALLBACK_OP => callback::callback_op,
        hypercall::NMI_OP => callback::nmi_op,
        hypercall::EVENT_CHANNEL_OP => event_channel::event_channel_op,
        hypercall::VM_ASSIST => vm_assist::vm_assist,
        xenolith_abi::xenolith::OP => xenolith::xenolith_op,
        _ => return None,
    })
}

/// Returns the argument as Xen's `unsigned int`.
#[expect(clippy::cast_possible_truncation, reason = "this is what C does with the register")]
const fn as_u32(argument: u64) -> u32 {
    argument as u32
}

/// Turns a handler's result into an outcome.
fn finish(result: Result<i64, Fault>) -> Outcome {
    match result {
        Ok(value) => Outcome::Return(value),
        Err(fault) => fault.into(),
    }
}

/// Writes a word of the caller's [`VcpuData`](crate::resident::VcpuData).
fn publish_data<M: Machine>(call: &mut Call<'_, M>, offset: usize, word: u64) {
    let at = Gpa(call.domain.hole.data().0 + to_u64(offset));
    call.machine.publish(at, &word.to_le_bytes());
}

/// Returns the guest address in an argument register.
const fn handle(argument: u64) -> Gva {
    Gva(argument)
}

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
#[cfg(any(test, feature = "fuzzing"))]
#[cfg_attr(not(test), allow(dead_code, reason = "tests use more of it than fuzzing"))]
mod test_machine;
#[cfg(test)]
mod tests;
