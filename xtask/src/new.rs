//! `xtask new`: a package for a guest kernel of one's own, which says hello.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::cli::NewOptions;
use crate::progress;
use crate::workspace::Workspace;

/// The files of a package: where they go, and what is in them.
const FILES: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("../template/Cargo.toml")),
    ("build.rs", include_str!("../template/build.rs")),
    (".cargo/config.toml", include_str!("../template/config.toml")),
    ("rust-toolchain.toml", include_str!("../../rust-toolchain.toml")),
    ("src/main.rs", include_str!("../../tests/src/bin/guide-hello/main.rs")),
];

/// Makes the package, and says how to go on.
///
/// # Errors
/// The name is none for a package, or there is something already.
pub(crate) fn run(workspace: &Workspace, options: &NewOptions) -> Result<ExitCode> {
    let directory = &options.directory;
    write(workspace, directory)?;
    progress!("made {}; to boot it:", directory.display());
    progress!("    cd {} && cargo run --release", directory.display());
    Ok(ExitCode::SUCCESS)
}

/// Writes the package's files to a new directory.
///
/// # Errors
/// As for [`run`].
pub(crate) fn write(workspace: &Workspace, directory: &Path) -> Result<()> {
    let name = directory.file_name().and_then(|name| name.to_str());
    let name = name.filter(|name| is_name(name)).with_context(|| {
        format!("`{}` is no name for a package: use a-z, 0-9, - and _", directory.display())
    })?;
    ensure!(!directory.exists(), "{} exists already", directory.display());
    let root = workspace.root.to_str().context("the path of this checkout is not Unicode")?;
    ensure!(!root.contains(['"', '\\', ' ']), "the path of this checkout has spaces or quotes");
    for (path, text) in FILES {
        let text = text
            .replace("{name}", name)
            .replace("{library}", &format!("{root}/guest-kernel"))
            .replace("{xenolith}", root);
        let path = directory.join(path);
        let parent = path.parent().context("every file has a directory")?;
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    // The versions with which everything here is tested.
    fs::copy(workspace.root.join("Cargo.lock"), directory.join("Cargo.lock"))
        .context("cannot copy Cargo.lock")?;
    Ok(())
}

/// Whether cargo takes this as a package's name.
fn is_name(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_packages() {
        for name in ["kernel", "my-kernel", "k2_x"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "2k", "-k", "My", "a b", "a/b", "ä"] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn a_package_names_this_checkout_and_overwrites_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let workspace = Workspace::at(root, parent.path());
        let directory = parent.path().join("first-kernel");
        write(&workspace, &directory).unwrap();
        let manifest = fs::read_to_string(directory.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("name = \"first-kernel\""));
        for (path, _) in FILES {
            let text = fs::read_to_string(directory.join(path)).unwrap();
            assert!(!["{name}", "{library}", "{xenolith}"].iter().any(|it| text.contains(it)));
        }
        assert!(write(&workspace, &directory).is_err());
        assert!(write(&workspace, &parent.path().join("No Name")).is_err());
    }
}
