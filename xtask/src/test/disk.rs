//! What a workload says of its disk, compared with what the run has left in the disk's file.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use crate::scenario::disk::{PATTERN, check_file_system, pattern, read_file};
use crate::scenario::transcript::Transcript;

/// What starts a line about the disk.
const PREFIX: &str = "disk: ";

/// What has to be said, at least: of the host's file, a file, and the disk itself.
const KINDS: [&str; 3] = ["host", "file", "raw"];

/// What is wrong with the disk after the run.
pub(super) fn problems(disk: &Path, transcript: &Transcript) -> Vec<String> {
    let lines = transcript.console.iter().filter_map(|line| line.trim_end().strip_prefix(PREFIX));
    let lines: Vec<_> = lines.collect();
    let mut problems = Vec::new();
    for kind in KINDS {
        if !lines.iter().any(|line| line.split(' ').next() == Some(kind)) {
            problems.push(format!("nothing was said of the disk's: {kind}"));
        }
    }
    let results = lines.iter().map(|line| check_line(disk, line));
    let results = results.chain([check_file_system(disk)]);
    problems.extend(results.filter_map(Result::err).map(|error| format!("{error:#}")));
    problems
}

/// Checks what one line says.
fn check_line(disk: &Path, line: &str) -> Result<()> {
    let words: Vec<_> = line.split(' ').collect();
    let (found, digest) = match *words {
        ["host", PATTERN, digest] => (pattern()?, digest),
        ["file", name, digest] => (read_file(disk, name)?, digest),
        ["raw", offset, bytes, digest] => {
            (read_raw(disk, offset.parse()?, bytes.parse()?)?, digest)
        }
        _ => bail!("nobody knows what this means: {PREFIX}{line}"),
    };
    ensure!(self::digest(&found) == digest, "the disk does not have what was said: {line}");
    Ok(())
}

/// A part of the disk.
fn read_raw(disk: &Path, offset: usize, bytes: usize) -> Result<Vec<u8>> {
    let content = fs::read(disk).with_context(|| format!("cannot read {}", disk.display()))?;
    let part = content.get(offset..).and_then(|rest| rest.get(..bytes));
    part.map(<[u8]>::to_vec).context("it is beside the disk")
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::disk::{HELLO, make};

    #[test]
    fn what_was_said_must_be_there() {
        let directory = tempfile::tempdir().unwrap();
        let disk = directory.path().join("disk");
        make("ext4:8M+1M", Path::new("/"), &disk).unwrap();
        let all = [
            format!("disk: host {PATTERN} {}\r\n", digest(&pattern().unwrap())),
            format!("disk: file {} {}\r\n", HELLO.0, digest(HELLO.1.as_bytes())),
            format!("disk: raw {} 4096 {}\r\n", 8 << 20, digest(&[0; 4096])),
        ];
        let problems = |said: &str| problems(&disk, &Transcript::read(said.as_bytes()));
        assert_eq!(problems(&all.concat()), Vec::<String>::new());
        for left_out in 0..3 {
            let mut said = all.to_vec();
            said.remove(left_out);
            assert_eq!(problems(&said.concat()).len(), 1);
        }
        for wrong in [
            "disk: host from-host 00",
            "disk: file hello 00",
            "disk: file missing 00",
            "disk: raw 0 4096 00",
            "disk: raw 9437184 1 00",
            "disk: raw 18446744073709551615 1 00",
            "disk: other",
        ] {
            assert_eq!(problems(&[&all.concat(), wrong].concat()).len(), 1, "{wrong}");
        }
    }
}
