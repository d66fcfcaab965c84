//! The system calls of the paired kernel: what the kernel and its programs agree on.
//!
//! A call is SYSCALL with the number in RAX and arguments in RDI, RSI, RDX and R10. RAX is the
//! result; from -4095 to -1 it is an error, negated. RCX and R11 are overwritten; every other
//! register, those of the x87 and vector units among them, stays.
//!
//! | number | call | arguments | result |
//! |---|---|---|---|
//! | 0 | [`EXIT`] | status, of which the low 8 bits count | does not return |
//! | 1 | [`WRITE`] | file, address, bytes | bytes written |
//! | 2 | [`READ`] | file, address, bytes | bytes read; 0 at the end |
//! | 3 | [`OPEN`] | address and bytes of a name | file |
//! | 4 | [`CLOSE`] | file | 0 |
//! | 5 | [`SLEEP`] | nanoseconds | 0 |
//! | 6 | [`YIELD`] | | 0 |
//! | 7 | [`MAP`] | bytes, [`MAP_WRITE`] or 0 | address |
//! | 8 | [`UNMAP`] | address, bytes | 0 |
//! | 9 | [`SPAWN`] | address and bytes of a program's name, then of its arguments | process |
//! | 10 | [`WAIT`] | process | how it ended: a status, [`KILLED`], [`INTERRUPTED`] |
//! | 11 | [`GETPID`] | | process |
//! | 12 | [`SET_FS_BASE`] | address | 0 |
//!
//! Errors common to all: [`ENOSYS`] for a number without a call; [`EFAULT`] for bytes that the
//! process cannot read or write, as far as they had to be reached. A program begins with the
//! address of its arguments in RDI and their number of bytes in RSI.
#![no_std]
#![forbid(unsafe_code)]

/// Ends the process, whatever it was doing.
pub const EXIT: u64 = 0;
/// Writes to [`OUTPUT`] or [`ERRORS`], the console. Other files: [`EBADF`]. What lies in front of a
/// byte that cannot be read is written.
pub const WRITE: u64 = 1;
/// Reads: from [`INPUT`] a line of the console with its line end, or as much of it as there is room
/// for; from a file what comes next. Other files: [`EBADF`].
pub const READ: u64 = 2;
/// Opens a file of the ramdisk for reading. [`ENOENT`]: there is none of the name; [`EMFILE`]: the
/// process has [`FILES`] files; [`EINVAL`]: a name longer than [`NAME_BYTES`].
pub const OPEN: u64 = 3;
/// Closes a file that [`OPEN`] has opened. Others: [`EBADF`].
pub const CLOSE: u64 = 4;
/// Lets others run for so long.
pub const SLEEP: u64 = 5;
/// Lets others run now.
pub const YIELD: u64 = 6;
/// Maps zeroed memory, whole pages, where there is room; it takes memory when it is used.
/// [`EINVAL`]: no bytes, or unknown flags; [`ENOMEM`]: more than [`MAP_BYTES`], no room, or too many
/// pieces.
pub const MAP: u64 = 7;
/// Unmaps whole pages, mapped or not. [`EINVAL`]: an address inside a page, no bytes, or what is
/// not a process's; [`ENOMEM`]: too many pieces are left.
pub const UNMAP: u64 = 8;
/// Starts a program of the ramdisk. [`ENOENT`]: there is none; [`ENOEXEC`]: it is no program;
/// [`EINVAL`]: a name longer than [`NAME_BYTES`]; [`E2BIG`]: more than [`ARGUMENT_BYTES`];
/// [`EAGAIN`]: there are as many processes as there can be; [`ENOMEM`]: no memory is left.
pub const SPAWN: u64 = 9;
/// Waits for the end of a process that the caller has spawned, once. Others: [`ECHILD`].
pub const WAIT: u64 = 10;
/// The caller's own number.
pub const GETPID: u64 = 11;
/// Sets the base of FS. [`EINVAL`]: an address that is not a process's.
pub const SET_FS_BASE: u64 = 12;

/// What was typed, a line at a time.
pub const INPUT: u64 = 0;
/// The console.
pub const OUTPUT: u64 = 1;
/// The console as well.
pub const ERRORS: u64 = 2;

/// Memory that [`MAP`] maps can be written; without, it is zeros for ever.
pub const MAP_WRITE: u64 = 1;

/// Files of the ramdisk that a process can have open.
pub const FILES: usize = 8;
/// The most bytes of a name.
pub const NAME_BYTES: usize = 64;
/// The most bytes of a program's arguments.
pub const ARGUMENT_BYTES: usize = 1024;
/// The most bytes that one [`MAP`] maps.
pub const MAP_BYTES: u64 = 1 << 30;
/// Where a process's addresses begin; none is below.
pub const USER_START: u64 = 0x1_0000;
/// Where a process's addresses end. The last page that they could have is left out, so that no
/// SYSCALL returns to an address that is not canonical.
pub const USER_END: u64 = 0x7fff_ffff_f000;

/// Bit of [`WAIT`]'s result: the process was killed by the exception in the low 8 bits. Otherwise
/// these are the status it has given.
pub const KILLED: u64 = 0x100;
/// [`WAIT`]'s result: the process was ended by Ctrl-C or Ctrl-\ on the console.
pub const INTERRUPTED: u64 = 0x200;

/// No such file or program.
pub const ENOENT: i64 = 2;
/// Too many arguments.
pub const E2BIG: i64 = 7;
/// Not a program.
pub const ENOEXEC: i64 = 8;
/// Not an open file, or not one for this.
pub const EBADF: i64 = 9;
/// Not a process of the caller's.
pub const ECHILD: i64 = 10;
/// There are as many as there can be.
pub const EAGAIN: i64 = 11;
/// No memory, or no room in the address space.
pub const ENOMEM: i64 = 12;
/// An address that the process cannot use so.
pub const EFAULT: i64 = 14;
/// An argument that makes no sense.
pub const EINVAL: i64 = 22;
/// As many open files as there can be.
pub const EMFILE: i64 = 24;
/// Not a system call.
pub const ENOSYS: i64 = 38;
