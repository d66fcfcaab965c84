//! `xen_version`: what the hypervisor is and offers.

use core::fmt;

use xenolith_abi::{hypercall, version};

use super::{Errno, address_of, call};

/// Version of the ABI: major and minor number of the Xen it belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Version {
    /// Major number.
    pub major: u64,
    /// Minor number.
    pub minor: u64,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Makes `xen_version` sub-call `command` with a value it reads, fills or both.
///
/// # Safety
///
/// `argument` must be of the type that `command` takes.
unsafe fn query<T>(command: u32, argument: &mut T) -> Result<u64, Errno> {
    let address = address_of(&raw mut *argument);
    // SAFETY: the call writes nothing but the argument, by the caller's promise of its type.
    unsafe { call::<{ hypercall::XEN_VERSION }>([command.into(), address, 0]) }
}

/// Returns the version (`XENVER_version`).
///
/// # Errors
///
/// None are documented.
pub fn version() -> Result<Version, Errno> {
    // SAFETY: this sub-call takes no argument and touches no memory.
    let packed = unsafe { call::<{ hypercall::XEN_VERSION }>([version::VERSION.into(), 0, 0]) }?;
    Ok(Version { major: packed >> 16, minor: packed & 0xffff })
}

/// A text of at most `N` bytes as the hypervisor answers it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Text<const N: usize>([u8; N]);

impl<const N: usize> Text<N> {
    /// Returns the bytes before the first NUL, without the blanks that some texts end in.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.split(|&byte| byte == 0).next().unwrap_or_default().trim_ascii_end()
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

/// Returns what follows the version number, such as `-xenolith` (`XENVER_extraversion`).
///
/// # Errors
///
/// None are documented for a valid argument.
pub fn extra_version() -> Result<Text<16>, Errno> {
    let mut text = Text([0; _]);
    // SAFETY: `xen_extraversion_t` is a char[16].
    unsafe { query(version::EXTRAVERSION, &mut text) }?;
    Ok(text)
}

/// Returns the kinds of guest that run here (`XENVER_capabilities`).
///
/// # Errors
///
/// None are documented for a valid argument.
pub fn capabilities() -> Result<Text<1024>, Errno> {
    let mut text = Text([0; _]);
    // SAFETY: `xen_capabilities_info_t` is a char[1024].
    unsafe { query(version::CAPABILITIES, &mut text) }?;
    Ok(text)
}

/// Returns which source the hypervisor was built from (`XENVER_changeset`).
///
/// # Errors
///
/// None are documented for a valid argument.
pub fn changeset() -> Result<Text<64>, Errno> {
    let mut text = Text([0; _]);
    // SAFETY: `xen_changeset_info_t` is a char[64].
    unsafe { query(version::CHANGESET, &mut text) }?;
    Ok(text)
}

/// Returns a word of the feature bits (`XENVER_get_features`).
///
/// # Errors
///
/// `EINVAL` if there is no such word.
pub fn features(word: u32) -> Result<u32, Errno> {
    let mut info = version::FeatureInfo { submap_idx: word, submap: 0 };
    // SAFETY: this sub-call takes a `xen_feature_info_t`.
    unsafe { query(version::GET_FEATURES, &mut info) }?;
    Ok(info.submap)
}
