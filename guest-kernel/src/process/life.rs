//! The beginning and the end of processes.

use alloc::{boxed::Box, vec::Vec};
use core::sync::atomic::AtomicBool;

use x86_64::VirtAddr;

use super::{
    address_space::AddressSpace,
    errors::{InstallError, SpawnError},
    extended::{self, Extended},
    fault, interrupt, machine, pages, program, ramdisk,
    running::{self, Process},
    system_call,
    table::{Entry, NoSuchChild, PLACES, Parent, ProcessId, Status, Table},
};
use crate::{
    StartInfo, console,
    entry::{Frame, smap},
    irq::{self, EventsOffLock},
    memory,
    tasks::{self, Name, WaitQueue},
    traps, user,
};

static TABLE: EventsOffLock<Table> = EventsOffLock::new(Table::new());

/// Tasks that wait for the end of a process.
static ENDED: WaitQueue = WaitQueue::new();

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
    pages::install().ok_or(InstallError::NoMemory)?;
    extended::install();
    smap::turn_on();
    traps::set_first_handler(Some(fault::handle));
    traps::set_system_call_handler(Some(system_call::handle));
    console::set_interrupt(interrupt::foreground);
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
    let process = Box::new(Process {
        id,
        name: shown,
        root,
        space,
        files,
        extended,
        is_interrupted: AtomicBool::new(false),
    });
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
    ENDED.wait_for(|| {
        let mut table = TABLE.lock();
        let ended = table.reap(id, parent).transpose();
        if ended.is_none() {
            table.await_end(id);
        }
        ended
    })
}

/// Has the process end that what is typed concerns, at its beginning at the latest; returns which.
pub(super) fn interrupt_foreground() -> Option<ProcessId> {
    TABLE.lock().interrupt_foreground()
}

/// Returns all processes, also those that have ended and are waited for.
pub fn list() -> Vec<Entry> {
    // Room before the lock: the heap has a lock of its own.
    let mut list = Vec::with_capacity(PLACES);
    list.extend(TABLE.lock().iter());
    list
}

/// Goes to ring 3, in the task of the process.
fn begin(process: Box<Process>, frame: &Frame) -> ! {
    let id = process.id;
    // SAFETY: `finish` frees it, and nobody else; what follows goes to ring 3.
    unsafe { running::start(Box::into_raw(process)) };
    if TABLE.lock().is_interrupted(id) {
        interrupt::end();
    }
    // SAFETY: address space and entry stack are set.
    unsafe { machine::enter(frame) }
}

/// Ends the process of the running task, and the task.
pub(super) fn finish(status: Status) -> ! {
    let process = running::stop(pages::of_kernel());
    irq::irq_enable();
    // SAFETY: `begin` has leaked it, and nobody else reaches it any more.
    let process = unsafe { Box::from_raw(process) };
    let id = process.id;
    drop(process);
    TABLE.lock().finish(id, status);
    ENDED.wake_all();
    tasks::exit(0)
}
