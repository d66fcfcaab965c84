//! The Xen features that a kernel says it supports or requires.

use xenolith_abi::features;

use super::excerpt::Excerpt;
use super::image_error::ImageError;

/// Names that may stand in a list. Xen's loader knows no others.
const NAMES: [(&[u8], u32); 7] = [
    (b"writable_page_tables", features::WRITABLE_PAGE_TABLES),
    (b"writable_descriptor_tables", features::WRITABLE_DESCRIPTOR_TABLES),
    (b"auto_translated_physmap", features::AUTO_TRANSLATED_PHYSMAP),
    (b"supervisor_mode_kernel", features::SUPERVISOR_MODE_KERNEL),
    (b"pae_pgdir_above_4gb", features::PAE_PGDIR_ABOVE_4GB),
    (b"hvm_callback_vector", features::HVM_CALLBACK_VECTOR),
    (b"dom0", features::DOM0),
];

/// Features by their bit in the first word of Xen's features ([`features`]).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct KernelFeatures {
    /// What the kernel can work with; what it requires is among it.
    pub supported: u32,
    /// What the kernel says it cannot work without. Xen's tools record it and start the kernel.
    pub required: u32,
}

impl KernelFeatures {
    /// Adds a list such as `!writable_page_tables|pae_pgdir_above_4gb`, where `!` means required.
    ///
    /// # Errors
    /// If a required feature is unknown.
    pub fn add_list(&mut self, list: &[u8]) -> Result<(), ImageError> {
        if list.is_empty() {
            return Ok(());
        }
        for item in list.split(|byte| *byte == b'|') {
            let (name, is_required) = match item.strip_prefix(b"!") {
                Some(name) => (name, true),
                None => (item, false),
            };
            match NAMES.iter().find(|(known, _)| *known == name) {
                Some((_, bit)) => {
                    self.supported |= 1 << bit;
                    self.required |= u32::from(is_required) << bit;
                }
                None if is_required => {
                    return Err(ImageError::UnknownFeature { name: Excerpt::of(name) });
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Returns whether the kernel can work with a feature, given by its bit.
    pub const fn knows(&self, feature: u32) -> bool {
        feature < u32::BITS && self.supported >> feature & 1 != 0
    }

    /// Returns whether the kernel only runs as the domain that controls the machine.
    pub fn require_dom0(&self) -> bool {
        self.required & (1 << features::DOM0) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(list: &str) -> Result<(u32, u32), ImageError> {
        let mut features = KernelFeatures::default();
        features.add_list(list.as_bytes())?;
        Ok((features.supported, features.required))
    }

    #[test]
    fn lists_of_real_kernels() {
        assert_eq!(parse("!writable_page_tables|pae_pgdir_above_4gb"), Ok((0b1_0001, 0b1)));
        let mini_os = "!writable_descriptor_tables|hvm_callback_vector|auto_translated_physmap|\
                       supervisor_mode_kernel";
        assert_eq!(parse(mini_os), Ok((0b1_0000_1110, 0b10)));
        assert_eq!(parse(""), Ok((0, 0)));
    }

    #[test]
    fn only_unknown_requirements_are_refused() {
        assert_eq!(parse("telepathy|dom0|"), Ok((1 << 11, 0)));
        let name = Excerpt::of(b"telepathy");
        assert_eq!(parse("dom0|!telepathy"), Err(ImageError::UnknownFeature { name }));
        assert_eq!(parse("!"), Err(ImageError::UnknownFeature { name: Excerpt::of(b"") }));
    }

    #[test]
    fn requiring_dom0_is_seen() {
        let mut features = KernelFeatures::default();
        features.add_list(b"dom0").expect("a known list");
        assert!(!features.require_dom0());
        features.add_list(b"!dom0").expect("a known list");
        assert!(features.require_dom0());
    }
}
