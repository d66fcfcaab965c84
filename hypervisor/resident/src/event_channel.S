# event_channel_op: send and unmask that stay within the caller's own vCPU. Root has the rest, and
# what is an error; it finds everything as the guest had it.
#
# A record of a port (xenolith_core::event_channel::PortRecord) has the kind in byte 0, the vCPU in
# bits 31:16, the far end's domain and port in bytes 4 and 6. rdi, rsi and rdx stay untouched, since
# the argument may have to be read again.
    .set    SEND, 4
    .set    UNMASK, 9
    .set    PENDING, 2048                           # in shared_info, bits by port
    .set    MASK, 2560
    .set    SELECTOR, 8                             # in vcpu_info

# The argument's pointer may be anything: a fault at port_read leads to port_refused, and takes place
# on a stack of its own, since the guest's may be unusable.
event_channel_op:
    cmp     edi, SEND
    je      1f
    cmp     edi, UNMASK
    jne     other_call
1:  IF_IN_HOLE rsi, other_call
    lea     rsp, [rip + DATA + {FAULT_STACK}]
port_read:
    mov     eax, [rsi]
port_read_end:
    cmp     eax, {PORTS}
    jae     port_refused
    lea     r11, [rip + RECORDS]
    mov     ecx, [r11 + rax*8]
    sub     ecx, [rip + DATA + {VCPU}]              # now bits 31:16 are 0 for this vCPU
    cmp     edi, SEND
    jne     unmask
    cmp     ecx, {IPI}
    je      raise
    cmp     cl, {INTERDOMAIN}
    jne     port_refused
    movzx   ecx, word ptr [r11 + rax*8 + 4]
    cmp     ecx, [rip + DATA + {DOMAIN}]
    jne     port_refused
    movzx   eax, word ptr [r11 + rax*8 + 6]
    mov     ecx, [r11 + rax*8]
    sub     ecx, [rip + DATA + {VCPU}]
    cmp     ecx, {INTERDOMAIN}
    jne     port_refused

# The order of these steps is that of xenolith_core::event_channel::SharedWords. That other vCPUs
# may poll for the port is root's business as soon as there are others.
raise:
    mov     rcx, [rip + DATA + {SHARED}]
    lock bts [rcx + PENDING], rax
    jc      port_done
    bt      [rcx + MASK], rax
    jc      port_done
select:
    shr     eax, 6
    mov     rcx, [rip + DATA + {INFO}]
    lock bts [rcx + SELECTOR], rax
    jc      port_done
    or      byte ptr [rcx], 1
port_done:
    mov     r11, [rip + DATA + {FLAGS}]
    jmp     return_0

unmask:
    cmp     ecx, 0xffff
    ja      port_refused
    test    cl, 0x7f                                # 0 is a free port, 0x80 one not yet bound
    jz      port_refused
    mov     rcx, [rip + DATA + {SHARED}]
    lock btr [rcx + MASK], rax
    jnc     port_done
    bt      [rcx + PENDING], rax
    jc      select
    jmp     port_done

port_refused:
    mov     rsp, [rip + DATA + {STACK}]
    mov     r11, [rip + DATA + {FLAGS}]
    mov     eax, {EVENT_CHANNEL_OP}
    jmp     other_call
