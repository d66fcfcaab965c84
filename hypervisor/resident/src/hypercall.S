# SYSCALL: from the kernel a hypercall, from a process a system call.
#
# rax number and result; rdi, rsi, rdx, r10, r8 arguments; rcx return address, r11 flags.
# All other registers are as the guest had them when it goes on; so are the arguments, but of calls
# that can be cut.
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
    lea     rcx, [rip + DATA + {CALLS}]
    jmp     qword ptr [rcx + rax*8]

other_call:                                         # not for here after all: rax is the number still
    IF_IN_MULTICALL multicall_rest
pass_on:
    mov     rcx, [rip + DATA + {RIP}]
hypercall_to_root:                                  # root goes on at hypercall_tail
    vmcall

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

# SYSCALL while an NMI is served: root waits for the iret, with which the next one may come.
nmi_syscall_entry:
    cmp     byte ptr [rip + DATA + {MODE}], {USER}
    je      user_syscall
    cmp     rax, 23
    jne     hypercall_entry
nmi_iret_to_root:
    vmcall
    jmp     iret_entry

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
