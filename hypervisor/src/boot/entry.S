# From the loader's 32-bit protected mode (paging off) to 64-bit Rust.
#
# On entry   EBX = physical address of the loader's information
#            EAX = multiboot2 magic (multiboot_entry) or undefined (pvh_entry)
# Leaves     4 GiB mapped at 0 and at the direct map, 1 GiB of it at BASE; calls boot_start(EDI, ESI).
    .set    BASE, 0xffffffff80000000
    .set    PVH_MAGIC, 0x336ec578

    .section .boot.header, "a"
    .balign 8
header: .long   0xe85250d6, 0, header_end - header      # multiboot2, i386 mode
    .long   -(0xe85250d6 + (header_end - header))
    .balign 8
    .short  1, 0                                    # wanted: module, memory map
    .long   16, 3, 6
    .balign 8
    .short  3, 0                                    # entry point, physical
    .long   12, multiboot_entry - BASE
    .balign 8
    .short  6, 0                                    # modules on page boundaries
    .long   8
    .balign 8
    .short  0, 0
    .long   8
header_end:

    .section .note.xenolith, "a"
    .balign 4
    .long   4, 8, 18                                # PHYS32_ENTRY
    .asciz  "Xen"
    .quad   pvh_entry - BASE

    .section .boot.text, "ax"
    .code32
    .globl  multiboot_entry
multiboot_entry:
    mov     %eax, %edi
    jmp     1f
pvh_entry:
    mov     $PVH_MAGIC, %edi
1:  cli
    cld
    mov     %ebx, %esi
    mov     $boot_tables - BASE, %ebx               # PML4, low PDPT, high PDPT, 4 page directories
    lea     0x1003(%ebx), %eax
    mov     %eax, (%ebx)                            # slot 0: identity
    mov     %eax, 256*8(%ebx)                       # slot 256: direct map
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
    mov     $0x20, %eax                             # CR4.PAE
    mov     %eax, %cr4
    mov     $0xc0000080, %ecx                       # EFER: LME, NXE
    mov     $0x900, %eax
    xor     %edx, %edx
    wrmsr
    mov     $0x80010033, %eax                       # CR0: PG WP NE ET MP PE
    mov     %eax, %cr0
    lgdt    boot_gdt_pointer - BASE
    ljmp    $8, $boot_long - BASE
    .code64
boot_long:
    xor     %eax, %eax
    mov     %eax, %ss
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %fs
    mov     %eax, %gs
    lea     boot_stack_top(%rip), %rax              # still at the physical alias
    mov     $BASE, %rcx
    lea     (%rax,%rcx), %rsp
    xor     %ebp, %ebp
    mov     $boot_start, %rax
    call    *%rax
    ud2
    .balign 8
boot_gdt: .quad 0, 0x00209a0000000000
boot_gdt_pointer: .short 15
    .long   boot_gdt - BASE

    .section .bss.boot, "aw", @nobits
    .balign 4096
boot_tables: .skip 7*4096
    .globl  boot_stack, boot_stack_top
boot_stack: .skip 131072                            # no guard page: see check_stack()
boot_stack_top:
