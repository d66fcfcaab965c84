//! A kernel's file as the user has it: an ELF file, or a Linux `bzImage` that holds one compressed.
//!
//! Unpacking is done here and not in the hypervisor (decision 24). The result is kept below the
//! target directory under a name made of the content, so that it is done once.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use xenolith_core::domain_builder::bzimage::{self, Compression, Payload};

use crate::progress;
use crate::size::Size;
use crate::workspace::Workspace;

/// The most that a kernel may take unpacked.
const LIMIT: Size = Size::from_mib(1024);

/// Bytes that come out of each but the last block of a legacy LZ4 frame.
const LZ4_BLOCK_BYTES: usize = 8 << 20;

/// The ELF file for the kernel in `path`: itself, or what it unpacks to.
///
/// # Errors
/// The file cannot be read, or is a bzImage that cannot be unpacked.
pub(crate) fn elf_of(workspace: &Workspace, path: &Path) -> Result<PathBuf> {
    let name = path.display();
    let bytes = fs::read(path).with_context(|| format!("cannot read the guest {name}"))?;
    if !bzimage::is_bzimage(&bytes) {
        return Ok(path.to_owned());
    }
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    let unpacked = workspace.directory("kernels")?.join(format!("{:016x}", hasher.finish()));
    if !unpacked.exists() {
        progress!("unpacking the kernel {name}");
        let elf = unpack(&bytes).with_context(|| format!("cannot unpack the kernel {name}"))?;
        // Under its name at once and whole, in case another run does the same.
        let file = tempfile::NamedTempFile::new_in(workspace.directory("kernels")?);
        let file = file.context("cannot make a file for the kernel")?;
        fs::write(&file, elf).context("cannot write the unpacked kernel")?;
        file.persist(&unpacked).context("cannot name the unpacked kernel")?;
    }
    Ok(unpacked)
}

/// The ELF file in a bzImage.
fn unpack(bzimage: &[u8]) -> Result<Vec<u8>> {
    let payload = bzimage::payload(bzimage)?;
    let size = Size::from_bytes(payload.unpacked_bytes.into());
    ensure!(size <= LIMIT, "it claims to take {size} unpacked");
    let elf = decompress(&payload).with_context(|| format!("{} fails", payload.compression))?;
    let (found, claimed) = (elf.len(), payload.unpacked_bytes);
    ensure!(usize::try_from(claimed)? == found, "{found} bytes came out, and not {claimed}");
    ensure!(elf.starts_with(b"\x7fELF"), "what comes out is no ELF file");
    Ok(elf)
}

/// What comes out of a payload, but no more than one byte beyond what it claims.
fn decompress(payload: &Payload<'_>) -> Result<Vec<u8>> {
    let bytes = payload.bytes;
    let mut source: Box<dyn Read + '_> = match payload.compression {
        Compression::None => Box::new(bytes),
        Compression::Gzip => Box::new(flate2::read::GzDecoder::new(bytes)),
        Compression::Xz => Box::new(lzma_rust2::XzReader::new(bytes, false)),
        Compression::Zstd => {
            let decoder =
                ruzstd::decoding::StreamingDecoder::new_with_max_window_size(bytes, LIMIT.bytes());
            Box::new(decoder.map_err(io::Error::other)?)
        }
        Compression::Lz4 => return legacy_lz4(payload),
        other => bail!("kernels compressed by {other} are not supported; gzip, xz, zstd, lz4 are"),
    };
    let mut unpacked = Vec::new();
    source.by_ref().take(u64::from(payload.unpacked_bytes) + 1).read_to_end(&mut unpacked)?;
    Ok(unpacked)
}

/// The same for LZ4's legacy frame: a magic number, then blocks with their size in front.
fn legacy_lz4(payload: &Payload<'_>) -> Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    let mut rest = payload.bytes.get(4..).context("there is no block")?;
    while let Some((size, blocks)) = rest.split_first_chunk() {
        let size = usize::try_from(u32::from_le_bytes(*size))?;
        let (block, behind) = blocks.split_at_checked(size).context("a block is cut off")?;
        let mut piece = vec![0; LZ4_BLOCK_BYTES];
        let length = lz4_flex::block::decompress_into(block, &mut piece)?;
        unpacked.extend_from_slice(&piece[..length]);
        ensure!(unpacked.len() <= usize::try_from(payload.unpacked_bytes)?, "there is more");
        rest = behind;
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests;
