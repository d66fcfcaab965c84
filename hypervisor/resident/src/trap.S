# Exceptions and events: the CPU has pushed ss, rsp, rflags, cs, rip and perhaps an error code on
# the kernel's stack. Below that Xen's frame has r11 and rcx.

    .set    AC_IN_BYTE_2, 1 << (18 - 16)

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
    mov     rcx, rsp                                # no handler inherits AC, which undoes SMAP
    lea     rsp, [rip + DATA + {FLAGS} + 8]
    pushfq
    and     byte ptr [rsp + 2], ~AC_IN_BYTE_2
    popfq
    mov     rsp, rcx
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

# Goes to the handler of the vector whose entry is at rcx bytes into the table.
.macro TO_HANDLER frame
    lea     r11, [rip + TRAPS]
    add     rcx, r11
    mov     r11, [rcx]
    mov     [rip + DATA + {TARGET}], r11
    mov     rcx, [rcx + 8]
    mov     [rip + DATA + {SCRATCH}], rcx
    SHOW_MASK \frame
    mov     cl, [rip + DATA + {SCRATCH}]            # bit 2: the handler wants events masked
    shr     cl, 2
    and     cl, 1
    or      [r11 + 1], cl
    jmp     trap_tail
.endm

# Leaves if the fault happened in the resident itself, whose frame has an error code.
.macro IF_OURS
    lea     r11, [rip + resident_start]
    sub     r11, [rsp + 24]
    neg     r11
    cmp     r11, {TEXT_BYTES}
    jb      our_fault
.endm

    .balign 64
trap_plain:                                         # ecx is the offset of the table's entry
    TO_HANDLER 16
trap_code:
    IF_OURS
    TO_HANDLER 24
page_fault:
    mov     ecx, 14 * 16
    IF_OURS
    mov     r11, [rip + DATA + {INFO}]
    mov     rcx, cr2
    mov     [r11 + 16], rcx
    mov     ecx, 14 * 16
    TO_HANDLER 24
our_fault:                                          # rcx is the vector * 16, r11 the offset
    mov     [rip + DATA + {SCRATCH}], rcx
    lea     rcx, [rip + fixups]
1:  cmp     [rcx], r11d
    je      2f
    add     rcx, 8
    cmp     dword ptr [rcx], 0
    jne     1b
    mov     rcx, [rip + DATA + {SCRATCH}]
fault_to_root:
    vmcall
2:  mov     ecx, [rcx + 4]                          # a bad pointer or selector goes on there
    lea     r11, [rip + resident_start]
    add     rcx, r11
    mov     rsp, [rsp + 48]
    jmp     rcx

event_entry:                                        # root injects when the mask is clear
    push    r11
    push    rcx
    SHOW_MASK 16
    jmp     enter_event

trap_tail:                                          # needs nothing but the frame and the target
    IF_DELIVERABLE trap_event, r11, r11d
    mov     rcx, [rsp]
    mov     r11, [rsp + 8]
    jmp     qword ptr [rip + DATA + {TARGET}]
trap_tail_end:

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
