//! Debian's GRUB for PV guests of Xen, as the guest of scenarios: its package's image, and images
//! of one configuration each.
//!
//! The packages are fetched by apt and unpacked below the target directory; nothing is installed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::setup::{Policy, packages, program_in_path};
use crate::workspace::Workspace;

/// The packages: GRUB's modules, and an image that looks for a configuration.
const PACKAGES: [&str; 2] = ["grub-xen-bin", "grub-xen-host"];

/// Modules for PV guests, in the first package.
const MODULES: &str = "usr/lib/grub/x86_64-xen";

/// The image in the second package.
const IMAGE: &str = "usr/lib/grub-xen/grub-x86_64-xen.bin";

/// The modules in images of one configuration each.
const OWN_MODULES: &str = "normal echo halt test linux cat ext2";

/// The names under which distributions install what makes images.
const MAKERS: [&str; 2] = ["grub-mkstandalone", "grub2-mkstandalone"];

/// GRUB's files.
#[derive(Clone, Debug)]
pub(crate) struct Grub {
    root: PathBuf,
}

impl Grub {
    /// The packages' files, fetched unless they are there.
    ///
    /// # Errors
    /// They are not there, and may not or cannot be fetched.
    pub(crate) fn obtain(workspace: &Workspace, policy: Policy) -> Result<Self> {
        let directory = workspace.directory("grub")?;
        let grub = Self { root: directory.join("root") };
        if grub.is_complete() {
            return Ok(grub);
        }
        let names = PACKAGES.join(" and ");
        if policy == Policy::Report {
            bail!("Debian's packages {names} are not there and would have to be fetched");
        }
        packages::check_tools()?;
        packages::fetch(&directory, &grub.root, || Ok(PACKAGES.map(str::to_owned).into()))?;
        ensure!(grub.is_complete(), "{names} do not have what was looked for in them");
        Ok(grub)
    }

    /// The image that looks for a configuration on the guest's disks.
    pub(crate) fn image(&self) -> PathBuf {
        self.root.join(IMAGE)
    }

    /// Writes an image to `output` that carries its configuration, and `files` by their names in
    /// `/boot`.
    ///
    /// # Errors
    /// GRUB's tool for it is not installed, or fails.
    pub(crate) fn make_standalone(
        &self,
        configuration: &Path,
        files: &[(&str, &Path)],
        output: &Path,
    ) -> Result<()> {
        let maker = MAKERS.iter().copied().find(|name| program_in_path(name).is_some());
        let maker = maker.context("grub-mkstandalone is not installed")?;
        let shell = Shell::new().context("cannot tell the current directory")?;
        let modules = self.root.join(MODULES);
        let own =
            ["--install-modules=", "--modules="].map(|option| format!("{option}{OWN_MODULES}"));
        let slim = ["--fonts=", "--locales=", "--themes=", "--compress=no"];
        let files = files.iter().map(|(name, path)| format!("boot/{name}={}", path.display()));
        let configuration = format!("boot/grub/grub.cfg={}", configuration.display());
        let files = files.chain([configuration]);
        let command = cmd!(
            shell,
            "{maker} -d {modules} -O x86_64-xen {own...} {slim...} -o {output} {files...}"
        );
        command.quiet().ignore_stderr().run().with_context(|| format!("{maker} fails"))
    }

    fn is_complete(&self) -> bool {
        self.image().is_file() && self.root.join(MODULES).join("kernel.img").is_file()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn nothing_is_fetched_without_leave() {
        let directory = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(directory.path(), directory.path());
        let error = Grub::obtain(&workspace, Policy::Report).unwrap_err().to_string();
        assert!(error.contains("grub-xen-bin"), "{error}");
        let root = workspace.directory("grub").unwrap().join("root");
        for file in [IMAGE, "usr/lib/grub/x86_64-xen/kernel.img"] {
            assert!(Grub::obtain(&workspace, Policy::Report).is_err());
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), "x").unwrap();
        }
        assert_eq!(Grub::obtain(&workspace, Policy::Report).unwrap().image(), root.join(IMAGE));
    }
}
