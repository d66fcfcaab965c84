//! Single instructions in every state of the flags that matter.

use scenarios::programs::{Ring, Stage, exception};
use xenolith_guest::{
    abi::segment::{FLAT_USER_CS64, FLAT_USER_SS64},
    check_eq,
    entry::{Cause, Frame},
    irq::Flags,
    probe::{control, exception::catch, exception::continue_with, pvops::continue_behind_syscall},
    scenario::Checks,
};

use super::{PVI, VIF, VIP, set_pvi};

const IF: u64 = Flags::IF.bits();
const IOPL: u64 = 3 << 12;
/// The flags that this is about.
const ALL: u64 = IF | VIF | VIP | IOPL;
/// The bit of RFLAGS that is always one.
const ONE: u64 = 2;

/// Instructions, as far as they look the same everywhere.
const CLI: u8 = 0xfa;
const STI: u8 = 0xfb;
const SYSCALL: [u8; 2] = [0x0f, 0x05];

/// What is executed.
#[derive(Clone, Copy, Debug)]
enum Tried {
    Cli,
    Sti,
    /// POPF of a word with all of the flags, or with none.
    Popf(u64),
    /// PUSHF, and what it has pushed in RAX.
    Pushf,
    /// IRET to the same ring with all of the flags, or with none.
    Iret(u64),
}

/// The state before.
#[derive(Clone, Copy, Debug)]
struct State {
    ring: Ring,
    pvi: bool,
    /// Whether the processor has VIF and VIP at all.
    has_vif: bool,
    /// IF, VIF, VIP and IOPL.
    flags: u64,
}

/// Everything on a processor that has PVI, or on one that has not.
pub(crate) fn check(checks: &mut Checks, stage: &mut Stage, is_there: bool) {
    for pvi in [false, true] {
        if catch(|| set_pvi(pvi)).is_some() {
            check_eq!(checks, (pvi, is_there), (true, false), "CR4.PVI is refused");
            continue;
        }
        check_eq!(checks, control::cr4() & PVI != 0, pvi, "CR4.PVI");
        for ring in Ring::ALL {
            for number in 0..32 {
                let flags = flags(number, is_there);
                let before = State { ring, pvi: pvi && is_there, has_vif: is_there, flags };
                check_state(checks, stage, before);
            }
        }
        if is_there {
            check_system_calls(checks, stage);
        }
    }
    set_pvi(false);
}

/// The flags by the bits of a number: IF, VIF, VIP, and two for IOPL.
fn flags(number: u64, has_vif: bool) -> u64 {
    let bit = |index: u32, flag: u64| if number >> index & 1 != 0 { flag } else { 0 };
    let virtual_flags = if has_vif { bit(1, VIF) | bit(2, VIP) } else { 0 };
    bit(0, IF) | virtual_flags | (number >> 3) << 12
}

fn check_state(checks: &mut Checks, stage: &mut Stage, before: State) {
    let all = [Tried::Cli, Tried::Sti, Tried::Popf(0), Tried::Popf(ALL), Tried::Pushf];
    for tried in all.into_iter().chain([Tried::Iret(0), Tried::Iret(ALL)]) {
        let seen = execute(stage, before, tried);
        let (faults, flags) = expected(before, tried);
        let cause = exception(if faults { 13 } else { 3 });
        check_eq!(checks, seen.cause(), cause, "{tried:?}, {before:x?}");
        check_eq!(checks, seen.rflags & ALL, flags, "{tried:?}, {before:x?}: flags behind it");
        if matches!(tried, Tried::Pushf) {
            check_eq!(checks, seen.rax & ALL, before.flags, "{tried:?}, {before:x?}: pushed");
        }
    }
}

/// What the SDM says: whether there is a general-protection fault, and the flags afterwards (2A, "CLI"; 2B,
/// "IRET", "POPF", "STI").
fn expected(State { ring, pvi, has_vif, flags }: State, tried: Tried) -> (bool, u64) {
    let is_user = ring == Ring::User;
    let owns_if = !is_user || flags & IOPL == IOPL;
    let load = |which: u64, new: u64| (false, flags & !which | new & which);
    let all = if has_vif { ALL } else { IF | IOPL };
    match tried {
        Tried::Cli if owns_if => load(IF, 0),
        Tried::Sti if owns_if => load(IF, IF),
        Tried::Cli if pvi => load(VIF, 0),
        Tried::Sti if pvi && flags & VIP == 0 => load(VIF, VIF),
        Tried::Cli | Tried::Sti => (true, flags),
        Tried::Popf(new) if !is_user => load(IF | IOPL, new),
        Tried::Iret(new) if !is_user => load(all, new),
        Tried::Popf(new) | Tried::Iret(new) if owns_if => load(IF, new),
        Tried::Pushf | Tried::Popf(_) | Tried::Iret(_) => (false, flags),
    }
}

/// Executes something; returns the registers at its fault, or at the breakpoint behind it.
fn execute(stage: &mut Stage, before: State, tried: Tried) -> Frame {
    let mut code = [0x90; 32];
    let length = match tried {
        Tried::Cli => put(&mut code, &[&[CLI]]),
        Tried::Sti => put(&mut code, &[&[STI]]),
        // `push imm32; popfq`
        Tried::Popf(new) => put(&mut code, &[&push(new | ONE), &[0x9d]]),
        // `pushfq; pop rax`
        Tried::Pushf => put(&mut code, &[&[0x9c, 0x58]]),
        Tried::Iret(new) => iret(&mut code, before.ring, new),
    };
    let mut frame = stage.load(before.ring, &code[..length], Flags::DISABLED);
    frame.rflags = ONE | before.flags;
    continue_with(&frame)
}

/// Puts parts one behind the other; returns their length.
fn put(code: &mut [u8], parts: &[&[u8]]) -> usize {
    let bytes = parts.iter().flat_map(|part| part.iter());
    code.iter_mut().zip(bytes).map(|(to, byte)| *to = *byte).count()
}

/// `push imm32`
fn push(word: u64) -> [u8; 5] {
    let [b0, b1, b2, b3, ..] = word.to_le_bytes();
    [0x68, b0, b1, b2, b3]
}

/// An IRET to the instruction behind it, with the same stack and these flags.
fn iret(code: &mut [u8], ring: Ring, flags: u64) -> usize {
    /// `mov rdx, rsp`, `push rdx`
    const RSP: [u8; 3] = [0x48, 0x89, 0xe2];
    const PUSH_RSP: [u8; 1] = [0x52];
    /// `lea rcx, [rip + 3]; push rcx; iretq`
    const TO_NEXT: [u8; 10] = [0x48, 0x8d, 0x0d, 3, 0, 0, 0, 0x51, 0x48, 0xcf];
    let (cs, ss) = ring.selectors();
    let (cs, ss) = (push(cs.into()), push(ss.into()));
    put(code, &[&RSP, &ss, &PUSH_RSP, &push(flags | ONE), &cs, &TO_NEXT])
}

/// SYSCALL keeps VIF and VIP in R11, and SYSRET loads them from there.
fn check_system_calls(checks: &mut Checks, stage: &mut Stage) {
    for flags in [0, VIF, VIP, VIF | VIP].map(|flags| flags | IF) {
        let mut frame = stage.load(Ring::User, &SYSCALL, Flags::IF);
        frame.rflags = ONE | flags;
        let seen = continue_with(&frame);
        check_eq!(checks, seen.cause(), Cause::SystemCall, "{flags:#x}");
        check_eq!(checks, seen.r11 & ALL, flags, "{flags:#x}: R11 behind SYSCALL");
        let mut frame = stage.load(Ring::User, &[], Flags::IF);
        frame.rflags = ONE | flags;
        let seen = continue_behind_syscall(&frame);
        let seen = seen.map(|it| (it.cause(), it.rflags & ALL));
        check_eq!(checks, seen, Some((exception(3), flags)), "{flags:#x}: behind SYSRET");
    }
    let selectors = (FLAT_USER_CS64, FLAT_USER_SS64);
    check_eq!(checks, Ring::User.selectors(), selectors, "those that SYSRET loads");
}
