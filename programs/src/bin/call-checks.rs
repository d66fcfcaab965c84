//! Makes every system call with good and bad arguments and checks the answers.
#![no_std]
#![no_main]

use core::arch::asm;

use xenolith_programs::{
    calls::{self, Answer, call},
    numbers::{
        ARGUMENT_BYTES, CLOSE, E2BIG, EBADF, ECHILD, EFAULT, EINVAL, EMFILE, ENOENT, ENOEXEC,
        ENOMEM, ENOSYS, FILES, GETPID, KILLED, MAP, MAP_BYTES, MAP_WRITE, NAME_BYTES, OPEN, OUTPUT,
        READ, SET_FS_BASE, SLEEP, SPAWN, UNMAP, USER_END, WAIT, WRITE, YIELD,
    },
    program,
    test::Checks,
};

program!(main);

const PAGE: u64 = 4096;

/// Where programs are linked.
const TEXT: u64 = 0x40_0000;

/// The file that is read here, and what it holds.
const MOTTO: &[u8] = b"motto";
const CONTENT: &[u8] = b"One piece of rock enclosed in another.\n";

/// Addresses at which no process has anything that it could use for a system call.
const BAD: [u64; 9] = [
    0,
    0xfff,
    0x1_2345_6000,
    USER_END,
    0x7fff_ffff_ffff,
    0x8000_0000_0000,
    0xffff_8100_0001_0000,
    0xffff_8800_0000_0000,
    0xffff_ffff_8010_1000,
];

/// Makes a call with arguments that need not make sense.
fn raw(number: u64, arguments: [u64; 4]) -> Answer {
    // SAFETY: what the calls here change is memory that was mapped for it, or nothing.
    unsafe { call(number, arguments) }
}

fn address<T>(value: &T) -> u64 {
    core::ptr::from_ref(value).addr() as u64
}

fn main(_: &'static [u8]) -> u8 {
    let mut checks = Checks::default();
    for part in
        [numbers, write, read, files, time, map, unmap, spawn, wait, fs_base, registers, flags]
    {
        part(&mut checks);
    }
    checks.finish("call-checks")
}

fn numbers(checks: &mut Checks) {
    checks.equal("getpid", calls::getpid() != 0, true);
    checks.equal("getpid again", calls::getpid(), calls::getpid());
    for number in [SET_FS_BASE + 1, 64, 1 << 32, 1 << 32 | GETPID, u64::MAX] {
        checks.equal("a number of no call", raw(number, [0; 4]), Err(ENOSYS));
    }
}

fn write(checks: &mut Checks) {
    checks.equal("write", calls::write(OUTPUT, b"written\n"), Ok(8));
    checks.equal("write nothing", raw(WRITE, [OUTPUT, 0, 0, 0]), Ok(0));
    for file in [0, 3, 10, 11, 1 << 32 | OUTPUT, u64::MAX] {
        checks.equal(
            "write to no file",
            raw(WRITE, [file, address(&CONTENT[0]), 1, 0]),
            Err(EBADF),
        );
    }
    for bad in BAD {
        checks.equal("write from nowhere", raw(WRITE, [OUTPUT, bad, 8, 0]), Err(EFAULT));
    }
    let text = address(&CONTENT[0]);
    for bytes in [u64::MAX, 0xffff_8000_0000_0000, USER_END] {
        checks.equal("write too much", raw(WRITE, [OUTPUT, text, bytes, 0]), Err(EFAULT));
    }
    let Ok(page) = calls::map(PAGE, MAP_WRITE) else { return checks.equal("map", false, true) };
    put(page + PAGE - 4, *b"abc\n");
    let written = raw(WRITE, [OUTPUT, page + PAGE - 4, 8, 0]);
    checks.equal("write as far as there is something", written, Ok(4));
    checks.equal("write from behind", raw(WRITE, [OUTPUT, page + PAGE, 8, 0]), Err(EFAULT));
}

/// Stores bytes at an address.
fn put<T>(address: u64, value: T) {
    let place = core::ptr::with_exposed_provenance_mut(usize::try_from(address).unwrap_or(0));
    // SAFETY: the callers' addresses are in memory that they have mapped for it.
    unsafe { core::ptr::write_unaligned(place, value) }
}

/// Loads bytes from an address.
fn get<T: Copy>(address: u64) -> T {
    let place = core::ptr::with_exposed_provenance(usize::try_from(address).unwrap_or(0));
    // SAFETY: as for `put`.
    unsafe { core::ptr::read_unaligned(place) }
}

fn read(checks: &mut Checks) {
    let Ok(file) = calls::open(MOTTO) else { return checks.equal("open", false, true) };
    for bad in BAD {
        checks.equal("read to nowhere", raw(READ, [file, bad, 8, 0]), Err(EFAULT));
    }
    checks.equal("read to text", raw(READ, [file, TEXT, 8, 0]), Err(EFAULT));
    checks.equal("read to a constant", raw(READ, [file, address(&CONTENT[0]), 8, 0]), Err(EFAULT));
    let zeros = calls::map(PAGE, 0).unwrap_or_default();
    checks.equal("read to zeros", raw(READ, [file, zeros, 8, 0]), Err(EFAULT));
    checks.equal(
        "read to zeros that were read",
        (get(zeros), raw(READ, [file, zeros, 8, 0])),
        (0_u64, Err(EFAULT)),
    );
    checks.equal("read nothing", raw(READ, [file, 0, 0, 0]), Ok(0));
    let page = calls::map(PAGE, MAP_WRITE).unwrap_or_default();
    let part = raw(READ, [file, page + PAGE - 4, 8, 0]);
    checks.equal("read as far as there is room", (part, get(page + PAGE - 4)), (Ok(4), *b"One "));
    let mut rest = [0; 64];
    let got = calls::read(file, &mut rest);
    checks.equal("read the rest", got, Ok(CONTENT.len() as u64 - 4));
    checks.equal("what was read", &rest[..CONTENT.len() - 4], &CONTENT[4..]);
    checks.equal("read at the end", calls::read(file, &mut rest), Ok(0));
    for number in [1, 2, file + 1, 11, 1 << 32, u64::MAX] {
        checks.equal("read from no file", raw(READ, [number, page, 1, 0]), Err(EBADF));
    }
    checks.equal("close", calls::close(file), Ok(0));
    checks.equal("read what is closed", calls::read(file, &mut rest), Err(EBADF));
}

fn files(checks: &mut Checks) {
    checks.equal("open what is not there", calls::open(b"nothing"), Err(ENOENT));
    checks.equal("open no name", calls::open(b""), Err(ENOENT));
    checks.equal("open no text", calls::open(&[0xff, 0xfe]), Err(ENOENT));
    checks.equal("open a long name", calls::open(&[b'a'; NAME_BYTES]), Err(ENOENT));
    checks.equal("open a longer name", calls::open(&[b'a'; NAME_BYTES + 1]), Err(EINVAL));
    checks.equal("open without end", raw(OPEN, [address(&MOTTO[0]), u64::MAX, 0, 0]), Err(EINVAL));
    for bad in BAD {
        checks.equal("open from nowhere", raw(OPEN, [bad, 5, 0, 0]), Err(EFAULT));
    }
    let mut opened = [0; FILES];
    opened.fill_with(|| calls::open(MOTTO).unwrap_or_default());
    checks.equal("files", opened, core::array::from_fn(|index| index as u64 + 3));
    checks.equal("one file more", calls::open(MOTTO), Err(EMFILE));
    for file in opened {
        checks.equal("close", calls::close(file), Ok(0));
    }
    for file in [0, 1, 2, 3, 11, u64::MAX] {
        checks.equal("close no file", raw(CLOSE, [file, 0, 0, 0]), Err(EBADF));
    }
}

fn time(checks: &mut Checks) {
    checks.equal("yield", raw(YIELD, [u64::MAX; 4]), Ok(0));
    checks.equal("sleep for no time", raw(SLEEP, [0; 4]), Ok(0));
    checks.equal("sleep", calls::sleep(3_000_000), Ok(0));
}

fn map(checks: &mut Checks) {
    checks.equal("map nothing", raw(MAP, [0, MAP_WRITE, 0, 0]), Err(EINVAL));
    for flags in [2, 3, 1 << 63, u64::MAX] {
        checks.equal("map with other flags", raw(MAP, [PAGE, flags, 0, 0]), Err(EINVAL));
    }
    for bytes in [MAP_BYTES + 1, 1 << 47, u64::MAX] {
        checks.equal("map too much", raw(MAP, [bytes, MAP_WRITE, 0, 0]), Err(ENOMEM));
    }
    let [one, two] = [(); 2].map(|()| calls::map(1, MAP_WRITE).unwrap_or_default());
    checks.equal("map whole pages", (one % PAGE, two.abs_diff(one) >= PAGE), (0, true));
    checks.equal("zeros", (get(one), get(one + PAGE - 8)), (0_u64, 0_u64));
    put(one, 5_u64);
    checks.equal("one and the other", (get(one), get(two)), (5_u64, 0_u64));
    checks.equal("map much", calls::map(MAP_BYTES, MAP_WRITE).is_ok(), true);
    // Their processes end with all of it.
    let most = (0..100).find(|_| calls::map(PAGE, 0).is_err());
    checks.equal("map many", most.is_some(), true);
    checks.equal("map one more", calls::map(PAGE, 0), Err(ENOMEM));
    checks.equal("what was written stays", get(one), 5_u64);
    // SAFETY: nothing uses what `map` has mapped here.
    let gone = unsafe { calls::unmap(0x1000_0000_0000, 1 << 40) };
    checks.equal("unmap all", gone, Ok(0));
}

fn unmap(checks: &mut Checks) {
    let start = calls::map(4 * PAGE, MAP_WRITE).unwrap_or_default();
    (0..4).for_each(|page| put(start + page * PAGE, page + 1));
    for (address, bytes) in [
        (start + 1, PAGE),
        (start, 0),
        (start, u64::MAX),
        (0, PAGE),
        (USER_END, PAGE),
        (USER_END - PAGE, 2 * PAGE),
        (0xffff_8000_0000_0000, PAGE),
        (0xffff_ffff_8010_0000, PAGE),
    ] {
        checks.equal("unmap what cannot be", raw(UNMAP, [address, bytes, 0, 0]), Err(EINVAL));
    }
    checks.equal("unmap one", raw(UNMAP, [start + PAGE, 1, 0, 0]), Ok(0));
    checks.equal("unmap it again", raw(UNMAP, [start + PAGE, PAGE, 0, 0]), Ok(0));
    checks.equal("it is gone", raw(WRITE, [OUTPUT, start + PAGE, 1, 0]), Err(EFAULT));
    let rest = [0, 2, 3].map(|page| get(start + page * PAGE));
    checks.equal("the others are not", rest, [1_u64, 3, 4]);
    let again = calls::map(PAGE, MAP_WRITE);
    checks.equal("map where room is", again, Ok(start + PAGE));
    checks.equal("zeros again", get(start + PAGE), 0_u64);
}

fn spawn(checks: &mut Checks) {
    checks.equal("spawn nothing", calls::spawn(b"nothing", b""), Err(ENOENT));
    checks.equal("spawn text", calls::spawn(MOTTO, b""), Err(ENOEXEC));
    checks.equal("spawn a long name", calls::spawn(&[b'a'; NAME_BYTES + 1], b""), Err(EINVAL));
    let many = [b'x'; ARGUMENT_BYTES + 1];
    checks.equal("spawn with too much", calls::spawn(b"echo", &many), Err(E2BIG));
    let name = [address(&MOTTO[0]), MOTTO.len() as u64];
    for bad in BAD {
        checks.equal("spawn from nowhere", raw(SPAWN, [bad, 5, 0, 0]), Err(EFAULT));
        let [at, bytes] = name;
        checks.equal("spawn with nothing", raw(SPAWN, [at, bytes, bad, 8]), Err(EFAULT));
    }
    let child = calls::spawn(b"echo", b"the child speaks").unwrap_or_default();
    checks.equal("a child", (child != 0, child == calls::getpid()), (true, false));
    checks.equal("wait", calls::wait(child), Ok(0));
    let mut most = [b'0'; ARGUMENT_BYTES];
    most[..7].copy_from_slice(b"status ");
    most[ARGUMENT_BYTES - 1] = b'9';
    let child = calls::spawn(b"misbehave", &most).and_then(calls::wait);
    checks.equal("spawn with as much as may be", child, Ok(9));
}

fn wait(checks: &mut Checks) {
    let child = calls::spawn(b"misbehave", b"status 7").unwrap_or_default();
    for other in [0, child + 1, calls::getpid(), 1 << 32 | child, u64::MAX] {
        checks.equal("wait for no child", raw(WAIT, [other, 0, 0, 0]), Err(ECHILD));
    }
    checks.equal("its status", calls::wait(child), Ok(7));
    checks.equal("wait again", calls::wait(child), Err(ECHILD));
    let killed = calls::spawn(b"misbehave", b"ud2").and_then(calls::wait);
    checks.equal("a child that is killed", killed, Ok(KILLED | 6));
}

fn fs_base(checks: &mut Checks) {
    for bad in [USER_END, 0x8000_0000_0000, 0xffff_8000_0000_0000, u64::MAX] {
        checks.equal("a base that is the kernel's", raw(SET_FS_BASE, [bad, 0, 0, 0]), Err(EINVAL));
    }
    let word = 0x1234_5678_9abc_def0_u64;
    checks.equal("set_fs_base", raw(SET_FS_BASE, [address(&word), 0, 0, 0]), Ok(0));
    let seen: u64;
    // SAFETY: the base has just been set.
    unsafe { asm!("mov {}, fs:[0]", out(reg) seen) }
    checks.equal("by fs", seen, word);
}

/// A call changes RAX, RCX and R11 alone, and takes the flags as they are.
fn registers(checks: &mut Checks) {
    for number in [GETPID, YIELD, u64::MAX] {
        let mut r: [u64; 10] = core::array::from_fn(|at| 0x1111_1111 * (at as u64 + 1));
        let before = r;
        let (flags, behind): (u64, u64);
        // SAFETY: the calls touch no memory; the direction flag is clear again behind them.
        unsafe {
            asm!(
                "push rbx", "push rbp",
                "mov rbx, {number}", "mov rbp, 0x5555",
                "xchg rax, rbx", "std", "syscall", "pushfq", "pop rcx", "cld",
                "mov r11, rbp", "pop rbp", "pop rbx",
                number = in(reg) number, out("rax") _, lateout("rcx") flags,
                lateout("r11") behind,
                inout("rdi") r[0], inout("rsi") r[1], inout("rdx") r[2], inout("r8") r[3],
                inout("r9") r[4], inout("r10") r[5], inout("r12") r[6], inout("r13") r[7],
                inout("r14") r[8],
            );
        }
        r[9] = before[9];
        checks.equal("registers", r, before);
        checks.equal("rbp", behind, 0x5555);
        checks.equal("the direction flag", flags & 0x400, 0x400);
    }
}

/// A call leaves every flag as it was, and RCX and R11 as SYSCALL does.
fn flags(checks: &mut Checks) {
    const DF: u64 = 1 << 10;
    const NT: u64 = 1 << 14;
    const AC: u64 = 1 << 18;
    for set in [0, 0x8d5, DF, NT, AC, DF | NT | AC | 0x8d5] {
        let (before, behind, rcx, r11, rip): (u64, u64, u64, u64, u64);
        // SAFETY: the call touches no memory, and the flags are as they were in the end.
        unsafe {
            asm!(
                "pushfq",
                "pop r12",
                "or {before}, r12",
                "lea {rip}, [rip + 2f]",
                "push {before}",
                "popfq",
                "syscall",
                "2: pushfq",
                "pop {behind}",
                "push r12",
                "popfq",
                before = inout(reg) set => before,
                behind = out(reg) behind,
                rip = out(reg) rip,
                inout("rax") GETPID => _,
                out("rcx") rcx,
                out("r11") r11,
                out("r12") _,
            );
        }
        checks.equal("flags behind a call", behind, before);
        checks.equal("rcx and r11", [rcx, r11], [rip, before]);
    }
}
