//! One instruction after the other.

use anyhow::{Result, bail};
use iced_x86::{Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register};

use super::{IF, Machine};

const CF: u64 = 1;
const ZF: u64 = 1 << 6;
const SF: u64 = 1 << 7;

/// Registers that a call of C changes, by number.
const OF_C: [usize; 9] = [0, 1, 2, 6, 7, 8, 9, 10, 11];

const RAX: usize = 0;
const RCX: usize = 1;
const R11: usize = 11;

/// Words that `iret` finds on the stack of a hypercall, and on that of a bare processor.
const IRET_CONTEXT: u64 = 9;
const IRET_FRAME: u64 = 5;

impl Machine<'_> {
    /// Goes to a function; ordinary code is no more than noted.
    pub(super) fn enter(&mut self, function: u64) {
        if self.program.is_entry_code(function) {
            self.rip = function;
            return;
        }
        let arguments = [self.registers[7], self.registers[6]];
        self.note(&format!("call {function:#x}"), &arguments);
        for register in OF_C {
            self.registers[register] = mixed(register as u64, &arguments);
        }
        self.rip = self.pop();
    }

    fn note(&mut self, what: &str, arguments: &[u64]) {
        self.notes.push(format!("{what} {arguments:x?}"));
    }

    /// Executes an instruction whose successor RIP names already.
    pub(super) fn step(&mut self, it: &Instruction) -> Result<()> {
        match it.mnemonic() {
            Mnemonic::Mov if is_ordinary(it) => self.store(it, 0, self.value(it, 1)?)?,
            Mnemonic::Cmp
            | Mnemonic::Test
            | Mnemonic::And
            | Mnemonic::Xor
            | Mnemonic::Sbb
            | Mnemonic::Shr
            | Mnemonic::Add => self.arithmetic(it)?,
            Mnemonic::Xchg => {
                let (left, right) = (self.value(it, 0)?, self.value(it, 1)?);
                self.store(it, 0, right)?;
                self.store(it, 1, left)?;
            }
            Mnemonic::Je if self.flags & ZF != 0 => self.rip = it.near_branch_target(),
            Mnemonic::Jne if self.flags & ZF == 0 => self.rip = it.near_branch_target(),
            Mnemonic::Nop | Mnemonic::Je | Mnemonic::Jne => {}
            Mnemonic::Jmp => self.enter(it.near_branch_target()),
            Mnemonic::Call => {
                self.push(it.next_ip());
                self.enter(it.near_branch_target());
            }
            Mnemonic::Ret => self.rip = self.pop(),
            Mnemonic::Push => self.push(self.value(it, 0)?),
            Mnemonic::Pop => {
                let value = self.pop();
                self.store(it, 0, value)?;
            }
            Mnemonic::Pushfq => self.push(self.flags),
            Mnemonic::Cli => self.flags &= !IF,
            Mnemonic::Sti => {
                self.flags |= IF;
                self.deliver();
            }
            Mnemonic::Syscall => self.hypercall(it),
            Mnemonic::Iretq => self.leave("iretq", IRET_FRAME),
            Mnemonic::Sysretq => self.leave("sysretq", 0),
            _ => self.other(it),
        }
        Ok(())
    }

    fn arithmetic(&mut self, it: &Instruction) -> Result<()> {
        let bits = 8 * width(it, 0);
        let (left, right) = (self.value(it, 0)?, self.value(it, 1)?);
        let borrow = u64::from(it.mnemonic() == Mnemonic::Sbb && self.flags & CF != 0);
        let (result, carry) = match it.mnemonic() {
            Mnemonic::Cmp | Mnemonic::Sbb => {
                (left.wrapping_sub(right).wrapping_sub(borrow), left < right + borrow)
            }
            Mnemonic::Add => (left.wrapping_add(right), left.checked_add(right).is_none()),
            Mnemonic::Xor => (left ^ right, false),
            Mnemonic::Shr => (left >> right, right != 0 && left >> (right - 1) & 1 != 0),
            _ => (left & right, false),
        };
        let result = result & (u64::MAX >> (64 - bits));
        self.flags &= !(CF | ZF | SF);
        self.flags |= if carry { CF } else { 0 } | if result == 0 { ZF } else { 0 };
        self.flags |= if result >> (bits - 1) & 1 != 0 { SF } else { 0 };
        if !matches!(it.mnemonic(), Mnemonic::Cmp | Mnemonic::Test) {
            self.store(it, 0, result)?;
        }
        Ok(())
    }

    /// `iret` leaves for good; any other has an upcall that is due delivered on its way back.
    fn hypercall(&mut self, it: &Instruction) {
        let number = self.registers[RAX];
        if number == u64::from(xenolith_guest::abi::hypercall::IRET) {
            return self.leave("iret", IRET_CONTEXT);
        }
        self.registers[RAX] = mixed(number, &[]);
        self.registers[RCX] = it.next_ip();
        self.registers[R11] = self.flags;
        self.deliver();
    }

    /// Notes the frame at RSP and ends the operation.
    fn leave(&mut self, how: &str, words: u64) {
        let frame: Vec<_> =
            (0..words).map(|word| self.read(self.registers[4] + 8 * word, 8)).collect();
        let registers = self.registers;
        self.note(how, &[&frame[..], &registers].concat());
        self.has_left = true;
    }

    /// What the model has no result for.
    fn other(&mut self, it: &Instruction) {
        let mut factory = InstructionInfoFactory::new();
        let used = factory.info(it).used_registers();
        let of = |access: fn(OpAccess) -> bool| {
            let those = used.iter().filter(move |used| access(used.access()));
            those.map(|used| used.register().full_register()).filter(|it| it.is_gpr64())
        };
        let is_read = |it| matches!(it, OpAccess::Read | OpAccess::ReadWrite | OpAccess::CondRead);
        let is_written = |it| matches!(it, OpAccess::Write | OpAccess::ReadWrite);
        let inputs: Vec<_> = of(is_read).map(|it| self.registers[it.number()]).collect();
        let outputs: Vec<_> = of(is_written).map(Register::number).collect();
        self.note(&format!("{it}"), &inputs);
        for output in outputs {
            self.registers[output] = mixed(output as u64, &inputs);
        }
        if it.mnemonic() == Mnemonic::Hlt {
            self.deliver();
        }
    }

    fn address(&self, it: &Instruction) -> Result<u64> {
        let value = |register: Register, _: usize, _: usize| match register {
            Register::DS | Register::SS | Register::ES | Register::CS => Some(0),
            _ => Some(self.registers[register.full_register().number()]),
        };
        match it.virtual_address(memory_operand(it), 0, value) {
            Some(address) => Ok(address),
            None => bail!("{it} has no address"),
        }
    }

    fn value(&self, it: &Instruction, operand: u32) -> Result<u64> {
        let mask = u64::MAX >> (64 - 8 * width(it, operand));
        Ok(mask
            & match it.op_kind(operand) {
                OpKind::Register => self.register(it.op_register(operand))?,
                OpKind::Memory => self.read(self.address(it)?, width(it, operand)),
                _ => match it.try_immediate(operand) {
                    Ok(value) => value,
                    Err(_) => bail!("{it} has an operand of another kind"),
                },
            })
    }

    fn register(&self, register: Register) -> Result<u64> {
        if !register.is_gpr()
            || matches!(register, Register::AH | Register::BH | Register::CH | Register::DH)
        {
            bail!("the model has no {register:?}");
        }
        Ok(self.registers[register.full_register().number()])
    }

    fn store(&mut self, it: &Instruction, operand: u32, value: u64) -> Result<()> {
        let bytes = width(it, operand);
        if it.op_kind(operand) == OpKind::Memory {
            let address = self.address(it)?;
            self.write(address, bytes, value);
            return Ok(());
        }
        let old = self.register(it.op_register(operand))?;
        let number = it.op_register(operand).full_register().number();
        self.registers[number] = match bytes {
            8 => value,
            // The upper half becomes zero.
            4 => value & u64::from(u32::MAX),
            _ => {
                let mask = u64::MAX >> (64 - 8 * bytes);
                old & !mask | value & mask
            }
        };
        Ok(())
    }
}

/// Whether all operands are general registers, memory and numbers.
fn is_ordinary(it: &Instruction) -> bool {
    let mut registers = (0..it.op_count()).filter(|&op| it.op_kind(op) == OpKind::Register);
    registers.all(|op| it.op_register(op).is_gpr())
}

fn memory_operand(it: &Instruction) -> u32 {
    (0..it.op_count()).find(|&op| it.op_kind(op) == OpKind::Memory).unwrap_or(0)
}

/// Bytes of an operand.
fn width(it: &Instruction, operand: u32) -> usize {
    match it.op_kind(operand) {
        OpKind::Register => it.op_register(operand).size(),
        OpKind::Memory => it.memory_size().size(),
        // An immediate is as wide as what it is combined with.
        _ if operand > 0 => width(it, 0),
        _ => 8,
    }
}

/// A number that depends on others.
fn mixed(seed: u64, numbers: &[u64]) -> u64 {
    numbers.iter().fold(seed ^ 0x9e37_79b9_7f4a_7c15, |sum, number| {
        (sum ^ number).wrapping_mul(0xbf58_476d_1ce4_e5b9).rotate_left(29)
    })
}
