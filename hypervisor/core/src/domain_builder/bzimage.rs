//! The header of a Linux `bzImage`, and where in it the compressed kernel is.
//!
//! Every number of the file is a claim. Unpacking is not done here (decision 24); the parser stands
//! with the others that read kernels, is tested like them, and who unpacks asks it.
//! Source: `Documentation/arch/x86/boot.rst` of Linux, "The Linux/x86 Boot Protocol".

use core::fmt;

/// Number of 512-byte sectors of the real-mode code, behind the first one.
const SETUP_SECTORS: usize = 0x1f1;
/// `0xaa55`.
const BOOT_FLAG: usize = 0x1fe;
/// `HdrS`.
const MAGIC: usize = 0x202;
/// Version of the boot protocol.
const VERSION: usize = 0x206;
/// Where the payload begins, from the end of the real-mode code.
const PAYLOAD_OFFSET: usize = 0x248;
/// Bytes of the payload.
const PAYLOAD_BYTES: usize = 0x24c;
/// The first version that tells of a payload: 2.08.
const FIRST_VERSION: u16 = 0x208;
/// Bytes of a sector.
const SECTOR_BYTES: usize = 512;
/// Bytes behind the compressed data that say how many there are unpacked.
const TRAILER_BYTES: usize = 4;

/// How a payload is compressed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Compression {
    /// Not at all: it is an ELF file.
    None,
    /// gzip.
    Gzip,
    /// bzip2.
    Bzip2,
    /// LZMA, without a container.
    Lzma,
    /// xz.
    Xz,
    /// LZO.
    Lzo,
    /// LZ4 in its legacy frame.
    Lz4,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// The first bytes of each.
    const MAGICS: [(&'static [u8], Self); 8] = [
        (b"\x7fELF", Self::None),
        (b"\x1f\x8b", Self::Gzip),
        (b"BZh", Self::Bzip2),
        (b"\x5d\x00\x00", Self::Lzma),
        (b"\xfd7zXZ\x00", Self::Xz),
        (b"\x89LZO", Self::Lzo),
        (b"\x02\x21\x4c\x18", Self::Lz4),
        (b"\x28\xb5\x2f\xfd", Self::Zstd),
    ];

    fn of(payload: &[u8]) -> Option<Self> {
        Self::MAGICS.iter().find(|(magic, _)| payload.starts_with(magic)).map(|&(_, it)| it)
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "no compression",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Lzma => "lzma",
            Self::Xz => "xz",
            Self::Lzo => "lzo",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        })
    }
}

/// The kernel in a bzImage.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Payload<'a> {
    /// How it is compressed.
    pub compression: Compression,
    /// The compressed bytes. gzip's include the trailer that is its own as well.
    pub bytes: &'a [u8],
    /// Bytes of what comes out, as the file claims.
    pub unpacked_bytes: u32,
}

/// Why a bzImage gives no kernel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BzImageError {
    /// Its boot protocol is too old to tell where the kernel is.
    TooOld {
        /// Its version, major and minor in a byte each.
        version: u16,
    },
    /// The kernel is said to lie where the file has nothing.
    Truncated,
    /// The kernel begins like nothing that is known.
    UnknownCompression,
}

impl fmt::Display for BzImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooOld { version } => {
                write!(f, "its boot protocol {}.{:02} is too old", version >> 8, version & 0xff)?;
                f.write_str(", 2.08 tells where the kernel is")
            }
            Self::Truncated => f.write_str("the file is truncated: its kernel lies beyond the end"),
            Self::UnknownCompression => f.write_str("its kernel is compressed in an unknown way"),
        }
    }
}

impl core::error::Error for BzImageError {}

/// Returns whether `file` begins like a bzImage.
pub fn is_bzimage(file: &[u8]) -> bool {
    word(file, BOOT_FLAG) == Some([0x55, 0xaa]) && word(file, MAGIC) == Some(*b"HdrS")
}

/// Finds the kernel in a bzImage.
///
/// # Errors
/// What is wrong with the file.
pub fn payload(file: &[u8]) -> Result<Payload<'_>, BzImageError> {
    let version = u16::from_le_bytes(word(file, VERSION).ok_or(BzImageError::Truncated)?);
    if version < FIRST_VERSION {
        return Err(BzImageError::TooOld { version });
    }
    let payload = located(file).ok_or(BzImageError::Truncated)?;
    let compression = Compression::of(payload).ok_or(BzImageError::UnknownCompression)?;
    let (bytes, trailer) =
        payload.split_last_chunk::<TRAILER_BYTES>().ok_or(BzImageError::Truncated)?;
    let whole = matches!(compression, Compression::Gzip | Compression::None);
    Ok(Payload {
        compression,
        bytes: if whole { payload } else { bytes },
        unpacked_bytes: match compression {
            Compression::None => u32::try_from(payload.len()).unwrap_or(u32::MAX),
            _ => u32::from_le_bytes(*trailer),
        },
    })
}

/// The payload, where the header says that it is.
fn located(file: &[u8]) -> Option<&[u8]> {
    let [sectors] = word(file, SETUP_SECTORS)?;
    // Zero stands for four, in the first kernels as today.
    let sectors = if sectors == 0 { 4 } else { usize::from(sectors) };
    let offset = usize::try_from(u32::from_le_bytes(word(file, PAYLOAD_OFFSET)?)).ok()?;
    let bytes = usize::try_from(u32::from_le_bytes(word(file, PAYLOAD_BYTES)?)).ok()?;
    let start = ((sectors + 1) * SECTOR_BYTES).checked_add(offset)?;
    file.get(start..start.checked_add(bytes)?)
}

/// `N` bytes at `at`.
fn word<const N: usize>(file: &[u8], at: usize) -> Option<[u8; N]> {
    file.get(at..)?.first_chunk().copied()
}

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
#[cfg(test)]
mod tests;
