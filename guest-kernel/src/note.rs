//! ELF notes, by which a kernel tells the domain builder how it wants to be started.
//!
//! Every kernel chooses its own (see [`entry!`](crate::entry!)), so a note is a static that the
//! macro puts into section `.note.Xen` of the kernel's binary.

/// One note in the layout of the ELF specification, owner "Xen".
///
/// | bytes | content |
/// |---|---|
/// | 0..4 | size of the name with its NUL: 4 |
/// | 4..8 | size of the value |
/// | 8..12 | what the value is (`xen/public/elfnote.h`) |
/// | 12..16 | "Xen\0" |
/// | 16.. | the value, padded to 4 bytes |
#[derive(Debug)]
#[repr(C, packed(4))]
pub struct Note<T> {
    name_bytes: u32,
    value_bytes: u32,
    kind: u32,
    name: [u8; 4],
    value: T,
}

impl<T> Note<T> {
    /// Returns a note of the given kind.
    ///
    /// # Panics
    ///
    /// If the value's size is not a multiple of 4, or does not fit the header.
    #[expect(clippy::cast_possible_truncation, reason = "checked just above")]
    pub const fn new(kind: u32, value: T) -> Self {
        let bytes = size_of::<T>();
        assert!(bytes.is_multiple_of(4) && bytes <= 4096);
        Self { name_bytes: 4, value_bytes: bytes as u32, kind, name: *b"Xen\0", value }
    }
}

/// Returns how many bytes `text` takes as a note's value: with its NUL, rounded up to 4.
pub const fn text_bytes(text: &str) -> usize {
    (text.len() + 1).next_multiple_of(4)
}

/// Returns `text` as a note's value.
///
/// # Panics
///
/// If `N` leaves no room for the terminating NUL.
pub const fn text<const N: usize>(text: &str) -> [u8; N] {
    assert!(text.len() < N);
    let mut value = [0; N];
    let mut at = 0;
    while at < text.len() {
        value[at] = text.as_bytes()[at];
        at += 1;
    }
    value
}

/// Emits ELF notes: `notes!(standard, init_p2m = 0x80_0000_0000, mod_start_pfn)`.
///
/// Notes with values that no kernel should have exist for scenarios: `wild_entry`,
/// `wild_hypercall_page`, and `unknown`, of a type that means nothing.
///
/// `standard` stands for all that the paired kernel has, which is every note without a default
/// worth having and neither `init_p2m` nor `mod_start_pfn`.
#[macro_export]
macro_rules! notes {
    ($($kind:ident $(= $value:expr)?),* $(,)?) => {
        $($crate::notes!(@one $kind $(= $value)?);)*
    };
    (@one standard) => {
        $crate::notes!(
            entry, hypercall_page, virt_base, paddr_offset,
            xen_version = "xen-3.0", loader = "generic",
            guest_os = "Xenolith", guest_version = env!("CARGO_PKG_VERSION"),
            features = "!supervisor_mode_kernel|!writable_page_tables",
            phys32_entry,
        );
    };
    (@one entry) => {
        $crate::notes!(@emit ENTRY, unsafe extern "C" fn() -> !, $crate::entry::start);
    };
    (@one hypercall_page) => {
        $crate::notes!(@emit HYPERCALL_PAGE, unsafe extern "C" fn(), $crate::hypercall::page::stubs);
    };
    (@one wild_entry = $value:expr) => { $crate::notes!(@emit ENTRY, u64, $value); };
    (@one wild_hypercall_page = $value:expr) => {
        $crate::notes!(@emit HYPERCALL_PAGE, u64, $value);
    };
    (@one phys32_entry) => {
        $crate::notes!(
            @emit PHYS32_ENTRY,
            unsafe extern "C" fn() -> !,
            $crate::native::xenolith_guest_pvh_start_physical
        );
    };
    (@one virt_base) => { $crate::notes!(@one virt_base = 0xffff_ffff_8000_0000); };
    (@one paddr_offset) => { $crate::notes!(@one paddr_offset = 0); };
    (@one mod_start_pfn) => { $crate::notes!(@one mod_start_pfn = 1); };
    (@one virt_base = $value:expr) => { $crate::notes!(@emit VIRT_BASE, u64, $value); };
    (@one paddr_offset = $value:expr) => { $crate::notes!(@emit PADDR_OFFSET, u64, $value); };
    (@one init_p2m = $value:expr) => { $crate::notes!(@emit INIT_P2M, u64, $value); };
    (@one mod_start_pfn = $value:expr) => { $crate::notes!(@emit MOD_START_PFN, u64, $value); };
    (@one xen_version = $text:expr) => { $crate::notes!(@text XEN_VERSION, $text); };
    (@one guest_os = $text:expr) => { $crate::notes!(@text GUEST_OS, $text); };
    (@one guest_version = $text:expr) => { $crate::notes!(@text GUEST_VERSION, $text); };
    (@one loader = $text:expr) => { $crate::notes!(@text LOADER, $text); };
    (@one features = $text:expr) => { $crate::notes!(@text FEATURES, $text); };
    (@one unknown = $value:expr) => {
        $crate::notes!(@static 0x7fff_0000, u64, $value);
    };
    (@text $kind:ident, $text:expr) => {
        $crate::notes!(
            @emit $kind,
            [u8; $crate::note::text_bytes($text)],
            $crate::note::text($text)
        );
    };
    (@emit $kind:ident, $type:ty, $value:expr) => {
        $crate::notes!(@static $crate::abi::elfnote::$kind, $type, $value);
    };
    (@static $kind:expr, $type:ty, $value:expr) => {
        const _: () = {
            #[used]
            #[unsafe(link_section = ".note.Xen")]
            static NOTE: $crate::note::Note<$type> =
                $crate::note::Note::new($kind, $value);
        };
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_nul_and_its_padding() {
        assert_eq!(text_bytes("abc"), 4);
        assert_eq!(text_bytes("abcd"), 8);
        assert_eq!(text::<8>("abcd"), *b"abcd\0\0\0\0");
    }

    #[test]
    fn a_note_has_no_holes() {
        assert_eq!(size_of::<Note<u64>>(), 24);
        assert_eq!(align_of::<Note<u64>>(), 4);
        assert_eq!(size_of::<Note<[u8; 12]>>(), 28);
        let note = Note::new(5, text::<8>("xen-3.0"));
        assert_eq!({ note.value_bytes }, 8);
        assert_eq!({ note.kind }, 5);
    }
}
