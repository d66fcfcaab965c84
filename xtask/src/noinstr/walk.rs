//! Every path through entry code, from each function's first instruction: is ordinary code reached
//! only behind a point that allows it?

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, Instruction};

use super::binary::EntryCode;

/// Returns what breaks the rule, in words.
///
/// Functions start with ordinary code not allowed. So does whatever no path reaches: it may be an
/// entry point that has no name.
pub(crate) fn violations(code: &EntryCode) -> Vec<String> {
    let mut walk = Walk { code, seen: BTreeMap::new(), left: Vec::new(), violations: Vec::new() };
    for &function in code.functions.keys() {
        walk.follow(function);
    }
    let mut at = 0;
    while at < code.bytes.len() {
        let address = code.start + u64::try_from(at).expect("a program is small");
        // Never inside an instruction that was reached: those are skipped whole.
        let length = walk.seen.get(&address).map(|seen| seen.length);
        at += length.unwrap_or_else(|| {
            walk.follow(address);
            walk.seen.get(&address).map_or(1, |seen| seen.length)
        });
    }
    walk.violations
}

/// An instruction that was reached.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Whether ordinary code was allowed before it.
    allowed: bool,
    /// Bytes.
    length: usize,
}

/// A walk under way.
struct Walk<'a> {
    code: &'a EntryCode,
    seen: BTreeMap<u64, Seen>,
    /// Where to go on, and whether ordinary code is allowed there.
    left: Vec<(u64, bool)>,
    violations: Vec<String>,
}

impl Walk<'_> {
    /// Goes all paths from `address`.
    fn follow(&mut self, address: u64) {
        self.left.push((address, false));
        while let Some((address, allowed)) = self.left.pop() {
            match self.seen.get(&address) {
                Some(seen) if seen.allowed == allowed => {}
                Some(_) => self.violation(address, "reached from inside and outside a stretch"),
                None => self.step(address, allowed),
            }
        }
    }

    /// Looks at one instruction.
    fn step(&mut self, address: u64, allowed: bool) {
        let Some(offset) = self.code.offset(address) else {
            return self.violation(address, "runs out of the section");
        };
        let bytes = &self.code.bytes[offset..];
        let instruction = Decoder::with_ip(64, bytes, address, DecoderOptions::NONE).decode();
        if instruction.is_invalid() {
            return self.violation(address, "no instruction");
        }
        self.seen.insert(address, Seen { allowed, length: instruction.len() });
        // A point is a `nop` of its own, which takes effect at once.
        let allowed = self.code.points.get(&address).copied().unwrap_or(allowed);
        self.go_on(&instruction, allowed);
    }

    /// Goes where an instruction leads.
    fn go_on(&mut self, instruction: &Instruction, allowed: bool) {
        let (address, next) = (instruction.ip(), instruction.next_ip());
        let target = instruction.near_branch_target();
        let leaves = target != 0 && !self.code.contains(target);
        match instruction.flow_control() {
            FlowControl::Return if allowed => self.violation(address, "returns inside a stretch"),
            FlowControl::Return | FlowControl::Exception | FlowControl::Interrupt => {}
            // SYSCALL, into the hypervisor.
            FlowControl::Call if instruction.code() == Code::Syscall => {
                self.left.push((next, allowed));
            }
            FlowControl::IndirectCall | FlowControl::IndirectBranch if self.is_site(address) => {
                self.go_through_table(instruction, allowed);
            }
            FlowControl::Call | FlowControl::IndirectCall => {
                if !allowed && (leaves || target == 0) {
                    self.violation(address, "calls ordinary code outside a stretch");
                }
                self.left.push((next, allowed));
            }
            FlowControl::IndirectBranch => self.violation(address, "jumps who knows where"),
            FlowControl::UnconditionalBranch if leaves => {
                self.violation(address, "jumps out of the section");
            }
            FlowControl::UnconditionalBranch => self.left.push((target, allowed)),
            FlowControl::ConditionalBranch => {
                if leaves {
                    self.violation(address, "jumps out of the section");
                } else {
                    self.left.push((target, allowed));
                }
                self.left.push((next, allowed));
            }
            _ => self.left.push((next, allowed)),
        }
    }

    fn is_site(&self, address: u64) -> bool {
        self.code.sites.contains_key(&address)
    }

    /// Goes on from a site of an operation. Its functions are walked on their own.
    fn go_through_table(&mut self, site: &Instruction, allowed: bool) {
        let functions = &self.code.sites[&site.ip()];
        let leaves = functions.iter().any(|function| !self.code.contains(*function));
        if site.flow_control() == FlowControl::IndirectCall {
            if leaves && !allowed {
                self.violation(site.ip(), "an operation is ordinary code outside a stretch");
            }
            self.left.push((site.next_ip(), allowed));
        } else if leaves || allowed {
            self.violation(site.ip(), "an operation jumps out of the section or a stretch");
        }
    }

    /// Notes that something breaks the rule.
    fn violation(&mut self, address: u64, what: &str) {
        self.violations.push(format!("{}: {what}", self.code.describe(address)));
    }
}
