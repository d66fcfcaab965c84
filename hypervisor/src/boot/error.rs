//! What stops the hypervisor from starting a domain, in words that say what to do about it.

use core::fmt;
use xenolith_core::domain_builder::build_error::BuildError;
use xenolith_core::memory_map::TooManyRegions;
use xenolith_core::modules::ModuleError;
use xenolith_core::options::OptionError;
use xenolith_core::page_map::MapError;
use xenolith_core::vmx::capability::CapabilityError;

/// Why no domain was started.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BootError {
    /// The magic number in EAX is neither multiboot2's nor PVH's.
    UnknownLoader(u32),
    /// The loader's information cannot be read.
    LoaderInformation(&'static str),
    /// The loader gave no memory map.
    NoMemoryMap,
    /// The memory map has more regions than there is room for.
    Regions,
    /// The command line has a word that is not an option; the word itself has been logged.
    Option,
    /// Memory ran out while the hypervisor set itself up.
    OutOfMemory,
    /// The machine has too little memory for the domain.
    GuestTooLarge {
        /// Bytes that the domain wants.
        wanted: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// Free memory is in too many pieces.
    Fragmented,
    /// The CPU cannot run guests as Xenolith needs.
    Capability(CapabilityError),
    /// VMXON failed.
    Vmxon,
    /// The CPU does not take the VMCS.
    Vmcs,
    /// The loader passed no guest kernel.
    NoModule,
    /// It is not clear what the loader's modules are for.
    Modules(ModuleError),
    /// The guest kernel cannot be started.
    Build(BuildError),
    /// The hypervisor's own tables do not fit into memory, or overlap.
    Tables(MapError),
}

impl BootError {
    /// Logs what is wrong with the command line, which does not outlive the caller.
    pub(crate) fn option(error: OptionError<'_>) -> Self {
        log::error!("{error}");
        Self::Option
    }
}

impl From<TooManyRegions> for BootError {
    fn from(_: TooManyRegions) -> Self {
        Self::Regions
    }
}

impl From<ModuleError> for BootError {
    fn from(error: ModuleError) -> Self {
        Self::Modules(error)
    }
}

impl From<CapabilityError> for BootError {
    fn from(error: CapabilityError) -> Self {
        Self::Capability(error)
    }
}

impl From<BuildError> for BootError {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

impl From<MapError> for BootError {
    fn from(error: MapError) -> Self {
        Self::Tables(error)
    }
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownLoader(magic) => write!(
                f,
                "the loader speaks neither multiboot2 nor PVH (EAX was {magic:#x}); \
                 with GRUB use the multiboot2 and module2 commands"
            ),
            Self::LoaderInformation(what) => write!(f, "the loader's {what} cannot be read"),
            Self::NoMemoryMap => f.write_str("the loader gave no memory map"),
            Self::Regions => f.write_str("the memory map has too many regions"),
            Self::Option => f.write_str("the hypervisor's command line is wrong (see above)"),
            Self::OutOfMemory => f.write_str("memory is used up; give the machine more"),
            Self::GuestTooLarge { wanted, free } => write!(
                f,
                "the guest wants {} MiB and the machine has {} MiB free; lower memory= or give \
                 the machine more",
                wanted >> 20,
                free >> 20
            ),
            Self::Fragmented => f.write_str("free memory is in too many pieces"),
            Self::Capability(error) => write!(f, "{error}"),
            Self::Vmxon => f.write_str("the CPU refuses to enter VMX operation"),
            Self::Vmcs => f.write_str("the CPU refuses the VMCS"),
            Self::NoModule => f.write_str(
                "there is no guest kernel; pass one as the first module (module2 in grub.cfg, \
                 -initrd with qemu -kernel)",
            ),
            Self::Modules(error) => write!(f, "the loader's modules: {error}"),
            Self::Build(error) => write!(f, "the guest kernel: {error}"),
            Self::Tables(error) => {
                write!(f, "no page tables for the hypervisor: {error:?}; give it more memory")
            }
        }
    }
}
