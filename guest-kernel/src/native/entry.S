# From the loader's 32-bit protected mode (paging off) to long mode at the kernel's link address.
#
# On entry   EBX = physical address of the loader's information
#            EAX = multiboot2 magic (multiboot_start) or undefined (pvh_start)
# Leaves     4 GiB mapped at 0, 1 GiB of it at VIRT_BASE; goes on in long_mode(EDI, ESI)
    .set    VIRT_BASE, 0xffffffff80000000

    .section .multiboot, "a"
    .balign 8
header: .long   0xe85250d6, 0, header_end - header      # multiboot2, i386 mode
    .long   -(0xe85250d6 + (header_end - header))
    .balign 8
    .short  1, 0                                    # wanted: module, memory map
    .long   16, 3, 6
    .balign 8
    .short  3, 0                                    # entry point, physical
    .long   12, multiboot_start - VIRT_BASE
    .balign 8
    .short  6, 0                                    # modules on page boundaries
    .long   8
    .balign 8
    .short  0, 0
    .long   8
header_end:

    .section .text.native, "ax"
    .code32
multiboot_start:
    mov     %eax, %edi
    jmp     1f
    .globl  xenolith_guest_pvh_start                # link.ld has its physical address
xenolith_guest_pvh_start:
    mov     ${pvh_magic}, %edi
1:  cli
    cld
    mov     %ebx, %esi
    mov     ${tables} - VIRT_BASE, %ebx             # PML4, low PDPT, high PDPT, 4 page directories
    lea     0x1003(%ebx), %eax
    mov     %eax, (%ebx)                            # slot 0: identity
    add     $0x1000, %eax
    mov     %eax, 511*8(%ebx)                       # slot 511: image
    add     $0x1000, %eax
    mov     %eax, 0x2000+510*8(%ebx)
    xor     %ecx, %ecx
2:  mov     %eax, 0x1000(%ebx,%ecx,8)               # four directories
    add     $0x1000, %eax
    inc     %ecx
    cmp     $4, %ecx
    jne     2b
    mov     $0x83, %eax                             # 2048 large pages: 4 GiB
    xor     %ecx, %ecx
3:  mov     %eax, 0x3000(%ebx,%ecx,8)
    add     $0x200000, %eax
    inc     %ecx
    cmp     $2048, %ecx
    jne     3b
    mov     %ebx, %cr3
    mov     $0x620, %eax                            # CR4: PAE, OSFXSR, OSXMMEXCPT
    mov     %eax, %cr4
    mov     $0xc0000080, %ecx                       # EFER: SCE, LME, NXE
    mov     $0x901, %eax
    xor     %edx, %edx
    wrmsr
    mov     $0x80050033, %eax                       # CR0: PG AM WP NE ET MP PE
    mov     %eax, %cr0
    lgdt    gdt_pointer - VIRT_BASE
    ljmp    $8, $low - VIRT_BASE
    .code64
low:    movabs  ${long_mode}, %rax
    jmp     *%rax
    .balign 8
gdt: .quad  0, 0x00209b0000000000                   # 64-bit code, accessed
gdt_pointer: .short 15
    .long   gdt - VIRT_BASE
