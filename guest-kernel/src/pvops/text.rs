//! The kernel's own records, and writing to its own text.
//!
//! At boot text is writable and sites are written where they are. Later it is not, and one thing still
//! changes what alternatives hold: the record of the vCPU moves (`shared_info::relocate`). Sites are then
//! written through another mapping of their frames, which lasts as long as that takes: no mapping is ever
//! both writable and executable.

use core::{ptr, slice};

use spin::Once;
use x86_64::{PhysAddr, VirtAddr, structures::paging::PageTableFlags as Flags};

use super::{Alternative, Fixup, PatchError, Patcher, Site, Sources, Text, World};
use crate::{
    paging::AddressSpace,
    shared_info,
    static_pages::{PAGE_BYTES, StaticPages},
    vcpu,
};

unsafe extern "C" {
    // Addresses from link.ld; there is nothing behind the names but the address.
    static pvops_sites_start: Site;
    static pvops_sites_end: Site;
    static pvops_alternatives_start: Alternative;
    static pvops_alternatives_end: Alternative;
    static pvops_fixups_start: Fixup;
    static pvops_fixups_end: Fixup;
}

/// Returns the records between two addresses of link.ld.
macro_rules! records {
    ($start:ident, $end:ident) => {{
        let (start, end) = (&raw const $start, &raw const $end);
        let count = (end.addr() - start.addr()) / size_of_val_raw(start);
        // SAFETY: link.ld puts whole records there, aligned to eight bytes, and nothing writes them.
        unsafe { slice::from_raw_parts(start, count) }
    }};
}

/// Returns the size of what a pointer is to.
const fn size_of_val_raw<T>(_: *const T) -> usize {
    size_of::<T>()
}

/// Returns the kernel's sites.
pub fn sites() -> &'static [Site] {
    records!(pvops_sites_start, pvops_sites_end)
}

/// Returns what sites can become.
pub(crate) fn alternatives() -> &'static [Alternative] {
    records!(pvops_alternatives_start, pvops_alternatives_end)
}

/// Returns what the kernel's sites become in a world.
fn patcher(world: World) -> Result<Patcher, PatchError> {
    let sources = Sources {
        alternatives: alternatives(),
        fixups: records!(pvops_fixups_start, pvops_fixups_end),
    };
    let record = shared_info::of_vcpu(vcpu::current()).address();
    Patcher::new(world, sources, record.as_u64(), |address, bytes| {
        let from = VirtAddr::new(address).as_ptr::<u8>();
        // SAFETY: the kernel's own records say that there are so many bytes of instructions.
        unsafe { ptr::copy_nonoverlapping(from, bytes.as_mut_ptr(), bytes.len()) };
        true
    })
}

/// Patches all sites, while text is writable.
pub(super) fn patch_all(world: World) -> Result<(), PatchError> {
    patcher(world)?.patch(sites(), &mut Writable)
}

/// Text at boot.
struct Writable;

impl Writable {
    fn put<T>(address: u64, value: T) {
        let address = usize::try_from(address).expect("addresses have 64 bits");
        let at: *mut T = ptr::with_exposed_provenance_mut(address);
        // SAFETY: the bytes are a site's, text is writable, and nothing executes the site meanwhile:
        // `init` has made sure of that.
        unsafe { at.write_unaligned(value) };
    }
}

impl Text for Writable {
    #[inline(always)]
    fn put_word(&mut self, address: u64, word: u64) {
        Self::put(address, word);
    }

    #[inline(always)]
    fn put_distance(&mut self, address: u64, distance: u32) {
        Self::put(address, distance);
    }
}

/// The address space in which text can be mapped a second time.
static SPACE: Once<AddressSpace> = Once::new();

/// The page where it is.
static SECOND: StaticPages<1> = StaticPages::new();

/// Notes the address space for [`patch_again`].
pub(crate) fn set_space(space: AddressSpace) {
    SPACE.call_once(|| space);
}

/// Patches all sites through another mapping, with upcalls held off by the caller.
///
/// # Panics
///
/// If text is not mapped as at boot.
pub(super) fn patch_again(world: World) -> Result<(), PatchError> {
    patcher(world)?.patch(sites(), &mut SecondMapping::new())
}

/// A page of text that is mapped a second time, writable and not executable.
struct SecondMapping<'a> {
    space: &'a AddressSpace,
    /// The frame of the page that is used for it.
    own: PhysAddr,
    /// The page of text that is mapped there.
    mapped: Option<VirtAddr>,
}

impl SecondMapping<'_> {
    const FLAGS: Flags = Flags::PRESENT.union(Flags::WRITABLE).union(Flags::NO_EXECUTE);

    fn new() -> Self {
        let space = SPACE.get().expect("entry notes it");
        let own = space.translate(SECOND.page(0)).expect("the image is mapped");
        Self { space, own, mapped: None }
    }

    fn map(&self, frame: PhysAddr) {
        // SAFETY: nothing else uses the page.
        let result = unsafe { self.space.map(SECOND.page(0), frame, Self::FLAGS) };
        result.expect("the image is mapped by small pages");
    }

    /// Writes bytes of text.
    fn write_all(&mut self, address: u64, bytes: &[u8]) {
        for (byte, at) in bytes.iter().zip(address..) {
            self.write(VirtAddr::new(at), *byte);
        }
    }

    fn write(&mut self, at: VirtAddr, byte: u8) {
        let page = at.align_down(PAGE_BYTES as u64);
        if self.mapped != Some(page) {
            self.map(self.space.translate(page).expect("text is mapped"));
            self.mapped = Some(page);
        }
        let to = SECOND.page(0) + (at - page);
        // SAFETY: the page is mapped to the frame of this byte, which is a site's.
        unsafe { to.as_mut_ptr::<u8>().write_volatile(byte) };
    }
}

impl Text for SecondMapping<'_> {
    fn put_word(&mut self, address: u64, word: u64) {
        self.write_all(address, &word.to_le_bytes());
    }

    fn put_distance(&mut self, address: u64, distance: u32) {
        self.write_all(address, &distance.to_le_bytes());
    }
}

impl Drop for SecondMapping<'_> {
    fn drop(&mut self) {
        self.map(self.own);
    }
}
