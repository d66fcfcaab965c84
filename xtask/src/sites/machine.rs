//! A model of the processor that executes sites: the instructions that alternatives and functions of the
//! table are made of, the vCPU's record, and events that wait.
//!
//! What has no result in the model, such as a load of CR3, is noted with its arguments and leaves made-up
//! results that depend on these. So two ways of doing the same leave the same notes and registers.

mod execute;

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use iced_x86::{Decoder, DecoderOptions, Instruction};
use xenolith_guest::pvops::{Op, Site, World};

use super::disassembly::is_through_table;
use super::records::Program;

/// The interrupt flag.
pub(super) const IF: u64 = 1 << 9;

/// Where the stack is, in no program.
pub(super) const STACK: u64 = 0x7000_0000;

/// The most instructions of one operation.
const LIMIT: usize = 100;

/// Offsets in the record: whether an upcall is due, and the mask.
const DUE: u64 = 0;
const MASK: u64 = 1;

/// The processor, and the world around it.
#[derive(Clone, Debug)]
pub(super) struct Machine<'a> {
    program: &'a Program,
    world: World,
    record: u64,
    /// General registers by number.
    pub(super) registers: [u64; 16],
    pub(super) flags: u64,
    rip: u64,
    /// What has been written.
    memory: BTreeMap<u64, u8>,
    /// A bare processor's interrupt that waits.
    waiting: bool,
    /// Interrupts or upcalls that were taken.
    pub(super) served: u32,
    /// What was done that has no result here.
    pub(super) notes: Vec<String>,
    /// The operation has gone for good.
    has_left: bool,
}

/// What others can see of a machine.
#[derive(Debug, PartialEq)]
pub(super) struct Visible {
    /// What has been written, but below the stack pointer.
    memory: BTreeMap<u64, u8>,
    interrupts: (bool, u32, u64),
    notes: Vec<String>,
}

impl<'a> Machine<'a> {
    /// A machine in a world, with interrupts or events enabled and none waiting.
    pub(super) fn new(program: &'a Program, world: World) -> Result<Self> {
        let mut registers = [0; 16];
        registers[4] = STACK;
        Ok(Self {
            program,
            world,
            record: program.record()?,
            registers,
            flags: IF,
            rip: 0,
            memory: BTreeMap::new(),
            waiting: false,
            served: 0,
            notes: Vec::new(),
            has_left: false,
        })
    }

    /// Executes a site that holds `bytes`. As linked, it goes to the function of this world.
    ///
    /// # Errors
    /// It does what the model does not know, or does not end behind the site.
    pub(super) fn execute(&mut self, site: &Site, bytes: &[u8]) -> Result<()> {
        let end = site.address + u64::from(site.length);
        self.rip = site.address;
        for _ in 0..LIMIT {
            if self.rip == end || self.has_left {
                return Ok(());
            }
            let instruction = self.fetch(site, bytes)?;
            self.rip = instruction.next_ip();
            if instruction.ip() == site.address && is_through_table(&instruction) {
                self.enter_function(site, &instruction)?;
            } else {
                self.step(&instruction)?;
            }
        }
        anyhow::bail!("{:#x} does not end", site.address)
    }

    fn fetch(&self, site: &Site, bytes: &[u8]) -> Result<Instruction> {
        let inside = usize::try_from(self.rip.wrapping_sub(site.address))?;
        let code = match bytes.get(inside..) {
            Some(rest) if !rest.is_empty() => rest,
            _ => self.rest_of_function()?,
        };
        let instruction = Decoder::with_ip(64, code, self.rip, DecoderOptions::NONE).decode();
        ensure!(!instruction.is_invalid(), "no instruction at {:#x}", self.rip);
        Ok(instruction)
    }

    fn rest_of_function(&self) -> Result<&[u8]> {
        let function = self.program.function_at(self.rip);
        let Some((start, size, _)) = function else {
            anyhow::bail!("no function at {:#x}", self.rip)
        };
        self.program.bytes(self.rip, usize::try_from(start + size - self.rip)?)
    }

    /// Enters the table's function for a site's operation.
    fn enter_function(&mut self, site: &Site, instruction: &Instruction) -> Result<()> {
        let is_it = |it: &&_| {
            let it: &xenolith_guest::pvops::Function = it;
            it.op() == site.op() && it.is_of(self.world)
        };
        let function = self.program.functions.iter().find(is_it);
        let Some(function) = function else { anyhow::bail!("{:#x} has no function", site.address) };
        if !site.op().is_some_and(Op::is_jump) {
            self.push(instruction.next_ip());
        }
        self.enter(function.address);
        Ok(())
    }

    /// An event or interrupt comes from outside.
    pub(super) fn event(&mut self) {
        match self.world {
            World::Native => self.waiting = true,
            World::Xenolith => self.write(self.record + DUE, 1, 1),
        }
        self.deliver();
    }

    /// Has the handler run if it may.
    fn deliver(&mut self) {
        let due = match self.world {
            World::Native => self.waiting && self.flags & IF != 0,
            World::Xenolith => self.read(self.record + DUE, 1) != 0 && self.mask() == 0,
        };
        if due {
            self.waiting = false;
            self.write(self.record + DUE, 1, 0);
            self.served += 1;
        }
    }

    /// The event mask.
    pub(super) fn mask(&self) -> u64 {
        self.read(self.record + MASK, 1)
    }

    /// Sets the event mask.
    pub(super) fn set_mask(&mut self, mask: u8) {
        self.write(self.record + MASK, 1, mask.into());
    }

    /// Makes an upcall due, or an interrupt wait, that nobody takes yet.
    pub(super) fn set_due(&mut self) {
        self.waiting = true;
        self.write(self.record + DUE, 1, 1);
    }

    /// Whether interrupts or events are enabled.
    pub(super) fn is_enabled(&self) -> bool {
        match self.world {
            World::Native => self.flags & IF != 0,
            World::Xenolith => self.mask() == 0,
        }
    }

    /// What others can see.
    pub(super) fn visible(&self) -> Visible {
        let mut memory = self.memory.clone();
        memory.retain(|at, _| !(STACK - 0x1000..self.registers[4]).contains(at));
        let interrupts = (self.waiting, self.served, self.flags & IF);
        Visible { memory, interrupts, notes: self.notes.clone() }
    }

    fn read(&self, address: u64, bytes: usize) -> u64 {
        let byte = |at| match self.memory.get(&at) {
            Some(byte) => *byte,
            None => self.program.bytes(at, 1).map_or(0, |it| it[0]),
        };
        let all = (address..).take(bytes).map(byte);
        all.enumerate().fold(0, |value, (index, byte)| value | u64::from(byte) << (8 * index))
    }

    fn write(&mut self, address: u64, bytes: usize, value: u64) {
        self.memory.extend((address..).zip(value.to_le_bytes()).take(bytes));
    }

    fn push(&mut self, value: u64) {
        self.registers[4] -= 8;
        self.write(self.registers[4], 8, value);
    }

    fn pop(&mut self) -> u64 {
        let value = self.read(self.registers[4], 8);
        self.registers[4] += 8;
        value
    }
}
