# multicall: a list of calls, 64 bytes each: number, result, arguments. Those that are served here are
# made here; at the first other one root goes on with the list.
#
# Between two calls of a group of GROUP nobody asks for events: the list is worked on by groups. r8 is
# the group's end, r9 the entry's distance from it, negative; r14 is where the handlers' addresses are.
# While TAIL is multicall_next a call ends there.
    .set    RESULT, 8
    .set    ARGUMENTS, 16
    .set    ENTRY_SHIFT, 6
    .set    GROUP, 16

# Stores the result in rax, and goes on to the next entry's handler with its number in rax. A fault at
# the store, up to \stored, is not that of a call.
.macro NEXT_ENTRY stored
    mov     [r8 + r9 + RESULT], rax
\stored:
    add     r9, 1 << ENTRY_SHIFT
    jz      multicall_group_done
    CALL_ENTRY
.endm
.macro CALL_ENTRY
    mov     rax, [r8 + r9]
    cmp     rax, 63
    ja      multicall_rest
    jmp     qword ptr [r14 + rax*8]
.endm

# Gives the caller its registers back, but for the list's place and length; clobbers rcx.
.macro RESTORE_CALLER
    lea     rcx, [rip + hypercall_tail]
    mov     [rip + DATA + {TAIL}], rcx
    mov     rdx, [rip + DATA + {SAVED}]
    mov     r10, [rip + DATA + {SAVED} + 8]
    mov     r8, [rip + DATA + {SAVED} + 16]
    mov     r9, [rip + DATA + {SAVED} + 24]
    mov     r14, [rip + DATA + {SAVED} + 32]
    mov     r11, [rip + DATA + {FLAGS}]
.endm

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
    lea     rcx, [rip + multicall_next]
    mov     [rip + DATA + {TAIL}], rcx
    lea     r14, [rip + DATA + {LISTED_CALLS}]
multicall_group:                                    # of the list of esi entries at rdi
    mov     r9d, GROUP
    cmp     esi, r9d
    cmovb   r9d, esi
    sub     esi, r9d
    mov     [rip + DATA + {BEHIND}], esi
    shl     r9d, ENTRY_SHIFT
    lea     r8, [rdi + r9]
    neg     r9
multicall_end:                                      # calls may need less of it, but it has to be there
    mov     rcx, [r8 - 8]
    CALL_ENTRY

multicall_next:                                     # as hypercall_tail: rax the result, r11 the flags
    NEXT_ENTRY multicall_stored
multicall_called:

multicall_group_done:
    mov     esi, [rip + DATA + {BEHIND}]
    test    esi, esi
    jz      multicall_done
    mov     rcx, [rip + DATA + {INFO}]
    IF_DELIVERABLE multicall_cut, rcx
    mov     rdi, r8
    jmp     multicall_group

multicall_done:
    xor     eax, eax
multicall_leave:
    RESTORE_CALLER
    jmp     hypercall_tail
multicall_refused:
    call    rest_of_list
    mov     rax, -14
    jmp     multicall_leave
multicall_list_cut:                                 # a list within the list: its entry has the rest
    mov     [r8 + r9 + ARGUMENTS], rdi
    mov     [r8 + r9 + ARGUMENTS + 8], rsi
multicall_parked:
multicall_cut:
    call    rest_of_list
    mov     eax, {MULTICALL}
    RESTORE_CALLER
    jmp     cut
multicall_rest:
    lea     rsp, [rip + DATA + {FAULT_STACK}]
    call    rest_of_list
    mov     eax, {MULTICALL}
    RESTORE_CALLER
    jmp     to_root

rest_of_list:
    lea     rdi, [r8 + r9]
    mov     rsi, r9
    neg     rsi
    shr     rsi, ENTRY_SHIFT
    add     esi, [rip + DATA + {BEHIND}]
    ret

# A handler that wants more than these, for an operation that is root's, gives the call up.
.macro LISTED handler, arguments
listed_\handler:
    .if \arguments >= 1
    mov     rdi, [r8 + r9 + ARGUMENTS]
    .endif
    .if \arguments >= 2
    mov     rsi, [r8 + r9 + ARGUMENTS + 8]
    .endif
    .if \arguments >= 3
    mov     rdx, [r8 + r9 + ARGUMENTS + 16]
    .endif
    .if \arguments >= 4
    mov     r10, [r8 + r9 + ARGUMENTS + 24]
    .endif
    jmp     \handler
.endm
listed_version:
    cmp     dword ptr [r8 + r9 + ARGUMENTS], 0
    jne     multicall_rest
    mov     eax, {VERSION}
listed_version_done:
    NEXT_ENTRY listed_version_stored
    LISTED  mmu_update, 4
    LISTED  stack_switch, 2
    LISTED  fpu_taskswitch, 1
    LISTED  update_va_mapping, 3
    LISTED  vcpu_op, 2
listed_set_segment_base:                            # but for what root refuses
    mov     rdi, [r8 + r9 + ARGUMENTS]
    mov     rsi, [r8 + r9 + ARGUMENTS + 8]
    cmp     edi, 3
    je      multicall_rest
    jmp     set_segment_base
    LISTED  mmuext_op, 4
    LISTED  event_channel_op, 2
listed_calls_end:
