//! Sites in words: what they are, and their instructions.

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Formatter, Instruction, IntelFormatter, SymbolResolver,
    SymbolResult,
};
use xenolith_guest::pvops::{Op, Site};

use super::records::Program;

/// What stands above a site's instructions.
pub(super) fn heading(program: &Program, site: &Site, op: Op) -> String {
    let place = match program.function_at(site.address) {
        Some((start, _, name)) => format!("{}+{:#x}", plain(name), site.address - start),
        None => "?".to_owned(),
    };
    let (address, length, changes) = (site.address, site.length, site.changes());
    format!("{address:#x}  {}  {length} bytes  changes [{changes}]  in {place}", op.name())
}

/// The instructions in these bytes at this address, under a name; adjacent NOPs as one.
pub(super) fn listing(program: &Program, name: &str, bytes: &[u8], address: u64) -> String {
    let mut formatter = IntelFormatter::with_options(Some(Box::new(Names(program.clone()))), None);
    let mut parts: Vec<String> = Vec::new();
    let mut padding = 0;
    for instruction in instructions(bytes, address) {
        if instruction.mnemonic() == iced_x86::Mnemonic::Nop {
            padding += instruction.len();
            continue;
        }
        let mut text = String::new();
        formatter.format(&instruction, &mut text);
        parts.push(text);
    }
    if padding > 0 {
        parts.push(format!("({padding} bytes of NOPs)"));
    }
    format!("    {name:<10} {}", parts.join("; "))
}

/// Decodes bytes at an address.
pub(super) fn instructions(bytes: &[u8], address: u64) -> Vec<Instruction> {
    Decoder::with_ip(64, bytes, address, DecoderOptions::NONE).iter().collect()
}

/// Whether an instruction is a call or jump through memory.
pub(super) fn is_through_table(instruction: &Instruction) -> bool {
    matches!(instruction.flow_control(), FlowControl::IndirectCall | FlowControl::IndirectBranch)
}

/// Names of functions in the place of addresses.
struct Names(Program);

impl SymbolResolver for Names {
    fn symbol(
        &mut self,
        _: &Instruction,
        _: u32,
        _: Option<u32>,
        address: u64,
        _: u32,
    ) -> Option<SymbolResult<'_>> {
        let (start, _, name) = self.0.function_at(address)?;
        (start == address).then(|| SymbolResult::with_string(address, plain(name)))
    }
}

/// The last two parts of a mangled name; other names as they are.
fn plain(name: &str) -> String {
    let Some(mut rest) = name.strip_prefix("_ZN") else { return name.to_owned() };
    let mut parts = Vec::new();
    while let Some(end) = rest.find(|c: char| !c.is_ascii_digit()).filter(|end| *end > 0) {
        let Ok(length) = rest[..end].parse::<usize>() else { break };
        let Some(part) = rest.get(end..end + length) else { break };
        parts.push(part);
        rest = &rest[end + length..];
    }
    // The last one is the hash.
    parts.pop();
    let from = parts.len().saturating_sub(2);
    parts[from..].join("::")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mangled_names_become_plain() {
        let mangled = "_ZN14xenolith_guest5pvops6native8io_delay17hc97d1f4bc14c2e10E";
        assert_eq!(plain(mangled), "native::io_delay");
        assert_eq!(plain("main"), "main");
        assert_eq!(plain("_ZN"), "");
        assert_eq!(plain("_ZN99short"), "");
    }
}
