//! Whether a site does the same patched and as linked, in each world, and what the operation is for.

use anyhow::{Context, Result, ensure};
use xenolith_guest::pvops::{Op, Registers, Site, World};

use super::machine::{IF, Machine, STACK};
use super::records::Program;

/// States in which each site is executed.
const STATES: u64 = 8;

/// Sequences of operations in each world, and the operations in one.
const SEQUENCES: u64 = 300;
const STEPS: u64 = 60;

/// RAX and RDI by number.
const RAX: usize = 0;
const RDI: usize = 7;

/// Compares all; returns how many operations were executed.
///
/// # Errors
/// Two ways of executing an operation differ.
pub(super) fn check(program: &Program) -> Result<u64> {
    let mut count = 0;
    for world in World::ALL {
        let patched = program.patched(world)?;
        for (site, bytes) in program.sites.iter().zip(&patched) {
            for seed in 0..STATES {
                compare(program, world, site, bytes, seed)
                    .with_context(|| format!("the site at {:#x}, {world:?}", site.address))?;
                count += 1;
            }
        }
        let sites = Sites::of(program, &patched)?;
        for seed in 0..SEQUENCES {
            sequence(program, world, &sites, seed)
                .with_context(|| format!("sequence {seed}, {world:?}"))?;
            count += STEPS;
        }
    }
    Ok(count)
}

/// Executes a site as linked and patched in a random state, and compares what comes of it.
fn compare(program: &Program, world: World, site: &Site, bytes: &[u8], seed: u64) -> Result<()> {
    let mut random = Random(seed ^ site.address);
    let mut before = Machine::new(program, world)?;
    before.registers = before.registers.map(|_| random.next());
    before.registers[4] = STACK;
    // Of the arithmetic flags, those that the model knows.
    before.flags = random.next() & (IF | 0xc1);
    before.set_mask(if random.next() & 1 == 0 { 0 } else { random.next().to_le_bytes()[0] });
    if random.next() & 1 == 0 && !before.is_enabled() {
        before.set_due();
    }
    let (mut called, mut inline) = (before.clone(), before.clone());
    called.execute(site, program.bytes(site.address, site.length.into())?)?;
    inline.execute(site, bytes)?;
    let (one, other) = (called.visible(), inline.visible());
    ensure!(one == other, "as linked {one:#x?}, patched {other:#x?}");
    let (one, other) = (called.registers, inline.registers);
    ensure!(one == other, "as linked {one:#x?}, patched {other:#x?}");
    if !site.op().is_some_and(Op::is_jump) {
        for after in [&called, &inline] {
            preserved(&before, after, site.changes())?;
        }
    }
    Ok(())
}

/// Checks that nothing has changed but what may change.
fn preserved(before: &Machine<'_>, after: &Machine<'_>, may_change: Registers) -> Result<()> {
    for (number, pair) in (0_u32..).zip(before.registers.iter().zip(&after.registers)) {
        let register = Registers::from_bits(1 << number);
        ensure!(pair.0 == pair.1 || may_change.contains(register), "[{register}] has changed");
    }
    let is_same = (before.flags ^ after.flags) & !IF == 0;
    ensure!(is_same || may_change.contains(Registers::FLAGS), "flags have changed");
    Ok(())
}

/// One site of each of the operations on interrupts, and what it becomes.
struct Sites<'a>([(Op, &'a Site, &'a [u8]); 4]);

impl<'a> Sites<'a> {
    fn of(program: &'a Program, patched: &'a [Vec<u8>]) -> Result<Self> {
        let find = |op: Op| {
            let index = program.sites.iter().position(|site| site.op() == Some(op));
            let index = index.with_context(|| format!("no site of {}", op.name()))?;
            anyhow::Ok((op, &program.sites[index], &patched[index][..]))
        };
        let [disable, enable] = [find(Op::IrqDisable)?, find(Op::IrqEnable)?];
        Ok(Self([disable, enable, find(Op::SaveFl)?, find(Op::RestoreFl)?]))
    }
}

/// What operations and events come to, said in another way.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    disabled: bool,
    waits: bool,
    served: u32,
}

impl Expected {
    fn set(&mut self, disabled: bool) {
        self.disabled = disabled;
        if self.waits && !disabled {
            self.waits = false;
            self.served += 1;
        }
    }
}

/// Executes random operations with random events in between, as linked, patched, and as expected.
fn sequence(program: &Program, world: World, sites: &Sites<'_>, seed: u64) -> Result<()> {
    let mut random = Random(seed);
    let mut machines = [Machine::new(program, world)?, Machine::new(program, world)?];
    let mut expected = Expected::default();
    for _ in 0..STEPS {
        if random.next().is_multiple_of(4) {
            machines.iter_mut().for_each(Machine::event);
            expected.waits = true;
            expected.set(expected.disabled);
        }
        let (op, site, patched) = sites.0[usize::try_from(random.next() % 4)?];
        let flags = random.next();
        let linked = program.bytes(site.address, site.length.into())?;
        for (machine, bytes) in machines.iter_mut().zip([linked, patched]) {
            machine.registers[RDI] = flags;
            machine.execute(site, bytes)?;
        }
        match op {
            Op::IrqDisable => expected.set(true),
            Op::IrqEnable => expected.set(false),
            Op::RestoreFl if flags & IF != 0 => expected.set(false),
            _ => {}
        }
        for machine in &machines {
            let (enabled, served) = (machine.is_enabled(), machine.served);
            ensure!(
                enabled != expected.disabled && served == expected.served,
                "{op:?}: {expected:?}"
            );
            let saved = if expected.disabled { 0 } else { IF };
            ensure!(op != Op::SaveFl || machine.registers[RAX] == saved, "save_fl: {expected:?}");
        }
    }
    Ok(())
}

/// Random numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
