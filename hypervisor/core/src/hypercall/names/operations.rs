//! The names of operations.

use xenolith_abi::{
    callback, console, event_channel, grant, hypercall, memory, mmu, nmi, physdev, sched, vcpu,
    version, vm_assist, xenolith,
};

/// The operation in the first argument of `memory_op`; above it is where a cut call goes on.
const MEMORY_OPERATION: u32 = 0x3f;

/// Returns the name of an operation, the first argument of call `number`, as the public headers have
/// it; `None` also for calls whose first argument is none.
pub const fn operation(number: u32, operation: u32) -> Option<&'static str> {
    match number {
        hypercall::SCHED_OP => sched_operation(operation),
        hypercall::EVENT_CHANNEL_OP => event_channel_operation(operation),
        hypercall::VCPU_OP => vcpu_operation(operation),
        hypercall::MEMORY_OP => memory_operation(operation & MEMORY_OPERATION),
        hypercall::GRANT_TABLE_OP => grant_operation(operation),
        hypercall::XEN_VERSION => version_operation(operation),
        hypercall::CONSOLE_IO => console_operation(operation),
        hypercall::CALLBACK_OP => callback_operation(operation),
        hypercall::NMI_OP => nmi_operation(operation),
        hypercall::PHYSDEV_OP => physdev_operation(operation),
        hypercall::VM_ASSIST => vm_assist_operation(operation),
        xenolith::OP => xenolith_operation(operation),
        _ => None,
    }
}

const fn sched_operation(operation: u32) -> Option<&'static str> {
    Some(match operation {
        sched::YIELD => "SCHEDOP_yield",
        sched::BLOCK => "SCHEDOP_block",
        sched::SHUTDOWN => "SCHEDOP_shutdown",
        sched::POLL => "SCHEDOP_poll",
        sched::REMOTE_SHUTDOWN => "SCHEDOP_remote_shutdown",
        sched::SHUTDOWN_CODE => "SCHEDOP_shutdown_code",
        sched::WATCHDOG => "SCHEDOP_watchdog",
        sched::PIN_OVERRIDE => "SCHEDOP_pin_override",
        _ => return None,
    })
}

const fn event_channel_operation(operation: u32) -> Option<&'static str> {
    Some(match operation {
        event_channel::BIND_INTERDOMAIN => "EVTCHNOP_bind_interdomain",
        event_channel::BIND_VIRQ => "EVTCHNOP_bind_virq",
        event_channel::BIND_PIRQ => "EVTCHNOP_bind_pirq",
        event_channel::CLOSE => "EVTCHNOP_close",
        event_channel::SEND => "EVTCHNOP_send",
        event_channel::STATUS => "EVTCHNOP_status",
        event_channel::ALLOC_UNBOUND => "EVTCHNOP_alloc_unbound",
        event_channel::BIND_IPI => "EVTCHNOP_bind_ipi",
        event_channel::BIND_VCPU => "EVTCHNOP_bind_vcpu",
        event_channel::UNMASK => "EVTCHNOP_unmask",
        event_channel::RESET => "EVTCHNOP_reset",
        event_channel::INIT_CONTROL => "EVTCHNOP_init_control",
        event_channel::EXPAND_ARRAY => "EVTCHNOP_expand_array",
        event_channel::SET_PRIORITY => "EVTCHNOP_set_priority",
        _ => return None,
    })
}

const fn vcpu_operation(operation: u32) -> Option<&'static str> {
    Some(match operation {
        vcpu::INITIALISE => "VCPUOP_initialise",
        vcpu::UP => "VCPUOP_up",
        vcpu::DOWN => "VCPUOP_down",
        vcpu::IS_UP => "VCPUOP_is_up",
        vcpu::GET_RUNSTATE_INFO => "VCPUOP_get_runstate_info",
        vcpu::REGISTER_RUNSTATE_MEMORY_AREA => "VCPUOP_register_runstate_memory_area",
        vcpu::SET_PERIODIC_TIMER => "VCPUOP_set_periodic_timer",
        vcpu::STOP_PERIODIC_TIMER => "VCPUOP_stop_periodic_timer",
        vcpu::SET_SINGLESHOT_TIMER => "VCPUOP_set_singleshot_timer",
        vcpu::STOP_SINGLESHOT_TIMER => "VCPUOP_stop_singleshot_timer",
        vcpu::REGISTER_VCPU_INFO => "VCPUOP_register_vcpu_info",
        vcpu::SEND_NMI => "VCPUOP_send_nmi",
        vcpu::PHYSID => "VCPUOP_get_physid",
        vcpu::REGISTER_VCPU_TIME_MEMORY_AREA => "VCPUOP_register_vcpu_time_memory_area",
        _ => return None,
    })
}

const fn memory_operation(operation: u32) -> Option<&'static str> {
    Some(match operation {
        memory::INCREASE_RESERVATION => "XENMEM_increase_reservation",
        memory::DECREASE_RESERVATION => "XENMEM_decrease_reservation",
        memory::MAXIMUM_RAM_PAGE => "XENMEM_maximum_ram_page",
        memory::CURRENT_RESERVATION => "XENMEM_current_reservation",
        memory::MAXIMUM_RESERVATION => "XENMEM_maximum_reservation",
        memory::MACHPHYS_MFN_LIST => "XENMEM_machphys_mfn_list",
        memory::POPULATE_PHYSMAP => "XENMEM_populate_physmap",
        memory::ADD_TO_PHYSMAP => "XENMEM_add_to_physmap",
        memory::MEMORY_MAP => "XENMEM_memory_map",
        memory::MACHINE_MEMORY_MAP => "XENMEM_machine_memory_map",
        memory::EXCHANGE => "XENMEM_exchange",
        memory::MACHPHYS_MAPPING => "XENMEM_machphys_mapping",
        memory::SET_MEMORY_MAP => "XENMEM_set_memory_map",
        memory::MAXIMUM_GPFN => "XENMEM_maximum_gpfn",
        memory::REMOVE_FROM_PHYSMAP => "XENMEM_remove_from_physmap",
        memory::SET_POD_TARGET => "XENMEM_set_pod_target",
        memory::GET_POD_TARGET => "XENMEM_get_pod_target",
        memory::ADD_TO_PHYSMAP_BATCH => "XENMEM_add_to_physmap_batch",
        memory::MACHPHYS_COMPAT_MFN_LIST => "XENMEM_machphys_compat_mfn_list",
        memory::GET_VNUMAINFO => "XENMEM_get_vnumainfo",
        memory::ACQUIRE_RESOURCE => "XENMEM_acquire_resource",
        _ => return None,
    })
}

const fn grant_operation(operation: u32) -> Option<&'static str> {
    Some(match operation {
        grant::MAP_GRANT_REF => "GNTTABOP_map_grant_ref",
        grant::UNMAP_GRANT_REF => "GNTTABOP_unmap_grant_ref",
        grant::SETUP_TABLE => "GNTTABOP_setup_table",
        grant::DUMP_TABLE => "GNTTABOP_dump_table",
        grant::TRANSFER => "GNTTABOP_transfer",
        grant::COPY => "GNTTABOP_copy",
        grant::QUERY_SIZE => "GNTTABOP_query_size",
        grant::UNMAP_AND_REPLACE => "GNTTABOP_unmap_and_replace",
        grant::SET_VERSION => "GNTTABOP_set_version",
        grant::GET_STATUS_FRAMES => "GNTTABOP_get_status_frames",
        grant::GET_VERSION => "GNTTABOP_get_version",
        grant::SWAP_GRANT_REF => "GNTTABOP_swap_grant_ref",
        grant::CACHE_FLUSH => "GNTTABOP_cache_flush",
        _ => return None,
    })
}

const fn version_operation(operation: u32) -> Option<&'static str> {
    Some(match operation {
        version::VERSION => "XENVER_version",
        version::EXTRAVERSION => "XENVER_extraversion",
        version::COMPILE_INFO => "XENVER_compile_info",
        version::CAPABILITIES => "XENVER_capabilities",
        version::CHANGESET => "XENVER_changeset",
        version::PLATFORM_PARAMETERS => "XENVER_platform_parameters",
        version::GET_FEATURES => "XENVER_get_features",
        version::PAGESIZE => "XENVER_pagesize",
        version::GUEST_HANDLE => "XENVER_guest_handle",
        version::COMMANDLINE => "XENVER_commandline",
        version::BUILD_ID => "XENVER_build_id",
        _ => return None,
    })
}

const fn console_operation(operation: u32) -> Option<&'static str> {
    Some(match operation {
        console::WRITE => "CONSOLEIO_write",
        console::READ => "CONSOLEIO_read",
        _ => return None,
    })
}

const fn callback_operation(operation: u32) -> Option<&'static str> {
    Some(match operation {
        callback::REGISTER => "CALLBACKOP_register",
        callback::UNREGISTER => "CALLBACKOP_unregister",
        _ => return None,
    })
}

const fn nmi_operation(operation: u32) -> Option<&'static str> {
    Some(match operation {
        nmi::REGISTER_CALLBACK => "XENNMI_register_callback",
        nmi::UNREGISTER_CALLBACK => "XENNMI_unregister_callback",
        _ => return None,
    })
}

const fn physdev_operation(operation: u32) -> Option<&'static str> {
    Some(match operation {
        physdev::IRQ_STATUS_QUERY => "PHYSDEVOP_irq_status_query",
        physdev::SET_IOPL => "PHYSDEVOP_set_iopl",
        physdev::SET_IOBITMAP => "PHYSDEVOP_set_iobitmap",
        physdev::EOI => "PHYSDEVOP_eoi",
        physdev::MAP_PIRQ => "PHYSDEVOP_map_pirq",
        physdev::UNMAP_PIRQ => "PHYSDEVOP_unmap_pirq",
        physdev::PIRQ_EOI_GMFN_V1 => "PHYSDEVOP_pirq_eoi_gmfn_v1",
        physdev::PIRQ_EOI_GMFN_V2 => "PHYSDEVOP_pirq_eoi_gmfn_v2",
        _ => return None,
    })
}

const fn vm_assist_operation(operation: u32) -> Option<&'static str> {
    Some(match operation {
        vm_assist::CMD_ENABLE => "VMASST_CMD_enable",
        vm_assist::CMD_DISABLE => "VMASST_CMD_disable",
        _ => return None,
    })
}

const fn xenolith_operation(operation: u32) -> Option<&'static str> {
    Some(match operation {
        xenolith::EXIT_COUNTS => "exit_counts",
        xenolith::EVENT_AFTER => "event_after",
        xenolith::EVENT_ARRIVAL => "event_arrival",
        _ => return None,
    })
}

/// Returns the name of a request of `mmuext_op`, which is in its list.
pub const fn extended_request(command: u32) -> Option<&'static str> {
    Some(match command {
        mmu::PIN_L1_TABLE => "MMUEXT_PIN_L1_TABLE",
        mmu::PIN_L2_TABLE => "MMUEXT_PIN_L2_TABLE",
        mmu::PIN_L3_TABLE => "MMUEXT_PIN_L3_TABLE",
        mmu::PIN_L4_TABLE => "MMUEXT_PIN_L4_TABLE",
        mmu::UNPIN_TABLE => "MMUEXT_UNPIN_TABLE",
        mmu::NEW_BASEPTR => "MMUEXT_NEW_BASEPTR",
        mmu::TLB_FLUSH_LOCAL => "MMUEXT_TLB_FLUSH_LOCAL",
        mmu::INVLPG_LOCAL => "MMUEXT_INVLPG_LOCAL",
        mmu::TLB_FLUSH_MULTI => "MMUEXT_TLB_FLUSH_MULTI",
        mmu::INVLPG_MULTI => "MMUEXT_INVLPG_MULTI",
        mmu::TLB_FLUSH_ALL => "MMUEXT_TLB_FLUSH_ALL",
        mmu::INVLPG_ALL => "MMUEXT_INVLPG_ALL",
        mmu::FLUSH_CACHE => "MMUEXT_FLUSH_CACHE",
        mmu::SET_LDT => "MMUEXT_SET_LDT",
        mmu::NEW_USER_BASEPTR => "MMUEXT_NEW_USER_BASEPTR",
        mmu::CLEAR_PAGE => "MMUEXT_CLEAR_PAGE",
        mmu::COPY_PAGE => "MMUEXT_COPY_PAGE",
        mmu::FLUSH_CACHE_GLOBAL => "MMUEXT_FLUSH_CACHE_GLOBAL",
        mmu::MARK_SUPER => "MMUEXT_MARK_SUPER",
        mmu::UNMARK_SUPER => "MMUEXT_UNMARK_SUPER",
        _ => return None,
    })
}
