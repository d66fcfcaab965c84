# update_va_mapping: rdi the address whose last-level entry is set to rsi, rdx what to flush. Root has
# what is an error, and what names a set of vCPUs.
    .set    LAST_FLUSH, 7                           # kinds 0 to 3, of this vCPU or of all
    .set    LARGE, 0x80
    .set    VSYSCALL, -0xa00000                     # the page that processes call for the time

# From the table at rcx to the one that its entry for the address leads to. r10 collects what no entry
# may have.
.macro DESCEND shift
    mov     rax, rdi
    shr     rax, \shift
    and     eax, 511
    mov     rcx, [rcx + rax*8]
    xor     rcx, 1                                  # now it must not be set
    or      r10, rcx
    and     rcx, [rip + address_bits]
    add     rcx, r11
.endm

update_va_mapping:
    cmp     rdx, LAST_FLUSH
    ja      other_call
    lea     rsp, [rip + DATA + {FAULT_STACK}]
    mov     [rip + DATA + {SCRATCH}], r10
    movabs  r11, {DIRECT}
mapping_walk:
    mov     rcx, cr3
    xor     r10d, r10d
    and     rcx, -4096
    add     rcx, r11
    DESCEND 39
    DESCEND 30
    DESCEND 21
    and     r10, [rip + bad_bits]
    jnz     mapping_refused
    mov     r11, rdi
    shr     r11, 43
    cmp     r11d, HOLE
    mov     r11, rsi
    ja      kernel_mapping
    cmp     rdi, [rip + user_end]
    jae     mapping_refused
set_mapping:
    mov     eax, edi
    shr     eax, 12
    and     eax, 511
    mov     [rcx + rax*8], r11
mapping_walk_end:
    mov     r10, [rip + DATA + {SCRATCH}]
    mov     r11, [rip + DATA + {FLAGS}]
    test    dl, {INVLPG}
    jz      2f
    test    dl, {TLB_FLUSH}
    jnz     1f                                      # both mean nothing
    invlpg  [rdi]
1:  xor     eax, eax
    jmp     qword ptr [rip + DATA + {TAIL}]
2:  test    dl, {TLB_FLUSH}
    jz      1b
    mov     rcx, cr3
    mov     cr3, rcx
    jmp     1b

# What the kernel maps read-only by this call it goes on to store to: its page tables, for which Xen
# emulates the stores.
kernel_mapping:
    test    r11b, 1
    jz      set_mapping
    mov     rax, rdi
    and     rax, -4096
    cmp     rax, VSYSCALL
    je      set_mapping
    or      r11, 2
    jmp     set_mapping

mapping_refused:
    mov     r10, [rip + DATA + {SCRATCH}]
    mov     rsp, [rip + DATA + {STACK}]
    mov     r11, [rip + DATA + {FLAGS}]
    mov     eax, {UPDATE_VA_MAPPING}
    jmp     other_call

    .balign 8
address_bits:
    .quad   0xffffffffff000
bad_bits:                                           # not present, a large page, beyond all memory
    .quad   (0xffffffffff000 & ~((1 << {DIRECT_BITS}) - 1)) | LARGE | 1
user_end:
    .quad   0x800000000000
