# multicall: a list of calls, 64 bytes each: number, result, arguments. Those that are served here are
# made here; at the first other one root goes on with the list.
#
# r8 is the entry, r9d how many are left, r14 the table, r15 vcpu_info. While TAIL is multicall_next a
# call ends there.
    .set    RESULT, 8
    .set    ARGUMENTS, 16

multicall:
    IF_IN_HOLE rdi, pass_on
    test    esi, esi
    jz      pass_on
    lea     rsp, [rip + DATA + {FAULT_STACK}]
    mov     [rip + DATA + {SAVED}], rdx
    mov     [rip + DATA + {SAVED} + 8], r10
    mov     [rip + DATA + {SAVED} + 16], r8
    mov     [rip + DATA + {SAVED} + 24], r9
    mov     [rip + DATA + {SAVED} + 32], r14
    mov     [rip + DATA + {SAVED} + 40], r15
    lea     rcx, [rip + multicall_next]
    mov     [rip + DATA + {TAIL}], rcx
    lea     r14, [rip + multicall_table]
    mov     r15, [rip + DATA + {INFO}]
    mov     r8, rdi
    mov     r9d, esi
    mov     ecx, esi
    shl     rcx, 6
multicall_end:                                      # calls may need less of it, but it has to be there
    mov     rcx, [rdi + rcx - 8]
    jmp     multicall_entry

multicall_next:                                     # as hypercall_tail: rax the result, r11 the flags
    mov     [r8 + RESULT], rax
multicall_stored:
    add     r8, 64
    dec     r9d
    jz      multicall_done
    IF_DELIVERABLE multicall_cut, r15
multicall_entry:
    mov     rax, [r8]
    cmp     rax, 63
    ja      multicall_rest
    shl     eax, 5
    add     rax, r14
    jmp     rax
multicall_called:

multicall_done:
    xor     eax, eax
    jmp     multicall_leave
multicall_refused:
    mov     rax, -14
multicall_leave:
    call    end_multicall
    jmp     hypercall_tail
multicall_list_cut:                                 # a list within the list: its entry has the rest
    mov     [r8 + ARGUMENTS], rdi
    mov     [r8 + ARGUMENTS + 8], rsi
multicall_parked:
multicall_cut:
    mov     eax, {MULTICALL}
    call    end_multicall
    jmp     cut
multicall_rest:
    lea     rsp, [rip + DATA + {FAULT_STACK}]
    call    end_multicall
    mov     eax, {MULTICALL}
    jmp     to_root

end_multicall:
    lea     rcx, [rip + hypercall_tail]
    mov     [rip + DATA + {TAIL}], rcx
    mov     rdi, r8
    mov     esi, r9d
    mov     rdx, [rip + DATA + {SAVED}]
    mov     r10, [rip + DATA + {SAVED} + 8]
    mov     r8, [rip + DATA + {SAVED} + 16]
    mov     r9, [rip + DATA + {SAVED} + 24]
    mov     r14, [rip + DATA + {SAVED} + 32]
    mov     r15, [rip + DATA + {SAVED} + 40]
    mov     r11, [rip + DATA + {FLAGS}]
    ret

# 32 bytes for each number: its arguments, and the handler. A handler that wants more than these, for
# an operation that is root's, gives the call up.
.macro SERVE_ENTRY handler, arguments
    .balign 32
    .if \arguments >= 1
    mov     rdi, [r8 + ARGUMENTS]
    .endif
    .if \arguments >= 2
    mov     rsi, [r8 + ARGUMENTS + 8]
    .endif
    .if \arguments >= 3
    mov     rdx, [r8 + ARGUMENTS + 16]
    .endif
    .if \arguments >= 4
    mov     r10, [r8 + ARGUMENTS + 24]
    .endif
    jmp     \handler
.endm
.macro REST_ENTRY count
    .rept   \count
    .balign 32
    jmp     multicall_rest
    .endr
.endm
    .balign 32
multicall_table:
    REST_ENTRY 1
    SERVE_ENTRY mmu_update, 4                   # 1
    REST_ENTRY 1
    SERVE_ENTRY stack_switch, 2                 # 3
    REST_ENTRY 1
    SERVE_ENTRY fpu_taskswitch, 1               # 5
    REST_ENTRY 8
    SERVE_ENTRY update_va_mapping, 3            # 14
    REST_ENTRY 2
    .balign 32                                      # 17: xen_version
    cmp     dword ptr [r8 + ARGUMENTS], 0
    jne     multicall_rest
    mov     eax, {VERSION}
    jmp     multicall_next
    REST_ENTRY 6
    SERVE_ENTRY vcpu_op, 2                      # 24
    .balign 32                                      # 25: set_segment_base, but for what root refuses
    mov     rdi, [r8 + ARGUMENTS]
    mov     rsi, [r8 + ARGUMENTS + 8]
    cmp     edi, 3
    je      multicall_rest
    jmp     set_segment_base
    SERVE_ENTRY mmuext_op, 4                    # 26
    REST_ENTRY 5
    SERVE_ENTRY event_channel_op, 2             # 32
    REST_ENTRY 31
multicall_table_end:
