//! The system calls: from the registers of a process to what does them, and back.

use core::time::Duration;

use xenolith_system_calls::{
    ARGUMENT_BYTES, CLOSE, E2BIG, EAGAIN, EBADF, ECHILD, EFAULT, EINVAL, ENOENT, ENOEXEC, ENOMEM,
    ENOSYS, ERRORS, EXIT, GETPID, INPUT, MAP, NAME_BYTES, OPEN, OUTPUT, READ, SET_FS_BASE, SLEEP,
    SPAWN, UNMAP, WAIT, WRITE, YIELD,
};

use super::{
    arguments::{self, Answer, Error},
    errors::SpawnError,
    input, life, ramdisk,
    running::{self, Process},
    table::{Parent, ProcessId, Status},
    user_memory,
};
use crate::{
    console,
    entry::{ProcessCall, PtRegs},
    irq, tasks, time,
};

/// Bytes that are copied at a time.
const PIECE: usize = 128;

/// Handles SYSCALL of a process by the entry that all have: events are disabled on the way in and
/// out.
pub(super) fn handle(regs: &mut PtRegs) {
    let arguments = [regs.rdi, regs.rsi, regs.rdx, regs.r10];
    regs.rax = answer(regs.rax, || arguments);
}

/// As [`handle`], by the entry that processes have for themselves.
#[inline(never)]
pub(crate) fn handle_call(call: &mut ProcessCall) {
    call.rax = answer(call.rax, || [call.rdi, call.rsi, call.rdx, call.r10]);
}

/// Returns what RAX is to be.
#[inline]
fn answer(number: u64, arguments: impl FnOnce() -> [u64; 4]) -> u64 {
    let process = running::current().expect("only processes make system calls");
    if number == GETPID { process.id.number() } else { with_events(process, number, &arguments()) }
}

/// Makes a call that takes longer, with events enabled; apart, so that others need not save so much.
#[inline(never)]
fn with_events(process: &Process, number: u64, arguments: &[u64; 4]) -> u64 {
    irq::irq_enable();
    let answer = arguments::word(call(process, number, *arguments));
    irq::irq_disable();
    answer
}

fn call(process: &Process, number: u64, arguments: [u64; 4]) -> Answer {
    let [first, second, third, _] = arguments;
    match number {
        EXIT => life::finish(Status::Exited(first.to_le_bytes()[0])),
        WRITE => write(first, second, third),
        READ => read(process, first, second, third),
        OPEN => open(process, first, second),
        CLOSE => process.files.lock().close(first),
        SLEEP => {
            sleep(first);
            Ok(0)
        }
        YIELD => {
            tasks::schedule();
            Ok(0)
        }
        MAP => {
            let (bytes, access) = arguments::map(first, second)?;
            process.space.lock().map(bytes, access)
        }
        UNMAP => {
            let pages = arguments::unmap(first, second)?;
            process.space.lock().unmap(&pages)
        }
        SPAWN => spawn(process, arguments),
        WAIT => wait(process, first),
        SET_FS_BASE => {
            running::set_fs_base(arguments::base(first)?);
            Ok(0)
        }
        _ => Err(Error(ENOSYS)),
    }
}

/// Returns how much was done of what had to be, or that nothing could be.
fn so_far(done: u64, wanted: u64) -> Answer {
    if done == 0 && wanted != 0 { Err(Error(EFAULT)) } else { Ok(done) }
}

fn write(file: u64, address: u64, bytes: u64) -> Answer {
    if file != OUTPUT && file != ERRORS {
        return Err(Error(EBADF));
    }
    let mut rest = arguments::bytes(address, bytes)?;
    let mut piece = [0; PIECE];
    while !rest.is_empty() {
        let copied = user_memory::read(&rest, &mut piece);
        console::write(&piece[..copied]);
        rest.start += copied as u64;
        if copied < PIECE {
            break;
        }
    }
    so_far(rest.start - address, bytes)
}

fn read(process: &Process, file: u64, address: u64, bytes: u64) -> Answer {
    let place = arguments::bytes(address, bytes)?;
    if file == INPUT {
        return input::read(|left| {
            let wanted = bytes.min(left.len() as u64);
            let copied = user_memory::write(&place, left);
            (copied, so_far(copied as u64, wanted))
        });
    }
    let left = process.files.lock().rest(file)?;
    let copied = user_memory::write(&place, left);
    process.files.lock().advance(file, copied)?;
    so_far(copied as u64, bytes.min(left.len() as u64))
}

fn open(process: &Process, address: u64, bytes: u64) -> Answer {
    let mut name = [0; NAME_BYTES];
    let content = ramdisk::find(copy_name(address, bytes, &mut name)?).ok_or(Error(ENOENT))?;
    process.files.lock().open(content)
}

/// Copies a name; one that is no text is none of a file.
fn copy_name(address: u64, bytes: u64, name: &mut [u8; NAME_BYTES]) -> Result<&str, Error> {
    arguments::length(bytes, NAME_BYTES, EINVAL)?;
    let name = user_memory::read_all(&arguments::bytes(address, bytes)?, name)?;
    str::from_utf8(name).map_err(|_| Error(ENOENT))
}

fn sleep(nanoseconds: u64) {
    let now = time::now();
    // What ends behind the end of time lasts as long.
    let longest = u64::MAX - now.ns();
    tasks::sleep_until(now + Duration::from_nanos(nanoseconds.min(longest)));
}

fn spawn(process: &Process, [name, name_bytes, address, bytes]: [u64; 4]) -> Answer {
    let (mut name_buffer, mut buffer) = ([0; NAME_BYTES], [0; ARGUMENT_BYTES]);
    let name = copy_name(name, name_bytes, &mut name_buffer)?;
    arguments::length(bytes, ARGUMENT_BYTES, E2BIG)?;
    let arguments = user_memory::read_all(&arguments::bytes(address, bytes)?, &mut buffer)?;
    let spawned = life::spawn(name, arguments, Parent::Process(process.id));
    spawned.map(ProcessId::number).map_err(|error| {
        Error(match error {
            SpawnError::NotFound => ENOENT,
            SpawnError::NotProgram(_) => ENOEXEC,
            SpawnError::Full => EAGAIN,
            SpawnError::NoMemory => ENOMEM,
        })
    })
}

fn wait(process: &Process, child: u64) -> Answer {
    let child = ProcessId::new(child).ok_or(Error(ECHILD))?;
    let status = life::wait(child, Parent::Process(process.id));
    status.map(Status::word).map_err(|_| Error(ECHILD))
}
