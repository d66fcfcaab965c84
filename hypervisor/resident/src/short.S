# Short calls about the caller's own state. Where they end is in TAIL: in hypercall_tail, or in a list
# of calls. What they leave to root they leave by other_call, with everything as the guest had it.

xen_version:
    test    edi, edi
    jnz     other_call
    mov     eax, {VERSION}
    jmp     qword ptr [rip + DATA + {TAIL}]

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

vcpu_op:                                            # is_up; there is no vCPU but the one that asks
    cmp     edi, {IS_UP}
    jne     other_call
    mov     rax, -2
    cmp     esi, [rip + DATA + {VCPU} + 2]
    jne     1f
    mov     eax, 1
1:  jmp     qword ptr [rip + DATA + {TAIL}]

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
    jmp     qword ptr [rip + DATA + {TAIL}]

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
no_such_base:
    mov     rax, -22
    jmp     qword ptr [rip + DATA + {TAIL}]
segment_bases:
    .long   0xc0000100, 0xc0000102, 0xc0000101

user_gs:                                            # the selector in GS, with the process's base
    cmp     edi, 3
    jne     no_such_base
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
