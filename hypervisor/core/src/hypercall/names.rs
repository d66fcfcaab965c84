//! What hypercalls and their operations are called, for people who read of them.

mod arguments;
mod operations;

pub use operations::{extended_request, operation};

use super::dispatch::NO_RESTART;
use super::{Args, as_u32};
use core::fmt;
use xenolith_abi::{hypercall, xenolith};

/// Returns the name of hypercall `number`, without what is common to all: `memory_op`.
pub const fn name(number: u32) -> Option<&'static str> {
    Some(match number {
        hypercall::SET_TRAP_TABLE => "set_trap_table",
        hypercall::MMU_UPDATE => "mmu_update",
        hypercall::SET_GDT => "set_gdt",
        hypercall::STACK_SWITCH => "stack_switch",
        hypercall::SET_CALLBACKS => "set_callbacks",
        hypercall::FPU_TASKSWITCH => "fpu_taskswitch",
        hypercall::SCHED_OP_COMPAT => "sched_op_compat",
        hypercall::PLATFORM_OP => "platform_op",
        hypercall::SET_DEBUGREG => "set_debugreg",
        hypercall::GET_DEBUGREG => "get_debugreg",
        hypercall::UPDATE_DESCRIPTOR => "update_descriptor",
        hypercall::MEMORY_OP => "memory_op",
        hypercall::MULTICALL => "multicall",
        hypercall::UPDATE_VA_MAPPING => "update_va_mapping",
        hypercall::SET_TIMER_OP => "set_timer_op",
        hypercall::EVENT_CHANNEL_OP_COMPAT => "event_channel_op_compat",
        hypercall::XEN_VERSION => "xen_version",
        hypercall::CONSOLE_IO => "console_io",
        hypercall::PHYSDEV_OP_COMPAT => "physdev_op_compat",
        hypercall::GRANT_TABLE_OP => "grant_table_op",
        hypercall::VM_ASSIST => "vm_assist",
        hypercall::UPDATE_VA_MAPPING_OTHERDOMAIN => "update_va_mapping_otherdomain",
        hypercall::IRET => "iret",
        hypercall::VCPU_OP => "vcpu_op",
        hypercall::SET_SEGMENT_BASE => "set_segment_base",
        hypercall::MMUEXT_OP => "mmuext_op",
        hypercall::XSM_OP => "xsm_op",
        hypercall::NMI_OP => "nmi_op",
        hypercall::SCHED_OP => "sched_op",
        hypercall::CALLBACK_OP => "callback_op",
        hypercall::XENOPROF_OP => "xenoprof_op",
        hypercall::EVENT_CHANNEL_OP => "event_channel_op",
        hypercall::PHYSDEV_OP => "physdev_op",
        hypercall::HVM_OP => "hvm_op",
        hypercall::SYSCTL => "sysctl",
        hypercall::DOMCTL => "domctl",
        hypercall::KEXEC_OP => "kexec_op",
        hypercall::TMEM_OP => "tmem_op",
        hypercall::ARGO_OP => "argo_op",
        hypercall::XENPMU_OP => "xenpmu_op",
        hypercall::DM_OP => "dm_op",
        hypercall::HYPFS_OP => "hypfs_op",
        hypercall::ARCH_0 => "arch_0",
        hypercall::ARCH_1 => "arch_1",
        hypercall::ARCH_2 => "arch_2",
        hypercall::ARCH_3 => "arch_3",
        hypercall::ARCH_4 => "arch_4",
        hypercall::ARCH_5 => "arch_5",
        hypercall::ARCH_6 => "arch_6",
        xenolith::OP => "xenolith_op",
        _ => return None,
    })
}

/// A hypercall with the arguments that it has: `sched_op(SCHEDOP_poll, 0x..)`.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// Its number.
    pub number: u64,
    /// All argument registers.
    pub args: Args,
}

impl Named {
    /// Returns its arguments, without the registers that it does not look at.
    pub fn arguments(&self) -> &[u64] {
        let plain = self.number & !NO_RESTART;
        let count = if plain < 64 { arguments::count(as_u32(plain)) } else { self.args.len() };
        &self.args[..count]
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.number & !NO_RESTART;
        let number = as_u32(plain);
        let known = name(number).filter(|_| plain < 64);
        match known {
            Some(name) => write!(f, "{name}(")?,
            None => write!(f, "hypercall {}(", self.number)?,
        }
        for (at, &argument) in self.arguments().iter().enumerate() {
            if at != 0 {
                f.write_str(", ")?;
            }
            match known.and_then(|_| operation(number, as_u32(argument)).filter(|_| at == 0)) {
                Some(name) => f.write_str(name)?,
                None => write!(f, "{argument:#x}")?,
            }
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: u64, args: Args) -> String {
        Named { number, args }.to_string()
    }

    #[test]
    fn calls_are_named_with_their_operation() {
        assert_eq!(text(29, [2, 16, 0, 0, 0]), "sched_op(SCHEDOP_shutdown, 0x10)");
        assert_eq!(text(29 + NO_RESTART, [77, 0, 0, 0, 0]), "sched_op(0x4d, 0x0)");
        assert_eq!(text(0, [2, 3, 4, 5, 6]), "set_trap_table(0x2)");
        assert_eq!(text(1, [2, 3, 4, 5, 6]), "mmu_update(0x2, 0x3, 0x4, 0x5)");
        let cut = (3 << 6) + 5;
        let memory = "memory_op(XENMEM_machphys_mfn_list, 0x0)";
        assert_eq!(text(12, [cut, 0, 0, 0, 0]), memory);
    }

    #[test]
    fn numbers_without_a_name_are_told() {
        assert_eq!(text(11, [0; 5]), "hypercall 11(0x0, 0x0, 0x0, 0x0, 0x0)");
        let odd = (1 << 32) + 29;
        assert_eq!(text(odd, [0; 5]), "hypercall 4294967325(0x0, 0x0, 0x0, 0x0, 0x0)");
    }

    #[test]
    fn every_number_with_a_handler_has_a_name() {
        for number in (0..64_u32).filter(|number| super::super::dispatch::KNOWN >> number & 1 != 0)
        {
            assert!(name(number).is_some(), "{number}");
        }
    }
}
