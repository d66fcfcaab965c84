//! A block device: a file system that the host has made, and the device itself, read and written.
//!
//! Lines `disk: WHAT ... DIGEST` tell what was read, and what was meant to be written, as it is in
//! memory; the host compares that with what it finds in the disk's file afterwards.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use nix::libc::O_DIRECT;
use sha2::{Digest, Sha256};

use crate::checks::Checks;

/// The file that the host has put there.
const FROM_HOST: &str = "from-host";
/// The file for the host.
const FROM_GUEST: &str = "from-guest";
/// Its length, no whole number of blocks.
const FILE_BYTES: usize = (3 << 20) + 1234;
/// What is written to the device itself.
const RAW_BYTES: usize = 2 << 20;
/// Lengths of writes and reads of the device, one after the other: within a page, across pages, and
/// more than a request can have.
const LENGTHS: [usize; 6] = [512, 4096, 8704, 65536, 45056, 1 << 20];
/// Buffers for direct access begin at a multiple of this.
const ALIGNMENT: usize = 4096;

/// Reads and writes files in `directory`, and `device` from byte `offset` on.
pub(crate) fn run(checks: &mut Checks, directory: &Path, device: &Path, offset: u64) {
    let read = std::fs::read(directory.join(FROM_HOST)).expect("the host's file can be read");
    println!("disk: host {FROM_HOST} {}", digest(&read));
    let data = random_bytes(1, FILE_BYTES);
    write_file(&directory.join(FROM_GUEST), &data).expect("a file can be written");
    println!("disk: file {FROM_GUEST} {}", digest(&data));
    let again = std::fs::read(directory.join(FROM_GUEST)).expect("the file can be read");
    checks.check(again == data, "a file has what was written to it");
    write_device(checks, device, offset);
}

/// Writes a file in pieces of any length, some of which are made to reach the disk.
fn write_file(path: &Path, data: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    for (number, piece) in data.chunks(70_001).enumerate() {
        file.write_all(piece)?;
        if number % 16 == 0 {
            file.sync_all()?;
        }
    }
    file.sync_all()
}

/// Writes and reads the device past the page cache.
fn write_device(checks: &mut Checks, device: &Path, offset: u64) {
    let file = OpenOptions::new().read(true).write(true).custom_flags(O_DIRECT).open(device);
    let file = file.expect("the device can be opened for direct access");
    let data = random_bytes(2, RAW_BYTES);
    let mut buffer = vec![0; (1 << 20) + ALIGNMENT];
    let start = buffer.as_ptr().align_offset(ALIGNMENT);
    let buffer = &mut buffer[start..];
    for (at, length) in pieces(RAW_BYTES) {
        buffer[..length].copy_from_slice(&data[at..at + length]);
        let place = offset + u64::try_from(at).expect("offsets are small");
        file.write_all_at(&buffer[..length], place).expect("the device can be written");
    }
    file.sync_all().expect("the device can be flushed");
    println!("disk: raw {offset} {RAW_BYTES} {}", digest(&data));
    let mut is_same = true;
    // In other pieces than it was written in.
    for (at, length) in pieces(RAW_BYTES - 4096).map(|(at, length)| (at + 4096, length)) {
        let place = offset + u64::try_from(at).expect("offsets are small");
        file.read_exact_at(&mut buffer[..length], place).expect("the device can be read");
        is_same &= buffer[..length] == data[at..at + length];
    }
    checks.check(is_same, "the device has what was written to it");
}

/// Where `bytes` bytes are cut into pieces of [`LENGTHS`].
fn pieces(bytes: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    LENGTHS.into_iter().cycle().map_while(move |length| {
        let piece = (at, length.min(bytes - at));
        at += piece.1;
        (piece.1 > 0).then_some(piece)
    })
}

/// Bytes that no file has by chance, the same for the same seed.
fn random_bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed;
    let words = std::iter::repeat_with(|| {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    });
    words.flat_map(u64::to_le_bytes).take(count).collect()
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}
