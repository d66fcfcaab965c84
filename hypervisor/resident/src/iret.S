# The iret hypercall. The guest's stack: rax, r11, rcx, flags, rip, cs, rflags, rsp, ss.
#
# The mask becomes the opposite of the frame's IF. If that lets an event in, the frame turns into
# an upcall's where it stands: what is left of it behind rax is what an upcall pushes.
    .set    FRAME_FLAGS, 24
    .set    FRAME_CS, 40
    .set    FRAME_RFLAGS, 48
    .set    FRAME_SS, 64
    .set    IRET_BYTES, 32
    .set    IN_SYSCALL, 0x100                       # flags: rcx and r11 as SYSRET leaves them
    .set    ALLOWED_RFLAGS, 0x254dd5                # all but IF, IOPL, VM and what is reserved
    .set    ALWAYS_RFLAGS, 0x202

# Leaves the sanitised flags in the frame and the new mask in vcpu_info, whose address is then in r11;
# clobbers rax.
.macro TAKE_FLAGS
    mov     rax, [rsp + FRAME_RFLAGS]
    mov     r11, [rip + DATA + {INFO}]
    bt      eax, 9
    setnc   byte ptr [r11 + 1]
    and     eax, ALLOWED_RFLAGS
    or      eax, ALWAYS_RFLAGS
    mov     [rsp + FRAME_RFLAGS], rax
.endm

    .balign 64
iret_entry:
    test    byte ptr [rsp + FRAME_CS], 3
    jnz     iret_user
    mov     qword ptr [rsp + FRAME_CS], {KERNEL_CS}
    mov     qword ptr [rsp + FRAME_SS], {KERNEL_SS}
    TAKE_FLAGS
iret_kernel_tail:
    IF_DELIVERABLE iret_event, r11
    mov     rax, [rsp]
    mov     r11, [rsp + 8]
    mov     rcx, [rsp + 16]
    add     rsp, IRET_BYTES
iret_kernel_iretq:
    iretq
iret_kernel_end:

iret_user:
    or      byte ptr [rsp + FRAME_SS], 3
    TAKE_FLAGS
    test    dword ptr [rsp + FRAME_FLAGS], IN_SYSCALL
    jz      iret_user_tail
    mov     rax, [rsp + 32]
    mov     [rsp + 16], rax
    mov     rax, [rsp + FRAME_RFLAGS]
    mov     [rsp + 8], rax
iret_user_tail:
    IF_DELIVERABLE iret_user_event, r11
    mov     rax, [rsp]
    mov     r11, [rsp + 8]
    mov     rcx, [rsp + 16]
    add     rsp, IRET_BYTES
iret_user_moved:
    mov     byte ptr [rip + DATA + {MODE}], {USER}
iret_user_swapgs:
    swapgs
iret_user_iretq:
    iretq
iret_user_end:

iret_kernel_again:
    mov     r11, [rip + DATA + {INFO}]
    jmp     iret_kernel_tail
iret_user_again:
    mov     r11, [rip + DATA + {INFO}]
    jmp     iret_user_tail

iret_user_event:                                    # IRETQ takes 16 bits, the frame shows 64
    movzx   eax, word ptr [rsp + FRAME_CS]
    mov     [rsp + FRAME_CS], rax
iret_event:                                         # rcx is in place; r11 moves next to it
    mov     rax, [rsp]
    mov     r11, [rsp + 8]
    mov     [rsp + 24], r11
    add     rsp, 16

# Enters the event callback with a complete frame at rsp; clobbers rcx and r11 and restores them.
enter_event:
    mov     rcx, [rip + DATA + {INFO}]
    mov     byte ptr [rcx + 1], 1
    mov     rcx, [rsp]
    mov     r11, [rsp + 8]
    jmp     qword ptr [rip + DATA + {EVENT}]
no_event_callback_to_root:                          # where there is no callback, this is it
    vmcall
