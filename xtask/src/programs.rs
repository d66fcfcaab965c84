//! The paired kernel's programs, and the ramdisk that holds them: a ustar archive.
//!
//! A program is a file of `programs/src/bin`; what is in `programs/files` comes along as it is.
//! Nothing in the archive depends on when or by whom it is made.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tar::{Builder, EntryType, Header};

use crate::build;
use crate::workspace::Workspace;

/// Where the programs' sources are, below the workspace.
const SOURCES: &str = "programs/src/bin";

/// Where files are that are no programs.
const FILES: &str = "programs/files";

/// Builds the programs; returns the archive's file.
///
/// # Errors
/// A tool fails, or a file cannot be read or written.
pub(crate) fn ramdisk(workspace: &Workspace) -> Result<PathBuf> {
    let sources = list(&workspace.root.join(SOURCES))?;
    let names: Vec<_> = sources.iter().filter_map(|path| path.file_stem()?.to_str()).collect();
    let mut files = build::user_programs(&names).run(workspace)?;
    files.extend(list(&workspace.root.join(FILES))?);
    let path = workspace.directory("programs")?.join("ramdisk.tar");
    fs::write(&path, archive(&files)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// The files of a directory, by name.
fn list(directory: &Path) -> Result<Vec<PathBuf>> {
    let what = || format!("cannot list {}", directory.display());
    let entries = fs::read_dir(directory).with_context(what)?;
    let mut paths: Vec<_> =
        entries.map(|entry| Ok(entry.with_context(what)?.path())).collect::<Result<_>>()?;
    paths.sort();
    Ok(paths)
}

/// The archive of these files, under their own names.
fn archive(files: &[PathBuf]) -> Result<Vec<u8>> {
    let mut builder = Builder::new(Vec::new());
    for path in files {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_name().context("a file has a name")?;
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(bytes.len().try_into().context("the file is too large")?);
        builder
            .append_data(&mut header, name, bytes.as_slice())
            .with_context(|| format!("cannot put {} into the ramdisk", path.display()))?;
    }
    builder.into_inner().context("cannot finish the ramdisk")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn the_archive_holds_every_file() {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in [("one", "first"), ("two", "")] {
            fs::write(directory.path().join(name), content).unwrap();
        }
        let files = list(directory.path()).unwrap();
        let bytes = archive(&files).unwrap();
        assert_eq!(bytes.len() % 512, 0);
        assert_eq!(bytes, archive(&files).unwrap());
        let mut found = Vec::new();
        for entry in tar::Archive::new(bytes.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            found.push((name, content));
        }
        assert_eq!(found, [("one".into(), "first".into()), ("two".into(), String::new())]);
    }
}
