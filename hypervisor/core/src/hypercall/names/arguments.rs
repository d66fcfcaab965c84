//! How many arguments calls have.

use xenolith_abi::{hypercall, xenolith};

/// Returns how many of the five argument registers call `number` looks at, whichever its operation;
/// all of a call that nobody knows. What `iret` is shown with is its target, of five words.
pub(super) const fn count(number: u32) -> usize {
    match number {
        hypercall::SET_TRAP_TABLE
        | hypercall::FPU_TASKSWITCH
        | hypercall::PLATFORM_OP
        | hypercall::GET_DEBUGREG
        | hypercall::SET_TIMER_OP
        | hypercall::EVENT_CHANNEL_OP_COMPAT
        | hypercall::PHYSDEV_OP_COMPAT
        | hypercall::XSM_OP
        | hypercall::SYSCTL
        | hypercall::DOMCTL
        | hypercall::TMEM_OP => 1,
        hypercall::SET_GDT
        | hypercall::STACK_SWITCH
        | hypercall::SCHED_OP_COMPAT
        | hypercall::SET_DEBUGREG
        | hypercall::UPDATE_DESCRIPTOR
        | hypercall::MEMORY_OP
        | hypercall::MULTICALL
        | hypercall::XEN_VERSION
        | hypercall::VM_ASSIST
        | hypercall::SET_SEGMENT_BASE
        | hypercall::NMI_OP
        | hypercall::SCHED_OP
        | hypercall::CALLBACK_OP
        | hypercall::XENOPROF_OP
        | hypercall::EVENT_CHANNEL_OP
        | hypercall::PHYSDEV_OP
        | hypercall::HVM_OP
        | hypercall::KEXEC_OP
        | hypercall::XENPMU_OP => 2,
        hypercall::SET_CALLBACKS
        | hypercall::UPDATE_VA_MAPPING
        | hypercall::CONSOLE_IO
        | hypercall::GRANT_TABLE_OP
        | hypercall::VCPU_OP
        | hypercall::DM_OP
        | xenolith::OP => 3,
        hypercall::MMU_UPDATE | hypercall::UPDATE_VA_MAPPING_OTHERDOMAIN | hypercall::MMUEXT_OP => {
            4
        }
        _ => 5,
    }
}
