# Exceptions and events: the CPU has pushed ss, rsp, rflags, cs, rip and perhaps an error code on
# the kernel's stack. Below that Xen's frame has r11 and rcx.

    .set    AC_IN_BYTE_2, 1 << (18 - 16)

# Clears AC in the processor: no handler inherits it, since it undoes SMAP. Clobbers rcx.
.macro CLEAR_AC
    mov     rcx, rsp
    lea     rsp, [rip + DATA + {FLAGS} + 8]
    pushfq
    and     byte ptr [rsp + 2], ~AC_IN_BYTE_2
    popfq
    mov     rsp, rcx
.endm

# Makes the frame's cs and rflags what Xen shows: the mask above cs, IF its opposite, no IOPL;
# clears AC in the processor. \frame is the offset of rip from rsp. Leaves vcpu_info in r11;
# clobbers rcx.
.macro SHOW_MASK frame
    test    byte ptr [rsp + \frame + 8], 3
    jz      1f
    swapgs
    mov     byte ptr [rip + DATA + {MODE}], {KERNEL}
    mov     ecx, {KERNEL_SS}                        # the CPU has loaded the null selector
    mov     ss, ecx
1:  test    byte ptr [rsp + \frame + 16 + 2], AC_IN_BYTE_2
    jz      4f
    CLEAR_AC
4:  mov     r11, [rip + DATA + {INFO}]
    and     dword ptr [rsp + \frame + 16], ~0x3200
    mov     cl, [r11 + 1]
    test    cl, cl
    jz      2f
    mov     [rsp + \frame + 12], cl
    jmp     3f
2:  or      dword ptr [rsp + \frame + 16], 0x200
3:
.endm

# Goes to the handler of the vector whose entry is at rcx bytes into the table, with \frame as above.
# Once the frame shows the mask, and the mask is the handler's, asks for events.
.macro TO_HANDLER frame, name
    lea     r11, [rip + TRAPS]
    add     r11, rcx
    mov     rcx, [r11]
    mov     [rip + DATA + {TARGET}], rcx
    mov     r11d, [r11 + 8]                         # 1 if the handler wants events masked
    test    byte ptr [rsp + \frame + 8], 3
    jnz     3f
1:  test    byte ptr [rsp + \frame + 16 + 2], AC_IN_BYTE_2
    jnz     4f
2:
\name\()_show_mask:                                # r11 is 1 if the handler wants events masked
    mov     rcx, [rip + DATA + {INFO}]
    and     dword ptr [rsp + \frame + 16], ~0x3200
    cmp     byte ptr [rcx + 1], 0
    jne     5f
    or      dword ptr [rsp + \frame + 16], 0x200
    mov     [rcx + 1], r11b
\name\()_tail:                                      # needs nothing but the frame and the target
    IF_DELIVERABLE trap_event, rcx
    mov     rcx, [rsp]
    mov     r11, [rsp + 8]
    jmp     qword ptr [rip + DATA + {TARGET}]
\name\()_tail_end:
3:  swapgs
    mov     byte ptr [rip + DATA + {MODE}], {KERNEL}
    mov     ecx, {KERNEL_SS}                        # the CPU has loaded the null selector
    mov     ss, ecx
    jmp     1b
4:  CLEAR_AC
    jmp     2b
5:  xchg    [rcx + 1], r11b                         # the mask stays what it was, or becomes more
    mov     [rsp + \frame + 12], r11b
    or      [rcx + 1], r11b
\name\()_again:
    mov     rcx, [rip + DATA + {INFO}]
    jmp     \name\()_tail
.endm

# Leaves if the fault happened in the resident itself, whose frame has an error code. A process that
# jumps there faults at the same addresses, and is none of ours.
.macro IF_OURS target
    test    byte ptr [rsp + 32], 3
    jnz     7f
    lea     r11, [rip + resident_start]
    sub     r11, [rsp + 24]
    cmp     r11, -{TEXT_BYTES}
    ja      \target
7:
.endm

invalid_opcode:                                     # UD2 may begin a prefix: see cpuid.S
    mov     r11, [rsp + 16]
    test    byte ptr [rsp + 24], 3
    jnz     process_invalid_opcode
kernel_bytes:
    cmp     dword ptr [r11], {PREFIX}
kernel_bytes_end:
    je      more_kernel_bytes
no_prefix:
    mov     ecx, 6 * 16
trap_plain:                                         # ecx is the offset of the table's entry
    TO_HANDLER 16, plain

    .balign 64
trap_code:
    IF_OURS our_fault
    jmp     1f
page_fault:
    IF_OURS our_page_fault
    mov     r11, [rip + DATA + {INFO}]
    mov     rcx, cr2
    mov     [r11 + 16], rcx
    mov     ecx, 14 * 16
1:  TO_HANDLER 24, code

our_page_fault:
    mov     ecx, 14 * 16
our_fault:                                          # rcx is the vector * 16, r11 minus the offset
    mov     [rip + DATA + {FAULT}], rcx
    neg     r11
    lea     rcx, [rip + fixups]
1:  cmp     r11d, [rcx]
    jb      2f
    cmp     r11d, [rcx + 4]
    jb      3f
2:  add     rcx, 12
    cmp     dword ptr [rcx], 0
    jne     1b
    mov     rcx, [rip + DATA + {FAULT}]
fault_to_root:
    vmcall
3:  mov     ecx, [rcx + 8]                          # a bad pointer or selector goes on there
    lea     r11, [rip + resident_start]
    add     rcx, r11
    mov     rsp, [rsp + 48]
    jmp     rcx

event_entry:                                        # root injects when the mask is clear
    push    r11
    push    rcx
    SHOW_MASK 16
    jmp     enter_event

trap_event:                                         # the upcall interrupts the handler's first step
    mov     rcx, rsp
    and     rsp, -16
    push    {KERNEL_SS}
    push    rcx
    pushfq
    and     dword ptr [rsp], ~0x3000
    or      dword ptr [rsp], 0x200
    push    {KERNEL_CS}
    push    qword ptr [rip + DATA + {TARGET}]
    push    qword ptr [rcx + 8]
    push    qword ptr [rcx]
    jmp     enter_event

# 16 bytes for each vector.
    .balign 16
vector_entries:
    .set    VECTOR, 0
    .rept   256
    .balign 16
    push    r11
    push    rcx
    .if     VECTOR == 14
    jmp     page_fault
    .elseif VECTOR == 6
    jmp     invalid_opcode
    .elseif (VECTOR == 10) || (VECTOR == 11) || (VECTOR == 12) || (VECTOR == 13) || (VECTOR == 17) || (VECTOR == 21)
    mov     ecx, VECTOR * 16
    jmp     trap_code
    .else
    mov     ecx, VECTOR * 16
    jmp     trap_plain
    .endif
    .set    VECTOR, VECTOR + 1
    .endr
