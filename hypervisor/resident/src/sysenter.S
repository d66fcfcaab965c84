# SYSENTER: a system call of a process, in 32-bit code as a rule. The CPU has loaded the kernel's CS and
# SS and the fault stack, and cleared IF; where the process was it does not tell, nor does the frame.
# Root leads it here while the guest has a callback; without one it is #GP in the process.
    .set    NO_ORIGIN_CS, 3                         # null, of ring 3

sysenter_entry:
    pushfq
    pop     qword ptr [rip + DATA + {FLAGS}]
    cmp     byte ptr [rip + DATA + {MODE}], {KERNEL}
    je      1f                                      # a kernel may execute it too
    swapgs
    mov     byte ptr [rip + DATA + {MODE}], {KERNEL}
1:  mov     rsp, [rip + DATA + {KERNEL_SP}]
    push    {USER_SS}
    push    0
    push    qword ptr [rip + DATA + {FLAGS}]
    push    NO_ORIGIN_CS
    push    0
    push    r11
    push    rcx
    push    0x202                                   # the handler inherits none of its flags
    popfq
    mov     rcx, [rip + DATA + {SYSENTER}]
    mov     [rip + DATA + {TARGET}], rcx
    mov     r11d, [rip + DATA + {SYSENTER_MASKS}]
    jmp     plain_show_mask
