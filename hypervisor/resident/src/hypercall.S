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
    mov     [rip + DATA + {NUMBER}], rax
    lea     rcx, [rip + hypercall_table]
    movsxd  rax, dword ptr [rcx + rax*4]
    add     rax, rcx
    jmp     rax

pass_on:                                            # registers back as they were
    mov     rax, [rip + DATA + {NUMBER}]
    mov     rcx, [rip + DATA + {RIP}]
hypercall_to_root:
    vmcall
hypercall_tail:                                     # needs nothing but what entry saved, and rax
    IF_DELIVERABLE hypercall_event, rcx, ecx
    mov     rcx, [rip + DATA + {RIP}]
    lea     rsp, [rip + DATA + {FLAGS}]
    popfq
hypercall_flags:                                    # they may have AC, which no handler may inherit
    mov     rsp, [rip + DATA + {STACK}]
    jmp     rcx
hypercall_tail_end:

hypercall_event:                                    # the upcall frame says: behind the hypercall
    mov     rcx, [rip + DATA + {STACK}]
    mov     rsp, rcx
    and     rsp, -16
    push    {KERNEL_SS}
    push    rcx
    mov     rcx, r11
    and     ecx, ~0x3000
    or      ecx, 0x200
    push    rcx
    push    {KERNEL_CS}
    push    qword ptr [rip + DATA + {RIP}]
    push    r11
    push    qword ptr [rip + DATA + {RIP}]
    jmp     enter_event

xen_version:
    test    edi, edi
    jnz     pass_on
    mov     eax, (4 << 16) + 17
    jmp     hypercall_tail

stack_switch:
    mov     [rip + DATA + {KERNEL_SP}], rsi
    xor     eax, eax
    jmp     hypercall_tail

fpu_taskswitch:                                     # CR0.TS belongs to the guest
    test    edi, edi
    jz      1f
    mov     rax, cr0
    or      eax, 8
    mov     cr0, rax
    xor     eax, eax
    jmp     hypercall_tail
1:  clts
    xor     eax, eax
    jmp     hypercall_tail

set_segment_base:                                   # FS, GS of the process, GS of the kernel
    cmp     edi, 2
    ja      user_gs
    mov     rax, rsi                                # canonical: bits 63:47 are equal
    sar     rax, 47
    inc     rax
    cmp     rax, 1
    ja      1f
    mov     [rip + DATA + {SCRATCH}], rdx
    lea     rcx, [rip + segment_bases]
    mov     ecx, [rcx + rdi*4]
    mov     eax, esi
    mov     rdx, rsi
    shr     rdx, 32
    wrmsr
    mov     rdx, [rip + DATA + {SCRATCH}]
    xor     eax, eax
    jmp     hypercall_tail
1:  mov     rax, -22
    jmp     hypercall_tail
segment_bases:
    .long   0xc0000100, 0xc0000102, 0xc0000101

user_gs:                                            # the selector in GS, with the process's base
    mov     rax, -22
    cmp     edi, 3
    jne     hypercall_tail
    movzx   eax, si
    cmp     eax, 3
    jbe     1f
    or      eax, 3
1:  swapgs
user_gs_load:
    mov     gs, eax
    swapgs
    xor     eax, eax
    jmp     hypercall_tail
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

    .balign 4
hypercall_table:                                    # one entry for each number below 64
    .rept   3
    .long   pass_on - hypercall_table
    .endr
    .long   stack_switch - hypercall_table          # 3
    .long   pass_on - hypercall_table
    .long   fpu_taskswitch - hypercall_table        # 5
    .rept   11
    .long   pass_on - hypercall_table
    .endr
    .long   xen_version - hypercall_table           # 17
    .rept   7
    .long   pass_on - hypercall_table
    .endr
    .long   set_segment_base - hypercall_table      # 25
    .rept   6
    .long   pass_on - hypercall_table
    .endr
    .long   event_channel_op - hypercall_table      # 32
    .rept   31
    .long   pass_on - hypercall_table
    .endr

# A process's system call becomes a frame on the kernel's stack and a call of the callback.
user_syscall:
    swapgs
    mov     byte ptr [rip + DATA + {MODE}], {KERNEL}
    mov     [rip + DATA + {STACK}], rsp
    mov     rsp, [rip + DATA + {KERNEL_SP}]
    and     rsp, -16
    push    {USER_SS}
    push    qword ptr [rip + DATA + {STACK}]
    push    r11
    push    {USER_CS}
    push    rcx
    push    r11
    push    rcx
    mov     r11, [rip + DATA + {INFO}]
    and     dword ptr [rsp + 32], ~0x3200
    mov     cl, [r11 + 1]
    mov     [rsp + 28], cl                          # the mask, above cs
    test    cl, cl
    jnz     1f
    or      dword ptr [rsp + 32], 0x200
1:  mov     rcx, [rip + DATA + {SYSCALL}]
    test    rcx, rcx
    jz      no_callback
    mov     [rip + DATA + {TARGET}], rcx
    mov     cl, [rip + DATA + {SYSCALL_MASKS}]
    or      [r11 + 1], cl
    jmp     trap_tail
no_callback:
    mov     rcx, [rsp]
    mov     r11, [rsp + 8]
no_callback_to_root:
    vmcall
