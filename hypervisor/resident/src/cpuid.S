# #UD, which UD2 raises: with certain bytes behind it that is a prefix that asks for CPUID to be
# emulated. The stack: rcx, r11, rip, cs, rflags, rsp, ss. The mode is still the interrupted one.
#
# To read at rip may fault, where the bytes cross into a page that is not there: then it is no prefix.
more_kernel_bytes:
    cmp     dword ptr [r11 + 3], {PREFIX_END}
more_kernel_bytes_end:
    jne     no_prefix

# CPUID exits, and root puts its answers into the registers. No event is injected meanwhile.
prefixed_cpuid:
    add     qword ptr [rsp + 16], {PREFIX_BYTES}
    and     byte ptr [rsp + 34], ~1                 # RF, which #UD has set in the frame's rflags
    pop     rcx
    pop     r11
    cpuid
    push    r11
    push    rcx
cpuid_tail:
    mov     r11, [rip + DATA + {INFO}]
    IF_DELIVERABLE cpuid_event, r11
    pop     rcx
cpuid_popped:
    pop     r11
cpuid_iretq:
    iretq
cpuid_end:

cpuid_event:
    SHOW_MASK 16
    jmp     enter_event

# AC lets the kernel read a process's page whatever SMAP says, with POPFQ on every CPU.
process_invalid_opcode:
    pushfq
    pushfq
    or      byte ptr [rsp + 2], AC_IN_BYTE_2
    popfq
process_bytes:
    mov     ecx, [r11]
    mov     r11d, [r11 + 3]
process_bytes_end:
    popfq
    cmp     ecx, {PREFIX}
    jne     no_prefix
    cmp     r11d, {PREFIX_END}
    jne     no_prefix
    jmp     prefixed_cpuid
no_process_bytes:
    popfq
    jmp     no_prefix
