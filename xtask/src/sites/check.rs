//! What must hold for each site, as linked and in each world: whole instructions, no path out but a
//! call, a stack as it was, and no register changed that the compiler counts on.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use iced_x86::{
    FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, Register, RflagsBits,
};
use xenolith_guest::pvops::{Op, Registers, Site, World};

use super::disassembly::{instructions, is_through_table};
use super::records::Program;

/// What a call of C changes.
const OF_C: Registers =
    Registers::named(&["rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "flags"]);

/// Returns what is wrong with the sites of a program.
///
/// # Errors
/// The records make no sense.
pub(super) fn everything(program: &Program) -> Result<Vec<String>> {
    let mut wrong = missing(program);
    wrong.extend(overlaps(&program.sites));
    for site in &program.sites {
        wrong.extend(boundaries(program, site)?);
        let bytes = program.bytes(site.address, site.length.into())?;
        note(&mut wrong, site, "as linked", as_linked(program, site, bytes));
    }
    for world in World::ALL {
        for (site, bytes) in program.sites.iter().zip(program.patched(world)?) {
            note(&mut wrong, site, &format!("{world:?}"), patched(program, site, &bytes));
        }
    }
    Ok(wrong)
}

fn note(wrong: &mut Vec<String>, site: &Site, what: &str, found: Vec<String>) {
    let name = site.op().map_or("?", Op::name);
    wrong.extend(found.into_iter().map(|it| format!("{:#x} {name}, {what}: {it}", site.address)));
}

/// Operations without a function, in some world.
fn missing(program: &Program) -> Vec<String> {
    let is_there = |op, world| {
        program.functions.iter().filter(|it| it.op() == Some(op) && it.is_of(world)).count() == 1
    };
    let all = Op::ALL.iter().flat_map(|op| World::ALL.map(|world| (*op, world)));
    all.filter(|(op, world)| !is_there(*op, *world))
        .map(|(op, world)| format!("{} has not one function: {world:?}", op.name()))
        .collect()
}

fn overlaps(sites: &[Site]) -> Vec<String> {
    let is_over = |pair: &&[Site]| pair[0].address + u64::from(pair[0].length) > pair[1].address;
    let pairs = sites.windows(2).filter(is_over);
    pairs.map(|pair| format!("{:#x} overlaps the next site", pair[0].address)).collect()
}

/// Whether instructions of the function around a site begin where the site begins and where it ends.
fn boundaries(program: &Program, site: &Site) -> Result<Option<String>> {
    let address = site.address;
    let (start, bytes, name) =
        program.function_at(address).with_context(|| format!("no function holds {address:#x}"))?;
    let code = program.bytes(start, bytes.try_into()?)?;
    let ends = instructions(code, start).iter().map(Instruction::next_ip).collect::<BTreeSet<_>>();
    let has = |at: u64| at == start || ends.contains(&at);
    let whole = has(address) && has(address + u64::from(site.length));
    Ok((!whole).then(|| format!("{address:#x} crosses an instruction of {name}")))
}

/// What is wrong with a site that calls through the table.
fn as_linked(program: &Program, site: &Site, bytes: &[u8]) -> Vec<String> {
    let mut found = contents(program, site, bytes);
    let kinds: Vec<_> =
        instructions(bytes, site.address).iter().map(Instruction::flow_control).collect();
    let expected = if site.op().is_some_and(Op::is_jump) {
        FlowControl::IndirectBranch
    } else {
        FlowControl::IndirectCall
    };
    if kinds.first() != Some(&expected) {
        found.push("it does not begin with a call or jump through the table".to_owned());
    }
    found
}

/// What is wrong with a patched site.
fn patched(program: &Program, site: &Site, bytes: &[u8]) -> Vec<String> {
    let mut found = contents(program, site, bytes);
    let decoded = instructions(bytes, site.address);
    if decoded.iter().any(is_through_table) {
        found.push("it still goes through the table".to_owned());
    }
    if padding(&decoded) > longest_padding(&decoded) {
        found.push("there are more NOPs than needed".to_owned());
    }
    found
}

/// How many NOPs there are.
fn padding(decoded: &[Instruction]) -> usize {
    decoded.iter().filter(|it| it.mnemonic() == Mnemonic::Nop).count()
}

/// How many NOPs of up to nine bytes the same padding needs.
fn longest_padding(decoded: &[Instruction]) -> usize {
    let nops = decoded.iter().filter(|it| it.mnemonic() == Mnemonic::Nop);
    nops.map(Instruction::len).sum::<usize>().div_ceil(9)
}

/// What is wrong with a site whatever it holds.
fn contents(program: &Program, site: &Site, bytes: &[u8]) -> Vec<String> {
    let decoded = instructions(bytes, site.address);
    let mut found = Vec::new();
    if decoded.iter().any(Instruction::is_invalid) {
        found.push("it has bytes that are no instruction".to_owned());
    }
    let is_jump = site.op().is_some_and(Op::is_jump);
    if !is_jump
        && decoded.iter().map(Instruction::stack_pointer_increment).sum::<i32>() != calls(&decoded)
    {
        found.push("it leaves another stack pointer".to_owned());
    }
    let mut changed = Registers::from_bits(0);
    for instruction in &decoded {
        found.extend(wrong_branch(site, &decoded, instruction));
        changed = changed.union(changes(program, instruction));
    }
    let changed = changed.without(put_back(&decoded));
    if !is_jump && !site.changes().contains(changed) {
        found.push(format!("it changes [{changed}], but may change [{}]", site.changes()));
    }
    found
}

/// Registers that a move saves in another, and an exchange of the two puts back.
fn put_back(decoded: &[Instruction]) -> Registers {
    let pair = |it: &Instruction| BTreeSet::from([it.op0_register(), it.op1_register()]);
    let of = |mnemonic| decoded.iter().filter(move |it| it.mnemonic() == mnemonic);
    let saved = of(Mnemonic::Mov).filter(|mov| {
        mov.op1_register().is_gpr64()
            && of(Mnemonic::Xchg).any(|it| it.ip() > mov.ip() && pair(it) == pair(mov))
    });
    saved.fold(Registers::from_bits(0), |all, mov| all.union(register(mov.op1_register())))
}

fn register(register: Register) -> Registers {
    Registers::from_bits(u32::try_from(register.number()).map_or(0, |number| 1 << number))
}

/// What calls leave on the stack, as far as the disassembler knows: return addresses.
fn calls(decoded: &[Instruction]) -> i32 {
    let is_call = |it: &&Instruction| {
        matches!(it.flow_control(), FlowControl::Call | FlowControl::IndirectCall)
            && it.mnemonic() == Mnemonic::Call
    };
    -8 * i32::try_from(decoded.iter().filter(is_call).count()).unwrap_or(i32::MAX / 8)
}

/// A branch that leads neither to an instruction of the site nor behind it.
fn wrong_branch(site: &Site, decoded: &[Instruction], branch: &Instruction) -> Option<String> {
    let conditional = branch.flow_control() == FlowControl::ConditionalBranch;
    let jump = branch.flow_control() == FlowControl::UnconditionalBranch;
    let target = branch.near_branch_target();
    let is_inside = decoded.iter().any(|it| it.ip() == target)
        || target == site.address + u64::from(site.length);
    ((conditional || jump) && !is_inside).then(|| format!("it branches to {target:#x}"))
}

/// The registers that an instruction changes and that a compiler may count on.
fn changes(program: &Program, instruction: &Instruction) -> Registers {
    if instruction.flow_control() == FlowControl::Call && instruction.mnemonic() == Mnemonic::Call {
        // What entry code has for it preserves registers, as the model checks by executing it.
        let target = instruction.near_branch_target();
        return if program.is_entry_code(target) { Registers::FLAGS } else { OF_C };
    }
    let mut factory = InstructionInfoFactory::new();
    let mut changed = Registers::from_bits(0);
    for used in factory.info(instruction).used_registers() {
        let is_written = !matches!(used.access(), OpAccess::Read | OpAccess::CondRead);
        let full = used.register().full_register();
        if is_written && full != Register::RSP && full.is_gpr64() {
            changed = changed.union(register(full));
        }
    }
    let arithmetic = RflagsBits::OF
        | RflagsBits::SF
        | RflagsBits::ZF
        | RflagsBits::AF
        | RflagsBits::CF
        | RflagsBits::PF;
    if instruction.rflags_modified() & arithmetic != 0 {
        changed = changed.union(Registers::FLAGS);
    }
    changed
}
