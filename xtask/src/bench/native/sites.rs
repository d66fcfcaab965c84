//! What the bench is given: sites of the paired kernel as linked and patched.

use std::path::Path;

use anyhow::{Context, Result};
use iced_x86::{Decoder, DecoderOptions, Mnemonic};
use serde::Serialize;
use xenolith_guest::pvops::{Op, World};

use crate::sites::records::Program;

/// Where the bench has memory for the vCPU's record: instructions hold addresses of 31 bits.
const RECORD: u64 = 0x1000_0000;

/// The operations that are measured.
const OPERATIONS: [Op; 4] = [Op::IrqDisable, Op::IrqEnable, Op::SaveFl, Op::RestoreFl];

const NOP: u8 = 0x90;

/// The contents of the file.
#[derive(Serialize)]
struct Kit {
    record: u64,
    sites: Vec<Site>,
}

/// A site of one operation in one world.
#[derive(Debug, Serialize)]
struct Site {
    op: &'static str,
    world: String,
    linked: Vec<u8>,
    code: Vec<u8>,
    padding: Vec<u8>,
}

/// Takes the sites from a linked kernel; returns the text of the file.
///
/// # Errors
/// The kernel lacks one, or its records make no sense.
pub(super) fn kit(kernel: &Path) -> Result<String> {
    let program = Program::of_path(kernel)?;
    let mut sites = Vec::new();
    for world in World::ALL {
        for op in OPERATIONS {
            sites.push(site(&program, op, world)?);
        }
    }
    serde_json::to_string(&Kit { record: RECORD, sites }).context("cannot write JSON")
}

fn site(program: &Program, op: Op, world: World) -> Result<Site> {
    let found = program.sites.iter().find(|site| site.op() == Some(op));
    let site = found.with_context(|| format!("no site of {}", op.name()))?;
    let mut code = program.patched_site(site, world, RECORD)?;
    let padding = code.split_off(program.alternative_bytes(op, world)?);
    let linked = program.bytes(site.address, site.length.into())?.to_vec();
    Ok(Site { op: op.name(), world: format!("{world:?}"), linked, code: without_if(code), padding })
}

/// The same instructions with NOPs in the place of CLI and STI, which ring 3 cannot execute.
fn without_if(mut code: Vec<u8>) -> Vec<u8> {
    let decoded: Vec<_> = Decoder::new(64, &code, DecoderOptions::NONE).iter().collect();
    for instruction in decoded {
        if matches!(instruction.mnemonic(), Mnemonic::Cli | Mnemonic::Sti)
            && let Some(byte) =
                usize::try_from(instruction.ip()).ok().and_then(|at| code.get_mut(at))
        {
            *byte = NOP;
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_instructions_become_nops() {
        // `test edi, 0xfafbfafb; sti; cli; ret`
        let code = vec![0xf7, 0xc7, 0xfb, 0xfa, 0xfb, 0xfa, 0xfb, 0xfa, 0xc3];
        let expected = [0xf7, 0xc7, 0xfb, 0xfa, 0xfb, 0xfa, NOP, NOP, 0xc3];
        assert_eq!(without_if(code), expected);
    }
}
