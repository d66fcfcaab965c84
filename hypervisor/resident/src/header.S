# What root reads (xenolith_core::resident::Header), and the question that every way out asks.
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
    .long   iret_kernel_iretq - resident_start
    .long   iret_user_iretq - resident_start
    .long   cpuid_iretq - resident_start
    .long   hypercall_tail - resident_start
    .long   hypercall_tail_end - resident_start
    .long   (restarts_end - restarts) / 16
restarts:                                           # start, end, target, undo
    .long   hypercall_tail - resident_start, hypercall_flags - resident_start
    .long   hypercall_tail - resident_start, 0
    .long   hypercall_flags - resident_start, hypercall_tail_end - resident_start
    .long   hypercall_tail - resident_start, 0x400
    .long   iret_kernel_tail - resident_start, iret_kernel_iretq - resident_start
    .long   iret_kernel_tail - resident_start, 0
    .long   iret_kernel_iretq - resident_start, iret_kernel_end - resident_start
    .long   iret_kernel_tail - resident_start, 32
    .long   iret_user_tail - resident_start, iret_user_moved - resident_start
    .long   iret_user_tail - resident_start, 0
    .long   iret_user_moved - resident_start, iret_user_swapgs - resident_start
    .long   iret_user_tail - resident_start, 32
    .long   iret_user_swapgs - resident_start, iret_user_iretq - resident_start
    .long   iret_user_tail - resident_start, 32 + 0x100
    .long   iret_user_iretq - resident_start, iret_user_end - resident_start
    .long   iret_user_tail - resident_start, 32 + 0x300
    .long   trap_tail - resident_start, trap_tail_end - resident_start
    .long   trap_tail - resident_start, 0
    .long   cpuid_tail - resident_start, cpuid_popped - resident_start
    .long   cpuid_tail - resident_start, 0
    .long   cpuid_popped - resident_start, cpuid_iretq - resident_start
    .long   cpuid_tail - resident_start, 8
    .long   cpuid_iretq - resident_start, cpuid_end - resident_start
    .long   cpuid_tail - resident_start, 16
restarts_end:
    .long   (fixups_end - fixups) / 8
fixups:                                             # instruction, where to go on
    .long   port_read - resident_start, port_refused - resident_start
    .long   kernel_bytes - resident_start, no_prefix - resident_start
    .long   more_kernel_bytes - resident_start, no_prefix - resident_start
    .long   process_bytes - resident_start, no_process_bytes - resident_start
    .long   more_process_bytes - resident_start, no_process_bytes - resident_start
    .long   user_gs_load - resident_start, user_gs_null - resident_start
fixups_end:
    .long   0                                       # ends the search for a fixup

# Goes to \target if an event is pending and not masked; \via and its low half are clobbered.
# vcpu_info begins with the pending byte and the mask byte: deliverable is 0x0001 to 0x00ff.
.macro IF_DELIVERABLE target, via, via32
    mov     \via, [rip + DATA + {INFO}]
    movzx   \via32, word ptr [\via]
    dec     \via32
    cmp     \via32, 0xff
    jb      \target
.endm
