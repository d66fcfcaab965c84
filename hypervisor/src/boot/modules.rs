//! The files that the loader put into memory, each under what it is for.

use super::{COMMAND_LINE_BYTES, MAX_MODULES};
use arrayvec::{ArrayString, ArrayVec};
use xenolith_core::memory_map::Range;
use xenolith_core::modules::{ModuleError, Role, Roles};

/// A file that the loader put into memory.
#[derive(Clone, Debug)]
pub(crate) struct Module {
    /// Where it lies.
    pub(crate) range: Range,
    /// What stands behind its name in the loader's configuration.
    pub(crate) command_line: ArrayString<COMMAND_LINE_BYTES>,
}

/// A file that is a disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DiskModule {
    /// Where its contents lie, a whole number of sectors.
    pub(crate) range: Range,
    /// Whether they must not change.
    pub(crate) read_only: bool,
}

/// The modules of a domain.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    /// The guest kernel.
    pub(crate) kernel: Option<Module>,
    /// Its ramdisk.
    pub(crate) ramdisk: Option<Module>,
    /// Its disk.
    pub(crate) disk: Option<DiskModule>,
}

impl Modules {
    /// Sorts what the loader passed.
    ///
    /// # Errors
    ///
    /// When it is not clear what something is for, or a disk is none.
    pub(super) fn new(list: ArrayVec<Module, MAX_MODULES>) -> Result<Self, ModuleError> {
        let (mut modules, mut roles) = (Self::default(), Roles::default());
        for module in list {
            let range = module.range;
            match roles.next(&module.command_line, range.bytes())? {
                Role::Kernel => modules.kernel = Some(module),
                Role::Ramdisk => modules.ramdisk = Some(module),
                Role::Disk { read_only } => modules.disk = Some(DiskModule { range, read_only }),
            }
        }
        Ok(modules)
    }
}
