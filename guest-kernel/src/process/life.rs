//! The beginning and the end of processes, and which of them runs.

use alloc::{boxed::Box, vec::Vec};
use core::{
    fmt,
    ptr::null_mut,
    sync::atomic::{AtomicPtr, Ordering::Relaxed},
};

use tar_no_std::CorruptDataError;
use x86_64::{VirtAddr, registers::model_specific::FsBase, structures::paging::PhysFrame};

use super::{
    address_space::{self, AddressSpace, Problem},
    elf::ElfError,
    extended::{self, Extended},
    fault,
    files::Files,
    machine,
    program::{self, ProgramError},
    ramdisk, system_call,
    table::{Entry, Full, NoSuchChild, PLACES, Parent, ProcessId, Status, Table},
};
use crate::{
    StartInfo,
    entry::Frame,
    hypercall::Errno,
    irq::{self, EventsOffLock},
    memory,
    tasks::{self, Name, WaitQueue},
    traps, user,
};

/// A process, for as long as its task runs it.
#[derive(Debug)]
pub struct Process {
    pub(super) id: ProcessId,
    pub(super) name: Name,
    root: PhysFrame,
    pub(super) space: spin::Mutex<AddressSpace>,
    pub(super) files: spin::Mutex<Files>,
    pub(super) extended: Extended,
}

static TABLE: EventsOffLock<Table> = EventsOffLock::new(Table::new());

/// Tasks that wait for the end of a process.
static ENDED: WaitQueue = WaitQueue::new();

/// The process of the running task.
static CURRENT: AtomicPtr<Process> = AtomicPtr::new(null_mut());

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

/// Turns on processes: memory, the ramdisk's files, system calls, exceptions of processes. Behind
/// [`tasks::start`] and [`traps::install`].
///
/// # Errors
///
/// If something that they need is not there.
pub fn install(start: &'static StartInfo) -> Result<(), InstallError> {
    if !tasks::is_started() {
        return Err(InstallError::NoTasks);
    }
    memory::install(start);
    ramdisk::install(start).map_err(InstallError::Ramdisk)?;
    address_space::install().ok_or(InstallError::NoMemory)?;
    extended::install();
    traps::set_first_handler(Some(fault::handle));
    traps::set_system_call_handler(Some(system_call::handle));
    machine::install_system_calls().map_err(InstallError::SystemCalls)
}

/// Starts a program with arguments.
///
/// # Errors
///
/// If there is no such program, or no room for it.
pub fn spawn(name: &str, arguments: &[u8], parent: Parent) -> Result<ProcessId, SpawnError> {
    let program = program::find(name)?;
    let entry = program.entry;
    let mut space = AddressSpace::new(program)?;
    let stack = space.push(arguments)?;
    let frame = Frame {
        rdi: stack,
        rsi: arguments.len() as u64,
        ..user::program(VirtAddr::new(entry), VirtAddr::new(stack))
    };
    let extended = Extended::new().ok_or(SpawnError::NoMemory)?;
    let shown = Name::new(name);
    let id = TABLE.lock().add(parent, shown)?;
    let (root, files) = (space.root(), spin::Mutex::default());
    let space = spin::Mutex::new(space);
    let process = Box::new(Process { id, name: shown, root, space, files, extended });
    let Ok(task) = tasks::spawn(name, move || begin(process, &frame)) else {
        TABLE.lock().withdraw(id);
        return Err(SpawnError::Full);
    };
    // It is there until it has ended, and nobody waits for the task.
    let _ = tasks::detach(task);
    Ok(id)
}

/// Waits for a process to end.
///
/// # Errors
///
/// If it is not one of `parent`'s.
pub fn wait(id: ProcessId, parent: Parent) -> Result<Status, NoSuchChild> {
    ENDED.wait_for(|| TABLE.lock().reap(id, parent).transpose())
}

/// Returns all processes, also those that have ended and are waited for.
pub fn list() -> Vec<Entry> {
    // Room before the lock: the heap has a lock of its own.
    let mut list = Vec::with_capacity(PLACES);
    list.extend(TABLE.lock().iter());
    list
}

/// Returns the process of the running task.
#[inline]
pub(super) fn current() -> Option<&'static Process> {
    // SAFETY: it is there until its own task gives it up, and does not go back to who asked.
    unsafe { CURRENT.load(Relaxed).as_ref() }
}

/// Goes to ring 3, in the task of the process.
fn begin(process: Box<Process>, frame: &Frame) -> ! {
    irq::irq_disable();
    let root = process.root;
    let process = Box::into_raw(process);
    tasks::set_process(process);
    CURRENT.store(process, Relaxed);
    // SAFETY: the table has the kernel's entries, and stays until `finish` has loaded another.
    unsafe { machine::set_address_space(root) };
    // SAFETY: nobody frees it before `finish`.
    unsafe { (*process).extended.load() };
    // SAFETY: the stack is that of this task, which does not come back.
    unsafe { machine::set_entry_stack(tasks::stack().end) };
    // SAFETY: both are set.
    unsafe { machine::enter(frame) }
}

/// Ends the process of the running task, and the task.
pub(super) fn finish(status: Status) -> ! {
    irq::irq_disable();
    let process = CURRENT.swap(null_mut(), Relaxed);
    tasks::set_process(null_mut());
    // SAFETY: it is the kernel's own table.
    unsafe { machine::set_address_space(address_space::of_kernel()) };
    irq::irq_enable();
    // SAFETY: `begin` has leaked it, and nobody else reaches it any more.
    let process = unsafe { Box::from_raw(process) };
    let id = process.id;
    drop(process);
    TABLE.lock().finish(id, status);
    ENDED.wake_all();
    tasks::exit(0)
}

/// Changes from the process of one task to that of another, either of which may have none; `top` is
/// the end of the other's stack. Events are disabled.
///
/// A task without a process runs in whatever address space is loaded, and leaves the registers that
/// kernels do not use as they are.
pub(crate) fn change(from: *mut Process, to: *mut Process, top: VirtAddr) {
    CURRENT.store(to, Relaxed);
    // SAFETY: a process is there as long as its task says that it has one.
    if let Some(from) = unsafe { from.as_ref() } {
        from.extended.save();
    }
    // SAFETY: likewise.
    let Some(to) = (unsafe { to.as_ref() }) else { return };
    to.extended.load();
    // SAFETY: the stack is that of the task that runs next.
    unsafe { machine::set_entry_stack(top) };
    let root = to.root;
    if machine::address_space() != root {
        // SAFETY: the table has the kernel's entries, and stays as long as the process.
        unsafe { machine::set_address_space(root) };
    }
}

/// Sets the base of FS of the running process, to an address of processes.
pub(super) fn set_fs_base(address: u64) {
    // Saved with the other registers when the process loses the processor.
    FsBase::write(VirtAddr::new(address));
}
