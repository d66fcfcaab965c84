//! A line of the console that may end with an address.

/// Bytes of a line that are looked at.
const MAX_BYTES: usize = 300;

/// What a line of the hypervisor's log starts with.
const LOG_PREFIX: &str = "(XL) ";

/// In which image an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The hypervisor's.
    Hypervisor,
    /// The guest's.
    Guest,
}

/// What has come of a line.
#[derive(Debug, Default)]
pub(super) struct Line {
    bytes: Vec<u8>,
}

impl Line {
    /// Takes a byte; returns the address that the line says, if the byte ends it.
    pub(super) fn take(&mut self, byte: u8) -> Option<(Whose, u64)> {
        if !matches!(byte, b'\r' | b'\n') {
            if self.bytes.len() <= MAX_BYTES {
                self.bytes.push(byte);
            }
            return None;
        }
        let line = std::mem::take(&mut self.bytes);
        std::str::from_utf8(&line).ok().and_then(address)
    }
}

/// The address with which a line ends: one of a backtrace, or one that tells what a guest asked for.
fn address(line: &str) -> Option<(Whose, u64)> {
    let (before, digits) = line.rsplit_once(" at 0x")?;
    let (whose, before) = match before.strip_prefix(LOG_PREFIX) {
        None => (Whose::Guest, before),
        Some(entry) => {
            let (_, text) = entry.split_once(": ")?;
            if text.starts_with("domain ") && text.ends_with(", asked for") {
                return Some((Whose::Guest, read(digits)?));
            }
            match text.strip_suffix("guest") {
                Some(text) => (Whose::Guest, text),
                None => (Whose::Hypervisor, text),
            }
        }
    };
    let address = before.trim().is_empty().then(|| read(digits))??;
    Some((whose, address))
}

/// An address, with all its digits.
fn read(digits: &str) -> Option<u64> {
    u64::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_backtraces_say_whose_address_it_is() {
        let address = 0xffff_ffff_8010_4ac5;
        for (line, whose) in [
            ("  at 0xffffffff80104ac5", Whose::Guest),
            ("(XL) error:   at 0xffffffff80104ac5", Whose::Hypervisor),
            ("(XL) error:   guest at 0xffffffff80104ac5", Whose::Guest),
            ("(XL) info: domain 1 vcpu 0: x(), asked for at 0xffffffff80104ac5", Whose::Guest),
        ] {
            assert_eq!(super::address(line), Some((whose, address)), "{line}");
        }
    }

    #[test]
    fn other_lines_say_nothing() {
        for line in [
            "",
            "  at 0xffffffff80104ac",
            "  at 0xffffffff80104acg",
            "  at 0xffffffff80104ac5 and more",
            "arrived at 0xffffffff80104ac5",
            "domain 1 vcpu 0: x(), asked for at 0xffffffff80104ac5",
            "(XL) info: local APICs at 0x00000000fee00000",
        ] {
            assert_eq!(address(line), None, "{line}");
        }
    }

    #[test]
    fn a_line_comes_in_pieces_and_may_be_long() {
        let mut line = Line::default();
        let mut take = |text: &str| text.bytes().filter_map(|byte| line.take(byte)).count();
        assert_eq!(take("  at 0xffffffff"), 0);
        assert_eq!(take("80104ac5\r\n"), 1);
        assert_eq!(take(&"x".repeat(10_000)), 0);
        assert_eq!(take("\n  at 0xffffffff80104ac5\n"), 1);
    }
}
