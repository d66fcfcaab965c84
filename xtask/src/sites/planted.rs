//! Records that are damaged on purpose: the checks are checked.

use anyhow::{Context, Result, ensure};
use xenolith_guest::pvops::{Op, Site, World};
use zerocopy::{FromBytes, IntoBytes};

use super::records::Program;
use super::{agreement, check};

/// Damages a program in all ways that there are; returns how many were found.
///
/// # Errors
/// A damage is not found.
pub(super) fn find_all(program: &Program) -> Result<usize> {
    let program = few_sites(program);
    for (name, damage) in DAMAGES {
        let mut damaged = program.clone();
        damage(&mut damaged).with_context(|| format!("cannot plant: {name}"))?;
        let is_found = check::everything(&damaged).map_or(true, |wrong| !wrong.is_empty())
            || agreement::check(&damaged).is_err();
        ensure!(is_found, "planted and not found: {name}");
    }
    Ok(DAMAGES.len())
}

/// The program with one site of each operation, so that checks are short.
fn few_sites(program: &Program) -> Program {
    let mut few = program.clone();
    let first = |op| program.sites.iter().find(|site| site.op() == Some(op)).copied();
    few.sites = Op::ALL.iter().filter_map(|op| first(*op)).collect();
    few.sites.sort_by_key(|site| site.address);
    few
}

type Damage = fn(&mut Program) -> Result<()>;

const DAMAGES: [(&str, Damage); 8] = [
    ("a site that begins inside an instruction", |it| {
        site(it, Op::SaveFl)?.address += 1;
        Ok(())
    }),
    ("a site that is too short", |it| {
        site(it, Op::SaveFl)?.length -= 1;
        Ok(())
    }),
    ("a site of another operation", |it| {
        let op = Op::SafeHalt.number();
        change(site(it, Op::FlushTlbOne)?, 12, &[op])
    }),
    ("a site whose register the compiler counts on", |it| {
        change(site(it, Op::SaveFl)?, 8, &[0, 0, 1, 0])
    }),
    ("a site whose flags the compiler counts on", |it| {
        change(site(it, Op::RestoreFl)?, 8, &[0; 4])
    }),
    ("functions of two operations exchanged", |it| {
        let find = |op| {
            let is_it = |it: &xenolith_guest::pvops::Function| {
                it.op() == Some(op) && it.is_of(World::Xenolith)
            };
            it.functions.iter().position(is_it).context("no such function")
        };
        let (enable, disable) = (find(Op::IrqEnable)?, find(Op::IrqDisable)?);
        let address = it.functions[enable].address;
        it.functions[enable].address = it.functions[disable].address;
        it.functions[disable].address = address;
        Ok(())
    }),
    ("an alternative without its last instruction", |it| {
        let is_it = |it: &&mut xenolith_guest::pvops::Alternative| {
            it.op() == Some(Op::SaveFl) && it.is_of(World::Native)
        };
        it.alternatives.iter_mut().find(is_it).context("no such alternative")?.length -= 5;
        Ok(())
    }),
    ("an address that is not put in", |it| it.fixups.pop().map(drop).context("no fixups")),
];

/// The site of an operation.
fn site(program: &mut Program, op: Op) -> Result<&mut Site> {
    let mut sites = program.sites.iter_mut();
    sites.find(|site| site.op() == Some(op)).with_context(|| format!("no site of {}", op.name()))
}

/// Replaces bytes of a site's record.
fn change(site: &mut Site, offset: usize, new: &[u8]) -> Result<()> {
    let mut bytes = site.as_bytes().to_vec();
    bytes[offset..offset + new.len()].copy_from_slice(new);
    *site = Site::read_from_bytes(&bytes).ok().context("a record has another size")?;
    Ok(())
}
