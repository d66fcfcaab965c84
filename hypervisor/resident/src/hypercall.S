# SYSCALL: from the kernel a hypercall, from a process a system call.
#
# rax number and result; rdi, rsi, rdx, r10, r8 arguments; rcx return address, r11 flags.
# All other registers, and the arguments, are as the guest had them when it goes on.
    .balign 64
syscall_entry:
    cmp     byte ptr [rip + DATA + {MODE}], {USER}
    je      user_syscall
    cmp     rax, 23
    je      iret_entry
hypercall_entry:
    mov     [rip + DATA + {RIP}], rcx
    mov     [rip + DATA + {FLAGS}], r11
    mov     [rip + DATA + {STACK}], rsp
    cmp     rax, 63
    ja      hypercall_to_root
    lea     rcx, [rip + hypercall_table]
    lea     rcx, [rcx + rax*8]
    jmp     rcx

pass_on:                                            # rax is the number still
    mov     rcx, [rip + DATA + {RIP}]
hypercall_to_root:                                  # root goes on at hypercall_tail
    vmcall

set_segment_base:                                   # FS, GS of the process, GS of the kernel
    test    edi, edi
    jnz     other_base
    mov     ecx, 0xc0000100
write_base:                                         # a bad base faults, which is base_refused
    lea     rsp, [rip + DATA + {FAULT_STACK}]
    mov     [rip + DATA + {SCRATCH}], rdx
    mov     eax, esi
    mov     rdx, rsi
    shr     rdx, 32
base_write:
    wrmsr
base_written:
    mov     rdx, [rip + DATA + {SCRATCH}]
return_0:
    xor     eax, eax
hypercall_tail:                                     # needs nothing but what entry saved, and rax
    mov     rcx, [rip + DATA + {INFO}]
    IF_DELIVERABLE hypercall_event, rcx
    mov     rcx, [rip + DATA + {RIP}]
    lea     rsp, [rip + DATA + {FLAGS}]
    popfq
hypercall_flags:                                    # they may have AC, which no handler may inherit
    mov     rsp, [rip + DATA + {STACK}]
    jmp     rcx
hypercall_tail_end:

hypercall_event:                                    # the upcall frame says: behind the hypercall
    mov     byte ptr [rcx + 1], 1
    mov     rcx, [rip + DATA + {STACK}]
    mov     rsp, rcx
    and     rsp, -16
    push    {KERNEL_SS}
    push    rcx
    mov     rcx, r11
    and     ecx, ~0x3000
    or      ecx, 0x200
    push    rcx
    mov     rcx, [rip + DATA + {RIP}]
    push    {KERNEL_CS}
    push    rcx
    push    r11
    push    rcx
    jmp     qword ptr [rip + DATA + {EVENT}]

other_base:
    cmp     edi, 2
    ja      user_gs
    mov     eax, edi
    lea     rcx, [rip + segment_bases]
    mov     ecx, [rcx + rax*4]
    jmp     write_base
base_refused:
    mov     rdx, [rip + DATA + {SCRATCH}]
    mov     r11, [rip + DATA + {FLAGS}]
    mov     rax, -22
    jmp     hypercall_tail
segment_bases:
    .long   0xc0000100, 0xc0000102, 0xc0000101

user_gs:                                            # the selector in GS, with the process's base
    mov     rax, -22
    cmp     edi, 3
    jne     hypercall_tail
    lea     rsp, [rip + DATA + {FAULT_STACK}]
    movzx   eax, si
    cmp     eax, 3
    jbe     1f
    or      eax, 3
1:  swapgs
user_gs_load:
    mov     gs, eax
user_gs_loaded:
    swapgs
    jmp     return_0
user_gs_null:                                       # what cannot be loaded is null
    mov     r11, [rip + DATA + {FLAGS}]
    xor     eax, eax
    jmp     user_gs_load

# SYSCALL while an NMI is served: root waits for the iret, with which the next one may come.
nmi_syscall_entry:
    cmp     byte ptr [rip + DATA + {MODE}], {USER}
    je      user_syscall
    cmp     rax, 23
    jne     hypercall_entry
nmi_iret_to_root:
    vmcall
    jmp     iret_entry

xen_version:
    test    edi, edi
    jnz     pass_on
    mov     eax, (4 << 16) + 17
    jmp     hypercall_tail

stack_switch:                                       # aligned, as every frame begins
    mov     rax, rsi
    and     rax, -16
    mov     [rip + DATA + {KERNEL_SP}], rax
    jmp     return_0

fpu_taskswitch:                                     # CR0.TS belongs to the guest
    test    edi, edi
    jz      1f
    mov     rax, cr0
    or      eax, 8
    mov     cr0, rax
    jmp     return_0
1:  clts
    jmp     return_0

vcpu_op:                                            # is_up of the vCPU that asks
    cmp     edi, {IS_UP}
    jne     pass_on
    cmp     esi, [rip + DATA + {VCPU} + 2]
    jne     pass_on
    mov     eax, 1
    jmp     hypercall_tail

# One jump of 8 bytes for each number below 64.
.macro SERVE handler, count=1
    .rept   \count
    .balign 8
    jmp     \handler
    .endr
.endm
    .balign 8
hypercall_table:
    SERVE   pass_on, 3
    SERVE   stack_switch                            # 3
    SERVE   pass_on
    SERVE   fpu_taskswitch                          # 5
    SERVE   pass_on, 11
    SERVE   xen_version                             # 17
    SERVE   pass_on, 6
    SERVE   vcpu_op                                 # 24
    SERVE   set_segment_base                        # 25
    SERVE   pass_on, 6
    SERVE   event_channel_op                        # 32
    SERVE   pass_on, 31

# A process's system call becomes a frame on the kernel's stack and a call of the callback. A process
# that `iret` has entered has IF set and IOPL clear.
user_syscall:
    swapgs
    mov     byte ptr [rip + DATA + {MODE}], {KERNEL}
    mov     [rip + DATA + {STACK}], rsp
    mov     rsp, [rip + DATA + {KERNEL_SP}]
    push    {USER_SS}
    push    qword ptr [rip + DATA + {STACK}]
    push    r11
    push    {USER_CS}
    push    rcx
    push    r11
    push    rcx
    mov     r11, [rip + DATA + {INFO}]
    cmp     byte ptr [r11 + 1], 0
    jne     masked_syscall
    mov     cl, [rip + DATA + {SYSCALL_MASKS}]
    mov     [r11 + 1], cl
syscall_tail:                                       # needs nothing but the frame
    IF_DELIVERABLE syscall_event, r11
    mov     rcx, [rsp]
    mov     r11, [rsp + 8]
    jmp     qword ptr [rip + DATA + {SYSCALL}]
syscall_tail_end:

masked_syscall:
    mov     cl, [r11 + 1]
    mov     [rsp + 28], cl                          # above cs
    and     dword ptr [rsp + 32], ~0x200
    mov     cl, [rip + DATA + {SYSCALL_MASKS}]
    or      [r11 + 1], cl
    jmp     syscall_tail
syscall_again:
    mov     r11, [rip + DATA + {INFO}]
    jmp     syscall_tail
syscall_event:
    mov     rcx, [rip + DATA + {SYSCALL}]
    mov     [rip + DATA + {TARGET}], rcx
    jmp     trap_event
no_callback_to_root:                                # where there is no callback, this is it
    vmcall
