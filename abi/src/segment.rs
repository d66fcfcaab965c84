//! Selectors of the reserved part of the descriptor table, and the segment bases that can be set.
//!
//! Source: `xen/arch-x86/xen.h`, `xen/arch-x86/xen-x86_64.h`. All `FLAT_*` selectors have privilege
//! level 3, as on Xen; the ring-0 selectors are in [`crate::xenolith`].

/// The first page of the descriptor table that belongs to the hypervisor.
pub const FIRST_RESERVED_GDT_PAGE: u32 = 14;

/// The offset of that page.
pub const FIRST_RESERVED_GDT_BYTE: u32 = 0xe000;

/// The index of that page's first descriptor.
pub const FIRST_RESERVED_GDT_ENTRY: u32 = 0x1c00;

/// `set_segment_base`: the base of fs.
pub const SEGBASE_FS: u32 = 0;

/// `set_segment_base`: the base of gs in user mode.
pub const SEGBASE_GS_USER: u32 = 1;

/// `set_segment_base`: the base of gs in kernel mode.
pub const SEGBASE_GS_KERNEL: u32 = 2;

/// `set_segment_base`: the selector in gs in user mode.
pub const SEGBASE_GS_USER_SEL: u32 = 3;

/// Ring 3, flat 32-bit code.
pub const FLAT_RING3_CS32: u16 = 0xe023;

/// Ring 3, flat 64-bit code.
pub const FLAT_RING3_CS64: u16 = 0xe033;

/// Ring 3, flat 32-bit data.
pub const FLAT_RING3_DS32: u16 = 0xe02b;

/// Ring 3, flat 64-bit data: the null selector.
pub const FLAT_RING3_DS64: u16 = 0x0000;

/// Ring 3, flat 32-bit stack.
pub const FLAT_RING3_SS32: u16 = 0xe02b;

/// Ring 3, flat 64-bit stack.
pub const FLAT_RING3_SS64: u16 = 0xe02b;

/// Guest kernel, flat 32-bit code.
pub const FLAT_KERNEL_CS32: u16 = 0xe023;

/// Guest kernel, flat 64-bit code.
pub const FLAT_KERNEL_CS64: u16 = 0xe033;

/// Guest kernel, flat 32-bit data.
pub const FLAT_KERNEL_DS32: u16 = 0xe02b;

/// Guest kernel, flat 64-bit data: the null selector.
pub const FLAT_KERNEL_DS64: u16 = 0x0000;

/// Guest kernel, flat 32-bit stack.
pub const FLAT_KERNEL_SS32: u16 = 0xe02b;

/// Guest kernel, flat 64-bit stack.
pub const FLAT_KERNEL_SS64: u16 = 0xe02b;

/// Guest kernel, code of a 64-bit guest.
pub const FLAT_KERNEL_CS: u16 = 0xe033;

/// Guest kernel, data: the null selector of a 64-bit guest.
pub const FLAT_KERNEL_DS: u16 = 0x0000;

/// Guest kernel, stack of a 64-bit guest.
pub const FLAT_KERNEL_SS: u16 = 0xe02b;

/// Guest user, flat 32-bit code.
pub const FLAT_USER_CS32: u16 = 0xe023;

/// Guest user, flat 64-bit code.
pub const FLAT_USER_CS64: u16 = 0xe033;

/// Guest user, flat 32-bit data.
pub const FLAT_USER_DS32: u16 = 0xe02b;

/// Guest user, flat 64-bit data: the null selector.
pub const FLAT_USER_DS64: u16 = 0x0000;

/// Guest user, flat 32-bit stack.
pub const FLAT_USER_SS32: u16 = 0xe02b;

/// Guest user, flat 64-bit stack.
pub const FLAT_USER_SS64: u16 = 0xe02b;

/// Guest user, code of a 64-bit guest.
pub const FLAT_USER_CS: u16 = 0xe033;

/// Guest user, data: the null selector of a 64-bit guest.
pub const FLAT_USER_DS: u16 = 0x0000;

/// Guest user, stack of a 64-bit guest.
pub const FLAT_USER_SS: u16 = 0xe02b;
