use super::*;
use proptest::prelude::*;
use std::fs;

/// A file of so many bytes, all of them 7.
fn file(bytes: usize) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), vec![7; bytes]).unwrap();
    file
}

fn disk(path: &std::path::Path, access: Access) -> Disk {
    Disk { path: path.to_owned(), access }
}

/// The message of a refusal.
fn refusal<T: std::fmt::Debug>(result: Result<T>) -> String {
    format!("{:#}", result.unwrap_err())
}

#[test]
fn what_cannot_be_a_disk_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (empty, odd, large) = (file(0), file(513), file(0));
    large.as_file().set_len(LARGEST.bytes() + SECTOR).unwrap();
    let pipe = directory.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (path, words) in [
        (directory.path().join("missing"), "cannot read the disk"),
        (directory.path().to_owned(), "is no file"),
        (pipe, "is no file"),
        (empty.path().to_owned(), "is empty"),
        (odd.path().to_owned(), "no whole number of sectors"),
        (large.path().to_owned(), "2G at most"),
    ] {
        let message = refusal(disk(&path, Access::ReadOnly).size());
        assert!(message.contains(words), "{message}");
        assert!(disk(&path, Access::ReadWrite).open().is_err());
    }
    let good = file(1024);
    assert_eq!(disk(good.path(), Access::ReadOnly).size().unwrap().bytes(), 1024);
}

#[test]
fn two_runs_do_not_write_one_disk() {
    let file = file(512);
    let (writer, reader) =
        (disk(file.path(), Access::ReadWrite), disk(file.path(), Access::ReadOnly));
    let first = writer.open().unwrap();
    for second in [&writer, &reader] {
        assert!(refusal(second.open()).contains("belongs to another run"));
    }
    drop(first);
    let first = reader.open().unwrap();
    assert!(reader.open().is_ok() && writer.open().is_err());
    assert!(refusal(first.write(0, &[1; 512])).contains("is read-only"));
    drop(first);
    assert!(writer.open().is_ok());
}

#[test]
fn what_was_written_is_in_the_file() {
    let file = file(2048);
    let open = disk(file.path(), Access::ReadWrite).open().unwrap();
    open.write(1, &[1; 512]).unwrap();
    open.write(2, &[2; 1024]).unwrap();
    open.finish().unwrap();
    let expected = [vec![7; 512], vec![1; 512], vec![2; 1024]].concat();
    assert_eq!(fs::read(file.path()).unwrap(), expected);
}

proptest! {
    /// Whatever a record says, the file keeps its length, and changes only where the disk is.
    #[test]
    fn nothing_is_written_where_the_disk_is_not(
        sector in prop_oneof![0..20_u64, any::<u64>(), Just(u64::MAX / SECTOR)],
        bytes in 0..5000_usize,
    ) {
        let file = file(4096);
        let open = disk(file.path(), Access::ReadWrite).open().unwrap();
        let fits = sector < 8 && bytes % 512 == 0 && bytes / 512 + usize::try_from(sector).unwrap() <= 8;
        // Nothing at all may be written at the end.
        let is_empty_at_end = bytes == 0 && sector == 8;
        prop_assert_eq!(open.write(sector, &vec![1; bytes]).is_ok(), fits || is_empty_at_end);
        let content = fs::read(file.path()).unwrap();
        prop_assert_eq!(content.len(), 4096);
        let sum: usize = content.into_iter().map(usize::from).sum();
        prop_assert_eq!(sum, if fits { 7 * 4096 - 6 * bytes } else { 7 * 4096 });
    }
}
