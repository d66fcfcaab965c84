//! From a hypercall's number to its handler.

use super::{
    Args, Call, Machine, Outcome, as_u32, callback, console, debug_register, descriptor,
    event_channel, grant, memory, mmu, multicall, physdev, sched, task, timer, trap, unsupported,
    vcpu, version, vm_assist, xenolith,
};
use xenolith_abi::errno::ENOSYS;
use xenolith_abi::hypercall;

/// The numbers that have a handler, a bit each.
pub(super) const KNOWN: u64 = 1 << hypercall::XEN_VERSION
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
pub(super) const NO_RESTART: u64 = xenolith_abi::xenolith::NO_RESTART as u64;
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
