//! Kernels packed by the commands with which Linux packs its own.

use super::*;

/// [`kernel`], by `gzip -9`.
const GZIP: &str = "\
    1f8b0800000000000203ab77f5717bc120c0c0f0e2373f90f806223e82883720e23988780422ee82881b20e2\
    32883807224e82882320623f88d80522b682880d206235885806221682883920623a889804227a810400fe54\
    8d327c000000";
/// [`kernel`], by `xz --check=crc32 --x86 --lzma2`.
const XZ: &str = "\
    fd377a585a0000016922de3602010400210110008b216f49e0007b000f5d003f9145847069d009ac56bd53bb\
    80000000fe548d320001277c593af0a39042990d010000000001595a";
/// [`kernel`], by `zstd -19`.
const ZSTD: &str = "\
    28b52ffd0068dd0100c4027f454c46e800100000e8fb0f0000e8f6f1ece7e2ddd8d3cec9c4bfbab5b0aba6a1\
    9c97920f0000e88d0f000014a410f8fa6ff0d50147809401";
/// [`kernel`], by `lz4 -l -9`.
const LZ4: &str = "\
    02214c186a000000f0017f454c46e800100000e8fb0f0000e8f6050010f1050010ec050010e7050010e20500\
    10dd050010d8050010d3050010ce050010c9050010c4050010bf050010ba050010b5050010b0050010ab0500\
    10a6050010a10500109c05001097050090920f0000e88d0f0000";

/// What they unpack to: calls of one place, which the filter of xz for x86 code makes alike.
fn kernel() -> Vec<u8> {
    let calls =
        (0..24).flat_map(|n| [[0xe8].to_vec(), (0x1000_i32 - n * 5).to_le_bytes().to_vec()]);
    [b"\x7fELF".to_vec(), calls.flatten().collect()].concat()
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits: Vec<_> = hexadecimal.chars().map(|c| c.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

/// Each with what is behind the data: gzip's own trailer has the size, behind others Linux puts it.
fn payloads() -> [Vec<u8>; 4] {
    let size = u32::try_from(kernel().len()).unwrap().to_le_bytes();
    let sized = |text| [bytes(text), size.to_vec()].concat();
    [bytes(GZIP), sized(XZ), sized(ZSTD), sized(LZ4)]
}

/// A bzImage of one sector of real-mode code and this payload.
fn bzimage(payload: &[u8]) -> Vec<u8> {
    let mut file = vec![0; 0x400];
    file[0x1f1] = 1;
    file[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    file[0x202..0x206].copy_from_slice(b"HdrS");
    file[0x206..0x208].copy_from_slice(&0x20f_u16.to_le_bytes());
    let length = u32::try_from(payload.len()).unwrap();
    file[0x24c..0x250].copy_from_slice(&length.to_le_bytes());
    file.extend_from_slice(payload);
    file
}

#[test]
fn each_compression_gives_the_kernel() {
    for payload in payloads() {
        assert_eq!(unpack(&bzimage(&payload)).unwrap(), kernel());
    }
    assert_eq!(unpack(&bzimage(&kernel())).unwrap(), kernel(), "not compressed");
}

#[test]
fn a_kernel_of_another_size_is_refused() {
    for mut payload in payloads().into_iter().skip(1) {
        let at = payload.len() - 4;
        for claimed in [0_u32, 123, 125] {
            payload[at..].copy_from_slice(&claimed.to_le_bytes());
            assert!(unpack(&bzimage(&payload)).is_err(), "{claimed}");
        }
        payload[at..].fill(0xff);
        let error = unpack(&bzimage(&payload)).unwrap_err().to_string();
        assert!(error.contains("claims to take"), "{error}");
    }
}

#[test]
fn damage_is_an_error() {
    for payload in payloads() {
        let short = [&payload[..payload.len() / 2], &124_u32.to_le_bytes()].concat();
        assert!(unpack(&bzimage(&short)).is_err());
    }
    let other = [b"BZh9".to_vec(), vec![0; 8]].concat();
    let error = format!("{:#}", unpack(&bzimage(&other)).unwrap_err());
    assert!(error.contains("bzip2") && error.contains("not supported"), "{error}");
    let text = [bytes("28b52ffd2004210000"), b"text".to_vec(), 4_u32.to_le_bytes().to_vec()];
    assert!(unpack(&bzimage(&text.concat())).unwrap_err().to_string().contains("no ELF"));
}

#[test]
fn a_kernel_is_unpacked_once_and_an_elf_file_is_taken_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let workspace = Workspace::at(directory.path(), directory.path());
    let file = directory.path().join("vmlinuz");
    fs::write(&file, bzimage(&payloads()[1])).unwrap();
    let elf = elf_of(&workspace, &file).unwrap();
    assert_eq!(fs::read(&elf).unwrap(), kernel());
    assert_eq!(elf_of(&workspace, &file).unwrap(), elf);
    assert_eq!(elf_of(&workspace, &elf).unwrap(), elf);
    assert!(elf_of(&workspace, &directory.path().join("missing")).is_err());
}
