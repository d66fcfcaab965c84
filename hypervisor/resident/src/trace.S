# Where entries lead while a domain is traced: root writes down what it sees, and goes on behind the
# VMCALL; after traced_event at the callback.
.macro TRACED name, entry
traced_\name:
    vmcall
    jmp     \entry
.endm
    TRACED  syscall, syscall_entry
    TRACED  nmi_syscall, nmi_syscall_entry
    TRACED  sysenter, sysenter_entry
traced_event:
    vmcall

# 8 bytes for each vector.
    .balign 8
traced_vectors:
    .set    VECTOR, 0
    .rept   256
    .balign 8
    vmcall
    jmp     vector_entries + VECTOR * 16
    .set    VECTOR, VECTOR + 1
    .endr
