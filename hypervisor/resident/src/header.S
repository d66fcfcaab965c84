# What root reads (xenolith_core::resident::Header), and the question that every way out asks.
    .set    UNDO_MODE, 0x100                        # the low byte is what to take off rsp
    .set    UNDO_SWAPGS, 0x200
    .set    UNDO_FLAGS, 0x400
.macro RESTART start, end, target, undo
    .long   \start - resident_start, \end - resident_start, \target - resident_start, \undo
.endm
.macro FIXUP start, end, target
    .long   \start - resident_start, \end - resident_start, \target - resident_start
.endm

    .set    HOLE, 0x1ffff0                          # bits 63:43 of the hole's addresses

# Goes to \target if the guest's pointer \pointer leads into the hole. Clobbers rcx.
.macro IF_IN_HOLE pointer, target
    mov     rcx, \pointer
    shr     rcx, 43
    cmp     ecx, HOLE
    je      \target
.endm

# Goes to \target if the call that is served is one of a list of calls. Clobbers rcx.
.macro IF_IN_MULTICALL target
    lea     rcx, [rip + hypercall_tail]
    cmp     rcx, [rip + DATA + {TAIL}]
    jne     \target
.endm

# Goes to \target if memory at guest-physical \address, or frame \address with \shift 12, is not
# within reach; else r11 is where all memory is mapped.
.macro DIRECT_MAP address, target, shift=0
    mov     r11, \address
    shr     r11, {DIRECT_BITS} - \shift
    jnz     \target
    .if     \shift
    shl     \address, \shift
    .endif
    movabs  r11, {DIRECT}
.endm

    .section .resident, "ax"
    .balign 4096
    .globl  resident_start
resident_start:
    .ascii  "XLRESID1"
    .long   resident_end - resident_start
    .long   syscall_entry - resident_start
    .long   event_entry - resident_start
    .long   vector_entries - resident_start
    .long   16
    .long   hypercall_to_root - resident_start
    .long   fault_to_root - resident_start
    .long   no_callback_to_root - resident_start
    .long   no_event_callback_to_root - resident_start
    .long   nmi_syscall_entry - resident_start
    .long   nmi_iret_to_root - resident_start
    .long   sysenter_entry - resident_start
    .long   iret_kernel_iretq - resident_start
    .long   iret_user_iretq - resident_start
    .long   cpuid_iretq - resident_start
    .long   hypercall_tail - resident_start
    .long   hypercall_tail_end - resident_start
    .long   traced_syscall - resident_start
    .long   traced_nmi_syscall - resident_start
    .long   traced_sysenter - resident_start
    .long   traced_vectors - resident_start
    .long   traced_event - resident_start
    .long   (restarts_end - restarts) / 16
restarts:                                           # start, end, target, undo
    RESTART hypercall_tail, hypercall_flags, hypercall_tail, 0
    RESTART hypercall_flags, hypercall_tail_end, hypercall_tail, UNDO_FLAGS
    RESTART iret_kernel_tail, iret_kernel_iretq, iret_kernel_again, 0
    RESTART iret_kernel_iretq, iret_kernel_end, iret_kernel_again, 32
    RESTART iret_user_tail, iret_user_moved, iret_user_again, 0
    RESTART iret_user_moved, iret_user_swapgs, iret_user_again, 32
    RESTART iret_user_swapgs, iret_user_iretq, iret_user_again, 32 + UNDO_MODE
    RESTART iret_user_iretq, iret_user_end, iret_user_again, 32 + UNDO_MODE + UNDO_SWAPGS
    RESTART plain_tail, plain_tail_end, plain_again, 0
    RESTART code_tail, code_tail_end, code_again, 0
    RESTART syscall_tail, syscall_tail_end, syscall_again, 0
    RESTART cpuid_tail, cpuid_popped, cpuid_tail, 0
    RESTART cpuid_popped, cpuid_iretq, cpuid_tail, 8
    RESTART cpuid_iretq, cpuid_end, cpuid_tail, 16
restarts_end:

# Handlers by hypercall number, of calls on their own and of those in a list.
.macro SERVE handler, count=1
    .rept   \count
    .long   \handler - resident_start
    .endr
.endm
calls:
    SERVE   pass_on
    SERVE   mmu_update                              # 1
    SERVE   pass_on
    SERVE   stack_switch                            # 3
    SERVE   pass_on
    SERVE   fpu_taskswitch                          # 5
    SERVE   pass_on, 7
    SERVE   multicall                               # 13
    SERVE   update_va_mapping                       # 14
    SERVE   pass_on, 2
    SERVE   xen_version                             # 17
    SERVE   pass_on, 6
    SERVE   vcpu_op                                 # 24
    SERVE   set_segment_base                        # 25
    SERVE   mmuext_op                               # 26
    SERVE   pass_on, 5
    SERVE   event_channel_op                        # 32
    SERVE   pass_on, 31
    .if     . - calls - 64 * 4
    .error  "there are 64 numbers"
    .endif
listed_calls:
    SERVE   multicall_rest
    SERVE   listed_mmu_update                       # 1
    SERVE   multicall_rest
    SERVE   listed_stack_switch                     # 3
    SERVE   multicall_rest
    SERVE   listed_fpu_taskswitch                   # 5
    SERVE   multicall_rest, 8
    SERVE   listed_update_va_mapping                # 14
    SERVE   multicall_rest, 2
    SERVE   listed_version                          # 17
    SERVE   multicall_rest, 6
    SERVE   listed_vcpu_op                          # 24
    SERVE   listed_set_segment_base                 # 25
    SERVE   listed_mmuext_op                        # 26
    SERVE   multicall_rest, 5
    SERVE   listed_event_channel_op                 # 32
    SERVE   multicall_rest, 31
    .if     . - listed_calls - 64 * 4
    .error  "there are 64 numbers"
    .endif

# Goes to \target if an event is pending and not masked. \info is where vcpu_info is, which begins
# with the pending byte and the mask byte.
.macro IF_DELIVERABLE target, info
    cmp     byte ptr [\info], 0
    jne     8f
9:
    .subsection 1                                   # once pending it stays so: no event comes late here
8:  cmp     byte ptr [\info + 1], 0
    je      \target
    jmp     9b
    .subsection 0
.endm

    .long   (fixups_end - fixups) / 12
fixups:                                             # start, end, where to go on
    FIXUP   port_read, port_read_end, port_refused
    FIXUP   base_write, base_written, base_refused
    FIXUP   kernel_bytes, kernel_bytes_end, no_prefix
    FIXUP   more_kernel_bytes, more_kernel_bytes_end, no_prefix
    FIXUP   process_bytes, process_bytes_end, no_process_bytes
    FIXUP   user_gs_load, user_gs_loaded, user_gs_null
    FIXUP   mmu_update_next, mmu_update_end, mmu_update_rest
    FIXUP   mmuext_op_next, mmuext_op_end, mmuext_op_rest
    FIXUP   count_probe, count_probed, count_refused
    FIXUP   count_write, count_written, count_written
    FIXUP   mapping_walk, mapping_walk_end, mapping_refused
    FIXUP   multicall_end, multicall_next, multicall_rest
    FIXUP   multicall_next, multicall_stored, multicall_refused
    FIXUP   multicall_stored, multicall_called, multicall_rest
    FIXUP   multicall_list_cut, multicall_parked, multicall_refused
    FIXUP   listed_version, listed_version_done, multicall_rest
    FIXUP   listed_version_done, listed_version_stored, multicall_refused
    FIXUP   listed_version_stored, listed_calls_end, multicall_rest
fixups_end:
    .long   0                                       # ends the search for a fixup
