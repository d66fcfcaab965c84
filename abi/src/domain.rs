//! Domain numbers with a special meaning, and domain identifiers.
//!
//! Source: `xen/xen.h`.

/// The first number that no ordinary domain has.
#[doc(alias = "DOMID_FIRST_RESERVED")]
pub const FIRST_RESERVED: u16 = 0x7ff0;

/// The calling domain.
#[doc(alias = "DOMID_SELF")]
pub const SELF: u16 = 0x7ff0;

/// The owner of device memory.
#[doc(alias = "DOMID_IO")]
pub const IO: u16 = 0x7ff1;

/// The owner of the hypervisor's own shared pages.
#[doc(alias = "DOMID_XEN")]
pub const XEN: u16 = 0x7ff2;

/// The owner of pages shared copy-on-write.
#[doc(alias = "DOMID_COW")]
pub const COW: u16 = 0x7ff3;

/// No domain.
#[doc(alias = "DOMID_INVALID")]
pub const INVALID: u16 = 0x7ff4;

/// The idle domain.
#[doc(alias = "DOMID_IDLE")]
pub const IDLE: u16 = 0x7fff;

/// The bits of a domain number.
#[doc(alias = "DOMID_MASK")]
pub const MASK: u16 = 0x7fff;

/// A domain number.
#[doc(alias = "domid_t")]
pub type Id = u16;

/// A domain's universally unique identifier.
#[doc(alias = "xen_domain_handle_t")]
pub type Handle = [u8; 16];
