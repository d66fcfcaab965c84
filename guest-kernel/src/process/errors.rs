//! Why there are no processes, or not this one.

use core::fmt;

use tar_no_std::CorruptDataError;

use super::{address_space::Problem, elf::ElfError, program::ProgramError, table::Full};
use crate::hypercall::Errno;

/// Why there can be no processes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum InstallError {
    /// The ramdisk is no archive.
    Ramdisk(CorruptDataError),
    /// Tasks have not been started.
    NoTasks,
    /// There is no memory.
    NoMemory,
    /// The hypervisor takes no system calls.
    SystemCalls(Errno),
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ramdisk(error) => write!(f, "no programs: {error}"),
            Self::NoTasks => f.write_str("there are no tasks"),
            Self::NoMemory => f.write_str("no memory is left"),
            Self::SystemCalls(error) => write!(f, "no system calls: {error}"),
        }
    }
}

/// Why a process cannot be started.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SpawnError {
    /// There is no file of that name.
    NotFound,
    /// The file is no program.
    NotProgram(ElfError),
    /// There are as many processes or tasks as there can be.
    Full,
    /// There is no memory.
    NoMemory,
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no such program"),
            Self::NotProgram(error) => write!(f, "not a program: {error}"),
            Self::Full => f.write_str("too many processes"),
            Self::NoMemory => f.write_str("no memory is left"),
        }
    }
}

impl From<ProgramError> for SpawnError {
    fn from(error: ProgramError) -> Self {
        match error {
            ProgramError::NotFound => Self::NotFound,
            ProgramError::NotProgram(error) => Self::NotProgram(error),
            ProgramError::NoMemory => Self::NoMemory,
        }
    }
}

impl From<Problem> for SpawnError {
    fn from(_: Problem) -> Self {
        Self::NoMemory
    }
}

impl From<Full> for SpawnError {
    fn from(Full: Full) -> Self {
        Self::Full
    }
}
