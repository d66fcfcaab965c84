//! The items of the package that no Xen header defines, and so cannot be compared.
//!
//! Whatever is not listed must have a C name; whatever is listed must exist and must not have one.

/// An item, or with a trailing `::` a module, and why no header has it.
pub(super) struct WithoutHeader {
    /// The path in the package.
    pub(super) path: &'static str,
    /// Where the value comes from instead.
    pub(super) reason: &'static str,
}

/// Every item without a header.
pub(super) const LIST: &[WithoutHeader] = &[
    entry("xenolith::", "our own extensions"),
    entry("hypercall::PAGE_STUBS", "size of a page over size of a stub"),
    entry("hypercall::PAGE_STUB_BYTES", "in a comment of xen/arch-x86/xen-x86_64.h"),
    entry("guest_layout::HYPERVISOR_L4_FIRST", "bits 47:39 of HYPERVISOR_VIRT_START"),
    entry("guest_layout::HYPERVISOR_L4_END", "bits 47:39 of HYPERVISOR_VIRT_END"),
    entry("start_info::MAGIC", "in a comment of xen/xen.h"),
    entry(
        "xenstore::ERROR_NAME_",
        "the names that XSD_ERROR makes of errno.h's in xen/io/xs_wire.h",
    ),
    entry("memory::E820_", "the BIOS call INT 15h, E820h"),
    entry("memory::E820Entry", "the BIOS call INT 15h, E820h"),
];

/// Makes an entry of the list.
const fn entry(path: &'static str, reason: &'static str) -> WithoutHeader {
    WithoutHeader { path, reason }
}

impl WithoutHeader {
    /// Whether the entry is about the item at `path`: its own, or one below a listed prefix.
    pub(super) fn covers(&self, path: &str) -> bool {
        let prefix = self.path.ends_with([':', '_']);
        path == self.path || (prefix && path.starts_with(self.path))
    }
}
