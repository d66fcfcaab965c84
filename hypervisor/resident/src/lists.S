# mmu_update and mmuext_op: lists of requests about page tables, as far as they concern the caller's
# own tables and memory. At the first request that is not for here root goes on with the list.
#
# The list's place and length, rdi and esi, move on with the work; they are not put back. rdx is where
# the number of requests done is wanted, or 0. A length with bit 31 set continues a list that was cut:
# what was done before is then in the guest's own count.
    .set    PREEMPTED, 31

.macro BEGIN_LIST name
    IF_IN_HOLE rdi, other_call
    cmp     r10d, {SELF}
    jne     other_call
    test    esi, esi
    jle     \name\()_continued
    lea     rsp, [rip + DATA + {FAULT_STACK}]
    test    rdx, rdx
    jnz     \name\()_counted
2:
    .subsection 1
\name\()_continued:
    test    esi, 0x7fffffff
    jz      other_call
    lea     rsp, [rip + DATA + {FAULT_STACK}]
    test    rdx, rdx
    jz      3f
\name\()_counted:
    call    begin_count
3:  btr     esi, PREEMPTED
    jmp     2b
    .subsection 0
.endm

# On to the next request, unless this was the last or an event is deliverable.
.macro NEXT_REQUEST name, bytes
    add     rdi, \bytes
    dec     esi
    jz      list_done
    mov     rcx, [rip + DATA + {INFO}]
    cmp     byte ptr [rcx], 0
    je      \name\()_next
    cmp     byte ptr [rcx + 1], 0
    jne     \name\()_next
    jmp     \name\()_cut
.endm

mmu_update:
    BEGIN_LIST mmu_update
mmu_update_next:
    mov     rcx, [rdi]
    mov     rax, [rdi + 8]
    test    cl, 7
    jnz     other_update
set_entry:
    DIRECT_MAP rcx, mmu_update_rest
    mov     [r11 + rcx], rax
mmu_update_done:
    NEXT_REQUEST mmu_update, 16
other_update:                                       # 3 asks for no translation, of which there is none
    mov     r11d, ecx
    and     r11d, 7
    and     rcx, -8
    cmp     r11d, {NO_TRANSLATE}
    je      set_entry
    cmp     r11d, {PRESERVE_AD}
    jne     mmu_update_rest
    DIRECT_MAP rcx, mmu_update_rest
    add     rcx, r11
    mov     [rip + DATA + {SCRATCH}], rax
1:  mov     rax, [rcx]
    mov     r11d, eax
    and     r11d, {ACCESSED_DIRTY}
    or      r11, [rip + DATA + {SCRATCH}]
    lock cmpxchg [rcx], r11
    je      mmu_update_done
    jmp     1b
mmu_update_end:

mmu_update_rest:
    mov     eax, {MMU_UPDATE}
    jmp     list_rest
mmu_update_cut:
    mov     eax, {MMU_UPDATE}
    jmp     list_cut

mmuext_op:
    BEGIN_LIST mmuext_op
mmuext_op_next:
    mov     rcx, [rdi + 16]                         # seldom needed, but it has to be there
    mov     eax, [rdi]
    mov     rcx, [rdi + 8]
    cmp     eax, {INVLPG_LOCAL}
    je      flush_page
    cmp     eax, {NEW_USER_BASEPTR}
    ja      mmuext_op_rest
    lea     r11, [rip + mmuext_table]
    lea     r11, [r11 + rax*8]
    jmp     r11
flush_page:
    invlpg  [rcx]
mmuext_op_done:
    NEXT_REQUEST mmuext_op, 24
flush_all:                                          # no page is global, since CR4.PGE is not the guest's
    mov     rcx, cr3
    mov     cr3, rcx
    jmp     mmuext_op_done
touch_frame:                                        # pinned or not: it has to be there
    DIRECT_MAP rcx, mmuext_op_rest, 12
    mov     rcx, [r11 + rcx]
    jmp     mmuext_op_done

# The frame in rcx becomes a top-level table: it gets the hypervisor's entries, and rcx its address.
# If the one for the code that runs here is right, so are the others, or the guest has changed its
# tables to its own harm.
    .set    HOLE_ENTRIES, 256 * 8
    .set    LAST_ENTRY, 8 * ({HOLE_SLOTS} - 1)
.macro TOP_LEVEL
    DIRECT_MAP rcx, mmuext_op_rest, 12
    mov     rax, [rip + DATA + {ENTRIES} + LAST_ENTRY]
    cmp     rax, [r11 + rcx + HOLE_ENTRIES + LAST_ENTRY]
    je      1f
    call    put_entries
1:
.endm
new_table:
    TOP_LEVEL
    mov     cr3, rcx
    NEXT_REQUEST mmuext_op, 24
user_table:                                         # processes run on the kernel's
    test    rcx, rcx
    jz      mmuext_op_done
pin_top_level:
    TOP_LEVEL
    NEXT_REQUEST mmuext_op, 24
put_entries:
    add     r11, rcx
    mov     rax, [rip + DATA + {ENTRIES}]
    mov     [r11 + HOLE_ENTRIES], rax
    mov     rax, [rip + DATA + {ENTRIES} + 8]
    mov     [r11 + HOLE_ENTRIES + 8], rax
    mov     rax, [rip + DATA + {ENTRIES} + 16]
    mov     [r11 + HOLE_ENTRIES + 16], rax
    xor     eax, eax
    .set    SLOT, {HOLE_SLOTS}
    .rept   16 - {HOLE_SLOTS}
    mov     [r11 + HOLE_ENTRIES + SLOT*8], rax
    .set    SLOT, SLOT + 1
    .endr
    ret
mmuext_op_end:

mmuext_op_rest:
    mov     eax, {MMUEXT_OP}
    jmp     list_rest
mmuext_op_cut:
    mov     eax, {MMUEXT_OP}
    jmp     list_cut

# One jump of 8 bytes for each operation.
.macro OPERATION handler, count=1
    .rept   \count
    .balign 8
    jmp     \handler
    .endr
.endm
    .balign 8
mmuext_table:
    OPERATION touch_frame, 3                          # levels 1 to 3
    OPERATION pin_top_level
    OPERATION touch_frame                             # unpin
    OPERATION new_table
    OPERATION flush_all
    OPERATION flush_page
    OPERATION mmuext_op_rest, 2                       # of a set of vCPUs
    OPERATION flush_all
    OPERATION flush_page
    OPERATION mmuext_op_rest, 3
    OPERATION user_table                              # 15

list_done:
    test    rdx, rdx
    jnz     counted_done
list_return:
    mov     r11, [rip + DATA + {FLAGS}]
    xor     eax, eax
    jmp     qword ptr [rip + DATA + {TAIL}]
counted_done:
    call    tell_count
    jmp     list_return

# Leaves the list, of call eax, as it is: for later, or for root.
list_cut:
    call    park_list
    IF_IN_MULTICALL multicall_list_cut
    mov     r11, [rip + DATA + {FLAGS}]
cut:                                                # back on the SYSCALL, with registers for the rest
    sub     qword ptr [rip + DATA + {RIP}], {SYSCALL_BYTES}
    jmp     hypercall_tail
list_rest:                                          # of a list within a list root does all again
    IF_IN_MULTICALL multicall_rest
    test    rdx, rdx
    jz      1f
    mov     ecx, [rip + DATA + {COUNT}]
    btr     ecx, PREEMPTED
    cmp     ecx, esi
    jne     1f
    mov     rsi, [rip + DATA + {COUNT}]             # nothing was done: the call as it was
    jmp     to_root
1:  call    park_list
to_root:
    mov     rsp, [rip + DATA + {STACK}]
    mov     r11, [rip + DATA + {FLAGS}]
    jmp     pass_on
park_list:
    test    rdx, rdx
    jz      1f
    call    tell_count
1:  bts     esi, PREEMPTED
    ret

# The guest's count at rdx. If the CPU does not write there, root goes on with the list: nobody can, and
# the count is not written, as on Xen; or SMAP is on and the page a process's, which root writes to.
begin_count:
    mov     [rip + DATA + {COUNT}], rsi
    IF_IN_HOLE rdx, count_refused
count_probe:
    or      dword ptr [rdx], 0
count_probed:
    xor     ecx, ecx
    test    esi, esi
    jns     1f
    mov     ecx, [rdx]
1:  mov     [rip + DATA + {BEFORE}], rcx
    ret
count_refused:
    mov     rsp, [rip + DATA + {STACK}]
    mov     r11, [rip + DATA + {FLAGS}]
    jmp     other_call
tell_count:
    mov     ecx, [rip + DATA + {COUNT}]
    btr     ecx, PREEMPTED
    sub     ecx, esi
    add     ecx, [rip + DATA + {BEFORE}]
count_write:
    mov     [rdx], ecx
count_written:
    ret
