//! Hypercall numbers, and the shape of the hypercall page.
//!
//! Source: `xen/xen.h`. Arguments are in rdi, rsi, rdx, r10 and r8, the result in rax.

/// Sets the handlers of exceptions and software interrupts.
#[doc(alias = "__HYPERVISOR_set_trap_table")]
pub const SET_TRAP_TABLE: u32 = 0;

/// Writes a list of page-table or machine-to-physical entries.
#[doc(alias = "__HYPERVISOR_mmu_update")]
pub const MMU_UPDATE: u32 = 1;

/// Sets the frames of the global descriptor table.
#[doc(alias = "__HYPERVISOR_set_gdt")]
pub const SET_GDT: u32 = 2;

/// Sets the kernel stack for entries from user mode.
#[doc(alias = "__HYPERVISOR_stack_switch")]
pub const STACK_SWITCH: u32 = 3;

/// Sets the event, failsafe and system-call callbacks at once.
#[doc(alias = "__HYPERVISOR_set_callbacks")]
pub const SET_CALLBACKS: u32 = 4;

/// Sets or clears the task-switched flag of CR0.
#[doc(alias = "__HYPERVISOR_fpu_taskswitch")]
pub const FPU_TASKSWITCH: u32 = 5;

/// The older form of the scheduling operations.
#[doc(alias = "__HYPERVISOR_sched_op_compat")]
pub const SCHED_OP_COMPAT: u32 = 6;

/// Operations on the physical machine, for a privileged domain.
#[doc(alias = "__HYPERVISOR_platform_op")]
pub const PLATFORM_OP: u32 = 7;

/// Writes a debug register.
#[doc(alias = "__HYPERVISOR_set_debugreg")]
pub const SET_DEBUGREG: u32 = 8;

/// Reads a debug register.
#[doc(alias = "__HYPERVISOR_get_debugreg")]
pub const GET_DEBUGREG: u32 = 9;

/// Writes one segment descriptor by machine address.
#[doc(alias = "__HYPERVISOR_update_descriptor")]
pub const UPDATE_DESCRIPTOR: u32 = 10;

/// Memory reservation and information; see [`crate::memory`].
#[doc(alias = "__HYPERVISOR_memory_op")]
pub const MEMORY_OP: u32 = 12;

/// Executes a list of hypercalls; see [`crate::multicall`].
#[doc(alias = "__HYPERVISOR_multicall")]
pub const MULTICALL: u32 = 13;

/// Writes the page-table entry that maps an address.
#[doc(alias = "__HYPERVISOR_update_va_mapping")]
pub const UPDATE_VA_MAPPING: u32 = 14;

/// Sets the one-shot timer of the calling vCPU.
#[doc(alias = "__HYPERVISOR_set_timer_op")]
pub const SET_TIMER_OP: u32 = 15;

/// The older form of the event-channel operations.
#[doc(alias = "__HYPERVISOR_event_channel_op_compat")]
pub const EVENT_CHANNEL_OP_COMPAT: u32 = 16;

/// Version and feature queries; see [`crate::version`].
#[doc(alias = "__HYPERVISOR_xen_version")]
pub const XEN_VERSION: u32 = 17;

/// Reads or writes the hypervisor's console; see [`crate::console`].
#[doc(alias = "__HYPERVISOR_console_io")]
pub const CONSOLE_IO: u32 = 18;

/// The older form of the physical-device operations.
#[doc(alias = "__HYPERVISOR_physdev_op_compat")]
pub const PHYSDEV_OP_COMPAT: u32 = 19;

/// Sharing of pages between domains; see [`crate::grant`].
#[doc(alias = "__HYPERVISOR_grant_table_op")]
pub const GRANT_TABLE_OP: u32 = 20;

/// Switches a behaviour of the hypervisor; see [`crate::vm_assist`].
#[doc(alias = "__HYPERVISOR_vm_assist")]
pub const VM_ASSIST: u32 = 21;

/// Maps a frame of another domain at an address.
#[doc(alias = "__HYPERVISOR_update_va_mapping_otherdomain")]
pub const UPDATE_VA_MAPPING_OTHERDOMAIN: u32 = 22;

/// Returns from an exception or an event with a new event mask.
#[doc(alias = "__HYPERVISOR_iret")]
pub const IRET: u32 = 23;

/// Operations on one vCPU; see [`crate::vcpu`].
#[doc(alias = "__HYPERVISOR_vcpu_op")]
pub const VCPU_OP: u32 = 24;

/// Sets a base of fs or gs; see [`crate::segment`].
#[doc(alias = "__HYPERVISOR_set_segment_base")]
pub const SET_SEGMENT_BASE: u32 = 25;

/// Extended memory-management operations; see [`crate::mmu`].
#[doc(alias = "__HYPERVISOR_mmuext_op")]
pub const MMUEXT_OP: u32 = 26;

/// Operations of the security module.
#[doc(alias = "__HYPERVISOR_xsm_op")]
pub const XSM_OP: u32 = 27;

/// Non-maskable interrupt operations; see [`crate::nmi`].
#[doc(alias = "__HYPERVISOR_nmi_op")]
pub const NMI_OP: u32 = 28;

/// Scheduling operations; see [`crate::sched`].
#[doc(alias = "__HYPERVISOR_sched_op")]
pub const SCHED_OP: u32 = 29;

/// Registers entry points of the guest; see [`crate::callback`].
#[doc(alias = "__HYPERVISOR_callback_op")]
pub const CALLBACK_OP: u32 = 30;

/// Profiler operations.
#[doc(alias = "__HYPERVISOR_xenoprof_op")]
pub const XENOPROF_OP: u32 = 31;

/// Event-channel operations; see [`crate::event_channel`].
#[doc(alias = "__HYPERVISOR_event_channel_op")]
pub const EVENT_CHANNEL_OP: u32 = 32;

/// Physical-device operations; see [`crate::physdev`].
#[doc(alias = "__HYPERVISOR_physdev_op")]
pub const PHYSDEV_OP: u32 = 33;

/// Operations on fully virtualised domains.
#[doc(alias = "__HYPERVISOR_hvm_op")]
pub const HVM_OP: u32 = 34;

/// Control of the whole system, for a privileged domain.
#[doc(alias = "__HYPERVISOR_sysctl")]
pub const SYSCTL: u32 = 35;

/// Control of domains, for a privileged domain.
#[doc(alias = "__HYPERVISOR_domctl")]
pub const DOMCTL: u32 = 36;

/// Crash-kernel operations, for a privileged domain.
#[doc(alias = "__HYPERVISOR_kexec_op")]
pub const KEXEC_OP: u32 = 37;

/// Transcendent memory, which Xen has removed.
#[doc(alias = "__HYPERVISOR_tmem_op")]
pub const TMEM_OP: u32 = 38;

/// Messages between domains.
#[doc(alias = "__HYPERVISOR_argo_op")]
pub const ARGO_OP: u32 = 39;

/// Performance-counter operations.
#[doc(alias = "__HYPERVISOR_xenpmu_op")]
pub const XENPMU_OP: u32 = 40;

/// Operations of a device model.
#[doc(alias = "__HYPERVISOR_dm_op")]
pub const DM_OP: u32 = 41;

/// Access to the hypervisor's file system.
#[doc(alias = "__HYPERVISOR_hypfs_op")]
pub const HYPFS_OP: u32 = 42;

/// The first architecture-specific number; machine-check operations on x86.
#[doc(alias = "__HYPERVISOR_arch_0")]
pub const ARCH_0: u32 = 48;

/// The second architecture-specific number.
#[doc(alias = "__HYPERVISOR_arch_1")]
pub const ARCH_1: u32 = 49;

/// The third architecture-specific number.
#[doc(alias = "__HYPERVISOR_arch_2")]
pub const ARCH_2: u32 = 50;

/// The fourth architecture-specific number.
#[doc(alias = "__HYPERVISOR_arch_3")]
pub const ARCH_3: u32 = 51;

/// The fifth architecture-specific number.
#[doc(alias = "__HYPERVISOR_arch_4")]
pub const ARCH_4: u32 = 52;

/// The sixth architecture-specific number.
#[doc(alias = "__HYPERVISOR_arch_5")]
pub const ARCH_5: u32 = 53;

/// The seventh architecture-specific number.
#[doc(alias = "__HYPERVISOR_arch_6")]
pub const ARCH_6: u32 = 54;

/// The last architecture-specific number; [`crate::xenolith::OP`] here.
#[doc(alias = "__HYPERVISOR_arch_7")]
pub const ARCH_7: u32 = 55;

/// Entry stubs in a hypercall page: one for each number below this.
pub const PAGE_STUBS: usize = 128;

/// Bytes of each stub, so that number N is entered at page + 32 N.
pub const PAGE_STUB_BYTES: usize = 32;
