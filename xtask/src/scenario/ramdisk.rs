//! Ramdisks: a file beside the description, or a pattern that the guest can compute as well.
//!
//! Word `k` of the pattern (64 bits, little-endian) is `k * 0x9e3779b97f4a7c15`, wrapping; the last
//! word is cut where the size is no multiple of eight.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::size::Size;

/// The description of the ramdisk that holds the paired kernel's programs.
pub(crate) const PROGRAMS: &str = "programs";

/// The odd number that spreads the words of the pattern: 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The most that a pattern may fill.
const LIMIT: Size = Size::from_mib(1024);

/// The bytes that `description` means, for a scenario in `directory`.
///
/// # Errors
/// The file cannot be read, or the pattern has no size or too large a one.
pub(crate) fn bytes(description: &str, directory: &Path) -> Result<Vec<u8>> {
    if let Some(size) = description.strip_prefix("pattern:") {
        return pattern(size.parse()?);
    }
    let path = directory.join(description);
    fs::read(&path).with_context(|| format!("cannot read the ramdisk {}", path.display()))
}

/// The pattern of this size.
///
/// # Errors
/// It is too large.
pub(super) fn pattern(size: Size) -> Result<Vec<u8>> {
    if size > LIMIT {
        bail!("a pattern of {size} is too large");
    }
    let length = usize::try_from(size.bytes()).context("the ramdisk is too large")?;
    let words =
        (0..size.bytes().div_ceil(8)).flat_map(|index| index.wrapping_mul(STEP).to_le_bytes());
    Ok(words.take(length).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_is_what_its_documentation_says() {
        let bytes = bytes("pattern:20", Path::new("/")).unwrap();
        assert_eq!(bytes.len(), 20);
        assert_eq!(bytes[..8], [0; 8]);
        assert_eq!(bytes[8..16], 0x9e37_79b9_7f4a_7c15_u64.to_le_bytes());
        assert_eq!(bytes[16..], 0x3c6e_f372_fe94_f82a_u64.to_le_bytes()[..4]);
    }

    #[test]
    fn a_file_is_read_from_beside_the_description() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("disk"), "content").unwrap();
        assert_eq!(bytes("disk", directory.path()).unwrap(), b"content");
        let error = bytes("missing", directory.path()).unwrap_err().to_string();
        assert!(error.contains("missing"), "{error}");
    }

    #[test]
    fn a_pattern_needs_a_sensible_size() {
        for text in ["pattern:", "pattern:x", "pattern:2G"] {
            assert!(bytes(text, Path::new("/")).is_err(), "{text}");
        }
    }
}
