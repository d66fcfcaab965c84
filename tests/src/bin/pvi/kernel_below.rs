//! A kernel's operations on interrupts in ring 3, on VIF, and this kernel in ring 0 as what is below it.
//!
//! The code is that of the back end `virtual_flag`, byte by byte. An interrupt for the kernel in ring 3 is
//! delivered if VIF is set; else VIP is set, and the fault of its next STI is the time to deliver.
//! The same statement of what operations do as in `cargo xtask test sites` has to come true.

use core::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use scenarios::{
    programs::{Ring, Stage, exception},
    random::Random,
};
use xenolith_guest::{
    check, check_eq,
    entry::Frame,
    events,
    irq::Flags,
    println,
    probe::{exception::continue_with, interrupts::BackEnd},
    pvops::Op,
    scenario::Checks,
    time::{self, Alarm, SystemTime},
};

use super::{VIF, VIP, set_pvi};

/// Sequences of operations, and operations in one.
const SEQUENCES: u64 = 20;
const STEPS: u64 = 60;

/// The operations but waiting.
const OPERATIONS: [Op; 4] = [Op::IrqDisable, Op::IrqEnable, Op::SaveFl, Op::RestoreFl];

/// RFLAGS in ring 3: the processor's interrupts are always enabled there.
const RFLAGS: u64 = 2 | Flags::IF.bits();

/// All that is checked on a processor with PVI.
pub(crate) fn check(checks: &mut Checks, stage: &mut Stage) {
    set_pvi(true);
    for seed in 0..SEQUENCES {
        check_sequence(checks, stage, &mut Random::new(seed));
    }
    check_wait(checks, stage);
    check_interrupts(checks, stage);
    print_instructions(checks, stage);
    set_pvi(false);
}

/// What is below: the flags of the kernel in ring 3, and interrupts that it has been given.
struct Below {
    flags: u64,
    served: u64,
}

impl Below {
    /// An interrupt for the kernel in ring 3.
    fn interrupt(&mut self) {
        if self.flags & VIF != 0 {
            self.served += 1;
        } else {
            self.flags |= VIP;
        }
    }

    /// Runs code in ring 3 to its end; delivers at the fault of an STI.
    fn run(&mut self, checks: &mut Checks, stage: &mut Stage, code: &[u8], rdi: u64) -> Frame {
        let mut frame = stage.load(Ring::User, code, Flags::IF);
        let (start, end) = (frame.rip, frame.rip + code.len() as u64);
        (frame.rflags, frame.rdi) = (RFLAGS | self.flags, rdi);
        let mut seen = continue_with(&frame);
        if seen.cause() == exception(13) {
            check_eq!(checks, self.flags & (VIF | VIP), VIP, "STI faults if one waits");
            check_eq!(checks, seen.rflags & (VIF | VIP), VIP, "and has not set VIF");
            check!(checks, (start..end).contains(&seen.rip) && seen.error_code == 0, "{seen}");
            self.served += 1;
            seen.rflags &= !VIP;
            seen = continue_with(&seen);
        }
        check_eq!(
            checks,
            (seen.cause(), seen.rip),
            (exception(3), end + 1),
            "the end of {code:x?}"
        );
        check_eq!(checks, seen.rflags & RFLAGS, RFLAGS, "the processor's IF");
        self.flags = seen.rflags & (VIF | VIP);
        seen
    }
}

/// Random operations with random interrupts in between, and what must come of them.
fn check_sequence(checks: &mut Checks, stage: &mut Stage, random: &mut Random) {
    let mut below = Below { flags: VIF, served: 0 };
    let mut expected = Expected::default();
    for _ in 0..STEPS {
        if random.once_in(4) {
            below.interrupt();
            expected.waits = true;
            expected.set(expected.disabled);
        }
        let op = random.one_of(&OPERATIONS);
        let flags = Flags::from_bits(random.next());
        let seen = below.run(checks, stage, BackEnd::VirtualFlag.code(op), flags.bits());
        match op {
            Op::IrqDisable => expected.set(true),
            Op::IrqEnable => expected.set(false),
            Op::RestoreFl if flags.is_enabled() => expected.set(false),
            _ => {}
        }
        check_eq!(checks, below.flags & VIF == 0, expected.disabled, "{op:?}: VIF");
        check_eq!(checks, below.served, expected.served, "{op:?}: interrupts");
        let saved = if expected.disabled { Flags::DISABLED } else { Flags::IF };
        check!(checks, op != Op::SaveFl || seen.rax == saved.bits(), "save_fl: {:#x}", seen.rax);
    }
}

/// What operations and interrupts come to, said in another way.
#[derive(Default)]
struct Expected {
    disabled: bool,
    waits: bool,
    served: u64,
}

impl Expected {
    fn set(&mut self, disabled: bool) {
        self.disabled = disabled;
        self.served += u64::from(self.waits && !disabled);
        self.waits &= disabled;
    }
}

/// To wait, a kernel in ring 3 needs whoever is below: HLT faults.
fn check_wait(checks: &mut Checks, stage: &mut Stage) {
    let frame = stage.load(Ring::User, BackEnd::VirtualFlag.code(Op::SafeHalt), Flags::IF);
    let seen = continue_with(&frame);
    check_eq!(checks, (seen.cause(), seen.rip), (exception(13), frame.rip), "HLT");
}

/// Interrupts that have come.
static CAME: AtomicU64 = AtomicU64::new(0);

fn count(_: SystemTime) {
    CAME.fetch_add(1, Relaxed);
}

/// VIF alone holds nothing back: a real interrupt enters ring 0, which has to look at it.
fn check_interrupts(checks: &mut Checks, stage: &mut Stage) {
    /// `mov ecx, 400000; 2: dec ecx; jnz 2b`
    const SPIN: [u8; 9] = [0xb9, 0x80, 0x1a, 0x06, 0x00, 0xff, 0xc9, 0x75, 0xfc];
    check!(checks, events::install().is_ok() && time::install().is_ok(), "the timer");
    for flags in [0, VIF, VIP] {
        let deadline = time::now() + Duration::from_millis(1);
        let is_set = time::set_alarm(Alarm { deadline, period: None, handler: count }).is_ok();
        check!(checks, is_set, "an alarm");
        let before = CAME.load(Relaxed);
        let mut frame = stage.load(Ring::User, &SPIN, Flags::IF);
        frame.rflags = RFLAGS | flags;
        let seen = continue_with(&frame);
        check_eq!(checks, seen.cause(), exception(3), "flags {flags:#x}");
        check_eq!(checks, seen.rflags & (VIF | VIP), flags, "flags behind an interrupt");
        check_eq!(checks, CAME.load(Relaxed), before + 1, "interrupts with flags {flags:#x}");
    }
}

/// What operations take, where the time-stamp counter counts instructions.
fn print_instructions(checks: &mut Checks, stage: &mut Stage) {
    for (name, op, rdi, expected) in [
        ("irq_disable", Op::IrqDisable, 0, 1),
        ("irq_enable", Op::IrqEnable, 0, 1),
        ("save_fl", Op::SaveFl, 0, 4),
        ("restore_fl(IF)", Op::RestoreFl, Flags::IF.bits(), 3),
        ("restore_fl(0)", Op::RestoreFl, 0, 2),
    ] {
        let code = BackEnd::VirtualFlag.code(op);
        let [once, nine] = [1, 9].map(|times| ticks(stage, code, times, rdi));
        let each = (nine - once) / 8;
        check_eq!(checks, each, expected, "instructions of {name}");
        println!("PVI: {name} takes {each} instructions");
    }
}

/// The ticks that code takes so many times over.
fn ticks(stage: &mut Stage, code: &[u8], times: usize, rdi: u64) -> u64 {
    /// `rdtsc; mov r12d, eax`
    const BEGIN: [u8; 5] = [0x0f, 0x31, 0x41, 0x89, 0xc4];
    /// `rdtsc; sub eax, r12d`
    const END: [u8; 5] = [0x0f, 0x31, 0x44, 0x29, 0xe0];
    let mut all = alloc::vec::Vec::from(BEGIN);
    for _ in 0..times {
        all.extend_from_slice(code);
    }
    all.extend_from_slice(&END);
    let mut frame = stage.load(Ring::User, &all, Flags::IF);
    (frame.rflags, frame.rdi) = (RFLAGS | VIF, rdi);
    continue_with(&frame).rax
}
