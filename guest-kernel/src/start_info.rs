//! What the domain builder tells a kernel at its start.

use core::{ops::Range, slice, str};

use x86_64::{PhysAddr, VirtAddr};
use xenolith_abi::start_info;

use crate::static_pages::PAGE_BYTES;

/// The start_info page (`xen/public/xen.h`, `struct start_info`).
#[derive(Debug)]
#[repr(transparent)]
pub struct StartInfo(start_info::StartInfo);

/// The boot module ("ramdisk") as the kernel gets it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Module {
    /// There is none.
    Absent,
    /// Mapped in the boot mapping.
    Mapped {
        /// Its first byte.
        start: VirtAddr,
        /// Its size.
        bytes: u64,
    },
    /// In memory that nothing maps yet (note MOD_START_PFN).
    Unmapped {
        /// Its first byte.
        start: PhysAddr,
        /// Its size.
        bytes: u64,
    },
}

impl StartInfo {
    /// Takes the address the kernel was entered with.
    ///
    /// # Safety
    ///
    /// `page` must point to a start_info page that stays mapped and unchanged.
    pub(crate) unsafe fn from_ptr(page: *const start_info::StartInfo) -> &'static Self {
        // SAFETY: promised by the caller; the wrapper has the same layout.
        unsafe { &*page.cast::<Self>() }
    }

    /// Returns the page as the ABI lays it out.
    pub fn raw(&self) -> &start_info::StartInfo {
        &self.0
    }

    /// Returns the address of the page itself.
    pub fn address(&self) -> VirtAddr {
        VirtAddr::from_ptr(self)
    }

    /// Returns the text in the magic field, such as `xen-3.0-x86_64`.
    pub fn magic(&self) -> &str {
        text(&self.0.magic)
    }

    /// Returns the number of pages of memory.
    pub fn pages(&self) -> u64 {
        self.0.nr_pages
    }

    /// Returns the command line, or as much of it as is UTF-8.
    pub fn command_line(&self) -> &str {
        text(&self.0.cmd_line)
    }

    /// Returns where the boot page tables are, the top-level one first.
    pub fn page_tables(&self) -> Range<VirtAddr> {
        let start = VirtAddr::new(self.0.pt_base);
        start..start + self.0.nr_pt_frames * PAGE_BYTES as u64
    }

    /// Returns the guest-physical address of the shared_info page.
    pub fn shared_info(&self) -> PhysAddr {
        PhysAddr::new(self.0.shared_info)
    }

    /// Returns the boot module.
    pub fn module(&self) -> Module {
        let bytes = self.0.mod_len;
        if self.0.mod_start == 0 {
            Module::Absent
        } else if self.0.flags & start_info::SIF_MOD_START_PFN != 0 {
            let start = PhysAddr::new(self.0.mod_start * PAGE_BYTES as u64);
            Module::Unmapped { start, bytes }
        } else {
            Module::Mapped { start: VirtAddr::new(self.0.mod_start), bytes }
        }
    }

    /// Returns the boot module's content where the boot mapping holds it.
    pub fn module_bytes(&self) -> Option<&[u8]> {
        let Module::Mapped { start, bytes } = self.module() else {
            return None;
        };
        let bytes = usize::try_from(bytes).ok()?;
        // SAFETY: the domain builder mapped the module and nothing else uses its memory.
        Some(unsafe { slice::from_raw_parts(start.as_ptr(), bytes) })
    }

    /// Returns the pseudo-physical to machine frame list: one entry per page of memory.
    pub fn p2m(&self) -> &[u64] {
        let pages = usize::try_from(self.0.nr_pages).unwrap_or(usize::MAX);
        // SAFETY: the domain builder mapped a list of this length and nothing else uses its memory.
        unsafe { slice::from_raw_parts(VirtAddr::new(self.0.mfn_list).as_ptr(), pages) }
    }
}

/// Returns the text before the first NUL, up to the first byte that is not UTF-8.
fn text(bytes: &[u8]) -> &str {
    let bytes = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::FromZeros;

    /// A page with a list of `p2m` and a module, both in memory that stays.
    fn page(p2m: &'static [u64], module: &'static [u8]) -> &'static StartInfo {
        let mut page = start_info::StartInfo::new_zeroed();
        page.magic[..start_info::MAGIC.len()].copy_from_slice(start_info::MAGIC);
        page.cmd_line[..5].copy_from_slice(b"a=b\xff.");
        (page.nr_pages, page.mfn_list) = (p2m.len() as u64, VirtAddr::from_ptr(p2m).as_u64());
        (page.mod_start, page.mod_len) = (VirtAddr::from_ptr(module).as_u64(), module.len() as u64);
        // SAFETY: the page is leaked, and lists and modules are there for good.
        unsafe { StartInfo::from_ptr(Box::leak(Box::new(page))) }
    }

    #[test]
    fn what_the_page_points_to_is_read() {
        let start = page(&[7, 8, 9], b"module");
        assert_eq!(start.p2m(), [7, 8, 9]);
        assert_eq!(start.module_bytes(), Some(&b"module"[..]));
        assert_eq!(start.magic().as_bytes(), start_info::MAGIC.trim_ascii_end());
        assert_eq!(start.command_line(), "a=b", "up to what is no text");
    }

    #[test]
    fn a_module_is_absent_mapped_or_unmapped() {
        let mut raw = *page(&[], b"x").raw();
        raw.flags = start_info::SIF_MOD_START_PFN;
        raw.mod_start = 5;
        let start = PhysAddr::new(0x5000);
        assert_eq!(StartInfo(raw).module(), Module::Unmapped { start, bytes: 1 });
        assert_eq!(StartInfo(raw).module_bytes(), None);
        raw.mod_start = 0;
        assert_eq!(StartInfo(raw).module(), Module::Absent);
    }
}
