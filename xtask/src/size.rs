//! Sizes as people write them: `64M`, `1G`, `4096K`, or bytes.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail};
use serde::Deserialize;

/// Bytes in a MiB.
const MIB: u64 = 1 << 20;

/// A number of bytes, written with an optional `K`, `M` or `G`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(try_from = "String")]
pub(crate) struct Size {
    bytes: u64,
}

impl Size {
    /// A size of so many bytes.
    pub(crate) const fn from_bytes(bytes: u64) -> Self {
        Self { bytes }
    }

    /// A size of so many MiB.
    pub(crate) const fn from_mib(mib: u64) -> Self {
        Self { bytes: mib.saturating_mul(MIB) }
    }

    /// The size in bytes.
    pub(crate) const fn bytes(self) -> u64 {
        self.bytes
    }

    /// The size in MiB, rounded up.
    pub(crate) const fn mib(self) -> u64 {
        self.bytes.div_ceil(MIB)
    }
}

impl FromStr for Size {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (digits, shift) = match text.chars().last() {
            Some('K' | 'k') => (&text[..text.len() - 1], 10),
            Some('M' | 'm') => (&text[..text.len() - 1], 20),
            Some('G' | 'g') => (&text[..text.len() - 1], 30),
            _ => (text, 0),
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            bail!("`{text}` is no size: write a number with K, M or G after it, such as 128M");
        }
        let number: u64 = digits.parse().with_context(|| format!("`{text}` is no size"))?;
        let bytes =
            number.checked_mul(1 << shift).with_context(|| format!("`{text}` is too large"))?;
        Ok(Self { bytes })
    }
}

impl TryFrom<String> for Size {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bytes {
            bytes if bytes != 0 && bytes.is_multiple_of(1 << 30) => {
                write!(formatter, "{}G", bytes >> 30)
            }
            bytes if bytes != 0 && bytes.is_multiple_of(1 << 20) => {
                write!(formatter, "{}M", bytes >> 20)
            }
            bytes if bytes != 0 && bytes.is_multiple_of(1 << 10) => {
                write!(formatter, "{}K", bytes >> 10)
            }
            bytes => write!(formatter, "{bytes}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_multiply() {
        for (text, bytes) in
            [("0", 0), ("512", 512), ("4k", 4096), ("64M", 64 << 20), ("2G", 2 << 30)]
        {
            assert_eq!(text.parse::<Size>().unwrap().bytes(), bytes, "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in
            ["", "M", "-1", "+1", "1.5G", "64MB", "0x10", "99999999999999999999", "17179869184G"]
        {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn it_prints_so_that_it_reads_back() {
        for text in ["0", "1000", "4K", "64M", "2G", "1025M"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn mib_rounds_up() {
        assert_eq!("1".parse::<Size>().unwrap().mib(), 1);
        assert_eq!("64M".parse::<Size>().unwrap().mib(), 64);
    }
}
