//! One call, in each of the forms that it can have.

use xenolith_guest::{
    abi::{
        errno::EAGAIN,
        hypercall::{MMU_UPDATE, MMUEXT_OP, MULTICALL},
        xenolith::NO_RESTART,
    },
    clock::ticks,
    irq::Flags,
    println,
    probe::{
        hypercall::by_page_in_pieces,
        memory::{read_u64, write_u64},
        registers::{self, Registers},
    },
    scenario::Checks,
};

use crate::{
    ground::{Ground, Sight},
    places::WRAPPER,
};

/// How often forms may differ before it counts. The hypervisor may cut any call to see to something
/// else, which a list of calls shows in memory; but not again and again.
const TRIES: u32 = 3;

/// A call, and the words that it finds in the data pages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    pub(crate) number: u32,
    pub(crate) arguments: [u64; 5],
    pub(crate) words: alloc::vec::Vec<(usize, u64)>,
}

/// How a call is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    Inline,
    Page,
    NoRestart,
    NoRestartPage,
    /// As the entry of a list.
    Entry,
    /// As such, with the bit in both numbers.
    NoRestartEntry,
}

/// What came of a call.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Effect {
    pub(crate) result: i64,
    /// Whether what no call may change is as it was: registers, words of an entry.
    pub(crate) kept: bool,
    pub(crate) sight: Sight,
}

impl Form {
    const ALL: [Self; 6] = [
        Self::Inline,
        Self::Page,
        Self::NoRestart,
        Self::NoRestartPage,
        Self::Entry,
        Self::NoRestartEntry,
    ];

    /// Returns the forms of a call; a list within a list is refused.
    pub(crate) fn of(number: u32) -> &'static [Self] {
        if number == MULTICALL { &Self::ALL[..4] } else { &Self::ALL }
    }
}

/// Makes a call in all its forms and checks that nobody could tell them apart; returns the first's
/// effect.
pub(crate) fn compare(checks: &mut Checks, ground: &mut Ground, case: &Case) -> Effect {
    let mut tries = TRIES;
    loop {
        let expected = make(ground, case, Form::Inline);
        let other = |&form: &Form| {
            let found = make(ground, case, form);
            (!found.kept || found != expected).then_some((form, found))
        };
        tries -= 1;
        match Form::of(case.number).iter().find_map(other) {
            None => {
                checks.pass();
                return expected;
            }
            Some(_) if tries > 0 => {}
            Some((form, found)) => {
                let results = [expected.result, found.result];
                checks.fail(format_args!("{form:?}: {results:?}, registers kept: {}", found.kept));
                explain(case, &expected.sight, &found.sight);
                return expected;
            }
        }
    }
}

fn explain(case: &Case, expected: &Sight, found: &Sight) {
    println!("{case:x?}");
    println!("registers {:x?} instead of {:x?}", found.registers, expected.registers);
    let pairs = expected.words.iter().zip(&found.words);
    for (at, (expected, found)) in pairs.enumerate().filter(|(_, (a, b))| a != b).take(8) {
        println!("word {:#x} of page {}: {found:#x}, not {expected:#x}", at % 512, at / 512);
    }
    settle();
}

/// Waits until the hypervisor has nothing to do but what it is asked to: it looks after the console
/// for some time behind each line.
pub(crate) fn settle() {
    const TICKS: u64 = 5_000_000;
    let start = ticks();
    while ticks() - start < TICKS {
        core::hint::spin_loop();
    }
}

/// Lays out the ground, makes the call, and looks.
fn make(ground: &mut Ground, case: &Case, form: Form) -> Effect {
    ground.lay_out(&case.words);
    let (result, kept) = call(ground, case, form);
    Effect { result, kept, sight: ground.look() }
}

/// Makes the call on the ground as it is; returns its result, and whether the rest was kept.
pub(crate) fn call(ground: &Ground, case: &Case, form: Form) -> (i64, bool) {
    let number = u64::from(case.number);
    match form {
        Form::Inline => inline(number, case.arguments),
        Form::NoRestart => inline(number | u64::from(NO_RESTART), case.arguments),
        Form::Page => by_page(case.number, case.arguments),
        Form::NoRestartPage => by_page(case.number | NO_RESTART, case.arguments),
        Form::Entry => entry(ground, case, 0),
        Form::NoRestartEntry => entry(ground, case, NO_RESTART.into()),
    }
}

/// Makes a call by the instruction, with all registers different, again while it says so.
fn inline(number: u64, arguments: [u64; 5]) -> (i64, bool) {
    let mut before = Registers::pattern(number);
    [before.rdi, before.rsi, before.rdx, before.r10, before.r8] = arguments;
    loop {
        before.rax = number;
        let mut after = before;
        registers::syscall(&mut after);
        let result = after.rax.cast_signed();
        // SYSCALL itself loads two; the processor's own IF decides nothing.
        let rflags = after.rflags & !Flags::IF.bits();
        let kept = Registers { rax: number, rcx: before.rcx, r11: before.r11, rflags, ..after };
        if result != -EAGAIN {
            return (result, kept == allowed(number, before, &kept));
        }
        before = kept;
    }
}

/// Returns the registers that a call may leave. Those of a list move on with it.
fn allowed(number: u64, before: Registers, after: &Registers) -> Registers {
    let is_list = |list: &u32| number & !u64::from(NO_RESTART) == u64::from(*list);
    if [MULTICALL, MMU_UPDATE, MMUEXT_OP].iter().any(is_list) {
        Registers { rdi: after.rdi, rsi: after.rsi, ..before }
    } else {
        before
    }
}

/// Makes a call by the page.
fn by_page(number: u32, mut arguments: [u64; 5]) -> (i64, bool) {
    loop {
        let before = arguments;
        let result = by_page_in_pieces(number, &mut arguments);
        if result != -EAGAIN {
            let [_, _, rest @ ..] = arguments;
            return (result, rest == before[2..]);
        }
    }
}

/// Makes a call as the only entry of a list.
fn entry(ground: &Ground, case: &Case, bit: u64) -> (i64, bool) {
    const BEHIND: u64 = 0xabcd;
    let at = ground.address(WRAPPER * 4096);
    let number = u64::from(case.number) | bit;
    let words = [number, 0xeeee].into_iter().chain(case.arguments).chain([BEHIND]);
    for (word, value) in (0..).zip(words) {
        write_u64(at + 8 * word, value);
    }
    loop {
        let arguments = [at.as_u64(), 1, 0, 0, 0];
        let (answer, kept) = inline(u64::from(MULTICALL) | bit, arguments);
        let result = read_u64(at + 8_u64).cast_signed();
        if answer != 0 || result != -EAGAIN {
            let kept_words = read_u64(at) == number && read_u64(at + 56_u64) == BEHIND;
            return (result, kept && kept_words && answer == 0);
        }
    }
}
